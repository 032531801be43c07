/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the tests of section .ktests one after another and reports in TAP.
 *
 * `failures` counts those of the running test; tests may fail expectations from several CPUs at
 * once, so it is atomic.
 */
#include "tests/kernel/ktest.h"

#include "arch/clock.h"
#include "arch/machine.h"
#include "lib/format.h"
#include "lib/string.h"

#define LINE_LENGTH 256

extern const struct ktest ktests_start[], ktests_end[];

static u32 failures;            /* atomic: of the test that runs */
static const char *skip_reason; /* of the test that runs */

static void print_line(const char *format, ...) __printf(1, 2);
static void print_line(const char *format, ...)
{
	char line[LINE_LENGTH];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	length = MIN(length, LINE_LENGTH - 2);
	line[length++] = '\n';
	early_console_write(line, (size_t)length);
}

bool ktest_expect(bool holds, const char *condition, const char *file, int line)
{
	if (!holds) {
		__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
		print_line("# %s:%d: expected: %s", file, line, condition);
	}
	return holds;
}

void ktest_skip(const char *reason)
{
	skip_reason = reason;
}

static void run_one(const struct ktest *test, unsigned number)
{
	failures = 0;
	skip_reason = NULL;
	nsec_t start = clock_monotonic();
	test->run();
	unsigned milliseconds = (unsigned)((clock_monotonic() - start) / NSEC_PER_MSEC);
	if (skip_reason != NULL)
		print_line("ok %u - %s # SKIP %s", number, test->name, skip_reason);
	else
		print_line("%sok %u - %s # %u ms", failures ? "not " : "", number, test->name,
			   milliseconds);
}

void ktest_run_all(const char *prefix)
{
	unsigned count = 0;

	print_line("TAP version 13");
	for (const struct ktest *test = ktests_start; test < ktests_end; test++)
		if (strncmp(test->name, prefix, strlen(prefix)) == 0)
			run_one(test, ++count);
	print_line("1..%u", count);
	machine_power_off();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests inside the booted kernel.
 *
 *	KTEST(a_name_that_says_what_is_proved)
 *	{
 *		KEXPECT(condition);
 *	}
 *
 * registers a test.  The word `selftest` on the command line runs them all from a kernel thread
 * (`selftest=prefix` those whose name starts so), prints TAP on the console and powers the machine
 * off.  A test may sleep and start threads; it cleans up after itself. KEXPECT goes on after a
 * failure; KREQUIRE leaves the test function.
 */
#ifndef TESTS_KERNEL_KTEST_H
#define TESTS_KERNEL_KTEST_H

#include "lib/types.h"

struct ktest {
	const char *name;
	void (*run)(void);
};

#define KTEST(test_name)                                                     \
	static void test_name(void);                                         \
	static const struct ktest ktest_##test_name __section(".ktests")     \
		__attribute__((used, aligned(8))) = {#test_name, test_name}; \
	static void test_name(void)

#define KEXPECT(condition) ktest_expect((condition), #condition, __FILE__, __LINE__)
#define KREQUIRE(condition)                                                     \
	do {                                                                    \
		if (!ktest_expect((condition), #condition, __FILE__, __LINE__)) \
			return;                                                 \
	} while (0)
#define KSKIP(reason)               \
	do {                        \
		ktest_skip(reason); \
		return;             \
	} while (0)

/* Records a failure when !holds; returns holds.  Any context, any thread. */
bool ktest_expect(bool holds, const char *condition, const char *file, int line);
void ktest_skip(const char *reason);

/* Runs the tests whose names start with `prefix` and powers off. */
void ktest_run_all(const char *prefix) __noreturn;

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ends that must be a clear panic.  Each is run alone, by tests/kernel/crash.t, which boots the
 * kernel with its name: crash=NAME selftest=crash.
 */
#include "boot/boot_info.h"
#include "boot/x86_64/start.h"
#include "lib/parse.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "mm/vmalloc.h"
#include "tests/kernel/ktest.h"

static void write_to_text(void)
{
	*(volatile u8 *)image_text_start = 0;
}

static void write_to_constant(void)
{
	volatile uintptr_t end = (uintptr_t)image_rodata_end;

	*(volatile u8 *)(end - 1) = 0;
}

static void run_data(void)
{
	static u8 code[16] = {0xc3};
	void (*volatile function)(void) = (void (*)(void))(uintptr_t)code;

	function();
}

static void read_nowhere(void)
{
	(void)*(volatile u8 *)(uintptr_t)0xdead0;
}

static void read_program_memory(void)
{
	(void)*(volatile u8 *)(uintptr_t)0x400000;
}

static void run_off_a_block(void)
{
	volatile u8 *block = vmalloc(PAGE_SIZE);

	if (block != NULL)
		block[PAGE_SIZE] = 0;
}

static u64 __attribute__((noinline)) recurse(volatile u64 *above)
{
	volatile u64 frame[64];

	frame[0] = *above + 1;
	return frame[0] == 0 ? 0 : recurse(frame) + frame[0];
}

static void overflow_stack(void)
{
	volatile u64 first = 0;

	recurse(&first);
}

static void shift_too_far(void)
{
	volatile unsigned distance = 70;
	volatile u64 value = 1;

	value = value << distance;
}

static void index_too_large(void)
{
	static volatile u8 array[4];
	volatile unsigned index = 7;

	array[index] = 1;
	KEXPECT(array[0] == 0);
}

static void smash_stack(void)
{
	volatile char buffer[16];
	volatile char *volatile start = buffer;

	for (unsigned i = 0; i < 40; i++)
		start[i] = 'x';
}

static void lock_twice_around(void)
{
	spinlock_t first, second;

	spin_lock_init(&first);
	spin_lock_init(&second);
	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);
	spin_lock(&second);
	spin_lock(&first);
}

static const struct {
	const char *name;
	void (*run)(void);
} crashes[] = {
	{"write-to-text", write_to_text},
	{"write-to-constant", write_to_constant},
	{"run-data", run_data},
	{"read-nowhere", read_nowhere},
	{"read-program-memory", read_program_memory},
	{"run-off-a-block", run_off_a_block},
	{"overflow-stack", overflow_stack},
	{"shift-too-far", shift_too_far},
	{"index-too-large", index_too_large},
	{"smash-stack", smash_stack},
	{"lock-order", lock_twice_around},
};

KTEST(crash_on_demand)
{
	char name[32];

	if (cmdline_get(boot_info.command_line, "crash", name, sizeof(name)) <= 0)
		KSKIP("no crash= on the command line");
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		if (strcmp(crashes[i].name, name) == 0)
			crashes[i].run();
	KEXPECT(!"the kernel is still alive");
}

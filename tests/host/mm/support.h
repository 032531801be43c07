/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of mm share: a file in memory, and short forms. */
#ifndef TESTS_HOST_MM_SUPPORT_H
#define TESTS_HOST_MM_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/abi/mman.h"
#include "lib/abi/signal.h"
#include "lib/errno.h"
#include "machine/machine.h"
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/vmm.h"

/* A file without a file system: a page cache with a backing that counts its references. */
struct test_file {
	struct backing backing;
	struct page_cache cache;
	u32 refs;
	u64 written; /* calls of ops->written */
};

/* A file of `size` bytes, byte n being test_byte(seed, n) where `filled`, or holes. */
void test_file_init(struct test_file *file, u64 size, u8 seed, bool filled);
void test_file_destroy(struct test_file *file); /* checks that nobody holds it */
u8 test_byte(u8 seed, u64 position);

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

/* A space that runs on this CPU; test_space_end switches away and destroys it. */
struct address_space *test_space(void);
void test_space_end(struct address_space *space);

/* Anonymous private read-write memory somewhere. */
vaddr_t test_map(struct address_space *space, size_t length);

#define assert_reads(address, expected)                                    \
	do {                                                               \
		u8 value_ = 0;                                             \
		assert_int_equal(program_read(address, &value_, NULL), 0); \
		assert_int_equal(value_, expected);                        \
	} while (0)
#define assert_writes(address, value) assert_int_equal(program_write(address, value, NULL), 0)
#define assert_faults(access, expected_signal, expected_code) \
	do {                                                  \
		int code_ = 0;                                \
		u8 value_ __attribute__((unused));            \
		assert_int_equal(access, expected_signal);    \
		assert_int_equal(code_, expected_code);       \
	} while (0)
#define assert_read_faults(address, signal, code) \
	assert_faults(program_read(address, &value_, &code_), signal, code)
#define assert_write_faults(address, signal, code) \
	assert_faults(program_write(address, 1, &code_), signal, code)
#define assert_execute_faults(address, signal, code) \
	assert_faults(program_execute(address, &code_), signal, code)

/* Set-up and tear-down of a test that must give all its frames back. */
int test_remember_frames(void **state);
int test_check_frames(void **state);
#define TEST_WITHOUT_LEAKS(name) \
	cmocka_unit_test_setup_teardown(name, test_remember_frames, test_check_frames)

/* The same sequence in each run (xorshift); one thread. */
u64 next_random(void);

#endif

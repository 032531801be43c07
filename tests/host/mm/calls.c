/* SPDX-License-Identifier: BSD-2-Clause */
/* The smaller calls: layout for exec, mincore, msync, words of futexes, single pages, user copies.
 */
#include "tests/host/mm/support.h"

#include "arch/clock.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "mm/wipe.h"

/* --- Layout --- */

static u64 all_ones(void)
{
	return ~(u64)0;
}

static void exec_lays_a_space_out(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t top = space->layout.stack_top, base = space->layout.mmap_base;

	assert_int_equal(top, USER_TOP);
	assert_true(base < top && base % PAGE_SIZE == 0);
	vmm_set_random_source(all_ones);
	vmm_init_layout(space, true);
	assert_true(space->layout.stack_top < top && space->layout.mmap_base < base);
	assert_true(vmm_program_base(true) > vmm_program_base(false));
	vmm_set_brk(space, 0x500001, true);
	assert_true(space->layout.brk_start > 0x501000);
	vmm_set_brk(space, 0x500001, false);
	assert_int_equal(space->layout.brk_start, 0x501000);
	vmm_set_random_source(NULL);
	vmm_init_layout(space, true);
	assert_true(space->layout.stack_top <= top);
	vmm_init_layout(space, false);
	space->limits.stack = 8 * MIB;
	assert_int_equal(vmm_map_stack(space, 3 * PAGE_SIZE + 1, RW), 0);
	assert_writes(top - 1, 1);
	assert_writes(top - 4 * PAGE_SIZE, 1);
	test_space_end(space);
}

static void the_vdso_is_mapped_read_only(void **state __unused)
{
	struct address_space *space = test_space();
	phys_t frames = frames_alloc(1);

	assert_int_equal(vmm_map_vdso(space), 0);
	assert_int_equal(space->layout.vdso, 0);
	memset(phys_to_virt(frames), 11, PAGE_SIZE);
	memset(phys_to_virt(frames + PAGE_SIZE), 22, PAGE_SIZE);
	machine_vdso =
		(struct vdso_image){.data = frames, .code = frames + PAGE_SIZE, .code_size = 100};
	assert_int_equal(vmm_map_vdso(space), 0);
	vaddr_t code = space->layout.vdso;
	assert_reads(code, 22);
	assert_reads(code - PAGE_SIZE, 11);
	assert_int_equal(program_execute(code, NULL), 0);
	assert_write_faults(code, SIGSEGV, SEGV_ACCERR);
	assert_execute_faults(code - PAGE_SIZE, SIGSEGV, SEGV_ACCERR);
	struct address_space *child = vmm_copy_address_space(space);
	vmm_switch_address_space(child);
	assert_reads(code, 22);
	vmm_switch_address_space(space);
	vmm_put_address_space(child);
	machine_vdso.code_size = 0;
	test_space_end(space);
	frames_free(frames, 1);
}

/* --- Residency --- */

static void mincore_tells_what_is_there(void **state __unused)
{
	struct test_file file;
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, 3 * PAGE_SIZE);
	u8 vector[4];

	assert_writes(memory + PAGE_SIZE, 1);
	assert_int_equal(vmm_mincore(space, memory, 3 * PAGE_SIZE, vector), 0);
	assert_true(!vector[0] && vector[1] && !vector[2]);
	assert_int_equal(vmm_mincore(space, memory + 1, PAGE_SIZE, vector), -EINVAL);
	assert_int_equal(vmm_mincore(space, memory, 4 * PAGE_SIZE, vector), -ENOMEM);
	assert_int_equal(vmm_mincore(space, USER_TOP, PAGE_SIZE, vector), -ENOMEM);
	test_file_init(&file, 2 * PAGE_SIZE, 5, true);
	vaddr_t mapped =
		(vaddr_t)vmm_mmap(space, 0, 3 * PAGE_SIZE, PROT_READ, MAP_SHARED, &file.backing, 0);
	assert_int_equal(vmm_mincore(space, mapped, 3 * PAGE_SIZE, vector), 0);
	assert_true(vector[0] && vector[1] && !vector[2]);
	test_space_end(space);
	test_file_destroy(&file);
}

static u64 synced_from, synced_to;
static int sync_result;

static int note_sync(struct backing *backing __unused, u64 from, u64 to)
{
	synced_from = from;
	synced_to = to;
	return sync_result;
}

static void msync_asks_the_file(void **state __unused)
{
	struct test_file file;
	struct address_space *space = test_space();

	test_file_init(&file, 4 * PAGE_SIZE, 5, true);
	struct backing_ops operations = *file.backing.ops;
	operations.sync = note_sync;
	file.backing.ops = &operations;
	vaddr_t at = (vaddr_t)vmm_mmap(space, 0, 2 * PAGE_SIZE, RW, MAP_SHARED, &file.backing,
				       PAGE_SIZE);
	assert_int_equal(vmm_msync(space, at, 2 * PAGE_SIZE, MS_SYNC), 0);
	assert_int_equal(synced_from, PAGE_SIZE);
	assert_int_equal(synced_to, 3 * PAGE_SIZE);
	assert_int_equal(vmm_msync(space, at, PAGE_SIZE, MS_ASYNC), 0);
	assert_int_equal(vmm_msync(space, at, PAGE_SIZE, MS_ASYNC | MS_SYNC), -EINVAL);
	assert_int_equal(vmm_msync(space, at, PAGE_SIZE, 64), -EINVAL);
	assert_int_equal(vmm_msync(space, at + 1, PAGE_SIZE, MS_SYNC), -EINVAL);
	assert_int_equal(vmm_msync(space, at, -PAGE_SIZE, MS_SYNC), -ENOMEM);
	/* Before and behind it are holes: what is mapped is written all the same. */
	assert_int_equal(vmm_msync(space, at - PAGE_SIZE, 3 * PAGE_SIZE, MS_SYNC), -ENOMEM);
	assert_int_equal(synced_to, 3 * PAGE_SIZE);
	assert_int_equal(vmm_msync(space, 0x10000, PAGE_SIZE, MS_SYNC), -ENOMEM);
	sync_result = -EIO;
	assert_int_equal(vmm_msync(space, at, PAGE_SIZE, MS_SYNC), -EIO);
	sync_result = 0;
	space->limits.locked = VM_UNLIMITED;
	assert_int_equal(vmm_mlock(space, at, PAGE_SIZE, 0), 0);
	assert_int_equal(vmm_msync(space, at, PAGE_SIZE, MS_INVALIDATE), -EBUSY);
	test_space_end(space);
	test_file_destroy(&file);
}

static void words_of_shared_memory_have_one_key(void **state __unused)
{
	struct test_file file;
	struct vm_word_key a, b;
	struct address_space *space = test_space();

	test_file_init(&file, 4 * PAGE_SIZE, 5, true);
	vaddr_t first = (vaddr_t)vmm_mmap(space, 0, 2 * PAGE_SIZE, RW, MAP_SHARED, &file.backing,
					  PAGE_SIZE);
	vaddr_t again =
		(vaddr_t)vmm_mmap(space, 0, 4 * PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);
	vaddr_t own = test_map(space, PAGE_SIZE);
	assert_int_equal(vmm_word_key(space, first + 8, true, &a), 0);
	assert_int_equal(vmm_word_key(space, again + PAGE_SIZE + 8, true, &b), 0);
	assert_true(a.object == b.object && a.offset == b.offset);
	assert_int_equal(vmm_word_key(space, own, true, &a), 0);
	assert_int_equal(vmm_word_key(space, own, false, &b), 0);
	assert_true(a.object == b.object && a.offset == b.offset && a.object == space);
	assert_int_equal(vmm_word_key(space, USER_TOP, false, &a), -EFAULT);
	assert_int_equal(vmm_word_key(space, own + 4 * GIB, true, &a), -EFAULT);
	test_space_end(space);
	test_file_destroy(&file);
}

/* --- Single pages --- */

static void single_pages_come_and_go(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = 0x40000000, memory = vmm_alloc_virtual(space, 2 * PAGE_SIZE);
	phys_t own = frame_alloc(), foreign = frame_alloc();
	u64 flags = PAGE_WRITABLE | PAGE_NX;

	memset(phys_to_virt(own), 33, PAGE_SIZE);
	assert_int_equal(vmm_map_page(space, at + 1, own, flags), -EINVAL);
	assert_int_equal(vmm_map_page(space, USER_TOP, own, flags), -EINVAL);
	assert_int_equal(vmm_map_page(space, at, own, flags), 0);
	assert_int_equal(vmm_map_page(space, at, own, flags), -EEXIST);
	assert_reads(at, 33);
	assert_writes(at, 34);
	assert_int_equal(vmm_get_physical_addr(space, at + 5), own + 5);
	assert_int_equal(vmm_get_physical_addr(space, at + PAGE_SIZE), 0);
	assert_int_equal(vmm_map_page(space, at + PAGE_SIZE, foreign, flags | PAGE_SPECIAL), 0);
	vmm_unmap_page(space, at + PAGE_SIZE);
	vmm_unmap_page(space, at + PAGE_SIZE);
	vmm_unmap_page(space, USER_TOP);
	vmm_unmap_page(space, at);
	assert_read_faults(at, SIGSEGV, SEGV_MAPERR);
	assert_writes(memory, 5);
	vmm_unmap_page(space, memory);
	assert_reads(memory, 0);
	vmm_free_virtual(space, memory, 2 * PAGE_SIZE);
	assert_read_faults(memory, SIGSEGV, SEGV_MAPERR);
	assert_int_equal(vmm_alloc_virtual(space, USER_TOP), 0);
	frame_free(foreign);
	test_space_end(space);
}

static void a_file_is_unmapped_as_it_was_mapped(void **state __unused)
{
	struct test_file file, other;
	struct address_space *space = test_space();
	vaddr_t at = 0x40000000;

	test_file_init(&file, 4 * PAGE_SIZE, 5, true);
	test_file_init(&other, PAGE_SIZE, 6, true);
	assert_int_equal(
		vmm_mmap(space, at, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, &file.backing, 0),
		at);
	assert_int_equal(vmm_detach(space, at + PAGE_SIZE, file.backing.ops), -EINVAL);
	assert_int_equal(vmm_mmap(space, at + PAGE_SIZE, PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED,
				  &other.backing, 0),
			 at + PAGE_SIZE);
	assert_int_equal(vmm_detach(space, at, file.backing.ops), 0);
	assert_read_faults(at, SIGSEGV, SEGV_MAPERR);
	assert_read_faults(at + 3 * PAGE_SIZE, SIGSEGV, SEGV_MAPERR);
	assert_reads(at + PAGE_SIZE, test_byte(6, 0));
	assert_int_equal(vmm_detach(space, at, file.backing.ops), -EINVAL);
	test_space_end(space);
	test_file_destroy(&file);
	test_file_destroy(&other);
}

/* --- User copies --- */

static void strings_end_within_the_program(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGE_SIZE);
	char buffer[16];

	assert_int_equal(copy_to_user((void *)memory, "cowslip", 8), 0);
	assert_int_equal(strncpy_from_user(buffer, (void *)memory, 16), 7);
	assert_string_equal(buffer, "cowslip");
	assert_int_equal(strncpy_from_user(buffer, (void *)memory, 3), 3);
	assert_int_equal(strncpy_from_user(buffer, (void *)memory, 0), 0);
	assert_int_equal(strncpy_from_user(buffer, (void *)USER_TOP, 4), -EFAULT);
	assert_int_equal(strnlen_user((void *)memory, 100), 7);
	assert_int_equal(strnlen_user((void *)memory, 0), 0);
	assert_int_equal(strnlen_user((void *)USER_TOP, 4), -EFAULT);
	char *copy = strdup_from_user((void *)memory, 100);
	assert_string_equal(copy, "cowslip");
	kfree(copy);
	assert_int_equal(PTR_ERR(strdup_from_user((void *)memory, 7)), -ENAMETOOLONG);
	assert_int_equal(PTR_ERR(strdup_from_user((void *)(memory + PAGE_SIZE), 7)), -EFAULT);
	/* A string that runs into the end of the user half. */
	assert_int_equal(vmm_map_stack(space, PAGE_SIZE, RW), 0);
	vaddr_t last = USER_TOP - 4;
	assert_int_equal(copy_to_user((void *)last, "abcd", 4), 0);
	assert_int_equal(strnlen_user((void *)last, 100), -EFAULT);
	assert_int_equal(strncpy_from_user(buffer, (void *)last, 16), -EFAULT);
	test_space_end(space);
}

static void words_and_buffers_are_checked(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, 2 * PAGE_SIZE);
	void *end = (void *)(memory + 2 * PAGE_SIZE);
	u32 word = 5, old;
	u8 bytes[8];

	assert_int_equal(validate_user_pointer((void *)memory), 0);
	assert_int_equal(validate_user_pointer((void *)USER_TOP), -EFAULT);
	assert_int_equal(validate_user_buffer((void *)memory, 2 * PAGE_SIZE, true), 0);
	assert_int_equal(validate_user_buffer((void *)memory, 2 * PAGE_SIZE + 1, false), -EFAULT);
	assert_int_equal(validate_user_buffer((void *)USER_TOP, 1, false), -EFAULT);
	assert_int_equal(vmm_mprotect(space, memory + PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(validate_user_buffer((void *)memory, 2 * PAGE_SIZE, true), -EFAULT);
	assert_int_equal(copy_to_user_partial((void *)(memory + PAGE_SIZE - 3), "abcdef", 6), 3);
	assert_int_equal(copy_to_user_partial((void *)USER_TOP, "abc", 3), 3);
	assert_int_equal(copy_from_user_partial(bytes, (void *)USER_TOP, 3), 3);
	assert_int_equal(copy_from_user(bytes, (char *)end - 1, 2), -EFAULT);
	assert_int_equal(clear_user((void *)memory, PAGE_SIZE), 0);
	assert_reads(memory + PAGE_SIZE - 1, 0);
	assert_int_equal(clear_user((void *)USER_TOP, 1), -EFAULT);
	assert_int_equal(clear_user((void *)(memory + PAGE_SIZE), 1), -EFAULT);
	assert_int_equal(put_user(word, memory), 0);
	assert_int_equal(user_read_u32(&old, memory), 0);
	assert_int_equal(old, 5);
	assert_int_equal(user_compare_exchange_u32(memory, 5, 6, &old), 0);
	assert_int_equal(get_user(word, memory), 0);
	assert_int_equal(word, 6);
	assert_int_equal(user_read_u32(&old, USER_TOP), -EFAULT);
	assert_int_equal(user_compare_exchange_u32(USER_TOP, 5, 6, &old), -EFAULT);
	test_space_end(space);
}

static void wiping_is_chosen_on_the_command_line(void **state __unused)
{
	wipe_init("init_on_alloc=1 init_on_free=on");
	assert_true(wipe.on_alloc && wipe.on_free);
	phys_t frame = frame_alloc();
	memset(phys_to_virt(frame), 1, PAGE_SIZE);
	frame_free(frame);
	frame = frame_alloc();
	for (u32 at = 0; at < PAGE_SIZE; at++)
		assert_int_equal(((u8 *)phys_to_virt(frame))[at], 0);
	frame_free(frame);
	wipe_init("init_on_alloc=0 quiet");
	assert_false(wipe.on_alloc || wipe.on_free);
}

static int start(void **state __unused)
{
	machine_start(64 * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(exec_lays_a_space_out),
		TEST_WITHOUT_LEAKS(the_vdso_is_mapped_read_only),
		TEST_WITHOUT_LEAKS(mincore_tells_what_is_there),
		TEST_WITHOUT_LEAKS(msync_asks_the_file),
		TEST_WITHOUT_LEAKS(words_of_shared_memory_have_one_key),
		TEST_WITHOUT_LEAKS(single_pages_come_and_go),
		TEST_WITHOUT_LEAKS(a_file_is_unmapped_as_it_was_mapped),
		TEST_WITHOUT_LEAKS(strings_end_within_the_program),
		TEST_WITHOUT_LEAKS(words_and_buffers_are_checked),
		TEST_WITHOUT_LEAKS(wiping_is_chosen_on_the_command_line),
	};

	return cmocka_run_group_tests_name("mm calls", tests, start, NULL);
}

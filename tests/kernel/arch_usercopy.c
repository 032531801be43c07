/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The copy primitives on a program's memory: right when it is there, an error and no more when it
 * is not.
 *
 * Each test switches to a tree with one page at PAGE, the pages around it absent, and does not
 * sleep while it is there.
 */
#include "arch/usercopy.h"
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "tests/kernel/ktest.h"

#define USER_PAGE ((vaddr_t)0x20000000)

struct user_page {
	phys_t tables[4], page, before;
	u8 *kernel_view;
};

static bool enter(struct user_page *user)
{
	*user = (struct user_page){.page = frame_alloc()};
	for (size_t i = 0; i < ARRAY_SIZE(user->tables); i++) {
		user->tables[i] = frame_alloc();
		if (user->tables[i] == 0 || user->page == 0)
			return false;
		page_clear(phys_to_virt(user->tables[i]));
	}
	user->kernel_view = phys_to_virt(user->page);
	page_clear(user->kernel_view);
	page_copy(phys_to_virt(user->tables[0]), phys_to_virt(mmu_kernel_root()));
	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t *table = phys_to_virt(user->tables[PT_LEVELS - level]);
		pte_write(
			&table[pt_index(USER_PAGE, level)],
			pte_table(user->tables[PT_LEVELS - level + 1], PAGE_WRITABLE | PAGE_USER));
	}
	pte_t *leaves = phys_to_virt(user->tables[3]);
	pte_write(&leaves[pt_index(USER_PAGE, 1)],
		  pte_leaf(user->page, PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER | PAGE_NX, 1));
	preempt_disable();
	user->before = mmu_current_root();
	mmu_switch(user->tables[0]);
	return true;
}

static void leave(struct user_page *user)
{
	mmu_switch(user->before);
	preempt_enable();
	for (size_t i = 0; i < ARRAY_SIZE(user->tables); i++)
		frame_free(user->tables[i]);
	frame_free(user->page);
}

KTEST(arch_copies_move_every_byte_at_every_alignment)
{
	struct user_page user;
	u8 from[64], back[64];
	bool good = true;

	KREQUIRE(enter(&user));
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (u8)(i + 1);
	for (size_t offset = 0; offset < 16; offset++) {
		for (size_t size = 0; size <= 40; size++) {
			memset(back, 0, sizeof(back));
			good &= arch_clear_user(USER_PAGE, 80) == 0;
			good &= arch_copy_to_user(USER_PAGE + offset, from, size) == 0;
			good &= memcmp(user.kernel_view + offset, from, size) == 0;
			good &= user.kernel_view[offset + size] == 0;
			good &= arch_copy_from_user(back, USER_PAGE + offset, size) == 0;
			good &= memcmp(back, from, size) == 0 && back[size] == 0;
		}
	}
	leave(&user);
	KEXPECT(good);
}

KTEST(arch_copies_say_how_much_was_left_at_a_hole)
{
	struct user_page user;
	u8 buffer[64] = {0};
	bool good = true;

	KREQUIRE(enter(&user));
	for (size_t there = 0; there < 24; there++) {
		vaddr_t address = USER_PAGE + PAGE_SIZE - there;
		good &= arch_copy_from_user(buffer, address, sizeof(buffer)) ==
			sizeof(buffer) - there;
		good &= arch_copy_to_user(address, buffer, sizeof(buffer)) ==
			sizeof(buffer) - there;
		good &= arch_clear_user(address, sizeof(buffer)) == sizeof(buffer) - there;
	}
	good &= arch_copy_from_user(buffer, 0, 8) == 8;
	good &= arch_copy_to_user(USER_TOP - 8, buffer, 8) == 8;
	leave(&user);
	KEXPECT(good);
}

KTEST(arch_strings_end_at_nul_limit_or_fault)
{
	struct user_page user;
	char buffer[16];
	ssize_t results[6];

	KREQUIRE(enter(&user));
	memcpy(user.kernel_view, "hello", 6);
	memset(user.kernel_view + PAGE_SIZE - 4, 'x', 4);
	results[0] = arch_strnlen_user(USER_PAGE, 100);
	results[1] = arch_strnlen_user(USER_PAGE, 3);
	results[2] = arch_strnlen_user(USER_PAGE + PAGE_SIZE - 4, 100);
	results[3] = arch_strncpy_from_user(buffer, USER_PAGE, sizeof(buffer));
	results[4] = arch_strncpy_from_user(buffer + 8, USER_PAGE, 2);
	results[5] = arch_strncpy_from_user(buffer, USER_PAGE + PAGE_SIZE - 4, sizeof(buffer));
	leave(&user);
	KEXPECT(results[0] == 5);
	KEXPECT(results[1] == 3);
	KEXPECT(results[2] == -EFAULT);
	KEXPECT(results[3] == 5);
	KEXPECT(results[4] == 2);
	KEXPECT(results[5] == -EFAULT);
}

KTEST(arch_words_and_atomics_work_or_fail_cleanly)
{
	struct user_page user;
	u32 *word, old = 0, value = 0;
	u64 wide = 0;
	bool good = true;

	KREQUIRE(enter(&user));
	word = (u32 *)user.kernel_view;
	good &= arch_put_user_u32(USER_PAGE, 7) == 0 && *word == 7;
	good &= arch_get_user_u32(&value, USER_PAGE) == 0 && value == 7;
	good &= arch_put_user_u64(USER_PAGE + 8, 1ull << 40) == 0;
	good &= arch_get_user_u64(&wide, USER_PAGE + 8) == 0 && wide == 1ull << 40;
	good &= arch_user_compare_exchange_u32(USER_PAGE, 7, 9, &old) == 0 && old == 7 &&
		*word == 9;
	good &= arch_user_compare_exchange_u32(USER_PAGE, 7, 1, &old) == 0 && old == 9 &&
		*word == 9;
	good &= arch_user_atomic_u32(USER_ATOMIC_ADD, USER_PAGE, 3, &old) == 0 && old == 9 &&
		*word == 12;
	good &= arch_user_atomic_u32(USER_ATOMIC_OR, USER_PAGE, 3, &old) == 0 && old == 12 &&
		*word == 15;
	good &= arch_user_atomic_u32(USER_ATOMIC_ANDN, USER_PAGE, 5, &old) == 0 && old == 15 &&
		*word == 10;
	good &= arch_user_atomic_u32(USER_ATOMIC_XOR, USER_PAGE, 3, &old) == 0 && old == 10 &&
		*word == 9;
	good &= arch_user_atomic_u32(USER_ATOMIC_SET, USER_PAGE, 1, &old) == 0 && old == 9 &&
		*word == 1;
	KEXPECT(good);
	good = arch_get_user_u32(&value, USER_PAGE + PAGE_SIZE) == -EFAULT;
	good &= arch_put_user_u64(USER_PAGE - 8, 1) == -EFAULT;
	good &= arch_user_compare_exchange_u32(USER_PAGE - 4, 0, 1, &old) == -EFAULT;
	good &= arch_user_atomic_u32(USER_ATOMIC_ADD, USER_PAGE - 4, 1, &old) == -EFAULT;
	good &= arch_user_atomic_u32(USER_ATOMIC_OR, USER_PAGE - 4, 1, &old) == -EFAULT;
	leave(&user);
	KEXPECT(good);
}

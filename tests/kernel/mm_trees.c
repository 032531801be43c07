/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A storm of forks on the real machine: threads on all CPUs write, read, fork, unmap, protect, move
 * and swap out pages of spaces that share their page tables.  Between its rounds all trees are
 * walked, and what each thread wrote must be there.
 *
 * Pages of the first area are only written: each thread has a word of its own in each, and knows
 * what it wrote last.  In the second anything may happen to the regions.
 */
#include "lib/abi/mman.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/family.h"
#include "mm/swap.h"
#include "mm/tree_check.h"
#include "mm/usercopy.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

enum { WORKERS = 4, ROUNDS = 20, TURNS = 30, PAGES = 24, RW = PROT_READ | PROT_WRITE };
enum { ANON_FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
/* Both lie across the boundary of a leaf. */
static const vaddr_t KEPT = 0x40000000 - 10 * PAGE_SIZE, WILD = 0x80000000 - 10 * PAGE_SIZE;

struct worker {
	u64 random;
	u32 number;
	struct address_space *space; /* a reference */
	u32 written[PAGES];
};

static struct worker workers[WORKERS];
static u32 round;    /* atomic: that may be played */
static u32 finished; /* atomic: workers that have played it */
static u32 wrong;    /* atomic: words that were not as written */

static u32 draw(struct worker *worker, u32 limit)
{
	worker->random = worker->random * 6364136223846793005 + 1442695040888963407;
	return (u32)(worker->random >> 33) % limit;
}

static vaddr_t word_at(const struct worker *worker, u32 page)
{
	return KEPT + page * PAGE_SIZE + worker->number * sizeof(u32);
}

/* As a program would: in the space, with what the TLB has of it.  The page comes from outside, as
 * one may not sleep inside. */
static int access_words(struct worker *worker, u32 first, u32 count, u32 *values, bool write)
{
	int result = 0;

	preempt_disable();
	vmm_switch_address_space(worker->space);
	for (u32 i = 0; i < count && result == 0; i++) {
		vaddr_t at = word_at(worker, first + i);
		result = write ? user_write_word(at, &values[i], sizeof(u32))
			       : user_read_word(&values[i], at, sizeof(u32));
	}
	vmm_switch_address_space(NULL);
	preempt_enable();
	return result;
}

static void touch_words(struct worker *worker, bool write)
{
	u32 first = draw(worker, PAGES), count = 1 + draw(worker, PAGES - first);
	u32 values[PAGES];

	for (u32 i = 0; i < count; i++)
		values[i] = write ? worker->written[first + i] + 1 : 0;
	while (access_words(worker, first, count, values, write) != 0)
		for (u32 i = 0; i < count; i++)
			KEXPECT(vmm_fault(worker->space, word_at(worker, first + i),
					  FAULT_USER | (write ? FAULT_WRITE : 0), NULL) == 0);
	for (u32 i = 0; i < count; i++) {
		if (write)
			worker->written[first + i] = values[i];
		else if (values[i] != worker->written[first + i])
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
}

/* The thread goes on in the child, or the child ends at once. */
static void fork_space(struct worker *worker)
{
	struct address_space *child = vmm_copy_address_space(worker->space);

	if (!KEXPECT(child != NULL))
		return;
	if (draw(worker, 2) == 0) {
		vmm_put_address_space(child);
		return;
	}
	vmm_put_address_space(worker->space);
	worker->space = child;
}

static void change_regions(struct worker *worker)
{
	static const u32 prots[] = {PROT_NONE, PROT_READ, RW, RW};
	struct address_space *space = worker->space;
	u32 first = draw(worker, PAGES), count = 1 + draw(worker, PAGES - first);
	vaddr_t start = WILD + first * PAGE_SIZE;
	size_t size = count * PAGE_SIZE;
	u8 byte = (u8)first;

	switch (draw(worker, 6)) {
	case 0:
		KEXPECT(vmm_munmap(space, start, size) == 0);
		break;
	case 1:
		(void)!vmm_mprotect(space, start, size, prots[draw(worker, ARRAY_SIZE(prots))]);
		break;
	case 2:
		(void)!vmm_madvise(space, start, size, MADV_DONTNEED);
		break;
	case 3:
		(void)!vmm_mremap(space, start, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				  WILD + (PAGES + draw(worker, 4)) * PAGE_SIZE);
		break;
	case 4:
		KEXPECT(vmm_mmap(space, start, size, RW, ANON_FIXED, NULL, 0) == (long)start);
		break;
	default:
		for (u32 page = 0; page < count; page++)
			(void)!vmm_access(space, start + page * PAGE_SIZE, &byte, 1, VM_WRITE);
	}
}

static void take_turn(struct worker *worker)
{
	switch (draw(worker, 8)) {
	case 0:
		fork_space(worker);
		break;
	case 1:
	case 2:
		change_regions(worker);
		break;
	case 3:
		(void)!vmm_madvise(worker->space, KEPT, PAGES * PAGE_SIZE, MADV_PAGEOUT);
		break;
	default:
		touch_words(worker, draw(worker, 2) == 0);
	}
}

static void work(void *argument)
{
	struct worker *worker = argument;

	for (u32 played = 0; played < ROUNDS; played++) {
		while (__atomic_load_n(&round, __ATOMIC_ACQUIRE) <= played)
			task_sleep(NSEC_PER_MSEC / 4);
		for (u32 turn = 0; turn < TURNS; turn++)
			take_turn(worker);
		__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
	}
	task_exit(0);
}

static void play_round(void)
{
	__atomic_store_n(&finished, 0, __ATOMIC_RELAXED);
	__atomic_fetch_add(&round, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < WORKERS)
		task_sleep(NSEC_PER_MSEC / 4);
	tree_check_all();
}

/* Two threads in each of two spaces, which are parent and child. */
static bool make_workers(void)
{
	struct address_space *parent = vmm_create_address_space();

	if (parent == NULL)
		return false;
	vmm_init_layout(parent, false);
	KEXPECT(vmm_mmap(parent, KEPT, PAGES * PAGE_SIZE, RW, ANON_FIXED, NULL, 0) == (long)KEPT);
	KEXPECT(vmm_mmap(parent, WILD, PAGES * PAGE_SIZE, RW, ANON_FIXED, NULL, 0) == (long)WILD);
	struct address_space *child = vmm_copy_address_space(parent);
	if (!KEXPECT(child != NULL)) {
		vmm_put_address_space(parent);
		return false;
	}
	round = wrong = 0;
	for (u32 i = 0; i < WORKERS; i++)
		workers[i] = (struct worker){
			.random = i + 1,
			.number = i,
			.space = vmm_get_address_space(i % 2 == 0 ? parent : child),
		};
	vmm_put_address_space(child);
	vmm_put_address_space(parent);
	return true;
}

KTEST(mm_trees_are_whole_after_a_storm_of_forks)
{
	size_t users = frame_count_kind(FRAME_USER), tables = frame_count_kind(FRAME_TABLE);
	struct swap_stats before, after;

	swap_get_stats(&before);
	KREQUIRE(make_workers());
	for (u32 i = 0; i < WORKERS; i++) {
		struct task *thread = kernel_thread_create(work, &workers[i], "fork_storm");
		KEXPECT(thread != NULL);
		task_put(thread);
	}
	for (u32 i = 0; i < ROUNDS; i++)
		play_round();
	KEXPECT(wrong == 0);
	for (u32 i = 0; i < WORKERS; i++)
		vmm_put_address_space(workers[i].space);
	swap_get_stats(&after);
	KEXPECT(after.slots == before.slots);
	KEXPECT(frame_count_kind(FRAME_USER) == users);
	KEXPECT(frame_count_kind(FRAME_TABLE) == tables);
}

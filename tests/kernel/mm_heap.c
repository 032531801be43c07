/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames, the heap and vmalloc in the booted kernel, from several threads at once. */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/meminfo.h"
#include "mm/paging.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

enum { WORKERS = 4, ROUNDS = 2000, BLOCKS = 32 };

static u32 finished; /* atomic: workers that are done */

/* Allocates and frees at random; each block holds its owner's mark meanwhile. */
static void heap_worker(void *argument)
{
	u8 mark = (u8)(uintptr_t)argument;
	u8 *blocks[BLOCKS] = {NULL};
	size_t sizes[BLOCKS];
	u64 random = mark * 0x9e3779b97f4a7c15;

	for (int round = 0; round < ROUNDS; round++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		u32 i = (u32)(random >> 33) % BLOCKS;
		if (blocks[i] != NULL) {
			KEXPECT(blocks[i][0] == mark && blocks[i][sizes[i] - 1] == mark);
			kfree(blocks[i]);
			blocks[i] = NULL;
			continue;
		}
		sizes[i] = 1 + (random >> 40) % 5000;
		blocks[i] = kmalloc(sizes[i]);
		if (KEXPECT(blocks[i] != NULL))
			memset(blocks[i], mark, sizes[i]);
	}
	for (int i = 0; i < BLOCKS; i++)
		kfree(blocks[i]);
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
	task_exit(0);
}

KTEST(mm_heap_blocks_of_several_threads_never_overlap)
{
	finished = 0;
	for (uintptr_t i = 1; i <= WORKERS; i++) {
		struct task *worker = kernel_thread_create(heap_worker, (void *)i, "heap_worker");
		KREQUIRE(!IS_ERR(worker));
		task_put(worker);
	}
	while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < WORKERS)
		task_sleep(NSEC_PER_MSEC);
}

KTEST(mm_frames_above_the_boot_limit_are_reachable)
{
	phys_t block = frames_alloc(FRAME_MAX_ORDER - 6);

	KREQUIRE(block != 0);
	u64 *words = phys_to_virt(block);
	size_t last = (PAGE_SIZE << (FRAME_MAX_ORDER - 6)) / sizeof(u64) - 1;
	words[0] = 1;
	words[last] = 2;
	KEXPECT(words[0] == 1 && words[last] == 2);
	KEXPECT(paging_get_physical((vaddr_t)&words[last]) == block + last * sizeof(u64));
	frames_free(block, FRAME_MAX_ORDER - 6);
}

KTEST(mm_vmalloc_memory_holds_what_is_written)
{
	enum { SIZE = 300 * 1000 };
	u8 *block = vzalloc(SIZE);

	KREQUIRE(block != NULL);
	KEXPECT(block[SIZE - 1] == 0);
	memset(block, 0x5a, SIZE);
	KEXPECT(block[0] == 0x5a && block[SIZE - 1] == 0x5a);
	KEXPECT(paging_get_physical((vaddr_t)block - 1) == 0);
	vfree(block);
	KEXPECT(paging_get_physical((vaddr_t)block) == 0);
}

KTEST(mm_blocks_can_be_larger_than_the_largest_buddy)
{
	enum { SIZE = 17 * 1024 * 1024 };
	u8 *block = kmalloc(SIZE);

	if (block == NULL)
		KSKIP("memory is too small, or too fragmented");
	block[0] = 1;
	block[SIZE - 1] = 2;
	KEXPECT(paging_get_physical((vaddr_t)&block[SIZE - 1]) == virt_to_phys(block) + SIZE - 1);
	KEXPECT(kmalloc_size(block) >= SIZE);
	kfree(block);
}

KTEST(mm_a_pool_hands_out_aligned_blocks)
{
	phys_t memory = frames_alloc(8);
	buddy_stats_t before, after;

	KREQUIRE(memory != 0);
	KREQUIRE(buddy_init(phys_to_virt(memory), PAGE_SIZE << 8) == 0);
	buddy_get_stats(&before);
	u8 *block = buddy_alloc(100 * 1000);
	if (KEXPECT(block != NULL && IS_ALIGNED((vaddr_t)block, 128 * KIB)))
		memset(block, 1, 100 * 1000);
	buddy_free(block);
	buddy_get_stats(&after);
	KEXPECT(memcmp(&before, &after, sizeof(before)) == 0);
	frames_free(memory, 8);
}

/* Only this thread's blocks are told apart: the rest of the kernel goes on allocating. */
KTEST(mm_leaks_are_counted)
{
	enum { LEAKS = 200 };
	static void *blocks[LEAKS];

	KREQUIRE(mem_enable_tracking() == 0);
	ssize_t before = mem_check_leaks();
	for (int i = 0; i < LEAKS; i++)
		blocks[i] = kmalloc(64 + (size_t)i * 20);
	ssize_t during = mem_check_leaks();
	for (int i = 0; i < LEAKS; i++)
		kfree(blocks[i]);
	ssize_t after = mem_check_leaks();
	KEXPECT(before >= 0 && during >= before + LEAKS / 2 && after <= during - LEAKS / 2);
	mem_disable_tracking();
}

KTEST(mm_figures_of_a_process_are_found_by_number)
{
	proc_meminfo_t info;

	/* Kernel threads have no memory of their own. */
	KEXPECT(get_proc_meminfo(current->process->pid, &info) == -ESRCH);
	KEXPECT(get_proc_meminfo(30000, &info) == -ESRCH);
}

KTEST(mm_figures_add_up)
{
	meminfo_t info;
	frame_stats_t stats;

	get_meminfo(&info);
	frame_get_stats(&stats);
	KEXPECT(info.total == stats.total_frames * PAGE_SIZE);
	KEXPECT(info.free <= info.total && info.free > info.total / 4);
	KEXPECT(slab_shrink_caches() < info.total / PAGE_SIZE);
}

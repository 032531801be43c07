/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swapped pages in the booted kernel: several threads bring in, write out and free, while the cache
 * shrinks, the pool overflows, and areas come and go.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/compress.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/swap.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

enum { WORKERS = 4, SHARED = 40, OWN = 40, ROUNDS = 1500, AREA_PAGES = 400 };

static u32 finished; /* atomic: workers that are done */
static swap_entry_t shared[SHARED];
static phys_t disk[AREA_PAGES];
static bool released;

static u32 draw(u64 *state)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (u32)(*state >> 33);
}

/* Pages of all kinds: one word, well and badly compressible, noise. */
static u64 word_of(u32 number, u32 index)
{
	if (number % 4 == 0)
		return number;
	if (index >= (number % 4) * 170)
		return number + index / 16;
	return ((u64)number << 32 | index) * 0x9e3779b97f4a7c15 ^ (u64)index << 7;
}

static void fill(phys_t frame, u32 number)
{
	u64 *words = phys_to_virt(frame);

	for (u32 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		words[i] = word_of(number, i);
}

static bool is_right(phys_t frame, u32 number)
{
	const u64 *words = phys_to_virt(frame);

	for (u32 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (words[i] != word_of(number, i))
			return false;
	return true;
}

static int transfer(void *device __unused, u64 page, const phys_t *frames, size_t count, bool write)
{
	if (page % 7 == 0)
		task_sleep(NSEC_PER_MSEC / 10);
	for (size_t i = 0; i < count; i++) {
		phys_t place = disk[page + i];
		page_copy(phys_to_virt(write ? place : frames[i]),
			  phys_to_virt(write ? frames[i] : place));
	}
	return 0;
}

static void release(void *device __unused)
{
	released = true;
}

static const struct swap_area_ops operations = {.transfer = transfer, .release = release};

static int add_area(void)
{
	return swap_area_add(&(struct swap_area_description){
		.ops = &operations,
		.device = disk,
		.pages = AREA_PAGES,
		.priority = 1,
		.name = "test",
	});
}

static bool make(u32 number, swap_entry_t *entry)
{
	phys_t frame = frame_alloc_kind(FRAME_USER);

	*entry = 0;
	if (frame == 0)
		return false;
	fill(frame, number);
	bool made = swap_reserve(frame, entry) == 0;
	frame_free(frame);
	return made;
}

static void check(swap_entry_t entry, u32 number)
{
	phys_t frame;

	if (!KEXPECT(swap_in(entry, &frame) >= 0))
		return;
	KEXPECT(is_right(frame, number));
	frame_free(frame);
}

static void worker(void *argument)
{
	u32 base = (u32)(uintptr_t)argument * 1000;
	swap_entry_t own[OWN] = {0};
	u64 state = base;

	for (int round = 0; round < ROUNDS; round++) {
		u32 i = draw(&state) % OWN, common = draw(&state) % SHARED;
		if (round % 3 == 0)
			check(shared[common], common);
		else if (round % 7 == 0)
			(void)!swap_write(shared[common]);
		if (own[i] == 0) {
			if (make(base + i, &own[i]))
				(void)!swap_write(own[i]);
			continue;
		}
		check(own[i], base + i);
		swap_free(own[i]);
		own[i] = 0;
	}
	for (u32 i = 0; i < OWN; i++)
		if (own[i] != 0)
			swap_free(own[i]);
	for (u32 i = 0; i < SHARED; i++)
		swap_free(shared[i]);
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
	task_exit(0);
}

static bool make_disk(void)
{
	for (u32 i = 0; i < AREA_PAGES; i++) {
		disk[i] = frame_alloc();
		if (disk[i] == 0)
			return false;
	}
	return true;
}

static void disturb(u64 *state, bool *on)
{
	switch (draw(state) % 5) {
	case 0:
		swap_cache_shrink(20);
		break;
	case 1:
		swap_write_back(20);
		break;
	case 2:
		compress_set_share(draw(state) % 2 == 0 ? 0 : 50);
		break;
	case 3:
		if (!*on)
			*on = add_area() >= 0;
		else if (draw(state) % 4 == 0)
			*on = swap_area_remove(disk, NULL) != 0;
		break;
	default:
		task_sleep(NSEC_PER_MSEC);
	}
}

KTEST(mm_swap_pages_survive_threads_and_moving_about)
{
	struct swap_stats before, after;
	bool on = true;
	u64 state = 5;

	KREQUIRE(make_disk());
	swap_get_stats(&before);
	KREQUIRE(add_area() >= 0);
	for (u32 i = 0; i < SHARED; i++) {
		KREQUIRE(make(i, &shared[i]));
		for (u32 dup = 0; dup < WORKERS; dup++)
			swap_dup(shared[i]);
	}
	finished = 0;
	for (uintptr_t i = 1; i <= WORKERS; i++) {
		struct task *thread = kernel_thread_create(worker, (void *)i, "swap_worker");
		KREQUIRE(!IS_ERR(thread));
		task_put(thread);
	}
	while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < WORKERS)
		disturb(&state, &on);
	compress_set_share(50);
	for (u32 i = 0; i < SHARED; i++) {
		KEXPECT(swap_count(shared[i]) == 1);
		check(shared[i], i);
		swap_free(shared[i]);
	}
	if (on) {
		released = false;
		KEXPECT(swap_area_remove(disk, NULL) == 0);
		KEXPECT(released);
	}
	swap_get_stats(&after);
	KEXPECT(after.slots == before.slots);
	KEXPECT(after.cached == before.cached);
	KEXPECT(after.total == before.total);
	for (u32 i = 0; i < AREA_PAGES; i++)
		frame_free(disk[i]);
}

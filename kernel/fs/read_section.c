/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that waits for the end of reading sections (read_section.h).
 *
 * Time is divided into eras.  A section notes the era in which it was opened.  Who has made objects
 * unreachable begins a new era; sections opened in it cannot find them, so they may be freed when
 * no CPU is in a section of an older one.  As sections are a few hundred instructions with
 * preemption off, that is waited for; it is rare that there is anything to wait for.
 *
 * Each CPU collects what is given to it, so that one round of looking at all CPUs serves a batch.
 * The batch is touched with preemption off.
 */
#include "fs/read_section.h"

#include "lib/panic.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

enum { BATCH = 31 };

struct waiting {
	slab_cache_t *cache; /* NULL: kmalloc's */
	void *object;
};

struct batch {
	u32 count;
	struct waiting waiting[BATCH];
} __cacheline;

struct read_section *read_sections;
u64 read_section_era = 1;
static struct batch *batches; /* cpu_count() of them; each its CPU's own, preemption off */

/* For each CPU `size` bytes, a multiple of a cache line; zeros. */
static void *alloc_lines(size_t size)
{
	void *lines = kmalloc_aligned(cpu_count() * size, _Alignof(struct read_section));

	if (!lines)
		panic("no memory for reading sections");
	return memset(lines, 0, cpu_count() * size);
}

void read_section_init(void)
{
	read_sections = alloc_lines(sizeof(*read_sections));
	batches = alloc_lines(sizeof(*batches));
}

void read_section_wait(void)
{
	u64 next = __atomic_add_fetch(&read_section_era, 1, __ATOMIC_SEQ_CST);

	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		u64 since = __atomic_load_n(&read_sections[cpu].since, __ATOMIC_ACQUIRE);

		while (since != 0 && since < next) {
			cpu_relax();
			since = __atomic_load_n(&read_sections[cpu].since, __ATOMIC_ACQUIRE);
		}
	}
}

void read_section_flush(void)
{
	struct batch *mine, taken;

	preempt_disable();
	mine = &batches[cpu_id()];
	taken = *mine;
	mine->count = 0;
	preempt_enable();
	if (taken.count == 0)
		return;
	read_section_wait();
	for (u32 i = 0; i < taken.count; i++) {
		if (taken.waiting[i].cache)
			slab_free(taken.waiting[i].cache, taken.waiting[i].object);
		else
			kfree(taken.waiting[i].object);
	}
}

void read_section_free(slab_cache_t *cache, void *object)
{
	struct batch *mine;

	preempt_disable();
	for (mine = &batches[cpu_id()]; mine->count == BATCH; mine = &batches[cpu_id()]) {
		preempt_enable();
		read_section_flush();
		preempt_disable();
	}
	mine->waiting[mine->count++] = (struct waiting){cache, object};
	preempt_enable();
}

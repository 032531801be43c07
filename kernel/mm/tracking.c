/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leak tracking: who allocated the blocks of the heap that are still in use.
 *
 * From mem_enable_tracking on, each block that kmalloc, a slab cache or vmalloc hands out gets a
 * record with the call chain that asked for it, and loses it when it is freed.  mem_check_leaks
 * tells how many records there are, and to the log, how many blocks of how many bytes each call
 * chain holds.
 *
 * Records are found by hash of the block's address: buckets of chains, by number from 1 on, through
 * one table that is allocated when tracking starts.  When it is full, further blocks are counted
 * but not recorded.
 *
 * `lock` guards everything and is taken in any context, with interrupts off, inside of all other
 * locks of the heap.  `control` (sleeps) lets one caller at a time start, stop or report.
 */
#include "arch/machine.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "mm/checking.h"
#include "mm/kmalloc.h"
#include "mm/meminfo.h"

#ifdef CONFIG_CHECKING

enum { RECORDS = 16384, BUCKETS = 4096, DEPTH = 6, CHAIN_LIMIT = 16, GROUPS = 48, REPORTED = 10 };

struct record {
	const void *block;
	size_t size;
	vaddr_t chain[DEPTH]; /* return addresses, the innermost first; 0: no more */
	u32 next;
};

struct group { /* records of one call chain */
	const vaddr_t *chain;
	size_t blocks, bytes;
};

struct table {
	u32 buckets[BUCKETS];
	u32 free;                       /* first record that is not in use, 0: none */
	struct record records[RECORDS]; /* the first is never used */
	struct group groups[GROUPS];    /* control */
	vaddr_t chains[GROUPS][DEPTH];  /* control */
};

static spinlock_t lock;
static struct table *table; /* lock; NULL: tracking is off */
static size_t recorded;     /* lock */
static size_t unrecorded;   /* lock: blocks that found the table full */
static mutex_t control = MUTEX_INIT(control);

static u32 *bucket_of(const void *block)
{
	return &table->buckets[((vaddr_t)block >> 4) * 0x9e3779b97f4a7c15 >> 52];
}
BUILD_ASSERT(BUCKETS == 1 << 12);

/* Writes the chain of callers from `site` on, as far as it can be told. */
static void note_chain(vaddr_t *chain, vaddr_t site)
{
	vaddr_t places[CHAIN_LIMIT];
	size_t count = backtrace_collect(places, ARRAY_SIZE(places)), first = 0;

	while (first < count && places[first] != site)
		first++;
	memset(chain, 0, DEPTH * sizeof(chain[0]));
	chain[0] = site;
	for (size_t i = 1; i < DEPTH && first + i < count; i++)
		chain[i] = places[first + i];
}

void tracking_note_alloc(const void *block, size_t size, vaddr_t site)
{
	vaddr_t chain[DEPTH];

	if (READ_ONCE(table) == NULL)
		return;
	note_chain(chain, site);
	unsigned long flags = spin_lock_irqsave(&lock);
	if (table != NULL && table->free != 0) {
		u32 number = table->free;
		struct record *record = &table->records[number];
		u32 *bucket = bucket_of(block);
		table->free = record->next;
		*record = (struct record){.block = block, .size = size, .next = *bucket};
		memcpy(record->chain, chain, sizeof(chain));
		*bucket = number;
		recorded++;
	} else {
		unrecorded++;
	}
	spin_unlock_irqrestore(&lock, flags);
}

void tracking_note_free(const void *block)
{
	if (READ_ONCE(table) == NULL)
		return;
	unsigned long flags = spin_lock_irqsave(&lock);
	for (u32 *link = table != NULL ? bucket_of(block) : NULL; link != NULL && *link != 0;) {
		u32 number = *link;
		struct record *record = &table->records[number];
		if (record->block == block) {
			*link = record->next;
			*record = (struct record){.next = table->free};
			table->free = number;
			recorded--;
			break;
		}
		link = &record->next;
	}
	spin_unlock_irqrestore(&lock, flags);
}

/* Makes `replacement` the table; returns the former one. */
static struct table *replace(struct table *replacement)
{
	unsigned long flags = spin_lock_irqsave(&lock);
	struct table *former = table;

	WRITE_ONCE(table, replacement);
	recorded = 0;
	unrecorded = 0;
	spin_unlock_irqrestore(&lock, flags);
	return former;
}

int mem_enable_tracking(void)
{
	struct table *fresh = kzalloc(sizeof(*fresh));

	if (fresh == NULL)
		return -ENOMEM;
	for (u32 i = 1; i < RECORDS; i++)
		fresh->records[i].next = i + 1 < RECORDS ? i + 1 : 0;
	fresh->free = 1;
	mutex_lock(&control);
	struct table *former = replace(fresh);
	mutex_unlock(&control);
	kfree(former);
	return 0;
}

void mem_disable_tracking(void)
{
	mutex_lock(&control);
	struct table *former = replace(NULL);
	mutex_unlock(&control);
	kfree(former);
}

/* Adds a record to the group of its chain; the last group takes what finds no room.  Returns how
 * many groups there are. */
static u32 add_to_group(const struct record *record, u32 count)
{
	u32 i = 0;

	while (i < count && memcmp(table->chains[i], record->chain, sizeof(table->chains[i])) != 0)
		i++;
	if (i == GROUPS)
		i = GROUPS - 1;
	if (i == count) {
		memcpy(table->chains[i], record->chain, sizeof(table->chains[i]));
		table->groups[i] = (struct group){.chain = table->chains[i]};
		count++;
	}
	table->groups[i].blocks++;
	table->groups[i].bytes += record->size;
	return count;
}

static u32 make_groups(void)
{
	u32 count = 0;

	for (u32 i = 1; i < RECORDS; i++)
		if (table->records[i].block != NULL)
			count = add_to_group(&table->records[i], count);
	return count;
}

static void print_group(const struct group *group)
{
	log_info("  %zu blocks, %zu bytes, from", group->blocks, group->bytes);
	for (u32 i = 0; i < DEPTH && group->chain[i] != 0; i++) {
		size_t offset = 0;
		const char *name = symbol_lookup(group->chain[i], &offset);
		log_info("    %#lx %s+%#zx", (unsigned long)group->chain[i],
			 name != NULL ? name : "", offset);
	}
}

/* The groups that hold most, largest first. */
static void print_groups(u32 count)
{
	for (u32 printed = 0; printed < REPORTED; printed++) {
		struct group *largest = NULL;
		for (u32 i = 0; i < count; i++)
			if (table->groups[i].blocks != 0 &&
			    (largest == NULL || table->groups[i].bytes > largest->bytes))
				largest = &table->groups[i];
		if (largest == NULL)
			return;
		print_group(largest);
		largest->blocks = 0;
	}
}

/* The table cannot go while `control` is held. */
ssize_t mem_check_leaks(void)
{
	mutex_lock(&control);
	if (table == NULL) {
		mutex_unlock(&control);
		return 0;
	}
	unsigned long flags = spin_lock_irqsave(&lock);
	u32 groups = make_groups();
	size_t count = recorded, lost = unrecorded;
	spin_unlock_irqrestore(&lock, flags);
	log_info("heap: %zu blocks in use since tracking began, %zu allocations not recorded",
		 count, lost);
	print_groups(groups);
	mutex_unlock(&control);
	return (ssize_t)count;
}

#else

int mem_enable_tracking(void)
{
	return -EOPNOTSUPP;
}

void mem_disable_tracking(void) {}

ssize_t mem_check_leaks(void)
{
	return -EOPNOTSUPP;
}

#endif

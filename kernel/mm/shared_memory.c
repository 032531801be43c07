/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands behind MAP_SHARED | MAP_ANONYMOUS: a nameless file in memory that lives as long as
 * something maps it.
 */
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/slab.h"
#include "mm/space.h"

struct shared_memory {
	struct backing backing;
	struct page_cache cache;
	u32 refs;        /* atomic */
	size_t promised; /* const: pages that count as committed */
};

static slab_cache_t *slab; /* set once */

static struct shared_memory *memory_of(struct backing *backing)
{
	return container_of(backing, struct shared_memory, backing);
}

static void get(struct backing *backing)
{
	__atomic_fetch_add(&memory_of(backing)->refs, 1, __ATOMIC_RELAXED);
}

static void put(struct backing *backing)
{
	struct shared_memory *memory = memory_of(backing);

	if (__atomic_fetch_sub(&memory->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	page_cache_destroy(&memory->cache);
	commit_account(-(s64)memory->promised);
	slab_free(slab, memory);
}

static ssize_t name(struct backing *backing __unused, char *buffer, size_t size)
{
	return strscpy(buffer, "/dev/zero (deleted)", size);
}

static void identity(struct backing *backing, dev_t *device, ino_t *inode)
{
	*device = 1;
	*inode = (ino_t)((uintptr_t)memory_of(backing) / sizeof(struct shared_memory)) & INT_MAX;
}

static int punch(struct backing *backing, u64 start, u64 end)
{
	page_cache_punch(backing->cache, start, end);
	return 0;
}

static const struct backing_ops operations = {
	.get = get, .put = put, .name = name, .identity = identity, .punch = punch};

void shared_memory_init(void)
{
	slab = slab_cache_create("shared_memory", sizeof(struct shared_memory), 0, NULL, NULL);
	if (slab == NULL)
		panic("no memory for shared memory");
}

struct backing *shared_memory_create(size_t size, bool promised)
{
	struct shared_memory *memory = slab_alloc(slab);

	if (memory == NULL)
		return NULL;
	page_cache_init(&memory->cache, NULL);
	memory->cache.size = size;
	memory->cache.shared_memory = true;
	memory->backing = (struct backing){.ops = &operations, .cache = &memory->cache};
	memory->refs = 1;
	memory->promised = promised ? size >> PAGE_SHIFT : 0;
	commit_account((s64)memory->promised);
	return &memory->backing;
}

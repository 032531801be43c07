/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands behind MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB: a nameless file of huge pages that
 * lives as long as something maps it.
 */
#include "lib/string.h"
#include "mm/hugetlb.h"
#include "mm/kmalloc.h"
#include "mm/space.h"

struct huge_memory {
	struct backing backing;
	struct page_cache cache;
	struct hugetlb_file file;
	u32 refs; /* atomic */
};

static struct huge_memory *memory_of(struct backing *backing)
{
	return container_of(backing, struct huge_memory, backing);
}

static void get(struct backing *backing)
{
	__atomic_fetch_add(&memory_of(backing)->refs, 1, __ATOMIC_RELAXED);
}

static void put(struct backing *backing)
{
	struct huge_memory *memory = memory_of(backing);

	if (__atomic_fetch_sub(&memory->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	hugetlb_file_destroy(&memory->file);
	kfree(memory);
}

static ssize_t name(struct backing *backing __unused, char *buffer, size_t size)
{
	return strscpy(buffer, "/anon_hugepage (deleted)", size);
}

static void identity(struct backing *backing, dev_t *device, ino_t *inode)
{
	*device = 1;
	*inode = (ino_t)((uintptr_t)memory_of(backing) / sizeof(struct huge_memory)) & INT_MAX;
}

static int punch(struct backing *backing, u64 start, u64 end)
{
	hugetlb_file_punch(&memory_of(backing)->file, start, end);
	return 0;
}

static const struct backing_ops operations = {
	.get = get, .put = put, .name = name, .identity = identity, .punch = punch};

struct backing *huge_memory_create(size_t size, enum hugetlb_size which)
{
	struct huge_memory *memory = kzalloc(sizeof(*memory));

	if (memory == NULL)
		return NULL;
	page_cache_init(&memory->cache, NULL);
	memory->cache.size = size;
	hugetlb_file_init(&memory->file, &memory->cache, which, NULL);
	memory->backing = (struct backing){.ops = &operations, .cache = &memory->cache};
	memory->refs = 1;
	return &memory->backing;
}

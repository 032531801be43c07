/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From pages to objects and back; see compress.h.  Where objects lie is compress_pool.c's business.
 *
 * Compressing needs room to work in, which each CPU keeps for itself from the first time on and
 * uses with preemption off.  What comes out is copied to its place, which may straddle two frames;
 * so it is put together again before it is unpacked.  Unpacking must not fail for want of memory:
 * there is one spare room for CPUs that have got none.
 */
#include "mm/compress.h"

#include "lib/errno.h"
#include "lib/lz4.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/compress_internal.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum { SHARE_DEFAULT = 50 };

struct workspace {
	u64 state[LZ4_WORKSPACE / sizeof(u64)];
	u8 packed[OBJECT_MOST];
};

static struct workspace *workspaces[MAX_CPUS]; /* each its CPU's; set once */
static u32 share = SHARE_DEFAULT;              /* per cent; single loads and stores */
static size_t words, refused, full;            /* atomic */
static spinlock_t spare_lock;                  /* innermost */
static u8 spare[OBJECT_MOST];                  /* spare_lock */

void compress_init(void)
{
	compress_pool_init();
}

static size_t share_frames(void)
{
	return frame_get_total_memory() / PAGE_SIZE * READ_ONCE(share) / 100;
}

u32 compress_get_share(void)
{
	return READ_ONCE(share);
}

void compress_set_share(u32 percent)
{
	WRITE_ONCE(share, percent);
}

bool compress_has_room(void)
{
	return compress_pool_frames() < share_frames();
}

size_t compress_excess(void)
{
	size_t bound = share_frames() / 10 * 9, frames = compress_pool_frames();

	return frames > bound ? frames - bound : 0;
}

/* This CPU's, or NULL.  Preemption off. */
static struct workspace *workspace(void)
{
	struct workspace **mine = &workspaces[cpu_id()];

	if (*mine == NULL)
		*mine = kmalloc(sizeof(**mine));
	return *mine;
}

static bool is_one_word(const u64 *page)
{
	for (size_t i = 1; i < PAGE_SIZE / sizeof(u64); i++)
		if (page[i] != page[0])
			return false;
	return true;
}

static int pack(const void *page, struct workspace *work, u64 *place)
{
	size_t size = lz4_compress(page, PAGE_SIZE, work->packed, OBJECT_MOST, work->state);

	if (size == 0) {
		__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
		return -E2BIG;
	}
	*place = compress_pool_put(work->packed, size, share_frames());
	return *place != 0 ? 0 : -ENOMEM;
}

int compress_store(const void *page, struct compressed *object)
{
	if (is_one_word(page)) {
		*object = (struct compressed){*(const u64 *)page, COMPRESSED_WORD};
		__atomic_fetch_add(&words, 1, __ATOMIC_RELAXED);
		return 0;
	}
	preempt_disable();
	struct workspace *work = workspace();
	int result = work != NULL ? pack(page, work, &object->value) : -ENOMEM;
	preempt_enable();
	object->kind = COMPRESSED_PACKED;
	if (result == -ENOMEM)
		__atomic_fetch_add(&full, 1, __ATOMIC_RELAXED);
	return result;
}

int compress_load(const struct compressed *object, void *page)
{
	if (object->kind == COMPRESSED_WORD) {
		for (size_t i = 0; i < PAGE_SIZE / sizeof(u64); i++)
			((u64 *)page)[i] = object->value;
		return 0;
	}
	preempt_disable();
	struct workspace *work = workspace();
	int result;
	if (work != NULL) {
		result = compress_pool_unpack(object->value, page, work->packed);
	} else {
		spin_lock(&spare_lock);
		result = compress_pool_unpack(object->value, page, spare);
		spin_unlock(&spare_lock);
	}
	preempt_enable();
	return result;
}

void compress_free(const struct compressed *object)
{
	if (object->kind == COMPRESSED_WORD)
		__atomic_fetch_sub(&words, 1, __ATOMIC_RELAXED);
	else
		compress_pool_remove(object->value);
}

void compress_get_stats(struct compress_stats *stats)
{
	*stats = (struct compress_stats){
		.words = READ_ONCE(words),
		.frames = compress_pool_frames(),
		.refused = READ_ONCE(refused),
		.full = READ_ONCE(full),
	};
	compress_pool_count(&stats->packed, &stats->bytes);
}

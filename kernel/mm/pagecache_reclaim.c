/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that leave their cache because memory is wanted elsewhere.
 *
 * A page goes only while the cache holds the one reference to it: who else wants it has to look it
 * up first, and cannot while the lock is held.  What is mapped loses its mappings first, to the
 * hand that goes round page tables (reclaim_region.c).
 *
 * Of a file that can be read again, a clean page is dropped, and a dirty one written by the owner
 * first (ops->clean), with its neighbours; `sequence` tells those who are reading a page from the
 * disk just now that it may have been changed, written and dropped meanwhile.  Of a file that lives
 * in memory alone a page goes to swap space (pagecache_swap.c).  Other caches keep what they have.
 *
 * Up to BATCH pages are taken under the lock at a time, and stored or freed without.
 */
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/pagecache_internal.h"
#include "mm/workingset.h"

enum { BATCH = 32, LOOK_MOST = 256 };

struct batch {
	u32 count, slot_count;
	u32 dropped;
	size_t used; /* pages found in use */
	u64 dirty_first, dirty_end;
	phys_t frames[BATCH];
	swap_entry_t slots[BATCH]; /* a count of each is ours */
};

static bool can_fill(const struct page_cache *cache)
{
	return cache->ops != NULL && cache->ops->fill != NULL;
}

bool page_cache_reclaim_kind(const struct page_cache *cache, enum reclaim_kind *kind)
{
	*kind = can_fill(cache) ? RECLAIM_FILE : RECLAIM_ANONYMOUS;
	return !READ_ONCE(cache->unevictable) && (can_fill(cache) || cache->shared_memory);
}

/* The cache is locked, and nobody but it has the frame. */
static void take(struct page_cache *cache, u64 index, phys_t frame, struct batch *batch,
		 struct reclaim_round *round)
{
	if (!can_fill(cache)) {
		if (page_cache_swap_out_locked(cache, index, frame,
					       &batch->slots[batch->slot_count]) == 0)
			batch->slot_count++;
		else
			round->left[RECLAIM_ANONYMOUS] = 0;
	} else if (radix_tag_test(&cache->pages, index, TAG_DIRTY)) {
		if (batch->dirty_end == 0)
			batch->dirty_first = index;
		batch->dirty_end = index + 1;
	} else {
		radix_erase(&cache->pages, index);
		cache->page_count--;
		workingset_evicted(RECLAIM_FILE, workingset_file_key(cache, index));
		batch->frames[batch->count++] = frame;
	}
}

/* Looks at pages from *at on, until there is a batch.  How many it looked at. */
static size_t collect(struct page_cache *cache, enum reclaim_kind kind, u64 *at, u64 last,
		      enum reclaim_flags flags, struct reclaim_round *round, struct batch *batch)
{
	size_t wanted = MIN(round->left[kind], (size_t)BATCH), looked = 0;
	void *item;

	spin_lock(&cache->lock);
	for (; *at <= last && looked < LOOK_MOST && round->left[kind] != 0 &&
	       batch->count + batch->slot_count < wanted;
	     ++*at) {
		item = radix_next(&cache->pages, at);
		if (item == NULL || *at > last) {
			*at = last + 1;
			break;
		}
		looked++;
		phys_t frame = frame_of_item(item);
		if (item_is_swapped(item) || frame_refs(frame) != 1 ||
		    !round_wants_frame(round, frame))
			continue;
		bool used = frame_of(frame)->used;
		frame_of(frame)->used = 0;
		batch->used += used;
		if (!(flags & RECLAIM_ASK) ||
		    generation_visit(frame_of(frame), used, round->pressing))
			take(cache, *at, frame, batch, round);
	}
	if (batch->count != 0)
		__atomic_fetch_add(&cache->sequence, 1, __ATOMIC_SEQ_CST);
	spin_unlock(&cache->lock);
	return looked;
}

/* Frees or stores what was collected.  How many frames became free.  *error: there is no room for
 * more. */
static size_t finish(struct batch *batch, int *error)
{
	size_t stored = 0;

	*error = 0;
	frame_free_batch(batch->frames, batch->count);
	if (batch->slot_count != 0)
		stored = swap_write_many(batch->slots, batch->slot_count, error);
	/* That of some pages, which do not compress, says nothing of others. */
	if (*error == -E2BIG)
		*error = 0;
	for (u32 i = 0; i < batch->slot_count; i++)
		swap_free(batch->slots[i]);
	return batch->count + stored;
}

size_t page_cache_reclaim(struct page_cache *cache, u64 *at, u64 last, enum reclaim_flags flags,
			  struct reclaim_round *round)
{
	bool files = can_fill(cache);
	enum reclaim_kind kind;
	size_t freed = 0;

	if (!page_cache_reclaim_kind(cache, &kind))
		*at = last + 1;
	while (*at <= last && round->left[kind] != 0) {
		struct batch batch;
		batch.count = batch.slot_count = 0;
		batch.used = 0;
		batch.dirty_first = batch.dirty_end = 0;
		size_t looked = collect(cache, kind, at, last, flags, round, &batch);
		int error;
		size_t taken = finish(&batch, &error);
		freed += taken;
		round_took(round, kind, taken);
		workingset_used(HAND_CACHES, batch.used);
		reclaim_note(files ? RECLAIM_SCANNED_FILES : RECLAIM_SCANNED, looked);
		reclaim_note(files ? RECLAIM_STOLEN_FILES : RECLAIM_STOLEN, taken);
		if (error != 0)
			round->left[kind] = 0;
		/* The next visit finds it clean. */
		if (batch.dirty_end != 0 && flags & RECLAIM_CLEAN && cache->ops->clean != NULL &&
		    cache->ops->clean(cache, batch.dirty_first, batch.dirty_end - 1) != 0)
			flags &= ~(enum reclaim_flags)RECLAIM_CLEAN;
	}
	return freed;
}

size_t page_cache_shrink(struct page_cache *cache, size_t count)
{
	struct reclaim_round round = {.left = {[RECLAIM_FILE] = count}, .node = RECLAIM_ANY_NODE};
	u64 start = READ_ONCE(cache->shrink_from), at = start;
	size_t done = 0;

	if (!can_fill(cache))
		return 0;
	done = page_cache_reclaim(cache, &at, UINT64_MAX - 1, 0, &round);
	if (done < count && start != 0) {
		at = 0;
		done += page_cache_reclaim(cache, &at, start - 1, 0, &round);
	}
	WRITE_ONCE(cache->shrink_from, done < count ? 0 : at);
	return done;
}

void page_cache_give_up(struct page_cache *cache, u64 first, u64 last)
{
	static const enum reclaim_flags passes[] = {RECLAIM_CLEAN, 0};

	if (!can_fill(cache))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(passes); i++) {
		struct reclaim_round round = {.left = {[RECLAIM_FILE] = SIZE_MAX},
					      .node = RECLAIM_ANY_NODE};
		u64 at = first;

		page_cache_reclaim(cache, &at, last, passes[i], &round);
	}
}

void page_cache_bring(struct page_cache *cache, u64 first, u64 end)
{
	enum page_cache_flags flags = PAGE_CACHE_READ;
	phys_t frame;

	end = MIN(end, DIV_ROUND_UP(page_cache_size(cache), PAGE_SIZE));
	for (u64 index = first; index < end && !frame_is_short(); index++) {
		if (page_cache_get(cache, index, flags, &frame) != 0)
			break;
		if (frame != 0)
			frame_free(frame);
	}
}

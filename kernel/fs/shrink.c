/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that nobody uses are forgotten when memory is short, and with them inodes that only they
 * kept.
 *
 * Superblocks are in a list from their first mount on; the last reference takes one off it.  Who
 * goes through the list takes references, and never the last one with the lock held.
 */
#include "fs/fs_internal.h"

#include "mm/reclaim.h"

enum { WHOLE = 100 };

struct names_settings names_settings = {.cache_pressure = WHOLE};

static spinlock_t list_lock = SPINLOCK_INIT;                  /* inside of no other */
static struct list_head superblocks = LIST_INIT(superblocks); /* list_lock */

void superblock_enlist(struct superblock *superblock)
{
	spin_lock(&list_lock);
	if (list_empty(&superblock->all))
		list_add_tail(&superblock->all, &superblocks);
	spin_unlock(&list_lock);
}

void superblock_delist(struct superblock *superblock)
{
	spin_lock(&list_lock);
	list_remove(&superblock->all);
	spin_unlock(&list_lock);
}

static bool try_get(struct superblock *superblock)
{
	u32 refs = __atomic_load_n(&superblock->refs, __ATOMIC_RELAXED);

	while (refs != 0)
		if (__atomic_compare_exchange_n(&superblock->refs, &refs, refs + 1, true,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

/* The next in turn, which becomes the last, with a reference; *left counts them down. */
static struct superblock *next_in_turn(u32 *left)
{
	struct superblock *superblock, *found = NULL;

	spin_lock(&list_lock);
	while (found == NULL && *left > 0 && !list_empty(&superblocks)) {
		superblock = list_first_entry(&superblocks, struct superblock, all);
		list_move_tail(&superblock->all, &superblocks);
		--*left;
		if (try_get(superblock))
			found = superblock;
	}
	spin_unlock(&list_lock);
	return found;
}

struct superblock *superblock_find_device(dev_t device)
{
	struct superblock *superblock, *found = NULL;

	spin_lock(&list_lock);
	list_for_each_entry (superblock, &superblocks, all) {
		if (superblock->device == device && try_get(superblock)) {
			found = superblock;
			break;
		}
	}
	spin_unlock(&list_lock);
	return found;
}

static u32 count_superblocks(size_t *names)
{
	struct superblock *superblock;
	u32 count = 0;

	*names = 0;
	spin_lock(&list_lock);
	list_for_each_entry (superblock, &superblocks, all) {
		*names += READ_ONCE(superblock->lru_count);
		count++;
	}
	spin_unlock(&list_lock);
	return count;
}

u32 names_shrink(u32 count)
{
	struct superblock *superblock;
	size_t names;
	u32 left = count_superblocks(&names), gone = 0;

	while (gone < count && (superblock = next_in_turn(&left)) != NULL) {
		gone += dentry_shrink_some(superblock, count - gone);
		superblock_put(superblock);
	}
	return gone;
}

int superblock_sync(struct superblock *superblock)
{
	return superblock->ops->sync ? superblock->ops->sync(superblock) : 0;
}

void superblocks_sync(void)
{
	struct superblock *superblock;
	size_t names;
	u32 left = count_superblocks(&names);

	while ((superblock = next_in_turn(&left))) {
		/* Whoever wants to know asks with fsync. */
		(void)superblock_sync(superblock);
		superblock_put(superblock);
	}
}

/* Reclaim takes `part` of `whole` pages: names give as much of what they have, weighed, and so do
 * file systems of what they keep. */
static void shrink(size_t part, size_t whole)
{
	struct superblock *superblock;
	size_t names;
	u32 left = count_superblocks(&names);

	while ((superblock = next_in_turn(&left)) != NULL) {
		if (superblock->ops->shrink)
			superblock->ops->shrink(superblock, part, MAX(whole, (size_t)1));
		superblock_put(superblock);
	}
	u64 share = names * READ_ONCE(names_settings.cache_pressure) / WHOLE;
	share = share * part / MAX(whole, (size_t)1);
	if (share != 0)
		names_shrink((u32)MIN(share, names));
}

void names_init(void)
{
	reclaim_set_shrinker(shrink);
}

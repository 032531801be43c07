/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dentry cache: names that were looked up lately, so that a path walk seldom asks a file
 * system.
 *
 * A hash table keyed by parent and name, a spin lock a bucket.  A look-up takes the bucket's lock
 * for the few instructions of the search and takes a reference; it never takes the directory's
 * lock.  Hashed dentries are in their parent's list of children as well.  One that nobody
 * references stays in the cache, on its superblock's LRU list, until there are too many.
 *
 * A walk's first stretch looks into the buckets without their locks, in a reading section
 * (read_section.h), and takes a reference only where it ends.  The memory of dentries and of long
 * names is therefore freed through read_section_free, and a name is changed when no section can be
 * looking at it any more.
 *
 * Death: only who holds dentry->lock, finds refs 0 and, with the bucket locked, swings refs from 0
 * to DYING may free one; look-ups take references under the bucket's lock, or with dentry_try_get, so
 * either the finder or the killer wins.  A dying dentry leaves its parent's list under the parent's lock
 * before it is freed, which is what makes a walk over children safe.
 *
 * The name and the parent of a dentry change in dentry_move.c alone, under move_lock and
 * dentry->lock, while the dentry is in no bucket.  Who misses it meanwhile asks the directory under
 * its lock, which the mover holds.
 *
 * Lock order: move_lock, dentry->lock, bucket lock; dentry->lock, lru_lock.  The shrinker has
 * lru_lock first, so it only tries for dentry->lock.
 */
#include "fs/fs_internal.h"
#include "fs/notify.h"
#include "fs/read_section.h"

#include "lib/string.h"
#include "lib/word.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/random.h"

enum { DYING = -(1 << 30) };

/* Above this many unused dentries of one superblock, a put frees a few of the oldest. */
enum { LRU_LIMIT = 8192, LRU_BATCH = 32 };

struct bucket {
	spinlock_t lock;
	struct dentry *first; /* lock */
};

static struct bucket *buckets;
static u32 bucket_mask;
static u32 hash_seed;
static slab_cache_t *dentry_slab;
static spinlock_t move_lock = SPINLOCK_INIT;

spinlock_t *dentry_move_lock(void)
{
	return &move_lock;
}

void dentry_cache_init(void)
{
	size_t count = 1024;

	while (count < 65536 && count * 65536 < frame_get_total_memory())
		count *= 2;
	buckets = kcalloc(count, sizeof(*buckets));
	dentry_slab = slab_cache_create("dentry", sizeof(struct dentry), 0, NULL, NULL);
	if (!buckets || !dentry_slab)
		panic("no memory for the dentry cache");
	bucket_mask = (u32)count - 1;
	spin_lock_init(&move_lock);
	random_bytes(&hash_seed, sizeof(hash_seed));
}

struct name name_of(const char *text, size_t length)
{
	struct name name = {.text = text, .length = (u32)length};
	u64 hash = 0;

	for (; length >= sizeof(u64); length -= sizeof(u64), text += sizeof(u64))
		hash = name_hash_word(hash, word_at(text));
	name.tail = word_head(word_at(text), (u32)length);
	name.hash = (u32)name_hash_word(hash, name.tail);
	return name;
}

static inline struct bucket *bucket_of(const struct dentry *parent, u32 hash)
{
	u32 mixed = (hash ^ hash_seed) + (u32)((uintptr_t)parent >> 6);

	mixed *= 0x85ebca6bu;
	return &buckets[(mixed ^ mixed >> 15) & bucket_mask];
}

/* Both end with whole words.  `is_short`: a word holds it all. */
static inline bool name_matches(const struct dentry *dentry, const struct name *name, bool is_short)
{
	const u64 *words = (const u64 *)dentry->text;
	const char *text = name->text, *tail = text + name->length / sizeof(u64) * sizeof(u64);

	if (dentry->digest != name->digest)
		return false;
	if (is_short)
		return *words == name->tail;
	for (; text != tail; text += sizeof(u64))
		if (*words++ != word_at(text))
			return false;
	return *words == name->tail;
}

struct dentry *dentry_find(struct dentry *parent, const struct name *name)
{
	struct bucket *bucket = bucket_of(parent, name->hash);
	struct dentry *dentry;

	spin_lock(&bucket->lock);
	for (dentry = bucket->first; dentry; dentry = dentry->hash_next) {
		if (dentry->parent == parent && name_matches(dentry, name, false)) {
			__atomic_add_fetch(&dentry->refs, 1, __ATOMIC_RELAXED);
			break;
		}
	}
	spin_unlock(&bucket->lock);
	return dentry;
}

static inline struct dentry *peek(const struct dentry *parent, const struct name *name,
				  bool is_short)
{
	struct dentry *dentry = READ_ONCE(bucket_of(parent, name->hash)->first);

	while (dentry &&
	       (READ_ONCE(dentry->parent) != parent || !name_matches(dentry, name, is_short)))
		dentry = READ_ONCE(dentry->hash_next);
	return dentry;
}

static struct dentry *__noinline peek_long(const struct dentry *parent, const struct name *name)
{
	return peek(parent, name, false);
}

/* Without calls in its loop, that for short names needs no registers saved. */
struct dentry *dentry_peek(const struct dentry *parent, const struct name *name)
{
	return likely(name->length < sizeof(u64)) ? peek(parent, name, true)
						  : peek_long(parent, name);
}

static struct dentry *dentry_new(struct superblock *superblock)
{
	struct dentry *dentry = slab_alloc(dentry_slab);

	if (!dentry)
		return NULL;
	memset(dentry, 0, offsetof(struct dentry, inline_name));
	dentry->refs = 1;
	dentry->superblock = superblock;
	dentry->ops = superblock->dentry_ops;
	spin_lock_init(&dentry->lock);
	list_init(&dentry->children);
	list_init(&dentry->sibling);
	list_init(&dentry->lru);
	return dentry;
}

struct dentry *dentry_alloc(struct dentry *parent, const struct name *name)
{
	struct dentry *dentry = dentry_new(parent->superblock);
	char *text;

	if (!dentry)
		return NULL;
	text = dentry->inline_name;
	if (name->length >= DENTRY_INLINE_NAME) {
		text = kmalloc(name->length / sizeof(u64) * sizeof(u64) + sizeof(u64));
		if (!text) {
			slab_free(dentry_slab, dentry);
			return NULL;
		}
	}
	size_t words = name->length / sizeof(u64) * sizeof(u64);

	memcpy(text, name->text, words);
	*(u64 *)(text + words) = name->tail;
	dentry->text = text;
	dentry->length = name->length;
	dentry->hash = name->hash;
	dentry->parent = dentry_get(parent);
	spin_lock(&parent->lock);
	list_add(&dentry->sibling, &parent->children);
	spin_unlock(&parent->lock);
	return dentry;
}

struct dentry *dentry_alloc_root(struct superblock *superblock, struct inode *inode)
{
	struct dentry *dentry = dentry_new(superblock);

	if (!dentry)
		return NULL;
	dentry->flags = DENTRY_ROOT;
	memset(dentry->inline_name, 0, sizeof(u64));
	dentry->text = dentry->inline_name;
	dentry->parent = dentry;
	dentry->inode = inode;
	return dentry;
}

void dentry_instantiate(struct dentry *dentry, struct inode *inode)
{
	ASSERT(!dentry->inode);
	__atomic_store_n(&dentry->inode, inode, __ATOMIC_RELEASE);
}

/* dentry->lock and the bucket's lock held. */
static void hash_insert(struct bucket *bucket, struct dentry *dentry)
{
	WRITE_ONCE(dentry->hash_next, bucket->first);
	dentry->hash_link = &bucket->first;
	if (bucket->first)
		bucket->first->hash_link = &dentry->hash_next;
	__atomic_store_n(&bucket->first, dentry, __ATOMIC_RELEASE);
	dentry->flags |= DENTRY_HASHED;
}

static void hash_remove(struct dentry *dentry)
{
	WRITE_ONCE(*dentry->hash_link, dentry->hash_next);
	if (dentry->hash_next)
		dentry->hash_next->hash_link = dentry->hash_link;
	dentry->flags &= ~(u32)DENTRY_HASHED;
}

static void hash_locked(struct dentry *dentry)
{
	struct bucket *bucket = bucket_of(dentry->parent, dentry->hash);

	spin_lock(&bucket->lock);
	hash_insert(bucket, dentry);
	spin_unlock(&bucket->lock);
}

static void unhash_locked(struct dentry *dentry)
{
	struct bucket *bucket;

	if (!(dentry->flags & DENTRY_HASHED))
		return;
	bucket = bucket_of(dentry->parent, dentry->hash);
	spin_lock(&bucket->lock);
	hash_remove(dentry);
	spin_unlock(&bucket->lock);
}

void dentry_hash(struct dentry *dentry)
{
	spin_lock(&dentry->lock);
	hash_locked(dentry);
	spin_unlock(&dentry->lock);
}

void dentry_drop(struct dentry *dentry)
{
	spin_lock(&dentry->lock);
	unhash_locked(dentry);
	spin_unlock(&dentry->lock);
}

/*
 * Takes the dentry out of the world if it is still unused.  dentry->lock held, released when the
 * result is true; the caller then owns a dead dentry and passes it to bury().
 */
static bool kill_locked(struct dentry *dentry)
{
	struct superblock *superblock = dentry->superblock;
	s32 unused = 0;

	if (dentry->flags & DENTRY_HASHED) {
		struct bucket *bucket = bucket_of(dentry->parent, dentry->hash);
		bool dead;

		spin_lock(&bucket->lock);
		dead = __atomic_compare_exchange_n(&dentry->refs, &unused, DYING, false,
						   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
		if (dead)
			hash_remove(dentry);
		spin_unlock(&bucket->lock);
		if (!dead)
			return false;
	} else if (!__atomic_compare_exchange_n(&dentry->refs, &unused, DYING, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		return false;
	}
	if (dentry->flags & DENTRY_ON_LRU) {
		spin_lock(&superblock->lru_lock);
		list_remove(&dentry->lru);
		superblock->lru_count--;
		spin_unlock(&superblock->lru_lock);
		dentry->flags &= ~(u32)DENTRY_ON_LRU;
	}
	spin_unlock(&dentry->lock);
	return true;
}

/* Frees a dead dentry; returns its parent, whose reference the caller now has, or NULL.  May sleep.
 */
static struct dentry *bury(struct dentry *dentry)
{
	struct dentry *parent = dentry->parent;

	if (parent != dentry) {
		spin_lock(&parent->lock);
		list_remove(&dentry->sibling);
		spin_unlock(&parent->lock);
	}
	if (dentry->inode) {
		notify_removed(dentry->inode);
		inode_put(dentry->inode);
	}
	if (dentry->text != dentry->inline_name)
		read_section_free(NULL, (char *)dentry->text);
	read_section_free(dentry_slab, dentry);
	return parent == dentry ? NULL : parent;
}

static void lru_add_locked(struct dentry *dentry)
{
	struct superblock *superblock = dentry->superblock;

	if (dentry->flags & DENTRY_ON_LRU) {
		dentry->flags |= DENTRY_REFERENCED;
		return;
	}
	dentry->flags |= DENTRY_ON_LRU;
	spin_lock(&superblock->lru_lock);
	list_add(&dentry->lru, &superblock->lru);
	superblock->lru_count++;
	spin_unlock(&superblock->lru_lock);
}

/*
 * Frees up to `batch` of the oldest unused dentries; with `all`, recently used ones too.  How many
 * left the list.
 */
static u32 lru_shrink(struct superblock *superblock, u32 batch, bool all)
{
	struct dentry *dead[LRU_BATCH];
	u32 count = 0, seen = 0;

	spin_lock(&superblock->lru_lock);
	while (count < MIN(batch, (u32)LRU_BATCH) && seen < 4 * batch &&
	       !list_empty(&superblock->lru)) {
		struct dentry *dentry = list_last_entry(&superblock->lru, struct dentry, lru);

		seen++;
		if (!spin_trylock(&dentry->lock)) {
			list_move(&dentry->lru, &superblock->lru);
			continue;
		}
		if (!all && dentry->flags & DENTRY_REFERENCED) {
			dentry->flags &= ~(u32)DENTRY_REFERENCED;
			list_move(&dentry->lru, &superblock->lru);
			spin_unlock(&dentry->lock);
			continue;
		}
		list_remove(&dentry->lru);
		superblock->lru_count--;
		dentry->flags &= ~(u32)DENTRY_ON_LRU;
		if (kill_locked(dentry))
			dead[count++] = dentry;
		else
			spin_unlock(&dentry->lock); /* in use: its last put brings it back */
	}
	spin_unlock(&superblock->lru_lock);
	for (u32 i = 0; i < count; i++) {
		struct dentry *parent = bury(dead[i]);

		if (parent)
			dentry_put(parent);
	}
	return seen;
}

void dentry_shrink_superblock(struct superblock *superblock)
{
	while (lru_shrink(superblock, LRU_BATCH, true) > 0)
		;
}

u32 dentry_shrink_some(struct superblock *superblock, u32 count)
{
	u32 done = 0, some;

	do {
		some = lru_shrink(superblock, MIN(count - done, (u32)LRU_BATCH), false);
		done += some;
	} while (some != 0 && done < count);
	read_section_flush();
	return done;
}

/* Drops the last reference of a dentry, or finds that it is not the last.  The parent to put next,
 * or NULL. */
static struct dentry *put_last(struct dentry *dentry)
{
	struct superblock *superblock = dentry->superblock;
	bool too_many;

	spin_lock(&dentry->lock);
	if (__atomic_sub_fetch(&dentry->refs, 1, __ATOMIC_ACQ_REL) != 0) {
		spin_unlock(&dentry->lock);
		return NULL;
	}
	if (!(dentry->flags & DENTRY_HASHED) || dentry->flags & DENTRY_NO_CACHE) {
		if (kill_locked(dentry))
			return bury(dentry);
		spin_unlock(&dentry->lock);
		return NULL;
	}
	lru_add_locked(dentry);
	too_many = superblock->lru_count > LRU_LIMIT;
	spin_unlock(&dentry->lock);
	if (unlikely(too_many))
		lru_shrink(superblock, LRU_BATCH, false);
	return NULL;
}

/* A parent's last reference may go with its child, and so on up: a loop, for the stack is small. */
void dentry_put_last(struct dentry *dentry)
{
	do {
		s32 refs = __atomic_load_n(&dentry->refs, __ATOMIC_RELAXED);

		ASSERT(refs > 0);
		while (refs > 1)
			if (__atomic_compare_exchange_n(&dentry->refs, &refs, refs - 1, false,
							__ATOMIC_RELEASE, __ATOMIC_RELAXED))
				return;
		dentry = put_last(dentry);
	} while (dentry);
}

struct dentry *dentry_get_parent(struct dentry *dentry)
{
	struct dentry *parent;

	spin_lock(&dentry->lock);
	parent = dentry_get(dentry->parent);
	spin_unlock(&dentry->lock);
	return parent;
}

/* Asks the file system; a name that is found, or that stays absent, goes into the cache. */
static struct dentry *look_up(struct dentry *parent, const struct name *name)
{
	struct inode *directory = dentry_inode(parent);
	struct dentry *dentry = dentry_alloc(parent, name);
	int error;

	if (!dentry)
		return ERR_PTR(-ENOMEM);
	error = directory->ops->lookup(directory, dentry);
	if (error) {
		dentry_put(dentry);
		return ERR_PTR(error);
	}
	/* Where names have several spellings, another of this one may be made. */
	if (dentry_inode(dentry) || !directory->ops->spell)
		dentry_hash(dentry);
	return dentry;
}

/* The name as the directory spells it. */
static struct dentry *look_up_spelled(struct dentry *parent, const struct name *name)
{
	struct inode *directory = dentry_inode(parent);
	char spelling[ALIGN_UP(NAME_MAX + 1, sizeof(u64))];
	ssize_t length = directory->ops->spell(directory, name, spelling);
	struct dentry *dentry;
	struct name spelled;

	if (length < 0)
		return ERR_PTR(length);
	if (length == 0)
		return look_up(parent, name);
	spelled = name_of(spelling, (size_t)length);
	dentry = dentry_find(parent, &spelled);
	return dentry ? dentry : look_up(parent, &spelled);
}

struct dentry *dentry_lookup_locked(struct dentry *parent, const struct name *name)
{
	struct inode *directory = dentry_inode(parent);
	struct dentry *dentry = dentry_find(parent, name);

	if (dentry)
		return dentry;
	if (!directory->ops || !directory->ops->lookup)
		return ERR_PTR(-ENOTDIR);
	if (name->length > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	return directory->ops->spell ? look_up_spelled(parent, name) : look_up(parent, name);
}

/* Any child that can be referenced and is hashed or has children itself; with a reference. */
static struct dentry *some_child(struct dentry *dentry)
{
	struct dentry *child, *found = NULL;

	spin_lock(&dentry->lock);
	list_for_each_entry (child, &dentry->children, sibling) {
		if (!(READ_ONCE(child->flags) & DENTRY_HASHED))
			continue;
		if (dentry_try_get(child)) {
			found = child;
			break;
		}
	}
	spin_unlock(&dentry->lock);
	return found;
}

void dentry_drop_tree(struct dentry *dentry)
{
	struct dentry *at = dentry_get(dentry);

	dentry_drop(dentry);
	for (;;) {
		struct dentry *child = some_child(at);

		if (child) {
			dentry_put(at);
			dentry_drop(child);
			at = child;
		} else if (at == dentry) {
			break;
		} else {
			struct dentry *parent = dentry_get_parent(at);

			dentry_put(at);
			at = parent;
		}
	}
	dentry_put(at);
}

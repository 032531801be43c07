/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, copying and freeing nodes, and the rings of leaves; see node.h.
 *
 * Copying a table is what the first write after a fork pays for each 2 MiB, so it is two passes
 * over what is used of it: one takes the permission to write out of the original, the other copies.
 * Tables of small programs have few entries, next to each other.  So a table that goes is cleared if
 * that takes no more than CLEAN_SPAN entries, and the next one need not be cleared.
 */
#include "mm/node.h"

#include "lib/assert.h"
#include "lib/string.h"
#include "mm/huge.h"
#include "mm/slab.h"

enum { RING_LOCKS = 64, FREE_BATCH = 64, CLEAN_SPAN = 256 };

static slab_cache_t *node_slab; /* set once */
static spinlock_t ring_locks[RING_LOCKS];

void nodes_init(void)
{
	node_slab = slab_cache_create("page_table_node", sizeof(struct node), 0, NULL, NULL);
	if (node_slab == NULL)
		panic("no memory for the nodes of page tables");
}

/* Is what a table has used little enough to be cleared by itself? */
static inline bool is_narrow(union used_span used)
{
	return used.first < used.end && used.end - used.first <= CLEAN_SPAN;
}

/* *clean: its table is empty; else the content is undefined.  NULL: who fills much of it leaves the
 * empty ones to others. */
static struct node *make(u32 level, bool *clean)
{
	struct node *node = slab_alloc(node_slab);

	if (node == NULL)
		return NULL;
	phys_t table = clean != NULL ? frame_alloc_table(clean) : frame_alloc_kind(FRAME_TABLE);
	if (table == 0) {
		slab_free(node_slab, node);
		return NULL;
	}
	*node = (struct node){
		.refs = 1,
		.level = (u8)level,
		.used = {{.first = PTES_PER_TABLE}},
		.table = table,
		.ring = node,
	};
	frame_of(table)->node = node;
	return node;
}

struct node *node_alloc_unfilled(u32 level)
{
	return make(level, NULL);
}

struct node *node_alloc(u32 level)
{
	bool clean;
	struct node *node = make(level, &clean);

	if (node != NULL && !clean)
		page_clear(node_table(node));
	return node;
}

void node_extend(struct node *node, u32 index)
{
	union used_span old = {.word = __atomic_load_n(&node->used.word, __ATOMIC_RELAXED)}, new;

	do {
		new.first = (u16)MIN((u32)old.first, index);
		new.end = (u16)MAX((u32)old.end, index + 1);
	} while (!__atomic_compare_exchange_n(&node->used.word, &old.word, new.word, true,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* --- Rings --- */

static spinlock_t *lock_of_ring(const struct node *leaf)
{
	return &ring_locks[leaf->ring_id % RING_LOCKS];
}

bool ring_lock(struct node *leaf)
{
	/* Alone and locked means alone until unlocked: who joins copies the leaf, under its lock.
	 */
	if (likely(READ_ONCE(leaf->ring) == leaf))
		return false;
	spin_lock(lock_of_ring(leaf));
	return true;
}

void ring_unlock(struct node *leaf, bool locked)
{
	if (unlikely(locked))
		spin_unlock(lock_of_ring(leaf));
}

static inline bool is_shared(const struct node *leaf, u32 index, pte_t entry)
{
	for (const struct node *other = leaf->ring; other != leaf; other = other->ring) {
		pte_t theirs = pte_read(&node_table(other)[index]);
		/* Most are as they were when the leaf was copied. */
		if (likely(theirs.value == entry.value) || entry_same_content(theirs, entry))
			return true;
	}
	return false;
}

bool ring_shares(const struct node *leaf, u32 index, pte_t entry)
{
	return is_shared(leaf, index, entry);
}

u32 ring_count(const struct node *leaf, u32 index, pte_t entry)
{
	u32 count = 0;

	for (const struct node *other = leaf->ring; other != leaf; other = other->ring)
		count += entry_same_content(pte_read(&node_table(other)[index]), entry);
	return count;
}

/* The copy becomes a member of the leaf's ring; false when the ring is full.  The leaf is locked.
 */
static bool ring_join(struct node *leaf, struct node *copy)
{
	u32 members = 1;

	if (leaf->ring == leaf)
		leaf->ring_id = (u32)(leaf->table >> PAGE_SHIFT);
	spin_lock(lock_of_ring(leaf));
	for (const struct node *other = leaf->ring; other != leaf; other = other->ring)
		members++;
	bool room = members < RING_LIMIT;
	if (room) {
		copy->ring_id = leaf->ring_id;
		copy->ring = leaf->ring;
		WRITE_ONCE(leaf->ring, copy);
	}
	spin_unlock(lock_of_ring(leaf));
	return room;
}

/* Ring locked. */
static void ring_leave_locked(struct node *leaf)
{
	struct node *previous = leaf->ring;

	while (previous->ring != leaf)
		previous = previous->ring;
	WRITE_ONCE(previous->ring, leaf->ring);
}

void leaf_count(struct node *leaf, pte_t entry, int change)
{
	u16 *count = entry_is_swapped(entry)
			     ? &leaf->swapped
			     : &leaf->counts[frame_resident_kind(entry_phys(entry))];

	*count = (u16)(*count + change);
}

void content_put(pte_t entry)
{
	if (entry_is_swapped(entry))
		swap_free(entry_swap_slot(entry));
	else
		frame_free(entry_phys(entry));
}

void content_get(pte_t entry)
{
	if (entry_is_swapped(entry))
		swap_dup(entry_swap_slot(entry));
	else
		frame_get(entry_phys(entry));
}

bool leaf_fill(struct node *leaf, pte_t *slot, pte_t entry)
{
	bool locked = ring_lock(leaf);
	bool first = !locked || !ring_shares(leaf, slot_index(slot), entry);

	leaf_put(leaf, slot, entry);
	leaf_count(leaf, entry, 1);
	ring_unlock(leaf, locked);
	return first;
}

bool leaf_is_sole_owner(struct node *leaf, const pte_t *slot, pte_t entry)
{
	if (entry_is_exclusive(entry))
		return true;
	if (!entry_has_frame(entry) || !frame_is_anonymous(entry_phys(entry)))
		return false;
	bool locked = ring_lock(leaf);
	bool sole = frame_refs(entry_phys(entry)) == 1 &&
		    !(locked && ring_shares(leaf, slot_index(slot), entry));
	ring_unlock(leaf, locked);
	return sole;
}

/* --- Copies --- */

/* A reference more for all that a table names: for a copy that no ring counts for. */
static void count_contents(const pte_t *table, union used_span used)
{
	for (u32 i = used.first; i < used.end; i++)
		if (entry_has_content(pte_read(&table[i])))
			content_get(pte_read(&table[i]));
}

static void count_links(const pte_t *table, union used_span used)
{
	for (u32 i = used.first; (i = entries_skip_empty_below(table, i, used.end)) < used.end;
	     i++) {
		pte_t link = pte_read(&table[i]);
		node_get(node_of(link));
		if (unlikely(link_is_huge(link)))
			huge_link_copied(node_of(link));
	}
}

/* Copies a table of which all but [first, end) is empty, and takes the permission to write out of
 * both.  `clean`: the new one is empty. */
static void copy_entries(pte_t *to, pte_t *from, u32 first, u32 end, bool clean)
{
	ASSERT(!clean || entries_skip_empty(to, 0) == PTES_PER_TABLE);
	ASSERT(entries_skip_empty_below(from, 0, first) == first);
	ASSERT(entries_skip_empty(from, end) == PTES_PER_TABLE);
	ptes_share(&from[first], end - first);
	ptes_copy(&to[first], &from[first], end - first);
	if (clean)
		return;
	ptes_clear(to, first);
	ptes_clear(&to[end], PTES_PER_TABLE - end);
}

struct node *node_copy(struct node *original)
{
	/* It may yet grow a little until it is locked. */
	union used_span used = {.word = __atomic_load_n(&original->used.word, __ATOMIC_RELAXED)};
	bool clean = false;
	struct node *copy = make(original->level, is_narrow(used) ? &clean : NULL);

	if (copy == NULL)
		return NULL;
	ASSERT(!original->may_pin);
	spin_lock(&original->lock);
	copy->used = original->used;
	if (copy->used.first < copy->used.end)
		copy_entries(node_table(copy), node_table(original),
			     ALIGN_DOWN(copy->used.first, PTES_PER_RUN),
			     ALIGN_UP(copy->used.end, PTES_PER_RUN), clean);
	else if (!clean)
		page_clear(node_table(copy));
	if (original->level > 1) {
		count_links(node_table(copy), copy->used);
	} else {
		for (int kind = 0; kind < RESIDENT_KINDS; kind++)
			copy->counts[kind] = original->counts[kind];
		copy->swapped = original->swapped;
		if (!ring_join(original, copy))
			count_contents(node_table(copy), copy->used);
	}
	spin_unlock(&original->lock);
	return copy;
}

/* What stands in the copy for a pinned entry: the same, with a frame of its own.  What is hidden
 * nobody but the device writes, so its bytes are copied at once.  Empty: no memory. */
static pte_t replace_pinned(pte_t *slot, pte_t entry)
{
	phys_t frame = frame_alloc_kind(FRAME_USER);

	if (frame == 0)
		return entry_none();
	if (pte_is_present(entry))
		return entry_exclusive(slot, frame, pte_flags(entry));
	page_copy(phys_to_virt(frame), phys_to_virt(entry_phys(entry)));
	return entry_add_marks(entry_hidden(frame, false), entry_marks(entry));
}

static bool replace_all_pinned(struct node *copy, const struct node *original)
{
	pte_t *to = node_table(copy);
	const pte_t *from = node_table(original);
	u32 end = original->used.end;

	for (u32 i = original->used.first; (i = entries_skip_empty_below(from, i, end)) < end;
	     i++) {
		if (!entry_is_pinned(pte_read(&from[i])))
			continue;
		pte_write(&to[i], replace_pinned(&to[i], pte_read(&from[i])));
		if (pte_is_none(pte_read(&to[i])))
			return false;
	}
	return true;
}

/* What both have from now on. */
static pte_t shared_entry(pte_t entry)
{
	if (pte_is_present(entry))
		return pte_clear(entry, PAGE_WRITABLE | PAGE_EXCL);
	return entry_is_exclusive(entry) ? entry_not_exclusive(entry) : entry;
}

/* The pinned ones lose their W alone: until the flush the copy's frames have no content. */
static void share_all_else(struct node *copy, struct node *original)
{
	pte_t *to = node_table(copy), *from = node_table(original);
	u32 end = original->used.end;

	for (u32 i = original->used.first; (i = entries_skip_empty_below(from, i, end)) < end;
	     i++) {
		pte_t entry = pte_read(&from[i]);
		if (pte_is_none(pte_read(&to[i]))) {
			entry = shared_entry(entry);
			pte_write(&to[i], entry);
		} else if (pte_is_present(entry)) {
			entry = pte_clear(entry, PAGE_WRITABLE);
		}
		pte_write(&from[i], entry);
	}
}

/* A reference more for all that both tables name. */
static void count_same_contents(const struct node *a, const struct node *b)
{
	for (u32 i = a->used.first; i < a->used.end; i++) {
		pte_t entry = pte_read(&node_table(a)[i]);
		if (entry_has_content(entry) &&
		    entry_same_content(entry, pte_read(&node_table(b)[i])))
			content_get(entry);
	}
}

struct node *node_copy_pinned(struct node *original)
{
	struct node *copy = node_alloc(1);

	if (copy == NULL)
		return NULL;
	spin_lock(&original->lock);
	copy->used = original->used;
	bool replaced = replace_all_pinned(copy, original);
	if (replaced) {
		share_all_else(copy, original);
		for (int kind = 0; kind < RESIDENT_KINDS; kind++)
			copy->counts[kind] = original->counts[kind];
		copy->swapped = original->swapped;
		if (!ring_join(original, copy))
			count_same_contents(copy, original);
	}
	spin_unlock(&original->lock);
	if (!replaced) {
		node_put(copy);
		return NULL;
	}
	return copy;
}

/* --- The end --- */

/* Gives back a whole block at once, if that is what the leaf has, and it alone. */
static bool free_block(const struct node *leaf)
{
	const pte_t *table = node_table(leaf);
	phys_t block = entry_phys(pte_read(table));

	if (block % HUGE_SIZE != 0)
		return false;
	for (u32 i = 0; i < PTES_PER_TABLE; i++)
		if (entry_phys(pte_read(&table[i])) != block + i * PAGE_SIZE)
			return false;
	return huge_block_free(block);
}

/* What nobody else names is freed.  The ring stays locked throughout, so that of two members that
 * go at once the second one knows that it is the last. */
static void free_contents(struct node *leaf)
{
	phys_t frames[FREE_BATCH];
	u32 count = 0;
	const pte_t *table = node_table(leaf);
	bool locked = ring_lock(leaf);

	if (!locked && leaf->counts[RESIDENT_ANONYMOUS] == PTES_PER_TABLE && free_block(leaf))
		return;
	for (u32 i = leaf->used.first;
	     (i = entries_skip_empty_below(table, i, leaf->used.end)) < leaf->used.end; i++) {
		pte_t entry = pte_read(&table[i]);
		if (entry_is_special(entry) || (locked && is_shared(leaf, i, entry)))
			continue;
		if (unlikely(entry_is_swapped(entry))) {
			swap_free(entry_swap_slot(entry));
			continue;
		}
		if (count == FREE_BATCH) {
			frame_free_batch(frames, count);
			count = 0;
		}
		frames[count++] = entry_phys(entry);
	}
	if (locked)
		ring_leave_locked(leaf);
	ring_unlock(leaf, locked);
	frame_free_batch(frames, count);
}

static void node_put_link(pte_t link)
{
	struct node *node = node_of(link);

	if (unlikely(link_is_huge(link)))
		huge_link_gone(node);
	node_put(node);
}

/* Of a node without any used entry the table may be undefined. */
static void table_free(const struct node *node)
{
	pte_t *table = node_table(node);
	union used_span used = node->used;

	if (!is_narrow(used)) {
		frame_free(node->table);
		return;
	}
	ptes_clear(&table[used.first], used.end - used.first);
	ASSERT(entries_skip_empty(table, 0) == PTES_PER_TABLE);
	frame_free_clean(node->table);
}

/* As deep as the tree is high. */
static void node_free(struct node *node)
{
	const pte_t *table = node_table(node);
	u32 end = node->used.end;

	if (node->level == 1)
		free_contents(node);
	else
		for (u32 i = node->used.first; (i = entries_skip_empty_below(table, i, end)) < end;
		     i++)
			node_put_link(pte_read(&table[i]));
	/* Until it has left its ring, who moves pages may have locked the leaf. */
	ASSERT(node->lock.held == 0);
	table_free(node);
	slab_free(node_slab, node);
}

void node_put(struct node *node)
{
	if (__atomic_fetch_sub(&node->refs, 1, __ATOMIC_ACQ_REL) == 1)
		node_free(node);
}

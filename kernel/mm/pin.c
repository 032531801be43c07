/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pinning pages, and what fork does with them; see pin.h.
 *
 * How is a pin told from any other reference?  By the entry: an exclusive entry is the only one
 * that names its frame, so all references but one are pins, or of somebody who looks at the page
 * just now and holds the map lock, which fork excludes.  No count of its own is needed (Linux adds
 * 1024 for each pin, and takes a page with so many readers for pinned).  It follows that an entry
 * with a pinned frame stays exclusive until it goes: mprotect keeps the mark, also while the page
 * is hidden, and mremap takes it along.
 *
 * So that fork need not look at every entry, `may_pin` is set in the nodes on the way to a pin, and
 * in the space.  Such a node has one link, with W: fork copies it for the child instead of sharing
 * it.  Without the mark fork takes constant time as ever.  Marks are hints: fork clears those that
 * it finds without a pin.
 *
 * fork takes two steps, so that the child gets its memory as it was at one moment, as far as the
 * program's own threads are concerned.  First the child's leaf gets fresh frames in the place of
 * pinned ones, and the parent's entries lose W.  Then, after the flush, the bytes are copied.  The
 * parent's next write gets W back, since the entry is exclusive.  What the device writes meanwhile
 * the child has, or has not.  Failing in the middle changes nothing that the parent would notice.
 *
 * Locks: the map lock is held for reading while a page is pinned, and the leaf's lock while its
 * reference is taken; unpinning needs none.
 */
#include "mm/pin.h"

#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/huge.h"
#include "mm/pin_internal.h"

static struct pin_stats totals; /* atomic */

void vmm_get_pin_stats(struct pin_stats *stats)
{
	stats->released = __atomic_load_n(&totals.released, __ATOMIC_RELAXED);
	stats->acquired = __atomic_load_n(&totals.acquired, __ATOMIC_RELAXED);
}

/* --- Pinning --- */

enum pin_result {
	PIN_DONE,
	PIN_TOUCH,   /* not there, or not for writing: a fault brings it */
	PIN_OWN,     /* to be read, but others have the frame, too */
	PIN_REFUSED, /* a page of a file whose changes must be noticed */
	PIN_BAD,
};

void pin_note_path(struct address_space *space, vaddr_t page)
{
	const pte_t *table = phys_to_virt(space->tree.root);

	WRITE_ONCE(space->may_pin, true);
	for (u32 level = PT_LEVELS; level > 1; level--) {
		struct node *node = node_of(pte_read(&table[pt_index(page, level)]));
		if (!READ_ONCE(node->may_pin))
			WRITE_ONCE(node->may_pin, true);
		table = node_table(node);
	}
}

/* May the file's pages be written without anybody noticing?  The owner of others wants to know when
 * they change, and that they do not once they are sealed. */
static bool is_unwatched(const struct region *region)
{
	return region->backing->ops->written == NULL;
}

/* What is to be done for an entry that names a frame, the leaf of which is locked. */
static enum pin_result examine(const struct region *region, const struct tree_leaf *leaf,
			       pte_t entry, bool write)
{
	phys_t frame = entry_phys(entry);

	if (write && !(leaf->exclusive && entry_is_writable(entry)))
		return PIN_TOUCH;
	if (entry_is_special(entry))
		return PIN_DONE;
	if (frame_is_anonymous(frame))
		return leaf->exclusive && entry_is_exclusive(entry) ? PIN_DONE : PIN_OWN;
	return write && !is_unwatched(region) ? PIN_REFUSED : PIN_DONE;
}

/* The map lock is held for reading. */
static enum pin_result pin_locked(struct address_space *space, vaddr_t page, bool write,
				  phys_t *frame)
{
	const struct region *region = region_find(space, page);
	enum pin_result result = PIN_TOUCH;
	struct tree_leaf leaf;

	/* A touch may make a stack grow. */
	if (region == NULL)
		return PIN_TOUCH;
	if (!(region->flags & (write ? REGION_WRITE : REGION_READ)) ||
	    (region->flags & REGION_SPECIAL))
		return PIN_BAD;
	if (tree_lock_leaf(space, page, TREE_FIND, &leaf) != 0)
		return PIN_TOUCH;
	pte_t entry = pte_read(leaf.slot);
	if (pte_is_present(entry))
		result = examine(region, &leaf, entry, write);
	if (result == PIN_DONE) {
		*frame = entry_phys(entry);
		frame_get(*frame);
		if (write)
			entry_forget_lazy(leaf.slot, entry);
		if (entry_is_exclusive(entry))
			pin_note_path(space, page);
	}
	tree_unlock_leaf(&leaf);
	return result;
}

/* Gives the page's entry a frame of its own. */
static int make_own(struct address_space *space, vaddr_t page)
{
	int result = fault_own(space, page);

	while (result == -ENOMEM && fault_out_of_memory(space))
		result = fault_own(space, page);
	return result;
}

/* One page, brought in as often as it takes: 0 or negative errno. */
static int pin_page(struct address_space *space, vaddr_t page, bool write, phys_t *frame)
{
	int error = 0;

	while (error == 0) {
		rwlock_read_lock(&space->map_lock);
		enum pin_result result = pin_locked(space, page, write, frame);
		rwlock_read_unlock(&space->map_lock);
		switch (result) {
		case PIN_DONE:
			return 0;
		case PIN_TOUCH:
			error = vmm_fault(space, page, FAULT_USER | (write ? FAULT_WRITE : 0),
					  NULL);
			break;
		case PIN_OWN:
			error = make_own(space, page);
			break;
		case PIN_REFUSED:
			return -EOPNOTSUPP;
		case PIN_BAD:
			return -EFAULT;
		}
	}
	return error;
}

ssize_t vmm_pin(struct address_space *space, vaddr_t address, size_t count, bool write,
		phys_t *frames)
{
	vaddr_t page = ALIGN_DOWN(address, PAGE_SIZE);
	size_t done = 0;
	int error = 0;

	for (; done < count; done++, page += PAGE_SIZE) {
		error = page < USER_TOP ? pin_page(space, page, write, &frames[done]) : -EFAULT;
		if (error != 0)
			break;
	}
	__atomic_fetch_add(&totals.acquired, done, __ATOMIC_RELAXED);
	return done > 0 || count == 0 ? (ssize_t)done : error;
}

void vmm_unpin(const phys_t *frames, size_t count)
{
	__atomic_fetch_add(&totals.released, count, __ATOMIC_RELAXED);
	frame_free_batch(frames, count);
}

/* --- fork --- */

/* A leaf without pins may be shared again, where a hidden entry is nobody's own. */
static bool look_at_leaf(struct node *leaf)
{
	pte_t *table = node_table(leaf);
	bool pinned = false;

	spin_lock(&leaf->lock);
	for (u32 i = leaf->used.first; i < leaf->used.end && !pinned; i++)
		pinned = entry_is_pinned(pte_read(&table[i]));
	for (u32 i = leaf->used.first; i < leaf->used.end && !pinned; i++) {
		pte_t entry = pte_read(&table[i]);
		if (!pte_is_present(entry) && entry_is_exclusive(entry))
			pte_write(&table[i], entry_not_exclusive(entry));
	}
	spin_unlock(&leaf->lock);
	return pinned;
}

/* As deep as the tree is high. */
bool pin_look_below(const pte_t *table, u32 limit)
{
	bool pinned = false;

	for (u32 i = 0; (i = entries_skip_empty_below(table, i, limit)) < limit; i++) {
		struct node *node = node_of(pte_read(&table[i]));
		if (!node->may_pin)
			continue;
		node->may_pin = node->level == 1 ? look_at_leaf(node)
						 : pin_look_below(node_table(node), PTES_PER_TABLE);
		pinned = pinned || node->may_pin;
	}
	return pinned;
}

/* A copy of a node on the way to a pin; NULL: no memory.  As deep as the tree is high. */
static struct node *copy_path(struct node *original)
{
	if (original->level == 1)
		return node_copy_pinned(original);
	struct node *copy = node_alloc(original->level);
	if (copy == NULL)
		return NULL;
	pte_t *from = node_table(original), *to = node_table(copy);
	for (u32 i = 0; (i = entries_skip_empty(from, i)) < PTES_PER_TABLE; i++) {
		node_extend(copy, i);
		if (pin_share_link(&to[i], &from[i]) != 0) {
			node_put(copy);
			return NULL;
		}
	}
	return copy;
}

int pin_share_link(pte_t *to, pte_t *from)
{
	pte_t link = pte_read(from);
	struct node *node = node_of(link);

	if (unlikely(node->may_pin)) {
		/* Its entries change one by one. */
		if (link_is_huge(link))
			huge_link_split(from);
		struct node *copy = copy_path(node);
		if (copy == NULL)
			return -ENOMEM;
		pte_write(to, node_link(copy));
		return 0;
	}
	link = pte_clear(link, PAGE_WRITABLE);
	node_get(node);
	if (unlikely(link_is_huge(link)))
		huge_link_copied(node);
	pte_write(from, link);
	pte_write(to, link);
	return 0;
}

static void copy_pinned_pages(const struct node *from, const struct node *to)
{
	for (u32 i = to->used.first; i < to->used.end; i++) {
		pte_t entry = pte_read(&node_table(to)[i]);
		if (pte_is_present(entry) && entry_is_exclusive(entry))
			page_copy(phys_to_virt(entry_phys(entry)),
				  phys_to_virt(entry_phys(pte_read(&node_table(from)[i]))));
	}
}

/* As deep as the tree is high.  What the child has lost already it does not need. */
static void finish_below(const pte_t *from, const pte_t *to, u32 limit)
{
	for (u32 i = 0; (i = entries_skip_empty_below(to, i, limit)) < limit; i++) {
		const struct node *theirs = node_of(pte_read(&from[i]));
		const struct node *own = node_of(pte_read(&to[i]));
		if (!theirs->may_pin || theirs == own)
			continue;
		if (own->level == 1)
			copy_pinned_pages(theirs, own);
		else
			finish_below(node_table(theirs), node_table(own), PTES_PER_TABLE);
	}
}

void pin_finish_fork(struct address_space *child, struct address_space *parent)
{
	finish_below(phys_to_virt(parent->tree.root), phys_to_virt(child->tree.root),
		     pt_index(KERNEL_BASE, PT_LEVELS));
}

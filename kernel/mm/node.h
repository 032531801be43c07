/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes: the page tables of the user half, which address spaces of a family share; for mm's own
 * files.
 *
 * A node is a page table with a descriptor.  `refs` counts the links that name it: entries of upper
 * nodes, and of roots.  With more than one link it is shared, and then every link to it forbids
 * writing (W = 0), so that the machine faults before anyone can write through it.  A shared node is
 * not changed, but for entries that are filled in or revoked for all its sharers.  Whoever wants
 * more gets a copy of it first: see tree.h.
 *
 * What an entry of a leaf names (a frame, or a slot of swap space) is its *content*; an entry holds
 * one reference to it.  Copying a leaf counts nothing: the copy joins the *ring* of the original,
 * and entries of the same index that name the same content hold one reference together.  Whoever
 * takes content out of an entry asks the ring whether another leaf still names it.  A ring has at
 * most RING_LIMIT leaves, so that asking stays cheap; a copy beyond that counts its references.
 *
 * Locks.  `lock` guards the entries of a node, and `counts`; links of upper nodes that nobody else
 * can reach change under the space's tree_lock instead.  The ring has a lock of its own, inside of
 * leaf locks.  It guards the members, and taking content out of a leaf that has company.  `refs`
 * grows under the tree_lock of a space that has the node in its tree, so a count of one, read under
 * the tree_lock of the space whose link that is, stays.
 *
 * A node goes when its last link does, after every CPU has been flushed that may still walk through
 * it: replaced links are dropped late.
 */
#ifndef MM_NODE_H
#define MM_NODE_H

#include "arch/mmu.h"
#include "lib/spinlock.h"
#include "mm/entry.h"
#include "mm/frame.h"
#include "mm/vmm.h"

enum { RING_LIMIT = 8 };

#ifdef CONFIG_CHECKING
/* What tree_check noted when it last came by; its own. */
struct node_check {
	u32 pass, links, huge_links, visits;
	vaddr_t base;                /* where the node's span begins */
	struct address_space *space; /* by which it was reached first */
	struct family *family;
};
#endif

/* Entries [first, end) of a table: what a copy has to look at.  It only grows. */
union used_span {
	struct {
		u16 first, end;
	};
	u32 word; /* for upper nodes, which are added to without a lock */
};

struct node {
	u32 refs;                   /* atomic: links that name it */
	u32 huge_links;             /* atomic: of a leaf: those of them that are huge (huge.h) */
	u16 counts[RESIDENT_KINDS]; /* of a leaf: entries that name frames */
	u16 swapped;                /* of a leaf: entries that name slots of swap space */
	u8 level;                   /* of its entries; 1: a leaf */
	bool may_pin;               /* a pinned frame may be below (pin.h); then it is not shared.
				       Set with a map lock held for reading, cleared by fork */
	union used_span used;       /* all other entries are empty, and have always been */
	spinlock_t lock;
	phys_t table;
	struct node *ring; /* of a leaf: the next in its ring; itself when it is alone */
	u32 ring_id;       /* the same in all of a ring */
	u32 scan_pass;     /* when reclaim came by, and in which space: so that a shared leaf is */
	const void *scan_space; /* looked at once a pass; only the one reclaimer uses them */
#ifdef CONFIG_CHECKING
	struct node_check check;
#endif
};

void nodes_init(void); /* once */

/* A node with an empty table and one link, the caller's; NULL: no memory. */
struct node *__must_check node_alloc(u32 level);
/* The same with a table whose content is undefined. */
struct node *__must_check node_alloc_unfilled(u32 level);
/* A copy, with one link, that shares everything below with the original, which is not locked and
 * has more than one link.  A leaf comes locked, as its original is from then on. */
struct node *__must_check node_copy(struct node *original);
/*
 * A copy, with one link, of a leaf that has one link and keeps it: pinned frames stay the
 * original's, and the copy has others in their place, whose content is still undefined if the entry
 * has PAGE_EXCL.  All else is shared by both.  NULL: no memory; then the original means the same as
 * before.  The map lock of the only space that has it is held for writing.
 */
struct node *__must_check node_copy_pinned(struct node *original);
/* Drops a link.  The last one frees the node and all that only it leads to. */
void node_put(struct node *node);

/* An upper node is about to get a link at this index.  Any context. */
void node_extend(struct node *node, u32 index);

static inline pte_t *node_table(const struct node *node)
{
	return phys_to_virt(node->table);
}

/* Does the link map a block instead of naming a table? */
static inline bool link_is_huge(pte_t link)
{
	return pte_is_leaf(link, 2);
}

/* The node that a link names, or whose block it maps: then the caller's locks keep it (huge.h). */
static inline struct node *node_of(pte_t link)
{
	const struct frame *frame = frame_of(pte_phys(link));

	if (unlikely(link_is_huge(link)))
		frame = frame_of(frame->owner);
	return frame->node;
}

/* The node that an entry lies in. */
static inline struct node *node_of_slot(const pte_t *slot)
{
	return frame_of(virt_to_phys(slot))->node;
}

static inline u32 slot_index(const pte_t *slot)
{
	return (u32)((uintptr_t)slot / sizeof(*slot) % PTES_PER_TABLE);
}

static inline pte_t node_link(const struct node *node)
{
	return pte_table(node->table, PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER);
}

static inline bool node_is_shared(const struct node *node)
{
	return __atomic_load_n(&node->refs, __ATOMIC_ACQUIRE) != 1;
}

static inline void node_get(struct node *node)
{
	__atomic_fetch_add(&node->refs, 1, __ATOMIC_RELAXED);
}

/* --- Leaves.  The leaf's lock is held. --- */

/*
 * Has the leaf company?  Then the ring is locked until ring_unlock.  To be called before content is
 * taken out of the leaf.
 */
bool ring_lock(struct node *leaf);
void ring_unlock(struct node *leaf, bool locked);
/* Does another leaf of the ring name what `entry`, which names content, does at this index?  Ring
 * locked. */
bool ring_shares(const struct node *leaf, u32 index, pte_t entry);

/* How many other leaves of the ring do?  Ring locked, if there is company. */
u32 ring_count(const struct node *leaf, u32 index, pte_t entry);

/* Entries [index, index + count) are about to be used. */
static inline void leaf_extend(struct node *leaf, u32 index, u32 count)
{
	if (index < leaf->used.first)
		leaf->used.first = (u16)index;
	if (index + count > leaf->used.end)
		leaf->used.end = (u16)(index + count);
}

/* Puts an entry at an empty slot. */
static inline void leaf_put(struct node *leaf, pte_t *slot, pte_t entry)
{
	leaf_extend(leaf, slot_index(slot), 1);
	pte_write(slot, entry);
}

/*
 * Takes a content's count of a leaf out of or into it, as an entry that names it goes or comes.
 */
void leaf_count(struct node *leaf, pte_t entry, int change);

/* Lets go of what an entry named, and gets a reference more to it. */
void content_put(pte_t entry);
void content_get(pte_t entry);

/*
 * Puts an entry that names content, to which the caller hands over a reference, at an empty slot:
 * false: the ring had one already, and the reference is still the caller's.
 */
bool leaf_fill(struct node *leaf, pte_t *slot, pte_t entry);
/* Does no other entry, and nobody else, have the frame that an entry names? */
bool leaf_is_sole_owner(struct node *leaf, const pte_t *slot, pte_t entry);

/* Has somebody pinned the frame that an exclusive entry names?  No other entry has it, so every
 * further reference is a pin, or of somebody who looks at the page just now. */
static inline bool entry_is_pinned(pte_t entry)
{
	return entry_is_exclusive(entry) && frame_refs(entry_phys(entry)) > 1;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policies: from which nodes a program wants its memory.  A region has one (mbind), and so
 * has a thread (set_mempolicy), for regions that have none.  They choose the nodes of anonymous
 * pages; what is mapped already stays where it is.
 */
#ifndef MM_MEMPOLICY_H
#define MM_MEMPOLICY_H

#include "lib/abi/mempolicy.h"
#include "lib/types.h"
#include "mm/frame.h"

struct address_space;

/* All zero: the default.  Of a set of nodes the first 64 are kept. */
struct mempolicy {
	u32 mode;  /* MPOL_* */
	u16 flags; /* MPOL_MODE_FLAGS */
	u16 home;  /* set_mempolicy_home_node(2): that node + 1; 0: the CPU's */
	u64 nodes; /* as given with MPOL_F_STATIC_NODES or _RELATIVE_NODES, else those that are */
};

static inline bool mempolicy_equal(const struct mempolicy *a, const struct mempolicy *b)
{
	return a->mode == b->mode && a->flags == b->flags && a->home == b->home &&
	       a->nodes == b->nodes;
}

/* A mode with its flags and a set of nodes, as a program gives them.  `more_nodes`: there are some
 * beyond the first 64.  0 or -EINVAL. */
int __must_check mempolicy_make(struct mempolicy *policy, u32 mode, u64 nodes, bool more_nodes);

/* The nodes that a policy means on this machine; 0 for a policy that names none. */
u64 mempolicy_nodes(const struct mempolicy *policy);

/* Where a page at this address should come from; false: the policy has no wish. */
bool mempolicy_place(const struct mempolicy *policy, vaddr_t address,
		     struct frame_placement *placement);

/* The same with the thread's policy instead of the default one. */
bool mempolicy_place_for_task(const struct mempolicy *policy, vaddr_t address,
			      struct frame_placement *placement);
/* The nodes that the thread's policy means; all if it has no wish. */
u64 mempolicy_task_nodes(void);

/*
 * Frames for private pages (FRAME_USER, of undefined content), for consecutive pages from `address`
 * on, by the region's policy or, if that is the default, the thread's.  Returns how many of `count`
 * there were.  With one node this is frame_alloc_batch.
 */
size_t __must_check frame_alloc_user(const struct mempolicy *policy, vaddr_t address,
				     phys_t *frames, size_t count);

/* A block of them likewise, with one reference for all; 0 unless there is one at once. */
phys_t __must_check frame_alloc_user_block(const struct mempolicy *policy, vaddr_t address,
					   u32 order);

/* One frame likewise, or 0. */
static inline phys_t frame_alloc_user_page(const struct mempolicy *policy, vaddr_t address)
{
	phys_t frame;

	if (likely(!frame_has_nodes))
		return frame_alloc_kind(FRAME_USER);
	return frame_alloc_user(policy, address, &frame, 1) == 1 ? frame : 0;
}

/* proc tells how the policy of the running thread is found.  Once, at start-up. */
void mempolicy_set_source(const struct mempolicy *(*source)(void));

/* mbind(2) for whole pages [start, end).  0, -EFAULT for a hole, -ENOMEM. */
int __must_check vmm_bind(struct address_space *space, vaddr_t start, vaddr_t end,
			  const struct mempolicy *policy);
/* The policy of the region at an address.  0, -EFAULT. */
int __must_check vmm_policy_at(struct address_space *space, vaddr_t address,
			       struct mempolicy *policy);
/*
 * The rest of mbind(2), for pages of the range that are mapped but not where the policy wants them:
 * moves them with MPOL_MF_MOVE or MPOL_MF_MOVE_ALL.  0; -EIO: with MPOL_MF_STRICT, some are still
 * elsewhere.  May sleep.
 */
int __must_check vmm_apply_policy(struct address_space *space, vaddr_t start, vaddr_t end,
				  const struct mempolicy *policy, u32 flags);
/*
 * move_pages(2) for the page at an address: its node afterwards; -EFAULT, -ENOENT as vmm_page_node;
 * -EACCES: others have it, too, and `shared` does not say that it moves nevertheless; -EBUSY;
 * -ENOMEM: the node has no frame.  May sleep.
 */
int __must_check vmm_move_page(struct address_space *space, vaddr_t address, u32 node, bool shared);
/* migrate_pages(2): how many pages could not be moved.  May sleep. */
size_t vmm_migrate_nodes(struct address_space *space, u64 from, u64 to, bool shared);
/* set_mempolicy_home_node(2) for the regions of the range that have policies.  0, -ENOENT when none
 * has, -EOPNOTSUPP for one that cannot have a home, -ENOMEM. */
int __must_check vmm_set_home_node(struct address_space *space, vaddr_t start, vaddr_t end,
				   u32 node);
/* The node of the page that is mapped at an address.  -EFAULT: nothing can be, or the zero page is;
 * -ENOENT: nothing is. */
int vmm_page_node(struct address_space *space, vaddr_t address);

#endif

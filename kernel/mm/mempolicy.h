/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policies: from which nodes a program wants its memory.  There is one node, number 0, so a
 * policy never changes where a page comes from; it is kept, checked and told as on any machine with
 * one node.
 */
#ifndef MM_MEMPOLICY_H
#define MM_MEMPOLICY_H

#include "lib/abi/mempolicy.h"
#include "lib/types.h"

struct address_space;

/* All zero: the default.  Of a set of nodes the first 64 are kept. */
struct mempolicy {
	u32 mode;  /* MPOL_* */
	u32 flags; /* MPOL_MODE_FLAGS */
	u64 nodes; /* as given with MPOL_F_STATIC_NODES or _RELATIVE_NODES, else those that are */
};

static inline bool mempolicy_equal(const struct mempolicy *a, const struct mempolicy *b)
{
	return a->mode == b->mode && a->flags == b->flags && a->nodes == b->nodes;
}

/* A mode with its flags and a set of nodes, as a program gives them.  `more_nodes`: there are some
 * beyond the first 64.  0 or -EINVAL. */
int __must_check mempolicy_make(struct mempolicy *policy, u32 mode, u64 nodes, bool more_nodes);

/* mbind(2) for whole pages [start, end).  0, -EFAULT for a hole, -ENOMEM. */
int __must_check vmm_bind(struct address_space *space, vaddr_t start, vaddr_t end,
			  const struct mempolicy *policy);
/* The policy of the region at an address.  0, -EFAULT. */
int __must_check vmm_policy_at(struct address_space *space, vaddr_t address,
			       struct mempolicy *policy);
/* set_mempolicy_home_node(2): do the regions of the range have policies that can have a home?  0,
 * -ENOENT when none has a policy, -EOPNOTSUPP. */
int __must_check vmm_check_home_node(struct address_space *space, vaddr_t start, vaddr_t end);
/* The node of the page that is mapped at an address.  -EFAULT: nothing can be, or the zero page is;
 * -ENOENT: nothing is. */
int vmm_page_node(struct address_space *space, vaddr_t address);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policies: see mempolicy.h.  A region's policy is guarded by the map lock, and
 * keeps it from being joined with neighbours of another policy.
 */
#include "mm/mempolicy.h"

#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/space.h"
#include "mm/tree.h"

static const struct mempolicy *(*task_policy)(void); /* set once */

void mempolicy_set_source(const struct mempolicy *(*source)(void))
{
	task_policy = source;
}

/* --- Making --- */

/* The number of the nth node of a set that has more than n. */
static u32 nth_node(u64 nodes, u64 n)
{
	while (n-- > 0)
		nodes &= nodes - 1;
	return (u32)__builtin_ctzll(nodes);
}

/* Node n of the set as the nth of those that are, wrapping around. */
static u64 fold(u64 relative, u64 present)
{
	u32 count = cpumask_count(present);
	u64 nodes = 0;

	for (; relative != 0; relative &= relative - 1)
		nodes |= BIT(nth_node(present, (u32)__builtin_ctzll(relative) % count));
	return nodes;
}

u64 mempolicy_nodes(const struct mempolicy *policy)
{
	u64 present = frame_nodes_with_memory();
	u64 nodes = policy->nodes & present;

	if (policy->flags & MPOL_F_RELATIVE_NODES)
		nodes = fold(policy->nodes, present);
	if (policy->mode == MPOL_PREFERRED)
		nodes &= ~nodes + 1;
	return nodes;
}

static int check_mode(u32 mode, u32 flags)
{
	if (mode >= MPOL_MODES)
		return -EINVAL;
	if ((flags & MPOL_F_STATIC_NODES) && (flags & MPOL_F_RELATIVE_NODES))
		return -EINVAL;
	return (flags & MPOL_F_NUMA_BALANCING) && mode != MPOL_BIND ? -EINVAL : 0;
}

int mempolicy_make(struct mempolicy *policy, u32 mode, u64 nodes, bool more_nodes)
{
	u32 flags = mode & MPOL_MODE_FLAGS;
	u32 remapped = flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);
	bool empty = nodes == 0 && !more_nodes;

	mode &= ~(u32)MPOL_MODE_FLAGS;
	if (check_mode(mode, flags) != 0)
		return -EINVAL;
	*policy = (struct mempolicy){.mode = mode};
	if (mode == MPOL_DEFAULT)
		return empty ? 0 : -EINVAL;
	if (mode == MPOL_PREFERRED && empty)
		policy->mode = MPOL_LOCAL;
	if (policy->mode == MPOL_LOCAL)
		return empty && remapped == 0 ? 0 : -EINVAL;
	policy->flags = (u16)flags;
	policy->nodes = nodes;
	/* Relative ones beyond those that we keep would wrap around to some node. */
	if (mempolicy_nodes(policy) == 0 && !(more_nodes && (flags & MPOL_F_RELATIVE_NODES)))
		return -EINVAL;
	if (remapped == 0)
		policy->nodes = mempolicy_nodes(policy);
	return 0;
}

/* --- Serving --- */

bool mempolicy_place(const struct mempolicy *policy, vaddr_t address,
		     struct frame_placement *placement)
{
	u64 nodes = mempolicy_nodes(policy);

	*placement = (struct frame_placement){.nodes = ~(u64)0, .first = FRAME_NODE_LOCAL};
	if (nodes == 0)
		return false;
	switch (policy->mode) {
	case MPOL_PREFERRED:
		placement->first = (u8)nth_node(nodes, 0);
		return true;
	case MPOL_INTERLEAVE:
		placement->first = (u8)nth_node(nodes, address / PAGE_SIZE % cpumask_count(nodes));
		placement->interleaved = true;
		return true;
	case MPOL_BIND:
	case MPOL_PREFERRED_MANY:
		placement->nodes = nodes;
		placement->strict = policy->mode == MPOL_BIND;
		if (policy->home != 0)
			placement->first = (u8)(policy->home - 1);
		return true;
	default:
		return false;
	}
}

bool mempolicy_place_for_task(const struct mempolicy *policy, vaddr_t address,
			      struct frame_placement *placement)
{
	if (policy->mode == MPOL_DEFAULT && task_policy != NULL)
		policy = task_policy();
	return mempolicy_place(policy, address, placement);
}

u64 mempolicy_task_nodes(void)
{
	u64 nodes = task_policy != NULL ? mempolicy_nodes(task_policy()) : 0;

	return nodes != 0 ? nodes : ~(u64)0;
}

size_t frame_alloc_user(const struct mempolicy *policy, vaddr_t address, phys_t *frames,
			size_t count)
{
	struct frame_placement placement;
	size_t got = 0;

	if (likely(!frame_has_nodes))
		return frame_alloc_batch(FRAME_USER, frames, count);
	if (policy->mode == MPOL_DEFAULT && task_policy != NULL)
		policy = task_policy();
	if (!mempolicy_place(policy, address, &placement))
		return frame_alloc_batch(FRAME_USER, frames, count);
	if (policy->mode != MPOL_INTERLEAVE)
		return frame_alloc_batch_placed(FRAME_USER, &placement, frames, count);
	while (got < count && mempolicy_place(policy, address + got * PAGE_SIZE, &placement) &&
	       frame_alloc_batch_placed(FRAME_USER, &placement, frames + got, 1) == 1)
		got++;
	return got;
}

phys_t frame_alloc_user_block(const struct mempolicy *policy, vaddr_t address, u32 order)
{
	struct frame_placement placement;

	/* Blocks are interleaved, too. */
	bool placed =
		frame_has_nodes && mempolicy_place_for_task(policy, address >> order, &placement);
	return frames_try_placed(order, FRAME_USER, placed ? &placement : NULL);
}

/* --- Of address spaces --- */

/* The first region of [start, end), unless there is a hole before `end` that matters. */
static int check_range(struct address_space *space, vaddr_t start, vaddr_t end, bool holes_allowed)
{
	struct region *region = region_find_first(space, start);

	if (region == NULL || region->start >= end)
		return -EFAULT;
	if (holes_allowed)
		return 0;
	while (region != NULL && region->start <= start) {
		start = region->end;
		if (start >= end)
			return 0;
		region = region_next(space, region);
	}
	return -EFAULT;
}

/* Gives every region of the range a policy, or, where `policy` is NULL, those that have one a home.
 * Map lock held for writing. */
static int set_policy_locked(struct address_space *space, vaddr_t start, vaddr_t end,
			     const struct mempolicy *policy, u32 home)
{
	int result = 0;

	while (result == 0 && start < end) {
		struct region *region = region_find_first(space, start);
		if (region == NULL || region->start >= end)
			break;
		vaddr_t from = MAX(region->start, start), to = MIN(region->end, end);
		start = to;
		struct mempolicy wanted = policy != NULL ? *policy : region->policy;
		if (policy == NULL && wanted.mode != MPOL_DEFAULT)
			wanted.home = (u16)(home + 1);
		result = region_change(space, region, from, to, region->flags, &wanted);
	}
	return result;
}

static int bind_locked(struct address_space *space, vaddr_t start, vaddr_t end,
		       const struct mempolicy *policy)
{
	int result = check_range(space, start, end, policy->mode == MPOL_DEFAULT);

	return result == 0 ? set_policy_locked(space, start, end, policy, 0) : result;
}

int vmm_bind(struct address_space *space, vaddr_t start, vaddr_t end,
	     const struct mempolicy *policy)
{
	rwlock_write_lock(&space->map_lock);
	int result = bind_locked(space, start, end, policy);
	rwlock_write_unlock(&space->map_lock);
	return result;
}

int vmm_policy_at(struct address_space *space, vaddr_t address, struct mempolicy *policy)
{
	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find(space, address);
	if (region != NULL)
		*policy = region->policy;
	rwlock_read_unlock(&space->map_lock);
	return region != NULL ? 0 : -EFAULT;
}

static int check_home_locked(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct region *region = region_find_first(space, start);
	int result = -ENOENT;

	for (; region != NULL && region->start < end && result != -EOPNOTSUPP;
	     region = region_next(space, region)) {
		u32 mode = region->policy.mode;
		if (mode == MPOL_DEFAULT)
			continue;
		result = mode == MPOL_BIND || mode == MPOL_PREFERRED_MANY ? 0 : -EOPNOTSUPP;
	}
	return result;
}

int vmm_set_home_node(struct address_space *space, vaddr_t start, vaddr_t end, u32 node)
{
	rwlock_write_lock(&space->map_lock);
	int result = check_home_locked(space, start, end);
	if (result == 0)
		result = set_policy_locked(space, start, end, NULL, node);
	rwlock_write_unlock(&space->map_lock);
	return result;
}

int vmm_page_node(struct address_space *space, vaddr_t address)
{
	int result = -ENOENT;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find(space, address);
	pte_t entry = region != NULL ? tree_peek(space, address) : entry_none();
	if (region == NULL || (entry_is_special(entry) && !entry_is_watch(entry)))
		result = -EFAULT;
	else if (entry_has_frame(entry))
		result = (int)frame_node_of(entry_phys(entry));
	rwlock_read_unlock(&space->map_lock);
	return result;
}

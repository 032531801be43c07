/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policies of one node: see mempolicy.h.  A region's policy is guarded by the map lock, and
 * keeps it from being joined with neighbours of another policy.
 */
#include "mm/mempolicy.h"

#include "lib/errno.h"
#include "mm/space.h"
#include "mm/tree.h"

#define THE_NODE BIT(0)

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
	/* Relative nodes wrap around: any of them is the one there is. */
	if (empty || (!(nodes & THE_NODE) && !(flags & MPOL_F_RELATIVE_NODES)))
		return -EINVAL;
	policy->flags = flags;
	policy->nodes = remapped ? nodes : THE_NODE;
	return 0;
}

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
		region = region_next(region);
	}
	return -EFAULT;
}

static int bind_locked(struct address_space *space, vaddr_t start, vaddr_t end,
		       const struct mempolicy *policy)
{
	int result = check_range(space, start, end, policy->mode == MPOL_DEFAULT);

	if (result == 0)
		result = region_isolate(space, start, end);
	while (result == 0 && start < end) {
		struct region *region = region_find_first(space, start);
		if (region == NULL || region->start >= end)
			break;
		start = region->end;
		region->policy = *policy;
		region_merge(region);
	}
	if (result == 0 && region_find(space, end) != NULL)
		region_merge(region_find(space, end));
	return result;
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

int vmm_check_home_node(struct address_space *space, vaddr_t start, vaddr_t end)
{
	int result = -ENOENT;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find_first(space, start);
	for (; region != NULL && region->start < end && result != -EOPNOTSUPP;
	     region = region_next(region)) {
		u32 mode = region->policy.mode;
		if (mode == MPOL_DEFAULT)
			continue;
		result = mode == MPOL_BIND || mode == MPOL_PREFERRED_MANY ? 0 : -EOPNOTSUPP;
	}
	rwlock_read_unlock(&space->map_lock);
	return result;
}

int vmm_page_node(struct address_space *space, vaddr_t address)
{
	int result = -ENOENT;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find(space, address);
	pte_t *slot = region != NULL ? tree_find(&space->tree, address) : NULL;
	pte_t entry = slot != NULL ? pte_read(slot) : entry_none();
	if (region == NULL || entry_is_special(entry))
		result = -EFAULT;
	else if (!pte_is_none(entry))
		result = 0;
	rwlock_read_unlock(&space->map_lock);
	return result;
}

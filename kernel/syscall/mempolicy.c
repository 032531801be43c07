/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on memory policies, and on where pages are and where they should be.
 *
 * A set of nodes is a bitmap of `maximum` - 1 bits in words of 64.  The kernel knows of 1024 nodes;
 * those beyond must not be asked for.
 */
#include "mm/mempolicy.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/access.h"
#include "proc/credentials.h"
#include "proc/task.h"
#include "syscall/table.h"

enum { NODES_KNOWN = 1024, WORD_BITS = 64 };
#define NODES_ASKED_MAX (PAGE_SIZE * 8)

struct node_set {
	u64 first; /* nodes 0 to 63 */
	bool more; /* others, that are known */
};

static int get_nodes(struct node_set *nodes, vaddr_t address, u64 maximum)
{
	u64 bits = maximum - 1, word;

	*nodes = (struct node_set){.first = 0};
	if (bits == 0 || address == 0)
		return 0;
	if (bits > NODES_ASKED_MAX)
		return -EINVAL;
	for (u64 bit = 0; bit < bits; bit += WORD_BITS) {
		if (get_user(word, address + bit / 8) != 0)
			return -EFAULT;
		if (bits - bit < WORD_BITS)
			word &= BIT(bits - bit) - 1;
		if (word != 0 && bit >= NODES_KNOWN)
			return -EINVAL;
		if (bit == 0)
			nodes->first = word;
		else
			nodes->more |= word != 0;
	}
	return 0;
}

static int put_nodes(vaddr_t address, u64 maximum, u64 nodes)
{
	u64 size = ALIGN_UP(maximum - 1, WORD_BITS) / 8;

	if (size > sizeof(nodes)) {
		if (size > PAGE_SIZE)
			return -EINVAL;
		if (clear_user((void __user *)(address + sizeof(nodes)), size - sizeof(nodes)) != 0)
			return -EFAULT;
		size = sizeof(nodes);
	}
	return copy_to_user((void __user *)address, &nodes, size) != 0 ? -EFAULT : 0;
}

static int get_policy(vaddr_t nodes, u64 maximum, u32 mode, struct mempolicy *policy)
{
	struct node_set set;
	u32 bare = mode & ~(u32)MPOL_MODE_FLAGS;

	if (bare >= MPOL_MODES)
		return -EINVAL;
	int result = get_nodes(&set, nodes, maximum);
	return result != 0 ? result : mempolicy_make(policy, mode, set.first, set.more);
}

long sys_set_mempolicy(u32 mode, vaddr_t nodes, u64 maximum)
{
	struct mempolicy policy;
	int result = get_policy(nodes, maximum, mode, &policy);

	if (result == 0)
		current->policy = policy;
	return result;
}

long sys_mbind(vaddr_t start, u64 length, u64 mode, vaddr_t nodes, u64 maximum, u32 flags)
{
	vaddr_t end = start + ALIGN_UP(length, PAGE_SIZE);
	struct mempolicy policy;

	if (mode > UINT32_MAX)
		return -EINVAL;
	int result = get_policy(nodes, maximum, (u32)mode, &policy);
	if (result != 0)
		return result;
	if (flags & ~(u32)(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (start % PAGE_SIZE != 0 || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	result = vmm_bind(current->space, start, end, &policy);
	if (result == 0 && flags != 0)
		result = vmm_apply_policy(current->space, start, end, &policy, flags);
	return result;
}

long sys_set_mempolicy_home_node(vaddr_t start, u64 length, u64 node, u64 flags)
{
	vaddr_t end = start + ALIGN_UP(length, PAGE_SIZE);

	if (start % PAGE_SIZE != 0 || flags != 0 || node >= frame_nodes() || end < start)
		return -EINVAL;
	return end == start ? 0 : vmm_set_home_node(current->space, start, end, (u32)node);
}

/* MPOL_F_NODE: which node a page is on, or the next one of an interleaving thread: pages are
 * interleaved by their addresses, so it is always the first. */
static int find_node(vaddr_t address, u32 flags)
{
	u8 byte;

	if (!(flags & MPOL_F_ADDR)) {
		if (current->policy.mode != MPOL_INTERLEAVE)
			return -EINVAL;
		return __builtin_ctzll(mempolicy_nodes(&current->policy));
	}
	if (vmm_access(current->space, address, &byte, 1, VM_READ) != 1)
		return -EFAULT;
	int node = vmm_page_node(current->space, ALIGN_DOWN(address, PAGE_SIZE));
	return node >= 0 ? node : 0; /* the page of zeros is on the first */
}

static int find_policy(vaddr_t address, u32 flags, struct mempolicy *policy, u32 *mode)
{
	if (flags & ~(u32)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		*policy = (struct mempolicy){.nodes = frame_nodes_with_memory()};
		*mode = 0;
		return flags & (MPOL_F_NODE | MPOL_F_ADDR) ? -EINVAL : 0;
	}
	*policy = current->policy;
	if (!(flags & MPOL_F_ADDR) && address != 0)
		return -EINVAL;
	int result = flags & MPOL_F_ADDR ? vmm_policy_at(current->space, address, policy) : 0;
	*mode = policy->mode | policy->flags;
	if (result == 0 && (flags & MPOL_F_NODE)) {
		result = find_node(address, flags);
		*mode = result >= 0 ? (u32)result : 0;
		result = MIN(result, 0);
	}
	return result;
}

long sys_get_mempolicy(vaddr_t mode_address, vaddr_t nodes, u64 maximum, vaddr_t address, u64 flags)
{
	struct mempolicy policy;
	u32 mode;

	if ((nodes != 0 && maximum < 1) || flags > UINT32_MAX)
		return -EINVAL;
	int result = find_policy(address, (u32)flags, &policy, &mode);
	if (result != 0)
		return result;
	if (mode_address != 0 && put_user(mode, mode_address) != 0)
		return -EFAULT;
	return nodes != 0 ? put_nodes(nodes, maximum, policy.nodes) : 0;
}

/* --- Moving --- */

static long migrate_space(struct address_space *space, const struct node_set *old,
			  const struct node_set *new)
{
	u64 present = frame_nodes_with_memory();
	bool privileged = capable(CAP_SYS_NICE);

	if (((new->first & ~present) || new->more) && !privileged)
		return -EPERM;
	if (!(new->first &present))
		return -EINVAL;
	return (long)vmm_migrate_nodes(space, old->first & present, new->first &present,
				       privileged);
}

long sys_migrate_pages(pid_t pid, u64 maximum, vaddr_t from, vaddr_t to)
{
	struct address_space *space;
	struct node_set old, new;
	int result = get_nodes(&old, from, maximum);

	if (result == 0)
		result = get_nodes(&new, to, maximum);
	if (result == 0)
		result = task_inspect_space(pid, -EINVAL, &space);
	if (result != 0)
		return result;
	long left = migrate_space(space, &old, &new);
	vmm_put_address_space(space);
	return left;
}

/* One page's; `nodes` 0: nobody wants it moved.  0 or 1: it was to be elsewhere; or an error. */
static int page_status(struct address_space *space, vaddr_t pages, vaddr_t nodes, u64 index,
		       bool shared, s32 *status)
{
	u64 address;
	s32 node = -1;

	if (get_user(address, pages + index * sizeof(address)) != 0)
		return -EFAULT;
	if (nodes != 0 && get_user(node, nodes + index * sizeof(node)) != 0)
		return -EFAULT;
	if (nodes == 0) {
		*status = vmm_page_node(space, ALIGN_DOWN(address, PAGE_SIZE));
		return 0;
	}
	if (node < 0 || node >= MAX_NODES || !(frame_nodes_with_memory() & BIT(node)))
		return -ENODEV;
	*status = vmm_move_page(space, address, (u32)node, shared);
	return *status == -EBUSY || *status == -EACCES || *status == -ENOMEM;
}

long sys_move_pages(pid_t pid, u64 count, vaddr_t pages, vaddr_t nodes, vaddr_t statuses, int flags)
{
	struct address_space *space;
	long left = 0;
	s32 status;

	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	int result = task_inspect_space(pid, -EINVAL, &space);
	if (result != 0)
		return result;
	for (u64 i = 0; i < count && result >= 0; i++) {
		result = page_status(space, pages, nodes, i, flags & MPOL_MF_MOVE_ALL, &status);
		left += result > 0;
		if (result >= 0 && put_user(status, statuses + i * sizeof(status)) != 0)
			result = -EFAULT;
		if (task_kill_pending(current))
			break;
	}
	vmm_put_address_space(space);
	return result < 0 ? result : left;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on who a program is: users, groups, capabilities, process groups, limits.
 */
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/session.h"
#include "proc/task.h"
#include "proc/user_namespace.h"
#include "syscall/table.h"

long sys_getuid(void)
{
	return uid_shown(current->credentials->uid);
}

long sys_geteuid(void)
{
	return uid_shown(current->credentials->euid);
}

long sys_getgid(void)
{
	return gid_shown(current->credentials->gid);
}

long sys_getegid(void)
{
	return gid_shown(current->credentials->egid);
}

/* The kernel's number for one of current's namespace, -1 for "as it is" kept; false: there is none.
 */
static bool take_uid(uid_t *uid)
{
	if (*uid == NOBODY_ID)
		return true;
	*uid = uid_given(*uid);
	return *uid != NOBODY_ID;
}

static bool take_gid(gid_t *gid)
{
	if (*gid == NOBODY_ID)
		return true;
	*gid = gid_given(*gid);
	return *gid != NOBODY_ID;
}

long sys_setuid(uid_t uid)
{
	return credentials_setuid(uid_given(uid));
}

long sys_setgid(gid_t gid)
{
	return credentials_setgid(gid_given(gid));
}

long sys_setreuid(uid_t uid, uid_t euid)
{
	return take_uid(&uid) && take_uid(&euid) ? credentials_setreuid(uid, euid) : -EINVAL;
}

long sys_setregid(gid_t gid, gid_t egid)
{
	return take_gid(&gid) && take_gid(&egid) ? credentials_setregid(gid, egid) : -EINVAL;
}

long sys_setresuid(uid_t uid, uid_t euid, uid_t suid)
{
	if (!take_uid(&uid) || !take_uid(&euid) || !take_uid(&suid))
		return -EINVAL;
	return credentials_setresuid(uid, euid, suid);
}

long sys_setresgid(gid_t gid, gid_t egid, gid_t sgid)
{
	if (!take_gid(&gid) || !take_gid(&egid) || !take_gid(&sgid))
		return -EINVAL;
	return credentials_setresgid(gid, egid, sgid);
}

static long put_three(vaddr_t first, u32 a, vaddr_t second, u32 b, vaddr_t third, u32 c)
{
	if (put_user(a, first) < 0 || put_user(b, second) < 0 || put_user(c, third) < 0)
		return -EFAULT;
	return 0;
}

long sys_getresuid(vaddr_t uid, vaddr_t euid, vaddr_t suid)
{
	const struct credentials *mine = current->credentials;

	return put_three(uid, uid_shown(mine->uid), euid, uid_shown(mine->euid), suid,
			 uid_shown(mine->suid));
}

long sys_getresgid(vaddr_t gid, vaddr_t egid, vaddr_t sgid)
{
	const struct credentials *mine = current->credentials;

	return put_three(gid, gid_shown(mine->gid), egid, gid_shown(mine->egid), sgid,
			 gid_shown(mine->sgid));
}

long sys_setfsuid(uid_t uid)
{
	return uid_shown(credentials_setfsuid(uid_given(uid)));
}

long sys_setfsgid(gid_t gid)
{
	return gid_shown(credentials_setfsgid(gid_given(gid)));
}

long sys_getgroups(int count, vaddr_t groups)
{
	const struct group_set *mine = current->credentials->groups;

	if (count < 0)
		return -EINVAL;
	if (count == 0)
		return mine->count;
	if ((u32)count < mine->count)
		return -EINVAL;
	for (u32 i = 0; i < mine->count; i++) {
		gid_t gid = gid_shown(mine->ids[i]);

		if (put_user(gid, groups + i * sizeof(gid)) < 0)
			return -EFAULT;
	}
	return mine->count;
}

static bool take_gids(struct group_set *set)
{
	for (u32 i = 0; i < set->count; i++) {
		set->ids[i] = gid_given(set->ids[i]);
		if (set->ids[i] == NOBODY_ID)
			return false;
	}
	return true;
}

long sys_setgroups(int count, vaddr_t groups)
{
	int result = -EFAULT;

	if (!capable_here(CAP_SETGID) ||
	    !user_namespace_may_setgroups(current->credentials->user_namespace))
		return -EPERM;
	if (count < 0 || count > GROUPS_MAX)
		return -EINVAL;
	struct group_set *set = group_set_create((u32)count);
	if (set == NULL)
		return -ENOMEM;
	if (copy_from_user(set->ids, (const void __user *)groups, set->count * sizeof(gid_t)) == 0)
		result = take_gids(set) ? credentials_setgroups(set) : -EINVAL;
	if (result < 0)
		group_set_put(set);
	return result;
}

/* capget(2): the header names the version, which says how many 32-bit halves there are. */
enum {
	CAPABILITY_VERSION_1 = 0x19980330,
	CAPABILITY_VERSION_2 = 0x20071026,
	CAPABILITY_VERSION_3 = 0x20080522
};

struct capability_header {
	u32 version;
	s32 pid;
};

struct capability_half {
	u32 effective, permitted, inheritable;
};

/* The number of halves, or -EINVAL with the version that we prefer stored. */
static int capability_halves(struct capability_header *header, vaddr_t address)
{
	if (get_user(*header, address) < 0)
		return -EFAULT;
	if (header->version == CAPABILITY_VERSION_1)
		return 1;
	if (header->version == CAPABILITY_VERSION_2 || header->version == CAPABILITY_VERSION_3)
		return 2;
	u32 preferred = CAPABILITY_VERSION_3;
	if (put_user(preferred, address) < 0)
		return -EFAULT;
	return -EINVAL;
}

long sys_capget(vaddr_t header_address, vaddr_t data)
{
	struct capability_header header;
	int halves = capability_halves(&header, header_address);

	if (halves < 0)
		return halves == -EINVAL && data == 0 ? 0 : halves;
	/* Only asking which version there is. */
	if (data == 0)
		return 0;
	if (header.pid < 0)
		return -EINVAL;
	struct task *task = header.pid == 0 ? task_get(current) : task_find(header.pid);
	if (task == NULL)
		return -ESRCH;
	struct credentials *theirs = credentials_of_task(task);
	struct capability_half half[2];
	for (unsigned i = 0; i < ARRAY_SIZE(half); i++) {
		half[i].effective = (u32)(theirs->cap_effective >> (32 * i));
		half[i].permitted = (u32)(theirs->cap_permitted >> (32 * i));
		half[i].inheritable = (u32)(theirs->cap_inheritable >> (32 * i));
	}
	credentials_put(theirs);
	task_put(task);
	return copy_to_user((void __user *)data, half, (size_t)halves * sizeof(half[0]));
}

long sys_capset(vaddr_t header_address, vaddr_t data)
{
	struct capability_header header;
	struct capability_half half[2] = {{0}};
	int halves = capability_halves(&header, header_address);

	if (halves < 0)
		return halves;
	if (header.pid != 0 && header.pid != task_shown(current))
		return -EPERM;
	if (copy_from_user(half, (const void __user *)data, (size_t)halves * sizeof(half[0])) < 0)
		return -EFAULT;
	u64 effective = (half[0].effective | (u64)half[1].effective << 32) & CAP_ALL;
	u64 permitted = (half[0].permitted | (u64)half[1].permitted << 32) & CAP_ALL;
	u64 inheritable = (half[0].inheritable | (u64)half[1].inheritable << 32) & CAP_ALL;
	return credentials_capset(effective, permitted, inheritable);
}

long sys_setpgid(pid_t pid, pid_t group)
{
	return session_setpgid(pid, group);
}

long sys_getpgid(pid_t pid)
{
	return session_getpgid(pid);
}

long sys_getpgrp(void)
{
	return session_getpgid(0);
}

long sys_setsid(void)
{
	return session_setsid();
}

long sys_getsid(pid_t pid)
{
	return session_getsid(pid);
}

long sys_getrlimit(unsigned resource, vaddr_t limit)
{
	return limit != 0 ? sys_prlimit64(0, resource, 0, limit) : -EFAULT;
}

long sys_setrlimit(unsigned resource, vaddr_t limit)
{
	return limit != 0 ? sys_prlimit64(0, resource, limit, 0) : -EFAULT;
}

static bool may_limit(struct process *process)
{
	const struct credentials *mine = current->credentials;
	struct credentials *theirs = credentials_of_process(process);
	bool allowed = process == current->process ||
		       capable_in(theirs->user_namespace, CAP_SYS_RESOURCE) ||
		       (mine->uid == theirs->uid && mine->uid == theirs->euid &&
			mine->uid == theirs->suid && mine->gid == theirs->gid &&
			mine->gid == theirs->egid && mine->gid == theirs->sgid);

	credentials_put(theirs);
	return allowed;
}

long sys_prlimit64(pid_t pid, unsigned resource, vaddr_t update_address, vaddr_t old_address)
{
	struct rlimit64 update, old;

	if (resource >= RLIMIT_COUNT)
		return -EINVAL;
	if (update_address != 0 && get_user(update, update_address) < 0)
		return -EFAULT;
	struct task *task = pid == 0 ? task_get(current) : task_find(pid);
	if (task == NULL)
		return -ESRCH;
	int result = -EPERM;
	if (may_limit(task->process))
		result = rlimit_exchange(task->process, resource,
					 update_address != 0 ? &update : NULL, &old);
	task_put(task);
	if (result == 0 && old_address != 0)
		result = put_user(old, old_address);
	return result;
}

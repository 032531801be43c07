/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What exec and prctl do to credentials.
 *
 * exec: set-user-ID and set-group-ID bits, then the capability rule of capabilities(7) with the
 * files that we have, which carry no capabilities of their own: root (real or effective) is treated
 * as if the file had all of them.
 */
#include "lib/errno.h"
#include "proc/credentials.h"
#include "proc/credentials_internal.h"
#include "proc/key.h"
#include "proc/process.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

enum { MODE_SET_UID = 04000, MODE_SET_GID = 02000, MODE_GROUP_EXECUTE = 00010 };

/* P'(permitted) and P'(effective) for a file without capabilities, or for root. */
static void exec_capabilities(struct credentials *changed, bool set_id)
{
	uid_t root_uid = user_namespace_root(changed->user_namespace);
	bool root = !(changed->securebits & SECURE_NOROOT) &&
		    (changed->uid == root_uid || changed->euid == root_uid);

	if (set_id)
		changed->cap_ambient = 0;
	if (root) {
		changed->cap_permitted = changed->cap_inheritable | changed->cap_bounding;
		changed->cap_effective =
			changed->euid == root_uid ? changed->cap_permitted : changed->cap_ambient;
	} else {
		changed->cap_permitted = changed->cap_ambient;
		changed->cap_effective = changed->cap_ambient;
	}
	changed->securebits &= ~(u32)SECURE_KEEP_CAPS;
}

struct credentials *credentials_for_exec(uid_t owner, gid_t group, mode_t mode, bool setid_allowed,
					 bool *secure)
{
	const struct credentials *old = current->credentials;
	struct credentials *changed = credentials_prepare();

	if (changed == NULL)
		return NULL;
	keys_leave_behind(changed, false);
	/* A file of somebody without a number here runs as whoever called. */
	if (setid_allowed && !current->process->no_new_privileges &&
	    id_from_kernel(old->user_namespace, ID_USER, owner) != NOBODY_ID &&
	    id_from_kernel(old->user_namespace, ID_GROUP, group) != NOBODY_ID) {
		if (mode & MODE_SET_UID)
			changed->euid = owner;
		if ((mode & (MODE_SET_GID | MODE_GROUP_EXECUTE)) ==
		    (MODE_SET_GID | MODE_GROUP_EXECUTE))
			changed->egid = group;
	}
	bool set_id = changed->euid != old->euid || changed->egid != old->egid;

	changed->suid = changed->euid;
	changed->fsuid = changed->euid;
	changed->sgid = changed->egid;
	changed->fsgid = changed->egid;
	exec_capabilities(changed, set_id);
	*secure = set_id || changed->euid != changed->uid || changed->egid != changed->gid;
	return changed;
}

void credentials_commit_exec(struct credentials *credentials)
{
	credentials_commit(credentials);
}

enum {
	PR_GET_KEEPCAPS = 7,
	PR_SET_KEEPCAPS = 8,
	PR_CAPBSET_READ = 23,
	PR_CAPBSET_DROP = 24,
	PR_GET_SECUREBITS = 27,
	PR_SET_SECUREBITS = 28,
	PR_CAP_AMBIENT = 47,
	PR_CAP_AMBIENT_IS_SET = 1,
	PR_CAP_AMBIENT_RAISE = 2,
	PR_CAP_AMBIENT_LOWER = 3,
	PR_CAP_AMBIENT_CLEAR_ALL = 4,
};

static long set_securebits(u32 bits)
{
	u32 old = current->credentials->securebits;
	u32 locked_bits = (old & SECURE_ALL_LOCKS) >> 1;
	bool touches_locked = (old ^ bits) & locked_bits;
	bool unlocks = old & SECURE_ALL_LOCKS & ~bits;

	if (touches_locked || unlocks || (bits & ~(u32)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) ||
	    !capable_here(CAP_SETPCAP))
		return -EPERM;
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	changed->securebits = bits;
	credentials_commit(changed);
	return 0;
}

static long set_keep_caps(u64 keep)
{
	if (keep > 1)
		return -EINVAL;
	if (current->credentials->securebits & SECURE_KEEP_CAPS_LOCKED)
		return -EPERM;
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	changed->securebits &= ~(u32)SECURE_KEEP_CAPS;
	if (keep)
		changed->securebits |= SECURE_KEEP_CAPS;
	credentials_commit(changed);
	return 0;
}

static long drop_bounding(u64 capability)
{
	if (!capable_here(CAP_SETPCAP))
		return -EPERM;
	if (capability > CAP_LAST)
		return -EINVAL;
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	changed->cap_bounding &= ~BIT(capability);
	credentials_commit(changed);
	return 0;
}

static long change_ambient(u64 operation, u64 capability, u64 argument4, u64 argument5)
{
	const struct credentials *mine = current->credentials;
	bool clear_all = operation == PR_CAP_AMBIENT_CLEAR_ALL;

	if (argument4 != 0 || argument5 != 0 ||
	    (clear_all ? capability != 0 : capability > CAP_LAST))
		return -EINVAL;
	if (operation == PR_CAP_AMBIENT_IS_SET)
		return (mine->cap_ambient & BIT(capability)) != 0;
	if (operation == PR_CAP_AMBIENT_RAISE) {
		if (!(mine->cap_permitted & mine->cap_inheritable & BIT(capability)) ||
		    (mine->securebits & SECURE_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
	} else if (operation != PR_CAP_AMBIENT_LOWER && !clear_all) {
		return -EINVAL;
	}
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	if (clear_all)
		changed->cap_ambient = 0;
	else if (operation == PR_CAP_AMBIENT_RAISE)
		changed->cap_ambient |= BIT(capability);
	else
		changed->cap_ambient &= ~BIT(capability);
	credentials_commit(changed);
	return 0;
}

long credentials_prctl(int option, u64 argument2, u64 argument3, u64 argument4, u64 argument5)
{
	const struct credentials *mine = current->credentials;

	switch (option) {
	case PR_GET_KEEPCAPS:
		return (mine->securebits & SECURE_KEEP_CAPS) != 0;
	case PR_SET_KEEPCAPS:
		return set_keep_caps(argument2);
	case PR_CAPBSET_READ:
		return argument2 > CAP_LAST ? -EINVAL : (mine->cap_bounding & BIT(argument2)) != 0;
	case PR_CAPBSET_DROP:
		return drop_bounding(argument2);
	case PR_GET_SECUREBITS:
		return mine->securebits;
	case PR_SET_SECUREBITS:
		return set_securebits((u32)argument2);
	case PR_CAP_AMBIENT:
		return change_ambient(argument2, argument3, argument4, argument5);
	default:
		return -EINVAL;
	}
}

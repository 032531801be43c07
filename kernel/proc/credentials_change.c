/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing identity: set*id(2), setgroups(2), capset(2), exec of set-user-ID files, and prctl(2)'s
 * part in it.
 *
 * The rules are those of credentials(7) and capabilities(7): who may become whom, and what a change
 * of user numbers does to the capabilities.  Each function checks, edits a private copy and
 * installs it; nothing is half changed.  (uid_t)-1 stands for "as it is" where the man page says
 * so.
 */
#include "lib/errno.h"
#include "lib/sort.h"
#include "lib/string.h"
#include "proc/credentials.h"
#include "proc/credentials_internal.h"
#include "proc/process.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

enum { UNCHANGED = -1 };

/* Capabilities that concern files: they come and go with fsuid 0. */
#define CAP_FILE_SET                                                                          \
	(BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE))

/* A change of the user numbers takes or gives capabilities ("Effect of user ID changes on
 * capabilities"). */
static void fix_capabilities(struct credentials *changed, const struct credentials *old)
{
	if (changed->securebits & SECURE_NO_SETUID_FIXUP)
		return;
	uid_t root = user_namespace_root(changed->user_namespace);
	bool had_root = old->uid == root || old->euid == root || old->suid == root;
	bool has_root = changed->uid == root || changed->euid == root || changed->suid == root;

	if (had_root && !has_root) {
		if (!(changed->securebits & SECURE_KEEP_CAPS)) {
			changed->cap_permitted = 0;
			changed->cap_effective = 0;
		}
		changed->cap_ambient = 0;
	}
	if (old->euid == root && changed->euid != root)
		changed->cap_effective = 0;
	if (old->euid != root && changed->euid == root)
		changed->cap_effective = changed->cap_permitted;
}

/* Points a changed set at the account of its (new) real user.  -EAGAIN without memory. */
static int move_account(struct credentials *changed)
{
	if (changed->user->uid == changed->uid)
		return 0;
	struct user_account *account = user_account_find(changed->uid);

	if (account == NULL)
		return -EAGAIN;
	user_account_put(changed->user);
	changed->user = account;
	return 0;
}

static int install_users(struct credentials *changed)
{
	int result = move_account(changed);

	if (result < 0) {
		credentials_abort(changed);
		return result;
	}
	changed->fsuid = changed->euid;
	fix_capabilities(changed, current->credentials);
	credentials_commit(changed);
	return 0;
}

int credentials_setresuid(uid_t uid, uid_t euid, uid_t suid)
{
	const struct credentials *old = current->credentials;
	const uid_t wanted[] = {uid, euid, suid};

	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		uid_t id = wanted[i];

		if (id != (uid_t)UNCHANGED && id != old->uid && id != old->euid &&
		    id != old->suid && !capable_here(CAP_SETUID))
			return -EPERM;
	}
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	if (uid != (uid_t)UNCHANGED)
		changed->uid = uid;
	if (euid != (uid_t)UNCHANGED)
		changed->euid = euid;
	if (suid != (uid_t)UNCHANGED)
		changed->suid = suid;
	return install_users(changed);
}

int credentials_setreuid(uid_t uid, uid_t euid)
{
	const struct credentials *old = current->credentials;

	if (uid != (uid_t)UNCHANGED && uid != old->uid && uid != old->euid &&
	    !capable_here(CAP_SETUID))
		return -EPERM;
	if (euid != (uid_t)UNCHANGED && euid != old->uid && euid != old->euid &&
	    euid != old->suid && !capable_here(CAP_SETUID))
		return -EPERM;
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	if (uid != (uid_t)UNCHANGED)
		changed->uid = uid;
	if (euid != (uid_t)UNCHANGED)
		changed->euid = euid;
	if (uid != (uid_t)UNCHANGED || (euid != (uid_t)UNCHANGED && euid != old->uid))
		changed->suid = changed->euid;
	return install_users(changed);
}

int credentials_setuid(uid_t uid)
{
	const struct credentials *old = current->credentials;

	if (uid == (uid_t)UNCHANGED)
		return -EINVAL;
	if (!capable_here(CAP_SETUID) && uid != old->uid && uid != old->suid)
		return -EPERM;
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	if (capable_here(CAP_SETUID)) {
		changed->uid = uid;
		changed->suid = uid;
	}
	changed->euid = uid;
	return install_users(changed);
}

int credentials_setresgid(gid_t gid, gid_t egid, gid_t sgid)
{
	const struct credentials *old = current->credentials;
	const gid_t wanted[] = {gid, egid, sgid};

	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		gid_t id = wanted[i];

		if (id != (gid_t)UNCHANGED && id != old->gid && id != old->egid &&
		    id != old->sgid && !capable_here(CAP_SETGID))
			return -EPERM;
	}
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	if (gid != (gid_t)UNCHANGED)
		changed->gid = gid;
	if (egid != (gid_t)UNCHANGED)
		changed->egid = egid;
	if (sgid != (gid_t)UNCHANGED)
		changed->sgid = sgid;
	changed->fsgid = changed->egid;
	credentials_commit(changed);
	return 0;
}

int credentials_setregid(gid_t gid, gid_t egid)
{
	const struct credentials *old = current->credentials;

	if (gid != (gid_t)UNCHANGED && gid != old->gid && gid != old->egid &&
	    !capable_here(CAP_SETGID))
		return -EPERM;
	if (egid != (gid_t)UNCHANGED && egid != old->gid && egid != old->egid &&
	    egid != old->sgid && !capable_here(CAP_SETGID))
		return -EPERM;
	gid_t new_egid = egid == (gid_t)UNCHANGED ? old->egid : egid;
	bool saved_too = gid != (gid_t)UNCHANGED || (egid != (gid_t)UNCHANGED && egid != old->gid);
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	if (gid != (gid_t)UNCHANGED)
		changed->gid = gid;
	changed->egid = new_egid;
	changed->fsgid = new_egid;
	if (saved_too)
		changed->sgid = new_egid;
	credentials_commit(changed);
	return 0;
}

int credentials_setgid(gid_t gid)
{
	const struct credentials *old = current->credentials;

	if (gid == (gid_t)UNCHANGED)
		return -EINVAL;
	if (!capable_here(CAP_SETGID) && gid != old->gid && gid != old->sgid)
		return -EPERM;
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	if (capable_here(CAP_SETGID)) {
		changed->gid = gid;
		changed->sgid = gid;
	}
	changed->egid = gid;
	changed->fsgid = gid;
	credentials_commit(changed);
	return 0;
}

uid_t credentials_setfsuid(uid_t uid)
{
	const struct credentials *old = current->credentials;
	uid_t former = old->fsuid;
	bool allowed = uid == old->uid || uid == old->euid || uid == old->suid ||
		       uid == old->fsuid || capable_here(CAP_SETUID);

	if (uid == (uid_t)UNCHANGED || uid == former || !allowed)
		return former;
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return former;
	changed->fsuid = uid;
	if (!(changed->securebits & SECURE_NO_SETUID_FIXUP)) {
		uid_t root = user_namespace_root(changed->user_namespace);

		if (former == root)
			changed->cap_effective &= ~CAP_FILE_SET;
		else if (uid == root)
			changed->cap_effective |= changed->cap_permitted & CAP_FILE_SET;
	}
	credentials_commit(changed);
	return former;
}

gid_t credentials_setfsgid(gid_t gid)
{
	const struct credentials *old = current->credentials;
	gid_t former = old->fsgid;
	bool allowed = gid == old->gid || gid == old->egid || gid == old->sgid ||
		       gid == old->fsgid || capable_here(CAP_SETGID);

	if (gid == (gid_t)UNCHANGED || gid == former || !allowed)
		return former;
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return former;
	changed->fsgid = gid;
	credentials_commit(changed);
	return former;
}

static int compare_groups(const void *left, const void *right, void *context __unused)
{
	gid_t a = *(const gid_t *)left, b = *(const gid_t *)right;

	return a < b ? -1 : a > b;
}

int credentials_setgroups(struct group_set *groups)
{
	struct credentials *changed = credentials_prepare();

	if (changed == NULL)
		return -ENOMEM;
	sort(groups->ids, groups->count, sizeof(gid_t), compare_groups, NULL);
	group_set_put(changed->groups);
	changed->groups = groups;
	credentials_commit(changed);
	return 0;
}

int credentials_capset(u64 effective, u64 permitted, u64 inheritable)
{
	const struct credentials *old = current->credentials;

	if (inheritable & ~(old->cap_inheritable | old->cap_permitted) &&
	    !capable_here(CAP_SETPCAP))
		return -EPERM;
	if (inheritable & ~(old->cap_inheritable | old->cap_bounding))
		return -EPERM;
	if ((permitted & ~old->cap_permitted) || (effective & ~permitted))
		return -EPERM;
	struct credentials *changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	changed->cap_effective = effective;
	changed->cap_permitted = permitted;
	changed->cap_inheritable = inheritable;
	changed->cap_ambient &= permitted & inheritable;
	credentials_commit(changed);
	return 0;
}

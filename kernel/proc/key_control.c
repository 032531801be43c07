/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What keyctl(2) does to one key: showing it, its end, its rights, its owner, its time.
 *
 * Whoever calls has looked it up with the rights that this takes; see key.h for the lock.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/credentials_internal.h"
#include "proc/key_internal.h"
#include "proc/time.h"
#include "proc/user_namespace.h"

void key_describe(struct key *key, char *text)
{
	static const char *const names[KEY_TYPES] = {
		[KEY_KEYRING] = "keyring", [KEY_USER] = "user", [KEY_LOGON] = "logon"};
	unsigned long flags = keys_lock();
	uid_t uid = key->uid;
	gid_t gid = key->gid;
	u32 rights = key->rights;

	keys_unlock(flags);
	snprintf(text, KEY_TEXT_SIZE, "%s;%d;%d;%08x;%s", names[key->type], (int)uid_shown(uid),
		 (int)(gid == NOBODY_ID ? OVERFLOW_ID : gid_shown(gid)), rights, key->description);
}

/* The payload goes, and nobody pays for it. */
static void empty_locked(struct key *key)
{
	if (key->type == KEY_KEYRING) {
		keyring_clear_locked(key);
		return;
	}
	int error = key_charge_locked(key, key->charged - key->size);
	(void)error; /* less is always allowed */
	kfree(key->payload);
	key->payload = NULL;
	key->size = 0;
}

void key_revoke(struct key *key)
{
	unsigned long flags = keys_lock();

	if (!(key->flags & KEY_REVOKED)) {
		key->flags |= KEY_REVOKED;
		empty_locked(key);
	}
	keys_unlock(flags);
}

void key_invalidate(struct key *key)
{
	unsigned long flags = keys_lock();

	key->flags |= KEY_INVALIDATED;
	key_unlink_all_locked(key);
	keys_unlock(flags);
}

int key_set_rights(struct key *key, u32 mask)
{
	int error = -EACCES;
	bool administrator = capable(CAP_SYS_ADMIN);
	unsigned long flags = keys_lock();

	if (administrator || key->uid == current_credentials()->fsuid) {
		key->rights = mask;
		error = 0;
	}
	keys_unlock(flags);
	return error;
}

/* Has another account pay, which the key takes over; *account is the old one then. */
static int move_charge_locked(struct key *key, struct user_account **account)
{
	struct user_account *from = key->account, *to = *account;
	bool root = to->uid == 0;

	if (to->keys >= (root ? key_limits.root_keys : key_limits.keys) ||
	    to->key_bytes + key->charged > (root ? key_limits.root_bytes : key_limits.bytes))
		return -EDQUOT;
	to->keys++;
	to->key_bytes += key->charged;
	from->keys--;
	from->key_bytes -= key->charged;
	key->account = to;
	*account = from;
	return 0;
}

int key_set_owner(struct key *key, uid_t uid, gid_t gid)
{
	bool administrator = capable(CAP_SYS_ADMIN);
	bool in_group = gid == (gid_t)-1 || credentials_in_group(current_credentials(), gid);
	struct user_account *account = uid == (uid_t)-1 ? NULL : user_account_find(uid);
	int error = 0;

	if (account == NULL && uid != (uid_t)-1)
		return -ENOMEM;
	unsigned long flags = keys_lock();
	bool other_user = account != NULL && uid != key->uid;

	if (!administrator && (other_user || (!in_group && gid != key->gid)))
		error = -EACCES;
	else if (other_user)
		error = move_charge_locked(key, &account);
	if (error == 0 && other_user)
		key->uid = uid;
	if (error == 0 && gid != (gid_t)-1)
		key->gid = gid;
	keys_unlock(flags);
	if (account != NULL)
		user_account_put(account);
	return error;
}

void key_set_timeout(struct key *key, u32 seconds)
{
	unsigned long flags = keys_lock();

	key->expiry = seconds == 0 ? 0 : time_wall() + seconds * NSEC_PER_SEC;
	keys_unlock(flags);
}

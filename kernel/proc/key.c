/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys as objects: numbers, references, owners and what they pay, rights, payloads: see key.h.
 *
 * A key is in the table from its entry to the end of its last reference, which goes under keys_lock,
 * so that whoever finds it there may take one.  What a dead keyring holds may die with it, and so
 * on: the dead wait in a list instead of on the stack.
 *
 * An owner pays for each key, its description, payload and links (key_limits).
 */
#include "proc/key.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/credentials_internal.h"
#include "proc/key_internal.h"
#include "proc/random.h"
#include "proc/task.h"
#include "proc/time.h"
#include "proc/user_namespace.h"

enum { BUCKETS = 256, FIRST_SERIAL = 3 };

struct key_limits key_limits = {
	.keys = 200, .bytes = 20000, .root_keys = 1000000, .root_bytes = 25000000};

static const char *const type_names[KEY_TYPES] = {
	[KEY_KEYRING] = "keyring", [KEY_USER] = "user", [KEY_LOGON] = "logon"};

static spinlock_t all_keys_lock;
static struct list_head table[BUCKETS]; /* by number; keys_lock; a head of zeros is empty */

unsigned long keys_lock(void)
{
	return spin_lock_irqsave(&all_keys_lock);
}

void keys_unlock(unsigned long flags)
{
	spin_unlock_irqrestore(&all_keys_lock, flags);
}

int key_type_find(const char *name)
{
	for (int type = 0; type < KEY_TYPES; type++)
		if (strcmp(type_names[type], name) == 0)
			return type;
	return -1;
}

key_serial_t key_serial(const struct key *key)
{
	return key->serial;
}

bool key_is_keyring(const struct key *key)
{
	return key->type == KEY_KEYRING;
}

static struct list_head *bucket_of(key_serial_t serial)
{
	struct list_head *bucket = &table[(u32)serial % BUCKETS];

	if (bucket->next == NULL)
		list_init(bucket);
	return bucket;
}

struct key *key_get(struct key *key)
{
	if (key != NULL)
		__atomic_add_fetch(&key->references, 1, __ATOMIC_RELAXED);
	return key;
}

struct key *key_find_locked(key_serial_t serial)
{
	struct key *key;

	list_for_each_entry (key, bucket_of(serial), link)
		if (key->serial == serial)
			return key_get(key);
	return NULL;
}

struct key *keyring_find_named_locked(const char *name, const struct credentials *credentials)
{
	struct key *key;

	for (u32 i = 0; i < BUCKETS; i++)
		list_for_each_entry (key, bucket_of((key_serial_t)i), link)
			if (key->type == KEY_KEYRING && strcmp(key->description, name) == 0 &&
			    !(key->flags & (KEY_REVOKED | KEY_OF_USER)) &&
			    key_allows_locked(key, false, credentials, KEY_SEARCH))
				return key_get(key);
	return NULL;
}

void key_unlink_all_locked(struct key *key)
{
	struct key *ring;

	for (u32 i = 0; i < BUCKETS; i++)
		list_for_each_entry (ring, bucket_of((key_serial_t)i), link)
			keyring_unlink_locked(ring, key);
}

static u64 most_keys(uid_t uid)
{
	return READ_ONCE(*(uid == 0 ? &key_limits.root_keys : &key_limits.keys));
}

static u64 most_bytes(uid_t uid)
{
	return READ_ONCE(*(uid == 0 ? &key_limits.root_bytes : &key_limits.bytes));
}

int key_charge_locked(struct key *key, u32 bytes)
{
	struct user_account *account = key->account;

	if (bytes > key->charged &&
	    account->key_bytes - key->charged + bytes > most_bytes(account->uid))
		return -EDQUOT;
	account->key_bytes -= key->charged;
	account->key_bytes += bytes;
	key->charged = bytes;
	return 0;
}

/* Has `account` pay for the key, which nobody pays for. */
static int charge_owner(struct key *key, struct user_account *account, u32 bytes, bool beyond)
{
	if (!beyond && (account->keys >= most_keys(account->uid) ||
			account->key_bytes + bytes > most_bytes(account->uid)))
		return -EDQUOT;
	account->keys++;
	account->key_bytes += bytes;
	key->charged = bytes;
	return 0;
}

static void refund_owner(struct key *key)
{
	key->account->keys--;
	key->account->key_bytes -= key->charged;
	key->charged = 0;
}

struct key *key_make(enum key_type type, const char *description, uid_t uid, gid_t gid, u32 rights)
{
	struct key *key = kzalloc(sizeof(*key));

	if (key == NULL)
		return NULL;
	key->references = 1;
	key->type = type;
	key->uid = uid;
	key->gid = gid;
	key->rights = rights;
	key->description = kstrdup(description);
	key->account = user_account_find(uid);
	if (key->description != NULL && key->account != NULL)
		return key;
	key_discard(key);
	return NULL;
}

void key_discard(struct key *key)
{
	if (key->account != NULL)
		user_account_put(key->account);
	kfree(key->description);
	kfree(key->payload);
	kfree(key->keys);
	kfree(key);
}

int key_enter_locked(struct key *key, bool beyond)
{
	u32 bytes = (u32)strlen(key->description) + 1 + key->size;
	int error = charge_owner(key, key->account, bytes, beyond);
	struct key *other;

	if (error != 0)
		return error;
	for (;;) {
		key->serial = (key_serial_t)(random_u64() >> 33);
		if (key->serial < FIRST_SERIAL)
			continue;
		other = key_find_locked(key->serial);
		if (other == NULL)
			break;
		key_put_locked(other);
	}
	list_add(&key->link, bucket_of(key->serial));
	return 0;
}

struct key *keyring_make(const char *name, uid_t uid, gid_t gid, u32 rights, bool beyond)
{
	struct key *ring = key_make(KEY_KEYRING, name, uid, gid, rights);

	if (ring == NULL)
		return ERR_PTR(-ENOMEM);
	unsigned long flags = keys_lock();
	int error = key_enter_locked(ring, beyond);

	keys_unlock(flags);
	if (error == 0)
		return ring;
	key_discard(ring);
	return ERR_PTR(error);
}

/* Drops a reference; a key without any leaves the table for the list of the dead. */
static void drop(struct key *key, struct key **dead)
{
	if (__atomic_sub_fetch(&key->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	list_remove(&key->link);
	refund_owner(key);
	key->next_dead = *dead;
	*dead = key;
}

void key_put_locked(struct key *key)
{
	struct key *dead = NULL;

	drop(key, &dead);
	while (dead != NULL) {
		key = dead;
		dead = key->next_dead;
		for (u32 i = 0; i < key->count; i++)
			drop(key->keys[i], &dead);
		key_discard(key);
	}
}

static bool drop_unless_last(struct key *key)
{
	u32 references = __atomic_load_n(&key->references, __ATOMIC_RELAXED);

	while (references > 1)
		if (__atomic_compare_exchange_n(&key->references, &references, references - 1, true,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return true;
	return false;
}

void key_put(struct key *key)
{
	if (key == NULL || drop_unless_last(key))
		return;
	unsigned long flags = keys_lock();

	key_put_locked(key);
	keys_unlock(flags);
}

int key_validate_locked(const struct key *key)
{
	if (key->flags & KEY_INVALIDATED)
		return -ENOKEY;
	if (key->flags & KEY_REVOKED)
		return -EKEYREVOKED;
	return key->expiry != 0 && time_wall() >= key->expiry ? -EKEYEXPIRED : 0;
}

bool key_allows_locked(const struct key *key, bool possessed, const struct credentials *credentials,
		       u32 rights)
{
	u32 allowed = key->rights;

	if (key->uid == credentials->fsuid)
		allowed >>= 16;
	else if (key->gid != NOBODY_ID && key->rights & KEY_GROUP(KEY_ALL_RIGHTS) &&
		 credentials_in_group(credentials, key->gid))
		allowed >>= 8;
	if (possessed)
		allowed |= key->rights >> 24;
	return (allowed & rights) == rights;
}

bool key_may_link(struct key_ref ref)
{
	unsigned long flags = keys_lock();
	bool may = key_allows_locked(ref.key, ref.possessed, current_credentials(), KEY_LINK);

	keys_unlock(flags);
	return may;
}

int key_payload_check(enum key_type type, const char *description, size_t size)
{
	if (type == KEY_KEYRING)
		return size == 0 ? 0 : -EINVAL;
	/* "service:name" */
	if (type == KEY_LOGON &&
	    (strchr(description, ':') == NULL || strchr(description, ':') == description))
		return -EINVAL;
	return size > 0 && size <= KEY_PAYLOAD_MOST ? 0 : -EINVAL;
}

/* Takes over the payload of `donor`, which gets the old one. */
static int exchange_payload(struct key *key, struct key *donor)
{
	u32 size = key->size;
	void *payload = key->payload;
	int error = key_charge_locked(key, key->charged - size + donor->size);

	if (error != 0)
		return error;
	key->payload = donor->payload;
	key->size = donor->size;
	key->expiry = 0;
	donor->payload = payload;
	donor->size = size;
	return 0;
}

/* A key with a payload, in no table. */
static struct key *make_filled(enum key_type type, const char *description, const void *payload,
			       size_t size)
{
	u32 possessor = KEY_VIEW | KEY_SEARCH | KEY_LINK | KEY_SETATTR | KEY_WRITE;
	const struct credentials *mine = current_credentials();

	if (type != KEY_LOGON)
		possessor |= KEY_READ;
	struct key *key = key_make(type, description, mine->fsuid, mine->fsgid,
				   KEY_POSSESSOR(possessor) | KEY_OWNER(KEY_VIEW));
	if (key == NULL || size == 0)
		return key;
	key->payload = kmemdup(payload, size);
	key->size = (u32)size;
	if (key->payload != NULL)
		return key;
	key_discard(key);
	return NULL;
}

/* A new payload for what is there, which is *key then, or *key itself; the other one is freed. */
static int add_locked(struct key_ref ring, struct key **key)
{
	struct key *added = *key;
	int place = keyring_place_locked(ring.key, added->type, added->description);
	struct key *there = place < 0 ? NULL : ring.key->keys[place];

	if (there != NULL && added->type != KEY_KEYRING &&
	    !(there->flags & (KEY_REVOKED | KEY_INVALIDATED))) {
		if (!key_allows_locked(there, ring.possessed, current_credentials(), KEY_WRITE))
			return -EACCES;
		*key = there;
		return exchange_payload(there, added);
	}
	return key_enter_locked(added, false);
}

long key_add(enum key_type type, const char *description, const void *payload, size_t size,
	     struct key_ref ring)
{
	int error =
		!key_is_keyring(ring.key) ? -ENOTDIR : key_payload_check(type, description, size);

	if (error != 0)
		return error;
	struct key *made = make_filled(type, description, payload, size);
	if (made == NULL)
		return -ENOMEM;
	struct key *key = made;
	unsigned long flags = keys_lock();

	error = add_locked(ring, &key);
	key_serial_t serial = key->serial;
	bool entered = error == 0 && key == made;
	if (entered) {
		error = keyring_link_locked(ring.key, key);
		key_put_locked(key);
	}
	keys_unlock(flags);
	if (!entered)
		key_discard(made);
	return error != 0 ? error : serial;
}

int key_update(struct key *key, const void *payload, size_t size)
{
	if (key_is_keyring(key))
		return -EOPNOTSUPP;
	int error = key_payload_check(key->type, key->description, size);
	if (error != 0)
		return error;
	struct key *made = make_filled(key->type, key->description, payload, size);
	if (made == NULL)
		return -ENOMEM;
	unsigned long flags = keys_lock();

	error = exchange_payload(key, made);
	keys_unlock(flags);
	key_discard(made);
	return error;
}

static ssize_t read_locked(struct key_ref ref, void *buffer, size_t size)
{
	struct key *key = ref.key;
	const struct credentials *mine = current_credentials();

	/* Whoever may find it by a search may read it. */
	if (!key_allows_locked(key, ref.possessed, mine, KEY_READ) && !ref.possessed)
		return -EACCES;
	if (key->type == KEY_LOGON)
		return -EOPNOTSUPP;
	int error = key_validate_locked(key);
	if (error != 0)
		return error;
	size_t length = key->type == KEY_KEYRING ? key->count * sizeof(key_serial_t) : key->size;
	if (length > size)
		return (ssize_t)length;
	if (key->type == KEY_KEYRING)
		for (u32 i = 0; i < key->count; i++)
			((key_serial_t *)buffer)[i] = key->keys[i]->serial;
	else
		memcpy(buffer, key->payload, length);
	return (ssize_t)length;
}

ssize_t key_read(struct key_ref ref, void *buffer, size_t size)
{
	unsigned long flags = keys_lock();
	ssize_t result = read_locked(ref, buffer, size);

	keys_unlock(flags);
	return result;
}

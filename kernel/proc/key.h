/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys: small secrets that the kernel keeps for programs, and keyrings, which hold them
 * (keyrings(7), add_key(2), request_key(2), keyctl(2)).
 *
 * Three types: "keyring", "user" (read and written by programs), "logon" (never read back).  A key
 * lives as long as a keyring has it, or credentials do: those of a thread name its thread, process
 * and session keyrings.  Each user has two more, made when somebody first asks for them, for ever.
 *
 * A key may be reached through the caller's own keyrings: the caller "possesses" it then, and has
 * the rights of possessors, besides those of the owner, the group or others.  A struct key_ref is a
 * counted key with that fact.
 *
 * Nothing in the kernel uses keys: no program is run to make one that is missing (request_key(2)).
 *
 * All state of all keys is guarded by one lock (key_internal.h), interrupts off, inside everything
 * but the heap and the accounts of users; key_put may be called in any context, the rest from
 * programs.
 */
#ifndef PROC_KEY_H
#define PROC_KEY_H

#include "lib/types.h"

struct credentials;
struct key;

enum key_type { KEY_KEYRING, KEY_USER, KEY_LOGON, KEY_TYPES };

/* A key's serial number, or one that stands for one of the caller's keyrings. */
typedef s32 key_serial_t;
enum key_special {
	KEY_SPEC_THREAD_KEYRING = -1,
	KEY_SPEC_PROCESS_KEYRING = -2,
	KEY_SPEC_SESSION_KEYRING = -3,
	KEY_SPEC_USER_KEYRING = -4,
	KEY_SPEC_USER_SESSION_KEYRING = -5,
	KEY_SPEC_GROUP_KEYRING = -6,
	KEY_SPEC_REQKEY_AUTH_KEY = -7,
	KEY_SPEC_REQUESTOR_KEYRING = -8,
};

/* Rights; a mask has them four times, for possessors (the highest byte), owner, group and others. */
enum key_right {
	KEY_VIEW = 0x01,
	KEY_READ = 0x02,
	KEY_WRITE = 0x04,
	KEY_SEARCH = 0x08,
	KEY_LINK = 0x10,
	KEY_SETATTR = 0x20,
	KEY_ALL_RIGHTS = 0x3f,
};

enum {
	KEY_DESCRIPTION_SIZE = 4096, /* with the NUL */
	KEY_TEXT_SIZE = KEY_DESCRIPTION_SIZE + 64,
	KEY_PAYLOAD_MOST = 32767, /* bytes */
	KEY_DEPTH = 6,            /* keyrings in keyrings, below one that is searched */
};

/* What the keys of one user may take: /proc/sys/kernel/keys.  Single loads and stores. */
struct key_limits {
	u64 keys, bytes, root_keys, root_bytes;
};
extern struct key_limits key_limits;

struct key_ref {
	struct key *key;
	bool possessed;
};

/* The type of that name; -1: there is none. */
int key_type_find(const char *name);

/* Drops a reference; NULL is allowed.  Any context. */
void key_put(struct key *key);
key_serial_t key_serial(const struct key *key);
bool key_is_keyring(const struct key *key);

enum key_lookup {
	KEY_CREATE = 1 << 0,    /* the special keyring is made if need be */
	KEY_NOT_VALID = 1 << 1, /* one that was revoked or has expired will do */
};
/*
 * Finds a key by number for somebody who wants those rights on it (0: he checks by himself).  0 and
 * a counted reference, or no key and -EINVAL: no such special number; -ENOKEY; -EACCES; -EKEYREVOKED;
 * -EKEYEXPIRED; -ENOMEM; -EDQUOT.  May sleep.
 */
int __must_check key_lookup(key_serial_t id, unsigned flags, u32 rights, struct key_ref *ref);

/*
 * Adds a key to a keyring, or gives the one of that type and description that is there a new
 * payload; its number.  -ENOTDIR: no keyring; -EINVAL; -EACCES; -EDQUOT; -ENOMEM.
 */
long __must_check key_add(enum key_type type, const char *description, const void *payload,
			  size_t size, struct key_ref ring);
/* Gives it a new payload.  -EOPNOTSUPP: a keyring; -EINVAL; -EDQUOT; -ENOMEM. */
int __must_check key_update(struct key *key, const void *payload, size_t size);
/*
 * Copies what it holds to `buffer`, if there is room for all of it: a keyring's numbers, or the
 * payload.  How much that is.  -EACCES, -EOPNOTSUPP, -EKEYREVOKED, -EKEYEXPIRED.
 */
ssize_t __must_check key_read(struct key_ref ref, void *buffer, size_t size);
/* "type;uid;gid;rights;description", as current is shown it, in a buffer of KEY_TEXT_SIZE bytes. */
void key_describe(struct key *key, char *text);
/* It serves nobody any more, and what it held is gone. */
void key_revoke(struct key *key);
/* The same, and it leaves all keyrings. */
void key_invalidate(struct key *key);
/* -EACCES: not the owner, and no administrator. */
int __must_check key_set_rights(struct key *key, u32 mask);
/* (uid_t)-1, (gid_t)-1: as it is.  The kernel's numbers.  -EACCES, -EDQUOT, -ENOMEM. */
int __must_check key_set_owner(struct key *key, uid_t uid, gid_t gid);
/* It expires after so many seconds; 0: never. */
void key_set_timeout(struct key *key, u32 seconds);

/* Keyrings: -ENOTDIR for other keys. */
int __must_check keyring_clear(struct key *ring);
/* -EDEADLK: it would hold itself; -ELOOP: too deep; -EDQUOT, -ENOMEM, -EKEYREVOKED. */
int __must_check keyring_link(struct key *ring, struct key *key);
/* -ENOENT: it is not there. */
int __must_check keyring_unlink(struct key *ring, struct key *key);
/* A key below the ring that the caller may search for, with a reference.  -ENOKEY, -EACCES,
 * -EKEYREVOKED, -EKEYEXPIRED. */
int __must_check keyring_search(struct key_ref ring, enum key_type type, const char *description,
				struct key_ref *found);
/* The same in the caller's thread, process and session keyrings. */
int __must_check key_request(enum key_type type, const char *description, struct key_ref *found);

/* Current goes to the session keyring of that name, made if there is none that it may search for;
 * NULL: a new one.  Its number, 0: it was there; -EACCES, -ENOMEM, -EDQUOT. */
long __must_check key_join_session(const char *name);
/* May current link the key to other keyrings? */
bool key_may_link(struct key_ref ref);

/* What a copy of credentials does to the keyrings in it, and their end. */
void keys_copied(struct credentials *copy);
void keys_put(struct credentials *credentials);
/* Has a child process, or an exec, other keyrings?  Then they are dropped from its own copy. */
bool keys_stay_behind(const struct credentials *credentials, bool thread);
void keys_leave_behind(struct credentials *copy, bool thread);

#endif

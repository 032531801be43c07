/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files proc/key*.c share: see key.h. */
#ifndef PROC_KEY_INTERNAL_H
#define PROC_KEY_INTERNAL_H

#include "lib/list.h"
#include "lib/spinlock.h"
#include "proc/key.h"

struct user_account;

#define KEY_POSSESSOR(rights) ((u32)(rights) << 24)
#define KEY_OWNER(rights)     ((u32)(rights) << 16)
#define KEY_GROUP(rights)     ((u32)(rights) << 8)

enum key_flags {
	KEY_REVOKED = 1 << 0,
	KEY_INVALIDATED = 1 << 1,
	KEY_OF_USER = 1 << 2, /* one of the two that each user has */
};

struct key {
	u32 references;        /* atomic; the last goes under keys_lock */
	key_serial_t serial;   /* const */
	enum key_type type;    /* const */
	char *description;     /* const */
	struct list_head link; /* in the chain of the table: keys_lock, as all below */
	struct key *next_dead;
	u32 flags;
	uid_t uid;
	gid_t gid;
	u32 rights;
	nsec_t expiry;                /* of the wall clock; 0: never */
	struct user_account *account; /* of uid: counted, charged with this key and its bytes */
	u32 charged;                  /* bytes */
	void *payload;                /* NULL: none */
	u32 size;                     /* bytes */
	struct key **keys;            /* a keyring's, counted, in the order in which they came */
	u32 count, room;
	u64 visit; /* the last search that came here, and how deep it was */
	u32 visit_depth;
};

/* Guards every key's state, the table and the accounts' counts of keys; interrupts off. */
unsigned long keys_lock(void);
void keys_unlock(unsigned long flags);

/*
 * Makes a key and its payload, in no table and charged to nobody; NULL without memory.  Then either
 * key_discard, or key_enter_locked, which charges its owner (-EDQUOT, unless `beyond`) and gives it
 * a number and one reference.
 */
struct key *key_make(enum key_type type, const char *description, uid_t uid, gid_t gid, u32 rights);
int __must_check key_payload_check(enum key_type type, const char *description, size_t size);
void key_discard(struct key *key);
int __must_check key_enter_locked(struct key *key, bool beyond);
/* A keyring, entered; an ERR_PTR. */
struct key *keyring_make(const char *name, uid_t uid, gid_t gid, u32 rights, bool beyond);

struct key *key_get(struct key *key);
/* Drops a reference with the lock held. */
void key_put_locked(struct key *key);
/* By number, or a keyring by name that the caller may search for: NULL, or with a reference. */
struct key *key_find_locked(key_serial_t serial);
struct key *keyring_find_named_locked(const char *name, const struct credentials *credentials);
/* Has its owner pay for so many bytes in all: -EDQUOT. */
int __must_check key_charge_locked(struct key *key, u32 bytes);

/* 0, -ENOKEY (invalidated), -EKEYREVOKED, -EKEYEXPIRED. */
int __must_check key_validate_locked(const struct key *key);
bool key_allows_locked(const struct key *key, bool possessed, const struct credentials *credentials,
		       u32 rights);

/* What a search looks for, and what it met. */
struct key_search {
	enum key_type type;
	const char *description; /* NULL: it looks for `key` */
	const struct key *key;
	const struct credentials *credentials; /* NULL: whatever the rights */
	bool possessed, any_state, skip_expired;
	u64 number;    /* of the search */
	int error;     /* why the result is none: -EAGAIN: there was nothing at all */
	bool too_deep; /* there are keyrings beyond KEY_DEPTH */
};
void key_search_begin_locked(struct key_search *search);
/* The key, below the ring or the ring itself, not counted; NULL: search->error. */
struct key *keyring_search_locked(struct key *ring, struct key_search *search);
/* The place of a key of that name in the ring, or -1. */
int keyring_place_locked(const struct key *ring, enum key_type type, const char *description);
int __must_check keyring_link_locked(struct key *ring, struct key *key);
void keyring_clear_locked(struct key *ring);
/* It leaves the ring, if it is there; the caller has a reference. */
bool keyring_unlink_locked(struct key *ring, struct key *key);
/* It leaves all keyrings; the same. */
void key_unlink_all_locked(struct key *key);

#endif

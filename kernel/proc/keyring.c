/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keyrings: what they hold, and searches: see key.h.
 *
 * A keyring has at most one key of a type and description.  Keyrings in keyrings make a graph
 * without circles, which a search walks KEY_DEPTH keyrings deep; where it can reach a keyring on
 * many ways, it enters it again only if it is less deep there than before, so a search takes no more
 * than a few looks at each key.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/key_internal.h"

enum { LINK_BYTES = 4, FIRST_ROOM = 8 }; /* what a link is charged with */

static u64 searches; /* keys_lock: how many there were */

static bool is_named(const struct key *key, enum key_type type, const char *description)
{
	return key->type == type && strcmp(key->description, description) == 0;
}

int keyring_place_locked(const struct key *ring, enum key_type type, const char *description)
{
	for (u32 i = 0; i < ring->count; i++)
		if (is_named(ring->keys[i], type, description))
			return (int)i;
	return -1;
}

void key_search_begin_locked(struct key_search *search)
{
	search->number = ++searches;
	search->error = -EAGAIN;
	search->too_deep = false;
}

/* Is it what is looked for, and may it be found?  Otherwise search->error may say why not. */
static bool matches(const struct key *key, struct key_search *search)
{
	if (search->description == NULL ? key != search->key
					: !is_named(key, search->type, search->description))
		return false;
	int error = search->any_state ? 0 : key_validate_locked(key);
	/* What was invalidated is as good as revoked, to a search. */
	if (error == -ENOKEY)
		error = -EKEYREVOKED;
	if (error == -EKEYEXPIRED && search->skip_expired)
		return false;
	if (error == 0 && search->credentials != NULL &&
	    !key_allows_locked(key, search->possessed, search->credentials, KEY_SEARCH))
		error = -EACCES;
	if (error != 0)
		search->error = error;
	return error == 0;
}

static bool may_enter(struct key *ring, struct key_search *search, u32 depth)
{
	if (depth > KEY_DEPTH) {
		search->too_deep = true;
		return false;
	}
	if (ring->visit == search->number && ring->visit_depth <= depth)
		return false;
	if (!search->any_state && key_validate_locked(ring) != 0)
		return false;
	if (depth > 0 && search->credentials != NULL &&
	    !key_allows_locked(ring, search->possessed, search->credentials, KEY_SEARCH))
		return false;
	ring->visit = search->number;
	ring->visit_depth = depth;
	return true;
}

/* Its own keys come first, then what its keyrings hold.  At most KEY_DEPTH calls deep. */
static struct key *walk(struct key *ring, struct key_search *search, u32 depth)
{
	struct key *found = NULL;

	if (!may_enter(ring, search, depth))
		return NULL;
	for (u32 i = 0; i < ring->count; i++)
		if (matches(ring->keys[i], search))
			return ring->keys[i];
	for (u32 i = 0; i < ring->count && found == NULL; i++)
		if (ring->keys[i]->type == KEY_KEYRING)
			found = walk(ring->keys[i], search, depth + 1);
	return found;
}

struct key *keyring_search_locked(struct key *ring, struct key_search *search)
{
	if (search->credentials != NULL &&
	    !key_allows_locked(ring, search->possessed, search->credentials, KEY_SEARCH)) {
		search->error = -EACCES;
		return NULL;
	}
	/* A keyring that looks for itself is found at once. */
	if (ring->type == KEY_KEYRING && matches(ring, search))
		return ring;
	return walk(ring, search, 0);
}

int keyring_search(struct key_ref ring, enum key_type type, const char *description,
		   struct key_ref *found)
{
	struct key_search search = {.type = type,
				    .description = description,
				    .credentials = current_credentials(),
				    .possessed = ring.possessed};

	if (!key_is_keyring(ring.key))
		return -ENOTDIR;
	unsigned long flags = keys_lock();

	key_search_begin_locked(&search);
	found->key = key_get(keyring_search_locked(ring.key, &search));
	found->possessed = ring.possessed;
	keys_unlock(flags);
	if (found->key != NULL)
		return 0;
	return search.error == -EAGAIN ? -ENOKEY : search.error;
}

/* Would the ring hold itself?  -EDEADLK; -ELOOP: keyrings are too deep in it to say so. */
static int check_circle(struct key *ring, struct key *key)
{
	struct key_search search = {.key = ring, .any_state = true};

	if (key->type != KEY_KEYRING)
		return 0;
	if (key == ring)
		return -EDEADLK;
	key_search_begin_locked(&search);
	if (keyring_search_locked(key, &search) != NULL)
		return -EDEADLK;
	return search.too_deep ? -ELOOP : 0;
}

static int make_room(struct key *ring)
{
	u32 room = ring->room == 0 ? FIRST_ROOM : ring->room * 2;

	if (ring->count < ring->room)
		return 0;
	struct key **keys = krealloc(ring->keys, room * sizeof(*keys));
	if (keys == NULL)
		return -ENOMEM;
	ring->keys = keys;
	ring->room = room;
	return 0;
}

int keyring_link_locked(struct key *ring, struct key *key)
{
	int place = keyring_place_locked(ring, key->type, key->description);
	int error = check_circle(ring, key);

	if (error == 0 && ring->flags & KEY_REVOKED)
		error = -EKEYREVOKED;
	if (error != 0)
		return error;
	if (place >= 0) {
		struct key *displaced = ring->keys[place];

		ring->keys[place] = key_get(key);
		key_put_locked(displaced);
		return 0;
	}
	error = make_room(ring);
	if (error == 0)
		error = key_charge_locked(ring, ring->charged + LINK_BYTES);
	if (error == 0)
		ring->keys[ring->count++] = key_get(key);
	return error;
}

static void remove_locked(struct key *ring, u32 place)
{
	struct key *key = ring->keys[place];

	ring->count--;
	memmove(&ring->keys[place], &ring->keys[place + 1],
		(ring->count - place) * sizeof(*ring->keys));
	int error = key_charge_locked(ring, ring->charged - LINK_BYTES);
	(void)error; /* less is always allowed */
	key_put_locked(key);
}

void keyring_clear_locked(struct key *ring)
{
	while (ring->count > 0)
		remove_locked(ring, ring->count - 1);
}

int keyring_link(struct key *ring, struct key *key)
{
	if (!key_is_keyring(ring))
		return -ENOTDIR;
	unsigned long flags = keys_lock();
	int error = keyring_link_locked(ring, key);

	keys_unlock(flags);
	return error;
}

bool keyring_unlink_locked(struct key *ring, struct key *key)
{
	for (u32 i = 0; i < ring->count; i++)
		if (ring->keys[i] == key) {
			remove_locked(ring, i);
			return true;
		}
	return false;
}

int keyring_unlink(struct key *ring, struct key *key)
{
	if (!key_is_keyring(ring))
		return -ENOTDIR;
	unsigned long flags = keys_lock();
	bool was_there = keyring_unlink_locked(ring, key);

	keys_unlock(flags);
	return was_there ? 0 : -ENOENT;
}

int keyring_clear(struct key *ring)
{
	if (!key_is_keyring(ring))
		return -ENOTDIR;
	unsigned long flags = keys_lock();

	keyring_clear_locked(ring);
	keys_unlock(flags);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose keys are whose: the keyrings of threads, processes, sessions and users, and keys by number:
 * see key.h.
 *
 * Credentials count their three keyrings.  A thread that has none of one kind gets one when it is
 * first asked for; so its credentials are changed, as by set*id(2).  The session keyring goes to
 * children and new programs, the others do not.  A user's two keyrings are in `users`, and never go.
 */
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/key_internal.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

/* The two keyrings of a user; the second holds the first. */
struct user_keyrings {
	struct user_keyrings *next;
	uid_t uid;
	struct key *keyring, *session;
};

static struct user_keyrings *users; /* keys_lock */

void keys_copied(struct credentials *copy)
{
	key_get(copy->thread_keyring);
	key_get(copy->process_keyring);
	key_get(copy->session_keyring);
}

void keys_put(struct credentials *credentials)
{
	key_put(credentials->thread_keyring);
	key_put(credentials->process_keyring);
	key_put(credentials->session_keyring);
}

bool keys_stay_behind(const struct credentials *credentials, bool thread)
{
	return credentials->thread_keyring != NULL ||
	       (!thread && credentials->process_keyring != NULL);
}

void keys_leave_behind(struct credentials *copy, bool thread)
{
	key_put(copy->thread_keyring);
	copy->thread_keyring = NULL;
	if (thread)
		return;
	key_put(copy->process_keyring);
	copy->process_keyring = NULL;
}

static struct user_keyrings *find_user_locked(uid_t uid)
{
	struct user_keyrings *user = users;

	while (user != NULL && user->uid != uid)
		user = user->next;
	return user;
}

static struct key *make_user_keyring(const char *name, uid_t uid)
{
	char description[32];

	snprintf(description, sizeof(description), "%s.%u", name, uid);
	struct key *ring = keyring_make(
		description, uid, NOBODY_ID,
		KEY_POSSESSOR(KEY_ALL_RIGHTS & ~KEY_SETATTR) | KEY_OWNER(KEY_ALL_RIGHTS), false);
	if (!IS_ERR(ring))
		ring->flags |= KEY_OF_USER;
	return ring;
}

static int make_user(uid_t uid)
{
	struct user_keyrings *user = kzalloc(sizeof(*user));
	int error = -ENOMEM;

	if (user == NULL)
		return -ENOMEM;
	user->uid = uid;
	user->keyring = make_user_keyring("_uid", uid);
	user->session = make_user_keyring("_uid_ses", uid);
	if (IS_ERR(user->keyring))
		error = (int)PTR_ERR(user->keyring);
	else if (IS_ERR(user->session))
		error = (int)PTR_ERR(user->session);
	else
		error = keyring_link(user->session, user->keyring);
	if (error == 0) {
		unsigned long flags = keys_lock();

		/* Another thread of the user's may have been faster. */
		if (find_user_locked(uid) == NULL) {
			user->next = users;
			users = user;
			user = NULL;
		}
		keys_unlock(flags);
	}
	if (user != NULL) {
		if (!IS_ERR(user->keyring))
			key_put(user->keyring);
		if (!IS_ERR(user->session))
			key_put(user->session);
		kfree(user);
	}
	return error;
}

/* A reference to one of the user's keyrings; ERR_PTR. */
static struct key *user_keyring(uid_t uid, bool session)
{
	for (;;) {
		unsigned long flags = keys_lock();
		struct user_keyrings *user = find_user_locked(uid);
		struct key *ring =
			user == NULL ? NULL : key_get(session ? user->session : user->keyring);

		keys_unlock(flags);
		if (ring != NULL)
			return ring;
		int error = make_user(uid);
		if (error != 0)
			return ERR_PTR(error);
	}
}

/* Replaces one of the keyrings of current's credentials; takes over the reference. */
static int install(size_t place, struct key *ring)
{
	struct credentials *changed = credentials_prepare();

	if (changed == NULL) {
		key_put(ring);
		return -ENOMEM;
	}
	struct key **slot = (struct key **)((char *)changed + place);

	key_put(*slot);
	*slot = ring;
	credentials_commit(changed);
	return 0;
}

/* A new keyring in that place.  The first session is free. */
static int install_new(size_t place, const char *name, u32 owner_rights, bool beyond)
{
	const struct credentials *mine = current->credentials;
	struct key *ring =
		keyring_make(name, mine->uid, mine->gid,
			     KEY_POSSESSOR(KEY_ALL_RIGHTS) | KEY_OWNER(owner_rights), beyond);

	return IS_ERR(ring) ? (int)PTR_ERR(ring) : install(place, ring);
}

static int install_session(void)
{
	return install_new(offsetof(struct credentials, session_keyring), "_ses",
			   KEY_VIEW | KEY_READ, current->credentials->session_keyring == NULL);
}

/* Without a session of its own, a thread is in its user's. */
static struct key *session_keyring(bool create)
{
	struct key *mine = current->credentials->session_keyring;
	int error = 0;

	if (create && (mine == NULL || mine->flags & KEY_OF_USER)) {
		error = install_session();
	} else if (mine == NULL) {
		struct key *ring = user_keyring(current->credentials->uid, true);

		if (IS_ERR(ring))
			return ring;
		error = install(offsetof(struct credentials, session_keyring), ring);
	}
	return error != 0 ? ERR_PTR(error) : key_get(current->credentials->session_keyring);
}

static struct key *own_keyring(size_t place, const char *name, bool create)
{
	struct key *const *slot = (struct key *const *)((const char *)current->credentials + place);

	if (*slot != NULL)
		return key_get(*slot);
	if (!create)
		return ERR_PTR(-ENOKEY);
	int error = install_new(place, name, KEY_VIEW, true);
	if (error != 0)
		return ERR_PTR(error);
	slot = (struct key *const *)((const char *)current->credentials + place);
	return key_get(*slot);
}

static struct key *special(key_serial_t id, bool create)
{
	switch (id) {
	case KEY_SPEC_THREAD_KEYRING:
		return own_keyring(offsetof(struct credentials, thread_keyring), "_tid", create);
	case KEY_SPEC_PROCESS_KEYRING:
		return own_keyring(offsetof(struct credentials, process_keyring), "_pid", create);
	case KEY_SPEC_SESSION_KEYRING:
		return session_keyring(create);
	case KEY_SPEC_USER_KEYRING:
	case KEY_SPEC_USER_SESSION_KEYRING:
		return user_keyring(current->credentials->uid, id == KEY_SPEC_USER_SESSION_KEYRING);
	case KEY_SPEC_REQKEY_AUTH_KEY:
	case KEY_SPEC_REQUESTOR_KEYRING:
		return ERR_PTR(-ENOKEY); /* those of programs that the kernel runs to make keys */
	default:
		return ERR_PTR(-EINVAL);
	}
}

/* Looks through the caller's own keyrings; a thread without a session has its user's. */
static struct key *search_own_locked(struct key_search *search, struct key *user_session)
{
	const struct credentials *mine = current->credentials;
	struct key *rings[] = {mine->thread_keyring, mine->process_keyring,
			       mine->session_keyring ?: user_session};
	int worst = -EAGAIN;

	search->credentials = current_credentials();
	search->possessed = true;
	for (size_t i = 0; i < ARRAY_SIZE(rings); i++) {
		if (rings[i] == NULL)
			continue;
		key_search_begin_locked(search);
		struct key *found = keyring_search_locked(rings[i], search);
		if (found != NULL)
			return found;
		if (search->error != -EAGAIN)
			worst = search->error;
	}
	search->error = worst;
	return NULL;
}

int key_request(enum key_type type, const char *description, struct key_ref *found)
{
	struct key_search search = {.type = type, .description = description, .skip_expired = true};
	struct key *user_session = user_keyring(current->credentials->uid, true);

	if (IS_ERR(user_session))
		return (int)PTR_ERR(user_session);
	unsigned long flags = keys_lock();

	found->key = key_get(search_own_locked(&search, user_session));
	found->possessed = true;
	keys_unlock(flags);
	key_put(user_session);
	if (found->key != NULL)
		return 0;
	return search.error == -EAGAIN ? -ENOKEY : search.error;
}

/* Is it below the caller's own keyrings? */
static bool is_possessed_locked(const struct key *key)
{
	struct key_search search = {.key = key, .any_state = true};
	struct user_keyrings *user = find_user_locked(current->credentials->uid);

	return search_own_locked(&search, user == NULL ? NULL : user->session) != NULL;
}

static int check_lookup_locked(struct key_ref *ref, unsigned flags, u32 rights, bool by_number)
{
	ref->possessed = !by_number || is_possessed_locked(ref->key);
	int error = flags & KEY_NOT_VALID ? 0 : key_validate_locked(ref->key);

	if (error == 0 &&
	    !key_allows_locked(ref->key, ref->possessed, current_credentials(), rights))
		error = -EACCES;
	return error;
}

int key_lookup(key_serial_t id, unsigned flags, u32 rights, struct key_ref *ref)
{
	ref->key = NULL;
	if (id <= 0) {
		struct key *ring = special(id, flags & KEY_CREATE);

		if (IS_ERR(ring))
			return (int)PTR_ERR(ring);
		ref->key = ring;
	}
	unsigned long interrupts = keys_lock();

	if (id > 0)
		ref->key = key_find_locked(id);
	int error = ref->key == NULL ? -ENOKEY : check_lookup_locked(ref, flags, rights, id > 0);
	keys_unlock(interrupts);
	if (error != 0) {
		key_put(ref->key);
		ref->key = NULL;
	}
	return error;
}

long key_join_session(const char *name)
{
	const struct credentials *mine = current->credentials;

	if (name == NULL) {
		int error = install_session();

		return error != 0 ? error : key_serial(current->credentials->session_keyring);
	}
	unsigned long flags = keys_lock();
	struct key *ring = keyring_find_named_locked(name, current_credentials());

	keys_unlock(flags);
	if (ring != NULL && ring == mine->session_keyring) {
		key_put(ring);
		return 0;
	}
	if (ring == NULL)
		ring = keyring_make(name, mine->uid, mine->gid,
				    KEY_POSSESSOR(KEY_ALL_RIGHTS) |
					    KEY_OWNER(KEY_VIEW | KEY_READ | KEY_LINK),
				    false);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	int error = install(offsetof(struct credentials, session_keyring), ring);
	return error != 0 ? error : key_serial(current->credentials->session_keyring);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on keys: decoding for proc/key.h.
 *
 * keyctl(2) has a table of operations.  Those that it lacks answer EOPNOTSUPP: what belongs to
 * programs that the kernel would run to make a key, asymmetric keys, Diffie-Hellman, and others'
 * sessions.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/key.h"
#include "proc/user_namespace.h"
#include "syscall/table.h"

enum {
	TYPE_SIZE = 32,           /* a type's name with the NUL */
	UPDATE_MOST = 4096,       /* bytes that KEYCTL_UPDATE takes */
	ADD_MOST = (1 << 20) - 1, /* and that add_key does, though no type wants so many */
	RIGHTS_MASK = 0x3f3f3f3f,
};

/* The name of a type, of which those of the kernel begin with a dot: its number, -1: unknown. */
static int get_type(vaddr_t user, int *type)
{
	char name[TYPE_SIZE];
	ssize_t length = strncpy_from_user(name, (const char __user *)user, sizeof(name));

	if (length < 0)
		return (int)length;
	if (length == 0 || length == sizeof(name))
		return -EINVAL;
	if (name[0] == '.')
		return -EPERM;
	*type = key_type_find(name);
	return 0;
}

/* A description or a session's name, to be freed; ERR_PTR. */
static char *get_description(vaddr_t user)
{
	char *text = strdup_from_user((const char __user *)user, KEY_DESCRIPTION_SIZE);

	return IS_ERR(text) && PTR_ERR(text) == -ENAMETOOLONG ? ERR_PTR(-EINVAL) : text;
}

/* What a call names a key by: 0 and both, the description to be freed; or an error. */
static long get_name(vaddr_t user_type, vaddr_t user_description, int *type, char **description)
{
	int error = get_type(user_type, type);

	if (error != 0)
		return error;
	*description = get_description(user_description);
	return IS_ERR(*description) ? PTR_ERR(*description) : 0;
}

/* Some bytes, to be freed; NULL for none; ERR_PTR. */
static void *get_payload(vaddr_t user, size_t size)
{
	if (size == 0)
		return NULL;
	void *payload = kmalloc(size);
	if (payload == NULL)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(payload, (const void __user *)user, size) == 0)
		return payload;
	kfree(payload);
	return ERR_PTR(-EFAULT);
}

long sys_add_key(vaddr_t user_type, vaddr_t user_description, vaddr_t user_payload, size_t size,
		 int ring_id)
{
	struct key_ref ring;
	char *description;
	int type;
	long result = size > ADD_MOST ? -EINVAL
				      : get_name(user_type, user_description, &type, &description);

	if (result != 0)
		return result;
	if (description[0] == '.' && type == KEY_KEYRING)
		result = -EPERM;
	void *payload = result != 0 ? NULL : get_payload(user_payload, size);
	if (IS_ERR(payload)) {
		kfree(description);
		return PTR_ERR(payload);
	}
	if (result == 0)
		result = key_lookup(ring_id, KEY_CREATE, KEY_WRITE, &ring);
	if (result == 0) {
		if (type < 0)
			result = -ENODEV;
		else if (description[0] == '\0')
			result = -EINVAL;
		else
			result = key_add(type, description, payload, size, ring);
		key_put(ring.key);
	}
	if (payload != NULL)
		memset(payload, 0, size);
	kfree(payload);
	kfree(description);
	return result;
}

/* Links what was found to a keyring, if one was named; its number. */
static long link_found(struct key_ref found, key_serial_t ring_id, const struct key_ref *ring)
{
	long error = 0;

	if (ring_id != 0)
		error = !key_may_link(found) ? -EACCES : keyring_link(ring->key, found.key);
	return error != 0 ? error : key_serial(found.key);
}

long sys_request_key(vaddr_t user_type, vaddr_t user_description, vaddr_t user_callout, int ring_id)
{
	struct key_ref ring = {.key = NULL}, found;
	char *description;
	int type;
	long result = get_name(user_type, user_description, &type, &description);

	if (result != 0)
		return result;
	/* What a program that makes keys would be told: there is none, but it has to be a text. */
	char *callout = user_callout == 0 ? NULL : get_description(user_callout);
	if (IS_ERR(callout)) {
		kfree(description);
		return PTR_ERR(callout);
	}
	if (ring_id != 0)
		result = key_lookup(ring_id, KEY_CREATE, KEY_WRITE, &ring);
	if (result == 0)
		result = type < 0 ? -ENOKEY : key_request(type, description, &found);
	if (result == 0) {
		result = ring_id == 0 ? key_serial(found.key) : keyring_link(ring.key, found.key);
		if (result == 0)
			result = key_serial(found.key);
		key_put(found.key);
	}
	key_put(ring.key);
	kfree(callout);
	kfree(description);
	return result;
}

static long do_get_keyring_id(u64 id, u64 create, u64 third __unused, u64 fourth __unused)
{
	struct key_ref ref;
	int error = key_lookup((key_serial_t)id, create ? KEY_CREATE : 0, KEY_SEARCH, &ref);

	if (error != 0)
		return error;
	key_serial_t serial = key_serial(ref.key);
	key_put(ref.key);
	return serial;
}

static long do_join_session(u64 user_name, u64 second __unused, u64 third __unused,
			    u64 fourth __unused)
{
	if (user_name == 0)
		return key_join_session(NULL);
	char *name = get_description(user_name);
	if (IS_ERR(name))
		return PTR_ERR(name);
	long result = name[0] == '.' ? -EPERM : key_join_session(name);

	kfree(name);
	return result;
}

static long do_update(u64 id, u64 user_payload, u64 size, u64 fourth __unused)
{
	struct key_ref ref;

	if (size > UPDATE_MOST)
		return -EINVAL;
	void *payload = get_payload(user_payload, size);
	if (IS_ERR(payload))
		return PTR_ERR(payload);
	int error = key_lookup((key_serial_t)id, 0, KEY_WRITE, &ref);
	if (error == 0) {
		error = key_update(ref.key, payload, size);
		key_put(ref.key);
	}
	kfree(payload);
	return error;
}

static long do_revoke(u64 id, u64 second __unused, u64 third __unused, u64 fourth __unused)
{
	struct key_ref ref;
	int error = key_lookup((key_serial_t)id, 0, KEY_WRITE, &ref);

	if (error == -EACCES)
		error = key_lookup((key_serial_t)id, 0, KEY_SETATTR, &ref);
	if (error != 0)
		return error;
	key_revoke(ref.key);
	key_put(ref.key);
	return 0;
}

static long do_chown(u64 id, u64 uid, u64 gid, u64 fourth __unused)
{
	bool set_uid = (uid_t)uid != (uid_t)-1, set_gid = (gid_t)gid != (gid_t)-1;
	uid_t owner = uid_given((uid_t)uid);
	gid_t group = gid_given((gid_t)gid);
	struct key_ref ref;

	if ((set_uid && owner == NOBODY_ID) || (set_gid && group == NOBODY_ID))
		return -EINVAL;
	if (!set_uid && !set_gid)
		return 0;
	int error = key_lookup((key_serial_t)id, KEY_CREATE | KEY_NOT_VALID, KEY_SETATTR, &ref);
	if (error != 0)
		return error;
	error = key_set_owner(ref.key, owner, group);
	key_put(ref.key);
	return error;
}

static long do_setperm(u64 id, u64 mask, u64 third __unused, u64 fourth __unused)
{
	struct key_ref ref;

	if ((u32)mask & ~(u32)RIGHTS_MASK)
		return -EINVAL;
	int error = key_lookup((key_serial_t)id, KEY_CREATE | KEY_NOT_VALID, KEY_SETATTR, &ref);
	if (error != 0)
		return error;
	error = key_set_rights(ref.key, (u32)mask);
	key_put(ref.key);
	return error;
}

/* How long the text is, with its NUL; copied if there is room for all of it. */
static long put_text(const char *text, vaddr_t buffer, size_t size)
{
	size_t length = strlen(text) + 1;

	if (buffer != 0 && size >= length && copy_to_user((void __user *)buffer, text, length) != 0)
		return -EFAULT;
	return (long)length;
}

static long do_describe(u64 id, u64 buffer, u64 size, u64 fourth __unused)
{
	struct key_ref ref;
	long result = key_lookup((key_serial_t)id, KEY_NOT_VALID, KEY_VIEW, &ref);

	if (result != 0)
		return result;
	char *text = kmalloc(KEY_TEXT_SIZE);
	if (text == NULL) {
		result = -ENOMEM;
	} else {
		key_describe(ref.key, text);
		result = put_text(text, buffer, size);
	}
	kfree(text);
	key_put(ref.key);
	return result;
}

static long do_clear(u64 ring_id, u64 second __unused, u64 third __unused, u64 fourth __unused)
{
	struct key_ref ring;
	int error = key_lookup((key_serial_t)ring_id, KEY_CREATE, KEY_WRITE, &ring);

	if (error != 0)
		return error;
	error = keyring_clear(ring.key);
	key_put(ring.key);
	return error;
}

static long do_link(u64 id, u64 ring_id, u64 third __unused, u64 fourth __unused)
{
	struct key_ref ring, ref;
	int error = key_lookup((key_serial_t)ring_id, KEY_CREATE, KEY_WRITE, &ring);

	if (error != 0)
		return error;
	error = key_lookup((key_serial_t)id, KEY_CREATE, KEY_LINK, &ref);
	if (error == 0) {
		error = keyring_link(ring.key, ref.key);
		key_put(ref.key);
	}
	key_put(ring.key);
	return error;
}

static long do_unlink(u64 id, u64 ring_id, u64 third __unused, u64 fourth __unused)
{
	struct key_ref ring, ref;
	int error = key_lookup((key_serial_t)ring_id, 0, KEY_WRITE, &ring);

	if (error != 0)
		return error;
	/* The key itself is not touched, so no right on it is asked for. */
	error = key_lookup((key_serial_t)id, KEY_NOT_VALID, 0, &ref);
	if (error == 0) {
		error = keyring_unlink(ring.key, ref.key);
		key_put(ref.key);
	}
	key_put(ring.key);
	return error;
}

static long do_search(u64 ring_id, u64 user_type, u64 user_description, u64 target_id)
{
	struct key_ref ring, found, target = {.key = NULL};
	char *description;
	int type;
	long result = get_name(user_type, user_description, &type, &description);

	if (result != 0)
		return result;
	result = key_lookup((key_serial_t)ring_id, 0, KEY_SEARCH, &ring);
	if (result != 0)
		goto free_description;
	if ((key_serial_t)target_id != 0) {
		result = key_lookup((key_serial_t)target_id, KEY_CREATE, KEY_WRITE, &target);
		if (result != 0)
			goto put_ring;
	}
	result = type < 0 ? -ENOKEY : keyring_search(ring, type, description, &found);
	if (result == 0) {
		result = link_found(found, (key_serial_t)target_id, &target);
		key_put(found.key);
	}
	key_put(target.key);
put_ring:
	key_put(ring.key);
free_description:
	kfree(description);
	return result;
}

static long do_read(u64 id, u64 buffer, u64 size, u64 fourth __unused)
{
	struct key_ref ref;
	long result = key_lookup((key_serial_t)id, KEY_NOT_VALID, 0, &ref);

	if (result != 0)
		return result;
	/* It may grow from one look to the next. */
	size_t room = buffer == 0 ? 0 : size;
	result = key_read(ref, NULL, 0);
	while (result > 0 && (size_t)result <= room) {
		size_t length = (size_t)result;
		void *bytes = kmalloc(length);
		if (bytes == NULL) {
			result = -ENOMEM;
			break;
		}
		result = key_read(ref, bytes, length);
		bool whole = result <= (long)length;
		if (whole && result > 0 &&
		    copy_to_user((void __user *)buffer, bytes, (size_t)result) != 0)
			result = -EFAULT;
		memset(bytes, 0, length);
		kfree(bytes);
		if (whole)
			break;
	}
	key_put(ref.key);
	return result;
}

static long do_set_timeout(u64 id, u64 seconds, u64 third __unused, u64 fourth __unused)
{
	struct key_ref ref;
	int error = key_lookup((key_serial_t)id, KEY_CREATE | KEY_NOT_VALID, KEY_SETATTR, &ref);

	if (error != 0)
		return error;
	key_set_timeout(ref.key, (u32)seconds);
	key_put(ref.key);
	return 0;
}

/* No security module has a label for it. */
static long do_get_security(u64 id, u64 buffer, u64 size, u64 fourth __unused)
{
	struct key_ref ref;
	int error = key_lookup((key_serial_t)id, KEY_NOT_VALID, KEY_VIEW, &ref);

	if (error != 0)
		return error;
	key_put(ref.key);
	return put_text("", buffer, size);
}

static long do_invalidate(u64 id, u64 second __unused, u64 third __unused, u64 fourth __unused)
{
	struct key_ref ref;
	int error = key_lookup((key_serial_t)id, 0, KEY_SEARCH, &ref);

	if (error != 0)
		return error;
	key_invalidate(ref.key);
	key_put(ref.key);
	return 0;
}

static long do_capabilities(u64 buffer, u64 size, u64 third __unused, u64 fourth __unused)
{
	enum { HAS_CAPABILITIES = 0x01, HAS_INVALIDATE = 0x20 };
	static const u8 bits[] = {HAS_CAPABILITIES | HAS_INVALIDATE, 0};
	size_t known = MIN((size_t)size, sizeof(bits));

	if (copy_to_user((void __user *)buffer, bits, known) != 0 ||
	    clear_user((void __user *)(buffer + known), size - known) != 0)
		return -EFAULT;
	return sizeof(bits);
}

long sys_keyctl(int operation, u64 first, u64 second, u64 third, u64 fourth)
{
	static long (*const operations[])(u64, u64, u64, u64) = {
		[0] = do_get_keyring_id, [1] = do_join_session,  [2] = do_update,
		[3] = do_revoke,         [4] = do_chown,         [5] = do_setperm,
		[6] = do_describe,       [7] = do_clear,         [8] = do_link,
		[9] = do_unlink,         [10] = do_search,       [11] = do_read,
		[15] = do_set_timeout,   [17] = do_get_security, [21] = do_invalidate,
		[31] = do_capabilities,
	};

	if (operation < 0 || (size_t)operation >= ARRAY_SIZE(operations) ||
	    operations[operation] == NULL)
		return -EOPNOTSUPP;
	return operations[operation](first, second, third, fourth);
}

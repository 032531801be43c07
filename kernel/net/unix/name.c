/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of unix sockets: paths, where the socket is found through the inode that bind made, and
 * abstract ones, which live in the table alone and have a space of their own for each type.
 *
 * The table has the sockets that were bound, by the hash of the inode or of the abstract name, and
 * beside it a list of all sockets, for /proc/net/unix.  table_lock guards both.  A socket leaves
 * them at the beginning of its release, so whoever finds one here may take a reference.
 */
#include "net/unix/unix_internal.h"

#include "lib/hash.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/random.h"

#define BUCKETS        256
#define FAMILY_LENGTH  offsetof(struct linux_sockaddr_un, path)
#define AUTOBIND_NAMES 0x100000 /* five hexadecimal digits */

static spinlock_t table_lock;
static struct list_head buckets[BUCKETS];                     /* table_lock */
static struct list_head all_sockets = LIST_INIT(all_sockets); /* table_lock */
static struct hash_key hash_key;

void unix_names_init(void)
{
	random_bytes(&hash_key, sizeof(hash_key));
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&buckets[i]);
}

/* --- Addresses --- */

int unix_check_address(const struct socket_address *address)
{
	if (address->length <= FAMILY_LENGTH || address->length > sizeof(address->local) ||
	    address->family != AF_UNIX)
		return -EINVAL;
	return 0;
}

static bool is_abstract(const struct socket_address *address)
{
	return address->local.path[0] == '\0';
}

void unix_copy_name(const struct unix_socket *unix_socket, struct socket_address *address)
{
	const struct unix_name *name = unix_name_of(unix_socket);

	if (name == NULL) {
		address->family = AF_UNIX;
		address->length = FAMILY_LENGTH;
		return;
	}
	/* A path that fills the field is one longer than it, with its terminator. */
	memcpy(address->bytes, &name->address, MIN((size_t)name->length, sizeof(name->address)));
	if (name->length > sizeof(name->address))
		address->bytes[sizeof(name->address)] = '\0';
	address->length = name->length;
}

/* --- Names --- */

void unix_name_get(struct unix_name *name)
{
	__atomic_add_fetch(&name->references, 1, __ATOMIC_RELAXED);
}

void unix_name_put(struct unix_name *name)
{
	if (name == NULL || __atomic_sub_fetch(&name->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (name->path.mount != NULL)
		path_put(&name->path);
	kfree(name);
}

static struct unix_name *name_create(const struct socket_address *address)
{
	struct unix_name *name = kzalloc(sizeof(*name));

	if (name == NULL)
		return NULL;
	name->references = 1;
	name->length = address->length;
	memcpy(&name->address, &address->local, address->length);
	return name;
}

static u64 hash_abstract(const struct linux_sockaddr_un *address, u32 length, int type)
{
	return hash_bytes(&hash_key, address->path, length - FAMILY_LENGTH) ^ (u64)type;
}

/* --- The table --- */

void unix_table_add(struct unix_socket *unix_socket)
{
	spin_lock(&table_lock);
	list_add_tail(&unix_socket->all_link, &all_sockets);
	spin_unlock(&table_lock);
}

void unix_table_remove(struct unix_socket *unix_socket)
{
	spin_lock(&table_lock);
	list_remove(&unix_socket->all_link);
	list_remove(&unix_socket->name_link);
	spin_unlock(&table_lock);
}

/* Of the given name, or, with `inode`, bound to that.  table_lock held; no reference. */
static struct unix_socket *find_locked(const struct namespace *space, u64 hash,
				       const struct linux_sockaddr_un *address, u32 length,
				       int type, const struct inode *inode)
{
	struct unix_socket *unix_socket;

	list_for_each_entry (unix_socket, &buckets[hash % BUCKETS], name_link) {
		const struct unix_name *name = unix_socket->name;

		if (name->hash != hash)
			continue;
		if (inode != NULL) {
			if (name->path.mount != NULL && path_inode(&name->path) == inode)
				return unix_socket;
		} else if (name->path.mount == NULL && unix_socket->space == space &&
			   unix_socket->socket.type == type && name->length == length &&
			   memcmp(&name->address, address, length) == 0) {
			return unix_socket;
		}
	}
	return NULL;
}

/* Gives the socket its name, unless an abstract one is taken: 0 or -EADDRINUSE.  change_lock held.
 */
static int enter(struct unix_socket *unix_socket, struct unix_name *name)
{
	int error = 0;

	spin_lock(&table_lock);
	if (name->path.mount == NULL &&
	    find_locked(unix_socket->space, name->hash, &name->address, name->length,
			unix_socket->socket.type, NULL) != NULL) {
		error = -EADDRINUSE;
	} else {
		__atomic_store_n(&unix_socket->name, name, __ATOMIC_RELEASE);
		list_add(&unix_socket->name_link, &buckets[name->hash % BUCKETS]);
	}
	spin_unlock(&table_lock);
	return error;
}

/* --- Binding --- */

static int bind_abstract(struct unix_socket *unix_socket, struct unix_name *name)
{
	name->hash = hash_abstract(&name->address, name->length, unix_socket->socket.type);
	return enter(unix_socket, name);
}

static int bind_path(struct unix_socket *unix_socket, struct unix_name *name)
{
	mode_t mode = S_IFSOCK | (unix_socket->socket.file->inode->mode & S_IRWXUGO);
	int error = vfs_mknod_path(AT_FDCWD, name->address.path, mode, 0, &name->path);

	if (error)
		return error == -EEXIST ? -EADDRINUSE : error;
	name->length = (u32)(FAMILY_LENGTH + strlen(name->address.path) + 1);
	name->hash = hash_pointer(path_inode(&name->path));
	return enter(unix_socket, name);
}

/* What somebody hears who binds a socket that has a name: about the new name, if that is taken. */
static int bind_again(const struct socket_address *address)
{
	struct unix_name *name = is_abstract(address) ? NULL : name_create(address);
	struct path path;

	if (name == NULL || path_lookup(AT_FDCWD, name->address.path, 0, &path) != 0) {
		kfree(name);
		return -EINVAL;
	}
	path_put(&path);
	kfree(name);
	return -EADDRINUSE;
}

int unix_bind(struct socket *socket, const struct socket_address *address)
{
	struct unix_socket *unix_socket = unix_of(socket);
	int error;

	if (address->length == FAMILY_LENGTH && address->family == AF_UNIX)
		return unix_autobind(unix_socket);
	error = unix_check_address(address);
	if (error)
		return error;
	struct unix_name *name = name_create(address);
	if (name == NULL)
		return -ENOMEM;
	mutex_lock(&unix_socket->change_lock);
	if (unix_socket->name != NULL)
		error = bind_again(address);
	else if (is_abstract(address))
		error = bind_abstract(unix_socket, name);
	else
		error = bind_path(unix_socket, name);
	mutex_unlock(&unix_socket->change_lock);
	if (error)
		unix_name_put(name);
	return error;
}

static void make_name(struct socket_address *address, u32 number)
{
	static const char digits[] = "0123456789abcdef";

	*address = (struct socket_address){.length = FAMILY_LENGTH + 6};
	address->family = AF_UNIX;
	for (int i = 0; i < 5; i++)
		address->local.path[1 + i] = digits[number >> (16 - 4 * i) & 15];
}

static int autobind_locked(struct unix_socket *unix_socket)
{
	static u32 last; /* atomic: where to begin to look, a hint */
	struct socket_address address;

	for (u32 tries = 0; tries < AUTOBIND_NAMES; tries++) {
		u32 number = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED) % AUTOBIND_NAMES;

		make_name(&address, number);
		struct unix_name *name = name_create(&address);
		if (name == NULL)
			return -ENOMEM;
		if (bind_abstract(unix_socket, name) == 0)
			return 0;
		unix_name_put(name);
	}
	return -ENOSPC;
}

int unix_autobind(struct unix_socket *unix_socket)
{
	mutex_lock(&unix_socket->change_lock);
	int error = unix_socket->name != NULL ? 0 : autobind_locked(unix_socket);
	mutex_unlock(&unix_socket->change_lock);
	return error;
}

int unix_autobind_if_asked(struct unix_socket *unix_socket)
{
	if (!socket_has_option(&unix_socket->socket, SO_PASSCRED) ||
	    unix_name_of(unix_socket) != NULL)
		return 0;
	return unix_autobind(unix_socket);
}

/* --- Finding --- */

static struct unix_socket *find(u64 hash, const struct socket_address *address, int type,
				const struct inode *inode)
{
	spin_lock(&table_lock);
	struct unix_socket *found = find_locked(namespace_current(NAMESPACE_NET), hash,
						&address->local, address->length, type, inode);
	if (found != NULL)
		unix_get(found);
	spin_unlock(&table_lock);
	return found;
}

static int find_by_path(const struct socket_address *address, int type, struct unix_socket **result)
{
	char text[sizeof(address->local.path) + 1] = {0};
	struct path path;

	memcpy(text, address->local.path, address->length - FAMILY_LENGTH);
	int error = path_lookup(AT_FDCWD, text, LOOKUP_FOLLOW, &path);
	if (error)
		return error;
	struct inode *inode = path_inode(&path);
	error = inode_permission(inode, MAY_WRITE);
	if (error)
		goto out;
	error = -ECONNREFUSED;
	if (!S_ISSOCK(inode->mode))
		goto out;
	struct unix_socket *found = find(hash_pointer(inode), address, type, inode);
	if (found == NULL)
		goto out;
	error = found->socket.type == type ? 0 : -EPROTOTYPE;
	if (error)
		unix_put(found);
	else
		*result = found;
out:
	path_put(&path);
	return error;
}

int unix_find(const struct socket_address *address, int type, struct unix_socket **result)
{
	if (!is_abstract(address))
		return find_by_path(address, type, result);
	*result = find(hash_abstract(&address->local, address->length, type), address, type, NULL);
	return *result != NULL ? 0 : -ECONNREFUSED;
}

/* --- /proc/net/unix --- */

static void show_name(struct text *text, const struct unix_name *name)
{
	char shown[sizeof(name->address.path)];
	size_t length = name->length - FAMILY_LENGTH;

	/* A path's terminator is not shown; the NULs of an abstract name are, as '@'. */
	if (name->path.mount != NULL)
		length--;
	for (size_t i = 0; i < length; i++)
		shown[i] = name->address.path[i] != '\0' ? name->address.path[i] : '@';
	text_append(text, " ", 1);
	text_append(text, shown, length);
}

/* The last column but one of /proc/net/unix: SS_UNCONNECTED … SS_DISCONNECTING. */
static u32 shown_state(const struct unix_socket *unix_socket)
{
	bool connected = READ_ONCE(unix_socket->state) == UNIX_CONNECTED;

	if (READ_ONCE(unix_socket->socket.file) == NULL)
		return connected ? 2 : 4;
	return connected ? 3 : 1;
}

void unix_table_show(const struct namespace *space, struct text *text)
{
	struct unix_socket *at;

	spin_lock(&table_lock);
	list_for_each_entry (at, &all_sockets, all_link) {
		const struct file *file = READ_ONCE(at->socket.file);
		bool listens = READ_ONCE(at->state) == UNIX_LISTENING;
		const struct unix_name *name = unix_name_of(at);

		if (at->space != space)
			continue;
		text_printf(text, "%016x: %08X %08X %08X %04X %02X %5lu", 0,
			    READ_ONCE(at->references), 0, listens ? 0x10000 : 0, at->socket.type,
			    shown_state(at), (unsigned long)(file != NULL ? file->inode->ino : 0));
		if (name != NULL)
			show_name(text, name);
		text_append(text, "\n", 1);
	}
	spin_unlock(&table_lock);
}

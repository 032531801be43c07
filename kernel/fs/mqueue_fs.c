/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mqueue: the file system of POSIX message queues, one flat directory, usually on /dev/mqueue.
 *
 * There is one instance a namespace, however often it is mounted, and it is mounted once where no
 * path leads: mq_open(2) finds queues there.  A name is an entry in `entries`, which has a reference
 * on the inode; the root's lock guards the list.  The queue goes with its inode.
 */
#include "fs/fs_internal.h"
#include "fs/notify.h"
#include "ipc/ipc_namespace.h"
#include "ipc/mqueue.h"
#include "lib/string.h"
#include "proc/credentials.h"

#define MQUEUE_MAGIC 0x19800202

struct entry {
	struct list_head link; /* the root's lock, as all of it */
	struct inode *inode;   /* a reference */
	off_t position;        /* of directory reading: never used again */
	char name[];
};

/* The superblock's `private`. */
struct queue_directory {
	struct list_head entries; /* the root's lock, as all of it */
	u32 entry_count;
	off_t next_position;
};

static struct queue_directory *directory_of(const struct superblock *superblock)
{
	return superblock->private;
}

/* The root of current's namespace. */
static struct dentry *root_dentry(void)
{
	return ipc_namespace_current()->queues->root;
}

static struct entry *find_entry(const struct dentry *dentry)
{
	struct entry *entry;

	list_for_each_entry (entry, &directory_of(dentry->superblock)->entries, link)
		if (strcmp(entry->name, dentry->text) == 0)
			return entry;
	return NULL;
}

/* --- The file of a queue --- */

static ssize_t queue_read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	char text[128];
	off_t length = mqueue_describe(file->inode->private, text, sizeof(text));

	if (*position >= length)
		return 0;
	ssize_t copied = io_copy_to(cursor, text + *position,
				    MIN(cursor->remaining, (size_t)(length - *position)));
	if (copied > 0)
		*position += copied;
	return copied;
}

static u32 queue_poll(struct file *file, struct poll_table *table)
{
	return mqueue_poll(file->inode->private, file, table);
}

static int queue_flush(struct file *file)
{
	mqueue_closed(file->inode->private);
	return 0;
}

static const struct file_operations queue_operations = {
	.read = queue_read, .poll = queue_poll, .flush = queue_flush};

struct mqueue *mqueue_of(const struct file *file)
{
	return file->ops == &queue_operations ? file->inode->private : NULL;
}

/* --- The directory --- */

static const struct inode_operations queue_inode_operations = {0};

static int lookup(struct inode *directory __unused, struct dentry *dentry)
{
	struct entry *entry = find_entry(dentry);

	if (entry != NULL)
		dentry_instantiate(dentry, inode_get(entry->inode));
	return 0;
}

static int create_with(struct dentry *dentry, mode_t mode, const struct linux_mq_attr *attributes)
{
	struct queue_directory *directory = directory_of(dentry->superblock);
	struct entry *entry;
	struct mqueue *queue;
	struct inode *inode;

	if (directory->entry_count >= READ_ONCE(mqueue_limits.queues) && !capable(CAP_SYS_RESOURCE))
		return -ENOSPC;
	queue = mqueue_create(attributes);
	if (IS_ERR(queue))
		return (int)PTR_ERR(queue);
	entry = kzalloc(sizeof(*entry) + dentry->length + 1);
	inode = inode_alloc(dentry->superblock, mode);
	if (entry == NULL || inode == NULL) {
		mqueue_destroy(queue);
		kfree(entry);
		if (inode != NULL)
			inode_free(inode);
		return -ENOMEM;
	}
	inode->ops = &queue_inode_operations;
	inode->file_ops = &queue_operations;
	inode->private = queue;
	inode->size = 80; /* what Linux says of each */
	memcpy(entry->name, dentry->text, dentry->length);
	entry->inode = inode;
	entry->position = directory->next_position++;
	list_add_tail(&entry->link, &directory->entries);
	directory->entry_count++;
	dentry_instantiate(dentry, inode_get(inode));
	return 0;
}

static int create(struct inode *directory __unused, struct dentry *dentry, mode_t mode,
		  dev_t device __unused)
{
	return S_ISREG(mode) ? create_with(dentry, mode, NULL) : -EPERM;
}

static int unlink(struct inode *directory, struct dentry *dentry)
{
	struct entry *entry = find_entry(dentry);

	if (entry == NULL)
		return -ENOENT;
	list_remove(&entry->link);
	directory_of(dentry->superblock)->entry_count--;
	inode_change_nlink(entry->inode, -1);
	inode_touch(directory, ATTR_MTIME | ATTR_CTIME);
	inode_put(entry->inode);
	kfree(entry);
	return 0;
}

static const struct inode_operations directory_operations = {
	.lookup = lookup, .create = create, .unlink = unlink};

static int readdir(struct file *file, struct dir_context *context)
{
	struct entry *entry;

	if (context->position < 2 && !dir_emit_dots(file, context))
		return 0;
	list_for_each_entry (entry, &directory_of(file->inode->superblock)->entries, link) {
		if (entry->position < context->position)
			continue;
		context->position = entry->position;
		if (!dir_emit(context, entry->name, strlen(entry->name), entry->inode->ino,
			      S_IFREG >> 12))
			return 0;
		context->position++;
	}
	return 0;
}

static const struct file_operations directory_file_operations = {.readdir = readdir};

/* --- By name --- */

/* The name's dentry, perhaps negative; the directory is locked for writing. */
static struct dentry *find_locked(const char *text)
{
	struct name name = name_of(text, strlen(text));

	if (name.length == 0)
		return ERR_PTR(-ENOENT);
	if (strchr(text, '/') != NULL || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return ERR_PTR(-EACCES);
	if (name.length > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	return dentry_lookup_locked(root_dentry(), &name);
}

static int create_missing(struct dentry *dentry, mode_t mode,
			  const struct linux_mq_attr *attributes)
{
	struct inode *root = dentry_inode(root_dentry());
	int error = may_create(root);

	if (error == 0)
		error = create_with(dentry, S_IFREG | (mode & S_IALLUGO & ~current_umask()),
				    attributes);
	if (error == 0)
		notify_create(root, dentry);
	return error;
}

struct file *mqueue_open(const char *name, u32 flags, mode_t mode,
			 const struct linux_mq_attr *attributes)
{
	struct path path = {.mount = ipc_namespace_current()->queues};
	struct inode *root = dentry_inode(root_dentry());
	bool created = false;
	int error = 0;

	rwlock_write_lock(&root->lock);
	path.dentry = find_locked(name);
	if (IS_ERR(path.dentry)) {
		error = (int)PTR_ERR(path.dentry);
	} else if (dentry_inode(path.dentry) == NULL) {
		error = flags & O_CREAT ? create_missing(path.dentry, mode, attributes) : -ENOENT;
		created = error == 0;
	} else if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
		error = -EEXIST;
	} else if ((flags & O_ACCMODE) == O_ACCMODE) {
		error = -EINVAL;
	}
	rwlock_write_unlock(&root->lock);
	if (IS_ERR(path.dentry))
		return ERR_PTR(error);
	struct file *file = ERR_PTR(error);
	if (error == 0)
		file = file_open_made(&path, flags & (O_ACCMODE | O_NONBLOCK), created);
	dentry_put(path.dentry);
	return file;
}

int mqueue_unlink(const char *name)
{
	struct inode *root = dentry_inode(root_dentry());

	rwlock_write_lock(&root->lock);
	struct dentry *dentry = find_locked(name);
	int error = IS_ERR(dentry) ? (int)PTR_ERR(dentry) : may_delete(root, dentry, false);
	if (error == 0)
		error = unlink(root, dentry);
	if (error == 0) {
		dentry_drop(dentry);
		notify_unlinked(root, dentry);
	}
	rwlock_write_unlock(&root->lock);
	if (!IS_ERR(dentry))
		dentry_put(dentry);
	return error;
}

/* --- The file system --- */

static void destroy_inode(struct inode *inode)
{
	if (inode->private != NULL)
		mqueue_destroy(inode->private);
	inode_free(inode);
}

/* Names and all: nobody has it mounted any more. */
static void destroy(struct superblock *superblock)
{
	struct queue_directory *directory = superblock->private;

	while (directory != NULL && !list_empty(&directory->entries)) {
		struct entry *entry = list_first_entry(&directory->entries, struct entry, link);

		list_remove(&entry->link);
		inode_put(entry->inode);
		kfree(entry);
	}
	kfree(directory);
}

static const struct superblock_operations super_operations = {.destroy_inode = destroy_inode,
							      .destroy = destroy};

static int mqueue_mount_again(const struct filesystem *type __unused, u64 flags __unused,
			      const char *source __unused, const char *options __unused,
			      struct superblock **result)
{
	*result = ipc_namespace_current()->queues->superblock;
	__atomic_fetch_add(&(*result)->refs, 1, __ATOMIC_RELAXED);
	return 0;
}

static struct filesystem mqueue_type = {
	.name = "mqueue", .mount = mqueue_mount_again, .in_user_namespaces = true};

static int make_root(struct superblock *superblock)
{
	struct queue_directory *directory = kzalloc(sizeof(*directory));
	struct inode *root;

	if (directory == NULL)
		return -ENOMEM;
	list_init(&directory->entries);
	directory->next_position = 2;
	superblock->private = directory;
	superblock->magic = MQUEUE_MAGIC;
	root = inode_alloc(superblock, S_IFDIR | S_ISVTX | S_IRWXUGO);
	if (root == NULL)
		return -ENOMEM;
	root->nlink = 2;
	root->ops = &directory_operations;
	root->file_ops = &directory_file_operations;
	superblock->root = dentry_alloc_root(superblock, root);
	return superblock->root != NULL ? 0 : -ENOMEM;
}

struct mount *mqueue_fs_create(void)
{
	struct superblock *superblock = superblock_alloc(&mqueue_type, &super_operations);
	struct mount *mount = NULL;

	if (superblock == NULL)
		return NULL;
	if (make_root(superblock) == 0)
		mount = mount_create(superblock, NULL, 0);
	if (mount == NULL)
		superblock_put(superblock);
	return mount;
}

void mqueue_fs_init(void)
{
	filesystem_register(&mqueue_type);
}

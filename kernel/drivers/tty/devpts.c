/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devpts: the file system that is mounted on /dev/pts and shows a node for every pseudoterminal.
 *
 * There is one instance, however often it is mounted.  It keeps nothing of its own: a name is a
 * pty's number, and the pty keeps the node's inode, so that owner and mode outlive the name cache.
 * `node_lock` guards pty->inode and `nodes`, the ptys by number.
 */
#include "drivers/tty/pty.h"
#include "drivers/tty/tty_internal.h"
#include "fs/device.h"
#include "fs/mount.h"
#include "fs/vfs.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/radix.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

#define DEVPTS_MAGIC  0x1cd1
#define PTMX_DEVICE   device_make(5, 2)
#define SLAVE_MODE    0620
#define PTMX_MODE     0666
#define TTY_GROUP     5 /* Debian's group tty */
#define NAME_LENGTH   12
#define ROOT_INO      1
#define PTMX_INO      2
#define FIRST_PTY_INO 3

static spinlock_t node_lock;
static struct superblock *devpts; /* set once, in devpts_init */
static struct inode *ptmx_inode;  /* likewise */

static void *allocate_node(size_t size)
{
	return kmalloc(size);
}

static void free_node(void *node, size_t size __unused)
{
	kfree(node);
}

static const struct radix_ops node_memory = {allocate_node, free_node};
static struct radix_tree nodes = RADIX_TREE_INIT(&node_memory); /* node_lock */

/* --- Names --- */

/* "12" is pty 12; "012", "+1" and the like are nothing. */
static int parse_number(const struct dentry *dentry)
{
	u32 number = 0;

	if (dentry->length == 0 || dentry->length > 4 ||
	    (dentry->text[0] == '0' && dentry->length > 1))
		return -ENOENT;
	for (u32 i = 0; i < dentry->length; i++) {
		if (dentry->text[i] < '0' || dentry->text[i] > '9')
			return -ENOENT;
		number = number * 10 + (u32)(dentry->text[i] - '0');
	}
	return number < PTY_MAX ? (int)number : -ENOENT;
}

/* The inode behind a name with a reference, or NULL. */
static struct inode *find_inode(const struct dentry *dentry)
{
	struct inode *inode = NULL;

	if (strcmp(dentry->text, "ptmx") == 0)
		return inode_get(ptmx_inode);
	int number = parse_number(dentry);
	if (number < 0)
		return NULL;
	spin_lock(&node_lock);
	const struct pty *pty = radix_lookup(&nodes, (u64)number);
	if (pty != NULL)
		inode = inode_get(pty->inode);
	spin_unlock(&node_lock);
	return inode;
}

static int devpts_lookup(struct inode *directory __unused, struct dentry *dentry)
{
	struct inode *inode = find_inode(dentry);

	if (inode != NULL)
		dentry_instantiate(dentry, inode);
	return 0;
}

/* A cached name is right while it leads to the same inode, or still to none. */
static bool devpts_revalidate(struct dentry *dentry)
{
	if (dentry == devpts->root)
		return true;
	struct inode *inode = find_inode(dentry);
	bool same = inode == dentry_inode(dentry);

	if (inode != NULL)
		inode_put(inode);
	return same;
}

/* The number of the first pty from `number` on; PTY_MAX: there is none. */
static u32 next_number(u32 number)
{
	u64 index = number;

	spin_lock(&node_lock);
	bool found = radix_next(&nodes, &index) != NULL;
	spin_unlock(&node_lock);
	return found ? (u32)index : PTY_MAX;
}

static int devpts_readdir(struct file *file, struct dir_context *context)
{
	char name[NAME_LENGTH];

	if (context->position < 2 && !dir_emit_dots(file, context))
		return 0;
	if (context->position == 2) {
		if (!dir_emit(context, "ptmx", 4, PTMX_INO, S_IFCHR >> 12))
			return 0;
		context->position++;
	}
	for (; context->position - 3 < PTY_MAX; context->position++) {
		u32 number = next_number((u32)(context->position - 3));

		context->position = number + 3;
		if (number == PTY_MAX)
			break;
		int length = snprintf(name, sizeof(name), "%u", number);
		if (!dir_emit(context, name, (size_t)length, FIRST_PTY_INO + number, S_IFCHR >> 12))
			return 0;
	}
	return 0;
}

static const struct inode_operations directory_operations = {.lookup = devpts_lookup};
static const struct file_operations directory_file_operations = {.readdir = devpts_readdir};
static const struct inode_operations node_operations = {0};
static const struct dentry_operations devpts_dentry_operations = {.revalidate = devpts_revalidate};

/* --- Nodes --- */

static struct inode *make_node(mode_t mode, dev_t device, ino_t ino)
{
	struct inode *inode = inode_alloc(devpts, S_IFCHR | mode);

	if (inode == NULL)
		return NULL;
	inode->ino = ino;
	inode->rdev = device;
	inode->ops = &node_operations;
	inode_set_special(inode);
	return inode;
}

int devpts_add(struct pty *pty)
{
	struct inode *inode = make_node(SLAVE_MODE, pty->slave.device, FIRST_PTY_INO + pty->number);

	if (inode == NULL)
		return -ENOMEM;
	inode->gid = TTY_GROUP;
	spin_lock(&node_lock);
	int error = radix_insert(&nodes, pty->number, pty);
	if (!error)
		pty->inode = inode;
	spin_unlock(&node_lock);
	if (error)
		inode_put(inode);
	return error;
}

void devpts_remove(struct pty *pty)
{
	spin_lock(&node_lock);
	struct inode *inode = pty->inode;
	pty->inode = NULL;
	if (inode != NULL)
		radix_erase(&nodes, pty->number);
	spin_unlock(&node_lock);
	if (inode != NULL)
		inode_put(inode);
}

struct file *devpts_open(struct pty *pty, u32 flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/pts/%u", pty->number);
	return file_open(AT_FDCWD, path, flags & (O_ACCMODE | O_NOCTTY | O_NONBLOCK), 0);
}

/* --- The file system --- */

static int show_options(struct superblock *superblock __unused, char *buffer, size_t size)
{
	return snprintf(buffer, size, ",gid=%u,mode=%o,ptmxmode=%o", TTY_GROUP, SLAVE_MODE,
			PTMX_MODE);
}

static const struct superblock_operations devpts_operations = {.show_options = show_options};

static int devpts_mount(const struct filesystem *type __unused, u64 flags __unused,
			const char *source __unused, const char *options __unused,
			struct superblock **result)
{
	if (devpts == NULL)
		return -ENODEV;
	__atomic_fetch_add(&devpts->refs, 1, __ATOMIC_RELAXED);
	*result = devpts;
	return 0;
}

static struct filesystem devpts_type = {
	.name = "devpts", .mount = devpts_mount, .in_user_namespaces = true};

static int make_superblock(void)
{
	devpts = superblock_alloc(&devpts_type, &devpts_operations);
	if (devpts == NULL)
		return -ENOMEM;
	devpts->magic = DEVPTS_MAGIC;
	devpts->dentry_ops = &devpts_dentry_operations;
	struct inode *root = inode_alloc(devpts, S_IFDIR | 0755);
	ptmx_inode = make_node(PTMX_MODE, PTMX_DEVICE, PTMX_INO);
	if (root == NULL || ptmx_inode == NULL)
		return -ENOMEM;
	root->ino = ROOT_INO;
	root->nlink = 2;
	root->ops = &directory_operations;
	root->file_ops = &directory_file_operations;
	devpts->root = dentry_alloc_root(devpts, root);
	return devpts->root != NULL ? 0 : -ENOMEM;
}

void devpts_init(void)
{
	int error = make_superblock();

	if (!error) {
		filesystem_register(&devpts_type);
		error = vfs_mkdir(AT_FDCWD, "/dev/pts", 0755);
		if (error && error != -EEXIST)
			log_warn("devpts: /dev/pts cannot be made: error %d", -error);
		error = mount_filesystem("devpts", "/dev/pts", "devpts", 0, NULL);
	}
	if (error)
		log_warn("devpts: cannot be mounted: error %d", -error);
}

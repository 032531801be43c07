/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: inodes, names and directories over the tables.
 *
 * An inode's `private` is its struct proc_node, freed with it.  Inode numbers are made from what
 * the node stands for, so they are the same at every look.  A cached name is right while its
 * process lives (and its descriptor is open); a name that was not there is always looked up anew.
 */
#include "fs/procfs/procfs.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"

#define PROC_MAGIC 0x9fa0
#define ROOT_INO   1

/* One instance a namespace of process numbers; the first one's stays. */
static mutex_t instances_lock = MUTEX_INIT(instances_lock);
static struct superblock *first_instance;                 /* set once */
static struct list_head instances = LIST_INIT(instances); /* instances_lock */

struct proc_instance {
	struct list_head link; /* instances_lock */
	struct superblock *superblock;
	struct pid_namespace *space; /* counted */
};

static const struct inode_operations directory_operations, link_operations, file_operations;
static const struct file_operations directory_file_operations;

/* --- Inodes --- */

static ino_t node_number(const struct proc_node *node)
{
	u64 key = (uintptr_t)node->entry ^ (u64)(node->fd + 1) << 32 ^ (node->thread ? BIT(62) : 0);

	key += node->number * 0xc2b2ae3d27d4eb4full;
	if (node->pid != NULL)
		key += (u64)node->pid->number * 0x9e3779b97f4a7c15ull;
	return hash_u64(key) >> 16 | BIT(47);
}

/* Files of a process belong to whom it runs as; those of one that may not be inspected to root. */
static void set_owner(struct inode *inode, const struct proc_node *node)
{
	struct task *task = proc_node_task(node);

	if (task == NULL) {
		inode->uid = 0;
		inode->gid = 0;
		return;
	}
	struct credentials *credentials = credentials_of_task(task);
	bool root = (inode->mode != (S_IFDIR | 0555)) && !READ_ONCE(task->process->dumpable);
	WRITE_ONCE(inode->uid, root ? 0 : credentials->euid);
	WRITE_ONCE(inode->gid, root ? 0 : credentials->egid);
	credentials_put(credentials);
	task_put(task);
}

/* A link of /proc/PID/fd says by its mode what the file is open for; a number may change its file. */
static void set_link_mode(struct inode *inode, const struct file *file)
{
	u32 access = file->flags & O_ACCMODE;
	mode_t mode = S_IFLNK;

	if (!(file->flags & O_PATH)) {
		mode |= access != O_WRONLY ? 0500 : 0;
		mode |= access != O_RDONLY ? 0300 : 0;
	}
	WRITE_ONCE(inode->mode, mode);
}

static struct inode *make_inode(struct superblock *superblock, const struct proc_node *from)
{
	struct proc_node *node = kmemdup(from, sizeof(*from));

	if (node == NULL)
		return NULL;
	struct inode *inode = inode_alloc(superblock, from->entry->mode);
	if (inode == NULL) {
		kfree(node);
		return NULL;
	}
	if (node->pid != NULL)
		pid_get(node->pid);
	inode->private = node;
	inode->ino = node_number(node);
	set_owner(inode, node);
	if ((inode->mode & S_IFMT) == S_IFDIR) {
		inode->nlink = 2;
		inode->ops = &directory_operations;
		inode->file_ops = &directory_file_operations;
	} else if ((inode->mode & S_IFMT) == S_IFLNK) {
		inode->ops = &link_operations;
	} else {
		inode->ops = &file_operations;
		inode->file_ops = from->entry->operations != NULL ? from->entry->operations
								  : &proc_text_operations;
	}
	return inode;
}

static void destroy_inode(struct inode *inode)
{
	struct proc_node *node = inode->private;

	if (node != NULL && node->pid != NULL)
		pid_put(node->pid);
	kfree(node);
	inode_free(inode);
}

/* --- Names --- */

/* Is what the inode is about still there?  If so, its mode is what it should be. */
static bool refresh(struct inode *inode)
{
	const struct proc_node *node = proc_node_of(inode);

	if (node->pid != NULL && READ_ONCE(node->pid->task) == NULL)
		return false;
	if (node->entry->is_there != NULL && !node->entry->is_there(node))
		return false;
	if (node->fd < 0)
		return true;
	struct task *task = proc_node_task(node);
	if (task == NULL)
		return false;
	struct file *file = task_get_file(task, node->fd);
	task_put(task);
	if (file == NULL)
		return false;
	if ((inode->mode & S_IFMT) == S_IFLNK)
		set_link_mode(inode, file);
	file_put(file);
	return true;
}

static bool revalidate(struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);

	if (inode == NULL || !refresh(inode))
		return false;
	/* It may run as somebody else by now. */
	if (proc_node_of(inode)->pid != NULL)
		set_owner(inode, proc_node_of(inode));
	return true;
}

static const struct proc_entry *find_in_table(const struct proc_entry *table, const char *name)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* The next addition behind `last`, or the first. */
static struct proc_addition *next_addition(const struct proc_entry *directory,
					   struct proc_addition *last)
{
	if (last != NULL)
		return __atomic_load_n(&last->next, __ATOMIC_ACQUIRE);
	if (directory->additions == NULL)
		return NULL;
	return __atomic_load_n(directory->additions, __ATOMIC_ACQUIRE);
}

static const struct proc_entry *find_addition(const struct proc_entry *directory, const char *name)
{
	struct proc_addition *addition = NULL;

	while ((addition = next_addition(directory, addition)) != NULL)
		if (strcmp(addition->entry->name, name) == 0)
			return addition->entry;
	return NULL;
}

static int directory_lookup(struct inode *directory, struct dentry *dentry)
{
	const struct proc_node *node = proc_node_of(directory);
	struct proc_node child = {.pid = node->pid,
				  .fd = -1,
				  .thread = node->thread,
				  .number = node->number,
				  .space = node->space};

	child.entry = find_in_table(node->entry->children, dentry->text);
	if (child.entry == NULL)
		child.entry = find_addition(node->entry, dentry->text);
	if (child.entry == NULL && (node->entry->find == NULL ||
				    !node->entry->find(node, dentry->text, dentry->length, &child)))
		return 0;
	struct inode *inode = make_inode(directory->superblock, &child);
	/* `find` took a reference on a pid of its own; the inode has another. */
	if (child.pid != node->pid)
		pid_put(child.pid);
	if (inode == NULL)
		return -ENOMEM;
	(void)refresh(inode);
	dentry_instantiate(dentry, inode);
	return 0;
}

/* One entry of a table, if the context has come to number `index`.  False: no more room. */
static bool emit_entry(struct dir_context *context, u64 index, const struct proc_node *node,
		       const struct proc_entry *entry)
{
	struct proc_node entry_node = {.entry = entry,
				       .pid = node->pid,
				       .fd = -1,
				       .thread = node->thread,
				       .number = node->number,
				       .space = node->space};

	if ((u64)context->position != index + 2)
		return true;
	if (!dir_emit(context, entry->name, strlen(entry->name), node_number(&entry_node),
		      entry->mode >> 12))
		return false;
	context->position++;
	return true;
}

/* Positions: 0 and 1 the dots, then the table's entries, the additions, and what `next` counts. */
static int directory_read(struct file *file, struct dir_context *context)
{
	const struct proc_node *node = proc_node_of(file->inode);
	const struct proc_entry *table = node->entry->children;
	struct proc_addition *addition = NULL;
	struct proc_child child;
	u64 count = 0;

	if (context->position < 2 && !dir_emit_dots(file, context))
		return 0;
	for (; table != NULL && table->name != NULL; table++, count++)
		if (!emit_entry(context, count, node, table))
			return 0;
	for (; (addition = next_addition(node->entry, addition)) != NULL; count++)
		if (!emit_entry(context, count, node, addition->entry))
			return 0;
	if (node->entry->next == NULL)
		return 0;
	for (;;) {
		u64 position = (u64)context->position - 2 - count;

		if (!node->entry->next(node, &position, &child))
			return 0;
		bool taken = dir_emit(context, child.name, strlen(child.name),
				      node_number(&child.node), child.node.entry->mode >> 12);
		if (child.node.pid != node->pid)
			pid_put(child.node.pid);
		if (!taken)
			return 0;
		context->position = (off_t)(position + 2 + count);
	}
}

#define LINK_TEXT_SIZE 64

static int link_get(struct dentry *dentry __unused, struct inode *inode, struct link_target *target)
{
	const struct proc_node *node = proc_node_of(inode);

	if (node->entry->get_link != NULL)
		return node->entry->get_link(node, target);
	target->allocated = kzalloc(LINK_TEXT_SIZE);
	if (target->allocated == NULL)
		return -ENOMEM;
	target->text = target->allocated;
	node->entry->readlink(node, target->allocated, LINK_TEXT_SIZE);
	return 0;
}

/* A link to an object shows the object's path. */
static ssize_t link_read(struct dentry *dentry __unused, char *buffer, size_t size,
			 const struct path *jump)
{
	char *scratch = kmalloc(PATH_MAX);

	if (scratch == NULL)
		return -ENOMEM;
	char *name = path_name(jump, scratch, PATH_MAX);
	ssize_t length = IS_ERR(name) ? PTR_ERR(name) : (ssize_t)MIN(strlen(name), size);
	if (length > 0)
		memcpy(buffer, name, (size_t)length);
	kfree(scratch);
	return length;
}

static ssize_t link_readlink(struct dentry *dentry, char *buffer, size_t size)
{
	struct link_target target = {0};
	int error = link_get(dentry, dentry_inode(dentry), &target);
	ssize_t length;

	if (error)
		return error;
	if (target.jump.dentry != NULL) {
		length = link_read(dentry, buffer, size, &target.jump);
		path_put(&target.jump);
		return length;
	}
	length = (ssize_t)MIN(strlen(target.text), size);
	memcpy(buffer, target.text, (size_t)length);
	kfree(target.allocated);
	return length;
}

/* A text has no size: what a shell's > wants to cut off is not there. */
static int file_set_attributes(struct inode *inode, const struct attr_change *change)
{
	inode_apply_change(inode, change);
	return 0;
}

static const struct inode_operations directory_operations = {.lookup = directory_lookup};
static const struct inode_operations link_operations = {.get_link = link_get,
							.readlink = link_readlink};
static const struct inode_operations file_operations = {.set_attributes = file_set_attributes};
static const struct file_operations directory_file_operations = {.readdir = directory_read};
static const struct dentry_operations proc_dentry_operations = {.revalidate = revalidate};

/* --- The file system --- */

static bool find_process(const struct proc_node *node, const char *name, size_t length,
			 struct proc_node *child);
static bool next_process(const struct proc_node *node, u64 *position, struct proc_child *child);

static const struct proc_entry root_entry = {
	.name = "proc",
	.mode = S_IFDIR | 0555,
	.children = proc_root_entries,
	.find = find_process,
	.next = next_process,
};

static const struct proc_entry process_entry = {
	.name = "PID",
	.mode = S_IFDIR | 0555,
	.children = proc_process_entries,
};

static struct filesystem proc_type;

struct process *proc_directory_process(const struct file *file)
{
	if (file->inode->superblock->type != &proc_type || !S_ISDIR(file->inode->mode))
		return NULL;
	const struct proc_node *node = proc_node_of(file->inode);
	return node->entry == &process_entry ? proc_node_process(node) : NULL;
}

static bool find_process(const struct proc_node *node, const char *name, size_t length,
			 struct proc_node *child)
{
	int number = proc_parse_number(name, length);

	if (number <= 0)
		return false;
	unsigned long flags = process_tree_lock();
	struct pid *pid = pid_find_in_locked(node->space, number);
	bool found = pid != NULL && pid->task != NULL;
	if (found) {
		child->entry = &process_entry;
		child->pid = pid_get(pid);
	}
	process_tree_unlock(flags);
	return found;
}

static bool next_process(const struct proc_node *node, u64 *position, struct proc_child *child)
{
	struct process *process =
		*position <= INT_MAX ? process_next_in(node->space, (pid_t)MAX(*position, (u64)1))
				     : NULL;

	if (process == NULL)
		return false;
	pid_t number = pid_number_in(process->numbers, node->space);

	snprintf(child->name, sizeof(child->name), "%d", number);
	*position = (u64)number + 1;
	unsigned long flags = process_tree_lock();
	struct pid *pid = pid_find_in_locked(node->space, number);
	child->node = (struct proc_node){.entry = &process_entry,
					 .pid = pid != NULL ? pid_get(pid) : NULL,
					 .fd = -1,
					 .space = node->space};
	process_tree_unlock(flags);
	process_put(process);
	return true;
}

static void destroy(struct superblock *superblock)
{
	struct proc_instance *instance = superblock->private;

	if (instance == NULL)
		return;
	mutex_lock(&instances_lock);
	list_remove(&instance->link);
	mutex_unlock(&instances_lock);
	namespace_put(&instance->space->base);
	kfree(instance);
}

static const struct superblock_operations proc_operations = {.destroy_inode = destroy_inode,
							     .destroy = destroy};

static int proc_mount(const struct filesystem *type, u64 flags, const char *source,
		      const char *options, struct superblock **result);
static struct filesystem proc_type = {
	.name = "proc", .mount = proc_mount, .in_user_namespaces = true};

/* The instance of a namespace; instances_lock held. */
static struct superblock *make_instance(struct pid_namespace *space)
{
	struct proc_instance *instance = kzalloc(sizeof(*instance));
	struct superblock *superblock = NULL;

	if (instance != NULL)
		superblock = proc_superblock(&proc_type, PROC_MAGIC, &root_entry, space);
	if (superblock == NULL) {
		kfree(instance);
		return NULL;
	}
	*instance = (struct proc_instance){.superblock = superblock, .space = space};
	namespace_get(&space->base);
	list_add_tail(&instance->link, &instances);
	superblock->private = instance;
	return superblock;
}

static int proc_mount(const struct filesystem *type __unused, u64 flags __unused,
		      const char *source __unused, const char *options __unused,
		      struct superblock **result)
{
	struct pid_namespace *space = pid_namespace_current();
	struct superblock *superblock = NULL;

	mutex_lock(&instances_lock);
	struct proc_instance *instance;
	list_for_each_entry (instance, &instances, link)
		if (instance->space == space)
			superblock = superblock_get_live(instance->superblock);
	if (superblock == NULL)
		superblock = make_instance(space);
	mutex_unlock(&instances_lock);
	*result = superblock;
	return superblock != NULL ? 0 : -ENOMEM;
}

struct superblock *proc_superblock(const struct filesystem *type, u32 magic,
				   const struct proc_entry *root, struct pid_namespace *space)
{
	const struct proc_node node = {.entry = root, .fd = -1, .space = space};
	struct superblock *superblock = superblock_alloc(type, &proc_operations);
	struct inode *inode = NULL;

	if (superblock != NULL) {
		superblock->magic = magic;
		superblock->dentry_ops = &proc_dentry_operations;
		inode = make_inode(superblock, &node);
	}
	if (inode == NULL) {
		log_error("%s: no memory", type->name);
		return NULL;
	}
	inode->ino = ROOT_INO;
	superblock->root = dentry_alloc_root(superblock, inode);
	return superblock->root != NULL ? superblock : NULL;
}

void procfs_init(void)
{
	/* Nobody else runs yet. */
	first_instance = make_instance(pid_namespace_first());
	if (first_instance != NULL)
		filesystem_register(&proc_type);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File-system contexts: what fsopen(2) and fspick(2) return, fsconfig(2) fills in, and fsmount(2)
 * makes a mount of.
 *
 * Parameters are collected as the flags and the text that mount(2) would get; what a file system
 * thinks of them shows when it is created.  A context goes from collecting over a superblock that
 * waits for its mount to one whose file system may be changed; a failure is the end of it.
 * context->lock (mutex) guards all of it.
 */
#include "fs/fs_internal.h"

#include "lib/format.h"
#include "lib/string.h"
#include "proc/credentials.h"

enum { OPTIONS_SIZE = PATH_MAX };

enum phase {
	PHASE_COLLECTS,    /* parameters of a new file system */
	PHASE_WAITS,       /* for its mount */
	PHASE_RECONFIGURE, /* parameters for one that is there */
	PHASE_FAILED,
};

struct mount_context {
	mutex_t lock;
	enum phase phase;
	const struct filesystem *type; /* constant */
	u64 flags, mask;               /* MS_* that are set, and those that were named */
	char *source;                  /* or NULL */
	char *options;                 /* of OPTIONS_SIZE; or NULL */
	struct superblock *superblock; /* a reference, once there is one */
};

static struct mount_context *context_of(struct file *file)
{
	return file->private;
}

static void forget_parameters(struct mount_context *context)
{
	kfree(context->options);
	context->options = NULL;
	context->flags = context->mask = 0;
}

static void context_release(struct file *file)
{
	struct mount_context *context = context_of(file);

	forget_parameters(context);
	kfree(context->source);
	if (context->superblock)
		superblock_put(context->superblock);
	kfree(context);
}

/* Messages of the file system would be here; ours go to the log. */
static ssize_t context_read(struct file *file __unused, struct io_cursor *cursor __unused,
			    off_t *position __unused)
{
	return -ENODATA;
}

static const struct file_operations context_operations = {
	.release = context_release, .read = context_read, .stream = true};

bool mount_context_is(const struct file *file)
{
	return file->ops == &context_operations;
}

static struct file *open_context(const struct filesystem *type, struct superblock *superblock)
{
	struct mount_context *context = kzalloc(sizeof(*context));
	struct file *file;

	if (!context)
		return ERR_PTR(-ENOMEM);
	mutex_init(&context->lock);
	context->type = type;
	context->phase = superblock ? PHASE_RECONFIGURE : PHASE_COLLECTS;
	file = anon_file_create("anon_inode:[fscontext]", &context_operations, context, O_RDWR);
	if (IS_ERR(file)) {
		kfree(context);
		return file;
	}
	if (superblock) {
		__atomic_add_fetch(&superblock->refs, 1, __ATOMIC_RELAXED);
		context->superblock = superblock;
	}
	return file;
}

struct file *mount_context_open(const char *name)
{
	const struct filesystem *type = filesystem_find(name);

	return type ? open_context(type, NULL) : ERR_PTR(-ENODEV);
}

struct file *mount_context_pick(const struct path *path)
{
	if (path->dentry != path->mount->root)
		return ERR_PTR(-EINVAL);
	return open_context(path->mount->superblock->type, path->mount->superblock);
}

/* --- Parameters --- */

/* Those that are flags of the superblock. */
static const struct {
	const char *key;
	u64 flag;
	bool set;
} flag_keys[] = {
	{"ro", MS_RDONLY, true},
	{"rw", MS_RDONLY, false},
	{"sync", MS_SYNCHRONOUS, true},
	{"async", MS_SYNCHRONOUS, false},
	{"dirsync", MS_DIRSYNC, true},
	{"mand", MS_MANDLOCK, true},
	{"nomand", MS_MANDLOCK, false},
	{"lazytime", MS_LAZYTIME, true},
	{"nolazytime", MS_LAZYTIME, false},
};

static bool set_flag(struct mount_context *context, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_keys); i++) {
		if (strcmp(key, flag_keys[i].key) != 0)
			continue;
		context->mask |= flag_keys[i].flag;
		context->flags &= ~flag_keys[i].flag;
		if (flag_keys[i].set)
			context->flags |= flag_keys[i].flag;
		return true;
	}
	return false;
}

static int set_source(struct mount_context *context, const char *value)
{
	if (!value || context->source)
		return -EINVAL;
	context->source = kstrdup(value);
	return context->source ? 0 : -ENOMEM;
}

static int add_option(struct mount_context *context, const char *key, const char *value)
{
	size_t length, more = strlen(key) + (value ? strlen(value) + 1 : 0);

	/* The text is split at commas. */
	if (strchr(key, ',') || (value && strchr(value, ',')))
		return -EINVAL;
	if (!context->options) {
		context->options = kzalloc(OPTIONS_SIZE);
		if (!context->options)
			return -ENOMEM;
	}
	length = strlen(context->options);
	if (length + more + 2 > OPTIONS_SIZE)
		return -EINVAL;
	snprintf(context->options + length, OPTIONS_SIZE - length, "%s%s%s%s", length ? "," : "",
		 key, value ? "=" : "", value ? value : "");
	return 0;
}

int mount_context_set(struct file *file, const char *key, const char *value)
{
	struct mount_context *context = context_of(file);
	int error;

	mutex_lock(&context->lock);
	if (context->phase != PHASE_COLLECTS && context->phase != PHASE_RECONFIGURE)
		error = -EBUSY;
	else if (!value && set_flag(context, key))
		error = 0;
	else if (strcmp(key, "source") == 0)
		error = set_source(context, value);
	else
		error = add_option(context, key, value);
	mutex_unlock(&context->lock);
	return error;
}

/* --- What comes of them --- */

static int create_locked(struct mount_context *context)
{
	const struct filesystem *type = context->type;
	struct superblock *superblock;
	int error;

	if (context->phase != PHASE_COLLECTS)
		return -EBUSY;
	if (!(type->in_user_namespaces ? capable_here(CAP_SYS_ADMIN) : capable(CAP_SYS_ADMIN)))
		return -EPERM;
	error = type->mount(type, context->flags, context->source, context->options, &superblock);
	context->phase = error ? PHASE_FAILED : PHASE_WAITS;
	if (error)
		return error;
	if (context->flags & MS_RDONLY)
		superblock->flags |= MS_RDONLY;
	context->superblock = superblock;
	return 0;
}

int mount_context_create(struct file *file)
{
	struct mount_context *context = context_of(file);
	int error;

	mutex_lock(&context->lock);
	error = create_locked(context);
	mutex_unlock(&context->lock);
	return error;
}

static int reconfigure_locked(struct mount_context *context)
{
	struct superblock *superblock = context->superblock;
	u64 flags;
	int error = 0;

	if (context->phase != PHASE_RECONFIGURE)
		return -EBUSY;
	if (!capable_in(superblock->owner, CAP_SYS_ADMIN))
		return -EPERM;
	mount_change_lock();
	flags = (superblock->flags & ~context->mask) | context->flags;
	if (flags & MS_RDONLY && !(superblock->flags & MS_RDONLY) &&
	    __atomic_load_n(&superblock->writers, __ATOMIC_RELAXED) > 0)
		error = -EBUSY;
	if (!error && superblock->ops->remount)
		error = superblock->ops->remount(superblock, flags, context->options);
	if (!error) {
		spin_lock(mount_tree_lock());
		superblock->flags = (superblock->flags & ~(u64)MS_RDONLY) | (flags & MS_RDONLY);
		spin_unlock(mount_tree_lock());
		forget_parameters(context);
	} else {
		context->phase = PHASE_FAILED;
	}
	mount_change_unlock();
	return error;
}

int mount_context_reconfigure(struct file *file)
{
	struct mount_context *context = context_of(file);
	int error;

	mutex_lock(&context->lock);
	error = reconfigure_locked(context);
	mutex_unlock(&context->lock);
	return error;
}

/* A mount of the superblock that waits for it; ERR_PTR. */
static struct mount *make_mount(struct mount_context *context, u32 flags)
{
	struct superblock *superblock = context->superblock;
	struct mount *mount;

	if (!superblock)
		return ERR_PTR(-EINVAL);
	if (context->phase != PHASE_WAITS)
		return ERR_PTR(-EBUSY);
	__atomic_add_fetch(&superblock->refs, 1, __ATOMIC_RELAXED);
	mount = mount_create(superblock, context->source ? context->source : "none", flags);
	if (!mount) {
		superblock_put(superblock);
		return ERR_PTR(-ENOMEM);
	}
	forget_parameters(context);
	context->phase = PHASE_RECONFIGURE;
	return mount;
}

struct file *mount_context_mount(struct file *file, u32 flags)
{
	struct mount_context *context = context_of(file);
	struct mount *mount;

	mutex_lock(&context->lock);
	mount = make_mount(context, flags);
	mutex_unlock(&context->lock);
	return IS_ERR(mount) ? ERR_PTR(PTR_ERR(mount)) : mount_detached_file(mount);
}

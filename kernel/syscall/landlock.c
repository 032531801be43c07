/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * landlock_create_ruleset(2), landlock_add_rule(2) and landlock_restrict_self(2).
 *
 * A ruleset is a file with the rights that it handles and an array of rules, sorted; restricting
 * copies them into a layer.  Its mutex guards the array.
 */
#include "fs/calls.h"
#include "fs/landlock.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/task.h"
#include "syscall/table.h"

struct ruleset {
	mutex_t lock;
	u32 handled; /* const */
	u32 count, room;
	struct landlock_rule *rules; /* lock */
};

/* --- The file --- */

static void release(struct file *file)
{
	struct ruleset *ruleset = file->private;

	kfree(ruleset->rules);
	kfree(ruleset);
}

static const struct file_operations operations = {.release = release, .stream = true};

/* The ruleset's file with a reference; ERR_PTR. */
static struct file *get_ruleset(int fd)
{
	struct file *file = fd_get(fd);

	if (file == NULL)
		return ERR_PTR(-EBADF);
	if (file->ops == &operations)
		return file;
	file_put(file);
	return ERR_PTR(-EBADFD);
}

static int read_handled(u64 *handled, vaddr_t address, size_t size)
{
	if (size < sizeof(*handled))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	/* A longer structure must be zero where we know nothing. */
	for (size_t at = sizeof(*handled); at < size; at++) {
		u8 byte;

		if (get_user(byte, address + at))
			return -EFAULT;
		if (byte != 0)
			return -E2BIG;
	}
	if (get_user(*handled, address))
		return -EFAULT;
	if (*handled & ~(u64)LANDLOCK_ALL)
		return -EINVAL;
	return *handled == 0 ? -ENOMSG : 0;
}

long sys_landlock_create_ruleset(vaddr_t attributes, size_t size, u32 flags)
{
	u64 handled;

	if (flags != 0) {
		bool version = flags == LANDLOCK_CREATE_RULESET_VERSION;
		return version && attributes == 0 && size == 0 ? LANDLOCK_VERSION : -EINVAL;
	}
	int error = read_handled(&handled, attributes, size);
	if (error)
		return error;
	struct ruleset *ruleset = kzalloc(sizeof(*ruleset));
	if (ruleset == NULL)
		return -ENOMEM;
	mutex_init(&ruleset->lock);
	ruleset->handled = (u32)handled;
	struct file *file =
		anon_file_create("anon_inode:[landlock-ruleset]", &operations, ruleset, O_RDWR);
	if (!IS_ERR(file))
		return fd_install(file, O_CLOEXEC);
	kfree(ruleset);
	return PTR_ERR(file);
}

/* --- Rules --- */

/* Room for one more; lock held. */
static int grow(struct ruleset *ruleset)
{
	u32 room = MAX(ruleset->room * 2, 16u);
	struct landlock_rule *rules;

	if (ruleset->count < ruleset->room)
		return 0;
	rules = kmalloc(room * sizeof(*rules));
	if (rules == NULL)
		return -ENOMEM;
	memcpy(rules, ruleset->rules, ruleset->count * sizeof(*rules));
	kfree(ruleset->rules);
	ruleset->rules = rules;
	ruleset->room = room;
	return 0;
}

static int add(struct ruleset *ruleset, struct landlock_rule rule)
{
	mutex_lock(&ruleset->lock);
	u32 at = landlock_find(ruleset->rules, ruleset->count, &rule);
	int error = 0;
	if (at < ruleset->count && landlock_same_file(&ruleset->rules[at], &rule)) {
		ruleset->rules[at].rights |= rule.rights;
	} else {
		error = grow(ruleset);
		if (error == 0) {
			memmove(&ruleset->rules[at + 1], &ruleset->rules[at],
				(ruleset->count - at) * sizeof(rule));
			ruleset->rules[at] = rule;
			ruleset->count++;
		}
	}
	mutex_unlock(&ruleset->lock);
	return error;
}

static int add_path(struct ruleset *ruleset, u32 rights, int fd)
{
	struct fd_borrow borrow = fd_borrow_any(fd);
	int error;

	if (borrow.file == NULL)
		return -EBADF;
	const struct inode *inode = borrow.file->inode;
	if (landlock_is_exempt(&borrow.file->path)) {
		error = -EBADFD;
	} else if (!S_ISDIR(inode->mode) && rights & ~(u32)LANDLOCK_OF_FILES) {
		error = -EINVAL;
	} else {
		struct landlock_rule rule = landlock_name(inode);
		rule.rights = rights;
		error = add(ruleset, rule);
	}
	fd_return(borrow);
	return error;
}

static int add_checked(struct ruleset *ruleset, u32 type, vaddr_t address)
{
	struct linux_landlock_path_beneath rule;

	if (type != LANDLOCK_RULE_PATH_BENEATH)
		return -EINVAL;
	if (get_user(rule, address))
		return -EFAULT;
	if (rule.allowed == 0)
		return -ENOMSG;
	if (rule.allowed & ~(u64)ruleset->handled)
		return -EINVAL;
	return add_path(ruleset, (u32)rule.allowed, rule.parent_fd);
}

long sys_landlock_add_rule(int fd, u32 type, vaddr_t rule, u32 flags)
{
	if (flags != 0)
		return -EINVAL;
	struct file *file = get_ruleset(fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	long error = add_checked(file->private, type, rule);
	file_put(file);
	return error;
}

/* --- Restricting --- */

static int restrict_current(struct ruleset *ruleset)
{
	struct credentials *changed;

	if (current_credentials()->landlock != NULL &&
	    current_credentials()->landlock->depth >= LANDLOCK_LAYERS_MAX)
		return -E2BIG;
	changed = credentials_prepare();
	if (changed == NULL)
		return -ENOMEM;
	mutex_lock(&ruleset->lock);
	struct landlock_layer *layer = landlock_layer_make(changed->landlock, ruleset->handled,
							   ruleset->rules, ruleset->count);
	mutex_unlock(&ruleset->lock);
	if (layer == NULL) {
		credentials_abort(changed);
		return -ENOMEM;
	}
	changed->landlock = layer;
	credentials_commit(changed);
	return 0;
}

long sys_landlock_restrict_self(int fd, u32 flags)
{
	if (!READ_ONCE(current->process->no_new_privileges) && !capable_here(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags != 0)
		return -EINVAL;
	struct file *file = get_ruleset(fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	long error = restrict_current(file->private);
	file_put(file);
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify's instances and their watches.
 *
 * A watch is on two lists, each of which has a reference: its inode's (fs/notify.h) and its
 * instance's table of numbers.  Ending it starts at the inode's list, whatever the cause: a removed
 * file, an unmount, its one event, the program's wish, the last close.  `detached` then takes it
 * out of the table and queues IN_IGNORED.  A watch holds its instance, so that one that ends on
 * another CPU during the last close still finds it.
 *
 * Locks: inotify->change, inode->attribute_lock, inotify->lock.
 */
#include "ipc/inotify_internal.h"
#include "lib/abi/fcntl.h"
#include "lib/format.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"

enum { SET_NEXT_NUMBER = 0x40044900 }; /* INOTIFY_IOC_SETNEXTWD */

struct inotify_settings inotify_settings = {.queued_events = 16384, .user_instances = 128};

void inotify_init(void)
{
	/* A hundredth of memory, at what a watch costs with the inode that it holds. */
	u64 watches = frame_get_total_memory() / 100 / (sizeof(struct inotify_watch) + 1 * KIB);

	inotify_settings.user_watches = MIN(MAX(watches, (u64)8192), (u64)1048576);
}

static void *alloc_node(size_t size)
{
	return kmalloc(size);
}

static void free_node(void *node, size_t size __unused)
{
	kfree(node);
}

static const struct radix_ops table_operations = {.alloc_node = alloc_node, .free_node = free_node};

/* Counts one more for the user, unless that is more than `limit`. */
static bool charge(u32 *counter, u64 limit)
{
	if (__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED) <= limit)
		return true;
	__atomic_sub_fetch(counter, 1, __ATOMIC_RELAXED);
	return false;
}

static void uncharge(u32 *counter)
{
	__atomic_sub_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void inotify_put(struct inotify *inotify)
{
	if (__atomic_sub_fetch(&inotify->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	inotify_queue_destroy(inotify);
	radix_destroy(&inotify->watches, NULL, NULL);
	credentials_put(inotify->user);
	kfree(inotify);
}

/* --- What the VFS calls --- */

static struct inotify_watch *watch_of(struct notify_watch *base)
{
	return container_of(base, struct inotify_watch, base);
}

static void watch_event(struct notify_watch *base, const struct notification *what)
{
	const struct inotify_watch *watch = watch_of(base);

	inotify_queue(watch->inotify, watch->number, what->mask, what->cookie, what->name,
		      what->name_length);
}

static void watch_detached(struct notify_watch *base)
{
	struct inotify_watch *watch = watch_of(base);
	struct inotify *inotify = watch->inotify;

	inotify_queue(inotify, watch->number, IN_IGNORED, 0, NULL, 0);
	spin_lock(&inotify->lock);
	radix_erase(&inotify->watches, (u64)watch->number);
	spin_unlock(&inotify->lock);
	uncharge(&inotify->user->user->inotify_watches);
	notify_watch_put(base);
}

static void watch_free(struct notify_watch *base)
{
	struct inotify_watch *watch = watch_of(base);

	inotify_put(watch->inotify);
	kfree(watch);
}

static const struct notify_watch_operations watch_operations = {
	.event = watch_event, .detached = watch_detached, .free = watch_free};

/* --- Watches --- */

static void set_mask(struct notify_watch *watch, u32 mask)
{
	u32 events = (mask & NOTIFY_ALL) | NOTIFY_UNMOUNT;

	if (mask & IN_MASK_ADD) {
		watch->mask |= events;
		watch->once |= (mask & IN_ONESHOT) != 0;
		watch->not_unlinked |= (mask & IN_EXCL_UNLINK) != 0;
	} else {
		watch->mask = events;
		watch->once = (mask & IN_ONESHOT) != 0;
		watch->not_unlinked = (mask & IN_EXCL_UNLINK) != 0;
	}
}

/* Changes the watch that the instance has on the inode: its number, -EEXIST, or -ENOENT. */
static long change_existing(struct inotify *inotify, struct inode *inode, u32 mask)
{
	long result = -ENOENT;

	spin_lock(&inode->attribute_lock);
	for (struct notify_watch *base = inode->watches; base != NULL; base = base->next) {
		if (base->ops != &watch_operations || watch_of(base)->inotify != inotify)
			continue;
		result = watch_of(base)->number;
		if (mask & IN_MASK_CREATE)
			result = -EEXIST;
		else
			set_mask(base, mask);
		break;
	}
	spin_unlock(&inode->attribute_lock);
	return result;
}

/* Gives the watch a number that was not used lately.  0 or -ENOMEM. */
static int enter(struct inotify *inotify, struct inotify_watch *watch)
{
	int error;

	spin_lock(&inotify->lock);
	do {
		watch->number = (s32)inotify->next_number;
		inotify->next_number = watch->number == INT_MAX ? 1 : inotify->next_number + 1;
		error = radix_insert(&inotify->watches, (u64)watch->number, watch);
	} while (error == -EEXIST);
	spin_unlock(&inotify->lock);
	return error;
}

static long add_new(struct inotify *inotify, struct inode *inode, u32 mask)
{
	u32 *counter = &inotify->user->user->inotify_watches;
	struct inotify_watch *watch;
	long number;

	if (!charge(counter, READ_ONCE(inotify_settings.user_watches)))
		return -ENOSPC;
	watch = kzalloc(sizeof(*watch));
	if (watch == NULL)
		goto out_uncharge;
	watch->base.ops = &watch_operations;
	watch->base.refs = 1;
	watch->base.inode = inode;
	watch->inotify = inotify;
	set_mask(&watch->base, mask);
	if (enter(inotify, watch) != 0)
		goto out_free;
	number = watch->number;
	inode_get(inode);
	__atomic_add_fetch(&inotify->refs, 1, __ATOMIC_RELAXED);
	notify_attach(&watch->base);
	return number;

out_free:
	kfree(watch);
out_uncharge:
	uncharge(counter);
	return -ENOMEM;
}

long inotify_add(struct file *file, const struct path *path, u32 mask)
{
	struct inotify *inotify = file->private;
	struct inode *inode = path_inode(path);

	mutex_lock(&inotify->change);
	long result = change_existing(inotify, inode, mask);
	if (result == -ENOENT)
		result = add_new(inotify, inode, mask);
	mutex_unlock(&inotify->change);
	return result;
}

/* The first watch whose number is not below *number, which moves there; a reference, or NULL. */
static struct inotify_watch *next_watch(struct inotify *inotify, u64 *number)
{
	spin_lock(&inotify->lock);
	struct inotify_watch *watch = radix_next(&inotify->watches, number);
	if (watch != NULL)
		__atomic_add_fetch(&watch->base.refs, 1, __ATOMIC_RELAXED);
	spin_unlock(&inotify->lock);
	return watch;
}

long inotify_remove(struct file *file, int number)
{
	u64 index = (u64)(s64)number;
	struct inotify_watch *watch = number > 0 ? next_watch(file->private, &index) : NULL;

	if (watch == NULL)
		return -EINVAL;
	bool found = watch->number == number;
	/* An add that is under way has entered it and attaches it next. */
	mutex_lock(&watch->inotify->change);
	if (found)
		notify_detach(&watch->base);
	mutex_unlock(&watch->inotify->change);
	notify_watch_put(&watch->base);
	return found ? 0 : -EINVAL;
}

/* --- The file --- */

static void inotify_release(struct file *file)
{
	struct inotify *inotify = file->private;
	struct inotify_watch *watch;

	for (u64 number = 0; (watch = next_watch(inotify, &number)) != NULL; number++) {
		notify_detach(&watch->base);
		notify_watch_put(&watch->base);
	}
	uncharge(&inotify->user->user->inotify_instances);
	inotify_put(inotify);
}

static long inotify_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
	struct inotify *inotify = file->private;
	u32 bytes;

	switch (command) {
	case FIONREAD:
		bytes = inotify_bytes(inotify);
		return put_user(bytes, argument);
	case SET_NEXT_NUMBER:
		if (argument < 1 || argument > INT_MAX)
			return -EINVAL;
		spin_lock(&inotify->lock);
		inotify->next_number = (u32)argument;
		spin_unlock(&inotify->lock);
		return 0;
	default:
		return -ENOTTY;
	}
}

static int inotify_show_info(struct file *file, char *buffer, size_t size)
{
	struct inotify *inotify = file->private;
	struct inotify_watch *watch;
	int length = 0;

	for (u64 number = 0; (watch = next_watch(inotify, &number)) != NULL; number++) {
		const struct inode *inode = watch->base.inode;
		size_t used = MIN((size_t)length, size);

		length += snprintf(buffer + used, size - used,
				   "inotify wd:%x ino:%lx sdev:%lx mask:%x ignored_mask:0\n",
				   (u32)watch->number, (unsigned long)inode->ino,
				   (unsigned long)inode->superblock->device,
				   READ_ONCE(watch->base.mask) & NOTIFY_ALL);
		notify_watch_put(&watch->base);
	}
	return length;
}

static const struct file_operations inotify_operations = {
	.release = inotify_release,
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.show_info = inotify_show_info,
	.stream = true,
	.asynchronous = true,
};

bool inotify_is_file(const struct file *file)
{
	return file->ops == &inotify_operations;
}

struct file *inotify_create(u32 flags)
{
	const struct credentials *user = current_credentials();
	struct inotify *inotify;
	struct file *file;

	if (!charge(&user->user->inotify_instances, READ_ONCE(inotify_settings.user_instances)))
		return ERR_PTR(-EMFILE);
	inotify = kzalloc(sizeof(*inotify));
	if (inotify == NULL) {
		file = ERR_PTR(-ENOMEM);
		goto out_uncharge;
	}
	inotify->refs = 1;
	inotify->next_number = 1;
	inotify->user = credentials_get(user);
	mutex_init(&inotify->change);
	spin_lock_init(&inotify->lock);
	radix_init(&inotify->watches, &table_operations);
	inotify_queue_init(inotify);
	file = anon_file_create("anon_inode:inotify", &inotify_operations, inotify,
				O_RDONLY | (flags & O_NONBLOCK));
	if (!IS_ERR(file))
		return file;
	inotify_put(inotify);
out_uncharge:
	uncharge(&user->user->inotify_instances);
	return file;
}

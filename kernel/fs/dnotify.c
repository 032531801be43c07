/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * F_NOTIFY of fcntl(2): a signal when something happens in an open directory.
 *
 * A directory_watch hangs on the directory's inode (fs/notify.h) for one open file, and tells that
 * file's owner (fs/async.h).  An event comes with the inode's attribute_lock held, under which a
 * watch is also taken off; so once it is off the file may go.
 *
 * Locks: dnotify_lock, inode->attribute_lock.
 */
#include "fs/async.h"
#include "fs/fs_internal.h"
#include "fs/notify.h"
#include "lib/abi/fcntl.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"

struct directory_watch {
	struct notify_watch base;
	struct file *file; /* told while the watch is attached */
};

static mutex_t dnotify_lock = MUTEX_INIT(dnotify_lock); /* one watch a file */

static struct directory_watch *watch_of(struct notify_watch *base)
{
	return container_of(base, struct directory_watch, base);
}

static void event(struct notify_watch *base, const struct notification *what __unused)
{
	async_tell_changed(watch_of(base)->file);
}

static void detached(struct notify_watch *base __unused) {}

static void free_watch(struct notify_watch *base)
{
	kfree(watch_of(base));
}

static const struct notify_watch_operations directory_operations = {
	.event = event, .detached = detached, .free = free_watch};

/* The file's watch with a reference, or NULL; `more` is what it also wants from now on. */
static struct notify_watch *find(const struct file *file, u32 more, bool once)
{
	struct inode *inode = file->inode;
	struct notify_watch *watch;

	spin_lock(&inode->attribute_lock);
	for (watch = inode->watches; watch != NULL; watch = watch->next)
		if (watch->ops == &directory_operations && watch_of(watch)->file == file)
			break;
	if (watch != NULL) {
		__atomic_add_fetch(&watch->refs, 1, __ATOMIC_RELAXED);
		watch->mask |= more;
		watch->once &= once;
	}
	spin_unlock(&inode->attribute_lock);
	return watch;
}

static void stop(const struct file *file)
{
	struct notify_watch *watch = find(file, 0, true);

	if (watch == NULL)
		return;
	notify_detach(watch);
	notify_watch_put(watch);
}

void dnotify_release(struct file *file)
{
	if (S_ISDIR(file->inode->mode))
		stop(file);
}

static u32 events_of(u32 what)
{
	static const struct {
		u32 what, events;
	} table[] = {
		{DN_ACCESS, NOTIFY_ACCESS},
		{DN_MODIFY, NOTIFY_MODIFY},
		{DN_CREATE, NOTIFY_CREATE | NOTIFY_MOVED_TO},
		{DN_DELETE, NOTIFY_DELETE | NOTIFY_MOVED_FROM},
		{DN_RENAME, NOTIFY_MOVED_FROM},
		{DN_ATTRIB, NOTIFY_ATTRIB},
	};
	u32 events = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (what & table[i].what)
			events |= table[i].events;
	return events;
}

static int start(struct file *file, u32 events, bool once)
{
	struct directory_watch *watch = kzalloc(sizeof(*watch));

	if (watch == NULL)
		return -ENOMEM;
	watch->base.ops = &directory_operations;
	watch->base.refs = 1;
	watch->base.inode = file->inode;
	watch->base.mask = events;
	watch->base.once = once;
	watch->file = file;
	inode_get(file->inode);
	notify_attach(&watch->base);
	notify_watch_put(&watch->base);
	return 0;
}

int dnotify_control(struct file *file, int fd, u32 what)
{
	bool once = !(what & DN_MULTISHOT);
	u32 events = events_of(what);

	if ((what & ~DN_MULTISHOT) == 0) {
		dnotify_release(file);
		return 0;
	}
	if (!S_ISDIR(file->inode->mode))
		return -ENOTDIR;
	int error = async_own(file, fd);
	if (error != 0)
		return error;
	mutex_lock(&dnotify_lock);
	struct notify_watch *watch = find(file, events, once);
	if (watch != NULL)
		notify_watch_put(watch);
	else
		error = start(file, events, once);
	mutex_unlock(&dnotify_lock);
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanotify: groups and their marks.
 *
 * A mark says which events of an inode, a mount or a file system a group wants, and which not.  All
 * marks of all groups are in one hash table, by what they are on.  The VFS tells everything that
 * happens (notify_wide); for each group the marks on the file, its directory, its mount and its file
 * system are looked up, and what they say together decides, as fanotify_mark(2) has it.  Mounts and
 * file systems are named by numbers that are never used again, so a mark on one that has gone does
 * nothing.  A mark on an inode hangs on it as a watch that wants no events, which keeps the inode and
 * ends with it.
 *
 * Locks: group->change, then marks_lock (spin: the table, the list of groups, masks), then
 * group->lock.  A watch is attached and detached without the latter two.
 */
#include "fs/calls.h"
#include "ipc/fanotify_internal.h"
#include "lib/abi/statfs.h"
#include "lib/format.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/sched.h"

enum { BUCKETS = 1024, MARKS_MAX = 8192, GROUPS_MAX_OF_USER = 128 };
enum { EVENT_FLAGS = FAN_EVENT_ON_CHILD | FAN_ONDIR };

enum mark_kind { MARK_INODE, MARK_MOUNT, MARK_FILESYSTEM };

struct mark {
	struct notify_watch base; /* first; of inodes */
	struct fan_group *group;  /* of inodes: counted */
	enum mark_kind kind;
	u64 object;                /* the inode, or the number of the mount or file system */
	s32 fsid[2];               /* const */
	u32 mask, ignored;         /* marks_lock */
	bool survives;             /* marks_lock: `ignored` stays when the file is changed */
	struct mark *next;         /* marks_lock: in its bucket */
	struct list_head of_group; /* marks_lock */
};

static spinlock_t marks_lock = SPINLOCK_INIT;
static struct mark **buckets;                       /* marks_lock */
static struct list_head groups = LIST_INIT(groups); /* marks_lock; by order */
static u64 last_number;                             /* marks_lock */

static struct mark **bucket_of(enum mark_kind kind, u64 object)
{
	return &buckets[((object >> 6) * 31 + object + (u64)kind) % BUCKETS];
}

static struct mark *find_locked(const struct fan_group *group, enum mark_kind kind, u64 object)
{
	struct mark *mark = *bucket_of(kind, object);

	while (mark != NULL &&
	       (mark->group != group || mark->kind != kind || mark->object != object))
		mark = mark->next;
	return mark;
}

static void link_locked(struct mark *mark)
{
	struct mark **bucket = bucket_of(mark->kind, mark->object);

	mark->next = *bucket;
	*bucket = mark;
	list_add_tail(&mark->of_group, &mark->group->marks);
	mark->group->mark_count++;
}

static void unlink_locked(struct mark *mark)
{
	struct mark **link = bucket_of(mark->kind, mark->object);

	while (*link != mark)
		link = &(*link)->next;
	*link = mark->next;
	list_remove(&mark->of_group);
	mark->group->mark_count--;
}

void fan_group_put(struct fan_group *group)
{
	if (__atomic_sub_fetch(&group->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	__atomic_sub_fetch(&group->user->user->fanotify_groups, 1, __ATOMIC_RELAXED);
	credentials_put(group->user);
	kfree(group);
}

/* --- Whom an event concerns --- */

/* Does a mask count for this event?  That of a directory's mark, for what is in it, if it says so. */
static bool counts(u32 mask, u32 event, bool of_parent)
{
	return (mask & FAN_ONDIR || !(event & FAN_ONDIR)) &&
	       (mask & FAN_EVENT_ON_CHILD || !of_parent);
}

struct verdict {
	u32 wanted, ignored;
	const s32 *fsid;
};

static void look_at_locked(struct verdict *verdict, struct mark *mark, u32 event, bool of_parent)
{
	if (mark == NULL)
		return;
	if (event & NOTIFY_MODIFY && !mark->survives)
		mark->ignored = 0;
	/* What is ignored is so for directories, too. */
	if (!of_parent || mark->mask & FAN_EVENT_ON_CHILD)
		verdict->ignored |= mark->ignored;
	if (!counts(mark->mask, event, of_parent))
		return;
	verdict->wanted |= mark->mask;
	verdict->fsid = mark->fsid;
}

/* Which of the events in facts->mask the group gets. */
static struct verdict judge_locked(const struct fan_group *group, const struct notify_facts *facts)
{
	struct verdict verdict = {0, 0, NULL};
	const struct inode *self = facts->entry ? facts->directory : facts->inode;
	const struct inode *parent = facts->entry ? NULL : facts->directory;
	u32 event = facts->mask;

	look_at_locked(&verdict, find_locked(group, MARK_INODE, (uintptr_t)self), event, false);
	if (parent != NULL)
		look_at_locked(&verdict, find_locked(group, MARK_INODE, (uintptr_t)parent), event,
			       true);
	if (facts->path != NULL)
		look_at_locked(&verdict,
			       find_locked(group, MARK_MOUNT, (u64)facts->path->mount->id), event,
			       false);
	look_at_locked(&verdict, find_locked(group, MARK_FILESYSTEM, self->superblock->id), event,
		       false);
	verdict.wanted &= event & ~verdict.ignored & ~(u32)EVENT_FLAGS;
	return verdict;
}

static void on_event(const struct notify_facts *facts)
{
	struct fan_group *group;

	spin_lock(&marks_lock);
	list_for_each_entry (group, &groups, all) {
		struct verdict verdict = judge_locked(group, facts);
		u32 mask = verdict.wanted;

		if (mask == 0 || (facts->path == NULL && !fan_reports_ids(group)))
			continue;
		if (fan_reports_ids(group))
			mask |= facts->mask & FAN_ONDIR;
		fan_queue(group, facts, mask, verdict.fsid);
	}
	spin_unlock(&marks_lock);
}

/* The first group behind `order` that wants to be asked, with a reference, or NULL. */
static struct fan_group *next_asked(u64 order, const struct notify_facts *facts)
{
	struct fan_group *group, *found = NULL;

	spin_lock(&marks_lock);
	list_for_each_entry (group, &groups, all) {
		if (group->order <= order || !(group->flags & FAN_CLASSES) ||
		    judge_locked(group, facts).wanted == 0)
			continue;
		found = group;
		__atomic_add_fetch(&group->refs, 1, __ATOMIC_RELAXED);
		break;
	}
	spin_unlock(&marks_lock);
	return found;
}

static int on_permission(const struct notify_facts *facts)
{
	struct fan_group *group;
	u64 order = 0;
	int result = 0;

	while (result == 0 && (group = next_asked(order, facts)) != NULL) {
		order = group->order;
		result = fan_ask(group, facts, facts->mask & FANOTIFY_PERMISSIONS);
		fan_group_put(group);
	}
	return result;
}

static const struct notify_wide wide = {.event = on_event, .permission = on_permission};

void fanotify_init(void)
{
	buckets = kcalloc(BUCKETS, sizeof(struct mark *));
	if (buckets == NULL)
		panic("no memory for the marks of fanotify");
	notify_set_wide(&wide);
}

/* --- Marks on inodes are watches --- */

static void watch_event(struct notify_watch *base __unused,
			const struct notification *what __unused)
{
}

static void watch_detached(struct notify_watch *base)
{
	struct mark *mark = container_of(base, struct mark, base);

	spin_lock(&marks_lock);
	unlink_locked(mark);
	spin_unlock(&marks_lock);
	notify_watch_put(base);
}

static void watch_free(struct notify_watch *base)
{
	struct mark *mark = container_of(base, struct mark, base);

	fan_group_put(mark->group);
	kfree(mark);
}

static const struct notify_watch_operations watch_operations = {
	.event = watch_event, .detached = watch_detached, .free = watch_free};

/* --- Changing marks --- */

static enum mark_kind kind_of(u32 flags)
{
	if (flags & FAN_MARK_MOUNT)
		return MARK_MOUNT;
	return flags & FAN_MARK_FILESYSTEM ? MARK_FILESYSTEM : MARK_INODE;
}

static u64 object_of(const struct path *path, enum mark_kind kind)
{
	switch (kind) {
	case MARK_MOUNT:
		return (u64)path->mount->id;
	case MARK_FILESYSTEM:
		return path->mount->superblock->id;
	default:
		return (uintptr_t)path_inode(path);
	}
}

static void change_locked(struct mark *mark, u32 flags, u32 mask)
{
	if (!(flags & FAN_MARK_IGNORED_MASK)) {
		mark->mask |= mask;
		return;
	}
	mark->ignored |= mask;
	if (flags & FAN_MARK_IGNORED_SURV_MODIFY)
		mark->survives = true;
}

/* Takes a mark away for good; group->change held, no spin lock. */
static void drop(struct mark *mark)
{
	if (mark->kind == MARK_INODE) {
		notify_detach(&mark->base);
		return;
	}
	spin_lock(&marks_lock);
	unlink_locked(mark);
	spin_unlock(&marks_lock);
	kfree(mark);
}

/* Reports by ids need both: a file system's, and handles. */
static int check_ids(const struct path *path, s32 *fsid)
{
	struct linux_file_handle handle;
	struct linux_statfs status;
	int error = superblock_statfs(path->mount->superblock, &status);

	if (error != 0)
		return error;
	memcpy(fsid, status.fsid, sizeof(status.fsid));
	if (fsid[0] == 0 && fsid[1] == 0)
		return -ENODEV;
	return handle_of(path_inode(path), &handle);
}

/* change held; there is none yet. */
static int add_new(struct fan_group *group, const struct path *path, u32 flags, u32 mask)
{
	enum mark_kind kind = kind_of(flags);
	struct mark *mark;
	int error = 0;

	if (!(group->flags & FAN_UNLIMITED_MARKS) && READ_ONCE(group->mark_count) >= MARKS_MAX)
		return -ENOSPC;
	mark = kzalloc(sizeof(*mark));
	if (mark == NULL)
		return -ENOMEM;
	if (fan_reports_ids(group))
		error = check_ids(path, mark->fsid);
	if (error != 0) {
		kfree(mark);
		return error;
	}
	mark->group = group;
	mark->kind = kind;
	mark->object = object_of(path, kind);
	if (kind == MARK_INODE) {
		mark->base.ops = &watch_operations;
		mark->base.refs = 1;
		mark->base.inode = inode_get(path_inode(path));
		__atomic_add_fetch(&group->refs, 1, __ATOMIC_RELAXED);
	}
	change_locked(mark, flags, mask);
	spin_lock(&marks_lock);
	link_locked(mark);
	spin_unlock(&marks_lock);
	if (kind == MARK_INODE)
		notify_attach(&mark->base);
	return 0;
}

/* Marks on anything but directories say nothing of what is in them. */
static u32 sensible(const struct path *path, u32 flags, u32 mask)
{
	bool directory = kind_of(flags) == MARK_INODE && S_ISDIR(path_inode(path)->mode);

	return directory ? mask : mask & ~(u32)FAN_EVENT_ON_CHILD;
}

int fanotify_add(struct file *file, const struct path *path, u32 flags, u32 mask)
{
	struct fan_group *group = file->private;
	enum mark_kind kind = kind_of(flags);
	int error = 0;

	mask = sensible(path, flags, mask);
	mutex_lock(&group->change);
	spin_lock(&marks_lock);
	struct mark *mark = find_locked(group, kind, object_of(path, kind));
	if (mark != NULL)
		change_locked(mark, flags, mask);
	spin_unlock(&marks_lock);
	if (mark == NULL)
		error = add_new(group, path, flags, mask);
	mutex_unlock(&group->change);
	return error;
}

int fanotify_remove(struct file *file, const struct path *path, u32 flags, u32 mask)
{
	struct fan_group *group = file->private;
	enum mark_kind kind = kind_of(flags);
	bool empty = false;

	mutex_lock(&group->change);
	spin_lock(&marks_lock);
	struct mark *mark = find_locked(group, kind, object_of(path, kind));
	if (mark != NULL) {
		if (flags & FAN_MARK_IGNORED_MASK)
			mark->ignored &= ~mask;
		else
			mark->mask &= ~mask;
		empty = (mark->mask | mark->ignored) == 0;
		if (empty && kind == MARK_INODE)
			__atomic_add_fetch(&mark->base.refs, 1, __ATOMIC_RELAXED);
	}
	spin_unlock(&marks_lock);
	if (empty) {
		drop(mark);
		if (kind == MARK_INODE)
			notify_watch_put(&mark->base);
	}
	mutex_unlock(&group->change);
	return mark != NULL ? 0 : -ENOENT;
}

/* The group's first mark of a kind; of inodes with a reference. */
static struct mark *first_of(struct fan_group *group, enum mark_kind kind)
{
	struct mark *mark, *found = NULL;

	spin_lock(&marks_lock);
	list_for_each_entry (mark, &group->marks, of_group) {
		if (mark->kind != kind)
			continue;
		found = mark;
		if (kind == MARK_INODE)
			__atomic_add_fetch(&mark->base.refs, 1, __ATOMIC_RELAXED);
		break;
	}
	spin_unlock(&marks_lock);
	return found;
}

void fanotify_flush(struct file *file, u32 flags)
{
	struct fan_group *group = file->private;
	enum mark_kind kind = kind_of(flags);
	struct mark *mark;

	mutex_lock(&group->change);
	while ((mark = first_of(group, kind)) != NULL) {
		drop(mark);
		if (kind == MARK_INODE) {
			notify_watch_put(&mark->base);
			/* Whoever else is ending it has still to take it off the list. */
			task_yield();
		}
	}
	mutex_unlock(&group->change);
}

/* --- The file --- */

static void release(struct file *file)
{
	struct fan_group *group = file->private;

	spin_lock(&marks_lock);
	list_remove(&group->all);
	spin_unlock(&marks_lock);
	notify_wide_end();
	fan_queue_close(group);
	fanotify_flush(file, 0);
	fanotify_flush(file, FAN_MARK_MOUNT);
	fanotify_flush(file, FAN_MARK_FILESYSTEM);
	fan_group_put(group);
}

static long control(struct file *file, unsigned command, vaddr_t argument)
{
	return command == FIONREAD ? put_user(fan_bytes(file->private), argument) : -ENOTTY;
}

static int show_info(struct file *file, char *buffer, size_t size)
{
	const struct fan_group *group = file->private;

	return snprintf(buffer, size, "fanotify flags:%x event-flags:%x\n", group->flags,
			group->open_flags);
}

static const struct file_operations operations = {
	.release = release,
	.read = fan_read,
	.write = fan_write,
	.poll = fan_poll,
	.ioctl = control,
	.show_info = show_info,
	.stream = true,
	.asynchronous = true,
};

bool fanotify_is_file(const struct file *file)
{
	return file->ops == &operations;
}

u32 fanotify_flags(const struct file *file)
{
	return ((const struct fan_group *)file->private)->flags;
}

bool fanotify_is_privileged(const struct file *file)
{
	return ((const struct fan_group *)file->private)->privileged;
}

/* Those that prepare contents are asked first, those that only hear last. */
static void enlist(struct fan_group *group)
{
	struct fan_group *other;
	u64 rank = 2;

	if (group->flags & FAN_CLASS_PRE_CONTENT)
		rank = 0;
	else if (group->flags & FAN_CLASS_CONTENT)
		rank = 1;
	spin_lock(&marks_lock);
	group->order = rank << 62 | ++last_number;
	struct list_head *before = &groups;
	list_for_each_entry (other, &groups, all) {
		if (other->order > group->order) {
			before = &other->all;
			break;
		}
	}
	list_add_tail(&group->all, before);
	spin_unlock(&marks_lock);
	notify_wide_begin();
}

struct file *fanotify_create(u32 flags, u32 open_flags, bool privileged)
{
	const struct credentials *user = current_credentials();
	u32 *count = &user->user->fanotify_groups;
	struct fan_group *group = kzalloc(sizeof(*group));

	if (group == NULL)
		return ERR_PTR(-ENOMEM);
	if (__atomic_add_fetch(count, 1, __ATOMIC_RELAXED) > GROUPS_MAX_OF_USER) {
		__atomic_sub_fetch(count, 1, __ATOMIC_RELAXED);
		kfree(group);
		return ERR_PTR(-EMFILE);
	}
	group->refs = 1;
	group->flags = flags;
	group->open_flags = open_flags;
	group->privileged = privileged;
	group->user = credentials_get(user);
	list_init(&group->marks);
	mutex_init(&group->change);
	fan_queue_init(group);
	struct file *file = anon_file_create("anon_inode:[fanotify]", &operations, group,
					     O_RDWR | (flags & FAN_NONBLOCK ? O_NONBLOCK : 0));
	if (IS_ERR(file))
		fan_group_put(group);
	else
		enlist(group);
	return file;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanotify's events: queued by who uses files, read by who watches; questions, and their answers.
 *
 * An event like one among the last in the queue (the same file, the same process) is joined with it.
 * For groups that report ids the records are made when it happens, so that the event holds nothing;
 * for others it holds the path, which is opened for the reader.
 *
 * A question stands in the queue until it is read, then in `asked` until it is answered.  Who asks
 * waits with a reference of his own, and if he is killed takes the question away.  Closing the file
 * answers all.
 */
#include "ipc/fanotify_internal.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/pid.h"
#include "proc/process.h"

/* So many of the last events are compared with a new one; so many may wait. */
enum { COMPARED = 128, QUEUE_MAX = 16384 };
enum { HEAD = sizeof(struct linux_fanotify_event) };

void fan_queue_init(struct fan_group *group)
{
	spin_lock_init(&group->lock);
	list_init(&group->events);
	list_init(&group->asked);
	wait_queue_init(&group->readers);
	wait_queue_init(&group->askers);
}

/* --- Records --- */

static u32 record_size(u32 name_length, bool named)
{
	u32 size = sizeof(struct linux_fanotify_info) + sizeof(struct linux_file_handle);

	return named ? (u32)ALIGN_UP(size + name_length + 1, 4u) : size;
}

/* Writes one to `to`, which is zeroed; its size. */
static u32 put_record(u8 *to, u8 type, struct inode *inode, const s32 *fsid, const char *name,
		      u32 name_length)
{
	struct linux_fanotify_info info = {.type = type, .fsid = {fsid[0], fsid[1]}};
	struct linux_file_handle handle;
	u32 size = record_size(name_length, name != NULL);

	if (handle_of(inode, &handle) != 0)
		return 0;
	info.length = (u16)size;
	memcpy(to, &info, sizeof(info));
	memcpy(to + sizeof(info), &handle, sizeof(handle));
	if (name != NULL)
		memcpy(to + sizeof(info) + sizeof(handle), name, name_length);
	return size;
}

/* What the group is told about: the directory first, perhaps with the name; then the file. */
struct report {
	struct inode *directory, *file;
	const char *name;
	u32 name_length;
};

static struct report choose_report(u32 flags, const struct notify_facts *facts, u32 mask)
{
	bool is_directory = mask & FAN_ONDIR;
	struct report report = {NULL, NULL, NULL, 0};

	if (!(flags & FAN_REPORT_DIR_FID)) {
		report.file = facts->entry ? facts->directory : facts->inode;
		return report;
	}
	if (facts->entry || (!is_directory && facts->directory != NULL)) {
		report.directory = facts->directory;
		if (flags & FAN_REPORT_NAME) {
			report.name = facts->name;
			report.name_length = facts->name_length;
		}
		if (!facts->entry && flags & FAN_REPORT_FID)
			report.file = facts->inode;
	} else if (is_directory) {
		report.directory = facts->inode;
		if (flags & FAN_REPORT_NAME) {
			report.name = ".";
			report.name_length = 1;
		}
	} else {
		report.file = facts->inode;
	}
	return report;
}

static struct fan_event *make_event(const struct fan_group *group, const struct notify_facts *facts,
				    u32 mask, const s32 *fsid)
{
	struct report report = {NULL, NULL, NULL, 0};
	u32 room = 0;

	if (fan_reports_ids(group)) {
		report = choose_report(group->flags, facts, mask);
		room = record_size(report.name_length, true) + record_size(0, false);
	}
	struct fan_event *event = kzalloc(sizeof(*event) + room);
	if (event == NULL)
		return NULL;
	list_init(&event->link);
	event->refs = 1;
	event->mask = mask;
	event->fd = FANOTIFY_NO_FD;
	event->pid = group->flags & FAN_REPORT_TID ? current->tid : current->process->pid;
	if (!fan_reports_ids(group)) {
		event->path = *facts->path;
		path_get(&event->path);
		return event;
	}
	if (report.directory != NULL)
		event->info_length +=
			put_record(event->info, report.name ? FAN_INFO_DFID_NAME : FAN_INFO_DFID,
				   report.directory, fsid, report.name, report.name_length);
	if (report.file != NULL)
		event->info_length += put_record(event->info + event->info_length, FAN_INFO_FID,
						 report.file, fsid, NULL, 0);
	return event;
}

static void free_event(struct fan_event *event)
{
	if (event->path.mount != NULL)
		path_put(&event->path);
	kfree(event);
}

/* --- The queue --- */

static bool are_alike(const struct fan_event *one, const struct fan_event *other)
{
	return !(one->mask & FANOTIFY_PERMISSIONS) && one->pid == other->pid &&
	       path_equal(&one->path, &other->path) &&
	       (one->mask & FAN_ONDIR) == (other->mask & FAN_ONDIR) &&
	       one->info_length == other->info_length &&
	       memcmp(one->info, other->info, one->info_length) == 0;
}

static bool join_locked(struct fan_group *group, const struct fan_event *event)
{
	struct fan_event *other;
	unsigned compared = 0;

	list_for_each_entry_reverse(other, &group->events, link)
	{
		if (++compared > COMPARED)
			break;
		if (are_alike(other, event)) {
			other->mask |= event->mask;
			return true;
		}
	}
	return false;
}

/* Whether the queue has it now. */
static bool add_locked(struct fan_group *group, struct fan_event *event)
{
	if (group->closed)
		return false;
	if (group->count >= QUEUE_MAX && !(group->flags & FAN_UNLIMITED_QUEUE)) {
		group->overflowed = true;
		return false;
	}
	list_add_tail(&event->link, &group->events);
	group->count++;
	return true;
}

void fan_queue(struct fan_group *group, const struct notify_facts *facts, u32 mask, const s32 *fsid)
{
	struct fan_event *event = make_event(group, facts, mask, fsid);
	bool added = false;

	spin_lock(&group->lock);
	if (event == NULL)
		group->overflowed = true;
	else
		added = !join_locked(group, event) && add_locked(group, event);
	spin_unlock(&group->lock);
	if (event != NULL && !added) {
		/* The caller has the path, so this is not its last reference. */
		free_event(event);
	}
	wake_up_events(&group->readers, UINT_MAX, POLLIN | POLLRDNORM);
}

/* --- Questions --- */

int fan_ask(struct fan_group *group, const struct notify_facts *facts, u32 mask)
{
	struct fan_event *event = make_event(group, facts, mask, NULL);
	int result = 0;

	if (event == NULL)
		return -ENOMEM;
	event->refs = 2;
	spin_lock(&group->lock);
	bool added = add_locked(group, event);
	spin_unlock(&group->lock);
	if (!added) {
		free_event(event);
		return 0;
	}
	wake_up_events(&group->readers, UINT_MAX, POLLIN | POLLRDNORM);
	result = wait_event_killable(&group->askers, READ_ONCE(event->answer) != 0);
	spin_lock(&group->lock);
	if (!list_empty(&event->link)) {
		if (event->fd == FANOTIFY_NO_FD)
			group->count--;
		list_remove(&event->link);
		event->refs--;
	}
	if (event->answer == FAN_DENY)
		result = -EPERM;
	bool last = --event->refs == 0;
	spin_unlock(&group->lock);
	if (last)
		free_event(event);
	return result;
}

static void answer_locked(struct fan_event *event, u32 answer)
{
	list_remove(&event->link);
	event->refs--; /* whoever asked has another */
	WRITE_ONCE(event->answer, answer);
}

ssize_t fan_write(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct fan_group *group = file->private;
	struct linux_fanotify_response response;
	struct fan_event *event;
	ssize_t result = -ENOENT;

	if (!(group->flags & FAN_CLASSES) || cursor->remaining < sizeof(response))
		return -EINVAL;
	if (io_copy_from(cursor, &response, sizeof(response)) != sizeof(response))
		return -EFAULT;
	if ((response.answer != FAN_ALLOW && response.answer != FAN_DENY) || response.fd < 0)
		return -EINVAL;
	spin_lock(&group->lock);
	list_for_each_entry (event, &group->asked, link) {
		if (event->fd != response.fd)
			continue;
		answer_locked(event, response.answer);
		result = sizeof(response);
		break;
	}
	spin_unlock(&group->lock);
	wake_up_all(&group->askers);
	return result;
}

void fan_queue_close(struct fan_group *group)
{
	struct list_head dropped = LIST_INIT(dropped);

	spin_lock(&group->lock);
	group->closed = true;
	while (!list_empty(&group->asked))
		answer_locked(list_first_entry(&group->asked, struct fan_event, link), FAN_ALLOW);
	while (!list_empty(&group->events)) {
		struct fan_event *event = list_first_entry(&group->events, struct fan_event, link);

		if (event->mask & FANOTIFY_PERMISSIONS) {
			answer_locked(event, FAN_ALLOW);
		} else {
			list_remove(&event->link);
			list_add_tail(&event->link, &dropped);
		}
	}
	spin_unlock(&group->lock);
	wake_up_all(&group->askers);
	while (!list_empty(&dropped)) {
		struct fan_event *event = list_first_entry(&dropped, struct fan_event, link);

		list_remove(&event->link);
		free_event(event);
	}
}

/* --- Reading --- */

static bool has_events(struct fan_group *group)
{
	return !list_empty(&group->events) || READ_ONCE(group->overflowed);
}

/*
 * The first event, out of the queue, with the queue's reference; NULL: none; ERR_PTR(-EINVAL): too
 * little room.  *overflow: events were lost behind those that were read.
 */
static struct fan_event *take(struct fan_group *group, size_t room, bool *overflow)
{
	struct fan_event *event = NULL;

	*overflow = false;
	spin_lock(&group->lock);
	if (!list_empty(&group->events)) {
		event = list_first_entry(&group->events, struct fan_event, link);
		if (HEAD + event->info_length > room) {
			event = ERR_PTR(-EINVAL);
		} else {
			list_remove(&event->link);
			group->count--;
		}
	} else if (group->overflowed) {
		if (room < HEAD)
			event = ERR_PTR(-EINVAL);
		*overflow = room >= HEAD;
		group->overflowed = room < HEAD;
	}
	spin_unlock(&group->lock);
	return event;
}

static void drop_taken(struct fan_group *group, struct fan_event *event)
{
	spin_lock(&group->lock);
	bool last = --event->refs == 0;
	spin_unlock(&group->lock);
	if (last)
		free_event(event);
}

/* Who asked waits for the answer, unless he was killed meanwhile: then nobody is asked. */
static void await_answer(struct fan_group *group, struct fan_event *event, s32 fd, bool failed)
{
	bool dropped = false;

	spin_lock(&group->lock);
	event->fd = fd;
	if (event->refs == 1) {
		dropped = true;
	} else if (failed || group->closed) {
		event->refs--;
		WRITE_ONCE(event->answer, failed ? FAN_DENY : FAN_ALLOW);
	} else {
		list_add_tail(&event->link, &group->asked);
	}
	spin_unlock(&group->lock);
	wake_up_all(&group->askers);
	if (dropped)
		free_event(event);
}

/* Opens the event's file for the reader: a descriptor that is not filled yet, and the file. */
static int open_for_reader(const struct fan_group *group, const struct fan_event *event,
			   struct file **file)
{
	int fd = fd_reserve(group->open_flags & O_CLOEXEC);

	if (fd < 0)
		return fd;
	*file = file_open_quiet(&event->path, group->open_flags);
	if (!IS_ERR(*file))
		return fd;
	fd_release(fd);
	return (int)PTR_ERR(*file);
}

/* Whose doing it was is for those to know who may, and for himself. */
static s32 shown_pid(const struct fan_group *group, pid_t pid)
{
	return group->privileged || pid == current->process->pid ? pid_show_number(pid) : 0;
}

static ssize_t copy_out(const struct fan_group *group, const struct fan_event *event, s32 fd,
			struct io_cursor *cursor)
{
	struct linux_fanotify_event head = {
		.length = HEAD + event->info_length,
		.version = FANOTIFY_VERSION,
		.head_length = HEAD,
		.mask = event->mask,
		.fd = fd,
		.pid = shown_pid(group, event->pid),
	};

	if (io_copy_to(cursor, &head, sizeof(head)) != (ssize_t)sizeof(head))
		return -EFAULT;
	if (event->info_length > 0 &&
	    io_copy_to(cursor, event->info, event->info_length) != (ssize_t)event->info_length)
		return -EFAULT;
	return (ssize_t)head.length;
}

/* Gives the reader an event that was taken, and disposes of it. */
static ssize_t deliver(struct fan_group *group, struct fan_event *event, struct io_cursor *cursor)
{
	bool question = event->mask & FANOTIFY_PERMISSIONS;
	struct file *file = NULL;
	s32 fd = FANOTIFY_NO_FD;
	ssize_t result = 0;

	if (event->path.mount != NULL) {
		fd = open_for_reader(group, event, &file);
		result = MIN(fd, 0);
	}
	if (result == 0)
		result = copy_out(group, event, fd, cursor);
	if (fd >= 0) {
		if (result < 0) {
			fd_release(fd);
			file_put(file);
		} else {
			fd_fill(fd, file);
		}
	}
	if (question)
		await_answer(group, event, fd, result < 0);
	else
		drop_taken(group, event);
	return result;
}

static ssize_t tell_overflow(const struct fan_group *group, struct io_cursor *cursor)
{
	const struct fan_event lost = {.mask = FAN_Q_OVERFLOW};

	return copy_out(group, &lost, FANOTIFY_NO_FD, cursor);
}

ssize_t fan_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct fan_group *group = file->private;
	ssize_t total = 0, done;

	for (;;) {
		bool overflow;
		struct fan_event *event = take(group, cursor->remaining, &overflow);

		if (IS_ERR(event))
			return total > 0 ? total : (ssize_t)PTR_ERR(event);
		if (event == NULL && !overflow) {
			if (total > 0)
				return total;
			if (file->flags & O_NONBLOCK)
				return -EAGAIN;
			int error = wait_event_interruptible(&group->readers, has_events(group));
			if (error)
				return error;
			continue;
		}
		done = overflow ? tell_overflow(group, cursor) : deliver(group, event, cursor);
		if (done < 0)
			return total > 0 ? total : done;
		total += done;
	}
}

u32 fan_poll(struct file *file, struct poll_table *table)
{
	struct fan_group *group = file->private;

	poll_wait(file, &group->readers, table);
	return has_events(group) ? POLLIN | POLLRDNORM : 0;
}

u32 fan_bytes(struct fan_group *group)
{
	const struct fan_event *event;
	u32 total = 0;

	spin_lock(&group->lock);
	list_for_each_entry (event, &group->events, link)
		total += HEAD + event->info_length;
	spin_unlock(&group->lock);
	return total;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leases of fcntl(2): who has one on a file is told by a signal, and given time, before somebody
 * else opens the file in a way that does not go with it.
 *
 * A lease belongs to an open file and goes with it.  Whoever opens a file marks the leases that are
 * in the way as breaking, which sends the signal, and waits until they have been given up or cut
 * down, or their time is over.  There are few leases: all are on one list, which leases_lock (spin)
 * guards; everybody who waits does so on one queue.
 *
 * A new lease is on the list before it is looked who else has the file open, and an open looks at
 * the list once it holds the name; so one of the two sees the other.  Opens under another name of
 * the same file are not seen by who asks for a lease for writing.
 */
#include "fs/async.h"
#include "fs/fs_internal.h"

#include "arch/clock.h"
#include "proc/credentials.h"

struct lease {
	struct list_head link;
	struct file *file; /* not counted */
	int type;          /* F_RDLCK or F_WRLCK */
	int target;        /* what it is to become; type: it is not breaking */
	nsec_t deadline;   /* of that */
};

struct lease_settings lease_settings = {.break_seconds = 45};

static spinlock_t leases_lock = SPINLOCK_INIT;
static struct list_head leases = LIST_INIT(leases); /* leases_lock */
static wait_queue_t queue = WAIT_QUEUE_INIT(queue);

bool leases_exist(void)
{
	return !list_empty(&leases);
}

static struct lease *find_locked(const struct file *file)
{
	struct lease *lease;

	list_for_each_entry (lease, &leases, link)
		if (lease->file == file)
			return lease;
	return NULL;
}

/* --- Breaking --- */

static bool is_in_the_way(const struct lease *lease, const struct inode *inode, bool write)
{
	return lease->file->inode == inode && (lease->type == F_WRLCK || write);
}

/* Tells those in the way; the time by which the first of them must have gone, 0: nobody is. */
static nsec_t begin_breaking(const struct inode *inode, bool write)
{
	int target = write ? F_UNLCK : F_RDLCK;
	nsec_t first = 0;
	struct lease *lease;

	spin_lock(&leases_lock);
	list_for_each_entry (lease, &leases, link) {
		if (!is_in_the_way(lease, inode, write))
			continue;
		if (lease->target != target && lease->target != F_UNLCK) {
			if (lease->target == lease->type)
				lease->deadline =
					clock_monotonic() +
					READ_ONCE(lease_settings.break_seconds) * NSEC_PER_SEC;
			lease->target = target;
			async_tell_changed(lease->file);
		}
		first = first == 0 ? lease->deadline : MIN(first, lease->deadline);
	}
	spin_unlock(&leases_lock);
	return first;
}

static bool anybody_in_the_way(const struct inode *inode, bool write)
{
	const struct lease *lease;
	bool any = false;

	spin_lock(&leases_lock);
	list_for_each_entry (lease, &leases, link)
		any = any || is_in_the_way(lease, inode, write);
	spin_unlock(&leases_lock);
	return any;
}

/* Those whose time is over become what they were to. */
static void end_late(const struct inode *inode)
{
	nsec_t now = clock_monotonic();
	struct lease *lease, *following;
	struct list_head over = LIST_INIT(over);

	spin_lock(&leases_lock);
	list_for_each_entry_safe (lease, following, &leases, link) {
		if (lease->file->inode != inode || lease->target == lease->type ||
		    lease->deadline > now)
			continue;
		lease->type = lease->target;
		if (lease->type == F_UNLCK)
			list_move_tail(&lease->link, &over);
	}
	spin_unlock(&leases_lock);
	list_for_each_entry_safe (lease, following, &over, link)
		kfree(lease);
	wake_up_all(&queue);
}

int leases_break(struct inode *inode, u32 flags)
{
	bool write = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
	nsec_t deadline;

	while ((deadline = begin_breaking(inode, write)) != 0) {
		if (flags & O_NONBLOCK)
			return -EAGAIN;
		int error = wait_event_timeout(&queue, !anybody_in_the_way(inode, write), deadline,
					       WAIT_INTERRUPTIBLE);

		if (error == -ETIMEDOUT)
			end_late(inode);
		else if (error)
			return error;
	}
	return 0;
}

/* --- Having one --- */

/* Was there one? */
static bool take_off(const struct file *file)
{
	spin_lock(&leases_lock);
	struct lease *lease = find_locked(file);
	if (lease)
		list_remove(&lease->link);
	spin_unlock(&leases_lock);
	wake_up_all(&queue);
	bool there = lease != NULL;
	kfree(lease);
	return there;
}

void leases_release(const struct file *file)
{
	if (leases_exist())
		(void)take_off(file);
}

/* Is the file open, or leased, in a way that a lease of that type does not go with? */
static bool is_taken_locked(const struct file *file, int type)
{
	s32 writers = __atomic_load_n(&file->inode->writers, __ATOMIC_ACQUIRE);
	const struct lease *lease;

	if (type == F_RDLCK && writers > 0)
		return true;
	if (type == F_WRLCK && (writers > (file->mode & FILE_WRITE ? 1 : 0) ||
				__atomic_load_n(&file->path.dentry->refs, __ATOMIC_ACQUIRE) > 1))
		return true;
	list_for_each_entry (lease, &leases, link)
		if (lease->file != file && lease->file->inode == file->inode &&
		    (type == F_WRLCK || lease->target == F_UNLCK))
			return true;
	return false;
}

static int give(struct file *file, int type)
{
	struct lease *fresh = kzalloc(sizeof(*fresh)), *lease;
	int error = 0;

	if (!fresh)
		return -ENOMEM;
	*fresh = (struct lease){.file = file, .type = F_UNLCK, .target = F_UNLCK};
	list_init(&fresh->link);
	spin_lock(&leases_lock);
	lease = find_locked(file);
	if (!lease) {
		list_add_tail(&fresh->link, &leases);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	if (is_taken_locked(file, type)) {
		error = -EAGAIN;
		list_remove(&fresh->link);
	} else if (!lease) {
		lease = fresh;
		fresh = NULL;
	}
	if (!error)
		lease->type = lease->target = type;
	spin_unlock(&leases_lock);
	kfree(fresh);
	wake_up_all(&queue);
	return error;
}

/* With it go the file's owner and signal. */
static int give_back(struct file *file)
{
	if (!take_off(file))
		return -EAGAIN;
	int error = async_set_signal(file, 0);
	return error ? error : async_set_owner(file, F_OWNER_PID, 0);
}

long leases_set(struct file *file, int fd, int type)
{
	struct inode *inode = file->inode;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	if (current_credentials()->fsuid != inode->uid && !capable(CAP_LEASE))
		return -EACCES;
	if (!S_ISREG(inode->mode))
		return -EINVAL;
	if (type == F_UNLCK)
		return give_back(file);
	int error = async_own(file, fd);
	if (error)
		return error;
	__atomic_or_fetch(&file->mode, FILE_LOCKED, __ATOMIC_RELAXED);
	return give(file, type);
}

long leases_get(const struct file *file)
{
	spin_lock(&leases_lock);
	const struct lease *lease = find_locked(file);
	int type = lease ? lease->target : F_UNLCK;
	spin_unlock(&leases_lock);
	return type;
}

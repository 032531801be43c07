/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks: fcntl(2)'s record locks, owned by a process (its descriptor table) or by an open
 * file description, and flock(2)'s, owned by an open file description.
 *
 * One spin lock guards all lists: locks are few and operations short.  A request that must wait
 * sleeps on the inode's queue and tries again whenever a lock of the inode goes.  For deadlock
 * detection every waiting process is on a list with the owner that it waits for; owners are
 * followed from one to the next before a process lies down.
 *
 * The locks of one owner on one inode never overlap, and neighbours of one type are merged.
 */
#include "fs/fs_internal.h"

#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/task.h"

enum lock_kind { LOCK_PROCESS, LOCK_OPEN_FILE, LOCK_FLOCK };

/* All of it: locks_lock. */
struct file_lock {
	struct list_head link;
	enum lock_kind kind;
	int type;       /* F_RDLCK or F_WRLCK; F_UNLCK in requests */
	s64 start, end; /* inclusive; end INT64_MAX: to the end of the file, however long */
	const void *owner;
	pid_t pid;
};

struct lock_context {
	struct list_head link;  /* locks_lock: `contexts` */
	struct list_head locks; /* locks_lock */
	struct inode *inode;    /* whose they are; const, alive as long as this is */
	wait_queue_t queue;
};

/* A process that waits for a lock. */
struct lock_waiter {
	struct list_head link; /* empty: not waiting */
	const void *owner, *waits_for;
};

static spinlock_t locks_lock = SPINLOCK_INIT;
static struct list_head waiters = LIST_INIT(waiters);   /* locks_lock */
static struct list_head contexts = LIST_INIT(contexts); /* locks_lock: for /proc/locks */

static struct lock_context *context_of(struct inode *inode)
{
	struct lock_context *context = __atomic_load_n(&inode->locks, __ATOMIC_ACQUIRE),
			    *expected = NULL;

	if (context)
		return context;
	context = kzalloc(sizeof(*context));
	if (!context)
		return NULL;
	list_init(&context->locks);
	context->inode = inode;
	wait_queue_init(&context->queue);
	if (__atomic_compare_exchange_n(&inode->locks, &expected, context, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		spin_lock(&locks_lock);
		list_add_tail(&context->link, &contexts);
		spin_unlock(&locks_lock);
		return context;
	}
	kfree(context);
	return expected;
}

void locks_free_inode(struct inode *inode)
{
	struct file_lock *lock, *next;

	list_for_each_entry_safe (lock, next, &inode->locks->locks, link)
		kfree(lock);
	spin_lock(&locks_lock);
	list_remove(&inode->locks->link);
	spin_unlock(&locks_lock);
	kfree(inode->locks);
}

static bool overlap(const struct file_lock *a, const struct file_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

/* Record locks of both kinds see each other; flock's see only their like. */
static bool conflict(const struct file_lock *a, const struct file_lock *b)
{
	if ((a->kind == LOCK_FLOCK) != (b->kind == LOCK_FLOCK))
		return false;
	if (a->kind == b->kind && a->owner == b->owner)
		return false;
	return overlap(a, b) && (a->type == F_WRLCK || b->type == F_WRLCK);
}

static struct file_lock *find_conflict(struct lock_context *context,
				       const struct file_lock *request)
{
	struct file_lock *lock;

	list_for_each_entry (lock, &context->locks, link)
		if (conflict(lock, request))
			return lock;
	return NULL;
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

/*
 * Takes [start, end] out of what the owner has; *spare serves for the second half of a lock that is
 * cut in two, and is NULL afterwards if it did.
 */
static void carve(struct lock_context *context, const struct file_lock *request,
		  struct file_lock **spare)
{
	struct file_lock *lock, *next;

	list_for_each_entry_safe (lock, next, &context->locks, link) {
		if (!same_owner(lock, request) || !overlap(lock, request))
			continue;
		if (lock->start < request->start && lock->end > request->end) {
			struct file_lock *tail = *spare;

			*spare = NULL;
			*tail = *lock;
			tail->start = request->end + 1;
			lock->end = request->start - 1;
			list_add(&tail->link, &lock->link);
			return;
		}
		if (lock->start < request->start) {
			lock->end = request->start - 1;
		} else if (lock->end > request->end) {
			lock->start = request->end + 1;
		} else {
			list_remove(&lock->link);
			kfree(lock);
		}
	}
}

/* Adds a lock, in the place of its neighbours of the same kind too. */
static void insert_merged(struct lock_context *context, struct file_lock *added)
{
	struct file_lock *lock, *next;

	list_for_each_entry_safe (lock, next, &context->locks, link) {
		if (!same_owner(lock, added) || lock->type != added->type)
			continue;
		if (lock->end != INT64_MAX && lock->end + 1 == added->start)
			added->start = lock->start;
		else if (added->end != INT64_MAX && added->end + 1 == lock->start)
			added->end = lock->end;
		else
			continue;
		list_remove(&lock->link);
		kfree(lock);
	}
	list_add_tail(&added->link, &context->locks);
}

/* Would waiting for `blocker` close a circle?  locks_lock held. */
static bool would_deadlock(const struct file_lock *request, const struct file_lock *blocker)
{
	const void *owner = blocker->owner;

	if (request->kind != LOCK_PROCESS || blocker->kind != LOCK_PROCESS)
		return false;
	for (int steps = 0; steps < 64; steps++) {
		struct lock_waiter *waiter;
		const void *next = NULL;

		if (owner == request->owner)
			return true;
		list_for_each_entry (waiter, &waiters, link)
			if (waiter->owner == owner)
				next = waiter->waits_for;
		if (!next)
			return false;
		owner = next;
	}
	return false;
}

/* One attempt.  0; -EAGAIN: somebody else has it (and `waiter`, if any, is listed); -EDEADLK;
 * -ENOLCK. */
static int try_lock(struct lock_context *context, const struct file_lock *request,
		    struct lock_waiter *waiter)
{
	struct file_lock *added = kmalloc(sizeof(*added)), *spare = kmalloc(sizeof(*spare));
	struct file_lock *blocker;
	int result = 0;

	if (!added || !spare) {
		kfree(added);
		kfree(spare);
		return -ENOLCK;
	}
	spin_lock(&locks_lock);
	if (waiter)
		list_remove(&waiter->link);
	blocker = request->type == F_UNLCK ? NULL : find_conflict(context, request);
	if (blocker && waiter && would_deadlock(request, blocker)) {
		result = -EDEADLK;
	} else if (blocker) {
		result = -EAGAIN;
		if (waiter && request->kind == LOCK_PROCESS && blocker->kind == LOCK_PROCESS) {
			waiter->waits_for = blocker->owner;
			list_add(&waiter->link, &waiters);
		}
	} else {
		carve(context, request, &spare);
		if (request->type != F_UNLCK) {
			*added = *request;
			insert_merged(context, added);
			added = NULL;
		}
	}
	spin_unlock(&locks_lock);
	kfree(added);
	kfree(spare);
	/* What was held before may be less now. */
	if (result == 0)
		wake_up_all(&context->queue);
	return result;
}

static int set_lock(struct file *file, const struct file_lock *request, bool wait)
{
	struct lock_context *context = context_of(file->inode);
	struct lock_waiter waiter = {.link = LIST_INIT(waiter.link), .owner = request->owner};
	int result, interrupted;

	if (!context)
		return -ENOLCK;
	if (request->type != F_UNLCK)
		__atomic_or_fetch(&file->mode, FILE_LOCKED, __ATOMIC_RELAXED);
	if (!wait)
		return try_lock(context, request, NULL);
	interrupted = wait_event_interruptible(
		&context->queue, (result = try_lock(context, request, &waiter)) != -EAGAIN);
	spin_lock(&locks_lock);
	list_remove(&waiter.link);
	spin_unlock(&locks_lock);
	return interrupted ? interrupted : result;
}

static void release_all(struct inode *inode, enum lock_kind kind, const void *owner)
{
	struct lock_context *context = inode->locks;
	struct file_lock *lock, *next;
	bool released = false;

	spin_lock(&locks_lock);
	list_for_each_entry_safe (lock, next, &context->locks, link) {
		if (lock->kind != kind || lock->owner != owner)
			continue;
		list_remove(&lock->link);
		kfree(lock);
		released = true;
	}
	spin_unlock(&locks_lock);
	if (released)
		wake_up_all(&context->queue);
}

void locks_release_owner(struct file *file, const struct files *owner)
{
	release_all(file->inode, LOCK_PROCESS, owner);
}

void locks_release_file(struct file *file)
{
	if (!file->inode->locks)
		return;
	release_all(file->inode, LOCK_FLOCK, file);
	release_all(file->inode, LOCK_OPEN_FILE, file);
}

/* From fcntl's terms: any whence, a length that may be negative or 0. */
static int request_from_user(struct file *file, const struct linux_flock *from,
			     struct file_lock *request)
{
	s64 base, start, end;

	switch (from->whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = file->position;
		break;
	case SEEK_END:
		base = inode_size(file->inode);
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, from->start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	end = INT64_MAX;
	if (from->length > 0) {
		if (__builtin_add_overflow(start, from->length - 1, &end))
			return -EOVERFLOW;
	} else if (from->length < 0) {
		end = start - 1;
		if (start + from->length < 0)
			return -EINVAL;
		start += from->length;
	}
	if (from->type != F_RDLCK && from->type != F_WRLCK && from->type != F_UNLCK)
		return -EINVAL;
	request->type = from->type;
	request->start = start;
	request->end = end;
	return 0;
}

static long get_lock(struct file *file, const struct file_lock *request, struct linux_flock *answer)
{
	struct lock_context *context = context_of(file->inode);
	const struct file_lock *blocker;

	if (!context)
		return -ENOLCK;
	spin_lock(&locks_lock);
	blocker = find_conflict(context, request);
	if (blocker) {
		answer->type = (s16)blocker->type;
		answer->whence = SEEK_SET;
		answer->start = blocker->start;
		answer->length = blocker->end == INT64_MAX ? 0 : blocker->end - blocker->start + 1;
		answer->pid = blocker->kind == LOCK_OPEN_FILE ? -1 : pid_show_number(blocker->pid);
	} else {
		answer->type = F_UNLCK;
	}
	spin_unlock(&locks_lock);
	return 0;
}

long locks_fcntl(struct file *file, unsigned command, vaddr_t argument)
{
	bool open_file = command >= F_OFD_GETLK && command <= F_OFD_SETLKW;
	bool get = command == F_GETLK || command == F_OFD_GETLK;
	struct file_lock request = {
		.kind = open_file ? LOCK_OPEN_FILE : LOCK_PROCESS,
		.owner = open_file ? (const void *)file : current->files,
		.pid = current->process->pid,
	};
	struct linux_flock user;
	long error = get_user(user, argument);

	if (error)
		return error;
	if (open_file && user.pid != 0)
		return -EINVAL;
	if (get && user.type != F_RDLCK && user.type != F_WRLCK)
		return -EINVAL;
	error = request_from_user(file, &user, &request);
	if (error)
		return error;
	if (get) {
		error = get_lock(file, &request, &user);
		return error ? error : put_user(user, argument);
	}
	if ((request.type == F_RDLCK && !(file->mode & FILE_READ)) ||
	    (request.type == F_WRLCK && !(file->mode & FILE_WRITE)))
		return -EBADF;
	return set_lock(file, &request, command == F_SETLKW || command == F_OFD_SETLKW);
}

long locks_flock(struct file *file, int operation)
{
	struct file_lock request = {
		.kind = LOCK_FLOCK,
		.owner = file,
		.pid = current->process->pid,
		.end = INT64_MAX,
	};

	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		request.type = F_RDLCK;
		break;
	case LOCK_EX:
		request.type = F_WRLCK;
		break;
	case LOCK_UN:
		request.type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	return set_lock(file, &request, !(operation & LOCK_NB));
}

/* --- /proc/locks --- */

/* Copies up to `room` locks, and says how many there are. */
static size_t copy_locks(struct lock_shown *shown, size_t room)
{
	struct lock_context *context;
	struct file_lock *lock;
	size_t count = 0;

	spin_lock(&locks_lock);
	list_for_each_entry (context, &contexts, link)
		list_for_each_entry (lock, &context->locks, link)
			if (count++ < room)
				shown[count - 1] = (struct lock_shown){
					.is_flock = lock->kind == LOCK_FLOCK,
					.is_of_file = lock->kind == LOCK_OPEN_FILE,
					.is_write = lock->type == F_WRLCK,
					.pid = lock->pid,
					.device = context->inode->superblock->device,
					.ino = context->inode->ino,
					.start = lock->start,
					.end = lock->end,
				};
	spin_unlock(&locks_lock);
	return count;
}

struct lock_shown *locks_shown(size_t *count)
{
	size_t room = 16;

	for (;;) {
		struct lock_shown *shown = kmalloc(room * sizeof(*shown));

		if (shown == NULL)
			return NULL;
		*count = copy_locks(shown, room);
		if (*count <= room)
			return shown;
		kfree(shown);
		room = *count * 2;
	}
}

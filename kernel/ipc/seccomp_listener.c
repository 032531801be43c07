/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listeners of seccomp(2): a filter's thread whose call is to be asked about waits here until the
 * holder of the listener's file has answered.
 *
 * A request lives on the stack of the thread that waits, and is on its listener's list meanwhile;
 * `lock` (mutex) guards the list and what is on it.  Descriptors that the holder gives are
 * installed by the waiting thread, outside of the lock, for that may close another file, perhaps
 * this one.  A listener is counted: its filter and its file hold it.
 */
#include "ipc/seccomp_listener.h"

#include "fs/calls.h"
#include "lib/abi/seccomp.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/hooks.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"

struct seccomp_listener {
	u32 refs;      /* atomic */
	bool killable; /* const: who was read waits for SIGKILL alone */
	bool gone;     /* set once: nobody has the filter any more */
	bool closed;   /* lock */
	mutex_t lock;
	u64 last_id;               /* lock */
	struct list_head requests; /* lock */
	u32 unread;                /* lock to write: requests that nobody has read */
	wait_queue_t queue;        /* of who reads and polls */
};

enum request_state { STATE_NEW, STATE_READ, STATE_ANSWERED };

struct request {
	struct list_head link;
	u64 id;
	const struct task *task;
	const struct linux_seccomp_data *data;
	enum request_state state;
	struct linux_seccomp_notif_resp answer;
	struct list_head gifts;
	wait_queue_t queue; /* the thread that waits */
};

/* A descriptor on its way; on the giver's stack. */
struct gift {
	struct list_head link; /* lock: empty once it is being installed */
	const struct linux_seccomp_notif_addfd *how;
	struct file *file;
	int result;
	bool done; /* lock */
	wait_queue_t queue;
};

static void listener_put(struct seccomp_listener *listener)
{
	if (__atomic_sub_fetch(&listener->refs, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(listener);
}

static struct request *find_locked(struct seccomp_listener *listener, u64 id)
{
	struct request *request;

	list_for_each_entry (request, &listener->requests, link)
		if (request->id == id)
			return request;
	return NULL;
}

static struct request *first_in_locked(struct seccomp_listener *listener, enum request_state state)
{
	struct request *request;

	list_for_each_entry (request, &listener->requests, link)
		if (request->state == state)
			return request;
	return NULL;
}

static void set_state_locked(struct seccomp_listener *listener, struct request *request,
			     enum request_state state)
{
	u32 unread = listener->unread;

	unread -= request->state == STATE_NEW;
	unread += state == STATE_NEW;
	WRITE_ONCE(listener->unread, unread);
	WRITE_ONCE(request->state, state);
}

/* --- The thread that waits --- */

static void finish_gift(struct seccomp_listener *listener, struct gift *gift, int result)
{
	mutex_lock(&listener->lock);
	gift->result = result;
	gift->done = true;
	wake_up_all(&gift->queue);
	mutex_unlock(&listener->lock);
}

static struct gift *take_gift(struct seccomp_listener *listener, struct request *request)
{
	mutex_lock(&listener->lock);
	struct gift *gift = list_first_entry_or_null(&request->gifts, struct gift, link);
	if (gift != NULL)
		list_remove(&gift->link);
	mutex_unlock(&listener->lock);
	return gift;
}

static void take_gifts(struct seccomp_listener *listener, struct request *request)
{
	struct gift *gift;

	while ((gift = take_gift(listener, request)) != NULL) {
		const struct linux_seccomp_notif_addfd *how = gift->how;
		bool close_on_exec = how->wanted_flags & O_CLOEXEC;
		bool sends = how->flags & SECCOMP_ADDFD_FLAG_SEND;
		int fd = how->flags & SECCOMP_ADDFD_FLAG_SETFD
				 ? fd_replace(gift->file, (int)how->wanted, close_on_exec)
				 : fd_install(file_get_ref(gift->file),
					      close_on_exec ? O_CLOEXEC : 0);

		if (sends && fd >= 0) {
			mutex_lock(&listener->lock);
			request->answer = (struct linux_seccomp_notif_resp){.value = fd};
			set_state_locked(listener, request, STATE_ANSWERED);
			mutex_unlock(&listener->lock);
		}
		finish_gift(listener, gift, fd);
	}
}

static bool is_due(const struct request *request)
{
	return READ_ONCE(request->state) == STATE_ANSWERED || !list_empty(&request->gifts);
}

/* Until there is an answer: 0, or the error of a signal. */
static int wait_for_answer(struct seccomp_listener *listener, struct request *request)
{
	for (;;) {
		bool killable = listener->killable && READ_ONCE(request->state) == STATE_READ;
		int error =
			wait_event_full(&request->queue, is_due(request),
					killable ? WAIT_KILLABLE : WAIT_INTERRUPTIBLE, NO_DEADLINE);

		if (error == 0)
			take_gifts(listener, request);
		/* Meanwhile it may have been read. */
		else if (killable || !listener->killable || READ_ONCE(request->state) != STATE_READ)
			return error;
		if (READ_ONCE(request->state) == STATE_ANSWERED)
			return 0;
	}
}

static bool ask(struct seccomp_listener *listener, const struct linux_seccomp_data *data,
		long *result)
{
	struct request request = {.task = current, .data = data, .state = STATE_ANSWERED};
	struct gift *gift;
	int error = 0;

	list_init(&request.link);
	list_init(&request.gifts);
	wait_queue_init(&request.queue);
	mutex_lock(&listener->lock);
	bool closed = listener->closed;
	if (!closed) {
		request.id = ++listener->last_id;
		list_add_tail(&request.link, &listener->requests);
		set_state_locked(listener, &request, STATE_NEW);
	}
	mutex_unlock(&listener->lock);
	if (closed) {
		*result = -ENOSYS;
		return false;
	}
	wake_up_events(&listener->queue, UINT_MAX, POLLIN | POLLRDNORM);
	error = wait_for_answer(listener, &request);
	mutex_lock(&listener->lock);
	set_state_locked(listener, &request, STATE_ANSWERED);
	list_remove(&request.link);
	mutex_unlock(&listener->lock);
	while ((gift = take_gift(listener, &request)) != NULL)
		finish_gift(listener, gift, -ESRCH);
	if (error != 0) {
		*result = error;
		return false;
	}
	*result = request.answer.error != 0 ? request.answer.error : request.answer.value;
	return request.answer.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE;
}

/* --- Who listens --- */

/* 0, or -EINVAL when something stands where the request is to go. */
static int check_empty(vaddr_t address)
{
	struct linux_seccomp_notif notice;
	const u8 *bytes = (const u8 *)&notice;

	if (get_user(notice, address) != 0)
		return -EFAULT;
	for (size_t i = 0; i < sizeof(notice); i++)
		if (bytes[i] != 0)
			return -EINVAL;
	return 0;
}

static void read_again(struct seccomp_listener *listener, u64 id)
{
	mutex_lock(&listener->lock);
	struct request *request = find_locked(listener, id);
	if (request != NULL && request->state == STATE_READ)
		set_state_locked(listener, request, STATE_NEW);
	mutex_unlock(&listener->lock);
	wake_up_events(&listener->queue, UINT_MAX, POLLIN | POLLRDNORM);
}

static long receive(struct seccomp_listener *listener, vaddr_t address)
{
	struct linux_seccomp_notif notice = {0};
	int error = check_empty(address);

	if (error == 0)
		error = wait_event_interruptible(&listener->queue, READ_ONCE(listener->unread) > 0);
	if (error != 0)
		return error == -ERESTARTSYS ? -EINTR : error;
	mutex_lock(&listener->lock);
	struct request *request = first_in_locked(listener, STATE_NEW);
	if (request != NULL) {
		notice.id = request->id;
		notice.pid = (u32)pid_number_in(request->task->numbers, pid_namespace_current());
		notice.data = *request->data;
		set_state_locked(listener, request, STATE_READ);
	}
	mutex_unlock(&listener->lock);
	if (request == NULL)
		return -ENOENT;
	wake_up_events(&listener->queue, UINT_MAX, POLLOUT | POLLWRNORM);
	if (put_user(notice, address) == 0)
		return 0;
	read_again(listener, notice.id);
	return -EFAULT;
}

static long respond(struct seccomp_listener *listener, vaddr_t address)
{
	struct linux_seccomp_notif_resp answer;
	long result = 0;

	if (get_user(answer, address) != 0)
		return -EFAULT;
	if (answer.flags & ~(u32)SECCOMP_USER_NOTIF_FLAG_CONTINUE ||
	    (answer.flags != 0 && (answer.error != 0 || answer.value != 0)))
		return -EINVAL;
	mutex_lock(&listener->lock);
	struct request *request = find_locked(listener, answer.id);
	if (request == NULL) {
		result = -ENOENT;
	} else if (request->state != STATE_READ) {
		result = -EINPROGRESS;
	} else {
		request->answer = answer;
		set_state_locked(listener, request, STATE_ANSWERED);
		wake_up_all(&request->queue);
	}
	mutex_unlock(&listener->lock);
	return result;
}

static long is_valid(struct seccomp_listener *listener, vaddr_t address)
{
	u64 id;

	if (get_user(id, address) != 0)
		return -EFAULT;
	mutex_lock(&listener->lock);
	const struct request *request = find_locked(listener, id);
	bool valid = request != NULL && request->state == STATE_READ;
	mutex_unlock(&listener->lock);
	return valid ? 0 : -ENOENT;
}

static int hand_over(struct seccomp_listener *listener, struct gift *gift)
{
	int error = 0;

	mutex_lock(&listener->lock);
	struct request *request = find_locked(listener, gift->how->id);
	if (request == NULL) {
		error = -ENOENT;
	} else if (request->state != STATE_READ) {
		error = -EINPROGRESS;
	} else if (gift->how->flags & SECCOMP_ADDFD_FLAG_SEND && !list_empty(&request->gifts)) {
		error = -EBUSY;
	} else {
		list_add_tail(&gift->link, &request->gifts);
		wake_up_all(&request->queue);
	}
	mutex_unlock(&listener->lock);
	return error;
}

/* The descriptor that it has got, or an error. */
static int wait_for_gift(struct seccomp_listener *listener, struct gift *gift)
{
	int error = wait_event_interruptible(&gift->queue, READ_ONCE(gift->done));

	mutex_lock(&listener->lock);
	bool withdrawn = error != 0 && !list_empty(&gift->link);
	if (withdrawn)
		list_remove(&gift->link);
	mutex_unlock(&listener->lock);
	if (withdrawn)
		return -EINTR;
	wait_event(&gift->queue, READ_ONCE(gift->done));
	/* Whoever finishes it does not touch it after letting go of the lock. */
	mutex_lock(&listener->lock);
	mutex_unlock(&listener->lock);
	return gift->result;
}

static long give(struct seccomp_listener *listener, vaddr_t address)
{
	struct linux_seccomp_notif_addfd how;
	struct gift gift = {.how = &how};

	if (get_user(how, address) != 0)
		return -EFAULT;
	if (how.flags & ~(u32)(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND) ||
	    how.wanted_flags & ~(u32)O_CLOEXEC ||
	    (how.wanted != 0 && !(how.flags & SECCOMP_ADDFD_FLAG_SETFD)))
		return -EINVAL;
	gift.file = fd_get((int)how.source);
	if (gift.file == NULL)
		return -EBADF;
	list_init(&gift.link);
	wait_queue_init(&gift.queue);
	int result = hand_over(listener, &gift);
	if (result == 0)
		result = wait_for_gift(listener, &gift);
	file_put(gift.file);
	return result;
}

static long listener_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
	struct seccomp_listener *listener = file->private;

	switch (command) {
	case SECCOMP_IOCTL_NOTIF_RECV:
		return receive(listener, argument);
	case SECCOMP_IOCTL_NOTIF_SEND:
		return respond(listener, argument);
	case SECCOMP_IOCTL_NOTIF_ID_VALID:
	case SECCOMP_IOCTL_NOTIF_ID_VALID_OLD:
		return is_valid(listener, argument);
	case SECCOMP_IOCTL_NOTIF_ADDFD:
		return give(listener, argument);
	default:
		return -EINVAL;
	}
}

static u32 listener_poll(struct file *file, struct poll_table *table)
{
	struct seccomp_listener *listener = file->private;
	u32 events = 0;

	poll_wait(file, &listener->queue, table);
	mutex_lock(&listener->lock);
	if (first_in_locked(listener, STATE_NEW) != NULL)
		events |= POLLIN | POLLRDNORM;
	if (first_in_locked(listener, STATE_READ) != NULL)
		events |= POLLOUT | POLLWRNORM;
	mutex_unlock(&listener->lock);
	return events | (READ_ONCE(listener->gone) ? POLLHUP : 0u);
}

/* Nobody will answer any more. */
static void listener_release(struct file *file)
{
	struct seccomp_listener *listener = file->private;
	struct request *request;

	mutex_lock(&listener->lock);
	listener->closed = true;
	list_for_each_entry (request, &listener->requests, link) {
		if (request->state == STATE_ANSWERED)
			continue;
		request->answer = (struct linux_seccomp_notif_resp){.error = -ENOSYS};
		set_state_locked(listener, request, STATE_ANSWERED);
		wake_up_all(&request->queue);
	}
	mutex_unlock(&listener->lock);
	listener_put(listener);
}

static const struct file_operations listener_operations = {
	.release = listener_release,
	.poll = listener_poll,
	.ioctl = listener_ioctl,
	.stream = true,
};

/* --- Hooks --- */

static void filter_gone(struct seccomp_listener *listener)
{
	WRITE_ONCE(listener->gone, true);
	wake_up_events(&listener->queue, UINT_MAX, POLLHUP);
	listener_put(listener);
}

static int prepare(bool killable, struct seccomp_listener **result, struct file **file)
{
	struct seccomp_listener *listener = kzalloc(sizeof(*listener));

	if (listener == NULL)
		return -ENOMEM;
	listener->refs = 1;
	listener->killable = killable;
	mutex_init(&listener->lock);
	list_init(&listener->requests);
	wait_queue_init(&listener->queue);
	int fd = fd_reserve(O_CLOEXEC);
	if (fd < 0) {
		listener_put(listener);
		return fd;
	}
	struct file *made = anon_file_create("anon_inode:seccomp notify", &listener_operations,
					     listener, O_RDWR);
	if (IS_ERR(made)) {
		fd_release(fd);
		listener_put(listener);
		return (int)PTR_ERR(made);
	}
	/* The other reference is the filter's. */
	__atomic_add_fetch(&listener->refs, 1, __ATOMIC_RELAXED);
	*result = listener;
	*file = made;
	return fd;
}

static void discard(int fd, struct file *file)
{
	fd_release(fd);
	file_put(file);
}

static const struct seccomp_hooks hooks = {
	.prepare = prepare,
	.install = fd_fill,
	.discard = discard,
	.ask = ask,
	.filter_gone = filter_gone,
};

void seccomp_listener_init(void)
{
	seccomp_hooks = &hooks;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Native asynchronous I/O's system calls, and what its requests do.
 *
 * What is wrong with a request as such is the result of io_submit(2); what comes of carrying it out
 * is the answer's.
 */
#include "ipc/aio.h"

#include "arch/clock.h"
#include "fs/calls.h"
#include "ipc/event.h"
#include "lib/errno.h"
#include "mm/iov.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/signal.h"
#include "proc/time.h"
#include "syscall/table.h"

/* Requests are known by this number in them. */
enum { REQUEST_KEY = 0 };
enum { PRIORITY_CLASS_SHIFT = 13, PRIORITY_REAL_TIME = 1, PRIORITY_IDLE = 3, PRIORITY_LEVELS = 8 };

long sys_io_setup(u32 requests, vaddr_t address)
{
	u64 number;

	if (get_user(number, address) != 0)
		return -EFAULT;
	if (number != 0 || requests == 0 || requests > 0x10000000 / 2 / sizeof(struct aio_event))
		return -EINVAL;
	int error = aio_create(requests, &number);
	if (error != 0)
		return error;
	if (put_user(number, address) == 0)
		return 0;
	struct aio_context *context = aio_get(number);
	if (context != NULL) {
		(void)!aio_end(context);
		aio_put(context);
	}
	return -EFAULT;
}

long sys_io_destroy(vaddr_t number)
{
	struct aio_context *context = aio_get(number);

	if (context == NULL)
		return -EINVAL;
	int error = aio_end(context);
	aio_put(context);
	return error;
}

/* --- Requests --- */

struct submission {
	struct aio_context *context;
	const struct aio_request *request;
	struct aio_event event;
	struct file *file, *eventfd; /* counted; eventfd may be NULL */
};

static int check_priority(const struct aio_request *request)
{
	unsigned priority = (u16)request->priority;
	unsigned class = priority >> PRIORITY_CLASS_SHIFT;

	if (!(request->flags & IOCB_FLAG_IOPRIO))
		return 0;
	if (class > PRIORITY_IDLE ||
	    (class != 0 && (priority & ((1u << PRIORITY_CLASS_SHIFT) - 1)) >= PRIORITY_LEVELS) ||
	    (class == 0 && priority != 0))
		return -EINVAL;
	return class == PRIORITY_REAL_TIME && !capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE)
		       ? -EPERM
		       : 0;
}

static void answer(const struct submission *submission, s64 result)
{
	struct aio_event event = submission->event;

	/* It cannot be begun again: others of the same call may have been. */
	if (result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND ||
	    result == -ERESTART_RESTARTBLOCK)
		result = -EINTR;
	event.result = result;
	aio_complete(submission->context, &event, submission->eventfd);
}

static int init_cursor(struct io_cursor *cursor, const struct aio_request *request, bool write)
{
	enum io_direction direction = write ? IO_WRITE : IO_READ;
	bool vector = request->command == IOCB_CMD_PREADV || request->command == IOCB_CMD_PWRITEV;

	return vector ? io_cursor_init_vector(cursor, request->buffer, request->length, direction)
		      : io_cursor_init_user(cursor, request->buffer, request->length, direction);
}

static int transfer(const struct submission *submission, bool write)
{
	const struct aio_request *request = submission->request;
	struct file *file = submission->file;
	struct io_cursor cursor;
	off_t position = request->offset;
	int error = check_priority(request);

	if (error == 0 && request->rw_flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC))
		error = -EOPNOTSUPP;
	if (error == 0 && !(file->mode & (write ? FILE_WRITE : FILE_READ)))
		error = -EBADF;
	if (error == 0 && (write ? file->ops->write == NULL : file->ops->read == NULL))
		error = -EINVAL;
	if (error == 0)
		error = init_cursor(&cursor, request, write);
	if (error != 0)
		return error;
	if (position < 0)
		error = -EINVAL;
	else
		answer(submission, write ? file_write(file, &cursor, &position)
					 : file_read(file, &cursor, &position));
	io_cursor_release(&cursor);
	return error;
}

static int synchronise(const struct submission *submission, bool data_only)
{
	const struct aio_request *request = submission->request;
	struct file *file = submission->file;

	if (request->buffer != 0 || request->offset != 0 || request->length != 0 ||
	    request->rw_flags != 0 || file->ops->fsync == NULL)
		return -EINVAL;
	answer(submission, file->ops->fsync(file, 0, INT64_MAX, data_only));
	return 0;
}

/* Takes over the references on success. */
static int wait_for_events(struct submission *submission)
{
	const struct aio_request *request = submission->request;

	if (request->buffer > UINT16_MAX || request->offset != 0 || request->length != 0 ||
	    request->rw_flags != 0)
		return -EINVAL;
	int error = aio_poll(submission->context, &submission->event, submission->file,
			     submission->eventfd, (u32)request->buffer);
	if (error == 0)
		submission->file = submission->eventfd = NULL;
	return error;
}

static int carry_out(struct submission *submission)
{
	switch (submission->request->command) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PREADV:
		return transfer(submission, false);
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_PWRITEV:
		return transfer(submission, true);
	case IOCB_CMD_FSYNC:
		return synchronise(submission, false);
	case IOCB_CMD_FDSYNC:
		return synchronise(submission, true);
	case IOCB_CMD_POLL:
		return wait_for_events(submission);
	default:
		return -EINVAL;
	}
}

static int find_files(struct submission *submission)
{
	const struct aio_request *request = submission->request;

	submission->file = fd_get((int)request->fd);
	if (submission->file == NULL)
		return -EBADF;
	if (!(request->flags & IOCB_FLAG_RESFD))
		return 0;
	submission->eventfd = fd_get((int)request->result_fd);
	if (submission->eventfd == NULL)
		return -EBADF;
	return eventfd_is(submission->eventfd) ? 0 : -EINVAL;
}

static int submit(struct aio_context *context, vaddr_t address)
{
	struct aio_request request;
	u32 key = REQUEST_KEY;

	if (get_user(request, address) != 0)
		return -EFAULT;
	if (request.reserved != 0 || (s64)request.length < 0)
		return -EINVAL;
	int error = aio_reserve(context);
	if (error != 0)
		return error;
	struct submission submission = {.context = context,
					.request = &request,
					.event = {.data = request.data, .request = address}};
	error = find_files(&submission);
	if (error == 0 && put_user(key, address + offsetof(struct aio_request, key)) != 0)
		error = -EFAULT;
	if (error == 0)
		error = carry_out(&submission);
	if (error != 0)
		aio_unreserve(context);
	if (submission.file != NULL)
		file_put(submission.file);
	if (submission.eventfd != NULL)
		file_put(submission.eventfd);
	return error;
}

long sys_io_submit(vaddr_t number, long count, vaddr_t requests)
{
	struct aio_context *context;
	long done = 0, error = 0;

	if (count < 0)
		return -EINVAL;
	context = aio_get(number);
	if (context == NULL)
		return -EINVAL;
	for (count = MIN(count, (long)aio_most(context)); done < count; done++) {
		u64 address;

		error = get_user(address, requests + (u64)done * sizeof(address)) != 0
				? -EFAULT
				: submit(context, address);
		if (error != 0)
			break;
	}
	aio_put(context);
	return done > 0 ? done : error;
}

long sys_io_cancel(vaddr_t number, vaddr_t request, vaddr_t result __unused)
{
	u32 key;

	if (get_user(key, request + offsetof(struct aio_request, key)) != 0)
		return -EFAULT;
	if (key != REQUEST_KEY)
		return -EINVAL;
	struct aio_context *context = aio_get(number);
	if (context == NULL)
		return -EINVAL;
	int error = aio_cancel(context, request);
	aio_put(context);
	/* Its answer comes through the ring. */
	return error == 0 ? -EINPROGRESS : error;
}

/* --- Answers --- */

static int get_deadline(nsec_t *deadline, vaddr_t timeout)
{
	struct linux_timespec time;

	*deadline = NO_DEADLINE;
	if (timeout == 0)
		return 0;
	if (get_user(time, timeout) != 0)
		return -EFAULT;
	/* What is no time, and what is over, do not wait. */
	*deadline = timespec_valid(&time) && timespec_to_nsec(&time) != 0
			    ? time_after(timespec_to_nsec(&time))
			    : 0;
	return 0;
}

static long take(vaddr_t number, long least, long most, vaddr_t events, nsec_t deadline)
{
	struct aio_context *context = aio_get(number);
	long result = -EINVAL;

	if (context == NULL)
		return -EINVAL;
	if (least >= 0 && least <= most)
		result = aio_take(context, (u32)MIN(least, (long)UINT32_MAX),
				  (u32)MIN(most, (long)UINT32_MAX), events, deadline);
	aio_put(context);
	return result;
}

long sys_io_getevents(vaddr_t number, long least, long most, vaddr_t events, vaddr_t timeout)
{
	nsec_t deadline;
	int error = get_deadline(&deadline, timeout);

	return error != 0 ? error : take(number, least, most, events, deadline);
}

long sys_io_pgetevents(vaddr_t number, long least, long most, vaddr_t events, vaddr_t timeout,
		       vaddr_t mask)
{
	struct {
		u64 set, size;
	} argument = {0, 0};
	nsec_t deadline;
	int error = get_deadline(&deadline, timeout);

	if (error == 0 && mask != 0 && get_user(argument, mask) != 0)
		error = -EFAULT;
	if (error == 0)
		error = signal_push_user_mask(argument.set, argument.size);
	if (error != 0)
		return error;
	long result = take(number, least, most, events, deadline);
	signal_pop_mask(result == -EINTR);
	return result;
}

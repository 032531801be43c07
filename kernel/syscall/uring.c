/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring's system calls, and what its requests do: each is the system call that it is named
 * after, with the arguments where io_uring_enter(2) says.
 */
#include "ipc/uring.h"

#include "arch/clock.h"
#include "fs/calls.h"
#include "ipc/splice.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/iov.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "proc/time.h"
#include "syscall/table.h"

enum { MSG_DONTWAIT = 0x40 };

/* --- Reading and writing --- */

static s64 move(const struct uring_sqe *sqe, struct file *file, struct io_cursor *cursor,
		bool write)
{
	off_t position = (off_t)sqe->offset;
	bool own = sqe->offset == UINT64_MAX || file->ops->stream;
	off_t *where = own ? &file->position : &position;
	s64 result;

	if (!(file->mode & (write ? FILE_WRITE : FILE_READ)))
		return -EBADF;
	if (!own && position < 0)
		return -EINVAL;
	bool locked = own && file_lock_position(file);
	result = write ? file_write(file, cursor, where) : file_read(file, cursor, where);
	if (own)
		file_unlock_position(file, locked);
	return result;
}

static s64 do_buffer(struct uring *ring, const struct uring_sqe *sqe, struct file *file, bool write)
{
	bool fixed = sqe->opcode == IORING_OP_READ_FIXED || sqe->opcode == IORING_OP_WRITE_FIXED;
	struct io_cursor cursor;
	int error = sqe->op_flags != 0 ? -EOPNOTSUPP : 0;

	if (error == 0 && fixed)
		error = uring_check_buffer(ring, sqe->buffer, sqe->address, sqe->length);
	if (error == 0)
		error = io_cursor_init_user(&cursor, sqe->address, sqe->length,
					    write ? IO_WRITE : IO_READ);
	if (error != 0)
		return error;
	s64 result = move(sqe, file, &cursor, write);
	io_cursor_release(&cursor);
	return result;
}

static s64 do_vector(const struct uring_sqe *sqe, struct file *file, bool write)
{
	struct io_cursor cursor;
	int error = sqe->op_flags != 0 ? -EOPNOTSUPP : 0;

	if (error == 0)
		error = io_cursor_init_vector(&cursor, sqe->address, sqe->length,
					      write ? IO_WRITE : IO_READ);
	if (error != 0)
		return error;
	s64 result = move(sqe, file, &cursor, write);
	io_cursor_release(&cursor);
	return result;
}

/* --- What each of them does --- */

static s64 do_splice(const struct uring_sqe *sqe)
{
	s64 in = (s64)sqe->address, out = (s64)sqe->offset;
	vaddr_t none = 0;

	if (sqe->opcode == IORING_OP_TEE)
		return sys_tee(sqe->splice_fd, sqe->fd, sqe->length, sqe->op_flags);
	/* Positions in the files are not in memory here. */
	if (in != -1 || out != -1)
		return -EINVAL;
	return sys_splice(sqe->splice_fd, none, sqe->fd, none, sqe->length, sqe->op_flags);
}

static s64 do_close(const struct uring_sqe *sqe)
{
	struct file *file = fd_get_any(sqe->fd);
	bool ring = file != NULL && uring_of(file) != NULL;

	if (file == NULL)
		return -EBADF;
	file_put(file);
	/* A ring would wait for itself. */
	return ring || sqe->splice_fd != 0 ? -EBADF : sys_close(sqe->fd);
}

static s64 do_files_update(struct uring *ring, const struct uring_sqe *sqe)
{
	return uring_update_files(ring, (u32)sqe->offset, sqe->address, sqe->length);
}

/* On sockets; those of registered files are not reached by a number. */
static s64 do_socket(const struct uring_sqe *sqe, const struct file *file)
{
	struct file *now = sqe->flags & IOSQE_FIXED_FILE ? NULL : fd_get(sqe->fd);
	bool same = now == file;

	/* Meanwhile the number may have got another file. */
	if (now != NULL)
		file_put(now);
	if (!same)
		return -EBADF;
	switch (sqe->opcode) {
	case IORING_OP_SENDMSG:
		return sys_sendmsg(sqe->fd, sqe->address, sqe->op_flags);
	case IORING_OP_RECVMSG:
		return sys_recvmsg(sqe->fd, sqe->address, sqe->op_flags);
	case IORING_OP_SEND:
		return sys_sendto(sqe->fd, sqe->address, sqe->length, sqe->op_flags, 0, 0);
	case IORING_OP_RECV:
		return sys_recvfrom(sqe->fd, sqe->address, sqe->length, sqe->op_flags, 0, 0);
	case IORING_OP_ACCEPT:
		return sys_accept4(sqe->fd, sqe->address, sqe->offset, (int)sqe->op_flags);
	case IORING_OP_CONNECT:
		return sys_connect(sqe->fd, sqe->address, (int)sqe->offset);
	default:
		return -EINVAL;
	}
}

static s64 do_names(const struct uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_OPENAT:
		return sys_openat(sqe->fd, sqe->address, (int)sqe->op_flags, sqe->length);
	case IORING_OP_OPENAT2:
		return sys_openat2(sqe->fd, sqe->address, sqe->offset, sqe->length);
	case IORING_OP_STATX:
		return sys_statx(sqe->fd, sqe->address, (int)sqe->op_flags, sqe->length,
				 sqe->offset);
	case IORING_OP_RENAMEAT:
		return sys_renameat2(sqe->fd, sqe->address, (int)sqe->length, sqe->offset,
				     sqe->op_flags);
	case IORING_OP_UNLINKAT:
		return sys_unlinkat(sqe->fd, sqe->address, (int)sqe->op_flags);
	case IORING_OP_MKDIRAT:
		return sys_mkdirat(sqe->fd, sqe->address, sqe->length);
	case IORING_OP_SYMLINKAT:
		return sys_symlinkat(sqe->address, sqe->fd, sqe->offset);
	case IORING_OP_LINKAT:
		return sys_linkat(sqe->fd, sqe->address, (int)sqe->length, sqe->offset,
				  (int)sqe->op_flags);
	default:
		return -EINVAL;
	}
}

static s64 do_fsync(const struct uring_sqe *sqe, struct file *file)
{
	off_t end = sqe->length != 0 ? (off_t)(sqe->offset + sqe->length) : INT64_MAX;

	if (sqe->op_flags & ~(u32)IORING_FSYNC_DATASYNC)
		return -EINVAL;
	if (file->ops->fsync == NULL)
		return -EINVAL;
	return file->ops->fsync(file, (off_t)sqe->offset, end,
				sqe->op_flags & IORING_FSYNC_DATASYNC);
}

static s64 do_rest(struct uring *ring, const struct uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_NOP:
		return 0;
	case IORING_OP_FALLOCATE:
		return sys_fallocate(sqe->fd, (int)sqe->length, (off_t)sqe->offset,
				     (off_t)sqe->address);
	case IORING_OP_SYNC_FILE_RANGE:
		return sys_sync_file_range(sqe->fd, (off_t)sqe->offset, sqe->length, sqe->op_flags);
	case IORING_OP_FADVISE:
		return sys_fadvise64(sqe->fd, (off_t)sqe->offset, sqe->length, (int)sqe->op_flags);
	case IORING_OP_MADVISE:
		return sys_madvise(sqe->address, sqe->length, (int)sqe->op_flags);
	case IORING_OP_EPOLL_CTL:
		return sys_epoll_ctl(sqe->fd, (int)sqe->length, (int)sqe->offset, sqe->address);
	case IORING_OP_SHUTDOWN:
		return sys_shutdown(sqe->fd, (int)sqe->length);
	case IORING_OP_CLOSE:
		return do_close(sqe);
	case IORING_OP_FILES_UPDATE:
		return do_files_update(ring, sqe);
	case IORING_OP_PROVIDE_BUFFERS:
		return uring_provide_buffers(ring, sqe);
	case IORING_OP_REMOVE_BUFFERS:
		return uring_remove_buffers(ring, sqe);
	default:
		return do_names(sqe);
	}
}

static s64 execute(struct uring *ring, const struct uring_sqe *sqe, struct file *file)
{
	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_READ_FIXED:
		return do_buffer(ring, sqe, file, false);
	case IORING_OP_WRITE:
	case IORING_OP_WRITE_FIXED:
		return do_buffer(ring, sqe, file, true);
	case IORING_OP_READV:
		return do_vector(sqe, file, false);
	case IORING_OP_WRITEV:
		return do_vector(sqe, file, true);
	case IORING_OP_FSYNC:
		return do_fsync(sqe, file);
	case IORING_OP_SPLICE:
	case IORING_OP_TEE:
		return do_splice(sqe);
	case IORING_OP_SENDMSG:
	case IORING_OP_RECVMSG:
	case IORING_OP_SEND:
	case IORING_OP_RECV:
	case IORING_OP_ACCEPT:
	case IORING_OP_CONNECT:
		return do_socket(sqe, file);
	default:
		return do_rest(ring, sqe);
	}
}

/* --- Which there are --- */

/* What a request waits for on its file; known: there is such a request. */
static const struct {
	bool known;
	u32 events;
} kinds[IORING_OP_LAST] = {
#define KIND(name, what) [IORING_OP_##name] = {.known = true, .events = (what)}
	KIND(NOP, 0),
	KIND(READV, POLLIN),
	KIND(WRITEV, POLLOUT),
	KIND(FSYNC, POLLOUT),
	KIND(READ_FIXED, POLLIN),
	KIND(WRITE_FIXED, POLLOUT),
	KIND(POLL_ADD, POLLIN),
	KIND(POLL_REMOVE, 0),
	KIND(SYNC_FILE_RANGE, 0),
	KIND(SENDMSG, POLLOUT),
	KIND(RECVMSG, POLLIN),
	KIND(TIMEOUT, 0),
	KIND(TIMEOUT_REMOVE, 0),
	KIND(ACCEPT, POLLIN),
	KIND(ASYNC_CANCEL, 0),
	KIND(LINK_TIMEOUT, 0),
	KIND(PROVIDE_BUFFERS, 0),
	KIND(REMOVE_BUFFERS, 0),
	KIND(CONNECT, POLLOUT),
	KIND(FALLOCATE, 0),
	KIND(OPENAT, 0),
	KIND(CLOSE, 0),
	KIND(FILES_UPDATE, 0),
	KIND(STATX, 0),
	KIND(READ, POLLIN),
	KIND(WRITE, POLLOUT),
	KIND(FADVISE, 0),
	KIND(MADVISE, 0),
	KIND(SEND, POLLOUT),
	KIND(RECV, POLLIN),
	KIND(OPENAT2, 0),
	KIND(EPOLL_CTL, 0),
	KIND(SPLICE, 0),
	KIND(TEE, 0),
	KIND(SHUTDOWN, 0),
	KIND(RENAMEAT, 0),
	KIND(UNLINKAT, 0),
	KIND(MKDIRAT, 0),
	KIND(SYMLINKAT, 0),
	KIND(LINKAT, 0),
#undef KIND
};

static u32 events_of(u8 opcode)
{
	return opcode < IORING_OP_LAST ? kinds[opcode].events : 0;
}

static bool is_known(u8 opcode)
{
	return opcode < IORING_OP_LAST && kinds[opcode].known;
}

static const struct uring_ops operations = {
	.execute = execute, .events = events_of, .is_known = is_known};

/* --- The calls --- */

long sys_io_uring_setup(u32 entries, vaddr_t address)
{
	struct uring_params params;

	if (get_user(params, address) != 0)
		return -EFAULT;
	for (unsigned i = 0; i < ARRAY_SIZE(params.reserved); i++)
		if (params.reserved[i] != 0)
			return -EINVAL;
	uring_set_ops(&operations);
	struct file *file = uring_create(entries, &params);
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (put_user(params, address) != 0) {
		file_put(file);
		return -EFAULT;
	}
	return fd_install(file, O_CLOEXEC);
}

static int get_wait(struct uring_getevents *wait, nsec_t *deadline, u32 flags, vaddr_t argument,
		    size_t size)
{
	*wait = (struct uring_getevents){.mask = argument, .mask_size = (u32)size};
	*deadline = NO_DEADLINE;
	if (!(flags & IORING_ENTER_EXT_ARG))
		return 0;
	if (size != sizeof(*wait))
		return -EINVAL;
	if (get_user(*wait, argument) != 0)
		return -EFAULT;
	if (wait->padding != 0)
		return -EINVAL;
	if (wait->timeout == 0)
		return 0;
	nsec_t delay;
	int error = timespec_from_user(&delay, wait->timeout);
	if (error == 0)
		*deadline = clock_monotonic() + delay;
	return error;
}

static long wait_for(struct uring *ring, u32 count, u32 flags, vaddr_t argument, size_t size)
{
	struct uring_getevents wait;
	nsec_t deadline;
	int error = get_wait(&wait, &deadline, flags, argument, size);

	if (error == 0)
		error = signal_push_user_mask(wait.mask, wait.mask_size);
	if (error != 0)
		return error;
	error = uring_wait(ring, count, deadline);
	signal_pop_mask(error == -EINTR);
	return error;
}

long sys_io_uring_enter(int fd, u32 count, u32 least, u32 flags, vaddr_t argument, size_t size)
{
	long submitted = 0, waited = 0;

	if (flags & ~(u32)(IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_EXT_ARG))
		return -EINVAL;
	/* Counted, for a request may close the descriptor. */
	struct file *file = fd_get(fd);
	if (file == NULL)
		return -EBADF;
	struct uring *ring = uring_of(file);
	if (ring == NULL)
		submitted = -EOPNOTSUPP;
	else if (count > 0)
		submitted = uring_submit(ring, count);
	if (submitted >= 0 && flags & IORING_ENTER_GETEVENTS)
		waited = wait_for(ring, least, flags, argument, size);
	file_put(file);
	return submitted != 0 ? submitted : waited;
}

static long probe(vaddr_t address, u32 count)
{
	struct uring_probe head = {.last_op = IORING_OP_LAST - 1,
				   .ops_count = (u8)MIN(count, (u32)IORING_OP_LAST)};

	if (count > 256)
		return -EINVAL;
	if (put_user(head, address) != 0)
		return -EFAULT;
	for (u32 i = 0; i < head.ops_count; i++) {
		struct uring_probe_op op = {.op = (u8)i,
					    .flags = is_known((u8)i) ? IO_URING_OP_SUPPORTED : 0};

		if (put_user(op, address + sizeof(head) + i * sizeof(op)) != 0)
			return -EFAULT;
	}
	return 0;
}

static long update_files(struct uring *ring, vaddr_t argument, u32 count)
{
	struct uring_files_update update;

	if (get_user(update, argument) != 0)
		return -EFAULT;
	return update.reserved != 0 ? -EINVAL
				    : uring_update_files(ring, update.offset, update.fds, count);
}

static long change_buffer_ring(struct uring *ring, u32 what, vaddr_t argument, u32 count)
{
	struct uring_buffer_ring setting;

	if (count != 1)
		return -EINVAL;
	if (get_user(setting, argument) != 0)
		return -EFAULT;
	if (setting.flags != 0 || setting.reserved[0] != 0 || setting.reserved[1] != 0 ||
	    setting.reserved[2] != 0)
		return -EINVAL;
	return what == IORING_REGISTER_PBUF_RING ? uring_set_buffer_ring(ring, &setting)
						 : uring_drop_buffer_ring(ring, setting.group);
}

static long change(struct uring *ring, u32 what, vaddr_t argument, u32 count)
{
	s32 fd;

	switch (what) {
	case IORING_REGISTER_BUFFERS:
		return uring_set_buffers(ring, argument, count);
	case IORING_UNREGISTER_BUFFERS:
		return argument != 0 || count != 0 ? -EINVAL : uring_drop_buffers(ring);
	case IORING_REGISTER_FILES:
		return uring_set_files(ring, argument, count);
	case IORING_UNREGISTER_FILES:
		return argument != 0 || count != 0 ? -EINVAL : uring_drop_files(ring);
	case IORING_REGISTER_FILES_UPDATE:
		return update_files(ring, argument, count);
	case IORING_REGISTER_EVENTFD:
	case IORING_REGISTER_EVENTFD_ASYNC:
		if (count != 1)
			return -EINVAL;
		if (get_user(fd, argument) != 0)
			return -EFAULT;
		return fd < 0 ? -EBADF : uring_set_eventfd(ring, fd);
	case IORING_UNREGISTER_EVENTFD:
		return argument != 0 || count != 0 ? -EINVAL : uring_set_eventfd(ring, -1);
	case IORING_REGISTER_PBUF_RING:
	case IORING_UNREGISTER_PBUF_RING:
		return change_buffer_ring(ring, what, argument, count);
	case IORING_REGISTER_PROBE:
		return probe(argument, count);
	default:
		return -EINVAL;
	}
}

long sys_io_uring_register(int fd, u32 what, vaddr_t argument, u32 count)
{
	struct file *file = fd_get(fd);

	if (file == NULL)
		return -EBADF;
	struct uring *ring = uring_of(file);
	long result = -EOPNOTSUPP;
	if (ring != NULL) {
		uring_lock(ring);
		result = change(ring, what, argument, count);
		uring_unlock(ring);
	}
	file_put(file);
	return result;
}

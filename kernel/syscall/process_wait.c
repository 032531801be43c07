/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait4(2) and waitid(2), and usage records as programs see them.
 */
#include "fs/file.h"
#include "ipc/pidfd.h"
#include "lib/abi/resource.h"
#include "lib/abi/signal.h"
#include "lib/abi/wait.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/session.h"
#include "proc/time.h"
#include "proc/wait.h"
#include "syscall/process_internal.h"
#include "syscall/table.h"

#define WAIT4_OPTIONS  (WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)
#define WAITID_STATES  (WEXITED | WSTOPPED | WCONTINUED)
#define WAITID_OPTIONS (WNOHANG | WNOWAIT | WAITID_STATES | __WNOTHREAD | __WCLONE | __WALL)

int put_rusage(vaddr_t address, const struct process_usage *usage)
{
	struct linux_rusage record = {
		.ru_utime = nsec_to_timeval(usage->user_time),
		.ru_stime = nsec_to_timeval(usage->system_time),
		.ru_maxrss = (s64)(usage->max_resident / KIB),
		.ru_minflt = (s64)usage->minor_faults,
		.ru_majflt = (s64)usage->major_faults,
		.ru_inblock = (s64)usage->blocks_read,
		.ru_oublock = (s64)usage->blocks_written,
		.ru_nvcsw = (s64)usage->switches_voluntary,
		.ru_nivcsw = (s64)usage->switches_involuntary,
	};

	return put_user(record, address);
}

static void set_group(struct wait_request *request, pid_t group)
{
	request->which = WAIT_GROUP;
	request->id = group ? group : process_group_id(current->process);
}

long sys_wait4(pid_t pid, vaddr_t status, int options, vaddr_t usage)
{
	struct wait_request request = {.which = WAIT_ANY, .options = options | WEXITED};
	struct wait_result result;

	if (options & ~WAIT4_OPTIONS)
		return -EINVAL;
	if (pid == INT_MIN)
		return -ESRCH;
	if (pid > 0) {
		request.which = WAIT_PROCESS;
		request.id = pid;
	} else if (pid != -1) {
		set_group(&request, -pid);
	}

	int error = process_wait(&request, &result);
	if (error)
		return error;
	if (result.pid && status && put_user(result.status, status))
		return -EFAULT;
	if (result.pid && usage && put_rusage(usage, &result.usage))
		return -EFAULT;
	return result.pid;
}

/* The part of a siginfo that waitid fills: zero when there was nothing to report. */
static int put_wait_info(vaddr_t address, const struct wait_result *result)
{
	bool found = result->pid != 0;
	int status = result->status;
	int value = status & 0x7f;

	if (result->code == CLD_TRAPPED)
		value = status >> 8;
	else if (result->code == CLD_EXITED || result->code == CLD_STOPPED)
		value = status >> 8 & 0xff;
	else if (result->code == CLD_CONTINUED)
		value = SIGCONT;
	struct {
		s32 signo, error, code;
	} head = {found ? SIGCHLD : 0, 0, result->code};
	struct {
		s32 pid;
		u32 uid;
		s32 status;
	} child = {result->pid, result->uid, found ? value : 0};

	if (put_user(head, address))
		return -EFAULT;
	return put_user(child, address + 16);
}

/* P_PIDFD: the process of a descriptor, which lends it to the request.  A descriptor that is not
 * to block makes *nonblocking true. */
static int request_by_descriptor(struct wait_request *request, int fd, struct fd_borrow *borrow,
				 bool *nonblocking)
{
	if (fd < 0)
		return -EINVAL;
	*borrow = fd_borrow(fd);
	request->which = WAIT_THIS;
	request->process = borrow->file ? pidfd_process(borrow->file) : NULL;
	if (!request->process)
		return -EBADF;
	*nonblocking = borrow->file->flags & O_NONBLOCK && !(request->options & WNOHANG);
	if (*nonblocking)
		request->options |= WNOHANG;
	return 0;
}

static int waitid_request(struct wait_request *request, int which, pid_t id)
{
	switch (which) {
	case P_ALL:
		request->which = WAIT_ANY;
		return 0;
	case P_PID:
		request->which = WAIT_PROCESS;
		request->id = id;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		set_group(request, id);
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_waitid(int which, pid_t id, vaddr_t info, int options, vaddr_t usage)
{
	struct wait_request request = {.options = options};
	struct wait_result result;
	struct fd_borrow borrow = {NULL, false};
	bool nonblocking = false;

	if (options & ~WAITID_OPTIONS || !(options & WAITID_STATES))
		return -EINVAL;
	int error = which == P_PIDFD ? request_by_descriptor(&request, id, &borrow, &nonblocking)
				     : waitid_request(&request, which, id);
	if (!error)
		error = process_wait(&request, &result);
	if (borrow.file)
		fd_return(borrow);
	if (!error && nonblocking && result.pid == 0)
		error = -EAGAIN;
	if (error)
		return error;
	if (result.pid && usage && put_rusage(usage, &result.usage))
		return -EFAULT;
	return info ? put_wait_info(info, &result) : 0;
}

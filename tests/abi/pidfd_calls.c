/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors of processes: pidfd_open, CLONE_PIDFD, pidfd_send_signal, pidfd_getfd, waitid with
 * P_PIDFD, process_madvise and process_mrelease.
 */
#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define CLONE_ARGS_PIDFD 0x1000ull
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static int pidfd_open_(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static long send_signal(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static long getfd(int fd, int other, unsigned flags)
{
	return syscall(SYS_pidfd_getfd, fd, other, flags);
}

static long madvise_of(int fd, const struct iovec *vec, size_t count, int advice, unsigned flags)
{
	return syscall(SYS_process_madvise, fd, vec, count, advice, flags);
}

static long mrelease(int fd, unsigned flags)
{
	return syscall(SYS_process_mrelease, fd, flags);
}

static pid_t spawn_sleeper(void)
{
	pid_t pid = spawn();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static short ready(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1 ? p.revents : 0;
}

static void a_descriptor_stands_for_a_process(void)
{
	char info[512], path[64];
	pid_t pid = spawn_sleeper();
	int fd = pidfd_open_(pid, 0), st;

	ok(fd >= 0, "pidfd_open");
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "it is closed on exec");
	is(ready(fd, 0), 0, "not readable while the process lives");
	fails(read(fd, info, 8), EINVAL, "it cannot be read");
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	snprintf(info, sizeof(info), "\nPid:\t%d\n", pid);
	char shown[1024];
	ok(get_file(path, shown, sizeof(shown)) > 0 && strstr(shown, info), "fdinfo names it");

	is(send_signal(fd, 0, NULL, 0), 0, "signal 0 finds it");
	is(send_signal(fd, SIGTERM, NULL, 0), 0, "SIGTERM is sent");
	is(ready(fd, 5000), POLLIN, "its end makes the descriptor readable");
	is(send_signal(fd, 0, NULL, 0), 0, "a zombie still takes signals");
	is(waitpid(pid, &st, 0), pid, "it can be waited for");
	is(st, KILLED(SIGTERM), "with the signal as its end");
	ok(ready(fd, 0) & POLLIN, "the descriptor stays readable");
	fails(send_signal(fd, 0, NULL, 0), ESRCH, "now there is nobody to signal");
	close(fd);
}

static void *sleep_in_thread(void *arg)
{
	*(volatile pid_t *)arg = (pid_t)syscall(SYS_gettid);
	sleep_ms(300);
	return NULL;
}

static void opening_checks_its_arguments(void)
{
	pthread_t thread;
	volatile pid_t tid = 0;

	fails(pidfd_open_(0, 0), EINVAL, "pid 0");
	fails(pidfd_open_(-1, 0), EINVAL, "pid -1");
	fails(pidfd_open_(getpid(), 1), EINVAL, "an unknown flag");
	fails(pidfd_open_(4000000, 0), ESRCH, "a pid that nobody has");
	pthread_create(&thread, NULL, sleep_in_thread, (void *)&tid);
	wait_until(tid != 0);
	ok(pidfd_open_(tid, 0) == -1 && (errno == EINVAL || errno == ENOENT),
	   "a thread that does not lead its process");
	pthread_join(thread, NULL);
}

static void signals_carry_information(void)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE}, got;
	sigset_t set;
	int fd = pidfd_open_(getpid(), 0), null_fd = open("/dev/null", O_RDONLY);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	info.si_value.sival_int = 4711;
	is(send_signal(fd, SIGUSR1, &info, 0), 0, "a siginfo of our own");
	is(sigwaitinfo(&set, &got), SIGUSR1, "arrives");
	is(got.si_value.sival_int, 4711, "with its value");
	is(send_signal(fd, SIGUSR1, NULL, 0), 0, "without one");
	is(sigwaitinfo(&set, &got), SIGUSR1, "it arrives");
	is(got.si_code, SI_USER, "as from kill");
	is(got.si_pid, getpid(), "from us");
	sigprocmask(SIG_UNBLOCK, &set, NULL);

	fails(send_signal(fd, SIGUSR2, &info, 0), EINVAL, "another signal than the siginfo's");
	fails(send_signal(fd, 65, NULL, 0), EINVAL, "no such signal");
	fails(send_signal(fd, 0, NULL, 0x80000000u), EINVAL, "an unknown flag");
	fails(send_signal(null_fd, 0, NULL, 0), EBADF, "a file of another kind");
	fails(send_signal(-1, 0, NULL, 0), EBADF, "no descriptor");
	fails(send_signal(fd, SIGUSR1, BAD_POINTER, 0), EFAULT, "a bad siginfo");

	pid_t pid = spawn_sleeper();
	int other = pidfd_open_(pid, 0);
	info.si_code = SI_USER;
	fails(send_signal(other, SIGUSR1, &info, 0), EPERM, "a siginfo that pretends to be kill");
	send_signal(other, SIGKILL, NULL, 0);
	is(reap(pid), KILLED(SIGKILL), "SIGKILL through the descriptor");
	close(other);
	close(fd);
	close(null_fd);
}

static void directories_of_proc_take_signals(void)
{
	char path[64];
	pid_t pid = spawn_sleeper();

	snprintf(path, sizeof(path), "/proc/%d", pid);
	int process = open(path, O_DIRECTORY), proc = open("/proc", O_DIRECTORY);
	strcat(path, "/fd");
	int below = open(path, O_DIRECTORY);
	fails(send_signal(proc, 0, NULL, 0), EBADF, "/proc is no process");
	fails(send_signal(below, 0, NULL, 0), EBADF, "/proc/PID/fd is none");
	is(send_signal(process, 0, NULL, 0), 0, "/proc/PID is one");
	is(send_signal(process, SIGKILL, NULL, 0), 0, "and takes signals");
	is(reap(pid), KILLED(SIGKILL), "which arrive");
	ok(send_signal(process, 0, NULL, 0) < 0, "it is gone");
	close(process);
	close(proc);
	close(below);
}

static void strangers_may_not(void)
{
	pid_t pid = spawn_sleeper();
	int fd = pidfd_open_(pid, 0), st;

	if (child(&st) == 0) {
		become(1000, 1000);
		fails(send_signal(fd, SIGTERM, NULL, 0), EPERM, "an ordinary user's signal");
		fails(getfd(fd, 0, 0), EPERM, "an ordinary user's pidfd_getfd");
		_exit(0);
	}
	is(st, 0, "the stranger ends");
	kill(pid, SIGKILL);
	reap(pid);
	close(fd);
}

static void waitid_takes_descriptors(void)
{
	siginfo_t info = {0};
	volatile int *may_end = shared_ints();
	pid_t pid = spawn();

	if (pid == 0) {
		while (!*may_end)
			sleep_ms(1);
		sleep_ms(20);
		_exit(12);
	}
	int fd = pidfd_open_(pid, 0);
	is(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG), 0, "P_PIDFD with WNOHANG");
	is(info.si_pid, 0, "nothing yet");
	*may_end = 1;
	is(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0, "P_PIDFD waits");
	is(info.si_pid, pid, "for that child");
	is(info.si_status, 12, "and has its status");
	fails(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD, "afterwards it is gone");
	close(fd);

	pid = spawn_sleeper();
	fd = pidfd_open_(pid, O_NONBLOCK);
	ok(fcntl(fd, F_GETFL) & O_NONBLOCK, "PIDFD_NONBLOCK");
	fails(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN, "waitid does not block then");
	kill(pid, SIGKILL);
	ready(fd, 5000);
	is(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0, "until the child has ended");
	is(info.si_code, CLD_KILLED, "killed");
	close(fd);

	fd = pidfd_open_(getpid(), 0);
	fails(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD, "we are not our child");
	close(fd);
	fails(waitid(P_PIDFD, (id_t)-1, &info, WEXITED), EINVAL, "a negative descriptor");
	fails(waitid(P_PIDFD, 0, &info, WEXITED), EBADF, "a file of another kind");
}

static void clone_gives_a_descriptor(void)
{
	int fd = -1, st = 0;
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, NULL);

	if (pid == 0)
		_exit(5);
	ok(pid > 0 && fd >= 0, "clone with CLONE_PIDFD");
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "closed on exec");
	is(ready(fd, 5000), POLLIN, "readable when the child has ended");
	is(waitpid(pid, &st, 0), pid, "the child");
	is(st, EXITED(5), "and its status");
	close(fd);

	struct clone3_args args = {
		.flags = CLONE_ARGS_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
	fd = -1;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(6);
	ok(pid > 0 && fd >= 0, "clone3 with CLONE_PIDFD");
	is(waitid(P_PIDFD, (id_t)fd, NULL, WEXITED), 0, "waited for by descriptor");
	close(fd);

	fails(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd, NULL,
		      NULL),
	      EINVAL, "the descriptor and the number at one place");
	int before = dup(0);
	close(before);
	fails(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, BAD_POINTER, NULL, NULL), EFAULT,
	      "nowhere to store the descriptor");
	fd = dup(0);
	is(fd, before, "leaves none behind");
	close(fd);
	fails(waitpid(-1, &st, WNOHANG), ECHILD, "and no child");
}

static void files_are_taken_from_others(void)
{
	int ends[2], st;

	ok(pipe(ends) == 0, "a pipe");
	pid_t pid = spawn();
	if (pid == 0) {
		close(ends[1]);
		dup2(ends[0], 100);
		for (;;)
			pause();
	}
	int fd = pidfd_open_(pid, 0), taken = -1;
	wait_until((taken = (int)getfd(fd, 100, 0)) >= 0);
	ok(taken >= 0, "pidfd_getfd");
	is(fcntl(taken, F_GETFD), FD_CLOEXEC, "closed on exec");
	char byte = 0;
	ok(write(ends[1], "x", 1) == 1 && read(taken, &byte, 1) == 1 && byte == 'x',
	   "the same open file");
	fails(getfd(fd, 101, 0), EBADF, "a descriptor that the other has not");
	fails(getfd(fd, 100, 1), EINVAL, "an unknown flag");
	fails(getfd(taken, 100, 0), EBADF, "a file of another kind");
	kill(pid, SIGKILL);
	ready(fd, 5000);
	ok(getfd(fd, 100, 0) == -1 && (errno == ESRCH || errno == EBADF), "from a zombie");
	waitpid(pid, &st, 0);
	fails(getfd(fd, 100, 0), ESRCH, "from nobody");
	close(fd);
	close(taken);
	close(ends[0]);
	close(ends[1]);
}

static void advice_on_others_memory(void)
{
	char *pages = map_pages(4);
	memset(pages, 7, 4 * PAGE);
	pid_t pid = spawn_sleeper();
	int fd = pidfd_open_(pid, 0), null_fd = open("/dev/null", O_RDONLY);
	struct iovec vec[2] = {{pages, PAGE}, {pages + 2 * PAGE, PAGE}};

	is(madvise_of(fd, vec, 2, MADV_COLD, 0), 2 * PAGE, "MADV_COLD");
	is(madvise_of(fd, vec, 2, MADV_PAGEOUT, 0), 2 * PAGE, "MADV_PAGEOUT");
	is(madvise_of(fd, vec, 1, MADV_WILLNEED, 0), PAGE, "MADV_WILLNEED");
	fails(madvise_of(fd, vec, 2, MADV_COLD, 1), EINVAL, "an unknown flag");
	fails(madvise_of(fd, vec, 1025, MADV_COLD, 0), EINVAL, "too many buffers");
	fails(madvise_of(null_fd, vec, 1, MADV_COLD, 0), EBADF, "a file of another kind");
	fails(madvise_of(fd, BAD_POINTER, 1, MADV_COLD, 0), EFAULT, "a bad list");
	vec[1].iov_base = pages + 1;
	is(madvise_of(fd, vec, 2, MADV_COLD, 0), PAGE, "what was done before a bad buffer counts");
	fails(madvise_of(fd, vec + 1, 1, MADV_COLD, 0), EINVAL, "a bad buffer alone");
	int st;
	if (child(&st) == 0) {
		become(1000, 1000);
		fails(madvise_of(fd, vec, 1, MADV_COLD, 0), EACCES, "an ordinary user's advice");
		_exit(0);
	}
	is(st, 0, "the stranger ends");
	ok(pages[0] == 7 && pages[2 * PAGE] == 7, "nothing is lost");
	fails(mrelease(fd, 0), EINVAL, "process_mrelease of a process that lives");
	fails(mrelease(fd, 1), EINVAL, "an unknown flag");
	fails(mrelease(null_fd, 0), EBADF, "a file of another kind");
	kill(pid, SIGKILL);
	long result = mrelease(fd, 0);
	ok(result == 0 || errno == ESRCH, "process_mrelease of one that dies");
	is(reap(pid), KILLED(SIGKILL), "which ends as it should");
	fails(mrelease(fd, 0), ESRCH, "nothing to release any more");
	fails(madvise_of(fd, vec, 1, MADV_COLD, 0), ESRCH, "nobody to advise");
	close(fd);
	close(null_fd);
}

int main(void)
{
	a_descriptor_stands_for_a_process();
	opening_checks_its_arguments();
	signals_carry_information();
	directories_of_proc_take_signals();
	strangers_may_not();
	waitid_takes_descriptors();
	clone_gives_a_descriptor();
	files_are_taken_from_others();
	advice_on_others_memory();
	return done();
}

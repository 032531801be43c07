/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad pointers: every system call that takes one answers EFAULT and the kernel lives on. Each call
 * is tried with an unmapped, a kernel and a non-canonical address.
 */
#include "abi.h"

#include <sys/resource.h>

/* Marks the argument that takes the bad pointer, and arguments made when the table is used. */
enum { P = 0x7001, FD_FILE = 0x7002, FD_PIPE_IN = 0x7003, FD_PIPE_OUT = 0x7004, FD_DIR = 0x7005 };

struct call {
	const char *name;
	long number;
	long args[6];
};

static const struct call calls[] = {
	{"read", SYS_read, {FD_FILE, P, 4}},
	{"write", SYS_write, {FD_FILE, P, 4}},
	{"pread64", SYS_pread64, {FD_FILE, P, 4, 0}},
	{"pwrite64", SYS_pwrite64, {FD_FILE, P, 4, 0}},
	{"write to a pipe", SYS_write, {FD_PIPE_OUT, P, 4}},
	{"readv", SYS_readv, {FD_FILE, P, 1}},
	{"writev", SYS_writev, {FD_FILE, P, 1}},
	{"open", SYS_open, {P, O_RDONLY}},
	{"openat", SYS_openat, {AT_FDCWD, P, O_RDONLY}},
	{"creat", SYS_creat, {P, 0600}},
	{"stat", SYS_stat, {P, 0}},
	{"lstat", SYS_lstat, {P, 0}},
	{"fstat", SYS_fstat, {FD_FILE, P}},
	{"newfstatat", SYS_newfstatat, {AT_FDCWD, P, 0, 0}},
	{"statfs", SYS_statfs, {P, 0}},
	{"fstatfs", SYS_fstatfs, {FD_FILE, P}},
	{"access", SYS_access, {P, 0}},
	{"chmod", SYS_chmod, {P, 0}},
	{"chown", SYS_chown, {P, 0, 0}},
	{"mkdir", SYS_mkdir, {P, 0700}},
	{"rmdir", SYS_rmdir, {P}},
	{"unlink", SYS_unlink, {P}},
	{"link", SYS_link, {P, P}},
	{"symlink", SYS_symlink, {P, P}},
	{"rename", SYS_rename, {P, P}},
	{"readlink", SYS_readlink, {P, 0, 10}},
	{"truncate", SYS_truncate, {P, 0}},
	{"mknod", SYS_mknod, {P, S_IFIFO | 0600, 0}},
	{"chdir", SYS_chdir, {P}},
	{"chroot", SYS_chroot, {P}},
	{"getcwd", SYS_getcwd, {P, 100}},
	{"getdents64", SYS_getdents64, {FD_DIR, P, 1000}},
	{"utimensat", SYS_utimensat, {AT_FDCWD, P, 0, 0}},
	{"pipe", SYS_pipe, {P}},
	{"pipe2", SYS_pipe2, {P, 0}},
	{"poll", SYS_poll, {P, 1, 0}},
	{"select", SYS_select, {8, P, 0, 0, 0}},
	{"execve", SYS_execve, {P, 0, 0}},
	{"uname", SYS_uname, {P}},
	{"sysinfo", SYS_sysinfo, {P}},
	{"times", SYS_times, {P}},
	{"getrusage", SYS_getrusage, {RUSAGE_SELF, P}},
	{"getrlimit", SYS_getrlimit, {RLIMIT_CPU, P}},
	{"setrlimit", SYS_setrlimit, {RLIMIT_CPU, P}},
	{"prlimit64", SYS_prlimit64, {0, RLIMIT_CPU, 0, P}},
	{"getgroups", SYS_getgroups, {1000, P}},
	{"setgroups", SYS_setgroups, {1, P}},
	{"getresuid", SYS_getresuid, {P, P, P}},
	{"rt_sigaction", SYS_rt_sigaction, {SIGUSR1, P, 0, 8}},
	{"rt_sigaction, old", SYS_rt_sigaction, {SIGUSR1, 0, P, 8}},
	{"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, P, 0, 8}},
	{"rt_sigpending", SYS_rt_sigpending, {P, 8}},
	{"rt_sigsuspend", SYS_rt_sigsuspend, {P, 8}},
	{"rt_sigtimedwait", SYS_rt_sigtimedwait, {P, 0, 0, 8}},
	{"sigaltstack", SYS_sigaltstack, {P, 0}},
	{"clock_gettime", SYS_clock_gettime, {CLOCK_REALTIME, P}},
	{"clock_getres", SYS_clock_getres, {CLOCK_REALTIME, P}},
	{"nanosleep", SYS_nanosleep, {P, 0}},
	{"clock_nanosleep", SYS_clock_nanosleep, {CLOCK_MONOTONIC, 0, P, 0}},
	{"gettimeofday", SYS_gettimeofday, {P, 0}},
	{"time", SYS_time, {P}},
	{"setitimer", SYS_setitimer, {0, P, 0}},
	{"getitimer", SYS_getitimer, {0, P}},
	{"futex", SYS_futex, {P, 0, 0, 0}},
	{"sched_getaffinity", SYS_sched_getaffinity, {0, 128, P}},
	{"sched_getparam", SYS_sched_getparam, {0, P}},
	{"getrandom", SYS_getrandom, {P, 16, 0}},
	{"mount", SYS_mount, {P, P, P, 0, 0}},
	{"mincore of a good page", SYS_mincore, {0, 4096, P}},
	{"sendfile", SYS_sendfile, {FD_PIPE_OUT, FD_FILE, P, 1}},
};

static int file, dir, ends[2];
static char *page;

static long argument(const struct call *c, int i, void *bad)
{
	switch (c->args[i]) {
	case P:
		return (long)bad;
	case FD_FILE:
		return file;
	case FD_PIPE_IN:
		return ends[0];
	case FD_PIPE_OUT:
		return ends[1];
	case FD_DIR:
		return dir;
	default:
		return c->number == SYS_mincore && i == 0 ? (long)page : c->args[i];
	}
}

static long call_with(const struct call *c, void *bad)
{
	errno = 0;
	return syscall(c->number, argument(c, 0, bad), argument(c, 1, bad), argument(c, 2, bad),
		       argument(c, 3, bad), argument(c, 4, bad), argument(c, 5, bad));
}

static void every_call_refuses_bad_pointers(void)
{
	void *const pointers[] = {BAD_POINTER, KERNEL_POINTER, (void *)0x0000800000000000,
				  (void *)0x8000000000000000, (void *)0xfffffffffffff000};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		bool good = true;
		for (size_t p = 0; p < ARRAY_LEN(pointers) && good; p++) {
			long got = call_with(&calls[i], pointers[p]);
			good = got == -1 && errno == EFAULT;
			if (!good)
				note("%s with %p returned %ld, errno %d", calls[i].name,
				     pointers[p], got, errno);
		}
		ok(good, "%s with a bad pointer is EFAULT", calls[i].name);
	}
}

static void objects_that_run_into_nothing(void)
{
	char *p = map_pages(2), path[16];
	struct stat st;

	munmap(p + PAGE, PAGE);
	memset(p, 'x', PAGE);
	fails(syscall(SYS_stat, p + PAGE - 8, &st), EFAULT, "a path that runs into a hole");
	strcpy(p + PAGE - 2, "/");
	is(syscall(SYS_stat, p + PAGE - 2, &st), 0, "one that ends just before it is fine");
	fails(syscall(SYS_stat, "/", p + PAGE - 8), EFAULT, "a structure that runs into a hole");
	is(syscall(SYS_stat, "/", p + PAGE - 144), 0, "one that ends just before it is fine");
	is(pread(file, p + PAGE - 3, 4, 0), 3, "a read that runs into a hole is short");
	is(write(ends[1], p + PAGE - 3, 3), 3, "a write that ends at it is whole");
	read(ends[0], path, 3);
	mprotect(p, PAGE, PROT_READ);
	fails(syscall(SYS_stat, "/", p), EFAULT, "a result into a read-only page");
	fails(pread(file, p, 4, 0), EFAULT, "a read into one");
	fails(pread(file, (void *)(uintptr_t)objects_that_run_into_nothing, 4, 0), EFAULT,
	      "a read into program text");
	is(pwrite(file, p, 4, 0), 4, "a write from a read-only page");
	munmap(p, PAGE);
}

int main(void)
{
	gid_t groups[2] = {1, 2};

	scratch();
	syscall(SYS_setgroups, 2, groups);
	put_file("file", "content", 7, 0600);
	file = open("file", O_RDWR);
	dir = open("/", O_RDONLY);
	page = map_pages(1);
	if (pipe(ends) < 0)
		note("no pipe");
	every_call_refuses_bad_pointers();
	objects_that_run_into_nothing();
	return done();
}

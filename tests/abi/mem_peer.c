/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * process_vm_readv and process_vm_writev: another process's memory, and who may have it.
 */
#include "abi.h"

#include <sys/prctl.h>
#include <sys/uio.h>

static ssize_t fetch(pid_t pid, void *to, void *from, size_t size)
{
	struct iovec local = {to, size}, remote = {from, size};

	return syscall(SYS_process_vm_readv, pid, &local, 1UL, &remote, 1UL, 0UL);
}

static ssize_t store(pid_t pid, void *to, void *from, size_t size)
{
	struct iovec local = {from, size}, remote = {to, size};

	return syscall(SYS_process_vm_writev, pid, &local, 1UL, &remote, 1UL, 0UL);
}

/* A child that sits there with its copy of our memory. */
static pid_t sitter(void)
{
	pid_t pid = spawn();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	reap(pid);
}

static void data_moves(void)
{
	char *p = map_pages(4), *q = map_pages(4);

	for (size_t i = 0; i < 4 * PAGE; i++)
		p[i] = (char)(i * 7 + i / 256);
	pid_t pid = sitter();
	memset(p, 0, 4 * PAGE);
	is(fetch(pid, q, p + 100, 3 * PAGE), 3 * PAGE, "three pages are read, unaligned");
	bool same = true;
	for (size_t i = 0; i < 3 * PAGE; i++)
		same = same && q[i] == (char)((i + 100) * 7 + (i + 100) / 256);
	ok(same, "and are what the child has");

	memset(q, 'w', 2 * PAGE);
	is(store(pid, p + 10, q, PAGE), PAGE, "a page is written");
	ok(p[10] == 0, "our own copy stays");
	is(fetch(pid, q, p, 2 * PAGE), 2 * PAGE, "read back");
	ok(q[9] == (char)(9 * 7) && q[10] == 'w' && q[PAGE + 9] == 'w' && q[PAGE + 10] != 'w',
	   "exactly those bytes have changed");
	end(pid);
	is(fetch(getpid(), q, p, 16), 16, "a process may read itself");
	ok(memcmp(p, q, 16) == 0, "as it is");
}

static void lists_are_matched(void)
{
	char *p = map_pages(2), out[64] = "";
	struct iovec local[3] = {{out, 3}, {out + 10, 0}, {out + 20, 20}};
	struct iovec remote[3] = {{p, 5}, {p + PAGE - 2, 4}, {p, 0}};

	memcpy(p, "abcde", 5);
	memcpy(p + PAGE - 2, "wxyz", 4);
	is(syscall(SYS_process_vm_readv, getpid(), local, 3UL, remote, 3UL, 0UL), 9,
	   "the shorter list ends the transfer");
	is_str(out, "abc", "the first buffer is filled");
	is_str(out + 20, "dewxyz", "the next goes on where it ended");
	local[2].iov_len = 4;
	is(syscall(SYS_process_vm_readv, getpid(), local, 3UL, remote, 3UL, 0UL), 7,
	   "here the local list is the shorter one");
	remote[0].iov_len = remote[1].iov_len = 0;
	is(syscall(SYS_process_vm_readv, 0x3ffffff, local, 3UL, remote, 3UL, 0UL), 0,
	   "with nothing to read, nobody asks whose");
	is(syscall(SYS_process_vm_readv, 0x3ffffff, NULL, 0UL, BAD_POINTER, 3UL, 0UL), 0,
	   "nor what");
}

static void bad_pages_end_it(void)
{
	char *p = map_pages(3), *q = map_pages(3);

	memset(p, 'p', 3 * PAGE);
	munmap(p + PAGE, PAGE);
	is(fetch(getpid(), q, p + 100, 2 * PAGE), PAGE - 100, "a read ends at a hole");
	is(store(getpid(), p + 100, q, 2 * PAGE), PAGE - 100, "so does a write");
	fails(fetch(getpid(), q, p + PAGE, 10), EFAULT, "which is an error at the start");
	mprotect(p, PAGE, PROT_READ);
	is(fetch(getpid(), q, p, 10), 10, "a read-only page can be read");
	fails(store(getpid(), p, q, 10), EFAULT, "but not written");
	mprotect(p, PAGE, PROT_NONE);
	fails(fetch(getpid(), q, p, 10), EFAULT, "one without access not even read");
	munmap(q + PAGE, PAGE);
	char *r = map_pages(2);
	is(fetch(getpid(), q + PAGE - 8, r, 16), 8, "a local hole ends it too");
	fails(fetch(getpid(), BAD_POINTER, r, 16), EFAULT, "a bad local buffer is an error");
	fails(fetch(getpid(), q, KERNEL_POINTER, 16), EFAULT, "the kernel is not to be read");
	fails(store(getpid(), KERNEL_POINTER, q, 16), EFAULT, "nor written");
}

static void errors(void)
{
	char c[8];
	struct iovec v = {c, 8}, negative = {c, (size_t)-1};

	fails(syscall(SYS_process_vm_readv, getpid(), &v, 1UL, &v, 1UL, 1UL), EINVAL, "flags");
	fails(syscall(SYS_process_vm_readv, getpid(), &v, 1025UL, &v, 1UL, 0UL), EINVAL,
	      "too long a local list");
	fails(syscall(SYS_process_vm_readv, getpid(), &v, 1UL, &v, 1025UL, 0UL), EINVAL,
	      "too long a remote list");
	fails(syscall(SYS_process_vm_readv, getpid(), &negative, 1UL, &v, 1UL, 0UL), EINVAL,
	      "a negative length");
	fails(syscall(SYS_process_vm_readv, getpid(), &v, 1UL, &negative, 1UL, 0UL), EINVAL,
	      "a negative remote length");
	fails(syscall(SYS_process_vm_readv, getpid(), BAD_POINTER, 1UL, &v, 1UL, 0UL), EFAULT,
	      "a bad list");
	fails(syscall(SYS_process_vm_readv, getpid(), &v, 1UL, BAD_POINTER, 1UL, 0UL), EFAULT,
	      "a bad remote list");
	fails(fetch(0x3ffffff, c, c, 8), ESRCH, "nobody of that number");
	fails(fetch(0, c, c, 8), ESRCH, "zero is nobody");
	fails(fetch(-1, c, c, 8), ESRCH, "a negative number is nobody");
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	siginfo_t info;
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	fails(fetch(pid, c, c, 8), ESRCH, "a zombie has no memory");
	reap(pid);
}

static void others_are_protected(void)
{
	char *p = map_pages(1);
	int status;

	if (getuid() != 0) {
		skip(3, "not root");
		return;
	}
	pid_t root = sitter();
	if (child(&status) == 0) {
		char c[8];
		become(1000, 1000);
		fails(fetch(root, c, p, 8), EPERM, "an ordinary user cannot read root's process");
		fails(store(root, p, c, 8), EPERM, "nor write it");
		_exit(0);
	}
	is(status, EXITED(0), "the user's process ends well");
	end(root);
}

int main(void)
{
	data_moves();
	lists_are_matched();
	bad_pages_end_it();
	errors();
	others_are_protected();
	return done();
}

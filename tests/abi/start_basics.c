/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first things a program needs: output, its identity, uname, and that unknown calls and bad
 * arguments are refused in the right way.
 */
#include "abi.h"

#include <sys/utsname.h>

static void output_works(void)
{
	ok(true, "write to standard output arrives");
	is(write(STDOUT_FILENO, "", 0), 0, "write of nothing returns 0");
	fails(write(-1, "x", 1), EBADF, "write to descriptor -1");
	fails(write(9999, "x", 1), EBADF, "write to a descriptor that is not open");
	fails(close(-1), EBADF, "close of descriptor -1");
	fails(close(9999), EBADF, "close of a descriptor that is not open");
}

static void identity_is_consistent(void)
{
	ok(getpid() > 0, "getpid is positive");
	is(getpid(), getpid(), "getpid does not change");
	is(syscall(SYS_gettid), getpid(), "gettid of the only thread is the pid");
	ok(getppid() > 0, "getppid is positive");
	is(getuid(), 0, "init's children run as root");
	is(geteuid(), 0, "with effective uid 0");
	is(getgid(), 0, "with gid 0");
	is(getegid(), 0, "with effective gid 0");
	is(getpgid(0), getpgrp(), "getpgid(0) is getpgrp()");
	is(getpgrp(), getpid(), "the runner gave the program a process group of its own");
	is(getsid(0), getpid(), "and a session of its own");
}

static void unknown_calls_are_refused(void)
{
	fails(syscall(9999), ENOSYS, "system call 9999");
	fails(syscall(600), ENOSYS, "system call 600");
	fails(syscall(-2L), ENOSYS, "system call -2");
	fails(syscall(0x7fffffffL), ENOSYS, "system call 0x7fffffff");
}

static void uname_names_linux(void)
{
	struct utsname name;

	memset(&name, 'x', sizeof(name));
	is(uname(&name), 0, "uname succeeds");
	is_str(name.sysname, "Linux", "sysname is Linux");
	is_str(name.machine, "x86_64", "machine is x86_64");
	ok(memchr(name.release, 0, sizeof(name.release)), "release is terminated");
	ok(memchr(name.version, 0, sizeof(name.version)), "version is terminated");
	if (is_linux_6_1())
		is(strncmp(name.release, "6.1.0", 5), 0, "release starts with 6.1.0");
	else
		skip(1, "this kernel is not a 6.1");
	fails(syscall(SYS_uname, BAD_POINTER), EFAULT, "uname to a bad pointer");
	fails(syscall(SYS_uname, KERNEL_POINTER), EFAULT, "uname to a kernel pointer");
}

static void registers_survive_a_call(void)
{
	long rbx = 0x1111, rdx = 0x2222, rsi = 0x3333, rdi = 0x4444, r8 = 0x5555, r12 = 0x6666;
	long result;
	register long arg_r8 __asm__("r8") = r8;
	register long keep_r12 __asm__("r12") = r12;

	__asm__ volatile("syscall"
			 : "=a"(result), "+b"(rbx), "+d"(rdx), "+S"(rsi), "+D"(rdi), "+r"(arg_r8),
			   "+r"(keep_r12)
			 : "a"(SYS_getpid)
			 : "rcx", "r11", "memory");
	r8 = arg_r8;
	r12 = keep_r12;
	is(result, getpid(), "getpid by a bare syscall instruction");
	is(rbx, 0x1111, "rbx survives");
	is(rdx, 0x2222, "rdx survives");
	is(rsi, 0x3333, "rsi survives");
	is(rdi, 0x4444, "rdi survives");
	is(r8, 0x5555, "r8 survives");
	is(r12, 0x6666, "r12 survives");
}

static void flags_survive_a_call(void)
{
	unsigned long before, after;

	__asm__ volatile("std\n\tpushfq\n\tpopq %0\n\t"
			 "movl %2, %%eax\n\tsyscall\n\t"
			 "pushfq\n\tpopq %1\n\tcld"
			 : "=&r"(before), "=&r"(after)
			 : "i"(SYS_getpid)
			 : "rax", "rcx", "r11", "memory", "cc");
	is(after & 0x400, 0x400, "the direction flag survives a call");
	is(after & 0x200, 0x200, "interrupts are on after a call");
	is(before & 0xcd5, after & 0xcd5, "the arithmetic flags survive a call");
}

static void errors_come_as_minus_errno(void)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(SYS_close), "D"(-1L)
			 : "rcx", "r11", "memory");
	is(result, -EBADF, "a bare syscall returns -errno");
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(SYS_close), "D"(0xffffffff00000000UL | 9999)
			 : "rcx", "r11", "memory");
	is(result, -EBADF, "the upper half of an int argument is ignored");
}

static void int_arguments_ignore_the_upper_half(void)
{
	long result;
	char c = 'x';
	int ends[2];

	is(pipe(ends), 0, "a pipe");
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(SYS_write), "D"(0xdead00000000UL | (unsigned)ends[1]), "S"(&c),
			   "d"(1L)
			 : "rcx", "r11", "memory");
	is(result, 1, "write takes its descriptor from the lower 32 bits");
	close(ends[0]);
	close(ends[1]);
}

int main(int argc, char **argv)
{
	output_works();
	is(argc, 1, "argc is 1");
	ok(argv[0] && strstr(argv[0], "start_basics"), "argv[0] names the program");
	ok(argv[1] == NULL, "argv ends with a null pointer");
	identity_is_consistent();
	unknown_calls_are_refused();
	uname_names_linux();
	registers_survive_a_call();
	flags_survive_a_call();
	errors_come_as_minus_errno();
	int_arguments_ignore_the_upper_half();
	return done();
}

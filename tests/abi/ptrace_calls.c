/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace: stops for signals, memory and registers, steps and breakpoints, system calls.
 */
#include "ptrace.h"

#include <elf.h>
#include <sys/uio.h>

static volatile long target = 0x1122334455667788;
static volatile int hits;

static void count(int sig)
{
	(void)sig;
	hits++;
}

/* --- Signals --- */

static void signals_stop_the_tracee(void)
{
	siginfo_t info;
	pid_t pid = start_traced();

	if (pid == 0) {
		signal(SIGUSR1, count);
		raise(SIGUSR1);
		raise(SIGUSR2);
		raise(SIGUSR1);
		_exit(hits);
	}
	is(state_of(pid), 't', "its state is tracing stop");
	is(tracer_of(pid), getpid(), "TracerPid");
	is(trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info), 0, "PTRACE_GETSIGINFO");
	ok(info.si_signo == SIGSTOP && info.si_pid == pid, "describes the signal");
	is(cont(pid, 0), STOPPED(SIGUSR1), "the next signal stops it");
	is(trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info), 0, "and is described");
	is(info.si_signo, SIGUSR1, "by its number");
	is(cont(pid, SIGUSR1), STOPPED(SIGUSR2), "the first one is delivered");
	is(cont(pid, 0), STOPPED(SIGUSR1), "the second is not: it would have killed");
	fails(trace(PTRACE_CONT, pid, 0, 65), EIO, "no such signal");
	is(cont(pid, SIGUSR1), EXITED(2), "two handlers ran");
	fails(trace(PTRACE_CONT, pid, 0, 0), ESRCH, "then it is gone");

	pid = start_traced();
	if (pid == 0)
		for (;;)
			pause();
	is(cont(pid, SIGTERM), KILLED(SIGTERM), "another signal in its place");
	pid = start_traced();
	if (pid == 0)
		_exit(0);
	kill(pid, SIGKILL);
	is(wait_for(pid), KILLED(SIGKILL), "SIGKILL ends a stop");
}

static void ignored_signals_stop_too(void)
{
	pid_t pid = start_traced();

	if (pid == 0) {
		signal(SIGUSR1, SIG_IGN);
		raise(SIGUSR1);
		raise(SIGCHLD);
		_exit(0);
	}
	is(cont(pid, 0), STOPPED(SIGUSR1), "a signal that is ignored");
	is(cont(pid, SIGUSR1), STOPPED(SIGCHLD), "and one that is by default");
	is(cont(pid, SIGCHLD), EXITED(0), "do nothing");
}

static void waits_see_stops(void)
{
	siginfo_t info = {0};
	int st;
	pid_t pid = start_traced();

	if (pid == 0) {
		raise(SIGUSR1);
		_exit(0);
	}
	is(waitpid(pid, &st, WNOHANG | __WALL), 0, "a stop is told once");
	trace(PTRACE_CONT, pid, 0, 0);
	is(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0, "waitid");
	ok(info.si_code == CLD_TRAPPED && info.si_status == SIGUSR1, "CLD_TRAPPED");
	is(waitpid(pid, &st, 0), pid, "without WUNTRACED");
	is(st, STOPPED(SIGUSR1), "the same");
	is(cont(pid, 0), EXITED(0), "and its end");
}

/* --- Memory and registers --- */

static void memory_is_seen_and_changed(void)
{
	long word = 0;
	pid_t pid = start_traced();

	if (pid == 0)
		_exit(target == 77 ? 33 : 44);
	is(trace(PTRACE_PEEKDATA, pid, (unsigned long)&target, (unsigned long)&word), 0, "peek");
	is(word, target, "the word");
	is(trace(PTRACE_POKEDATA, pid, (unsigned long)&target, 77), 0, "poke");
	is(target, 0x1122334455667788, "not ours");
	fails(trace(PTRACE_PEEKDATA, pid, (unsigned long)BAD_POINTER, (unsigned long)&word), EIO,
	      "a bad address");
	fails(trace(PTRACE_POKEDATA, pid, (unsigned long)BAD_POINTER, 0), EIO, "to poke");
	unsigned long code = (unsigned long)&count & ~7ul;
	is(trace(PTRACE_PEEKTEXT, pid, code, (unsigned long)&word), 0, "code is read");
	is(trace(PTRACE_POKETEXT, pid, code, (unsigned long)word ^ 0xff), 0, "and written");
	long again = 0;
	trace(PTRACE_PEEKTEXT, pid, code, (unsigned long)&again);
	is(again, word ^ 0xff, "it is there");
	is(*(volatile long *)code, word, "and not in our copy");
	trace(PTRACE_POKETEXT, pid, code, (unsigned long)word);
	is(cont(pid, 0), EXITED(33), "the tracee has the new value");
}

static void registers_are_seen_and_changed(void)
{
	struct user_regs_struct regs, again;
	struct user_fpregs_struct fp;
	long word = 0;
	char big[8192];
	pid_t pid = start_traced();

	if (pid == 0)
		for (;;)
			pause();
	is(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&regs), 0, "PTRACE_GETREGS");
	ok(regs.cs == 0x33 && regs.ss == 0x2b, "segments as on Linux");
	ok(regs.rip != 0 && regs.rsp != 0 && regs.fs_base != 0, "the rest looks right");
	is(trace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), (unsigned long)&word), 0,
	   "PTRACE_PEEKUSER");
	is(word, (long)regs.rip, "the same");
	fails(trace(PTRACE_PEEKUSER, pid, 3, (unsigned long)&word), EIO, "crooked");
	fails(trace(PTRACE_PEEKUSER, pid, 1 << 20, (unsigned long)&word), EIO, "too far");
	regs.r12 = 0x123456789;
	regs.rbx = 42;
	is(trace(PTRACE_SETREGS, pid, 0, (unsigned long)&regs), 0, "PTRACE_SETREGS");
	is(trace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.r13), 99), 0, "PTRACE_POKEUSER");
	struct iovec vec = {&again, sizeof(again)};
	is(trace(GETREGSET, pid, NT_PRSTATUS, (unsigned long)&vec), 0, "PTRACE_GETREGSET");
	is(vec.iov_len, sizeof(again), "its size");
	ok(again.r12 == 0x123456789 && again.rbx == 42 && again.r13 == 99, "all have changed");
	vec.iov_len = 16;
	is(trace(GETREGSET, pid, NT_PRSTATUS, (unsigned long)&vec), 0, "only two registers");
	is(vec.iov_len, 16, "as asked");
	fails(trace(GETREGSET, pid, 0x4711, (unsigned long)&vec), EINVAL, "no such set");
	regs.fs_base = 0xffff800000000000;
	fails(trace(PTRACE_SETREGS, pid, 0, (unsigned long)&regs), EIO, "a base in the kernel");

	is(trace(PTRACE_GETFPREGS, pid, 0, (unsigned long)&fp), 0, "PTRACE_GETFPREGS");
	memset(fp.xmm_space, 0x5a, 16);
	is(trace(PTRACE_SETFPREGS, pid, 0, (unsigned long)&fp), 0, "PTRACE_SETFPREGS");
	vec = (struct iovec){big, sizeof(big)};
	if (trace(GETREGSET, pid, NT_X86_XSTATE, (unsigned long)&vec) == 0) {
		ok(vec.iov_len >= 576, "NT_X86_XSTATE");
		ok((unsigned char)big[160] == 0x5a, "has the new xmm0");
		ok(*(unsigned long *)(big + 464) & 3, "says which parts there are");
		big[161] = 0x33;
		is(trace(SETREGSET, pid, NT_X86_XSTATE, (unsigned long)&vec), 0, "is set");
		trace(PTRACE_GETFPREGS, pid, 0, (unsigned long)&fp);
		is(((unsigned char *)fp.xmm_space)[1], 0x33, "and is there");
		*(unsigned long *)(big + 512) = ~0ul;
		fails(trace(SETREGSET, pid, NT_X86_XSTATE, (unsigned long)&vec), EINVAL,
		      "parts that there are not");
	} else {
		skip(6, "no XSAVE");
	}
	finish(pid);
}

/* --- Steps and breakpoints --- */

static void single_steps(void)
{
	struct user_regs_struct before, after;
	siginfo_t info;
	int steps = 0, st = 0;
	pid_t pid = start_traced();

	if (pid == 0) {
		for (;;)
			getppid();
	}
	trace(PTRACE_GETREGS, pid, 0, (unsigned long)&before);
	for (; steps < 200; steps++) {
		if (trace(PTRACE_SINGLESTEP, pid, 0, 0) != 0)
			break;
		st = wait_for(pid);
		if (st != STOPPED(SIGTRAP))
			break;
	}
	is(steps, 200, "two hundred single steps");
	is(trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info), 0, "the last one");
	is(info.si_signo, SIGTRAP, "is a SIGTRAP");
	trace(PTRACE_GETREGS, pid, 0, (unsigned long)&after);
	ok(after.rip != before.rip, "the program has moved");
	ok(!(after.eflags & 0x100), "the trap flag does not show");
	trace(PTRACE_CONT, pid, 0, 0);
	sleep_ms(10);
	is(waitpid(pid, &st, WNOHANG | __WALL), 0, "without steps it runs on");
	finish(pid);
}

static volatile int watched, unwatched;

static void breakpoints(void)
{
	siginfo_t info;
	long status = 0;
	pid_t pid = start_traced();

	if (pid == 0) {
		__asm__ volatile("int3");
		unwatched = 1;
		watched = 5;
		watched = 6;
		unwatched = 2;
		_exit(watched);
	}
	is(cont(pid, 0), STOPPED(SIGTRAP), "int3 stops");
	trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info);
	is(info.si_code, SI_KERNEL, "its code");
	is(trace(PTRACE_POKEUSER, pid, DEBUG_REGISTER(0), (unsigned long)&watched), 0,
	   "a watched address");
	is(trace(PTRACE_POKEUSER, pid, DEBUG_REGISTER(7), 0x1 | 0xd0000), 0, "for writing");
	is(cont(pid, 0), STOPPED(SIGTRAP), "the write stops");
	trace(PTRACE_PEEKUSER, pid, DEBUG_REGISTER(6), (unsigned long)&status);
	is(status & 0xf, 1, "the status says which");
	trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info);
	is(info.si_code, 4, "TRAP_HWBKPT");
	long value = 0;
	trace(PTRACE_PEEKDATA, pid, (unsigned long)&watched & ~7ul, (unsigned long)&value);
	int now = (unsigned long)&watched & 4 ? (int)(value >> 32) : (int)value;
	is(now, 5, "after the write");
	is(cont(pid, 0), STOPPED(SIGTRAP), "the next write, too");
	is(trace(PTRACE_POKEUSER, pid, DEBUG_REGISTER(7), 0), 0, "no more");
	fails(trace(PTRACE_POKEUSER, pid, DEBUG_REGISTER(0), (unsigned long)KERNEL_POINTER), EINVAL,
	      "an address in the kernel");
	is(cont(pid, 0), EXITED(6), "it ends");
}

/* --- System calls --- */

struct call_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	};
};

static int next_call(pid_t pid)
{
	return trace(PTRACE_SYSCALL, pid, 0, 0) == 0 ? wait_for(pid) : -errno;
}

static void calls_stop_twice(void)
{
	struct user_regs_struct regs;
	struct call_info info;
	pid_t pid = start_traced();

	if (pid == 0) {
		long result = syscall(SYS_getppid);
		long second = syscall(SYS_close, -1) == -1 ? errno : 0;
		long third = syscall(SYS_getpid);
		_exit(result == 1234 && second == EBADF && third == 55 ? 7 : 8);
	}
	is(trace(PTRACE_SETOPTIONS, pid, 0, OPT_SYSGOOD), 0, "PTRACE_O_TRACESYSGOOD");
	fails(trace(PTRACE_SETOPTIONS, pid, 0, 1ul << 30), EINVAL, "an unknown option");
	int st;
	do
		st = next_call(pid);
	while (st == STOPPED(SIGTRAP | 0x80) &&
	       trace(PTRACE_GETREGS, pid, 0, (unsigned long)&regs) == 0 &&
	       regs.orig_rax != SYS_getppid);
	is(st, STOPPED(SIGTRAP | 0x80), "a call stops");
	is((long)regs.rax, -ENOSYS, "rax at the entry");
	ok(trace(GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info) >= 80,
	   "its information");
	ok(info.op == 1 && info.entry.nr == SYS_getppid && info.arch == 0xc000003e, "an entry");
	ok(info.ip == regs.rip && info.sp == regs.rsp, "where it is made");
	is(next_call(pid), STOPPED(SIGTRAP | 0x80), "and stops at its end");
	is(trace(GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info), 33, "information");
	ok(info.op == 2 && info.exit.rval == getpid() && !info.exit.is_error, "an exit");
	trace(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	is(regs.orig_rax, SYS_getppid, "which call it was");
	regs.rax = 1234;
	trace(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
	next_call(pid);
	trace(GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
	ok(info.op == 1 && info.entry.nr == SYS_close && (int)info.entry.args[0] == -1,
	   "the next call and its argument");
	next_call(pid);
	trace(GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
	ok(info.op == 2 && info.exit.rval == -EBADF && info.exit.is_error, "its error");
	next_call(pid);
	trace(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	is(regs.orig_rax, SYS_getpid, "the third");
	regs.orig_rax = -1ul;
	trace(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
	next_call(pid);
	trace(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	is((long)regs.rax, -ENOSYS, "is not made");
	regs.rax = 55;
	trace(PTRACE_SETREGS, pid, 0, (unsigned long)&regs);
	is(cont(pid, 0), EXITED(7), "the results were ours");
}

static void forks_are_made_once(void)
{
	struct call_info info;
	int forks = 0, st = STOPPED(SIGSTOP);
	pid_t pid = start_traced();

	if (pid == 0) {
		pid = (pid_t)syscall(SYS_fork);
		if (pid == 0)
			_exit(0);
		_exit(waitpid(pid, NULL, 0) == pid ? 6 : 5);
	}
	trace(PTRACE_SETOPTIONS, pid, 0, OPT_SYSGOOD);
	for (int i = 0; i < 200 && !WIFEXITED(st); i++) {
		st = next_call(pid);
		if (st == STOPPED(SIGTRAP | 0x80)) {
			trace(GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
			forks += info.op == 1 && info.entry.nr == SYS_fork;
		}
	}
	is(forks, 1, "a fork that is watched is made once");
	is(st, EXITED(6), "and the child is there");
}

static void sleeping_calls_start_again(void)
{
	int ends[2];
	char c = 0;

	pipe(ends);
	pid_t pid = spawn();
	if (pid == 0) {
		leave_counters();
		_exit(read(ends[0], &c, 1) == 1 ? c : 99);
	}
	wait_until(state_of(pid) == 'S');
	is(trace(PTRACE_ATTACH, pid, 0, 0), 0, "PTRACE_ATTACH to one that sleeps in read");
	is(wait_for(pid), STOPPED(SIGSTOP), "stops it");
	is(trace(PTRACE_CONT, pid, 0, 0), 0, "and lets it go on");
	wait_until(state_of(pid) == 'S');
	write(ends[1], "\005", 1);
	is(wait_for(pid), EXITED(5), "the read started again");
	close(ends[0]);
	close(ends[1]);
}

/* A tracer that makes the calls itself: each stops once, and the kernel makes none. */
static void calls_are_emulated(void)
{
	const long emulate = 31, emulate_step = 32;
	struct user_regs_struct registers;
	pid_t pid = start_traced();

	if (pid == 0) {
		long first = syscall(SYS_getppid), second = syscall(SYS_close, 0);
		_exit(first == 4321 && second == -1 && errno == EXDEV && fcntl(0, F_GETFD) >= 0
			      ? 7
			      : 8);
	}
	is(trace(PTRACE_SETOPTIONS, pid, 0, OPT_SYSGOOD), 0, "stops of calls have a mark");
	/* It leaves kill(2), by which it stopped, at first. */
	is(trace(emulate, pid, 0, 0), 0, "calls are emulated");
	is(wait_for(pid), STOPPED(SIGTRAP | 0x80), "one is to be made");
	is(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&registers), 0, "its registers");
	is(registers.orig_rax, SYS_getppid, "say which");
	registers.rax = 4321;
	is(trace(PTRACE_SETREGS, pid, 0, (unsigned long)&registers), 0, "it gets a result");
	is(trace(emulate, pid, 0, 0), 0, "on to the next");
	is(wait_for(pid), STOPPED(SIGTRAP | 0x80), "without a stop at the end");
	is(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&registers), 0, "the next one");
	is(registers.orig_rax, SYS_close, "would close something");
	registers.rax = (unsigned long)-EXDEV;
	is(trace(PTRACE_SETREGS, pid, 0, (unsigned long)&registers), 0, "but gets an error");
	is(trace(emulate_step, pid, 0, 0), 0, "with a single step");
	is(wait_for(pid), STOPPED(SIGTRAP), "it stops behind the next instruction");
	is(cont(pid, 0), EXITED(7), "nothing was closed");
}

int main(void)
{
	signals_stop_the_tracee();
	ignored_signals_stop_too();
	waits_see_stops();
	memory_is_seen_and_changed();
	registers_are_seen_and_changed();
	single_steps();
	breakpoints();
	calls_stop_twice();
	forks_are_made_once();
	sleeping_calls_start_again();
	calls_are_emulated();
	return done();
}

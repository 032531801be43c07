/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seccomp: strict mode, filters and what they answer, which programs are refused, threads, fork,
 * exec, tracers.
 */
#include "abi.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

/* The kernel's headers are not there for every C library. */
struct seccomp_data {
	int nr;
	unsigned arch;
	uint64_t ip, args[6];
};
struct sock_filter {
	unsigned short code;
	unsigned char jt, jf;
	unsigned k;
};
struct sock_fprog {
	unsigned short len;
	struct sock_filter *filter;
};
enum { SECCOMP_SET_MODE_STRICT, SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL };
enum { SECCOMP_MODE_STRICT = 1, SECCOMP_FILTER_FLAG_TSYNC = 1 };
#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#define SECCOMP_RET_KILL_THREAD  0x00000000u
#define SECCOMP_RET_TRAP         0x00030000u
#define SECCOMP_RET_ERRNO        0x00050000u
#define SECCOMP_RET_TRACE        0x7ff00000u
#define SECCOMP_RET_LOG          0x7ffc0000u
#define SECCOMP_RET_ALLOW        0x7fff0000u
#define AUDIT_ARCH_X86_64        0xc000003eu
#define SYS_SECCOMP              1
#define BPF_STMT(c, value)                                   \
	{                                                    \
		(unsigned short)(c), 0, 0, (unsigned)(value) \
	}
#define BPF_JUMP(c, value, yes, no)                             \
	{                                                       \
		(unsigned short)(c), yes, no, (unsigned)(value) \
	}
enum { BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_RET, BPF_MISC };
enum { BPF_W = 0, BPF_H = 8, BPF_IMM = 0, BPF_ABS = 0x20, BPF_IND = 0x40, BPF_MEM = 0x60 };
enum { BPF_ADD = 0, BPF_SUB = 0x10, BPF_MUL = 0x20, BPF_DIV = 0x30, BPF_OR = 0x40 };
enum { BPF_AND = 0x50, BPF_LSH = 0x60, BPF_RSH = 0x70, BPF_NEG = 0x80, BPF_MOD = 0x90 };
enum { BPF_JA = 0, BPF_JEQ = 0x10, BPF_JGT = 0x20, BPF_JGE = 0x30, BPF_JSET = 0x40 };
enum { BPF_XOR = 0xa0, BPF_LEN = 0x80, BPF_K = 0, BPF_X = 8, BPF_A = 0x10 };
enum { BPF_TAX = 0, BPF_TXA = 0x80 };
#define call_of(info) (*(int *)((char *)(info) + 24))
#define arch_of(info) (*(unsigned *)((char *)(info) + 28))

#define NUMBER      offsetof(struct seccomp_data, nr)
#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + 8 * (i))

static long seccomp(unsigned operation, unsigned flags, void *argument)
{
	return syscall(SYS_seccomp, operation, flags, argument);
}

static long install(struct sock_filter *code, unsigned short length, unsigned flags)
{
	struct sock_fprog program = {.len = length, .filter = code};

	return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}
#define INSTALL(code, flags) install(code, ARRAY_LEN(code), flags)

/* From now on the call has that answer, and all others are allowed. */
static long answer(int number, unsigned what)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, what),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return INSTALL(code, 0);
}

static void strict(void)
{
	int status;

	if (child(&status) == 0) {
		char byte = 'x';
		int ends[2];
		pipe(ends);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(1);
		write(ends[1], &byte, 1);
		read(ends[0], &byte, 1);
		syscall(SYS_exit, 7);
	}
	is(status, EXITED(7), "read, write and exit");
	if (child(&status) == 0) {
		seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL);
		syscall(SYS_getppid);
		syscall(SYS_exit, 7);
	}
	is(status, KILLED(SIGKILL), "another call kills");
	if (child(&status) == 0) {
		fails(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL, "no flags");
		fails(seccomp(SECCOMP_SET_MODE_STRICT, 0, &status), EINVAL, "no argument");
		fails(seccomp(99, 0, NULL), EINVAL, "an unknown operation");
		fails(prctl(PR_SET_SECCOMP, 99), EINVAL, "an unknown mode");
		exit(0);
	}
}

static volatile int got_signal, got_code, got_errno, got_call;
static volatile unsigned got_arch;
static void *volatile got_address;
static volatile long got_result;

static void on_sigsys(int signal, siginfo_t *info, void *context)
{
	got_signal = signal;
	got_code = info->si_code;
	got_errno = info->si_errno;
	got_call = call_of(info);
	got_arch = arch_of(info);
	got_address = info->si_addr;
	got_result = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX];
}

static void answers(void)
{
	int status;

	if (child(&status) == 0) {
		is(answer(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV), 0, "a filter");
		fails(syscall(SYS_getppid), EXDEV, "its error");
		is(syscall(SYS_getpid), getpid(), "other calls are made");
		is(prctl(PR_GET_SECCOMP), 2, "the mode");
		is(answer(SYS_getppid, SECCOMP_RET_ERRNO | 5000), 0, "a second one");
		errno = 0;
		is(syscall(SYS_getppid), -1, "the newer of equals");
		is(errno, 4095, "at most that");
		is(answer(SYS_getppid, SECCOMP_RET_LOG), 0, "a milder one");
		errno = 0;
		syscall(SYS_getppid);
		is(errno, 4095, "counts for nothing");
		is(answer(SYS_getppid, SECCOMP_RET_ERRNO | 0), 0, "without error");
		is(syscall(SYS_getppid), 0, "returns 0");
		is(answer(SYS_getpgrp, SECCOMP_RET_LOG), 0, "logged");
		is(syscall(SYS_getpgrp), getpgid(0), "and made");
		is(answer(SYS_getuid, SECCOMP_RET_TRACE | 1), 0, "traced");
		fails(syscall(SYS_getuid), ENOSYS, "by nobody");
		fails(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), EINVAL, "never strict again");
		exit(0);
	}
	is(status, 0, "errors");
	if (child(&status) == 0) {
		struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
		sigaction(SIGSYS, &action, NULL);
		answer(SYS_getppid, SECCOMP_RET_TRAP | 77);
		is(syscall(SYS_getppid), SYS_getppid, "trapped: the number is left");
		ok(got_signal == SIGSYS && got_code == SYS_SECCOMP && got_errno == 77, "SIGSYS");
		ok(got_call == SYS_getppid && got_arch == AUDIT_ARCH_X86_64 && got_address != NULL,
		   "says what was called, and where");
		is(got_result, SYS_getppid, "in the registers, too");
		answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
		syscall(SYS_getppid);
		exit(0);
	}
	is(status & 0x7f, SIGSYS, "killed, whatever the handler");
	if (child(&status) == 0) {
		sigset_t all;
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		answer(SYS_getppid, SECCOMP_RET_TRAP);
		syscall(SYS_getppid);
		exit(0);
	}
	is(status & 0x7f, SIGSYS, "a blocked trap kills");
	if (child(&status) == 0) {
		answer(SYS_getppid, 0x12340000);
		syscall(SYS_getppid);
		exit(0);
	}
	is(status & 0x7f, SIGSYS, "an unknown action kills");
}

static void *call_it(void *argument)
{
	syscall(SYS_getppid);
	return argument;
}

static void killing_threads(void)
{
	int status;

	if (child(&status) == 0) {
		pthread_t thread;
		answer(SYS_getppid, SECCOMP_RET_KILL_THREAD);
		pthread_create(&thread, NULL, call_it, NULL);
		char path[64];
		/* Only the first thread is left. */
		for (int i = 0; i < 2000; i++) {
			char text[4096];
			sprintf(path, "/proc/self/status");
			if (get_file(path, text, sizeof(text)) > 0 &&
			    strstr(text, "Threads:\t1\n") != NULL)
				_exit(3);
			sleep_ms(1);
		}
		_exit(4);
	}
	is(status, EXITED(3), "one thread is killed, the process lives");
	if (child(&status) == 0) {
		pthread_t thread;
		answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
		pthread_create(&thread, NULL, call_it, NULL);
		sleep_ms(2000);
		_exit(4);
	}
	is(status & 0x7f, SIGSYS, "or the whole process");
}

/* The program's answer, for getppid with the given arguments, as an errno. */
static long run(struct sock_filter *code, unsigned short length)
{
	int status;

	if (child(&status) == 0) {
		if (install(code, length, 0) != 0)
			_exit(255);
		errno = 0;
		syscall(SYS_getppid, 0x1122334455667788, 2, 3, 4, 5, 6);
		int error = errno;
		syscall(SYS_exit_group, error);
	}
	return status >> 8;
}
#define RUN(...)                                                                \
	({                                                                      \
		struct sock_filter code_[] = {                                  \
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),             \
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0), \
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),           \
			__VA_ARGS__,                                            \
			BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),  \
			BPF_STMT(BPF_RET | BPF_A, 0)};                          \
		run(code_, ARRAY_LEN(code_));                                   \
	})

static void instructions(void)
{
	is(RUN(BPF_STMT(BPF_LD | BPF_IMM, 42)), 42, "load a constant");
	is(RUN(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0)), 64, "the length");
	is(RUN(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(1))), 2, "an argument");
	is(RUN(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(0) + 4),
	       BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 24)),
	   0x11, "its upper half");
	is(RUN(BPF_STMT(BPF_LD | BPF_IMM, 10), BPF_STMT(BPF_LDX | BPF_IMM, 3),
	       BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 5),
	       BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 4)),
	   8, "arithmetic");
	is(RUN(BPF_STMT(BPF_LD | BPF_IMM, 0xf0), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x3c),
	       BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0x31), BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1)),
	   2, "logic");
	is(RUN(BPF_STMT(BPF_LD | BPF_IMM, 7), BPF_STMT(BPF_ALU | BPF_NEG, 0),
	       BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff)),
	   249, "negation");
	is(RUN(BPF_STMT(BPF_LD | BPF_IMM, 9), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_IMM, 1),
	       BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_MISC | BPF_TXA, 0)),
	   9, "memory");
	is(RUN(BPF_STMT(BPF_LD | BPF_IMM, 9), BPF_STMT(BPF_MISC | BPF_TAX, 0),
	       BPF_STMT(BPF_STX, 15), BPF_STMT(BPF_LD | BPF_IMM, 0),
	       BPF_STMT(BPF_LD | BPF_MEM, 15)),
	   9, "and back");
	is(RUN(BPF_STMT(BPF_LD | BPF_IMM, 5), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 5, 0, 1),
	       BPF_STMT(BPF_LD | BPF_IMM, 1), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 5, 1, 0),
	       BPF_STMT(BPF_LD | BPF_IMM, 2), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1),
	       BPF_STMT(BPF_LD | BPF_IMM, 77), BPF_STMT(BPF_JMP | BPF_JA, 1),
	       BPF_STMT(BPF_LD | BPF_IMM, 3)),
	   77, "jumps");
	int status;
	if (child(&status) == 0) {
		struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
					     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
					     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
					     BPF_STMT(BPF_LDX | BPF_IMM, 0),
					     BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
					     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
		INSTALL(code, 0);
		syscall(SYS_getppid);
		exit(0);
	}
	is(status & 0x7f, SIGSYS, "a division by zero kills");
}

#define REFUSED(what, ...)                                          \
	do {                                                        \
		struct sock_filter code_[] = {__VA_ARGS__};         \
		fails(INSTALL(code_, 0), EINVAL, "refused: " what); \
	} while (0)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void refused_programs(void)
{
	struct sock_filter fine[] = {ALLOW};
	int status;

	if (child(&status) == 0) {
		fails(install(fine, 0, 0), EINVAL, "refused: an empty one");
		fails(install(BAD_POINTER, 1, 0), EFAULT, "refused: nowhere");
		fails(seccomp(SECCOMP_SET_MODE_FILTER, 0, BAD_POINTER), EFAULT, "refused: nothing");
		fails(INSTALL(fine, 0x8000), EINVAL, "refused: an unknown flag");
		struct sock_filter *many = calloc(5000, sizeof(*many));
		for (int i = 0; i < 5000; i++)
			many[i] = fine[0];
		fails(install(many, 4097, 0), EINVAL, "refused: too long");
		REFUSED("no return", BPF_STMT(BPF_LD | BPF_IMM, 0));
		REFUSED("a jump out", BPF_STMT(BPF_JMP | BPF_JA, 1), ALLOW);
		REFUSED("a far jump", BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), ALLOW);
		REFUSED("a branch out", BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), ALLOW);
		REFUSED("a load behind the data", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), ALLOW);
		REFUSED("an odd load", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), ALLOW);
		REFUSED("half a word", BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), ALLOW);
		REFUSED("an indirect load", BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), ALLOW);
		REFUSED("no such memory", BPF_STMT(BPF_ST, 16), ALLOW);
		REFUSED("unwritten memory", BPF_STMT(BPF_LD | BPF_MEM, 0), ALLOW);
		REFUSED("memory unwritten on one way", BPF_STMT(BPF_LD | BPF_IMM, 0),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_ST, 1),
			BPF_STMT(BPF_LD | BPF_MEM, 1), ALLOW);
		REFUSED("a division by 0", BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ALLOW);
		REFUSED("a long shift", BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), ALLOW);
		REFUSED("modulo", BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), ALLOW);
		REFUSED("no instruction", BPF_STMT(0xffff, 0), ALLOW);
		unsigned action = SECCOMP_RET_ERRNO;
		is(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action), 0, "a known action");
		action = 0x12340000;
		fails(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action), EOPNOTSUPP, "another");
		fails(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &action), EINVAL, "no flags");
		fails(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, BAD_POINTER), EFAULT, "nowhere");
		become(1000, 1000);
		if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0)
			fails(INSTALL(fine, 0), EACCES, "refused: others could gain privileges");
		else
			skip(1, "none can be gained here");
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		is(INSTALL(fine, 0), 0, "not any more");
		int count = 0;
		while (count < 100 && install(many, 4096, 0) == 0)
			count++;
		ok(count >= 1 && count < 100 && errno == ENOMEM, "so many, and no more");
		exit(0);
	}
	is(status, 0, "programs");
}

static long filters_of(const char *path)
{
	char text[8192], *at;

	get_file(path, text, sizeof(text));
	at = strstr(text, "Seccomp_filters:\t");
	return at != NULL ? atol(at + 17) : -1;
}

static void inheritance(void)
{
	int status, inner;

	if (child(&status) == 0) {
		long before = filters_of("/proc/self/status");
		answer(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV);
		is(filters_of("/proc/self/status"), before + 1, "counted");
		if (child(&inner) == 0) {
			fails(syscall(SYS_getppid), EXDEV, "a child has it");
			answer(SYS_getpgrp, SECCOMP_RET_ERRNO | EXDEV);
			exit(0);
		}
		ok(syscall(SYS_getpgrp) > 0, "not so the parent the child's");
		char *arguments[] = {"/proc/self/exe", "again", NULL};
		execv("/proc/self/exe", arguments);
		exit(9);
	}
	is(status, EXITED(33), "and who is executed");
}

static volatile int stop_them;
static volatile long seen[3];

static void *look(void *argument)
{
	volatile long *result = argument;

	while (!stop_them)
		sched_yield();
	errno = 0;
	*result = syscall(SYS_getppid) == -1 ? errno : 0;
	return NULL;
}

static volatile pid_t odd_tid;

static void *go_apart(void *argument)
{
	answer(SYS_getpgrp, SECCOMP_RET_ALLOW);
	odd_tid = (pid_t)syscall(SYS_gettid);
	while (!stop_them)
		sched_yield();
	return argument;
}

static void threads(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		ALLOW,
	};
	pthread_t others[3];
	int status;

	if (child(&status) == 0) {
		for (int i = 0; i < 3; i++)
			pthread_create(&others[i], NULL, look, (void *)&seen[i]);
		is(INSTALL(code, SECCOMP_FILTER_FLAG_TSYNC), 0, "for all threads");
		stop_them = 1;
		for (int i = 0; i < 3; i++)
			pthread_join(others[i], NULL);
		ok(seen[0] == EXDEV && seen[1] == EXDEV && seen[2] == EXDEV, "all have it");
		exit(0);
	}
	if (child(&status) == 0) {
		pthread_create(&others[0], NULL, look, (void *)&seen[0]);
		is(INSTALL(code, 0), 0, "for one");
		stop_them = 1;
		pthread_join(others[0], NULL);
		is(seen[0], 0, "the other has it not");
		exit(0);
	}
	if (child(&status) == 0) {
		pthread_create(&others[0], NULL, go_apart, NULL);
		while (odd_tid == 0)
			sched_yield();
		is(INSTALL(code, SECCOMP_FILTER_FLAG_TSYNC), odd_tid, "who has gone another way");
		fails(INSTALL(code, SECCOMP_FILTER_FLAG_TSYNC | 16), ESRCH, "or that there is one");
		ok(syscall(SYS_getppid) > 0, "nothing was installed");
		stop_them = 1;
		pthread_join(others[0], NULL);
		exit(0);
	}
	is(status, 0, "threads");
}

static void tracing(void)
{
	int status;
	pid_t tracee = spawn();

	if (tracee == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		answer(SYS_getppid, SECCOMP_RET_TRACE | 99);
		errno = 0;
		long first = syscall(SYS_getppid);
		long second = syscall(SYS_getppid);
		_exit(first == getpid() && second == -1 && errno == EPERM ? 5 : 6);
	}
	waitpid(tracee, &status, 0);
	ptrace(PTRACE_SETOPTIONS, tracee, NULL, (void *)PTRACE_O_TRACESECCOMP);
	ptrace(PTRACE_CONT, tracee, NULL, NULL);
	waitpid(tracee, &status, 0);
	is(status >> 8, SIGTRAP | PTRACE_EVENT_SECCOMP << 8, "the tracer is asked");
	unsigned long message = 0;
	ptrace(PTRACE_GETEVENTMSG, tracee, NULL, &message);
	is(message, 99, "with the filter's data");
	struct user_regs_struct registers;
	ptrace(PTRACE_GETREGS, tracee, NULL, &registers);
	is(registers.orig_rax, SYS_getppid, "the call");
	registers.orig_rax = SYS_getpid;
	ptrace(PTRACE_SETREGS, tracee, NULL, &registers);
	ptrace(PTRACE_CONT, tracee, NULL, NULL);
	waitpid(tracee, &status, 0);
	is(status >> 8, SIGTRAP | PTRACE_EVENT_SECCOMP << 8, "again");
	ptrace(PTRACE_GETREGS, tracee, NULL, &registers);
	registers.orig_rax = (unsigned long)-1;
	registers.rax = (unsigned long)-EPERM;
	ptrace(PTRACE_SETREGS, tracee, NULL, &registers);
	ptrace(PTRACE_CONT, tracee, NULL, NULL);
	waitpid(tracee, &status, 0);
	is(status, EXITED(5), "made another call of one, and none of the other");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "again") == 0)
		return syscall(SYS_getppid) == -1 && errno == EXDEV ? 33 : 34;
	strict();
	answers();
	killing_threads();
	instructions();
	refused_programs();
	inheritance();
	threads();
	tracing();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor's state that a program owns: vector registers and control words across switches,
 * fork and exec, TLS bases, and what sigreturn makes of a frame that a handler has forged.
 */
#include "abi.h"

#include <sys/ucontext.h>

enum { PROCESSES = 4, ROUNDS = 300 };

/* arch_prctl(2)'s options, which musl has no header for. */
enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };

#define MXCSR_DEFAULT    0x1f80u
#define MXCSR_FLUSH_ZERO 0x8000u
#define X87_DEFAULT      0x37f
#define X87_SINGLE       0x07f
#define FLAG_INTERRUPT   0x200ul
#define FLAGS_IOPL       0x3000ul
#define NOT_CANONICAL    0x0000900000000000ul
#define KERNEL_ADDRESS   0xffffffff80100000ul

static unsigned get_mxcsr(void)
{
	unsigned value;

	__asm__ volatile("stmxcsr %0" : "=m"(value));
	return value;
}

static void set_mxcsr(unsigned value)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(value));
}

static unsigned short get_x87(void)
{
	unsigned short value;

	__asm__ volatile("fnstcw %0" : "=m"(value));
	return value;
}

static void set_x87(unsigned short value)
{
	__asm__ volatile("fldcw %0" : : "m"(value));
}

/* Loads all sixteen registers, gives the CPU away, and looks whether they are the same. */
static bool vectors_survive_yield(uint64_t seed)
{
	uint64_t in[32], out[32] = {0};

	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		in[i] = seed * 0x9e3779b97f4a7c15ul + i;
	__asm__ volatile("movups 0(%[in]), %%xmm0\n\tmovups 16(%[in]), %%xmm1\n\t"
			 "movups 112(%[in]), %%xmm7\n\tmovups 128(%[in]), %%xmm8\n\t"
			 "movups 240(%[in]), %%xmm15\n\t"
			 "syscall\n\t"
			 "movups %%xmm0, 0(%[out])\n\tmovups %%xmm1, 16(%[out])\n\t"
			 "movups %%xmm7, 112(%[out])\n\tmovups %%xmm8, 128(%[out])\n\t"
			 "movups %%xmm15, 240(%[out])\n\t"
			 :
			 : "a"((long)SYS_sched_yield), [in] "r"(in), [out] "r"(out)
			 : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm7", "xmm8", "xmm15");
	return memcmp(in, out, 32) == 0 && memcmp(in + 14, out + 14, 32) == 0 &&
	       memcmp(in + 30, out + 30, 16) == 0;
}

static void vectors_are_each_process_own(void)
{
	pid_t pids[PROCESSES];
	int bad = 0;

	for (int p = 0; p < PROCESSES; p++) {
		pids[p] = spawn();
		if (pids[p] == 0) {
			bool good = true;
			for (int i = 0; i < ROUNDS; i++)
				good &= vectors_survive_yield((uint64_t)p * ROUNDS + (uint64_t)i);
			_exit(good ? 0 : 1);
		}
	}
	for (int p = 0; p < PROCESSES; p++)
		bad += reap(pids[p]) != 0;
	is(bad, 0, "vector registers survive switches among %d processes", PROCESSES);
}

static void control_words_are_inherited(void)
{
	int st;

	set_mxcsr(MXCSR_DEFAULT | MXCSR_FLUSH_ZERO);
	set_x87(X87_SINGLE);
	if (child(&st) == 0)
		_exit(get_mxcsr() == (MXCSR_DEFAULT | MXCSR_FLUSH_ZERO) && get_x87() == X87_SINGLE
			      ? 0
			      : 1);
	is(st, EXITED(0), "fork hands the control words on");
	if (child(&st) == 0) {
		char *argv[] = {"cpu_state", "fresh", NULL};
		execv("/proc/self/exe", argv);
		_exit(2);
	}
	is(st, EXITED(0), "exec starts with the default control words");
	set_mxcsr(MXCSR_DEFAULT);
	set_x87(X87_DEFAULT);
}

static void bases_stay_below_the_kernel(void)
{
	unsigned long base = 0, again = 0;

	is(syscall(SYS_arch_prctl, ARCH_GET_FS, &base), 0, "ARCH_GET_FS");
	ok(base != 0, "the thread's base is not 0");
	fails(syscall(SYS_arch_prctl, ARCH_SET_FS, KERNEL_ADDRESS), EPERM,
	      "an FS base in the kernel");
	fails(syscall(SYS_arch_prctl, ARCH_SET_GS, NOT_CANONICAL), EPERM,
	      "a GS base that is no address");
	fails(syscall(SYS_arch_prctl, ARCH_GET_FS, BAD_POINTER), EFAULT, "ARCH_GET_FS to nowhere");
	fails(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL, "an unknown option");
	is(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x12345000), 0, "ARCH_SET_GS");
	sched_yield();
	is(syscall(SYS_arch_prctl, ARCH_GET_GS, &again), 0, "ARCH_GET_GS");
	is(again, 0x12345000, "gives what was set");
	syscall(SYS_arch_prctl, ARCH_SET_GS, 0);
	syscall(SYS_arch_prctl, ARCH_GET_FS, &again);
	ok(again == base, "and the FS base is untouched");
}

/* --- Forged frames: a handler changes the context, and returns through it --- */

enum forgery {
	FORGE_NOTHING,
	FORGE_IP_NOT_CANONICAL,
	FORGE_IP_KERNEL,
	FORGE_SP_NOT_CANONICAL,
	FORGE_FLAGS,
	FORGE_VECTORS_NOWHERE,
	FORGE_VECTORS_KERNEL,
	FORGE_VECTORS_NONE,
};
static enum forgery forgery;

static void forge(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *registers = uc->uc_mcontext.gregs;

	(void)sig;
	(void)info;
	switch (forgery) {
	case FORGE_NOTHING:
		break;
	case FORGE_IP_NOT_CANONICAL:
		registers[REG_RIP] = (greg_t)NOT_CANONICAL;
		break;
	case FORGE_IP_KERNEL:
		registers[REG_RIP] = (greg_t)KERNEL_ADDRESS;
		break;
	case FORGE_SP_NOT_CANONICAL:
		registers[REG_RSP] = (greg_t)NOT_CANONICAL;
		break;
	case FORGE_FLAGS:
		registers[REG_EFL] =
			(registers[REG_EFL] | (greg_t)FLAGS_IOPL) & ~(greg_t)FLAG_INTERRUPT;
		break;
	case FORGE_VECTORS_NOWHERE:
		uc->uc_mcontext.fpregs = BAD_POINTER;
		break;
	case FORGE_VECTORS_KERNEL:
		uc->uc_mcontext.fpregs = KERNEL_POINTER;
		break;
	case FORGE_VECTORS_NONE:
		uc->uc_mcontext.fpregs = NULL;
		break;
	}
}

static unsigned long raise_and_look(void)
{
	unsigned long flags;
	long pid = getpid();

	__asm__ volatile("syscall\n\tpushfq\n\tpopq %0"
			 : "=r"(flags)
			 : "a"((long)SYS_kill), "D"(pid), "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory");
	return flags;
}

static void forged_frame_kills(enum forgery what, const char *text)
{
	int st;

	forgery = what;
	if (child(&st) == 0) {
		raise_and_look();
		_exit(0);
	}
	/* An address that is none is a stack fault when it is the stack's. */
	if (what == FORGE_SP_NOT_CANONICAL && (st & ~0x80) == KILLED(SIGBUS))
		st = KILLED(SIGSEGV);
	is(st & ~0x80, KILLED(SIGSEGV), "%s", text);
}

static void forged_frames(void)
{
	struct sigaction act = {.sa_sigaction = forge, .sa_flags = SA_SIGINFO};
	unsigned long flags;
	int st;

	sigaction(SIGUSR1, &act, NULL);
	forgery = FORGE_NOTHING;
	raise_and_look();
	ok(true, "an honest frame returns");
	forged_frame_kills(FORGE_IP_NOT_CANONICAL, "a return address that is none kills");
	forged_frame_kills(FORGE_IP_KERNEL, "a return address in the kernel kills");
	forged_frame_kills(FORGE_SP_NOT_CANONICAL, "a stack pointer that is none kills");
	forged_frame_kills(FORGE_VECTORS_NOWHERE, "vector state that is not mapped kills");
	forged_frame_kills(FORGE_VECTORS_KERNEL, "vector state in the kernel kills");

	forgery = FORGE_FLAGS;
	flags = raise_and_look();
	is(flags & (FLAGS_IOPL | FLAG_INTERRUPT), FLAG_INTERRUPT, "privileged flags are not taken");

	forgery = FORGE_VECTORS_NONE;
	if (child(&st) == 0) {
		set_mxcsr(MXCSR_DEFAULT | MXCSR_FLUSH_ZERO);
		raise_and_look();
		_exit(get_mxcsr() == MXCSR_DEFAULT ? 0 : 1);
	}
	is(st, EXITED(0), "no vector state means a fresh one");

	if (child(&st) == 0) {
		__asm__ volatile("movq %1, %%rsp\n\tsyscall"
				 :
				 : "a"((long)SYS_rt_sigreturn), "r"(NOT_CANONICAL)
				 : "memory");
		_exit(0);
	}
	is(st & ~0x80, KILLED(SIGSEGV), "sigreturn without a frame kills");
}

static void handler_nowhere(void)
{
	struct sigaction act = {.sa_handler = (void (*)(int))NOT_CANONICAL};
	int st;

	if (child(&st) == 0) {
		sigaction(SIGUSR1, &act, NULL);
		raise(SIGUSR1);
		_exit(0);
	}
	is(st & ~0x80, KILLED(SIGSEGV), "a handler that is nowhere kills");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "fresh") == 0)
		return get_mxcsr() == MXCSR_DEFAULT && get_x87() == X87_DEFAULT ? 0 : 1;
	vectors_are_each_process_own();
	control_words_are_inherited();
	bases_stay_below_the_kernel();
	forged_frames();
	handler_nowhere();
	return done();
}

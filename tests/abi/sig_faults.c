/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals that the processor raises, and the signal frame: codes and addresses, the machine
 * context, changed registers, alternate stacks, and the vector registers across handlers.
 */
#include "abi.h"

#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static siginfo_t info;
static ucontext_t context;
static unsigned long handler_sp;

static void escape(int sig, siginfo_t *i, void *c)
{
	info = *i;
	context = *(ucontext_t *)c;
	siglongjmp(back, sig);
}

static void catch_signal(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction act = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};

	sigaction(sig, &act, NULL);
}

static void divide(void)
{
	__asm__ volatile("xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\tmovl $1, %%eax\n\tidivl %%ecx"
			 :
			 :
			 : "eax", "ecx", "edx", "cc");
}

static void undefined(void)
{
	__asm__ volatile("ud2");
}

static void breakpoint(void)
{
	__asm__ volatile("int3");
}

static void privileged(void)
{
	__asm__ volatile("hlt");
}

static void store(void)
{
	*(volatile int *)BAD_POINTER = 1;
}

static void interrupt(void)
{
	__asm__ volatile("int $0x42");
}

static void float_division(void)
{
	unsigned short control = 0x37b; /* division by zero unmasked */

	__asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait\n\tfninit"
			 :
			 : "m"(control));
}

static int raised(void (*fn)(void))
{
	memset(&info, 0, sizeof(info));
	int sig = sigsetjmp(back, 1);

	if (sig == 0)
		fn();
	__asm__ volatile("fninit");
	return sig;
}

static void traps_have_their_signals(void)
{
	static const int signals[] = {SIGFPE, SIGILL, SIGTRAP, SIGSEGV, SIGBUS};

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		catch_signal(signals[i], escape, 0);
	is(raised(divide), SIGFPE, "a division by zero raises SIGFPE");
	is(info.si_code, FPE_INTDIV, "with FPE_INTDIV");
	is((long)info.si_addr, context.uc_mcontext.gregs[REG_RIP], "si_addr is the instruction");
	is(context.uc_mcontext.gregs[REG_TRAPNO], 0, "the trap number is 0");
	is(raised(float_division), SIGFPE, "an unmasked floating-point exception raises SIGFPE");
	is(info.si_code, FPE_FLTDIV, "with FPE_FLTDIV");
	is(raised(undefined), SIGILL, "an undefined instruction raises SIGILL");
	is(info.si_code, ILL_ILLOPN, "with ILL_ILLOPN");
	is((long)info.si_addr, context.uc_mcontext.gregs[REG_RIP], "si_addr is the instruction");
	is(raised(breakpoint), SIGTRAP, "int3 raises SIGTRAP");
	is(info.si_code, SI_KERNEL, "with SI_KERNEL");
	is(raised(privileged), SIGSEGV, "a privileged instruction raises SIGSEGV");
	is(info.si_code, SI_KERNEL, "with SI_KERNEL");
	is(context.uc_mcontext.gregs[REG_TRAPNO], 13, "the trap number is 13");
	is(raised(interrupt), SIGSEGV, "so does an interrupt instruction");
	is(raised(store), SIGSEGV, "a bad store raises SIGSEGV");
	is(info.si_code, SEGV_MAPERR, "with SEGV_MAPERR");
	ok(info.si_addr == BAD_POINTER, "si_addr is the address");
	is(context.uc_mcontext.gregs[REG_TRAPNO], 14, "the trap number is 14");
	is(context.uc_mcontext.gregs[REG_CR2], 0x10, "cr2 is the address");
	is(context.uc_mcontext.gregs[REG_ERR], 6, "the error code says user, write, not present");
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], SIG_DFL);
}

static void beyond_the_end_of_a_file(void)
{
	scratch();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ftruncate(fd, 100);
	volatile char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	catch_signal(SIGBUS, escape, 0);
	p[PAGE - 1] = 1;
	ok(p[PAGE - 1] == 1, "the last page of a file can be written beyond its end");
	int sig = sigsetjmp(back, 1);
	if (sig == 0)
		p[PAGE] = 1;
	is(sig, SIGBUS, "the page behind raises SIGBUS");
	is(info.si_code, BUS_ADRERR, "with BUS_ADRERR");
	ok(info.si_addr == p + PAGE, "si_addr is the address");
	fails(write(fd, (const char *)p + PAGE, 1), EFAULT, "for the kernel it is EFAULT");
	signal(SIGBUS, SIG_DFL);
	close(fd);
}

static void blocked_faults_kill(void)
{
	int st;

	if (child(&st) == 0) {
		sigset_t all;
		catch_signal(SIGSEGV, escape, 0);
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		store();
		_exit(0);
	}
	is(st & 0x7f, SIGSEGV, "a fault with SIGSEGV blocked kills");
	if (child(&st) == 0) {
		signal(SIGSEGV, SIG_IGN);
		store();
		_exit(0);
	}
	is(st & 0x7f, SIGSEGV, "and so with SIGSEGV ignored");
}

static volatile int fixes;

static void skip_instruction(int sig, siginfo_t *i, void *c)
{
	ucontext_t *u = c;

	(void)sig;
	(void)i;
	fixes++;
	u->uc_mcontext.gregs[REG_RIP] += 2; /* the length of ud2 */
	u->uc_mcontext.gregs[REG_RAX] = 0x1234567890abcdef;
	sigaddset(&u->uc_sigmask, SIGUSR2);
}

static void changed_contexts_take_effect(void)
{
	unsigned long rax = 1, rbx = 77;
	sigset_t now;

	catch_signal(SIGILL, skip_instruction, 0);
	__asm__ volatile("ud2" : "+a"(rax), "+b"(rbx));
	is(fixes, 1, "the handler skipped the instruction");
	is(rax, 0x1234567890abcdef, "a register changed in the context is changed");
	is(rbx, 77, "others are kept");
	sigprocmask(SIG_SETMASK, NULL, &now);
	ok(sigismember(&now, SIGUSR2), "so is the mask");
	sigdelset(&now, SIGUSR2);
	sigprocmask(SIG_SETMASK, &now, NULL);
	signal(SIGILL, SIG_DFL);
}

static void note_stack(int sig, siginfo_t *i, void *c)
{
	unsigned char vector[16] __attribute__((aligned(16)));

	(void)sig;
	(void)i;
	memset(vector, 1, sizeof(vector));
	__asm__ volatile("movaps %0, %%xmm0" : : "m"(vector) : "xmm0");
	handler_sp = (unsigned long)__builtin_frame_address(0);
	context = *(ucontext_t *)c;
}

static void alternate_stacks(void)
{
	stack_t alt = {.ss_size = 32768}, old;

	alt.ss_sp = map_pages(8);
	is(sigaltstack(NULL, &old), 0, "sigaltstack reads");
	is(old.ss_flags, SS_DISABLE, "there is none at first");
	is(sigaltstack(&alt, NULL), 0, "one is set");
	catch_signal(SIGUSR1, note_stack, SA_ONSTACK);
	raise(SIGUSR1);
	unsigned long low = (unsigned long)alt.ss_sp;
	ok(handler_sp > low && handler_sp < low + alt.ss_size, "SA_ONSTACK runs the handler on it");
	is((handler_sp + 8) % 16, 8, "the frame is aligned as at a call");
	is((long)context.uc_stack.ss_sp, (long)alt.ss_sp, "uc_stack names it");
	catch_signal(SIGUSR1, note_stack, 0);
	raise(SIGUSR1);
	ok(handler_sp < low || handler_sp > low + alt.ss_size, "without the flag it does not");
	alt.ss_size = 100;
	fails(sigaltstack(&alt, NULL), ENOMEM, "one too small");
	alt.ss_size = 32768;
	alt.ss_flags = 77;
	fails(sigaltstack(&alt, NULL), EINVAL, "unknown flags");
	fails(syscall(SYS_sigaltstack, BAD_POINTER, NULL), EFAULT, "a bad pointer");
	alt.ss_flags = SS_DISABLE;
	is(sigaltstack(&alt, NULL), 0, "it is disabled");
	sigaltstack(NULL, &old);
	is(old.ss_flags, SS_DISABLE, "as sigaltstack shows");
}

static int eat_stack(int depth)
{
	volatile char block[4096];

	block[0] = (char)depth;
	return depth < 1000000 ? eat_stack(depth + 1) + block[0] : 0;
}

static void exit_from_handler(int sig, siginfo_t *i, void *c)
{
	(void)sig;
	(void)i;
	(void)c;
	_exit(66);
}

static void stack_overflow(void)
{
	int st;

	if (child(&st) == 0) {
		stack_t alt = {.ss_size = 32768, .ss_sp = map_pages(8)};
		sigaltstack(&alt, NULL);
		catch_signal(SIGSEGV, exit_from_handler, SA_ONSTACK);
		_exit(eat_stack(0));
	}
	is(st, EXITED(66), "a stack overflow is handled on the alternate stack");
	if (child(&st) == 0) {
		catch_signal(SIGSEGV, exit_from_handler, 0);
		_exit(eat_stack(0));
	}
	is(st & 0x7f, SIGSEGV, "without one it kills");
}

static void clobber_vectors(int sig)
{
	(void)sig;
	__asm__ volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm7, %%xmm7\n\tpxor %%xmm15, %%xmm15\n\t"
			 "fninit"
			 :
			 :
			 : "xmm0", "xmm7", "xmm15");
	unsigned csr = 0x7f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(csr));
}

static void vectors_survive_handlers(void)
{
	unsigned long in[2] = {0x1111222233334444, 0x5555666677778888}, out[6] = {0};
	unsigned csr = 0x3f80, csr_after = 0;
	unsigned short cw = 0x27f, cw_after = 0;
	long result;

	signal(SIGUSR1, clobber_vectors);
	__asm__ volatile("ldmxcsr %[csr]\n\tfldcw %[cw]\n\t"
			 "movups %[in], %%xmm0\n\tmovups %[in], %%xmm7\n\tmovups %[in], %%xmm15\n\t"
			 "syscall\n\t"
			 "movups %%xmm0, 0(%[out])\n\tmovups %%xmm7, 16(%[out])\n\t"
			 "movups %%xmm15, 32(%[out])\n\t"
			 "stmxcsr %[csr2]\n\tfnstcw %[cw2]"
			 : "=a"(result), [csr2] "=m"(csr_after), [cw2] "=m"(cw_after)
			 : "a"(SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1),
			   [in] "m"(*(char(*)[16])in), [out] "r"(out), [csr] "m"(csr), [cw] "m"(cw)
			 : "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15");
	bool same = result == 0;
	for (int i = 0; i < 6; i++)
		same = same && out[i] == in[i % 2];
	ok(same, "xmm registers survive a handler that clobbers them");
	is(csr_after, 0x3f80, "so does mxcsr");
	is(cw_after, 0x27f, "and the x87 control word");
	csr = 0x1f80;
	__asm__ volatile("ldmxcsr %0\n\tfninit" : : "m"(csr));
}

__attribute__((target("avx"))) static bool ymm_survives(void)
{
	unsigned long in[4] = {1, 2, 3, 4}, out[4] = {0};
	long result;

	__asm__ volatile(
		"vmovups %[in], %%ymm5\n\tsyscall\n\tvmovups %%ymm5, (%[out])\n\tvzeroupper"
		: "=a"(result)
		: "a"(SYS_kill), "D"((long)getpid()),
		  "S"((long)SIGUSR1), [in] "m"(*(char(*)[32])in), [out] "r"(out)
		: "rcx", "r11", "memory", "xmm5");
	return result == 0 && memcmp(in, out, sizeof(in)) == 0;
}

__attribute__((target("avx"))) static void clobber_ymm(int sig)
{
	(void)sig;
	__asm__ volatile("vzeroall" : : : "memory");
}

static void wide_vectors_survive_handlers(void)
{
	if (!__builtin_cpu_supports("avx")) {
		skip(1, "the processor has no AVX");
		return;
	}
	signal(SIGUSR1, clobber_ymm);
	ok(ymm_survives(), "ymm registers survive a handler that clobbers them");
}

static void vectors_are_per_process(void)
{
	int good = 0;
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = spawn();
		if (pids[i] != 0)
			continue;
		double x = 1.0 + i, sum = 0;
		for (int n = 0; n < 200; n++) {
			sum += x;
			sched_yield();
		}
		_exit(sum == 200.0 * (1 + i) ? 0 : 1);
	}
	for (int i = 0; i < 4; i++)
		good += reap(pids[i]) == 0;
	is(good, 4, "processes that switch often compute right");
}

int main(void)
{
	traps_have_their_signals();
	beyond_the_end_of_a_file();
	blocked_faults_kill();
	changed_contexts_take_effect();
	alternate_stacks();
	stack_overflow();
	vectors_survive_handlers();
	wide_vectors_survive_handlers();
	vectors_are_per_process();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals as programs see them: numbers, flags and layouts of Linux's system-call interface
 * (signal(7), sigaction(2)). */
#ifndef LIB_ABI_SIGNAL_H
#define LIB_ABI_SIGNAL_H

#include "lib/assert.h"
#include "lib/types.h"

enum {
	SIGHUP = 1,
	SIGINT = 2,
	SIGQUIT = 3,
	SIGILL = 4,
	SIGTRAP = 5,
	SIGABRT = 6,
	SIGBUS = 7,
	SIGFPE = 8,
	SIGKILL = 9,
	SIGUSR1 = 10,
	SIGSEGV = 11,
	SIGUSR2 = 12,
	SIGPIPE = 13,
	SIGALRM = 14,
	SIGTERM = 15,
	SIGSTKFLT = 16,
	SIGCHLD = 17,
	SIGCONT = 18,
	SIGSTOP = 19,
	SIGTSTP = 20,
	SIGTTIN = 21,
	SIGTTOU = 22,
	SIGURG = 23,
	SIGXCPU = 24,
	SIGXFSZ = 25,
	SIGVTALRM = 26,
	SIGPROF = 27,
	SIGWINCH = 28,
	SIGIO = 29,
	SIGPWR = 30,
	SIGSYS = 31,
	SIGRTMIN = 32, /* the kernel's; the C library takes the first few for itself */
	SIGNAL_MAX = 64,
};

/* A set of signals: bit n - 1 stands for signal n.  The size that the system calls insist on is 8
 * bytes. */
#ifdef __KERNEL__
typedef u64 sigset_t;
#endif
#define SIGNAL_BIT(signal) ((u64)1 << ((signal)-1))

#define SIG_DFL ((vaddr_t)0)
#define SIG_IGN ((vaddr_t)1)

enum { SIG_BLOCK = 0, SIG_UNBLOCK = 1, SIG_SETMASK = 2 };

#define SA_NOCLDSTOP      0x00000001u
#define SA_NOCLDWAIT      0x00000002u
#define SA_SIGINFO        0x00000004u
#define SA_UNSUPPORTED    0x00000400u
#define SA_EXPOSE_TAGBITS 0x00000800u
#define SA_RESTORER       0x04000000u
#define SA_ONSTACK        0x08000000u
#define SA_RESTART        0x10000000u
#define SA_NODEFER        0x40000000u
#define SA_RESETHAND      0x80000000u

/* struct sigaction of rt_sigaction(2). */
struct linux_sigaction {
	vaddr_t handler;
	u64 flags;
	vaddr_t restorer;
	u64 mask;
};
BUILD_ASSERT(sizeof(struct linux_sigaction) == 32);

/* stack_t of sigaltstack(2). */
struct linux_stack {
	vaddr_t sp;
	s32 flags;
	u32 pad;
	u64 size;
};
BUILD_ASSERT(sizeof(struct linux_stack) == 24);

enum { SS_ONSTACK = 1, SS_DISABLE = 2 };
#define SS_AUTODISARM 0x80000000u
enum { MINSIGSTKSZ = 2048 };

/* si_code: who sent it. Positive values are the kernel's and depend on the signal. */
enum {
	SI_USER = 0,
	SI_KERNEL = 0x80,
	SI_QUEUE = -1,
	SI_TIMER = -2,
	SI_MESGQ = -3,
	SI_ASYNCIO = -4,
	SI_SIGIO = -5,
	SI_TKILL = -6,

	ILL_ILLOPC = 1,
	ILL_ILLOPN = 2,
	ILL_PRVOPC = 5,
	FPE_INTDIV = 1,
	FPE_INTOVF = 2,
	FPE_FLTDIV = 3,
	FPE_FLTOVF = 4,
	FPE_FLTUND = 5,
	FPE_FLTRES = 6,
	FPE_FLTINV = 7,
	SEGV_MAPERR = 1,
	SEGV_ACCERR = 2,
	SEGV_PKUERR = 4,
	BUS_ADRALN = 1,
	BUS_ADRERR = 2,
	BUS_OBJERR = 3,
	TRAP_BRKPT = 1,
	TRAP_TRACE = 2,
	TRAP_HWBKPT = 4,
	CLD_EXITED = 1,
	CLD_KILLED = 2,
	CLD_DUMPED = 3,
	CLD_TRAPPED = 4,
	CLD_STOPPED = 5,
	CLD_CONTINUED = 6,
	POLL_IN = 1,
	POLL_OUT = 2,
	POLL_MSG = 3,
	POLL_ERR = 4,
	POLL_PRI = 5,
	POLL_HUP = 6,
};

/*
 * The part of siginfo_t that carries something.  What a program sees is this followed by zeros,
 * SIGINFO_SIZE bytes in all.
 */
struct siginfo {
	s32 signo;
	s32 error;
	s32 code;
	s32 pad;
	union {
		struct { /* SI_USER, SI_TKILL, SI_QUEUE */
			pid_t pid;
			uid_t uid;
			u64 value;
		} sender;
		struct { /* SI_TIMER */
			s32 id;
			s32 overrun;
			u64 value;
		} timer;
		struct { /* SIGCHLD; times in clock ticks of 1/100 s */
			pid_t pid;
			uid_t uid;
			s32 status;
			s32 pad;
			s64 user_time;
			s64 system_time;
		} child;
		struct { /* SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
			vaddr_t address;
			u64 extra[2]; /* the second: the key of SEGV_PKUERR */
		} fault;
		struct { /* SIGIO */
			s64 band;
			s32 fd;
		} poll;
		u8 bytes[32];
	};
};
enum { SIGINFO_SIZE = 128 };
BUILD_ASSERT(sizeof(struct siginfo) == 48);

/* struct sigevent of timer_create(2). */
struct linux_sigevent {
	u64 value;
	s32 signo;
	s32 notify;
	s32 thread_id;
	u8 pad[44];
};
BUILD_ASSERT(sizeof(struct linux_sigevent) == 64);

enum { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4 };

#endif

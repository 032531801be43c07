/* SPDX-License-Identifier: BSD-2-Clause */
/* ptrace(2) as programs see it. */
#ifndef LIB_ABI_PTRACE_H
#define LIB_ABI_PTRACE_H

#include "lib/types.h"

enum ptrace_request_number {
	PTRACE_TRACEME = 0,
	PTRACE_PEEKTEXT = 1,
	PTRACE_PEEKDATA = 2,
	PTRACE_PEEKUSER = 3,
	PTRACE_POKETEXT = 4,
	PTRACE_POKEDATA = 5,
	PTRACE_POKEUSER = 6,
	PTRACE_CONT = 7,
	PTRACE_KILL = 8,
	PTRACE_SINGLESTEP = 9,
	PTRACE_GETREGS = 12,
	PTRACE_SETREGS = 13,
	PTRACE_GETFPREGS = 14,
	PTRACE_SETFPREGS = 15,
	PTRACE_ATTACH = 16,
	PTRACE_DETACH = 17,
	PTRACE_OLDSETOPTIONS = 21,
	PTRACE_SYSCALL = 24,
	PTRACE_SYSEMU = 31,
	PTRACE_SYSEMU_SINGLESTEP = 32,
	PTRACE_SETOPTIONS = 0x4200,
	PTRACE_GETEVENTMSG = 0x4201,
	PTRACE_GETSIGINFO = 0x4202,
	PTRACE_SETSIGINFO = 0x4203,
	PTRACE_GETREGSET = 0x4204,
	PTRACE_SETREGSET = 0x4205,
	PTRACE_SEIZE = 0x4206,
	PTRACE_INTERRUPT = 0x4207,
	PTRACE_LISTEN = 0x4208,
	PTRACE_PEEKSIGINFO = 0x4209,
	PTRACE_GETSIGMASK = 0x420a,
	PTRACE_SETSIGMASK = 0x420b,
	PTRACE_GET_SYSCALL_INFO = 0x420e,
};

/* Why a tracee stopped, besides for a signal: the third byte of the wait status. */
enum ptrace_event_number {
	PTRACE_EVENT_FORK = 1,
	PTRACE_EVENT_VFORK = 2,
	PTRACE_EVENT_CLONE = 3,
	PTRACE_EVENT_EXEC = 4,
	PTRACE_EVENT_VFORK_DONE = 5,
	PTRACE_EVENT_EXIT = 6,
	PTRACE_EVENT_SECCOMP = 7,
	PTRACE_EVENT_STOP = 128,
};

/* The option that asks for an event is bit EVENT. */
#define PTRACE_O_TRACESYSGOOD 0x00000001u
#define PTRACE_O_EXITKILL     0x00100000u
#define PTRACE_O_MASK         0x003000ffu

#define PTRACE_PEEKSIGINFO_SHARED 1u

struct linux_peeksiginfo {
	u64 offset;
	u32 flags;
	s32 count;
};

enum { SYSCALL_INFO_NONE = 0, SYSCALL_INFO_ENTRY = 1, SYSCALL_INFO_EXIT = 2 };

struct linux_syscall_info {
	u8 op;
	u8 pad[3];
	u32 arch;
	u64 ip, sp;
	union {
		struct {
			u64 number;
			u64 arguments[6];
		} entry;
		struct {
			s64 result;
			u8 is_error;
		} exit;
	};
};

#endif

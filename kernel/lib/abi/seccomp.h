/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's layouts and constants of seccomp(2) and of the classic BPF that its filters are made of.
 */
#ifndef LIB_ABI_SECCOMP_H
#define LIB_ABI_SECCOMP_H

#include "lib/types.h"

enum { SECCOMP_MODE_DISABLED = 0, SECCOMP_MODE_STRICT = 1, SECCOMP_MODE_FILTER = 2 };

enum {
	SECCOMP_SET_MODE_STRICT = 0,
	SECCOMP_SET_MODE_FILTER = 1,
	SECCOMP_GET_ACTION_AVAIL = 2,
	SECCOMP_GET_NOTIF_SIZES = 3,
};

enum {
	SECCOMP_FILTER_FLAG_TSYNC = 1,
	SECCOMP_FILTER_FLAG_LOG = 2,
	SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4,
	SECCOMP_FILTER_FLAG_NEW_LISTENER = 8,
	SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16,
	SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32,
};

/* What a filter answers: an action and 16 bits of data.  The least, as a signed number, wins. */
#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#define SECCOMP_RET_KILL_THREAD  0x00000000u
#define SECCOMP_RET_TRAP         0x00030000u
#define SECCOMP_RET_ERRNO        0x00050000u
#define SECCOMP_RET_USER_NOTIF   0x7fc00000u
#define SECCOMP_RET_TRACE        0x7ff00000u
#define SECCOMP_RET_LOG          0x7ffc0000u
#define SECCOMP_RET_ALLOW        0x7fff0000u
#define SECCOMP_RET_ACTION       0xffff0000u
#define SECCOMP_RET_DATA         0x0000ffffu

struct linux_seccomp_data {
	s32 number;
	u32 arch; /* AUDIT_ARCH_* */
	u64 instruction_pointer;
	u64 arguments[6];
};
_Static_assert(sizeof(struct linux_seccomp_data) == 64, "Linux's size");

/* What a listener reads, answers and gives (seccomp_unotify(2)). */
struct linux_seccomp_notif {
	u64 id;
	u32 pid;
	u32 flags;
	struct linux_seccomp_data data;
};
_Static_assert(sizeof(struct linux_seccomp_notif) == 80, "Linux's size");

enum { SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1 };

struct linux_seccomp_notif_resp {
	u64 id;
	s64 value;
	s32 error;
	u32 flags;
};

enum { SECCOMP_ADDFD_FLAG_SETFD = 1, SECCOMP_ADDFD_FLAG_SEND = 2 };

struct linux_seccomp_notif_addfd {
	u64 id;
	u32 flags;
	u32 source;
	u32 wanted;
	u32 wanted_flags;
};

struct linux_seccomp_notif_sizes {
	u16 notif, resp, data;
};

enum seccomp_ioctls {
	SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100,
	SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101,
	SECCOMP_IOCTL_NOTIF_ID_VALID = 0x40082102,
	SECCOMP_IOCTL_NOTIF_ID_VALID_OLD = 0x80082102,
	SECCOMP_IOCTL_NOTIF_ADDFD = 0x40182103,
};

struct linux_sock_filter {
	u16 code;
	u8 jump_true, jump_false;
	u32 k;
};
_Static_assert(sizeof(struct linux_sock_filter) == 8, "Linux's size");

struct linux_sock_fprog {
	u16 length;
	u64 filter; /* a user address */
};
_Static_assert(sizeof(struct linux_sock_fprog) == 16, "Linux's size");

/* Instructions: class, then what belongs to it. */
enum {
	BPF_LD = 0x00,
	BPF_LDX = 0x01,
	BPF_ST = 0x02,
	BPF_STX = 0x03,
	BPF_ALU = 0x04,
	BPF_JMP = 0x05,
	BPF_RET = 0x06,
	BPF_MISC = 0x07,
	BPF_CLASS = 0x07,

	BPF_W = 0x00,
	BPF_H = 0x08,
	BPF_B = 0x10,
	BPF_SIZE = 0x18,
	BPF_IMM = 0x00,
	BPF_ABS = 0x20,
	BPF_IND = 0x40,
	BPF_MEM = 0x60,
	BPF_LEN = 0x80,
	BPF_MSH = 0xa0,
	BPF_MODE = 0xe0,

	BPF_ADD = 0x00,
	BPF_SUB = 0x10,
	BPF_MUL = 0x20,
	BPF_DIV = 0x30,
	BPF_OR = 0x40,
	BPF_AND = 0x50,
	BPF_LSH = 0x60,
	BPF_RSH = 0x70,
	BPF_NEG = 0x80,
	BPF_MOD = 0x90,
	BPF_XOR = 0xa0,
	BPF_OPERATION = 0xf0,

	BPF_JA = 0x00,
	BPF_JEQ = 0x10,
	BPF_JGT = 0x20,
	BPF_JGE = 0x30,
	BPF_JSET = 0x40,

	BPF_K = 0x00,
	BPF_X = 0x08,
	BPF_A = 0x10, /* of BPF_RET */

	BPF_TAX = 0x00,
	BPF_TXA = 0x80,

	BPF_MEMORY_WORDS = 16,
	BPF_MOST_INSTRUCTIONS = 4096,
};

#endif

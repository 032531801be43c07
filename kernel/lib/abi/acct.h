/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of process accounting, acct(5): version 3. */
#ifndef LIB_ABI_ACCT_H
#define LIB_ABI_ACCT_H

#include "lib/types.h"

#define ACCT_VERSION 3

enum acct_flags {
	ACCT_FORK = 0x01,      /* forked, but did not exec */
	ACCT_SUPERUSER = 0x02, /* has used a capability */
	ACCT_CORE = 0x08,      /* left a core file */
	ACCT_SIGNAL = 0x10,    /* was killed by a signal */
};

/* Times in hundredths of a second.  Numbers of 16 bits are in floating point: three bits of
 * exponent to the base 8, 13 of fraction. */
struct acct_record {
	u8 flags;
	u8 version;
	u16 tty;
	u32 exit_code;
	u32 uid, gid;
	u32 pid, parent_pid;
	u32 begin;   /* seconds since 1970 */
	u32 elapsed; /* a float */
	u16 user_time, system_time;
	u16 memory; /* KiB */
	u16 characters, blocks;
	u16 minor_faults, major_faults;
	u16 swaps;
	char name[16];
};
_Static_assert(sizeof(struct acct_record) == 64, "Linux's size");

#endif

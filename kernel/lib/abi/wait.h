/* SPDX-License-Identifier: BSD-2-Clause */
/* wait4(2), waitid(2): options and status words. */
#ifndef LIB_ABI_WAIT_H
#define LIB_ABI_WAIT_H

#include "lib/types.h"

enum {
	WNOHANG = 0x00000001,
	WUNTRACED = 0x00000002,
	WSTOPPED = WUNTRACED,
	WEXITED = 0x00000004,
	WCONTINUED = 0x00000008,
	WNOWAIT = 0x01000000,
};
#define __WNOTHREAD 0x20000000
#define __WALL      0x40000000
#define __WCLONE    ((int)0x80000000)

enum { P_ALL = 0, P_PID = 1, P_PGID = 2, P_PIDFD = 3 };

#define WAIT_STATUS_EXITED(code)    (((code)&0xff) << 8)
#define WAIT_STATUS_CORE            0x80
#define WAIT_STATUS_STOPPED(signal) (((signal) << 8) | 0x7f)
#define WAIT_STATUS_CONTINUED       0xffff

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of prctl(2) about processes and threads; those about credentials are in
 * proc/credentials_exec.c. */
#ifndef LIB_ABI_PRCTL_H
#define LIB_ABI_PRCTL_H

enum {
	PR_SET_PDEATHSIG = 1,
	PR_GET_PDEATHSIG = 2,
	PR_GET_DUMPABLE = 3,
	PR_SET_DUMPABLE = 4,
	PR_SET_NAME = 15,
	PR_GET_NAME = 16,
	PR_GET_SECCOMP = 21,
	PR_SET_SECCOMP = 22,
	PR_SET_TIMERSLACK = 29,
	PR_GET_TIMERSLACK = 30,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER = 37,
	PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS = 39,
	PR_GET_TID_ADDRESS = 40,
	PR_SET_THP_DISABLE = 41,
	PR_GET_THP_DISABLE = 42,
};

/* What PR_SET_TIMERSLACK of 0 goes back to, nanoseconds. */
#define PR_DEFAULT_TIMERSLACK 50000

#endif

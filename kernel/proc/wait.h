/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for children: wait4(2), waitid(2).
 */
#ifndef PROC_WAIT_H
#define PROC_WAIT_H

#include "lib/types.h"
#include "proc/process.h"

enum wait_which { WAIT_ANY, WAIT_PROCESS, WAIT_GROUP, WAIT_THIS };

struct wait_request {
	enum wait_which which;
	pid_t id;                      /* of the process or process group */
	const struct process *process; /* WAIT_THIS: the one; the caller has a reference */
	int options;                   /* W* of lib/abi/wait.h, WEXITED included */
};

struct wait_result {
	pid_t pid;                  /* 0: nothing yet (WNOHANG) */
	uid_t uid;                  /* real user of the child */
	int code;                   /* CLD_* */
	int status;                 /* as wait(2) encodes it */
	struct process_usage usage; /* of the child and its own waited-for children */
};

/* 0, -ECHILD, -ERESTARTSYS.  May sleep. */
int __must_check process_wait(const struct wait_request *request, struct wait_result *result);

#endif

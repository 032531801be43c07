/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs about ptrace share: Linux's numbers, the call, and children to be traced.
 */
#ifndef ABI_PTRACE_H
#define ABI_PTRACE_H

#include "abi.h"

#include <sys/ptrace.h>
#include <sys/user.h>

#define STOPPED(sig)      (((sig) << 8) | 0x7f)
#define EVENT(sig, event) (STOPPED(sig) | (event) << 16)
#define EVENT_FORK        1
#define EVENT_VFORK       2
#define EVENT_CLONE       3
#define EVENT_EXEC        4
#define EVENT_VFORK_DONE  5
#define EVENT_EXIT        6
#define EVENT_STOP        128
#define OPT_SYSGOOD       1
#define OPT_FORK          2
#define OPT_VFORK         4
#define OPT_CLONE         8
#define OPT_EXEC          16
#define OPT_VFORK_DONE    32
#define OPT_EXIT          64
#define OPT_EXITKILL      0x100000
#define GETREGSET         0x4204
#define SETREGSET         0x4205
#define SEIZE             0x4206
#define INTERRUPT         0x4207
#define LISTEN            0x4208
#define PEEKSIGINFO       0x4209
#define GETSIGMASK        0x420a
#define GET_SYSCALL_INFO  0x420e
#define DEBUG_REGISTER(n) (offsetof(struct user, u_debugreg) + (n) * sizeof(long))

static inline long trace(long request, pid_t pid, unsigned long address, unsigned long data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

static inline int wait_for(pid_t pid)
{
	int st = -1;

	for (int i = 0; i < 10000; i++) {
		pid_t got = waitpid(pid, &st, __WALL | WNOHANG);
		if (got == pid)
			return st;
		if (got < 0)
			return -errno;
		sleep_ms(1);
	}
	return -1;
}

static inline int cont(pid_t pid, int sig)
{
	return trace(PTRACE_CONT, pid, 0, (unsigned long)sig) == 0 ? wait_for(pid) : -errno;
}

static inline void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	for (int st = 0; st >= 0 && !WIFEXITED(st) && !WIFSIGNALED(st);)
		st = wait_for(pid);
}

/* A child that is traced and stopped; false in the child. */
static inline pid_t start_traced(void)
{
	pid_t pid = spawn();

	if (pid == 0) {
		leave_counters();
		trace(PTRACE_TRACEME, 0, 0, 0);
		kill(getpid(), SIGSTOP);
		return 0;
	}
	is(wait_for(pid), STOPPED(SIGSTOP), "the tracee stops for its signal");
	return pid;
}

static inline pid_t start_sleeper(void)
{
	pid_t pid = spawn();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static inline char state_of(pid_t pid)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (get_file(path, text, sizeof(text)) <= 0 || !strrchr(text, ')'))
		return '?';
	return strrchr(text, ')')[2];
}

static inline int tracer_of(pid_t pid)
{
	char path[64], text[4096];
	int value = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (get_file(path, text, sizeof(text)) > 0 && strstr(text, "TracerPid:"))
		sscanf(strstr(text, "TracerPid:"), "TracerPid: %d", &value);
	return value;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of what must end in a panic: see death.h.  The host's headers and the kernel's name the
 * same constants, so this file knows the host's alone.
 */
#include "tests/host/mm/death.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t dying;

bool death_begin(void)
{
	dying = fork();
	if (dying != 0)
		return false;
	/* The panic's message is expected: nobody wants to read it. */
	int nowhere = open("/dev/null", O_WRONLY);
	dup2(nowhere, STDERR_FILENO);
	signal(SIGABRT, SIG_DFL);
	return true;
}

void death_missed(void)
{
	_exit(0);
}

bool death_came(void)
{
	int status;

	return waitpid(dying, &status, 0) == dying && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

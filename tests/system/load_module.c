/* SPDX-License-Identifier: BSD-2-Clause */
/* load_module FILE ARGUMENTS FLAGS: finit_module(2), and what came of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc == 4 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 2;
	if (syscall(SYS_finit_module, fd, argv[2], atoi(argv[3])) == 0)
		return 0;
	printf("flags %s: %s\n", argv[3], strerror(errno));
	return 1;
}

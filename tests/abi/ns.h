/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs about namespaces share.
 */
#ifndef ABI_NS_H
#define ABI_NS_H

#include "abi.h"

/* The number in a link of /proc/PID/ns, or -1. */
static inline long ns_number(const char *link)
{
	char text[64] = "";
	ssize_t length = readlink(link, text, sizeof(text) - 1);
	const char *number = length > 0 ? strchr(text, '[') : NULL;

	return number != NULL ? strtol(number + 1, NULL, 10) : -1;
}

static inline int ns_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int result;

	if (fd < 0)
		return -1;
	result = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	int saved = errno;
	close(fd);
	errno = saved;
	return result;
}

static inline long ns_clone(unsigned long flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

#endif

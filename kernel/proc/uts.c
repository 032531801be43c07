/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of the host and its domain, guarded by `lock`. */
#include "proc/uts.h"

#include "lib/errno.h"
#include "lib/spinlock.h"
#include "lib/string.h"

static spinlock_t lock;
static char hostname[UTS_LENGTH] = "cowslip";
static char domainname[UTS_LENGTH] = "(none)";

static void get(const char *from, char *to)
{
	spin_lock(&lock);
	memcpy(to, from, UTS_LENGTH);
	spin_unlock(&lock);
}

static int set(char *to, const char *from, size_t length)
{
	if (length >= UTS_LENGTH)
		return -EINVAL;
	spin_lock(&lock);
	memcpy(to, from, length);
	memset(to + length, 0, UTS_LENGTH - length);
	spin_unlock(&lock);
	return 0;
}

void uts_get_hostname(char *name)
{
	get(hostname, name);
}

void uts_get_domainname(char *name)
{
	get(domainname, name);
}

int uts_set_hostname(const char *name, size_t length)
{
	return set(hostname, name, length);
}

int uts_set_domainname(const char *name, size_t length)
{
	return set(domainname, name, length);
}

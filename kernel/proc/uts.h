/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What uname(2) tells: the names of the system and of the host, which each namespace
 * (uts_namespaces(7)) has its own of.
 *
 * The release names the interface that we follow, Linux 6.1's.
 */
#ifndef PROC_UTS_H
#define PROC_UTS_H

#include "lib/types.h"

#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.1.0-cowslip"
#define UTS_VERSION "#1 SMP PREEMPT Cowslip"

/* A name's size in struct new_utsname, its NUL included. */
#define UTS_LENGTH 65

/* The kind of namespace; at start-up. */
void uts_init(void);

/* The names of the host and its domain that current has; `name` holds UTS_LENGTH bytes.  Any
 * context. */
void uts_get_hostname(char *name);
void uts_get_domainname(char *name);

/* May current set them? */
bool uts_may_set(void);
/* Sets them; at most 64 bytes.  0 or -EINVAL; the caller has checked permission. */
int __must_check uts_set_hostname(const char *name, size_t length);
int __must_check uts_set_domainname(const char *name, size_t length);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files proc/credentials*.c and the signal queues share. */
#ifndef PROC_CREDENTIALS_INTERNAL_H
#define PROC_CREDENTIALS_INTERNAL_H

#include "proc/credentials.h"

/* The account of a user, made if need be: a reference, or NULL without memory.  Any context. */
struct user_account *user_account_find(uid_t uid);
void user_account_get(struct user_account *account);
void user_account_put(struct user_account *account);
/* The account of a task's real user, with a reference.  Any context. */
struct user_account *user_account_of_task(struct task *task);

/* Bits of credentials.securebits; each has a lock bit above it. */
enum {
	SECURE_NOROOT = 1 << 0,
	SECURE_NOROOT_LOCKED = 1 << 1,
	SECURE_NO_SETUID_FIXUP = 1 << 2,
	SECURE_NO_SETUID_FIXUP_LOCKED = 1 << 3,
	SECURE_KEEP_CAPS = 1 << 4,
	SECURE_KEEP_CAPS_LOCKED = 1 << 5,
	SECURE_NO_CAP_AMBIENT_RAISE = 1 << 6,
	SECURE_NO_CAP_AMBIENT_RAISE_LOCKED = 1 << 7,
	SECURE_ALL_BITS = 0x55,
	SECURE_ALL_LOCKS = 0xaa,
};

#endif

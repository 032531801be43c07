/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of System V objects and POSIX message queues (ipc_namespaces(7)).
 */
#ifndef IPC_IPC_NAMESPACE_H
#define IPC_IPC_NAMESPACE_H

#include "ipc/sysv.h"
#include "proc/namespace.h"

struct mount;

struct ipc_namespace {
	struct namespace base;
	struct sysv_ids msg, sem, shm;
	struct mount *queues; /* const; a reference: where names of POSIX message queues are */
};

static inline struct ipc_namespace *ipc_namespace_current(void)
{
	return (struct ipc_namespace *)namespace_current(NAMESPACE_IPC);
}

void ipc_namespaces_init(void); /* once */

#endif

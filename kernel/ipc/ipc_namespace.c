/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of System V objects and POSIX message queues.  A new one is empty; with the last
 * reference all that is in it goes, but for memory that is attached and queues that are open.
 */
#include "ipc/ipc_namespace.h"

#include "fs/mount.h"
#include "ipc/mqueue.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "mm/kmalloc.h"

static struct ipc_namespace first;

static bool fill(struct ipc_namespace *space)
{
	msg_ids_init(&space->msg);
	sem_ids_init(&space->sem);
	shm_ids_init(&space->shm);
	space->queues = mqueue_fs_create();
	return space->queues != NULL;
}

static struct namespace *copy(struct namespace *from __unused,
			      const struct namespace_request *request)
{
	struct ipc_namespace *space = kzalloc(sizeof(*space));

	if (space == NULL)
		return ERR_PTR(-ENOMEM);
	int error = namespace_init(&space->base, NAMESPACE_IPC, request->owner);
	if (error == 0 && !fill(space)) {
		namespace_fini(&space->base);
		error = -ENOMEM;
	}
	if (error == 0)
		return &space->base;
	kfree(space);
	return ERR_PTR(error);
}

static void release(struct namespace *base)
{
	struct ipc_namespace *space = (struct ipc_namespace *)base;

	msg_ids_clear(&space->msg);
	sem_ids_clear(&space->sem);
	shm_ids_clear(&space->shm);
	mount_put(space->queues);
	namespace_fini(base);
	kfree(space);
}

static const struct namespace_kind_ops operations = {.copy = copy, .release = release};

void ipc_namespaces_init(void)
{
	if (!fill(&first))
		panic("no memory for message queues");
	sem_init();
	namespace_register(NAMESPACE_IPC, &operations, &first.base);
}

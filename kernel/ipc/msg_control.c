/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msgctl(2), and the list of queues for procfs.
 */
#include "ipc/msg_internal.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/pid.h"
#include "proc/time.h"
#include "proc/user_namespace.h"

enum { QUEUES_DEFAULT = 32000, SEGMENT_SIZE = 16 };

void msg_ids_init(struct sysv_ids *ids)
{
	sysv_ids_init(ids, &msg_lock, QUEUES_DEFAULT);
}

void msg_ids_clear(struct sysv_ids *ids)
{
	mutex_lock(&msg_lock);
	for (u32 i = 0; i < ids->capacity; i++)
		if (sysv_at(ids, i) != NULL)
			msg_remove(msg_queue_of(sysv_at(ids, i)));
	mutex_unlock(&msg_lock);
	kfree(ids->slots);
}

u64 msg_get_queues_limit(void)
{
	return READ_ONCE(msg_ids()->limit);
}

void msg_set_queues_limit(u64 limit)
{
	WRITE_ONCE(msg_ids()->limit, limit);
}

static void describe_locked(const struct msg_queue *queue, struct linux_msqid_ds *status)
{
	*status = (struct linux_msqid_ds){
		.send_time = queue->send_time,
		.receive_time = queue->receive_time,
		.change_time = queue->change_time,
		.bytes = queue->bytes,
		.count = queue->count,
		.maximum_bytes = queue->maximum_bytes,
		.sender = pid_show_number(queue->sender),
		.receiver = pid_show_number(queue->receiver),
	};
	sysv_describe(&queue->object, &status->perm);
}

bool msg_next(u32 *index, struct msg_snapshot *snapshot)
{
	struct sysv_object *object = NULL;

	mutex_lock(&msg_lock);
	while (object == NULL && *index < msg_ids()->capacity)
		object = sysv_at(msg_ids(), (*index)++);
	if (object != NULL) {
		snapshot->id = object->id;
		describe_locked(msg_queue_of(object), &snapshot->status);
	}
	mutex_unlock(&msg_lock);
	return object != NULL;
}

/* IPC_INFO: the limits; MSG_INFO: with what is in use. */
static long get_info(int command, vaddr_t buffer)
{
	u64 pool = (u64)QUEUES_DEFAULT * 16384 / KIB;
	struct linux_msginfo info = {
		.pool = (s32)pool,
		.map = 16384,
		.maximum = (s32)msg_limits.message,
		.queue_bytes = (s32)msg_limits.queue,
		.queues = (s32)msg_ids()->limit,
		.segment_size = SEGMENT_SIZE,
		.headers = 16384,
		.segments = (u16)MIN(pool * KIB / SEGMENT_SIZE, (u64)UINT16_MAX),
	};

	mutex_lock(&msg_lock);
	u32 highest = sysv_highest(msg_ids());
	if (command == MSG_INFO) {
		info.pool = (s32)msg_ids()->count;
		info.map = (s32)msg_ids()->total;
		info.headers = (s32)msg_ids()->total_bytes;
	}
	mutex_unlock(&msg_lock);
	return put_user(info, buffer) != 0 ? -EFAULT : (long)highest;
}

static long get_status(int id, int command, vaddr_t buffer)
{
	struct linux_msqid_ds status;

	mutex_lock(&msg_lock);
	struct sysv_object *object =
		sysv_find_readable(msg_ids(), id, command != IPC_STAT, command == MSG_STAT_ANY);
	long result = IS_ERR(object) ? PTR_ERR(object) : command == IPC_STAT ? 0 : object->id;
	if (result >= 0)
		describe_locked(msg_queue_of(object), &status);
	mutex_unlock(&msg_lock);
	if (result < 0)
		return result;
	return put_user(status, buffer) != 0 ? -EFAULT : result;
}

static int set_locked(struct msg_queue *queue, const struct linux_msqid_ds *status)
{
	if (status->maximum_bytes > READ_ONCE(msg_limits.queue) && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	sysv_set(&queue->object, &status->perm);
	queue->maximum_bytes = status->maximum_bytes;
	queue->change_time = time_wall_seconds();
	/* More may fit, and more or fewer may receive: all look again. */
	WRITE_ONCE(queue->changes, queue->changes + 1);
	wake_up_all(&queue->senders);
	wake_up_all(&queue->receivers);
	return 0;
}

/* IPC_SET (with `status`) and IPC_RMID. */
static long change(int id, const struct linux_msqid_ds *status)
{
	mutex_lock(&msg_lock);
	struct sysv_object *object = sysv_find(msg_ids(), id);
	long result = IS_ERR(object) ? PTR_ERR(object) : sysv_may_change(object);
	if (result == 0 && status != NULL)
		result = set_locked(msg_queue_of(object), status);
	else if (result == 0)
		msg_remove(msg_queue_of(object));
	mutex_unlock(&msg_lock);
	return result;
}

static long set_status(int id, vaddr_t buffer)
{
	struct linux_msqid_ds status;

	if (get_user(status, buffer) != 0)
		return -EFAULT;
	if (uid_given(status.perm.uid) == NOBODY_ID || gid_given(status.perm.gid) == NOBODY_ID)
		return -EINVAL;
	return change(id, &status);
}

long msg_control(int id, int command, vaddr_t buffer)
{
	if (id < 0 || command < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case MSG_INFO:
		return get_info(command, buffer);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return get_status(id, command, buffer);
	case IPC_SET:
		return set_status(id, buffer);
	case IPC_RMID:
		return change(id, NULL);
	default:
		return -EINVAL;
	}
}

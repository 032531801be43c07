/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shmctl(2), and the list of segments for procfs.
 */
#include "ipc/shm.h"
#include "ipc/shm_internal.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/pid.h"
#include "proc/rlimit.h"
#include "proc/time.h"
#include "proc/user_namespace.h"

void shm_ids_init(struct sysv_ids *ids)
{
	sysv_ids_init(ids, &shm_lock, SHM_SEGMENTS);
}

static void describe_locked(const struct shm_segment *segment, struct linux_shmid_ds *status)
{
	*status = (struct linux_shmid_ds){
		.segment_size = segment->size,
		.attach_time = segment->attach_time,
		.detach_time = segment->detach_time,
		.change_time = segment->change_time,
		.creator = pid_show_number(segment->creator),
		.last = pid_show_number(segment->last),
		.attached = segment->attached,
	};
	sysv_describe(&segment->object, &status->perm);
}

bool shm_next(u32 *index, struct shm_snapshot *snapshot)
{
	struct sysv_object *object = NULL;

	mutex_lock(&shm_lock);
	while (object == NULL && *index < shm_ids()->capacity)
		object = sysv_at(shm_ids(), (*index)++);
	if (object != NULL) {
		snapshot->id = object->id;
		describe_locked(shm_of(object), &snapshot->status);
		snapshot->resident = page_cache_pages(&shm_of(object)->cache) * PAGE_SIZE;
		snapshot->swapped = page_cache_swapped(&shm_of(object)->cache) * PAGE_SIZE;
	}
	mutex_unlock(&shm_lock);
	return object != NULL;
}

/* IPC_INFO: the limits. */
static long get_limits(vaddr_t buffer)
{
	struct linux_shminfo info = {
		.maximum = SHM_MAXIMUM,
		.minimum = SHM_MINIMUM,
		.segments = SHM_SEGMENTS,
		.segments_each = SHM_SEGMENTS,
		.total = SHM_MAXIMUM,
	};

	mutex_lock(&shm_lock);
	u32 highest = sysv_highest(shm_ids());
	mutex_unlock(&shm_lock);
	return put_user(info, buffer) != 0 ? -EFAULT : (long)highest;
}

/* SHM_INFO: what is in use. */
static long get_usage(vaddr_t buffer)
{
	struct linux_shm_info info = {.used_ids = 0};

	mutex_lock(&shm_lock);
	u32 highest = sysv_highest(shm_ids());
	info.used_ids = (s32)shm_ids()->count;
	info.total = shm_ids()->total;
	for (u32 i = 0; i <= highest; i++) {
		struct sysv_object *object = sysv_at(shm_ids(), i);
		if (object == NULL)
			continue;
		info.resident += page_cache_pages(&shm_of(object)->cache);
		info.swapped += page_cache_swapped(&shm_of(object)->cache);
	}
	mutex_unlock(&shm_lock);
	return put_user(info, buffer) != 0 ? -EFAULT : (long)highest;
}

/* `id` is an index for SHM_STAT and SHM_STAT_ANY, which return the number. */
static long get_status(int id, int command, vaddr_t buffer)
{
	struct linux_shmid_ds status;

	mutex_lock(&shm_lock);
	struct sysv_object *object =
		sysv_find_readable(shm_ids(), id, command != IPC_STAT, command == SHM_STAT_ANY);
	long result = IS_ERR(object) ? PTR_ERR(object) : command == IPC_STAT ? 0 : object->id;
	if (result >= 0)
		describe_locked(shm_of(object), &status);
	mutex_unlock(&shm_lock);
	if (result < 0)
		return result;
	return put_user(status, buffer) != 0 ? -EFAULT : result;
}

/* IPC_SET (with `perm`) and IPC_RMID. */
static long change(int id, const struct linux_ipc_perm *perm)
{
	bool drop = false;

	mutex_lock(&shm_lock);
	struct sysv_object *object = sysv_find(shm_ids(), id);
	long result = IS_ERR(object) ? PTR_ERR(object) : sysv_may_change(object);
	if (result == 0 && perm != NULL) {
		sysv_set(object, perm);
		shm_of(object)->change_time = time_wall_seconds();
	} else if (result == 0) {
		drop = shm_remove_locked(shm_of(object));
	}
	mutex_unlock(&shm_lock);
	if (drop)
		shm_put(shm_of(object));
	return result;
}

static long set_status(int id, vaddr_t buffer)
{
	struct linux_shmid_ds status;

	if (get_user(status, buffer) != 0)
		return -EFAULT;
	if (uid_given(status.perm.uid) == NOBODY_ID || gid_given(status.perm.gid) == NOBODY_ID)
		return -EINVAL;
	return change(id, &status.perm);
}

/* Reclaim lets a locked segment be from then on. */
static long lock_memory(int id, bool lock)
{
	const struct credentials *who = current_credentials();

	mutex_lock(&shm_lock);
	struct sysv_object *object = sysv_find(shm_ids(), id);
	long result = IS_ERR(object) ? PTR_ERR(object) : 0;
	if (result == 0 && !capable(CAP_IPC_LOCK)) {
		if (who->euid != object->uid && who->euid != object->cuid)
			result = -EPERM;
		else if (lock && rlimit_current(RLIMIT_MEMLOCK) == 0)
			result = -EPERM;
	}
	if (result == 0) {
		object->mode = lock ? object->mode | SHM_LOCKED : object->mode & ~(u32)SHM_LOCKED;
		WRITE_ONCE(shm_of(object)->cache.unevictable, lock);
	}
	mutex_unlock(&shm_lock);
	return result;
}

long shm_control(int id, int command, vaddr_t buffer)
{
	if (id < 0 || command < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
		return get_limits(buffer);
	case SHM_INFO:
		return get_usage(buffer);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return get_status(id, command, buffer);
	case IPC_SET:
		return set_status(id, buffer);
	case IPC_RMID:
		return change(id, NULL);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return lock_memory(id, command == SHM_LOCK);
	default:
		return -EINVAL;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * semctl(2), and the list of sets for procfs.
 */
#include "ipc/sem_internal.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/hooks.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/time.h"
#include "proc/user_namespace.h"

enum { SETS_DEFAULT = 32000, UNDO_SIZE = 20 };

static const struct ipc_hooks hooks = {.share_undo = sem_share_undo, .leave_undo = sem_leave_undo};

void sem_ids_init(struct sysv_ids *ids)
{
	sysv_ids_init(ids, &sem_lock, SETS_DEFAULT);
}

void sem_ids_clear(struct sysv_ids *ids)
{
	mutex_lock(&sem_lock);
	for (u32 i = 0; i < ids->capacity; i++)
		if (sysv_at(ids, i) != NULL)
			sem_remove(sem_set_of(sysv_at(ids, i)));
	mutex_unlock(&sem_lock);
	kfree(ids->slots);
}

void sem_init(void)
{
	ipc_hooks = &hooks;
}

u64 sem_get_sets_limit(void)
{
	return READ_ONCE(sem_ids()->limit);
}

void sem_set_sets_limit(u64 limit)
{
	WRITE_ONCE(sem_ids()->limit, limit);
}

static void describe_locked(const struct sem_set *set, struct linux_semid_ds *status)
{
	*status = (struct linux_semid_ds){
		.operation_time = set->operation_time,
		.change_time = set->change_time,
		.count = set->count,
	};
	sysv_describe(&set->object, &status->perm);
}

bool sem_next(u32 *index, struct sem_snapshot *snapshot)
{
	struct sysv_object *object = NULL;

	mutex_lock(&sem_lock);
	while (object == NULL && *index < sem_ids()->capacity)
		object = sysv_at(sem_ids(), (*index)++);
	if (object != NULL) {
		snapshot->id = object->id;
		describe_locked(sem_set_of(object), &snapshot->status);
	}
	mutex_unlock(&sem_lock);
	return object != NULL;
}

/* IPC_INFO: the limits; SEM_INFO: with what is in use. */
static long get_info(int command, vaddr_t buffer)
{
	struct linux_seminfo info = {
		.map = (s32)sem_limits.total,
		.sets = (s32)sem_ids()->limit,
		.total = (s32)sem_limits.total,
		.undos = (s32)sem_limits.total,
		.each = (s32)sem_limits.each,
		.operations = (s32)sem_limits.operations,
		.undo_entries = 500,
		.undo_size = UNDO_SIZE,
		.value = SEM_VALUE_MAX,
		.adjustment = SEM_ADJUSTMENT_MAX,
	};

	mutex_lock(&sem_lock);
	u32 highest = sysv_highest(sem_ids());
	if (command == SEM_INFO) {
		info.undo_size = (s32)sem_ids()->count;
		info.adjustment = (s32)sem_ids()->total;
	}
	mutex_unlock(&sem_lock);
	return put_user(info, buffer) != 0 ? -EFAULT : (long)highest;
}

static long get_status(int id, int command, vaddr_t buffer)
{
	struct linux_semid_ds status;

	mutex_lock(&sem_lock);
	struct sysv_object *object =
		sysv_find_readable(sem_ids(), id, command != IPC_STAT, command == SEM_STAT_ANY);
	long result = IS_ERR(object) ? PTR_ERR(object) : command == IPC_STAT ? 0 : object->id;
	if (result >= 0)
		describe_locked(sem_set_of(object), &status);
	mutex_unlock(&sem_lock);
	if (result < 0)
		return result;
	return put_user(status, buffer) != 0 ? -EFAULT : result;
}

/* IPC_SET (with `perm`) and IPC_RMID. */
static long change(int id, const struct linux_ipc_perm *perm)
{
	mutex_lock(&sem_lock);
	struct sysv_object *object = sysv_find(sem_ids(), id);
	long result = IS_ERR(object) ? PTR_ERR(object) : sysv_may_change(object);
	if (result == 0 && perm != NULL) {
		sysv_set(object, perm);
		sem_set_of(object)->change_time = time_wall_seconds();
	} else if (result == 0) {
		sem_remove(sem_set_of(object));
	}
	mutex_unlock(&sem_lock);
	return result;
}

static long set_status(int id, vaddr_t buffer)
{
	struct linux_semid_ds status;

	if (get_user(status, buffer) != 0)
		return -EFAULT;
	if (uid_given(status.perm.uid) == NOBODY_ID || gid_given(status.perm.gid) == NOBODY_ID)
		return -EINVAL;
	return change(id, &status.perm);
}

/* A value was set: nothing of what was done to it before is to be undone. */
static void forget_undo(struct sem_set *set, u32 number)
{
	struct sem_undo *undo;

	list_for_each_entry (undo, &set->undos, of_set)
		undo->adjust[number] = 0;
}

static void set_locked(struct sem_set *set, u32 number, s32 value)
{
	forget_undo(set, number);
	set->semaphores[number].value = value;
	set->semaphores[number].last = current->process->pid;
	set->change_time = time_wall_seconds();
}

static long set_value(int id, int number, int value)
{
	long result = 0;

	if (value < 0 || value > SEM_VALUE_MAX)
		return -ERANGE;
	mutex_lock(&sem_lock);
	struct sysv_object *object = sysv_find(sem_ids(), id);
	if (IS_ERR(object))
		result = PTR_ERR(object);
	else if (number < 0 || (u32)number >= sem_set_of(object)->count)
		result = -EINVAL;
	else
		result = sysv_permission(object, S_IWUGO);
	if (result == 0) {
		set_locked(sem_set_of(object), (u32)number, value);
		sem_serve(sem_set_of(object));
	}
	mutex_unlock(&sem_lock);
	return result;
}

/* How many wait for the semaphore to grow, or, with `zero`, to become 0. */
static u32 count_sleepers(const struct sem_set *set, u32 number, bool zero)
{
	const struct sem_sleeper *sleeper;
	u32 count = 0;

	list_for_each_entry (sleeper, &set->sleepers, link) {
		const struct linux_sembuf *blocking = sleeper->request.blocking;

		count += blocking->number == number && (blocking->change == 0) == zero;
	}
	return count;
}

static long get_one(int id, int number, int command)
{
	long result;

	mutex_lock(&sem_lock);
	struct sysv_object *object = sysv_find_usable(sem_ids(), id, S_IRUGO);
	struct sem_set *set = IS_ERR(object) ? NULL : sem_set_of(object);
	if (set == NULL)
		result = PTR_ERR(object);
	else if (number < 0 || (u32)number >= set->count)
		result = -EINVAL;
	else if (command == SEM_GETVAL)
		result = set->semaphores[number].value;
	else if (command == SEM_GETPID)
		result = set->semaphores[number].last;
	else
		result = count_sleepers(set, (u32)number, command == SEM_GETZCNT);
	mutex_unlock(&sem_lock);
	return result;
}

/* How many semaphores a set has, if current may use it. */
static long size_of_set(int id, u32 wanted)
{
	mutex_lock(&sem_lock);
	struct sysv_object *object = sysv_find_usable(sem_ids(), id, wanted);
	long result = IS_ERR(object) ? PTR_ERR(object) : sem_set_of(object)->count;
	mutex_unlock(&sem_lock);
	return result;
}

/* Moves the values between a set and `values`, which has room for `count`. */
static long move_all(int id, u16 *values, u32 count, bool store)
{
	long result = 0;

	mutex_lock(&sem_lock);
	struct sysv_object *object = sysv_find_usable(sem_ids(), id, store ? S_IWUGO : S_IRUGO);
	struct sem_set *set = IS_ERR(object) ? NULL : sem_set_of(object);
	if (set == NULL || set->count != count)
		result = -EIDRM;
	for (u32 i = 0; result == 0 && i < count; i++) {
		if (store)
			set_locked(set, i, values[i]);
		else
			values[i] = (u16)set->semaphores[i].value;
	}
	if (result == 0 && store)
		sem_serve(set);
	mutex_unlock(&sem_lock);
	return result;
}

static long get_or_set_all(int id, bool store, vaddr_t buffer)
{
	long count = size_of_set(id, store ? S_IWUGO : S_IRUGO);
	long result = 0;

	if (count < 0)
		return count;
	size_t size = (size_t)count * sizeof(u16);
	u16 *values = kmalloc(size);
	if (values == NULL)
		return -ENOMEM;
	if (store && copy_from_user(values, (const void __user *)buffer, size))
		result = -EFAULT;
	for (long i = 0; store && result == 0 && i < count; i++)
		if (values[i] > SEM_VALUE_MAX)
			result = -ERANGE;
	if (result == 0)
		result = move_all(id, values, (u32)count, store);
	if (result == 0 && !store && copy_to_user((void __user *)buffer, values, size))
		result = -EFAULT;
	kfree(values);
	return result;
}

long sem_control(int id, int number, int command, vaddr_t argument)
{
	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case SEM_INFO:
		return get_info(command, argument);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return get_status(id, command, argument);
	case IPC_SET:
		return set_status(id, argument);
	case IPC_RMID:
		return change(id, NULL);
	case SEM_GETVAL:
	case SEM_GETPID:
	case SEM_GETNCNT:
	case SEM_GETZCNT:
		return get_one(id, number, command);
	case SEM_SETVAL:
		return set_value(id, number, (int)argument);
	case SEM_GETALL:
	case SEM_SETALL:
		return get_or_set_all(id, command == SEM_SETALL, argument);
	default:
		return -EINVAL;
	}
}

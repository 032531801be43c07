/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores: sets, and the operations on them.
 *
 * A semop(2) that has to wait stands in its set's queue with what it wants.  Whoever changes a
 * value then does for the sleepers, first come first served, what has become possible, and wakes
 * them with the result: nobody who wakes has to try again, and nobody overtakes.
 *
 * sem_lock guards all of it.  A sleeper's entry is on its stack: it takes the lock once more
 * before it leaves, so that whoever settles it is done with it.
 */
#include "ipc/sem_internal.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/time.h"

mutex_t sem_lock = MUTEX_INIT(sem_lock);
struct sem_limits sem_limits = {.each = 32000, .total = 1024000000, .operations = 500};

/* --- semget --- */

static int create(s32 key, u64 count, int flags)
{
	struct sem_set *set;

	if (count == 0)
		return -EINVAL;
	if (sem_ids()->total + count > READ_ONCE(sem_limits.total))
		return -ENOSPC;
	set = kzalloc(sizeof(*set) + count * sizeof(set->semaphores[0]));
	if (set == NULL)
		return -ENOMEM;
	int id = sysv_add(sem_ids(), &set->object, key, (u32)flags);
	if (id < 0) {
		kfree(set);
		return id;
	}
	list_init(&set->sleepers);
	list_init(&set->undos);
	set->count = (u32)count;
	set->change_time = time_wall_seconds();
	sem_ids()->total += count;
	return id;
}

static int suits(const struct sysv_object *object, u64 count)
{
	return count > sem_set_of((struct sysv_object *)object)->count ? -EINVAL : 0;
}

long sem_get(s32 key, int count, int flags)
{
	static const struct sysv_kind kind = {.create = create, .suits = suits};

	if (count < 0 || (u64)count > READ_ONCE(sem_limits.each))
		return -EINVAL;
	return sysv_get(sem_ids(), &kind, key, (u64)count, flags);
}

void sem_remove(struct sem_set *set)
{
	while (!list_empty(&set->undos))
		sem_undo_free(list_first_entry(&set->undos, struct sem_undo, of_set));
	while (!list_empty(&set->sleepers))
		sem_settle(list_first_entry(&set->sleepers, struct sem_sleeper, link), -EIDRM);
	set->object.ids->total -= set->count;
	sysv_remove(&set->object);
	kfree(set);
}

/* --- Operations --- */

/* One of them: 0, SEM_MUST_WAIT, -ERANGE. */
static int apply(struct sem_set *set, const struct sem_request *request,
		 const struct linux_sembuf *operation)
{
	struct semaphore *semaphore = &set->semaphores[operation->number];
	s32 value = semaphore->value + operation->change;

	if (operation->change == 0)
		return semaphore->value != 0 ? SEM_MUST_WAIT : 0;
	if (value < 0)
		return SEM_MUST_WAIT;
	if (value > SEM_VALUE_MAX)
		return -ERANGE;
	if (operation->flags & SEM_UNDO) {
		s16 *adjust = &request->undo->adjust[operation->number];
		int undo = *adjust - operation->change;

		if (undo < -SEM_ADJUSTMENT_MAX - 1 || undo > SEM_ADJUSTMENT_MAX)
			return -ERANGE;
		*adjust = (s16)undo;
	}
	semaphore->value = value;
	return 0;
}

static void take_back(struct sem_set *set, const struct sem_request *request,
		      const struct linux_sembuf *operation)
{
	set->semaphores[operation->number].value -= operation->change;
	if (operation->flags & SEM_UNDO)
		request->undo->adjust[operation->number] += operation->change;
}

int sem_try(struct sem_set *set, struct sem_request *request)
{
	u32 done;
	int result = 0;

	for (done = 0; done < request->count; done++) {
		result = apply(set, request, &request->operations[done]);
		if (result != 0)
			break;
	}
	if (result == 0) {
		for (u32 i = 0; i < request->count; i++)
			set->semaphores[request->operations[i].number].last = request->pid;
		set->operation_time = time_wall_seconds();
		return 0;
	}
	request->blocking = &request->operations[done];
	while (done-- > 0)
		take_back(set, request, &request->operations[done]);
	if (result == SEM_MUST_WAIT && request->blocking->flags & IPC_NOWAIT)
		return -EAGAIN;
	return result;
}

void sem_settle(struct sem_sleeper *sleeper, int result)
{
	list_remove(&sleeper->link);
	WRITE_ONCE(sleeper->result, result);
	wake_up_all(&sleeper->queue);
}

void sem_serve(struct sem_set *set)
{
	struct sem_sleeper *sleeper, *next;
	bool progress;

	do {
		progress = false;
		list_for_each_entry_safe (sleeper, next, &set->sleepers, link) {
			int result = sem_try(set, &sleeper->request);

			if (result == SEM_MUST_WAIT)
				continue;
			sem_settle(sleeper, result);
			progress |= result == 0;
		}
	} while (progress);
}

static bool changes_anything(const struct linux_sembuf *operations, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (operations[i].change != 0)
			return true;
	return false;
}

/* The set, if the request suits it; its undo entry is made. */
static struct sem_set *find_for(int id, struct sem_request *request)
{
	bool changes = changes_anything(request->operations, request->count);
	struct sysv_object *object = sysv_find(sem_ids(), id);
	bool undo = false;

	if (IS_ERR(object))
		return ERR_PTR(PTR_ERR(object));
	struct sem_set *set = sem_set_of(object);
	for (u32 i = 0; i < request->count; i++) {
		if (request->operations[i].number >= set->count)
			return ERR_PTR(-EFBIG);
		undo |= (request->operations[i].flags & SEM_UNDO) != 0;
	}
	int error = sysv_permission(object, changes ? S_IWUGO : S_IRUGO);
	if (error != 0)
		return ERR_PTR(error);
	if (undo) {
		request->undo = sem_undo_get(set);
		if (IS_ERR(request->undo))
			return ERR_PTR(PTR_ERR(request->undo));
	}
	return set;
}

/* Stands in the queue.  The lock is held, and dropped meanwhile. */
static long wait_in(struct sem_set *set, const struct sem_request *request, nsec_t deadline)
{
	struct sem_sleeper sleeper = {.request = *request, .result = SEM_MUST_WAIT};

	wait_queue_init(&sleeper.queue);
	list_add_tail(&sleeper.link, &set->sleepers);
	mutex_unlock(&sem_lock);
	int error = wait_event_timeout(&sleeper.queue, READ_ONCE(sleeper.result) != SEM_MUST_WAIT,
				       deadline, WAIT_INTERRUPTIBLE);
	mutex_lock(&sem_lock);
	if (sleeper.result != SEM_MUST_WAIT)
		return sleeper.result;
	list_remove(&sleeper.link);
	return error == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static long operate(int id, const struct linux_sembuf *operations, u32 count, nsec_t deadline)
{
	struct sem_request request = {
		.operations = operations, .count = count, .pid = current->process->pid};

	mutex_lock(&sem_lock);
	struct sem_set *set = find_for(id, &request);
	long result = IS_ERR(set) ? PTR_ERR(set) : sem_try(set, &request);
	if (result == SEM_MUST_WAIT)
		result = wait_in(set, &request, deadline);
	else if (result == 0 && !list_empty(&set->sleepers))
		sem_serve(set);
	mutex_unlock(&sem_lock);
	return result;
}

long sem_operate(int id, vaddr_t from, size_t count, nsec_t deadline)
{
	struct linux_sembuf few[16], *operations = few;
	long result = -EFAULT;

	if (count < 1 || id < 0)
		return -EINVAL;
	if (count > READ_ONCE(sem_limits.operations))
		return -E2BIG;
	if (count > ARRAY_SIZE(few)) {
		operations = kmalloc(count * sizeof(*operations));
		if (operations == NULL)
			return -ENOMEM;
	}
	if (!copy_from_user(operations, (const void __user *)from, count * sizeof(*operations)))
		result = operate(id, operations, (u32)count, deadline);
	if (operations != few)
		kfree(operations);
	return result;
}

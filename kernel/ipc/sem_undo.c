/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SEM_UNDO: what is given back when a process ends.
 *
 * A task has a list once it has asked for it, or shares another's (CLONE_SYSVSEM: threads do); its
 * last task does what is on it.  sem_lock guards lists and entries.
 */
#include "ipc/sem_internal.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/process.h"
#include "proc/time.h"

/* Current's list, made if there is none; NULL: no memory. */
static struct sem_undo_list *own_list(void)
{
	struct sem_undo_list *list = current->sem_undo;

	if (list != NULL)
		return list;
	list = kmalloc(sizeof(*list));
	if (list == NULL)
		return NULL;
	list->tasks = 1;
	list_init(&list->undos);
	current->sem_undo = list;
	return list;
}

struct sem_undo *sem_undo_get(struct sem_set *set)
{
	struct sem_undo_list *list = own_list();
	struct sem_undo *undo;

	if (list == NULL)
		return ERR_PTR(-ENOMEM);
	list_for_each_entry (undo, &list->undos, of_list)
		if (undo->set == set)
			return undo;
	undo = kzalloc(sizeof(*undo) + set->count * sizeof(undo->adjust[0]));
	if (undo == NULL)
		return ERR_PTR(-ENOMEM);
	undo->set = set;
	list_add(&undo->of_list, &list->undos);
	list_add(&undo->of_set, &set->undos);
	return undo;
}

void sem_undo_free(struct sem_undo *undo)
{
	list_remove(&undo->of_set);
	list_remove(&undo->of_list);
	kfree(undo);
}

int sem_share_undo(struct task *child)
{
	mutex_lock(&sem_lock);
	child->sem_undo = own_list();
	if (child->sem_undo != NULL)
		child->sem_undo->tasks++;
	mutex_unlock(&sem_lock);
	return child->sem_undo != NULL ? 0 : -ENOMEM;
}

/* Never waits: a value stops at its bounds. */
static void give_back(struct sem_undo *undo)
{
	struct sem_set *set = undo->set;

	for (u32 i = 0; i < set->count; i++) {
		struct semaphore *semaphore = &set->semaphores[i];
		s32 value = semaphore->value + undo->adjust[i];

		if (undo->adjust[i] == 0)
			continue;
		semaphore->value = MIN(MAX(value, 0), SEM_VALUE_MAX);
		semaphore->last = current->process->pid;
	}
	set->operation_time = time_wall_seconds();
	sem_undo_free(undo);
	sem_serve(set);
}

void sem_leave_undo(struct task *task)
{
	struct sem_undo_list *list = task->sem_undo;

	if (list == NULL)
		return;
	mutex_lock(&sem_lock);
	task->sem_undo = NULL;
	bool last = --list->tasks == 0;
	while (last && !list_empty(&list->undos))
		give_back(list_first_entry(&list->undos, struct sem_undo, of_list));
	mutex_unlock(&sem_lock);
	if (last)
		kfree(list);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for any of several files: see poll_set.h.
 *
 * A set belongs to the task that polls.  Only `triggered` is touched by others: a wake-up sets it,
 * then wakes the task, so that an event between two looks is not slept over.
 */
#include "ipc/poll_set.h"

#include "fs/file.h"
#include "mm/kmalloc.h"
#include "proc/sched.h"

static bool entry_wake(struct waiter *waiter, u32 events)
{
	struct poll_entry *entry = container_of(waiter, struct poll_entry, waiter);

	if (events != 0 && (events & entry->events) == 0)
		return false;
	__atomic_store_n(&entry->set->triggered, true, __ATOMIC_RELEASE);
	task_wake(waiter->task);
	return true;
}

static struct poll_entry *entry_alloc(struct poll_set *set)
{
	if (set->inline_count < POLL_INLINE_ENTRIES)
		return &set->inline_entries[set->inline_count++];
	if (set->chunks == NULL || set->chunks->count == POLL_CHUNK_ENTRIES) {
		struct poll_chunk *chunk = kmalloc(sizeof(*chunk));

		if (chunk == NULL)
			return NULL;
		chunk->count = 0;
		chunk->next = set->chunks;
		set->chunks = chunk;
	}
	return &set->chunks->entries[set->chunks->count++];
}

static void join_queue(struct poll_table *table, struct file *file, wait_queue_t *queue)
{
	struct poll_set *set = container_of(table, struct poll_set, table);
	struct poll_entry *entry = entry_alloc(set);

	if (entry == NULL) {
		set->error = -ENOMEM;
		return;
	}
	entry->set = set;
	entry->file = file_get_ref(file);
	entry->queue = queue;
	entry->events = table->events | POLLERR | POLLHUP;
	waiter_init(&entry->waiter);
	entry->waiter.wake = entry_wake;
	wait_queue_add(queue, &entry->waiter);
}

void poll_set_init(struct poll_set *set)
{
	set->table.queue = NULL;
	set->triggered = false;
	set->enrolled = false;
	set->error = 0;
	set->inline_count = 0;
	set->chunks = NULL;
}

static void leave_queues(struct poll_entry *entries, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		wait_queue_remove(entries[i].queue, &entries[i].waiter);
		file_put(entries[i].file);
	}
}

void poll_set_finish(struct poll_set *set)
{
	leave_queues(set->inline_entries, set->inline_count);
	while (set->chunks != NULL) {
		struct poll_chunk *chunk = set->chunks;

		set->chunks = chunk->next;
		leave_queues(chunk->entries, chunk->count);
		kfree(chunk);
	}
}

u32 poll_set_check(struct poll_set *set, int fd, u32 events, bool ready)
{
	struct fd_borrow borrow = fd_borrow(fd);

	if (borrow.file == NULL)
		return POLLNVAL;
	set->table.events = events;
	set->table.queue = ready || set->enrolled ? NULL : join_queue;
	u32 holds = file_poll(borrow.file, &set->table) & (events | POLLERR | POLLHUP);
	fd_return(borrow);
	return holds;
}

int poll_set_wait(struct poll_set *set, nsec_t deadline)
{
	int error = 0;

	set->enrolled = true;
	if (set->error)
		return set->error;
	task_set_state(TASK_INTERRUPTIBLE);
	if (!__atomic_load_n(&set->triggered, __ATOMIC_ACQUIRE))
		error = wait_sleep(WAIT_INTERRUPTIBLE, deadline);
	task_set_state(TASK_RUNNING);
	if (__atomic_exchange_n(&set->triggered, false, __ATOMIC_ACQ_REL))
		return 0;
	return error == -ERESTARTSYS ? -EINTR : error;
}

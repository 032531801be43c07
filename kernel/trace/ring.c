/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of trace points: a ring of entries for each CPU, in which the latest overwrites the oldest.
 *
 * A CPU writes to its own ring only, with interrupts off, so it needs no lock.  Who reads copies
 * entries while they may be overwritten: each has a number, which is 0 while it is written, and a
 * copy counts if the number was the same, and not 0, before and after.
 *
 * Rings are made when the first event is switched on, and stay.  To free them, events are switched
 * off, the pointers taken away, and every CPU is asked for an answer: a writer looks at the pointer
 * with interrupts off, so it has seen that it is gone, or is done.
 */
#include "arch/clock.h"
#include "lib/errno.h"
#include "lib/sort.h"
#include "lib/string.h"
#include "mm/vmalloc.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "trace/trace_internal.h"

struct ring {
	struct trace_entry *entries; /* atomic */
	u64 next;                    /* number of the next entry; the CPU's own */
	u64 cleared;                 /* entries up to this number do not count; trace_lock */
} __cacheline;

u32 trace_mask;

static struct ring rings[MAX_CPUS];
static u64 ring_entries = TRACE_ENTRIES_USUAL; /* trace_lock; a power of two */
static u64 ring_index_mask;                    /* of the rings that there are */
static u32 only_task;                          /* atomic */

/* --- Recording --- */

static bool is_wanted(enum trace_event event, u64 a, u64 b)
{
	u32 only = READ_ONCE(only_task);

	return only == 0 || (u32)current->tid == only ||
	       (event == TRACE_SCHED_SWITCH && b == only) ||
	       (event == TRACE_SCHED_WAKEUP && a == only);
}

static void write_entry(struct trace_entry *entry, u64 sequence, enum trace_event event)
{
	entry->time = clock_monotonic();
	entry->event = (u16)event;
	entry->cpu = (u16)cpu_id();
	entry->tid = current->tid;
	memcpy(entry->comm, current->comm, sizeof(entry->comm));
	__atomic_store_n(&entry->sequence, sequence, __ATOMIC_RELEASE);
}

void __attribute__((cold)) trace_record(enum trace_event event, u64 a, u64 b, u64 c, u64 d)
{
	unsigned long flags = irq_save();
	struct ring *ring = &rings[cpu_id()];
	struct trace_entry *entries = __atomic_load_n(&ring->entries, __ATOMIC_ACQUIRE);

	if (entries != NULL && current != NULL && is_wanted(event, a, b)) {
		struct trace_entry *entry = &entries[ring->next & ring_index_mask];

		WRITE_ONCE(entry->sequence, 0);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		entry->arguments[0] = a;
		entry->arguments[1] = b;
		entry->arguments[2] = c;
		entry->arguments[3] = d;
		write_entry(entry, ++ring->next, event);
	}
	irq_restore(flags);
}

/* --- Switching on and off --- */

static void answer(void *argument __unused) {}

static void free_rings(void)
{
	struct trace_entry *entries[MAX_CPUS];

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		entries[cpu] = rings[cpu].entries;
		__atomic_store_n(&rings[cpu].entries, NULL, __ATOMIC_SEQ_CST);
	}
	cpus_call(cpus_online(), answer, NULL);
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		vfree(entries[cpu]);
}

static int make_rings(void)
{
	ring_index_mask = ring_entries - 1;
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		struct trace_entry *entries = vzalloc(ring_entries * sizeof(*entries));

		if (entries == NULL) {
			free_rings();
			return -ENOMEM;
		}
		rings[cpu].next = rings[cpu].cleared = 0;
		__atomic_store_n(&rings[cpu].entries, entries, __ATOMIC_RELEASE);
	}
	return 0;
}

/*
 * Threads whose calls are watched take the slow way through the dispatcher, and only they; see
 * child_link in proc/fork.c, too: who is linked after this pass has seen the mask.
 */
static void watch_calls(bool on)
{
	struct process *process;
	struct task *task;
	unsigned long flags = process_tree_lock();

	for_each_process_locked(process)
	{
		for_each_thread(task, process)
		{
			if (on)
				__atomic_or_fetch(&task->call_work, CALL_WATCHED, __ATOMIC_RELAXED);
			else
				__atomic_and_fetch(&task->call_work, ~(u32)CALL_WATCHED,
						   __ATOMIC_RELAXED);
		}
	}
	process_tree_unlock(flags);
}

int trace_set_mask_locked(u32 mask)
{
	int error = 0;

	if (mask != 0 && rings[0].entries == NULL)
		error = make_rings();
	if (error != 0)
		return error;
	WRITE_ONCE(trace_mask, mask);
	watch_calls(mask & TRACE_CALL_EVENTS);
	return 0;
}

int trace_set_entries_locked(u64 entries)
{
	if (entries == 0 || entries > TRACE_ENTRIES_MAX || (entries & (entries - 1)) != 0)
		return -EINVAL;
	if (READ_ONCE(trace_mask) != 0)
		return -EBUSY;
	free_rings();
	ring_entries = entries;
	return 0;
}

u64 trace_entries_locked(void)
{
	return ring_entries;
}

void trace_set_task_locked(u32 tid)
{
	WRITE_ONCE(only_task, tid);
}

u32 trace_task_locked(void)
{
	return only_task;
}

void trace_clear_locked(void)
{
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		rings[cpu].cleared = READ_ONCE(rings[cpu].next);
}

/* --- Reading --- */

/* Copies an entry; false if it is being written, or was cleared. */
static bool copy_entry(const struct ring *ring, const struct trace_entry *from,
		       struct trace_entry *to)
{
	u64 before = __atomic_load_n(&from->sequence, __ATOMIC_ACQUIRE);

	if (before == 0 || before <= ring->cleared)
		return false;
	*to = *from;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return READ_ONCE(from->sequence) == before;
}

static int compare(const void *left, const void *right, void *context __unused)
{
	const struct trace_entry *a = left, *b = right;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (a->cpu != b->cpu)
		return a->cpu < b->cpu ? -1 : 1;
	return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

struct trace_entry *trace_snapshot_locked(size_t *count)
{
	struct trace_entry *copies;

	*count = 0;
	if (rings[0].entries == NULL)
		return NULL;
	copies = vmalloc((ring_index_mask + 1) * cpu_count() * sizeof(*copies));
	for (u32 cpu = 0; copies != NULL && cpu < cpu_count(); cpu++)
		for (u64 i = 0; i <= ring_index_mask; i++)
			*count += copy_entry(&rings[cpu], &rings[cpu].entries[i], &copies[*count]);
	if (copies != NULL)
		sort(copies, *count, sizeof(*copies), compare, NULL);
	return copies;
}

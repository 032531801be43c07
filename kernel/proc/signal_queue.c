/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of pending signals.
 *
 * A queue is a set of pending signals and a list of entries with their details, oldest first.  A
 * signal may be in the set without an entry: when there was no memory for one, or the user had too
 * many; then it arrives without details, but it arrives.  Of the standard signals at most one waits
 * in a queue; real-time signals queue up.
 *
 * An entry belongs to the queue, which frees it, to a POSIX timer, which reuses it, or to a thread,
 * so that the usual case of one standard signal needs no memory.  Those of queues and timers are
 * charged to the user of the receiving process (RLIMIT_SIGPENDING).  Locks: process->lock.
 */
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/credentials.h"
#include "proc/credentials_internal.h"
#include "proc/rlimit.h"
#include "proc/signal_internal.h"

static slab_cache_t *entry_cache;

void signal_entries_init(void)
{
	entry_cache = slab_cache_create("signal_entry", sizeof(struct signal_entry), 0, NULL, NULL);
	ENSURE(entry_cache != NULL);
}

struct signal_entry *signal_entry_create(struct task *target, bool over_limit)
{
	struct user_account *account = user_account_of_task(target);
	u32 charged = __atomic_add_fetch(&account->pending_signals, 1, __ATOMIC_RELAXED);

	if (!over_limit && charged > rlimit_of(target->process, RLIMIT_SIGPENDING))
		goto refused;
	struct signal_entry *entry = slab_alloc(entry_cache);
	if (entry == NULL)
		goto refused;
	list_init(&entry->link);
	entry->queue = NULL;
	entry->account = account;
	entry->timer = NULL;
	return entry;
refused:
	__atomic_sub_fetch(&account->pending_signals, 1, __ATOMIC_RELAXED);
	user_account_put(account);
	return NULL;
}

void signal_entry_destroy(struct signal_entry *entry)
{
	if (entry->account == NULL)
		return;
	__atomic_sub_fetch(&entry->account->pending_signals, 1, __ATOMIC_RELAXED);
	user_account_put(entry->account);
	slab_free(entry_cache, entry);
}

void signal_queue_init(struct signal_queue *queue)
{
	list_init(&queue->entries);
	queue->present = 0;
}

void signal_queue_add(struct signal_queue *queue, struct signal_entry *entry)
{
	ASSERT(entry->queue == NULL);
	entry->queue = queue;
	list_add_tail(&entry->link, &queue->entries);
	queue->present |= SIGNAL_BIT(entry->info.signo);
}

static struct signal_entry *find_entry(struct signal_queue *queue, int signal)
{
	struct signal_entry *entry;

	list_for_each_entry (entry, &queue->entries, link)
		if (entry->info.signo == signal)
			return entry;
	return NULL;
}

static void unlink_entry(struct signal_entry *entry)
{
	list_remove(&entry->link);
	entry->queue = NULL;
}

void signal_queue_remove(struct signal_entry *entry)
{
	struct signal_queue *queue = entry->queue;
	int signal = entry->info.signo;

	unlink_entry(entry);
	if (list_empty(&queue->entries) || find_entry(queue, signal) == NULL)
		queue->present &= ~SIGNAL_BIT(signal);
}

void signal_queue_flush(struct signal_queue *queue, sigset_t set)
{
	struct signal_entry *entry, *following;

	if (!(queue->present & set))
		return;
	queue->present &= ~set;
	list_for_each_entry_safe (entry, following, &queue->entries, link) {
		if (!(SIGNAL_BIT(entry->info.signo) & set))
			continue;
		unlink_entry(entry);
		if (entry->timer == NULL)
			signal_entry_destroy(entry);
	}
}

int signal_queue_take(struct signal_queue *queue, sigset_t set, struct siginfo *info,
		      struct posix_timer **timer)
{
	sigset_t ready = queue->present & set;

	if (ready == 0)
		return 0;
	if (ready & SIGNALS_SYNCHRONOUS)
		ready &= SIGNALS_SYNCHRONOUS;
	int signal = __builtin_ctzll(ready) + 1;
	struct signal_entry *entry = find_entry(queue, signal);

	*timer = NULL;
	if (entry == NULL) {
		queue->present &= ~SIGNAL_BIT(signal);
		siginfo_init(info, signal, SI_USER);
		return signal;
	}
	*info = entry->info;
	*timer = entry->timer;
	if (entry->timer != NULL)
		posix_timer_get(entry->timer);
	signal_queue_remove(entry);
	if (entry->timer == NULL)
		signal_entry_destroy(entry);
	return signal;
}

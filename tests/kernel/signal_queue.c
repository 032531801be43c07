/* SPDX-License-Identifier: BSD-2-Clause */
/* Pending signals: in which order they are taken, and what of them is kept. */
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/signal_internal.h"
#include "tests/kernel/ktest.h"

static void put(struct signal_queue *queue, int signal, u64 value)
{
	struct signal_entry *entry = signal_entry_create(current, true);

	KREQUIRE(entry != NULL);
	siginfo_init(&entry->info, signal, SI_QUEUE);
	entry->info.sender.value = value;
	signal_queue_add(queue, entry);
}

static int take(struct signal_queue *queue, sigset_t set, u64 *value)
{
	struct siginfo info = {0};
	struct posix_timer *timer = NULL;
	int signal = signal_queue_take(queue, set, &info, &timer);

	*value = info.sender.value;
	return signal;
}

KTEST(signal_queue_takes_real_time_signals_in_order_of_arrival)
{
	struct signal_queue queue;
	u64 value;

	signal_queue_init(&queue);
	put(&queue, 40, 1);
	put(&queue, 40, 2);
	put(&queue, 35, 3);
	KEXPECT(take(&queue, ~(sigset_t)0, &value) == 35 && value == 3);
	KEXPECT(take(&queue, ~(sigset_t)0, &value) == 40 && value == 1);
	KEXPECT(queue.present == SIGNAL_BIT(40));
	KEXPECT(take(&queue, ~(sigset_t)0, &value) == 40 && value == 2);
	KEXPECT(queue.present == 0);
	KEXPECT(take(&queue, ~(sigset_t)0, &value) == 0);
}

KTEST(signal_queue_takes_faults_before_lower_numbers)
{
	struct signal_queue queue;
	u64 value;

	signal_queue_init(&queue);
	put(&queue, SIGHUP, 1);
	put(&queue, SIGSEGV, 2);
	KEXPECT(take(&queue, ~(sigset_t)0, &value) == SIGSEGV);
	KEXPECT(take(&queue, ~(sigset_t)0, &value) == SIGHUP);
}

KTEST(signal_queue_leaves_what_is_not_in_the_set)
{
	struct signal_queue queue;
	u64 value;

	signal_queue_init(&queue);
	put(&queue, SIGUSR1, 1);
	put(&queue, SIGUSR2, 2);
	KEXPECT(take(&queue, SIGNAL_BIT(SIGUSR2), &value) == SIGUSR2);
	KEXPECT(take(&queue, SIGNAL_BIT(SIGUSR2), &value) == 0);
	signal_queue_flush(&queue, SIGNAL_BIT(SIGUSR1));
	KEXPECT(queue.present == 0 && list_empty(&queue.entries));
}

KTEST(signal_queue_signal_without_details_still_arrives)
{
	struct signal_queue queue;
	struct siginfo info;
	struct posix_timer *timer = NULL;

	signal_queue_init(&queue);
	queue.present = SIGNAL_BIT(SIGTERM);
	KEXPECT(signal_queue_take(&queue, ~(sigset_t)0, &info, &timer) == SIGTERM);
	KEXPECT(info.signo == SIGTERM && info.code == SI_USER && queue.present == 0);
}

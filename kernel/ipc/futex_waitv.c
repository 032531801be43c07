/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex_waitv(2): sleeping on several words until one of them is woken.
 *
 * All waiters are entered first and the words read afterwards, as for one word (futex.c).  The
 * first waiter that turns out to be woken when they leave again is the result.
 */
#include "ipc/futex_internal.h"
#include "lib/abi/futex.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/task.h"

struct wait_word {
	struct futex_waiter waiter;
	vaddr_t address;
	u32 expected;
};

static int read_word(struct wait_word *word, vaddr_t address)
{
	struct linux_futex_waitv item;

	if (get_user(item, address) < 0)
		return -EFAULT;
	if (item.flags & ~(u32)(FUTEX_32 | FUTEX_PRIVATE_FLAG) || !(item.flags & FUTEX_32) ||
	    item.reserved != 0)
		return -EINVAL;
	word->address = item.address;
	word->expected = (u32)item.value;
	word->waiter.task = current;
	word->waiter.bits = FUTEX_BITSET_MATCH_ANY;
	list_init(&word->waiter.link);
	return futex_find_key(item.address, !(item.flags & FUTEX_PRIVATE_FLAG), &word->waiter.key);
}

/* Leaves the lists of the first `entered` words; the first that was woken, or -1. */
static long leave_all(struct wait_word *words, u32 entered)
{
	long first = -1;

	for (u32 i = 0; i < entered; i++)
		if (futex_leave(&words[i].waiter) && first < 0)
			first = i;
	return first;
}

static bool any_woken(const struct wait_word *words, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (futex_is_woken(&words[i].waiter))
			return true;
	return false;
}

static int sleep_on(const struct wait_word *words, u32 count, nsec_t deadline)
{
	int result = 0;

	while (result == 0) {
		task_set_state(TASK_INTERRUPTIBLE);
		if (any_woken(words, count))
			break;
		result = wait_sleep(WAIT_INTERRUPTIBLE, deadline);
	}
	task_set_state(TASK_RUNNING);
	return result;
}

static long wait_on(struct wait_word *words, u32 count, nsec_t deadline)
{
	int result = 0;
	u32 entered = 0;

	while (result == 0 && entered < count) {
		struct wait_word *word = &words[entered++];
		u32 value;
		futex_enter(&word->waiter);
		result = user_read_u32(&value, word->address);
		if (result == 0 && value != word->expected)
			result = -EAGAIN;
	}
	if (result == 0)
		result = sleep_on(words, count, deadline);
	long woken = leave_all(words, entered);
	return woken >= 0 ? woken : result;
}

long futex_wait_any(vaddr_t vector, u32 count, nsec_t deadline)
{
	struct wait_word *words = kcalloc(count, sizeof(*words));
	long result = words != NULL ? 0 : -ENOMEM;

	for (u32 i = 0; result == 0 && i < count; i++)
		result = read_word(&words[i], vector + i * sizeof(struct linux_futex_waitv));
	if (result == 0)
		result = wait_on(words, count, deadline);
	kfree(words);
	return result;
}

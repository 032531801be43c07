/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Robust futexes: what becomes of the locks that a dying thread holds (get_robust_list(2)).
 *
 * The thread has told where the list of its locks begins; the list is in its own memory and
 * anything may be in it.  So every address is read with user copies, the walk ends after
 * ROBUST_LIST_LIMIT entries, and a word changes only while it names this thread as owner.  Bit 0 of
 * a link marks a priority-inheritance lock, whose waiters are not here to be woken.
 */
#include "arch/usercopy.h"
#include "ipc/futex.h"
#include "ipc/futex_internal.h"
#include "lib/abi/futex.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/task.h"

enum { LINK_INHERITS = 1 };

/* Marks one lock as abandoned, if it is ours, and wakes a waiter.  `pending`: the thread was about
 * to take or release it. */
static int abandon(vaddr_t address, bool inherits, bool pending)
{
	u32 value, found;
	long woken = 0;

	if (address % sizeof(u32) != 0)
		return -EINVAL;
	if (user_read_u32(&value, address) < 0)
		return -EFAULT;
	for (;;) {
		if (pending && !inherits && value == 0)
			break;
		if ((value & FUTEX_TID_MASK) != (u32)task_shown(current))
			return 0;
		if (user_compare_exchange_u32(
			    address, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &found) < 0)
			return -EFAULT;
		if (found == value)
			break;
		value = found;
	}
	if (!inherits && (value == 0 || (value & FUTEX_WAITERS)))
		woken = futex_wake(address, true, 1, FUTEX_BITSET_MATCH_ANY);
	return woken < 0 ? (int)woken : 0;
}

static void walk(const struct linux_robust_list_head *head, vaddr_t head_address)
{
	vaddr_t pending = head->pending & ~(vaddr_t)LINK_INHERITS;
	vaddr_t link = head->next;

	for (unsigned i = 0; i < ROBUST_LIST_LIMIT; i++) {
		vaddr_t entry = link & ~(vaddr_t)LINK_INHERITS;
		vaddr_t next;

		if (entry == head_address)
			break;
		bool readable = get_user(next, entry) == 0;
		if (entry != pending &&
		    abandon(entry + (vaddr_t)head->futex_offset, link & LINK_INHERITS, false) < 0)
			return;
		if (!readable)
			return;
		link = next;
	}
	if (pending != 0) {
		int result = abandon(pending + (vaddr_t)head->futex_offset,
				     head->pending & LINK_INHERITS, true);

		(void)result;
	}
}

void futex_exit_robust(struct task *task)
{
	struct linux_robust_list_head head;
	vaddr_t address = task->robust_list;

	task->robust_list = 0;
	if (address != 0 && get_user(head, address) == 0)
		walk(&head, address);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * select(2) and pselect6(2): the three sets are bitmaps of words, as the program has them.
 */
#include "arch/clock.h"
#include "ipc/poll_set.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/signal.h"
#include "proc/time.h"
#include "syscall/table.h"

#define INLINE_WORDS 16 /* per bitmap: descriptors 0 to 1023 */
#define SETS         3

/* What each set asks for, and what counts as an answer (select_tut(2)). */
static const struct {
	u32 asks, answers;
} meanings[SETS] = {
	{POLLIN | POLLRDNORM | POLLRDBAND, POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR},
	{POLLOUT | POLLWRNORM | POLLWRBAND, POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR},
	{POLLPRI, POLLPRI},
};

struct selection {
	u32 count;         /* descriptors */
	size_t words;      /* of each bitmap */
	u64 *wanted[SETS]; /* what the program asked for */
	u64 *found[SETS];  /* what holds */
	u64 *bitmaps;      /* all six in one block */
	u64 inline_bitmaps[2 * SETS * INLINE_WORDS];
};

/* One look at all descriptors: how many bits were found, or -EBADF. */
static long look(struct poll_set *set, struct selection *selection)
{
	long found = 0;

	memset(selection->found[0], 0, SETS * selection->words * sizeof(u64));
	for (u32 fd = 0; fd < selection->count; fd++) {
		u32 asks = 0;

		for (int i = 0; i < SETS; i++)
			if (bitmap_test(selection->wanted[i], fd))
				asks |= meanings[i].asks;
		if (asks == 0)
			continue;
		u32 holds = poll_set_check(set, (int)fd, asks, found > 0);
		if (holds & POLLNVAL)
			return -EBADF;
		for (int i = 0; i < SETS; i++) {
			if (bitmap_test(selection->wanted[i], fd) &&
			    (holds & meanings[i].answers)) {
				bitmap_set(selection->found[i], fd);
				found++;
			}
		}
	}
	return found;
}

static long wait_for_any(struct selection *selection, nsec_t deadline)
{
	struct poll_set set;
	long result;

	poll_set_init(&set);
	for (;;) {
		result = look(&set, selection);
		if (result != 0 || deadline == 0)
			break;
		result = poll_set_wait(&set, deadline);
		if (result == -ETIMEDOUT) {
			result = look(&set, selection);
			break;
		}
		if (result != 0)
			break;
	}
	poll_set_finish(&set);
	return result;
}

static int selection_init(struct selection *selection, int count, const vaddr_t sets[SETS])
{
	if (count < 0)
		return -EINVAL;
	selection->count = (u32)MIN((u64)count, rlimit_current(RLIMIT_NOFILE));
	selection->words = BITMAP_WORDS(selection->count);
	selection->bitmaps = selection->inline_bitmaps;
	if (selection->words > INLINE_WORDS) {
		selection->bitmaps = kmalloc(2 * SETS * selection->words * sizeof(u64));
		if (selection->bitmaps == NULL)
			return -ENOMEM;
	}
	memset(selection->bitmaps, 0, 2 * SETS * selection->words * sizeof(u64));
	for (int i = 0; i < SETS; i++) {
		selection->wanted[i] = selection->bitmaps + (size_t)i * selection->words;
		selection->found[i] = selection->bitmaps + (size_t)(SETS + i) * selection->words;
		if (sets[i] != 0 &&
		    copy_from_user(selection->wanted[i], (const void __user *)sets[i],
				   selection->words * sizeof(u64)))
			return -EFAULT;
	}
	return 0;
}

static void selection_release(struct selection *selection)
{
	if (selection->bitmaps != selection->inline_bitmaps)
		kfree(selection->bitmaps);
}

static long select_until(int count, const vaddr_t sets[SETS], nsec_t deadline)
{
	struct selection selection = {.bitmaps = NULL};
	long result = selection_init(&selection, count, sets);

	if (result == 0)
		result = wait_for_any(&selection, deadline);
	for (int i = 0; i < SETS && result >= 0; i++)
		if (sets[i] != 0 && copy_to_user((void __user *)sets[i], selection.found[i],
						 selection.words * sizeof(u64)))
			result = -EFAULT;
	if (selection.bitmaps != NULL)
		selection_release(&selection);
	return result;
}

/* Linux tells the time that is left; a place that cannot be written is no error. */
static nsec_t time_left(nsec_t deadline)
{
	nsec_t now = clock_monotonic();

	return deadline > now ? deadline - now : 0;
}

long sys_select(int count, vaddr_t reads, vaddr_t writes, vaddr_t exceptions, vaddr_t timeout)
{
	const vaddr_t sets[SETS] = {reads, writes, exceptions};
	nsec_t deadline = NO_DEADLINE;
	struct linux_timeval delay;

	if (timeout != 0) {
		if (copy_from_user(&delay, (const void __user *)timeout, sizeof(delay)))
			return -EFAULT;
		if (delay.tv_sec < 0 || delay.tv_usec < 0)
			return -EINVAL;
		/* More microseconds than a second has are allowed. */
		s64 seconds = delay.tv_usec / 1000000;
		delay.tv_sec = MIN(delay.tv_sec, INT64_MAX - seconds) + seconds;
		delay.tv_usec %= 1000000;
		nsec_t nsec = timeval_to_nsec(&delay);
		deadline = nsec == 0 ? 0 : time_after(nsec);
	}
	long result = select_until(count, sets, deadline);
	if (timeout != 0) {
		struct linux_timeval left = nsec_to_timeval(time_left(deadline));
		int ignored __unused = put_user(left, timeout);
	}
	return result == -EINTR ? -ERESTARTNOHAND : result;
}

long sys_pselect6(int count, vaddr_t reads, vaddr_t writes, vaddr_t exceptions, vaddr_t timeout,
		  vaddr_t mask)
{
	const vaddr_t sets[SETS] = {reads, writes, exceptions};
	struct {
		u64 address;
		u64 size;
	} mask_argument = {0, 0};
	nsec_t delay, deadline = NO_DEADLINE;
	int error;

	if (mask != 0 && get_user(mask_argument, mask))
		return -EFAULT;
	if (timeout != 0) {
		error = timespec_from_user(&delay, timeout);
		if (error)
			return error;
		deadline = delay == 0 ? 0 : time_after(delay);
	}
	error = signal_push_user_mask(mask_argument.address, mask_argument.size);
	if (error)
		return error;
	long result = select_until(count, sets, deadline);
	signal_pop_mask(result == -EINTR);
	if (timeout != 0) {
		int ignored __unused = timespec_to_user(timeout, time_left(deadline));
	}
	return result == -EINTR ? -ERESTARTNOHAND : result;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs were promised, and the limit: see commit.h.
 *
 * Each CPU counts what is promised and given back on it, in a line of its own; the sum is what
 * matters, and is asked for seldom: in strict mode, and by who looks at /proc/meminfo.  The rules are those of Linux's three modes, its reserves included: in strict mode the last few MiB
 * are for the privileged, and a program that is large already leaves a 32nd of its size, up to a
 * bound, so that whoever has to end it can log in.
 */
#include "mm/commit.h"

#include "arch/cpu.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/swap.h"
#include "mm/vmm.h"

enum { RESERVE_SHARE = 32, ADMIN_BOUND_KIB = 8 * 1024, USER_BOUND_KIB = 128 * 1024 };

struct commit_settings commit_settings = {
	.mode = COMMIT_HEURISTIC,
	.ratio = 50,
	.admin_kbytes = COMMIT_DEFAULT,
	.user_kbytes = COMMIT_DEFAULT,
};

static struct {
	s64 pages; /* atomic; negative where more was given back than promised */
} __cacheline committed[MAX_CPUS];
static bool (*privileged)(void); /* set once */

void commit_set_privilege_hook(bool (*hook)(void))
{
	privileged = hook;
}

static u64 reserve_of(u64 setting, u64 bound)
{
	if (setting != COMMIT_DEFAULT)
		return setting;
	return MIN(frame_get_total_memory() / KIB / RESERVE_SHARE, bound);
}

u64 commit_admin_reserve(void)
{
	return reserve_of(READ_ONCE(commit_settings.admin_kbytes), ADMIN_BOUND_KIB);
}

u64 commit_user_reserve(void)
{
	return reserve_of(READ_ONCE(commit_settings.user_kbytes), USER_BOUND_KIB);
}

void commit_account(s64 pages)
{
	/* Atomic, since the task may have left the CPU by now. */
	__atomic_fetch_add(&committed[cpu_id()].pages, pages, __ATOMIC_RELAXED);
}

size_t commit_total(void)
{
	s64 pages = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		pages += __atomic_load_n(&committed[cpu].pages, __ATOMIC_RELAXED);
	return pages > 0 ? (size_t)pages : 0;
}

size_t commit_limit(void)
{
	u64 kbytes = READ_ONCE(commit_settings.kbytes);

	size_t memory = kbytes / (PAGE_SIZE / KIB);
	if (kbytes == 0)
		memory = frame_get_total_memory() / PAGE_SIZE * READ_ONCE(commit_settings.ratio) /
			 100;
	return memory + swap_total_pages();
}

static int check_strict(const struct address_space *space, size_t pages)
{
	size_t limit = commit_limit(), reserve = 0, total = commit_total();

	if (privileged == NULL || !privileged())
		reserve = commit_admin_reserve() / (PAGE_SIZE / KIB);
	if (space != NULL)
		reserve += MIN(space->total_pages / RESERVE_SHARE,
			       commit_user_reserve() / (PAGE_SIZE / KIB));
	limit -= MIN(limit, reserve);
	return total > limit || pages > limit - total ? -ENOMEM : 0;
}

int commit_check(const struct address_space *space, size_t pages)
{
	size_t memory;

	switch (READ_ONCE(commit_settings.mode)) {
	case COMMIT_ALWAYS:
		return 0;
	case COMMIT_STRICT:
		return check_strict(space, pages);
	default:
		memory = frame_get_total_memory() / PAGE_SIZE;
		return pages > memory && pages - memory > swap_total_pages() ? -ENOMEM : 0;
	}
}

int commit_check_fork(const struct address_space *parent)
{
	if (READ_ONCE(commit_settings.mode) != COMMIT_STRICT)
		return 0;
	return check_strict(parent, parent->committed_pages);
}

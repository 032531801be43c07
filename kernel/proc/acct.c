/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process accounting: what is in a record, and who gets it.
 *
 * `accounts_lock` (mutex) guards the list and is held while a record is written, so that records
 * are whole and a file that is turned off gets no more.
 */
#include "proc/acct.h"

#include "arch/clock.h"
#include "lib/abi/acct.h"
#include "lib/abi/time.h"
#include "lib/abi/wait.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/hooks.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"
#include "proc/session.h"
#include "proc/time.h"

struct account {
	struct list_head link;
	const struct pid_namespace *space; /* goes before it does: acct_forget_namespace */
	struct file *file;
	nsec_t next_look; /* when to look for room again */
	bool suspended;
};

struct acct_settings acct_settings = {.resume = 4, .suspend = 2, .interval = 30};

static mutex_t accounts_lock = MUTEX_INIT(accounts_lock);
static struct list_head accounts = LIST_INIT(accounts); /* accounts_lock */

/* --- Numbers --- */

/* 13 bits, and how often they are to be multiplied by eight in three more: rounded, saturated. */
static u16 pack(u64 number)
{
	enum { MANTISSA_BITS = 13, EXPONENT_STEP = 3, EXPONENT_MOST = 7 };
	const u64 most = (1u << MANTISSA_BITS) - 1;
	unsigned exponent = 0;

	while (number > most) {
		number = (number >> EXPONENT_STEP) + (number >> (EXPONENT_STEP - 1) & 1);
		exponent++;
	}
	return exponent > EXPONENT_MOST ? UINT16_MAX : (u16)(exponent << MANTISSA_BITS | number);
}

/* The same as a float of IEEE 754, its fraction cut. */
static u32 pack_float(u64 number)
{
	enum { FRACTION_BITS = 23, EXPONENT_BIAS = 127 };

	if (number == 0)
		return 0;
	unsigned highest = 63 - (unsigned)__builtin_clzl(number);
	u64 fraction = highest > FRACTION_BITS ? number >> (highest - FRACTION_BITS)
					       : number << (FRACTION_BITS - highest);
	return (u32)((highest + EXPONENT_BIAS) << FRACTION_BITS) |
	       ((u32)fraction & ((1u << FRACTION_BITS) - 1));
}

static u64 ticks(nsec_t time)
{
	return time / (NSEC_PER_SEC / LINUX_CLOCKS_PER_SECOND);
}

/* --- A record --- */

static void fill_in(struct acct_record *record, const struct account *account, int status,
		    u64 pages)
{
	struct process *process = current->process;
	nsec_t lived = clock_monotonic() - process->start_time;
	struct process_usage usage;
	dev_t tty;
	pid_t foreground;

	process_usage(process, &usage);
	process_terminal(process, account->space, &tty, &foreground);
	unsigned long flags = process_tree_lock();
	bool no_exec = !process->exec_done;
	pid_t parent =
		process->parent ? pid_number_in(process->parent->numbers, account->space) : 0;
	process_tree_unlock(flags);
	*record = (struct acct_record){
		.flags = (u8)((no_exec ? ACCT_FORK : 0) |
			      (current->flags & TASK_SUPERUSER ? ACCT_SUPERUSER : 0) |
			      (status & WAIT_STATUS_CORE ? ACCT_CORE : 0) |
			      (status & 0x7f ? ACCT_SIGNAL : 0)),
		.version = ACCT_VERSION,
		.tty = (u16)(tty >> 20 << 8 | (tty & 0xff)),
		.exit_code = (u32)status,
		.uid = current->credentials->uid,
		.gid = current->credentials->gid,
		.pid = (u32)pid_number_in(process->numbers, account->space),
		.parent_pid = (u32)parent,
		.begin = (u32)(time_wall_seconds() - lived / NSEC_PER_SEC),
		.elapsed = pack_float(ticks(lived)),
		.user_time = pack(ticks(usage.user_time)),
		.system_time = pack(ticks(usage.system_time)),
		.memory = pack(pages * (PAGE_SIZE / KIB)),
		.minor_faults = pack(usage.minor_faults),
		.major_faults = pack(usage.major_faults),
	};
	task_get_name(current, record->name);
}

static bool has_room(struct account *account)
{
	nsec_t now = clock_monotonic();

	if (now < account->next_look)
		return !account->suspended;
	account->next_look = now + READ_ONCE(acct_settings.interval) * NSEC_PER_SEC;
	u32 limit = account->suspended ? READ_ONCE(acct_settings.resume)
				       : READ_ONCE(acct_settings.suspend);
	account->suspended = file_hooks->append_percent_free(account->file) <= limit;
	return !account->suspended;
}

void acct_process_end(int status, u64 pages)
{
	const struct pid_namespace *space = pid_namespace_of(current->process->numbers);
	struct acct_record record;
	struct account *account;

	mutex_lock(&accounts_lock);
	list_for_each_entry (account, &accounts, link) {
		if (!pid_namespace_is_below(space, account->space) || !has_room(account))
			continue;
		fill_in(&record, account, status, pages);
		/* Nobody is left who could be told that it failed. */
		(void)!file_hooks->append(account->file, &record, sizeof(record));
	}
	mutex_unlock(&accounts_lock);
}

bool acct_is_on(void)
{
	return !list_empty(&accounts);
}

/* --- On and off --- */

/* Takes a namespace's account off the list and puts another, or NULL, there. */
static void replace(const struct pid_namespace *space, struct account *replacement)
{
	struct account *account, *following, *old = NULL;

	mutex_lock(&accounts_lock);
	list_for_each_entry_safe (account, following, &accounts, link) {
		if (account->space == space) {
			list_remove(&account->link);
			old = account;
		}
	}
	if (replacement != NULL)
		list_add_tail(&replacement->link, &accounts);
	mutex_unlock(&accounts_lock);
	if (old == NULL)
		return;
	file_hooks->append_close(old->file);
	kfree(old);
}

int acct_set(struct file *file)
{
	struct account *account = NULL;

	if (file != NULL) {
		account = kzalloc(sizeof(*account));
		if (account == NULL)
			return -ENOMEM;
		*account = (struct account){.space = pid_namespace_current(), .file = file};
		list_init(&account->link);
	}
	replace(pid_namespace_current(), account);
	return 0;
}

void acct_forget_namespace(const struct pid_namespace *space)
{
	if (acct_is_on())
		replace(space, NULL);
}

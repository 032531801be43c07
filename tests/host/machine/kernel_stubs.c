/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kernel/mm takes from the floors beside and above it, on the simulated machine: panic, the
 * log, sleeping locks.
 *
 * Who finds a lock taken lets other actors go on; without any, the lock can never become free, and
 * that is reported as the deadlock it would be.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/machine.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/sync.h"
#include "mm/pressure.h"
#include "machine/actors.h"
#include "machine/machine.h"

static bool verbose;

struct machine_topology machine_nodes = {.nodes = 1, .distance = {{NODE_DISTANCE_LOCAL}}};

const struct machine_topology *machine_topology(void)
{
	return &machine_nodes;
}

/* No time passes. */
nsec_t clock_monotonic(void)
{
	return 0;
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "panic: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	abort();
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (!verbose && level >= LOG_WARN)
		return;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
}

void spin_lock_wait(u32 *held, bool interrupts __attribute__((unused)))
{
	while (__atomic_exchange_n(held, cpu_token(), __ATOMIC_ACQUIRE) != 0)
		cpu_relax();
}

void spin_lock_misuse(const spinlock_t *lock, const char *what)
{
	panic("spin lock %p %s", (const void *)lock, what);
}

void cpu_relax(void)
{
	machine_wait("a spin lock is held by somebody who will never release it");
}

void preempt_offer(void) {}

bool in_interrupt(void)
{
	return false;
}

cpumask_t cpus_online(void)
{
	return CPUMASK_ALL;
}

bool cpu_random(u64 *value)
{
	*value = 0;
	return false;
}

struct vdso_image machine_vdso;

const struct vdso_image *arch_vdso(void)
{
	return machine_vdso.code_size != 0 ? &machine_vdso : NULL;
}

/* The host's programs are not symbolised. */
const char *symbol_lookup(vaddr_t address __unused, size_t *offset __unused)
{
	return NULL;
}

size_t backtrace_collect(vaddr_t *addresses __unused, size_t limit __unused)
{
	return 0;
}

void mutex_lock_at(mutex_t *mutex, unsigned nest, struct lock_site *site)
{
	lock_tag_take(mutex, &mutex->tag, 0, nest, site);
	while (mutex->owner != NULL)
		machine_wait("deadlock on a mutex");
	mutex->owner = (struct task *)mutex;
}

void mutex_unlock(mutex_t *mutex)
{
	if (mutex->owner == NULL)
		panic("a free mutex is unlocked");
	lock_tag_drop(mutex);
	mutex->owner = NULL;
}

void rwlock_read_lock_at(rwlock_t *lock, unsigned nest, struct lock_site *site)
{
	lock_tag_take(lock, &lock->tag, 0, nest, site);
	while (lock->holders < 0)
		machine_wait("deadlock on a map lock, for reading");
	lock->holders++;
}

bool rwlock_try_read_lock_at(rwlock_t *lock, struct lock_site *site)
{
	if (lock->holders != 0)
		return false;
	rwlock_read_lock_at(lock, 0, site);
	return true;
}

void rwlock_read_unlock(rwlock_t *lock)
{
	if (lock->holders < 1)
		panic("a map lock is unlocked that is not held for reading");
	lock_tag_drop(lock);
	lock->holders--;
}

void rwlock_write_lock_at(rwlock_t *lock, unsigned nest, struct lock_site *site)
{
	lock_tag_take(lock, &lock->tag, 0, nest, site);
	while (lock->holders != 0)
		machine_wait("deadlock on a map lock, for writing");
	lock->holders = -1;
}

void rwlock_write_unlock(rwlock_t *lock)
{
	if (lock->holders != -1)
		panic("a map lock is unlocked that is not held for writing");
	lock_tag_drop(lock);
	lock->holders = 0;
}

/* One thread waits for nobody: what it would wait for never happens. */
void waiter_init(struct waiter *waiter)
{
	*waiter = (struct waiter){.task = NULL};
}

void wait_prepare(wait_queue_t *queue __unused, struct waiter *waiter __unused,
		  enum wait_mode mode __unused)
{
}

void (*machine_sleeper)(void);

int wait_sleep(enum wait_mode mode __unused, nsec_t deadline)
{
	if (machine_sleeper != NULL) {
		machine_sleeper();
		return 0;
	}
	if (deadline != NO_DEADLINE)
		return -ETIMEDOUT;
	panic("somebody waits for what will never happen");
}

void wait_finish(wait_queue_t *queue __unused, struct waiter *waiter __unused) {}

void wake_up_events(wait_queue_t *queue __unused, unsigned exclusive __unused, u32 events __unused)
{
}

bool pressure_enter(enum pressure_kind kind __unused)
{
	return false;
}

void pressure_leave(enum pressure_kind kind __unused, bool begun __unused) {}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock-order checker reports what it should, and only that. */
#include "lib/lock_order.h"

#include "arch/clock.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "proc/timer.h"
#include "tests/kernel/ktest.h"

static char report[1024];

static void expect_reports(void)
{
	lock_order_catch(report, sizeof(report));
}

static bool reported(const char *what)
{
	lock_order_catch(NULL, 0);
	return strstr(report, what) != NULL;
}

static void take_both(spinlock_t *outer, spinlock_t *inner)
{
	spin_lock(outer);
	spin_lock(inner);
	spin_unlock(inner);
	spin_unlock(outer);
}

KTEST(lock_order_two_locks_taken_both_ways_are_reported)
{
	spinlock_t first, second;

	spin_lock_init(&first);
	spin_lock_init(&second);
	expect_reports();
	take_both(&first, &second);
	KEXPECT(report[0] == '\0');
	take_both(&second, &first);
	KEXPECT(reported("elsewhere the other way"));
	KEXPECT(strstr(report, "lock_order.c:first") && strstr(report, "lock_order.c:second"));
}

KTEST(lock_order_a_circle_of_three_is_reported)
{
	spinlock_t red, green, blue;

	spin_lock_init(&red);
	spin_lock_init(&green);
	spin_lock_init(&blue);
	expect_reports();
	take_both(&red, &green);
	take_both(&green, &blue);
	KEXPECT(report[0] == '\0');
	take_both(&blue, &red);
	KEXPECT(reported("elsewhere the other way"));
	KEXPECT(strstr(report, "lock_order.c:green"));
}

KTEST(lock_order_two_of_a_class_must_say_that_they_nest)
{
	spinlock_t locks[2];

	for (int i = 0; i < 2; i++)
		spin_lock_init(&locks[i]);
	expect_reports();
	spin_lock(&locks[0]);
	spin_lock_nested(&locks[1], 1);
	spin_unlock(&locks[1]);
	spin_unlock(&locks[0]);
	KEXPECT(report[0] == '\0');
	take_both(&locks[0], &locks[1]);
	KEXPECT(reported("another of its class is held"));
}

KTEST(lock_order_trylock_closes_no_circle)
{
	spinlock_t outer, tried;

	spin_lock_init(&outer);
	spin_lock_init(&tried);
	take_both(&outer, &tried);
	expect_reports();
	spin_lock(&tried);
	KEXPECT(spin_trylock(&outer));
	spin_unlock(&outer);
	spin_unlock(&tried);
	KEXPECT(!reported("lock_order.c"));
}

static spinlock_t handler_lock;
static bool handler_ran;

static void handler(struct timer *timer __unused)
{
	unsigned long flags = spin_lock_irqsave(&handler_lock);
	WRITE_ONCE(handler_ran, true);
	spin_unlock_irqrestore(&handler_lock, flags);
}

KTEST(lock_order_a_handlers_lock_needs_interrupts_off)
{
	struct timer timer;

	spin_lock_init(&handler_lock);
	handler_ran = false;
	timer_init(&timer, handler);
	timer_start(&timer, clock_monotonic() + NSEC_PER_MSEC);
	while (!READ_ONCE(handler_ran))
		cpu_relax();
	timer_cancel_sync(&timer);
	expect_reports();
	unsigned long flags = spin_lock_irqsave(&handler_lock);
	spin_unlock_irqrestore(&handler_lock, flags);
	KEXPECT(report[0] == '\0');
	spin_lock(&handler_lock);
	spin_unlock(&handler_lock);
	KEXPECT(reported("in an interrupt handler"));
}

KTEST(lock_order_sleeping_with_a_spin_lock_held_is_reported)
{
	spinlock_t spins;
	mutex_t sleeps;

	spin_lock_init(&spins);
	mutex_init(&sleeps);
	expect_reports();
	spin_lock(&spins);
	mutex_lock(&sleeps);
	mutex_unlock(&sleeps);
	spin_unlock(&spins);
	KEXPECT(reported("may sleep while a spin lock is held"));
}

KTEST(lock_order_locks_that_sleep_are_checked_too)
{
	mutex_t outer;
	rwlock_t inner;

	mutex_init(&outer);
	rwlock_init(&inner);
	mutex_lock(&outer);
	rwlock_read_lock(&inner);
	rwlock_read_unlock(&inner);
	mutex_unlock(&outer);
	expect_reports();
	rwlock_write_lock(&inner);
	mutex_lock(&outer);
	mutex_unlock(&outer);
	rwlock_write_unlock(&inner);
	KEXPECT(reported("elsewhere the other way"));
}

KTEST(lock_order_a_lock_that_is_kept_is_reported)
{
	mutex_t kept;

	mutex_init(&kept);
	expect_reports();
	lock_order_expect_none("nothing happens");
	KEXPECT(report[0] == '\0');
	mutex_lock(&kept);
	lock_order_expect_none("nothing happens");
	mutex_unlock(&kept);
	KEXPECT(reported("nothing happens while a lock is held"));
}

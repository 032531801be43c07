/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock-order checker of the checking build (CONFIG_CHECKING); elsewhere all of it is empty.
 *
 * Locks of one kind form a class, whose name is where it was initialised, or for a lock that starts
 * as zeros, what the source calls it where it is first taken.  Whenever a lock is taken while
 * another is held, the checker notes the order of their classes, for good.  So it finds two paths
 * that would deadlock when each of them runs once, at any time, on any CPU; they need not meet.
 *
 * What it reports, with the chain of places, as a panic:
 *	- two classes taken in both orders, also through others in between
 *	- two locks of a class held together, without saying so (spin_lock_nested)
 *	- a class taken in an interrupt handler and, elsewhere, with interrupts on; also when the
 *	  second one is only waited for while the first is held
 *	- a class held while other CPUs are called, and elsewhere waited for with interrupts off
 *	- sleeping, or taking a lock that sleeps, in a handler, with interrupts off or a spin lock
 *	  held
 *	- a lock released by somebody who does not hold it
 *	- a lock held when a system call returns, or a task ends
 *
 * doc/locks.md has the order itself; /proc/lock_order shows what was seen.
 */
#ifndef LIB_LOCK_ORDER_H
#define LIB_LOCK_ORDER_H

#include "lib/types.h"

enum lock_order_kind {
	LOCK_SPIN = 0,
	LOCK_SLEEP = 1 << 0, /* a mutex, or a read-write lock */
	LOCK_TRY = 1 << 1,   /* did not wait: cannot be the one that closes a circle */
};

/*
 * A lock that is taken inside others of its class says which one it is, from 1; or that it is the
 * next one, where something else rules circles out.
 */
enum { LOCK_NESTING = 8, LOCK_NEST_NEXT = LOCK_NESTING };

#ifdef CONFIG_CHECKING

/* A place in the source that names a lock. */
struct lock_site {
	const char *file, *name;
	u16 line;
	u16 class; /* atomic: of the locks that are initialised here; 0: none yet */
};

/* A lock's class, within the lock; 0 until it is known. */
struct lock_tag {
	u16 class;
};

struct held_lock {
	const void *lock;
	const struct lock_site *site;
	u16 class;
	u8 kind;
	bool in_interrupt;
};

/* The locks of the sleeping kind that a task holds, in the order in which it took them.  Own. */
struct lock_stack {
	u32 depth;
	struct held_lock held[16];
};

/* A pointer to the place where the macro stands. */
#define LOCK_SITE(expression)                                                     \
	({                                                                        \
		static struct lock_site lock_site_ = {                            \
			.file = __FILE__, .name = #expression, .line = __LINE__}; \
		&lock_site_;                                                      \
	})

/* For an init function: locks that are initialised at `site` are of one class. */
u16 lock_order_class(struct lock_site *site);

/*
 * A lock is about to be waited for, or (LOCK_TRY) was taken.  *class is the lock's; `nest` is 0, or
 * which one this is of those of its class that are held together.  Any context.
 */
void lock_order_take(const void *lock, u16 *class, unsigned kind, unsigned nest,
		     struct lock_site *site);
void lock_order_drop(const void *lock, unsigned kind);

/* The current task may be about to sleep here.  Any context in which it may. */
void lock_order_may_sleep(const struct lock_site *site);
#define might_sleep() lock_order_may_sleep(LOCK_SITE(sleep))

/* Other CPUs are about to be interrupted and waited for. */
void lock_order_calls_cpus(void);
/* Nothing may be held: `what` is about to happen. */
void lock_order_expect_none(const char *what);
/* The scheduler's: this CPU runs another task from now on. */
void lock_order_switch(struct lock_stack *stack);

/* For tests: from now on the first report goes to the buffer, cut short, instead of ending in a
 * panic.  NULL: back to the panic. */
void lock_order_catch(char *buffer, size_t size);

/* Text about one class and the classes that were taken while it was held; 0 behind the last. */
size_t lock_order_describe(unsigned number, char *buffer, size_t size);

#else

struct lock_site;
struct lock_tag {
};
struct lock_stack {
};

#define LOCK_SITE(expression) NULL
#define might_sleep()         ((void)0)

static inline void lock_order_calls_cpus(void) {}
static inline void lock_order_expect_none(const char *what __unused) {}
static inline void lock_order_switch(struct lock_stack *stack __unused) {}
static inline size_t lock_order_describe(unsigned number __unused, char *buffer __unused,
					 size_t size __unused)
{
	return 0;
}

#endif

#endif

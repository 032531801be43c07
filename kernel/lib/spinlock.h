/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spin locks: for short sections that must not sleep.
 *
 * A free lock goes to whoever takes it first.  Order of arrival would be fairer, but a CPU of a
 * virtual machine may itself be waiting for a processor of the host when its turn comes, and then
 * all behind it would wait, too.  For the same reason who has waited for long with interrupts on
 * halts its CPU, so that the host can run the holder's (cpu_halt_for_lock).  Holding a lock raises the CPU's preemption count, so the holder
 * is not scheduled away.  A lock that an interrupt handler takes is taken with the _irqsave or _irq
 * form everywhere else, or the handler could spin on its own CPU for ever.
 *
 * The checking build (CONFIG_CHECKING) records the owner: taking a lock twice, or releasing one
 * that is not held, panics; and it checks the order: lib/lock_order.h.  There the functions are
 * macros around the ones that end in _at, so that a report can name the place.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "arch/cpu.h"
#include "lib/lock_order.h"
#include "lib/types.h"

typedef struct {
	u32 held;  /* atomic: cpu_token of the CPU that has it; 0: free */
	u16 owner; /* CPU number + 1 while held; kept in the checking build */
	u16 class; /* the same: lock_order's */
} spinlock_t;

#define SPINLOCK_INIT ((spinlock_t){0})

/* Somebody else has the lock: takes it later.  `interrupts`: they were on when the caller came, and
 * may be on while it waits; they are afterwards as they are now. */
void spin_lock_wait(u32 *held, bool interrupts);

void spin_lock_misuse(const spinlock_t *lock, const char *what) __noreturn;

#ifdef CONFIG_CHECKING

static inline void spin_lock_check(spinlock_t *lock, unsigned kind, unsigned nest,
				   struct lock_site *site)
{
	if (READ_ONCE(lock->owner) == cpu_id() + 1)
		spin_lock_misuse(lock, "taken twice by one CPU");
	lock_order_take(lock, &lock->class, kind, nest, site);
}

static inline void spin_lock_taken(spinlock_t *lock)
{
	WRITE_ONCE(lock->owner, (u16)(cpu_id() + 1));
}

static inline void spin_lock_check_release(spinlock_t *lock)
{
	if (READ_ONCE(lock->owner) != cpu_id() + 1)
		spin_lock_misuse(lock, "released by a CPU that does not hold it");
	WRITE_ONCE(lock->owner, 0);
	lock_order_drop(lock, LOCK_SPIN);
}

static inline void spin_lock_init_at(spinlock_t *lock, struct lock_site *site)
{
	*lock = (spinlock_t){.class = lock_order_class(site)};
}

#else

static inline void spin_lock_check(spinlock_t *lock __unused, unsigned kind __unused,
				   unsigned nest __unused, struct lock_site *site __unused)
{
}

static inline void spin_lock_taken(spinlock_t *lock __unused) {}

static inline void spin_lock_check_release(spinlock_t *lock __unused) {}

static inline void spin_lock_init_at(spinlock_t *lock, struct lock_site *site __unused)
{
	*lock = SPINLOCK_INIT;
}

#endif

static inline void spin_lock_acquire_at(spinlock_t *lock, bool interrupts, unsigned nest,
					struct lock_site *site)
{
	spin_lock_check(lock, LOCK_SPIN, nest, site);
	if (unlikely(__atomic_exchange_n(&lock->held, cpu_token(), __ATOMIC_ACQUIRE)))
		cpu_lock_wait(&lock->held, interrupts);
	spin_lock_taken(lock);
}

/* The lock without the preemption count: for those who count themselves. */
static inline void spin_lock_release(spinlock_t *lock)
{
	spin_lock_check_release(lock);
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

static inline void spin_lock_at(spinlock_t *lock, unsigned nest, struct lock_site *site)
{
	preempt_disable();
	spin_lock_acquire_at(lock, false, nest, site);
}

static inline void spin_unlock(spinlock_t *lock)
{
	spin_lock_release(lock);
	preempt_enable();
}

static inline bool spin_trylock_at(spinlock_t *lock, struct lock_site *site)
{
	preempt_disable();
	if (!__atomic_load_n(&lock->held, __ATOMIC_RELAXED) &&
	    !__atomic_exchange_n(&lock->held, cpu_token(), __ATOMIC_ACQUIRE)) {
		spin_lock_check(lock, LOCK_SPIN | LOCK_TRY, 0, site);
		spin_lock_taken(lock);
		return true;
	}
	preempt_enable();
	return false;
}

static inline unsigned long spin_lock_irqsave_at(spinlock_t *lock, unsigned nest,
						 struct lock_site *site)
{
	unsigned long flags = irq_save();
	preempt_disable();
	spin_lock_acquire_at(lock, irq_flags_on(flags), nest, site);
	return flags;
}

static inline void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	spin_lock_release(lock);
	irq_restore(flags);
	preempt_enable();
}

static inline void spin_lock_irq_at(spinlock_t *lock, unsigned nest, struct lock_site *site)
{
	irq_disable();
	preempt_disable();
	spin_lock_acquire_at(lock, true, nest, site);
}

static inline void spin_unlock_irq(spinlock_t *lock)
{
	spin_lock_release(lock);
	irq_enable();
	preempt_enable();
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
	return READ_ONCE(lock->held);
}

/* A free lock, of the class of all those that are initialised at the same place. */
#define spin_lock_init(lock) spin_lock_init_at((lock), LOCK_SITE(lock))

/* Takes the lock.  Any context in which no interrupt handler of this CPU takes it too. */
#define spin_lock(lock) spin_lock_at((lock), 0, LOCK_SITE(lock))
/* Takes the lock if it is free; says whether it did. */
#define spin_trylock(lock) spin_trylock_at((lock), LOCK_SITE(lock))
/* Takes the lock with interrupts off; the result goes to spin_unlock_irqrestore. */
#define spin_lock_irqsave(lock) spin_lock_irqsave_at((lock), 0, LOCK_SITE(lock))
/* For callers that know interrupts to be on. */
#define spin_lock_irq(lock) spin_lock_irq_at((lock), 0, LOCK_SITE(lock))

/*
 * For a lock that is taken inside `nest` others of its class (fewer than LOCK_NESTING), in an order
 * that rules circles out and that the class's comment tells, such as by address.
 */
#define spin_lock_nested(lock, nest)         spin_lock_at((lock), (nest), LOCK_SITE(lock))
#define spin_lock_irqsave_nested(lock, nest) spin_lock_irqsave_at((lock), (nest), LOCK_SITE(lock))

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spin locks: for short sections that must not sleep.
 *
 * A free lock goes to whoever takes it first.  Order of arrival would be fairer, but a CPU of a
 * virtual machine may itself be waiting for a processor of the host when its turn comes, and then
 * all behind it would wait, too.  Holding a lock raises the CPU's preemption count, so the holder
 * is not scheduled away.  A lock that an interrupt handler takes is taken with the _irqsave or _irq
 * form everywhere else, or the handler could spin on its own CPU for ever.
 *
 * The checking build (CONFIG_CHECKING) records the owner: taking a lock twice, or releasing one
 * that is not held, panics.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "arch/cpu.h"
#include "lib/types.h"

typedef struct {
	u32 held;  /* atomic: 1 while somebody has it */
	u32 owner; /* CPU number + 1 while held; kept in the checking build */
} spinlock_t;

#define SPINLOCK_INIT ((spinlock_t){0})

void spin_lock_misuse(const spinlock_t *lock, const char *what) __noreturn;

static inline void spin_lock_init(spinlock_t *lock)
{
	*lock = SPINLOCK_INIT;
}

static inline void spin_lock_acquire(spinlock_t *lock)
{
#ifdef CONFIG_CHECKING
	if (READ_ONCE(lock->owner) == cpu_id() + 1)
		spin_lock_misuse(lock, "taken twice by one CPU");
#endif
	while (unlikely(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))) {
		while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED))
			cpu_relax();
	}
#ifdef CONFIG_CHECKING
	WRITE_ONCE(lock->owner, cpu_id() + 1);
#endif
}

static inline void spin_lock_release(spinlock_t *lock)
{
#ifdef CONFIG_CHECKING
	if (READ_ONCE(lock->owner) != cpu_id() + 1)
		spin_lock_misuse(lock, "released by a CPU that does not hold it");
	WRITE_ONCE(lock->owner, 0);
#endif
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

/* Takes the lock.  Any context in which no interrupt handler of this CPU takes it too. */
static inline void spin_lock(spinlock_t *lock)
{
	preempt_disable();
	spin_lock_acquire(lock);
}

static inline void spin_unlock(spinlock_t *lock)
{
	spin_lock_release(lock);
	preempt_enable();
}

/* Takes the lock if it is free; says whether it did. */
static inline bool spin_trylock(spinlock_t *lock)
{
	preempt_disable();
	if (!__atomic_load_n(&lock->held, __ATOMIC_RELAXED) &&
	    !__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE)) {
#ifdef CONFIG_CHECKING
		WRITE_ONCE(lock->owner, cpu_id() + 1);
#endif
		return true;
	}
	preempt_enable();
	return false;
}

/* Takes the lock with interrupts off; the result goes to spin_unlock_irqrestore. */
static inline unsigned long spin_lock_irqsave(spinlock_t *lock)
{
	unsigned long flags = irq_save();
	spin_lock(lock);
	return flags;
}

static inline void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	spin_lock_release(lock);
	irq_restore(flags);
	preempt_enable();
}

/* For callers that know interrupts to be on. */
static inline void spin_lock_irq(spinlock_t *lock)
{
	irq_disable();
	spin_lock(lock);
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

#endif

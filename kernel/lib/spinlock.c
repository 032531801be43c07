/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for a spin lock; and what the checking build says when one is misused. */
#include "lib/spinlock.h"

#include "lib/panic.h"

/* Some 30 us: longer than locks are held by CPUs that run, shorter than a host's time slice. */
enum { LOOKING_CYCLES = 1 << 16 };

void spin_lock_wait(u32 *held, bool interrupts)
{
	u32 holder;

	interrupts = interrupts || irq_enabled();
	do {
		u64 start = cpu_cycles();
		while ((holder = __atomic_load_n(held, __ATOMIC_RELAXED)) != 0) {
			cpu_relax();
			if (interrupts && cpu_cycles() - start > LOOKING_CYCLES) {
				cpu_halt_for_lock(held, holder);
				start = cpu_cycles();
			}
		}
	} while (__atomic_exchange_n(held, cpu_token(), __ATOMIC_ACQUIRE) != 0);
}

void spin_lock_misuse(const spinlock_t *lock, const char *what)
{
	panic("spin lock %p %s", (const void *)lock, what);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the checking build says when a spin lock is misused. */
#include "lib/spinlock.h"

#include "lib/panic.h"

void spin_lock_misuse(const spinlock_t *lock, const char *what)
{
	panic("spin lock %p %s", (const void *)lock, what);
}

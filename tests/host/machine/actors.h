/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Actors: CPUs of the simulated machine that run at the same time.
 *
 * Each actor has a CPU.  One runs at a time; at many points (an entry is written, a lock is taken
 * or released, a flush is on its way to a CPU, a program touches memory) another may go on instead,
 * as a random number decides.  The same seed gives the same order.  Who has to wait lets others go
 * on; when nobody can, the test fails.
 */
#ifndef MACHINE_ACTORS_H
#define MACHINE_ACTORS_H

#include "lib/types.h"

struct actor {
	void (*run)(void *argument);
	void *argument;
};

/* Runs actor i on CPU i until all have ended; then the caller goes on, on CPU 0. */
void machine_interleave(u64 seed, const struct actor *actors, u32 count);

/* A point where another CPU may go on: nothing happens without actors. */
void machine_pause(void);
/* The running CPU waits for another one to do something.  Without actors nobody can: panics. */
void machine_wait(const char *what);

/* A CPU does something on behalf of another: no pauses meanwhile. */
void machine_hold(bool hold);

#endif

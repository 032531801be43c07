/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Races: what several CPUs of the simulated machine do at the same time, in many orders
 * (machine/actors.h).  ROUNDS=n sets how many orders are played, SEED=n the first.
 */
#ifndef TESTS_HOST_MM_RACE_H
#define TESTS_HOST_MM_RACE_H

#include "tests/host/mm/support.h"

#include "machine/actors.h"
#include "mm/tree_check.h"

enum { PAGES = 6 };
static const vaddr_t BASE = 0x40000000 - 2 * PAGE_SIZE; /* across the boundary of a leaf */

static inline vaddr_t page_at(int page)
{
	return BASE + (vaddr_t)page * PAGE_SIZE;
}

/* Two related spaces, and a third where one wants it. */
extern struct address_space *parent, *child, *second;
extern struct test_file file;

/*
 * A parent with PAGES pages of memory: the even ones have been written with 1, some read, page 3
 * neither.
 */
void make_parent(void);
/* The running CPU runs the space from now on. */
void run_in(struct address_space *space);
/* One byte of any space. */
u8 look(struct address_space *space, vaddr_t address);
/* Where all is over: the invariants, then all spaces go. */
void finish(void);

struct race {
	const char *name;
	void (*play)(u64 seed);
};

/* A test of cmocka that plays a race in all orders, and looks for lost frames after each. */
void play_all_orders(void **state);
#define RACE(function)                                                 \
	{                                                              \
#function, play_all_orders, NULL, NULL, &(struct race) \
		{                                                      \
#function, function                            \
		}                                                      \
	}

/* Reads ROUNDS and SEED, and starts the machine. */
void races_begin(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going round all address spaces, for threads that work through their memory bit by bit: reclaim
 * and khugepaged; for mm's own files.
 *
 * Each round has a list of the spaces.  The first one has its turn; when it is over, the space
 * becomes the last.  A space's place in a round, and where in it the work goes on, is a space_turn.
 */
#ifndef MM_SPACE_ROUND_H
#define MM_SPACE_ROUND_H

#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"

struct address_space;

struct space_round {
	spinlock_t lock;
	struct list_head turns; /* lock */
	size_t count;           /* lock; read without it as a hint */
};

struct space_turn {
	struct list_head link;       /* the round's lock */
	struct address_space *space; /* constant; no reference */
	vaddr_t at;                  /* where the work goes on; its thread's */
};

#define SPACE_ROUND_INIT(round)                   \
	{                                         \
		.turns = LIST_INIT((round).turns) \
	}

/* A space enters a round when it is made, and leaves it before its tables go. */
void space_round_add(struct space_round *round, struct space_turn *turn,
		     struct address_space *space);
void space_round_remove(struct space_round *round, struct space_turn *turn);

/* The space whose turn it is, with a reference; NULL: there is none that is alive. */
struct address_space *__must_check space_round_first(struct space_round *round);
/* The turn is over.  Returns how many spaces there are. */
size_t space_round_advance(struct space_round *round, struct space_turn *turn);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nth allocation fails, for every n, in a call that is made in a world of its own: the call
 * says so, and nothing else has happened.
 *
 * The call is made in a child that shares its tables with its parent, as far as what the world has
 * can be shared.  After it, the trees are checked, the child's content and regions where the call
 * has failed, the parent's content in any case, and that no frame is lost when both have ended.
 */
#ifndef TESTS_HOST_MM_NTH_H
#define TESTS_HOST_MM_NTH_H

#include "tests/host/mm/support.h"

/* What a call promises when it fails, less than that nothing has changed. */
enum {
	GIVES_UP = 1,  /* what content it had given up by then stays so */
	REMAPS = 2,    /* regions that it had changed by then stay changed, as on Linux */
	IN_PARENT = 4, /* it is made in the parent, without a child */
};

struct nth_call {
	const char *name;
	int (*call)(struct address_space *space); /* 0, -ENOMEM or -EAGAIN */
	int promise;
};

struct nth_world {
	struct address_space *(*make)(void); /* the parent, which runs */
	void (*check)(void);                 /* content, of the space that runs */
	void (*end)(void);                   /* what is left when the spaces have gone */
	vaddr_t written;                     /* after a failure a write here succeeds; 0: nowhere */
};

/* A space that a call has made, to be ended with the others. */
extern struct address_space *nth_made;

void nth_sweep(const struct nth_world *world, const struct nth_call *calls, size_t count);

/* A result of which only the sign is of interest; an access that was a signal or none. */
static inline int nth_outcome(long result)
{
	return result < 0 ? (int)result : 0;
}

static inline int nth_touched(int signal)
{
	return signal == 0 ? 0 : -ENOMEM;
}

#endif

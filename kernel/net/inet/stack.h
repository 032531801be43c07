/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network stack as a whole: its lock, its timers, its thread, and the loopback interface.
 *
 * lwIP is entered under one lock, a mutex.  Handlers of interrupts never take it: they queue a
 * struct stack_work, which the stack's thread runs under the lock.  The thread is made when there
 * is first something for it to do; a timer ticks only while it has something to wait for.
 *
 * What is sent to the loopback interface lies in a list until the lock is given up, and is received
 * then, before the lock is free: lwIP is not reentrant, and so both ends of a local connection are
 * served by the sender's task, in one section.
 *
 * Lock order: outside of stack_lock() are the locks of sockets (net/inet/inet.h); inside are spin
 * locks only.  No program's memory is touched under it.
 */
#ifndef NET_INET_STACK_H
#define NET_INET_STACK_H

#include "lib/list.h"
#include "lib/types.h"
#include "proc/timer.h"

struct netif;

/* Once, at start-up, before any of the rest. */
void stack_init(void);

/* May sleep. */
void stack_lock(void);
void stack_unlock(void);
bool stack_is_mine(void); /* for assertions */

/* Something to be done under the lock, asked for by an interrupt's handler. */
struct stack_work {
	struct list_head link; /* the stack's queue lock; empty when not queued */
	void (*run)(struct stack_work *work);
};
void stack_work_init(struct stack_work *work, void (*run)(struct stack_work *work));
/* Has the stack's thread run it soon, once however often this is called before it begins.  Any
 * context; before the first call, stack_thread_start must have succeeded. */
void stack_wake(struct stack_work *work);
/* Takes it back; does not wait for one that runs, which the lock does.  Any context. */
void stack_work_cancel(struct stack_work *work);
/* Makes the stack's thread if there is none: 0 or -ENOMEM, -EAGAIN.  May sleep; lock held. */
int __must_check stack_thread_start(void);

/* A function that runs every so often under the lock, as long as it wants. */
struct stack_timer {
	nsec_t interval;
	bool (*function)(struct stack_timer *timer); /* false: that is all; started again later */
	nsec_t due;                                  /* the lock */
	bool running;                                /* the lock */
	struct list_head link;                       /* the lock */
};
/* Starts it, if it does not run: first in one interval.  Lock held. */
void stack_timer_start(struct stack_timer *timer);

/* lo, as lwIP knows it: 127.0.0.1/8 and ::1. */
struct netif *stack_loopback(void);

#endif

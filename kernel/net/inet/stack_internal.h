/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the stack share: see stack.h. */
#ifndef NET_INET_STACK_INTERNAL_H
#define NET_INET_STACK_INTERNAL_H

#include "lib/types.h"

struct pbuf;

/* --- loopback.c --- */

void loopback_init(void);
/* Are there packets to be received?  The lock held. */
bool loopback_pending(void);
/* Receives them, and what is sent meanwhile.  The lock held. */
void loopback_deliver(void);

/* --- tcp_timer.c --- */

void tcp_timer_init(void);
/* Has TCP's timer run if a connection waits for anything.  At the end of a section under the lock.
 */
void tcp_timer_check(void);

#endif

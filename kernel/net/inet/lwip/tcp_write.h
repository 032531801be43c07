/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lwIP's tcp_write() does, for data that is already where it can stay: nothing is copied.
 * Under the stack's lock.
 */
#ifndef NET_INET_LWIP_TCP_WRITE_H
#define NET_INET_LWIP_TCP_WRITE_H

#include "lib/types.h"

struct buffer;
struct pbuf;
struct tcp_pcb;

/* May data be queued at all?  Not behind a FIN, nor before there is a connection. */
bool tcp_can_queue(const struct tcp_pcb *pcb);

/* Queues a part of a buffer to be sent: how many bytes, which is less when memory is short. */
u32 tcp_queue_buffer(struct tcp_pcb *pcb, struct buffer *buffer, u32 offset, u32 length);

/* Queues a few bytes, in a pbuf with room for headers, which is taken over or freed: how many
 * bytes, all or none. */
u32 tcp_queue_pbuf(struct tcp_pcb *pcb, struct pbuf *pbuf);

#endif

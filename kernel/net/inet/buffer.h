/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data on its way through TCP: buffers that are filled once, and slices of them.
 *
 * A buffer is counted memory that a program's bytes were copied to.  A slice is a pbuf of lwIP's
 * that refers to a part of a buffer, which goes with its last slice.  Slices of one buffer may lie
 * in packets that were sent and in those that were received: the bytes do not change.
 *
 * A slice belongs to whoever has its pbuf, as lwIP's rules say; buffers' counts are atomic, so
 * slices may be freed anywhere, with or without the stack's lock.
 */
#ifndef NET_INET_BUFFER_H
#define NET_INET_BUFFER_H

#include <lwip/pbuf.h>

#include "lib/types.h"

/* A buffer has at most so many bytes. */
#define BUFFER_MAX ((u32)32768)

struct buffer {
	u32 references; /* atomic */
	u32 size;
	u8 *bytes;
};

void buffers_init(void);

/* A buffer of up to `size` bytes, or a smaller one when memory is short (but at least a page); one
 * reference.  NULL: no memory. */
struct buffer *buffer_create(u32 size);
void buffer_put(struct buffer *buffer);

/* A slice, with a reference of its own on the buffer; NULL: no memory. */
struct pbuf *buffer_slice(struct buffer *buffer, u32 offset, u16 length);
/* A second slice of the same bytes. */
struct pbuf *buffer_copy_slice(const struct pbuf *slice);
bool buffer_is_slice(const struct pbuf *pbuf);

#endif

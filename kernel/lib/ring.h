/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring buffer of bytes, for terminals and drivers.
 *
 * head and tail count the bytes ever put in and taken out; the difference is what is inside, and
 * the place of a byte is its count modulo the size, a power of two.  Not atomic: the owner's lock
 * guards it.
 */
#ifndef LIB_RING_H
#define LIB_RING_H

#include "lib/assert.h"
#include "lib/string.h"
#include "lib/types.h"

struct ring {
	u8 *bytes;
	size_t size; /* a power of two */
	size_t head, tail;
};

/* Makes @ring an empty ring over the @size bytes at @bytes, which stay the caller's. */
static inline void ring_init(struct ring *ring, void *bytes, size_t size)
{
	ASSERT(size && (size & (size - 1)) == 0);
	*ring = (struct ring){.bytes = bytes, .size = size};
}

static inline size_t ring_used(const struct ring *ring)
{
	return ring->head - ring->tail;
}

static inline size_t ring_space(const struct ring *ring)
{
	return ring->size - ring_used(ring);
}

static inline void ring_clear(struct ring *ring)
{
	ring->tail = ring->head;
}

/* Appends a byte; false when the ring is full. */
static inline bool ring_put(struct ring *ring, u8 byte)
{
	if (ring_space(ring) == 0)
		return false;
	ring->bytes[ring->head++ & (ring->size - 1)] = byte;
	return true;
}

/* Takes the oldest byte; -1 when the ring is empty. */
static inline int ring_get(struct ring *ring)
{
	if (ring_used(ring) == 0)
		return -1;
	return ring->bytes[ring->tail++ & (ring->size - 1)];
}

/* The byte @offset places after the oldest; @offset less than ring_used(). */
static inline u8 ring_peek(const struct ring *ring, size_t offset)
{
	return ring->bytes[(ring->tail + offset) & (ring->size - 1)];
}

/* Takes the newest byte back; -1 when the ring is empty.  For editing a line. */
static inline int ring_unput(struct ring *ring)
{
	if (ring_used(ring) == 0)
		return -1;
	return ring->bytes[--ring->head & (ring->size - 1)];
}

/* Appends as many of the @count bytes as fit, and returns how many. */
static inline size_t ring_write(struct ring *ring, const void *from, size_t count)
{
	size_t place = ring->head & (ring->size - 1);
	size_t total = MIN(count, ring_space(ring));
	size_t first = MIN(total, ring->size - place);

	memcpy(ring->bytes + place, from, first);
	memcpy(ring->bytes, (const u8 *)from + first, total - first);
	ring->head += total;
	return total;
}

/* Takes up to @count bytes, and returns how many. */
static inline size_t ring_read(struct ring *ring, void *to, size_t count)
{
	size_t place = ring->tail & (ring->size - 1);
	size_t total = MIN(count, ring_used(ring));
	size_t first = MIN(total, ring->size - place);

	memcpy(to, ring->bytes + place, first);
	memcpy((u8 *)to + first, ring->bytes, total - first);
	ring->tail += total;
	return total;
}

#endif

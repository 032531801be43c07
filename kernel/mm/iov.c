/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving data through an io_cursor; see iov.h.
 *
 * One function serves all directions: take the piece that lies in one buffer, move it, advance.
 */
#include "mm/iov.h"

#include "arch/usercopy.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"

static void init(struct io_cursor *cursor, enum io_kind kind, enum io_direction direction,
		 size_t length)
{
	cursor->kind = kind;
	cursor->direction = direction;
	cursor->remaining = MIN(length, IO_MAX_BYTES);
	cursor->allocated = NULL;
}

int io_cursor_init_user(struct io_cursor *cursor, vaddr_t buffer, size_t length,
			enum io_direction direction)
{
	if (!user_range_ok(buffer, length))
		return -EFAULT;
	init(cursor, IO_USER, direction, length);
	cursor->user = buffer;
	return 0;
}

void io_cursor_init_kernel(struct io_cursor *cursor, void *buffer, size_t length,
			   enum io_direction direction)
{
	init(cursor, IO_KERNEL, direction, length);
	cursor->kernel = buffer;
}

/* Adds the lengths up, cutting the last ones at IO_MAX_BYTES.  -EINVAL, -EFAULT. */
static ssize_t check_vector(struct user_iovec *vector, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		if ((s64)vector[i].length < 0)
			return -EINVAL;
		if (!user_range_ok(vector[i].base, vector[i].length))
			return -EFAULT;
		vector[i].length = MIN(vector[i].length, IO_MAX_BYTES - total);
		total += vector[i].length;
	}
	return (ssize_t)total;
}

int io_cursor_init_vector(struct io_cursor *cursor, vaddr_t vector, size_t count,
			  enum io_direction direction)
{
	struct user_iovec *copy = cursor->inline_vector;

	if (count > IO_MAX_VECTORS)
		return -EINVAL;
	cursor->allocated = NULL;
	if (count > IO_INLINE_VECTORS) {
		copy = kmalloc(count * sizeof(*copy));
		if (copy == NULL)
			return -ENOMEM;
	}
	ssize_t total = -EFAULT;
	if (copy_from_user(copy, (const void __user *)vector, count * sizeof(*copy)) == 0)
		total = check_vector(copy, count);
	if (total < 0) {
		if (copy != cursor->inline_vector)
			kfree(copy);
		return (int)total;
	}
	init(cursor, IO_USER_VECTOR, direction, (size_t)total);
	cursor->vector = copy;
	cursor->offset = 0;
	if (copy != cursor->inline_vector)
		cursor->allocated = copy;
	return 0;
}

void io_cursor_release(struct io_cursor *cursor)
{
	kfree(cursor->allocated);
	cursor->allocated = NULL;
}

/* The vector's piece that comes next, at most `length` (which remains): its address and, in *size,
 * its length. */
static vaddr_t user_piece(struct io_cursor *cursor, size_t length, size_t *size)
{
	while (cursor->offset == cursor->vector->length) {
		cursor->vector++;
		cursor->offset = 0;
	}
	*size = MIN(length, cursor->vector->length - cursor->offset);
	return cursor->vector->base + cursor->offset;
}

vaddr_t io_cursor_user_piece(struct io_cursor *cursor, size_t *length)
{
	ASSERT(cursor->kind != IO_KERNEL);
	if (cursor->kind == IO_USER_VECTOR)
		return user_piece(cursor, cursor->remaining, length);
	*length = cursor->remaining;
	return cursor->user;
}

bool io_cursor_is_aligned(const struct io_cursor *cursor, size_t address, size_t length)
{
	size_t left = cursor->remaining;

	ASSERT(cursor->kind != IO_KERNEL);
	if (cursor->kind == IO_USER)
		return cursor->user % address == 0 && left % length == 0;
	size_t offset = cursor->offset;
	for (const struct user_iovec *piece = cursor->vector; left > 0; piece++, offset = 0) {
		size_t size = MIN(left, piece->length - offset);
		if (size != 0 && ((piece->base + offset) % address != 0 || size % length != 0))
			return false;
		left -= size;
	}
	return true;
}

void io_cursor_advance(struct io_cursor *cursor, size_t length)
{
	ASSERT(length <= cursor->remaining);
	cursor->remaining -= length;
	if (cursor->kind == IO_USER) {
		cursor->user += length;
	} else if (cursor->kind == IO_KERNEL) {
		cursor->kernel = (char *)cursor->kernel + length;
	} else {
		while (length > 0) {
			size_t piece = MIN(length, cursor->vector->length - cursor->offset);
			cursor->offset += piece;
			length -= piece;
			if (length > 0) {
				cursor->vector++;
				cursor->offset = 0;
			}
		}
	}
}

void io_cursor_revert(struct io_cursor *cursor, size_t length)
{
	ASSERT(cursor->kind != IO_USER_VECTOR);
	cursor->remaining += length;
	if (cursor->kind == IO_USER)
		cursor->user -= length;
	else
		cursor->kernel = (char *)cursor->kernel - length;
}

void io_cursor_truncate(struct io_cursor *cursor, size_t length)
{
	cursor->remaining = MIN(cursor->remaining, length);
}

enum move { MOVE_TO, MOVE_FROM, MOVE_CLEAR };

static size_t move_user(enum move move, vaddr_t user, void *kernel, size_t size)
{
	switch (move) {
	case MOVE_TO:
		return arch_copy_to_user(user, kernel, size);
	case MOVE_FROM:
		return arch_copy_from_user(kernel, user, size);
	default:
		return arch_clear_user(user, size);
	}
}

static void move_kernel(enum move move, void *buffer, void *kernel, size_t size)
{
	if (move == MOVE_TO)
		memcpy(buffer, kernel, size);
	else if (move == MOVE_FROM)
		memcpy(kernel, buffer, size);
	else
		memset(buffer, 0, size);
}

static ssize_t transfer_vector(struct io_cursor *cursor, enum move move, void *kernel,
			       size_t length)
{
	size_t done = 0;

	while (done < length) {
		size_t size;
		vaddr_t user = user_piece(cursor, length - done, &size);
		size_t moved = size - move_user(move, user, kernel, size);
		io_cursor_advance(cursor, moved);
		done += moved;
		if (unlikely(moved < size))
			return done > 0 ? (ssize_t)done : -EFAULT;
		if (kernel != NULL)
			kernel = (char *)kernel + size;
	}
	return (ssize_t)done;
}

/* A copy for each direction: what is left of one is a call and a few additions. */
static inline __attribute__((always_inline)) ssize_t
transfer(struct io_cursor *cursor, enum move move, void *kernel, size_t length)
{
	length = MIN(length, cursor->remaining);
	if (likely(cursor->kind == IO_USER)) {
		size_t moved = length - move_user(move, cursor->user, kernel, length);
		cursor->remaining -= moved;
		cursor->user += moved;
		return unlikely(moved == 0) && length != 0 ? -EFAULT : (ssize_t)moved;
	}
	if (cursor->kind == IO_USER_VECTOR)
		return transfer_vector(cursor, move, kernel, length);
	move_kernel(move, cursor->kernel, kernel, length);
	io_cursor_advance(cursor, length);
	return (ssize_t)length;
}

ssize_t io_copy_to(struct io_cursor *cursor, const void *from, size_t length)
{
	ASSERT(cursor->direction == IO_READ);
	return transfer(cursor, MOVE_TO, (void *)from, length);
}

ssize_t io_copy_from(struct io_cursor *cursor, void *to, size_t length)
{
	ASSERT(cursor->direction == IO_WRITE);
	return transfer(cursor, MOVE_FROM, to, length);
}

ssize_t io_clear(struct io_cursor *cursor, size_t length)
{
	ASSERT(cursor->direction == IO_READ);
	return transfer(cursor, MOVE_CLEAR, NULL, length);
}

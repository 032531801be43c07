/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the data of a read or write goes or comes from: a program's buffer, a program's list of
 * buffers, or kernel memory.
 *
 * A cursor moves forward as data is copied; `remaining` says how much is left.  It belongs to one
 * thread.  Copies to and from user memory may sleep: no spin lock may be held.
 */
#ifndef MM_IOV_H
#define MM_IOV_H

#include "lib/types.h"

enum io_kind { IO_USER, IO_USER_VECTOR, IO_KERNEL };
enum io_direction {
	IO_READ, /* the cursor is a destination: read(2) */
	IO_WRITE /* the cursor is a source: write(2) */
};

/* One buffer of a program's list: struct iovec of the system-call interface. */
struct user_iovec {
	vaddr_t base;
	u64 length;
};

#define IO_INLINE_VECTORS 8
#define IO_MAX_VECTORS    1024
/* No read or write moves more than this at once, as on Linux (MAX_RW_COUNT). */
#define IO_MAX_BYTES ((size_t)0x7ffff000)

struct io_cursor {
	enum io_kind kind;
	enum io_direction direction;
	size_t remaining; /* bytes in all that is left */
	union {
		vaddr_t user; /* IO_USER: next byte */
		void *kernel; /* IO_KERNEL: next byte */
		struct {
			struct user_iovec *vector; /* IO_USER_VECTOR: the current buffer, `offset`
						      bytes of it done */
			size_t offset;
		};
	};
	struct user_iovec
		*allocated; /* freed by io_cursor_release; NULL when `inline_vector` sufficed */
	struct user_iovec inline_vector[IO_INLINE_VECTORS];
};

/* A program's buffer.  -EFAULT when it is not in the user half.  Lengths above IO_MAX_BYTES are cut
 * to it. */
int __must_check io_cursor_init_user(struct io_cursor *cursor, vaddr_t buffer, size_t length,
				     enum io_direction direction);
/*
 * A program's list of `count` buffers at `vector` (readv, writev).  -EINVAL for more than
 * IO_MAX_VECTORS, or a length that is negative as ssize_t; -EFAULT, -ENOMEM.  After success
 * io_cursor_release must follow.
 */
int __must_check io_cursor_init_vector(struct io_cursor *cursor, vaddr_t vector, size_t count,
				       enum io_direction direction);
/* Kernel memory. */
void io_cursor_init_kernel(struct io_cursor *cursor, void *buffer, size_t length,
			   enum io_direction direction);
/* Frees what the cursor allocated; harmless for all kinds, once initialised. */
void io_cursor_release(struct io_cursor *cursor);

/*
 * Copies up to `length` bytes, but not more than remain, from kernel memory to the cursor
 * (io_copy_to) or from the cursor to kernel memory (io_copy_from), and moves the cursor.  Bytes
 * copied, which is less only after a bad user page; -EFAULT when the first byte already was bad; 0
 * when nothing remains.
 */
ssize_t __must_check io_copy_to(struct io_cursor *cursor, const void *from, size_t length);
ssize_t __must_check io_copy_from(struct io_cursor *cursor, void *to, size_t length);
/* Writes zeros: as io_copy_to. */
ssize_t __must_check io_clear(struct io_cursor *cursor, size_t length);

/* The piece of a program's memory that comes next, something of which remains: its address and, in
 * *length, its length.  Not for IO_KERNEL. */
vaddr_t io_cursor_user_piece(struct io_cursor *cursor, size_t *length);
/* Do all pieces of a program's memory begin at multiples of `address`, and are they as long as
 * multiples of `length`?  Powers of two.  Not for IO_KERNEL. */
bool io_cursor_is_aligned(const struct io_cursor *cursor, size_t address, size_t length);

/* Moves the cursor without copying; `length` must not be more than remains. */
void io_cursor_advance(struct io_cursor *cursor, size_t length);
/* Puts it back by what was copied last, at most `length` bytes since initialisation; only for
 * IO_USER and IO_KERNEL. */
void io_cursor_revert(struct io_cursor *cursor, size_t length);
/* Shortens it so that no more than `length` bytes remain. */
void io_cursor_truncate(struct io_cursor *cursor, size_t length);

#endif

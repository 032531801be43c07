/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splice, tee and vmsplice: pages change hands instead of being copied, where they can.
 *
 * A page of a file goes into a pipe as a further reference to the page cache's frame, a page from
 * one pipe to another with its slot, and tee makes both pipes refer to one frame.  Such slots are
 * SLOT_SHARED.  vmsplice pins the program's pages (mm/pin.h), whether they are given as a gift or
 * not.  Who reads the pipe sees what the frame holds then, so a later change of the file, or by the
 * program that called vmsplice, may show; splice(2) allows that.  What other programs write never
 * shows: a pinned page is shared with none.
 *
 * A call moves what it can at once and waits only while that is nothing.  A file may make whoever
 * reads or writes it wait for as long as it likes, so the pipe is not locked meanwhile: the slot is
 * on its way, *held*, and its place kept.  What a file does not take goes back to where it was.  Of
 * two pipes the lock at the lower address is taken first.
 */
#include "ipc/splice.h"

#include "ipc/pipe_internal.h"
#include "mm/pin.h"
#include "proc/signal.h"
#include "proc/task.h"

/* --- Waiting.  The pipe's lock is held, but for the sleep --- */

/* 0, -EAGAIN, -EPIPE, -ERESTARTSYS. */
static int wait_for_room(struct pipe *pipe, u32 flags)
{
	for (;;) {
		if (pipe->readers == 0)
			return pipe_broken();
		if (!pipe_is_full(pipe))
			return 0;
		if (flags & SPLICE_F_NONBLOCK)
			return -EAGAIN;
		mutex_unlock(&pipe->lock);
		int error = wait_event_interruptible(
			&pipe->write_wait, !pipe_is_full(pipe) || READ_ONCE(pipe->readers) == 0);
		mutex_lock(&pipe->lock);
		if (error)
			return error;
	}
}

/* 1, 0 at the end, -EAGAIN, -ERESTARTSYS. */
static int wait_for_bytes(struct pipe *pipe, u32 flags)
{
	for (;;) {
		if (!pipe_is_empty(pipe))
			return 1;
		if (pipe_is_over(pipe))
			return 0;
		if (flags & SPLICE_F_NONBLOCK)
			return -EAGAIN;
		mutex_unlock(&pipe->lock);
		int error = wait_event_interruptible(&pipe->read_wait,
						     !pipe_is_empty(pipe) || pipe_is_over(pipe));
		mutex_lock(&pipe->lock);
		if (error)
			return error;
	}
}

static void tell_readers(struct pipe *pipe)
{
	wake_up_events(&pipe->read_wait, UINT_MAX, PIPE_READABLE);
}

static void tell_writers(struct pipe *pipe)
{
	wake_up_events(&pipe->write_wait, UINT_MAX, PIPE_WRITABLE);
}

static void add_slot(struct pipe *pipe, struct pipe_slot slot)
{
	*pipe_slot(pipe, pipe->head) = slot;
	WRITE_ONCE(pipe->head, pipe->head + 1);
}

/* --- From a file --- */

/* References to the file's pages. */
static ssize_t add_pages(struct file *in, off_t *position, struct pipe *out, size_t length)
{
	off_t size = inode_size(in->inode);
	ssize_t total = 0;

	if (*position < 0)
		return -EINVAL;
	while (length > 0 && *position < size && !pipe_is_full(out)) {
		u32 offset = (u32)*position % PAGE_SIZE;
		struct pipe_slot slot = {.offset = offset, .flags = SLOT_SHARED};
		slot.length = (u32)MIN(MIN((size_t)PAGE_SIZE - offset, length),
				       (size_t)(size - *position));
		int error = in->ops->get_page(in, (u64)*position / PAGE_SIZE, &slot.frame);
		if (error == 0 && slot.frame == 0) {
			slot.frame = frame_alloc_zeroed();
			error = slot.frame != 0 ? 0 : -ENOMEM;
		}
		if (error)
			return total > 0 ? total : error;
		add_slot(out, slot);
		*position += slot.length;
		length -= slot.length;
		total += slot.length;
	}
	return total;
}

/* Reads a page of the file, at most, into a slot, which then is the newest. */
static ssize_t read_slot(struct file *in, off_t *position, struct pipe *out, size_t wanted)
{
	struct pipe_slot slot = {.frame = pipe_take_frame(out)};
	struct io_cursor cursor;

	if (slot.frame == 0)
		return -ENOMEM;
	WRITE_ONCE(out->held, out->held + 1);
	mutex_unlock(&out->lock);
	io_cursor_init_kernel(&cursor, phys_to_virt(slot.frame), wanted, IO_READ);
	ssize_t got = file_read(in, &cursor, position);
	mutex_lock(&out->lock);
	WRITE_ONCE(out->held, out->held - 1);
	if (got > 0) {
		slot.length = (u32)got;
		add_slot(out, slot);
	} else {
		pipe_release_slot(out, &slot);
		tell_writers(out);
	}
	return got;
}

/* What reading the file gives; after a short read, or of a file that may make a reader wait, no
 * further. */
static ssize_t add_read(struct file *in, off_t *position, struct pipe *out, size_t length)
{
	ssize_t total = 0;

	while (length > 0 && !pipe_is_full(out)) {
		size_t wanted = MIN(length, (size_t)PAGE_SIZE);
		ssize_t got = read_slot(in, position, out, wanted);
		if (got <= 0)
			return total > 0 ? total : got;
		total += got;
		length -= (size_t)got;
		if ((size_t)got < wanted || !(in->mode & FILE_SEEK))
			break;
	}
	return total;
}

ssize_t splice_to_pipe(struct file *in, off_t *position, struct pipe *out, size_t length, u32 flags)
{
	mutex_lock(&out->lock);
	ssize_t result = wait_for_room(out, flags);
	if (result == 0)
		result = in->ops->get_page != NULL ? add_pages(in, position, out, length)
						   : add_read(in, position, out, length);
	mutex_unlock(&out->lock);
	if (result > 0)
		tell_readers(out);
	return result;
}

/* --- To a file --- */

static struct pipe_slot take_slot(struct pipe *pipe)
{
	struct pipe_slot slot = *pipe_slot(pipe, pipe->tail);

	WRITE_ONCE(pipe->tail, pipe->tail + 1);
	WRITE_ONCE(pipe->held, pipe->held + 1);
	return slot;
}

static void put_slot_back(struct pipe *pipe, struct pipe_slot slot)
{
	if (slot.length == 0) {
		pipe_release_slot(pipe, &slot);
	} else {
		*pipe_slot(pipe, pipe->tail - 1) = slot;
		WRITE_ONCE(pipe->tail, pipe->tail - 1);
	}
	__atomic_store_n(&pipe->held, pipe->held - 1, __ATOMIC_RELEASE);
	if (slot.length != 0 || pipe->writers == 0)
		tell_readers(pipe);
}

/* The oldest slot's bytes, at most `length`. */
static ssize_t write_slot(struct pipe *in, struct file *out, off_t *position, size_t length)
{
	struct pipe_slot slot = take_slot(in);
	struct io_cursor cursor;

	mutex_unlock(&in->lock);
	io_cursor_init_kernel(&cursor, (char *)phys_to_virt(slot.frame) + slot.offset,
			      MIN(length, (size_t)slot.length), IO_WRITE);
	ssize_t put = file_write(out, &cursor, position);
	mutex_lock(&in->lock);
	if (put > 0) {
		slot.offset += (u32)put;
		slot.length -= (u32)put;
	}
	put_slot_back(in, slot);
	return put;
}

ssize_t splice_from_pipe(struct pipe *in, struct file *out, off_t *position, size_t length,
			 u32 flags)
{
	size_t total = 0;

	mutex_lock(&in->lock);
	ssize_t result = wait_for_bytes(in, flags);
	while (result > 0 && total < length && !pipe_is_empty(in)) {
		result = write_slot(in, out, position, length - total);
		if (result > 0)
			total += (size_t)result;
		if (signal_pending(current))
			break;
	}
	mutex_unlock(&in->lock);
	if (total > 0)
		tell_writers(in);
	return total > 0 ? (ssize_t)total : result;
}

/* --- Between pipes --- */

static void lock_both(struct pipe *first, struct pipe *second)
{
	mutex_lock(first < second ? &first->lock : &second->lock);
	mutex_lock_nested(first < second ? &second->lock : &first->lock, 1);
}

static void unlock_both(struct pipe *first, struct pipe *second)
{
	mutex_unlock(&first->lock);
	mutex_unlock(&second->lock);
}

/* The slots from `tail` on, as far as they and `length` and the room go. */
static ssize_t copy_slots(struct pipe *in, struct pipe *out, size_t length)
{
	ssize_t total = 0;

	for (u32 at = in->tail; at != in->head && length > 0 && !pipe_is_full(out); at++) {
		struct pipe_slot *from = pipe_slot(in, at);
		from->flags |= SLOT_SHARED;
		struct pipe_slot copy = *from;
		copy.flags &= ~(u32)SLOT_PINNED;
		copy.length = (u32)MIN((size_t)from->length, length);
		frame_get(copy.frame);
		add_slot(out, copy);
		total += copy.length;
		length -= copy.length;
	}
	return total;
}

static ssize_t move_slots(struct pipe *in, struct pipe *out, size_t length)
{
	ssize_t total = 0;

	while (!pipe_is_empty(in) && length > 0 && !pipe_is_full(out)) {
		struct pipe_slot *from = pipe_slot(in, in->tail);
		if (from->length > length) {
			total += copy_slots(in, out, length);
			from->offset += (u32)length;
			from->length -= (u32)length;
			break;
		}
		add_slot(out, *from);
		total += from->length;
		length -= from->length;
		WRITE_ONCE(in->tail, in->tail + 1);
	}
	return total;
}

/* 0 when both pipes were ready a moment ago; 1 at the end of the data; negative errno. */
static int wait_for_both(struct pipe *in, struct pipe *out, u32 flags)
{
	mutex_lock(&in->lock);
	int result = wait_for_bytes(in, flags);
	mutex_unlock(&in->lock);
	if (result <= 0)
		return result == 0 ? 1 : result;
	mutex_lock(&out->lock);
	result = wait_for_room(out, flags);
	mutex_unlock(&out->lock);
	return result;
}

ssize_t splice_pipes(struct pipe *in, struct pipe *out, size_t length, u32 flags, bool keep)
{
	ssize_t moved = 0;

	while (moved == 0) {
		int result = wait_for_both(in, out, flags);
		if (result != 0)
			return result > 0 ? 0 : result;
		lock_both(in, out);
		if (out->readers == 0)
			moved = pipe_broken();
		else
			moved = keep ? copy_slots(in, out, length) : move_slots(in, out, length);
		unlock_both(in, out);
	}
	if (moved > 0)
		tell_readers(out);
	if (moved > 0 && !keep)
		tell_writers(in);
	return moved;
}

/* --- Programs' memory --- */

/* The next bytes of the program's memory that lie in one page. */
static ssize_t add_pinned(struct pipe *pipe, struct io_cursor *cursor)
{
	size_t length;
	vaddr_t at = io_cursor_user_piece(cursor, &length);
	struct pipe_slot slot = {.offset = at % PAGE_SIZE, .flags = SLOT_SHARED | SLOT_PINNED};
	ssize_t result = vmm_pin(current->space, at, 1, false, &slot.frame);

	if (result < 0)
		return result;
	slot.length = (u32)MIN(length, (size_t)PAGE_SIZE - slot.offset);
	add_slot(pipe, slot);
	io_cursor_advance(cursor, slot.length);
	return slot.length;
}

ssize_t splice_user_to_pipe(struct io_cursor *cursor, struct pipe *out, u32 flags)
{
	ssize_t total = 0;

	if (cursor->remaining == 0)
		return 0;
	mutex_lock(&out->lock);
	ssize_t result = wait_for_room(out, flags);
	while (result >= 0 && cursor->remaining > 0 && !pipe_is_full(out)) {
		result = add_pinned(out, cursor);
		if (result > 0)
			total += result;
	}
	mutex_unlock(&out->lock);
	if (total > 0)
		tell_readers(out);
	return total > 0 ? total : result;
}

ssize_t splice_pipe_to_user(struct pipe *in, struct io_cursor *cursor, u32 flags)
{
	if (cursor->remaining == 0)
		return 0;
	mutex_lock(&in->lock);
	ssize_t result = wait_for_bytes(in, flags);
	if (result > 0)
		result = pipe_take(in, cursor);
	mutex_unlock(&in->lock);
	if (result > 0)
		tell_writers(in);
	return result;
}

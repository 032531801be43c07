/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio archives that come in pieces: a state machine over header, name, data and padding.
 */
#include "lib/cpio.h"
#include "lib/errno.h"
#include "lib/string.h"

static void enter(struct cpio_stream *stream, enum cpio_state state, u64 size)
{
	stream->state = state;
	stream->remaining = size;
}

static void enter_header(struct cpio_stream *stream)
{
	stream->start = stream->offset;
	stream->filled = 0;
	enter(stream, CPIO_HEADER, CPIO_HEADER_SIZE);
}

/* Skips to a multiple of 4 from the entry's start, and goes on with @state. */
static void enter_padding(struct cpio_stream *stream, enum cpio_state state)
{
	stream->after_padding = state;
	enter(stream, CPIO_PADDING, -(stream->offset - stream->start) % 4);
}

void cpio_stream_init(struct cpio_stream *stream, const struct cpio_ops *ops, void *context)
{
	stream->ops = ops;
	stream->context = context;
	stream->error = (struct cpio_error){0};
	stream->offset = 0;
	enter_header(stream);
}

static int fail(struct cpio_stream *stream, const char *text)
{
	stream->error = (struct cpio_error){text, stream->start};
	return -EINVAL;
}

static int header_complete(struct cpio_stream *stream)
{
	const char *trouble = cpio_decode_header((const u8 *)stream->text, &stream->entry);

	if (trouble)
		return fail(stream, trouble);
	stream->filled = 0;
	enter(stream, CPIO_NAME, stream->entry.name_length + 1);
	return 0;
}

static int name_complete(struct cpio_stream *stream)
{
	const char *trouble = cpio_check_name(stream->text, stream->entry.name_length);

	if (trouble)
		return fail(stream, trouble);
	stream->entry.name = stream->text;
	if (cpio_is_trailer(stream->text)) {
		enter_padding(stream, CPIO_END);
		return 0;
	}
	enter_padding(stream, CPIO_DATA);
	return stream->ops->entry(stream->context, &stream->entry);
}

static int padding_complete(struct cpio_stream *stream)
{
	if (stream->after_padding == CPIO_HEADER)
		enter_header(stream);
	else
		enter(stream, stream->after_padding,
		      stream->after_padding == CPIO_DATA ? stream->entry.size : 0);
	return 0;
}

/* All bytes of the present state are there: goes to the next. */
static int complete(struct cpio_stream *stream)
{
	switch (stream->state) {
	case CPIO_HEADER:
		return header_complete(stream);
	case CPIO_NAME:
		return name_complete(stream);
	case CPIO_DATA:
		enter_padding(stream, CPIO_HEADER);
		return stream->ops->finish(stream->context);
	case CPIO_PADDING:
		return padding_complete(stream);
	case CPIO_END:
		break;
	}
	return 0;
}

/* Takes @size bytes, no more than the state still wants. */
static int take(struct cpio_stream *stream, const u8 *bytes, size_t size)
{
	switch (stream->state) {
	case CPIO_HEADER:
	case CPIO_NAME:
		memcpy(stream->text + stream->filled, bytes, size);
		stream->filled += size;
		return 0;
	case CPIO_DATA:
		return stream->ops->data(stream->context, bytes, size);
	case CPIO_PADDING:
	case CPIO_END:
		break;
	}
	return 0;
}

int cpio_stream_feed(struct cpio_stream *stream, const u8 *bytes, size_t size, size_t *taken)
{
	size_t done = 0;
	int error = stream->error.text ? -EINVAL : 0;

	while (!error && stream->state != CPIO_END && (done < size || stream->remaining == 0)) {
		size_t count = MIN(stream->remaining, (u64)(size - done));

		if (count) {
			error = take(stream, bytes + done, count);
			done += count;
			stream->offset += count;
			stream->remaining -= count;
		}
		if (!error && stream->remaining == 0)
			error = complete(stream);
	}
	*taken = done;
	return error;
}

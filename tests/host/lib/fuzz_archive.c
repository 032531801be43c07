/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the archive readers: the one for whole archives and the stream must agree on every input,
 * and the reader of initramfs images must survive it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/initramfs.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* What a reader has told: a running hash of names and data. */
struct story {
	u64 hash;
	u64 entries;
	u64 left; /* data bytes that the entry still owes */
};

static const struct hash_key key = {{1, 2}};

static void tell(struct story *story, const void *bytes, size_t size)
{
	const u8 *at = bytes;

	while (size--)
		story->hash = hash_u64(story->hash ^ *at++);
}

static int tell_entry(void *context, const struct cpio_entry *entry)
{
	struct story *story = context;

	if (strlen(entry->name) != entry->name_length || entry->name_length == 0)
		abort();
	story->hash ^= hash_bytes(&key, entry->name, entry->name_length) + entry->mode;
	story->entries++;
	story->left = entry->size;
	return 0;
}

static int tell_data(void *context, const u8 *bytes, size_t size)
{
	struct story *story = context;

	if (size == 0 || size > story->left)
		abort();
	story->left -= size;
	tell(story, bytes, size);
	return 0;
}

static int tell_finish(void *context)
{
	struct story *story = context;

	if (story->left)
		abort();
	return 0;
}

static const struct cpio_ops ops = {tell_entry, tell_data, tell_finish};

static struct cpio_stream stream;
static struct initramfs_reader reader;

static int read_whole(struct story *story, const u8 *data, size_t size)
{
	struct cpio_reader whole;
	struct cpio_entry entry;
	int result;

	cpio_open(&whole, data, size);
	while ((result = cpio_next(&whole, &entry)) > 0) {
		tell_entry(story, &entry);
		if (entry.size)
			tell_data(story, entry.data, entry.size);
		tell_finish(story);
	}
	if ((result < 0) != (whole.error.text != NULL) || whole.offset > size)
		abort();
	return result;
}

static int read_pieces(struct story *story, const u8 *data, size_t size, size_t piece)
{
	int error = 0;

	cpio_stream_init(&stream, &ops, story);
	while (!error && size && stream.state != CPIO_END) {
		size_t taken;

		error = cpio_stream_feed(&stream, data, size < piece ? size : piece, &taken);
		data += taken;
		size -= taken;
	}
	return error;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct story whole = {0}, pieces = {0}, image = {0};
	int result = read_whole(&whole, data, size);
	int error = read_pieces(&pieces, data, size, size ? data[size - 1] % 61 + 1 : 1);

	/* A good archive is good for both, and means the same; the trailer's padding may be
	 * missing. */
	if (result == 0 && (error || whole.hash != pieces.hash || whole.entries != pieces.entries))
		abort();
	if (stream.state == CPIO_END && result != 0)
		abort();
	error = initramfs_read(&reader, data, size, &ops, &image);
	if ((error != 0) != (reader.error != NULL))
		abort();
	return 0;
}

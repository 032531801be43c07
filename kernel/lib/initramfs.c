/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading an initramfs image.  What is plain in the image and what comes out of gzip take the same
 * way, through take_unpacked: zeros between archives are skipped, everything else must be an
 * archive.
 */
#include "lib/errno.h"
#include "lib/initramfs.h"
#include "lib/string.h"

static int fail(struct initramfs_reader *reader, const char *text, u64 offset, bool unpacked)
{
	reader->error = text;
	reader->error_offset = offset;
	reader->error_unpacked = unpacked;
	return -EINVAL;
}

/* Starts an archive unless one is being read; takes bytes up to its end. */
static int take_archive(struct initramfs_reader *reader, const u8 *bytes, size_t size,
			size_t *taken)
{
	int error;

	if (!reader->in_archive)
		cpio_stream_init(&reader->archive, reader->ops, reader->context);
	reader->in_archive = true;
	error = cpio_stream_feed(&reader->archive, bytes, size, taken);
	if (reader->archive.state == CPIO_END)
		reader->in_archive = false;
	return error;
}

static size_t count_zeros(const u8 *bytes, size_t size)
{
	size_t count = 0;

	while (count < size && bytes[count] == 0)
		count++;
	return count;
}

/* The next bytes out of a gzip member. */
static int take_unpacked(void *context, const u8 *bytes, size_t size)
{
	struct initramfs_reader *reader = context;

	while (size) {
		size_t taken = reader->in_archive ? 0 : count_zeros(bytes, size);
		int error = 0;

		if (!taken)
			error = take_archive(reader, bytes, size, &taken);
		if (error && reader->archive.error.text)
			fail(reader, reader->archive.error.text, reader->inflate.written - size,
			     true);
		if (error)
			return error;
		bytes += taken;
		size -= taken;
	}
	return 0;
}

static int read_gzip(struct initramfs_reader *reader, const u8 *bytes, size_t size, size_t *taken)
{
	int error;

	inflate_init(&reader->inflate, take_unpacked, reader);
	error = inflate_gzip(&reader->inflate, bytes, size, taken);
	if (error && reader->inflate.error)
		fail(reader, reader->inflate.error,
		     reader->image_offset + reader->inflate.error_offset, false);
	if (!error && reader->in_archive)
		error = fail(reader, "the archive ends before its trailer", reader->inflate.written,
			     true);
	return error;
}

static int read_plain(struct initramfs_reader *reader, const u8 *bytes, size_t size, size_t *taken)
{
	int error = take_archive(reader, bytes, size, taken);

	if (error && reader->archive.error.text)
		fail(reader, reader->archive.error.text,
		     reader->image_offset + reader->archive.error.offset, false);
	if (!error && reader->in_archive)
		error = fail(reader, "the archive ends before its trailer",
			     reader->image_offset + reader->archive.start, false);
	return error;
}

/* What to say of an image that is neither cpio nor gzip. */
static const char *describe_unknown(const u8 *bytes, size_t size)
{
	static const struct {
		const char *magic, *text;
	} formats[] = {
		{"\xfd"
		 "7zXZ",
		 "compressed with xz, which is not supported (gzip is)"},
		{"\x28\xb5\x2f\xfd", "compressed with zstd, which is not supported (gzip is)"},
		{"\x02\x21\x4c\x18", "compressed with lz4, which is not supported (gzip is)"},
		{"\x89LZO", "compressed with lzo, which is not supported (gzip is)"},
		{"BZh", "compressed with bzip2, which is not supported (gzip is)"},
		{"\x5d", "compressed with lzma, which is not supported (gzip is)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		size_t length = strlen(formats[i].magic);

		if (size >= length && memcmp(bytes, formats[i].magic, length) == 0)
			return formats[i].text;
	}
	return "neither a cpio archive (newc) nor gzip";
}

int initramfs_read(struct initramfs_reader *reader, const void *image, size_t size,
		   const struct cpio_ops *ops, void *context)
{
	const u8 *start = image;
	int error = 0;

	reader->ops = ops;
	reader->context = context;
	reader->in_archive = false;
	reader->error = NULL;
	reader->image_offset = 0;
	while (!error) {
		const u8 *bytes = start + reader->image_offset;
		size_t left = size - reader->image_offset;
		size_t taken = count_zeros(bytes, left);

		if (taken == left)
			break;
		if (taken == 0 && inflate_is_gzip(bytes, left))
			error = read_gzip(reader, bytes, left, &taken);
		else if (taken == 0 && bytes[0] == '0')
			error = read_plain(reader, bytes, left, &taken);
		else if (taken == 0)
			error = fail(reader, describe_unknown(bytes, left), reader->image_offset,
				     false);
		reader->image_offset += taken;
	}
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Archives of cpio's "newc" format, as an initramfs holds them.
 *
 *	header   110 characters: "070701" (or "070702", with a checksum) and 13 numbers of 8
 *	         hexadecimal digits
 *	name     with its terminator; zeros up to a multiple of 4 from the header's start
 *	data     zeros up to a multiple of 4
 *
 * and so on, until an entry called "TRAILER!!!", which has no data.  Nothing in an archive is
 * trusted: each length is checked against what is there before it is used.
 *
 * Two ways to read: cpio_next() walks an archive in memory; struct cpio_stream takes an archive in
 * pieces as they come out of a decompressor.  lib/initramfs.h puts it all together.
 */
#ifndef LIB_CPIO_H
#define LIB_CPIO_H

#include "lib/types.h"

enum {
	CPIO_HEADER_SIZE = 110,
	CPIO_NAME_MAX = 4096, /* with the terminator */
};

struct cpio_entry {
	const char *name; /* terminated, not empty; path as the archive has it */
	size_t name_length;
	const u8 *data;   /* cpio_next only: @size bytes in the archive */
	u64 size;         /* of the data; of a symbolic link, the length of its target */
	u32 inode, links; /* entries of equal inode, device and links > 1 are one file; its data
			     comes with the last */
	u32 mode;         /* type and permissions as in stat(2) */
	u32 user, group;
	u32 mtime;                        /* seconds since 1970 */
	u32 device_major, device_minor;   /* of the file system it was on */
	u32 special_major, special_minor; /* of a device node */
};

/* What is wrong, and where. */
struct cpio_error {
	const char *text; /* NULL: nothing */
	u64 offset;       /* of the entry's header (or of the byte) in the archive */
};

struct cpio_reader {
	const u8 *archive;
	size_t size;
	size_t offset; /* of the next header; after the trailer, of the byte that follows it */
	struct cpio_error error;
};

static inline void cpio_open(struct cpio_reader *reader, const void *archive, size_t size)
{
	*reader = (struct cpio_reader){.archive = archive, .size = size};
}

/*
 * Reads the next entry; its name and data point into the archive.  Returns 1, 0 at the trailer, or
 * -EINVAL with reader->error set (and again at each further call).
 */
int cpio_next(struct cpio_reader *reader, struct cpio_entry *entry);

/* Called by a stream; each returns 0, or a negative errno that ends the reading and is handed
 * through. */
struct cpio_ops {
	/* An entry starts; entry->data is NULL, and entry and name are good during the call only.
	 */
	int (*entry)(void *context, const struct cpio_entry *entry);
	/* The next bytes of the entry's data, entry->size in all. */
	int (*data)(void *context, const u8 *bytes, size_t size);
	/* All of the entry's data has come. */
	int (*finish)(void *context);
};

enum cpio_state { CPIO_HEADER, CPIO_NAME, CPIO_DATA, CPIO_PADDING, CPIO_END };

struct cpio_stream {
	const struct cpio_ops *ops;
	void *context;
	struct cpio_error error;
	enum cpio_state state;
	enum cpio_state after_padding;
	struct cpio_entry entry;
	u64 offset;               /* bytes taken so far */
	u64 start;                /* of the entry's header */
	u64 remaining;            /* bytes of this state still to come */
	size_t filled;            /* bytes of text gathered so far */
	char text[CPIO_NAME_MAX]; /* the header, then the name */
};

void cpio_stream_init(struct cpio_stream *stream, const struct cpio_ops *ops, void *context);

/*
 * Takes @size more bytes, up to the end of the archive: *@taken says how many (all, unless the
 * trailer came).  Returns 0, -EINVAL with stream->error set, or what an operation returned.  The
 * state is CPIO_END after the trailer.
 */
int cpio_stream_feed(struct cpio_stream *stream, const u8 *bytes, size_t size, size_t *taken);

/* For the two readers: decodes and checks a header; the entry's name and data are left unset. */
const char *cpio_decode_header(const u8 header[CPIO_HEADER_SIZE], struct cpio_entry *entry);

/* For the two readers: checks a name of @length bytes and a terminator. */
const char *cpio_check_name(const char *name, size_t length);

/* For the two readers: is this the name of the entry that ends an archive? */
bool cpio_is_trailer(const char *name);

#endif

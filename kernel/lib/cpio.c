/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio headers, and archives in memory.
 */
#include "lib/cpio.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { MAGIC_SIZE = 6, FIELD_SIZE = 8 };

enum field {
	INODE,
	MODE,
	USER,
	GROUP,
	LINKS,
	MTIME,
	SIZE,
	DEVICE_MAJOR,
	DEVICE_MINOR,
	SPECIAL_MAJOR,
	SPECIAL_MINOR,
	NAME_SIZE,
	CHECKSUM,
	FIELDS,
};

_Static_assert(MAGIC_SIZE + FIELDS * FIELD_SIZE == CPIO_HEADER_SIZE, "the newc header");

static bool read_field(const u8 *digits, u32 *value)
{
	*value = 0;
	for (int i = 0; i < FIELD_SIZE; i++) {
		u8 c = digits[i];
		u32 digit;

		if (c >= '0' && c <= '9')
			digit = c - (u32)'0';
		else if (c >= 'a' && c <= 'f')
			digit = c - (u32)'a' + 10;
		else if (c >= 'A' && c <= 'F')
			digit = c - (u32)'A' + 10;
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

const char *cpio_decode_header(const u8 header[CPIO_HEADER_SIZE], struct cpio_entry *entry)
{
	u32 fields[FIELDS];

	if (memcmp(header, "07070", 5) != 0 || (header[5] != '1' && header[5] != '2'))
		return "no cpio header (newc) where one must be";
	for (int i = 0; i < FIELDS; i++)
		if (!read_field(header + MAGIC_SIZE + i * FIELD_SIZE, &fields[i]))
			return "a digit in the cpio header is not hexadecimal";
	if (fields[NAME_SIZE] < 2)
		return "an entry without a name";
	if (fields[NAME_SIZE] > CPIO_NAME_MAX)
		return "a name longer than 4095 bytes";
	*entry = (struct cpio_entry){
		.name_length = fields[NAME_SIZE] - 1,
		.size = fields[SIZE],
		.inode = fields[INODE],
		.links = fields[LINKS],
		.mode = fields[MODE],
		.user = fields[USER],
		.group = fields[GROUP],
		.mtime = fields[MTIME],
		.device_major = fields[DEVICE_MAJOR],
		.device_minor = fields[DEVICE_MINOR],
		.special_major = fields[SPECIAL_MAJOR],
		.special_minor = fields[SPECIAL_MINOR],
	};
	return NULL;
}

const char *cpio_check_name(const char *name, size_t length)
{
	if (name[length] != '\0')
		return "a name without a terminator";
	if (strlen(name) != length)
		return "a name that ends before its length";
	return NULL;
}

bool cpio_is_trailer(const char *name)
{
	return strcmp(name, "TRAILER!!!") == 0;
}

static int fail(struct cpio_reader *reader, const char *text)
{
	reader->error = (struct cpio_error){text, reader->offset};
	return -EINVAL;
}

int cpio_next(struct cpio_reader *reader, struct cpio_entry *entry)
{
	const u8 *header = reader->archive + reader->offset;
	size_t left = reader->size - reader->offset;
	size_t data_start;
	const char *trouble;

	if (reader->error.text)
		return -EINVAL;
	if (left < CPIO_HEADER_SIZE)
		return fail(reader, "the archive ends within a header");
	trouble = cpio_decode_header(header, entry);
	if (trouble)
		return fail(reader, trouble);
	data_start = ALIGN_UP(CPIO_HEADER_SIZE + entry->name_length + 1, 4);
	if (left < data_start)
		return fail(reader, "the archive ends within a name");
	entry->name = (const char *)header + CPIO_HEADER_SIZE;
	trouble = cpio_check_name(entry->name, entry->name_length);
	if (trouble)
		return fail(reader, trouble);
	if (cpio_is_trailer(entry->name)) {
		reader->offset += data_start;
		return 0;
	}
	if (left - data_start < entry->size)
		return fail(reader, "the archive ends within a file");
	entry->data = header + data_start;
	reader->offset += MIN(ALIGN_UP(data_start + entry->size, 4), left);
	return 1;
}

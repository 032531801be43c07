/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory devices, major 1: null, zero, full, random, urandom and kmsg (null(4), full(4),
 * random(4)).
 *
 * They keep no state but kmsg's readers, each of which has a place in the log and a lock that
 * guards it.
 */
#include "arch/clock.h"
#include "fs/device.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/random.h"
#include "proc/task.h"

enum {
	MEMORY_MAJOR = 1,
	RANDOM_CHUNK = 256,
	KMSG_LINE = LOG_TEXT_MAX + 64,
};

#define KMSG_PERIOD (100 * NSEC_PER_MSEC)

/* ioctl(2) of the random devices. */
enum { RNDGETENTCNT = 0x80045200, ENTROPY_BITS = 256 };

static ssize_t read_end(struct file *file __unused, struct io_cursor *cursor __unused,
			off_t *position __unused)
{
	return 0;
}

static ssize_t write_nothing(struct file *file __unused, struct io_cursor *cursor,
			     off_t *position __unused)
{
	size_t count = cursor->remaining;

	io_cursor_advance(cursor, count);
	return (ssize_t)count;
}

static ssize_t write_no_space(struct file *file __unused, struct io_cursor *cursor __unused,
			      off_t *position __unused)
{
	return -ENOSPC;
}

static ssize_t read_zeros(struct file *file __unused, struct io_cursor *cursor,
			  off_t *position __unused)
{
	size_t total = 0;

	while (cursor->remaining > 0) {
		ssize_t done = io_clear(cursor, MIN(cursor->remaining, (size_t)64 * KIB));

		if (done <= 0)
			return total ? (ssize_t)total : done;
		total += (size_t)done;
		if (task_signal_pending(current))
			return (ssize_t)total;
	}
	return (ssize_t)total;
}

static ssize_t read_random(struct file *file __unused, struct io_cursor *cursor,
			   off_t *position __unused)
{
	u8 bytes[RANDOM_CHUNK];
	size_t total = 0;
	ssize_t done = 0;

	while (cursor->remaining > 0) {
		random_bytes(bytes, MIN(cursor->remaining, sizeof(bytes)));
		done = io_copy_to(cursor, bytes, sizeof(bytes));
		if (done <= 0)
			break;
		total += (size_t)done;
		if (task_signal_pending(current))
			break;
	}
	memset(bytes, 0, sizeof(bytes));
	return total ? (ssize_t)total : done;
}

/* What is written is mixed in, and counts for nothing. */
static ssize_t write_random(struct file *file __unused, struct io_cursor *cursor,
			    off_t *position __unused)
{
	u8 bytes[RANDOM_CHUNK];
	size_t total = 0;
	ssize_t done = 0;

	while (cursor->remaining > 0) {
		done = io_copy_from(cursor, bytes, sizeof(bytes));
		if (done <= 0)
			break;
		random_mix(bytes, (size_t)done);
		total += (size_t)done;
	}
	return total ? (ssize_t)total : done;
}

static long random_ioctl(struct file *file __unused, unsigned command, vaddr_t argument)
{
	int bits = ENTROPY_BITS;

	return command == RNDGETENTCNT ? put_user(bits, argument) : -EINVAL;
}

/* Mapping /dev/zero is asking for anonymous memory. */
static int map_zero(struct file *file __unused, unsigned prot __unused, unsigned flags __unused,
		    struct backing **result)
{
	*result = NULL;
	return 0;
}

/* These devices have a position that means nothing. */
static off_t seek_nowhere(struct file *file, off_t offset __unused, int whence __unused)
{
	file->position = 0;
	return 0;
}

static int sync_nothing(struct file *file __unused, off_t start __unused, off_t end __unused,
			bool data_only __unused)
{
	return -EINVAL;
}

/* --- /dev/kmsg --- */

struct kmsg_reader {
	mutex_t lock; /* guards the rest */
	struct log_cursor cursor;
	struct log_record record;
	char line[KMSG_LINE];
};

static int kmsg_open(struct inode *inode __unused, struct file *file)
{
	struct kmsg_reader *reader = NULL;

	if (file->mode & FILE_READ) {
		reader = kzalloc(sizeof(*reader));
		if (!reader)
			return -ENOMEM;
		mutex_init(&reader->lock);
		log_seek_first(&reader->cursor);
	}
	file->private = reader;
	return 0;
}

static void kmsg_release(struct file *file)
{
	kfree(file->private);
}

/* One record: "level,sequence,microseconds,-;text". */
static ssize_t kmsg_read_locked(struct kmsg_reader *reader, struct io_cursor *cursor)
{
	struct log_cursor before = reader->cursor;
	struct log_record *record = &reader->record;
	size_t length;
	int got = log_read(&reader->cursor, record);

	if (got <= 0)
		return got == 0 ? -EAGAIN : got;
	length = ksnprintf(reader->line, sizeof(reader->line), "%d,%lu,%lu,-;%s\n",
			   (int)record->level, (unsigned long)record->sequence,
			   (unsigned long)(record->time / NSEC_PER_USEC), record->text);
	if (cursor->remaining < length) {
		reader->cursor = before;
		return -EINVAL;
	}
	return io_copy_to(cursor, reader->line, length);
}

/*
 * Waits for a record after `seen`.  Records come from contexts that may not wake anybody, so this
 * looks from time to time.
 */
static int kmsg_wait(u64 seen)
{
	wait_queue_t nobody = WAIT_QUEUE_INIT(nobody);
	int result;

	do {
		nsec_t deadline = clock_monotonic() + KMSG_PERIOD;

		result = wait_event_timeout(&nobody, log_next_sequence() > seen, deadline,
					    WAIT_INTERRUPTIBLE);
	} while (result == -ETIMEDOUT);
	return result;
}

static ssize_t kmsg_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct kmsg_reader *reader = file->private;
	ssize_t result;

	for (;;) {
		u64 next;

		mutex_lock(&reader->lock);
		result = kmsg_read_locked(reader, cursor);
		next = reader->cursor.sequence;
		mutex_unlock(&reader->lock);
		if (result != -EAGAIN || file->flags & O_NONBLOCK)
			return result;
		result = kmsg_wait(next);
		if (result)
			return result;
	}
}

static ssize_t kmsg_write(struct file *file __unused, struct io_cursor *cursor,
			  off_t *position __unused)
{
	char text[LOG_TEXT_MAX];
	size_t count = cursor->remaining;
	const char *start = text;
	enum log_level level = LOG_NOTICE;
	ssize_t done = io_copy_from(cursor, text, sizeof(text) - 1);

	if (done < 0)
		return done;
	text[done] = '\0';
	/* "<6>text": the level is the program's wish. */
	if (text[0] == '<' && text[1] >= '0' && text[1] <= '7' && text[2] == '>') {
		level = (enum log_level)(text[1] - '0');
		start = text + 3;
	}
	log_write(level, "%s", start);
	return (ssize_t)count;
}

static off_t kmsg_seek(struct file *file, off_t offset, int whence)
{
	struct kmsg_reader *reader = file->private;

	if (!reader)
		return -EBADF;
	if (offset != 0)
		return -ESPIPE;
	if (whence != SEEK_SET && whence != SEEK_END)
		return -EINVAL;
	mutex_lock(&reader->lock);
	if (whence == SEEK_SET)
		log_seek_first(&reader->cursor);
	else
		log_seek_end(&reader->cursor);
	mutex_unlock(&reader->lock);
	return 0;
}

static const struct file_operations null_ops = {
	.read = read_end,
	.write = write_nothing,
	.seek = seek_nowhere,
	.fsync = sync_nothing,
};
static const struct file_operations zero_ops = {
	.read = read_zeros,
	.write = write_nothing,
	.seek = seek_nowhere,
	.mmap = map_zero,
	.fsync = sync_nothing,
};
static const struct file_operations full_ops = {
	.read = read_zeros,
	.write = write_no_space,
	.seek = seek_nowhere,
	.fsync = sync_nothing,
};
static const struct file_operations random_ops = {
	.read = read_random,
	.write = write_random,
	.seek = seek_nowhere,
	.ioctl = random_ioctl,
	.fsync = sync_nothing,
};
static const struct file_operations kmsg_ops = {
	.open = kmsg_open,
	.release = kmsg_release,
	.read = kmsg_read,
	.write = kmsg_write,
	.seek = kmsg_seek,
};

void memory_devices_init(void)
{
	static const struct {
		u32 minor;
		const char *name;
		mode_t mode;
		const struct file_operations *ops;
	} devices[] = {
		{3, "null", 0666, &null_ops},      {5, "zero", 0666, &zero_ops},
		{7, "full", 0666, &full_ops},      {8, "random", 0666, &random_ops},
		{9, "urandom", 0666, &random_ops}, {11, "kmsg", 0644, &kmsg_ops},
	};
	int error = 0;

	device_directory_mount();
	for (size_t i = 0; i < ARRAY_SIZE(devices) && !error; i++)
		error = device_register_char(MEMORY_MAJOR, devices[i].minor, 1, devices[i].name,
					     devices[i].mode, devices[i].ops);
	if (error)
		log_warn("not all memory devices could be registered: error %d", -error);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk that loses power: see journal_disk.h. */
#include "journal_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/string.h"

enum { SECTOR = 512, SUPER_OFFSET = 1024, SUPER_SIZE = 1024 };

u64 roll(u64 *seed)
{
	u64 value = *seed += 0x9e3779b97f4a7c15;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

/* --- What the volume calls --- */

static int read_bytes(void *context, u64 position, void *buffer, size_t size)
{
	struct disk *disk = context;

	if (position > disk->size || size > disk->size - position)
		abort();
	memcpy(buffer, disk->bytes + position, size);
	return 0;
}

static void complain(void *context, const char *why, u64 number)
{
	struct disk *disk = context;

	(void)why, (void)number;
	disk->complaints++;
}

const struct ext4_volume_ops disk_volume_ops = {
	.read = read_bytes, .allocate = malloc, .release = free, .complain = complain};

/* The lock is held. */
static int next_request(struct disk *disk)
{
	size_t number = disk->requests++;

	return number >= disk->fail_from && number - disk->fail_from < disk->fail_count ? -EIO : 0;
}

void disk_record(struct disk *disk, struct disk_event event)
{
	if (disk->count == disk->room) {
		disk->room = disk->room ? 2 * disk->room : 1024;
		disk->events = realloc(disk->events, disk->room * sizeof(*disk->events));
	}
	disk->events[disk->count++] = event;
}

static void write_one(struct disk *disk, u64 block, const void *data, bool fua)
{
	u8 *copy = malloc(disk->block_size);

	memcpy(copy, data, disk->block_size);
	memcpy(disk->bytes + block * disk->block_size, data, disk->block_size);
	disk_record(disk, (struct disk_event){.fua = fua, .block = block, .data = copy});
}

/* What is under way to the disk must not change. */
static void check_unchanged(const struct disk *disk, const struct ext4_transfer *transfers,
			    u32 count, const struct disk_event *events)
{
	for (u32 i = 0; i < count; i++)
		if (memcmp(transfers[i].data, events[i].data, disk->block_size) != 0)
			abort();
}

static int transfer(void *context, const struct ext4_transfer *transfers, u32 count, u32 flags)
{
	struct disk *disk = context;
	size_t first;
	int error;

	pthread_mutex_lock(&disk->lock);
	error = next_request(disk);
	if (!error && flags & EXT4_PREFLUSH)
		disk_record(disk, (struct disk_event){.flush = true});
	first = disk->count;
	for (u32 i = 0; i < count && !error; i++) {
		if ((transfers[i].block + 1) * disk->block_size > disk->size)
			abort();
		if (flags & EXT4_WRITE)
			write_one(disk, transfers[i].block, transfers[i].data, flags & EXT4_FUA);
		else
			memcpy(transfers[i].data,
			       disk->bytes + transfers[i].block * disk->block_size,
			       disk->block_size);
	}
	pthread_mutex_unlock(&disk->lock);
	if (!error && disk->slow && flags & EXT4_WRITE) {
		usleep(transfers[0].block * 7919 % 300);
		pthread_mutex_lock(&disk->lock);
		check_unchanged(disk, transfers, count, disk->events + first);
		pthread_mutex_unlock(&disk->lock);
	}
	return error;
}

static int flush(void *context)
{
	struct disk *disk = context;
	int error;

	pthread_mutex_lock(&disk->lock);
	error = next_request(disk);
	if (!error)
		disk_record(disk, (struct disk_event){.flush = true});
	pthread_mutex_unlock(&disk->lock);
	return error;
}

static void **handle_slot(void)
{
	static _Thread_local void *slot;

	return &slot;
}

static u64 now(u32 *nanoseconds)
{
	*nanoseconds = 5;
	return 1700000000;
}

const struct ext4_journal_ops disk_journal_ops = {
	.transfer = transfer, .flush = flush, .handle_slot = handle_slot, .now = now};

int disk_write(struct disk *disk, u64 block, const u8 *data)
{
	struct ext4_transfer one = {block, (void *)data};

	return transfer(disk, &one, 1, EXT4_WRITE);
}

/* --- Its life --- */

void disk_make(struct disk *disk, const u8 *bytes, size_t size)
{
	const struct ext4_disk_super *super = (const void *)(bytes + SUPER_OFFSET);

	memset(disk, 0, sizeof(*disk));
	pthread_mutex_init(&disk->lock, NULL);
	disk->size = size;
	disk->bytes = malloc(size);
	disk->first_bytes = malloc(size);
	memcpy(disk->bytes, bytes, size);
	memcpy(disk->first_bytes, bytes, size);
	disk->block_size = 1024u << super->log_block_size;
	disk->fail_from = SIZE_MAX;
}

void disk_load(struct disk *disk, const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size;
	u8 *bytes;

	if (!file) {
		perror(path);
		exit(1);
	}
	fseek(file, 0, SEEK_END);
	size = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(size);
	if (fread(bytes, 1, size, file) != size)
		abort();
	fclose(file);
	disk_make(disk, bytes, size);
	free(bytes);
}

void disk_free(struct disk *disk)
{
	for (size_t i = 0; i < disk->count; i++)
		free(disk->events[i].data);
	free(disk->events);
	free(disk->bytes);
	free(disk->first_bytes);
}

struct ext4_volume disk_volume(struct disk *disk)
{
	return (struct ext4_volume){.ops = &disk_volume_ops, .context = disk, .size = disk->size};
}

/* --- Cuts --- */

/* Writes all of an event's sectors, or as the dice say; the super block's two go together, as
 * disks with larger sectors do it. */
static void apply(const struct disk *disk, const struct disk_event *event, u64 *seed, u8 *bytes)
{
	size_t start = event->block * disk->block_size;
	bool keep = !seed || roll(seed) % 2, torn = seed && roll(seed) % 4 == 0;

	for (size_t at = 0; at < disk->block_size; at += SECTOR) {
		bool super = start + at >= SUPER_OFFSET && start + at < SUPER_OFFSET + SUPER_SIZE;

		if (torn && !super ? roll(seed) % 2 : keep)
			memcpy(bytes + start + at, event->data + at, SECTOR);
	}
}

/* How many of the first `at` events lie before the last flush. */
static size_t safe_events(const struct disk *disk, size_t at)
{
	while (at > 0 && !disk->events[at - 1].flush)
		at--;
	return at;
}

void disk_cut(const struct disk *disk, size_t at, struct disk_safe *safe, u64 *seed, u8 *bytes)
{
	size_t end = safe_events(disk, at);

	for (; safe->events < end; safe->events++)
		if (!disk->events[safe->events].flush)
			apply(disk, &disk->events[safe->events], NULL, safe->bytes);
	memcpy(bytes, safe->bytes, disk->size);
	for (size_t i = end; i < at; i++)
		apply(disk, &disk->events[i], disk->events[i].fua ? NULL : seed, bytes);
	/* The one that is under way. */
	if (at < disk->count && disk->events[at].fua)
		apply(disk, &disk->events[at], seed, bytes);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Random changes to blocks: see journal_model.h. */
#include "journal_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/string.h"

enum { COUNTER = 0, MAGIC_SHARE = 16 };

#define MAGIC 0x98393bc0u /* the journal's, as this machine reads it */

/* The content of a block: its stamp all over, at times behind the journal's magic number. */
static void fill(const struct model *model, u64 stamp, u8 *content)
{
	u32 size = model->disk->block_size, magic = MAGIC;

	for (u32 at = 0; at < size; at += sizeof(stamp))
		memcpy(content + at, &stamp, sizeof(stamp));
	if (stamp % MAGIC_SHARE == 0)
		memcpy(content, &magic, sizeof(magic));
}

static const struct model_version *version_at(const struct model_block *block, u32 handle)
{
	u32 i = block->count;

	while (block->versions[i - 1].handle > handle)
		i--;
	return &block->versions[i - 1];
}

static const struct model_version *newest(const struct model_block *block)
{
	return &block->versions[block->count - 1];
}

static void add_version(struct model *model, struct model_block *block, enum model_kind kind,
			u64 stamp)
{
	if (block->count > 0 && newest(block)->handle == model->handle)
		block->count--;
	if (block->count == block->room) {
		block->room = block->room ? 2 * block->room : 4;
		block->versions = realloc(block->versions, block->room * sizeof(*block->versions));
	}
	block->versions[block->count++] = (struct model_version){model->handle, kind, stamp};
}

void model_make(struct model *model, struct disk *disk, struct ext4_volume *volume, u64 seed)
{
	u64 end = disk->size / disk->block_size;

	memset(model, 0, sizeof(*model));
	pthread_mutex_init(&model->lock, NULL);
	model->disk = disk;
	model->volume = volume;
	model->seed = seed;
	/* mke2fs puts nothing at the end. */
	for (u32 i = 0; i < MODEL_BLOCKS; i++) {
		model->blocks[i].number = end - 1 - i;
		add_version(model, &model->blocks[i], MODEL_FREE, 0);
	}
}

void model_free(struct model *model)
{
	for (u32 i = 0; i < MODEL_BLOCKS; i++)
		free(model->blocks[i].versions);
}

/* --- Changes --- */

static int change(struct model *model, struct ext4_handle *handle, struct model_block *block)
{
	u64 stamp = roll(&model->seed);
	struct ext4_block *memory;
	int error;

	if (newest(block)->kind == MODEL_METADATA) {
		error = ext4_block_get(model->volume, block->number, &memory);
		if (!error)
			error = ext4_handle_change(handle, memory);
		if (error)
			return error;
	} else {
		error = ext4_handle_new(handle, block->number, &memory);
		if (error)
			return error;
		for (u32 i = 0; i < model->disk->block_size; i++)
			if (memory->data[i] != 0)
				abort();
	}
	fill(model, stamp, memory->data);
	ext4_block_put(memory);
	add_version(model, block, MODEL_METADATA, stamp);
	return 0;
}

static void free_block(struct model *model, struct ext4_handle *handle, struct model_block *block)
{
	if (newest(block)->kind == MODEL_METADATA)
		ext4_handle_forget(handle, block->number);
	block->freed = ext4_handle_sequence(handle);
	add_version(model, block, MODEL_FREE, 0);
}

static int count_handle(struct model *model, struct ext4_handle *handle)
{
	struct model_block *block = &model->blocks[COUNTER];
	struct ext4_block *memory;
	int error;

	if (newest(block)->kind == MODEL_FREE)
		error = ext4_handle_new(handle, block->number, &memory);
	else
		error = ext4_block_get(model->volume, block->number, &memory);
	if (!error)
		error = ext4_handle_change(handle, memory);
	if (error)
		return error;
	fill(model, (u64)model->handle << 8 | 1, memory->data);
	ext4_block_put(memory);
	add_version(model, block, MODEL_METADATA, (u64)model->handle << 8 | 1);
	return 0;
}

/* Data for a block that is free on the disk: it becomes the file's with the next handle. */
static int write_data(struct model *model, struct model_block **result, u64 *stamp)
{
	struct model_block *block = &model->blocks[1 + roll(&model->seed) % (MODEL_BLOCKS - 1)];
	u8 *content;
	int error;

	*result = NULL;
	if (newest(block)->kind != MODEL_FREE ||
	    !ext4_transaction_is_committed(model->volume, block->freed))
		return 0;
	*stamp = roll(&model->seed);
	content = malloc(model->disk->block_size);
	fill(model, *stamp, content);
	error = disk_write(model->disk, block->number, content);
	free(content);
	*result = error ? NULL : block;
	return error;
}

static int change_some(struct model *model, struct ext4_handle *handle, u32 changes)
{
	int error = 0;

	for (u32 i = 0; i < changes && !error; i++) {
		u64 dice = roll(&model->seed);
		/* Some are changed more often than others. */
		u32 range = dice % 4 ? MODEL_BLOCKS - 1 : 8;
		struct model_block *block = &model->blocks[1 + (dice >> 8) % range];

		if (newest(block)->kind == MODEL_DATA ||
		    (newest(block)->kind == MODEL_METADATA && (dice >> 40) % 4 == 0))
			free_block(model, handle, block);
		else
			error = change(model, handle, block);
	}
	return error;
}

static int step_locked(struct model *model, u32 changes)
{
	struct model_block *data = NULL;
	struct ext4_handle *handle;
	u64 stamp = 0;
	int error = 0;

	if (changes > 1)
		error = write_data(model, &data, &stamp);
	if (!error)
		error = ext4_transaction_start(model->volume, changes + 1, &handle);
	if (error)
		return error;
	model->handle++;
	model->sequences[model->handle] = ext4_handle_sequence(handle);
	if (data)
		add_version(model, data, MODEL_DATA, stamp);
	error = count_handle(model, handle);
	if (!error)
		error = change_some(model, handle, changes);
	ext4_transaction_stop(handle);
	return error;
}

int model_step(struct model *model, u32 changes)
{
	int error;

	pthread_mutex_lock(&model->lock);
	error = step_locked(model, changes);
	pthread_mutex_unlock(&model->lock);
	return error;
}

int model_promise(struct model *model)
{
	u32 handle, sequence;
	int error;

	pthread_mutex_lock(&model->lock);
	handle = model->handle;
	sequence = model->sequences[handle];
	pthread_mutex_unlock(&model->lock);
	error = ext4_transaction_commit(model->volume, sequence);
	if (error)
		return error;
	pthread_mutex_lock(&model->lock);
	if (model->promise_count == 0 ||
	    model->promises[model->promise_count - 1].handle < handle) {
		model->promises[model->promise_count].at = model->disk->count;
		model->promises[model->promise_count++].handle = handle;
	}
	pthread_mutex_unlock(&model->lock);
	return 0;
}

/* --- Checks --- */

static void fail(const struct model *model, const char *what, u64 number, u32 handle, size_t at)
{
	fprintf(stderr, "%s: %llu; the disk is after handle %u of %u, cut at event %zu of %zu\n",
		what, (unsigned long long)number, handle, model->handle, at, model->disk->count);
	abort();
}

/* The last handle that the disk has. */
static u32 handle_of(const struct model *model, const struct disk *disk, size_t at)
{
	const u8 *content = disk->bytes + model->blocks[COUNTER].number * disk->block_size;
	u64 stamp;

	memcpy(&stamp, content, sizeof(stamp));
	if (stamp == 0)
		return 0;
	if ((stamp & 0xff) != 1 || stamp >> 8 > model->handle)
		fail(model, "no handle", stamp, 0, at);
	return (u32)(stamp >> 8);
}

static u32 promised(const struct model *model, size_t at)
{
	u32 handle = 0;

	for (u32 i = 0; i < model->promise_count && model->promises[i].at <= at; i++)
		handle = model->promises[i].handle;
	return handle;
}

void model_check(const struct model *model, const struct disk *disk, size_t at)
{
	u32 handle = handle_of(model, disk, at);
	u8 *wanted = malloc(disk->block_size);

	if (handle < promised(model, at))
		fail(model, "lost what was promised", promised(model, at), handle, at);
	if (handle > 0 && handle < model->handle &&
	    model->sequences[handle] == model->sequences[handle + 1])
		fail(model, "half a transaction", model->sequences[handle], handle, at);
	for (u32 i = 0; i < MODEL_BLOCKS; i++) {
		const struct model_block *block = &model->blocks[i];
		const struct model_version *version = version_at(block, handle);

		if (version->kind == MODEL_FREE)
			continue;
		fill(model, version->stamp, wanted);
		if (memcmp(disk->bytes + block->number * disk->block_size, wanted,
			   disk->block_size) != 0)
			fail(model, version->kind == MODEL_DATA ? "data" : "metadata",
			     block->number, handle, at);
	}
	free(wanted);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on a volume against a model of what it should hold.
 *
 * Files are a few hundred blocks long at most and hold, in each block, a word that says which write
 * it was; directories are flat lists.  Every so often the model is compared with what is read.
 */
#include "ext4_model.h"

#include "fs/ext4/operations.h"
#include "lib/format.h"
#include "lib/string.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAME_SIZE = 200, FILE_BLOCKS = 600, RUN_MOST = 40, VALUE_MOST = 300, COMPARE_EACH = 500 };

struct thing {
	bool used, attribute;
	u32 mode, parent; /* index of the directory */
	char name[NAME_SIZE];
	struct ext4_node node;
	u64 blocks[FILE_BLOCKS]; /* 0: a hole; 1: zeros kept on the disk; else what was written */
	u8 value[VALUE_MOST];
	size_t value_size;
	char text[NAME_SIZE];
};

static struct thing *things; /* 0 is the root */
static u32 thing_count;
static u64 stamp, state;
static struct ext4_volume *volume;
static const struct model_disk *disk;

static u32 pick(u32 below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(state >> 33) % below;
}

static bool tolerable(int error)
{
	return error == 0 || error == -ENOSPC;
}

static struct thing *pick_thing(u32 type)
{
	for (u32 i = 0; i < 50; i++) {
		struct thing *thing = &things[pick(thing_count)];

		if (thing->used && (thing->mode & S_IFMT) == type)
			return thing;
	}
	return type == S_IFDIR ? &things[0] : NULL;
}

static struct ext4_entry entry_of(const struct thing *thing)
{
	return (struct ext4_entry){&things[thing->parent].node, thing->name,
				   (u32)strlen(thing->name)};
}

static void pick_name(char *name)
{
	u32 length = pick(8) == 0 ? 20 + pick(NAME_SIZE - 40) : 1;

	snprintf(name, NAME_SIZE, "%.*s%llu", (int)length - 1,
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaa"
		 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		 "bbbb"
		 "cccccccccccccccccccc",
		 (unsigned long long)++stamp);
}

/* --- Operations --- */

static void make(void)
{
	static const u32 types[] = {S_IFREG, S_IFREG, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR};
	struct thing *parent = pick(3) ? &things[0] : pick_thing(S_IFDIR), *thing = NULL;
	struct ext4_fresh fresh = {.mode = types[pick(6)] | 0644,
				   .uid = 70000,
				   .gid = 3,
				   .major = 300,
				   .minor = 5,
				   .seconds = 1700000000};
	struct ext4_entry entry;
	int error;

	for (u32 i = 1; i < thing_count && !thing; i++)
		if (!things[i].used)
			thing = &things[i];
	if (!thing)
		return;
	memset(thing, 0, sizeof(*thing));
	thing->parent = (u32)(parent - things);
	pick_name(thing->name);
	memset(thing->text, 't', pick(NAME_SIZE - 2) + 1);
	entry = entry_of(thing);
	fresh.entry = &entry;
	fresh.parent = &parent->node;
	fresh.text = thing->text;
	error = ext4_create(volume, &fresh, &thing->node);
	assert_true(tolerable(error));
	thing->used = !error;
	thing->mode = fresh.mode;
}

static bool has_children(u32 index)
{
	for (u32 i = 1; i < thing_count; i++)
		if (things[i].used && things[i].parent == index)
			return true;
	return false;
}

static void end(struct thing *thing)
{
	if (thing->node.links == 0)
		assert_int_equal(ext4_node_end(volume, &thing->node, 1700000001), 0);
	thing->used = false;
}

static void take_away(void)
{
	struct thing *thing = &things[pick(thing_count)];
	struct ext4_entry entry = entry_of(thing);

	if (!thing->used || thing == things)
		return;
	if (!S_ISDIR(thing->mode)) {
		assert_int_equal(ext4_unlink(volume, &entry, &thing->node), 0);
		end(thing);
	} else if (has_children((u32)(thing - things))) {
		assert_int_equal(ext4_rmdir(volume, &entry, &thing->node), -ENOTEMPTY);
	} else {
		assert_int_equal(ext4_rmdir(volume, &entry, &thing->node), 0);
		end(thing);
	}
}

static bool is_below(u32 index, u32 ancestor)
{
	for (; index != 0; index = things[index].parent)
		if (index == ancestor)
			return true;
	return ancestor == 0;
}

static void move(void)
{
	struct thing *thing = &things[pick(thing_count)], *to = pick_thing(S_IFDIR), *target = NULL;
	struct ext4_rename rename = {.moved = &thing->node};
	char name[NAME_SIZE];
	int error;

	if (!thing->used || thing == things || is_below((u32)(to - things), (u32)(thing - things)))
		return;
	pick_name(name);
	if (pick(2))
		target = &things[pick(thing_count)];
	if (target && (!target->used || target == things || target == thing ||
		       S_ISDIR(target->mode) != S_ISDIR(thing->mode) ||
		       is_below((u32)(thing - things), (u32)(target - things)) ||
		       is_below(target->parent, (u32)(thing - things))))
		target = NULL;
	rename.exchange = target && pick(2);
	if (target && !rename.exchange && has_children((u32)(target - things)))
		return;
	if (target) {
		snprintf(name, sizeof(name), "%s", target->name);
		to = &things[target->parent];
		rename.target = &target->node;
	}
	rename.from = entry_of(thing);
	rename.to = (struct ext4_entry){&to->node, name, (u32)strlen(name)};
	error = ext4_rename(volume, &rename);
	assert_true(tolerable(error));
	if (error)
		return;
	if (rename.exchange) {
		snprintf(target->name, NAME_SIZE, "%s", thing->name);
		target->parent = thing->parent;
	}
	snprintf(thing->name, NAME_SIZE, "%s", name);
	thing->parent = (u32)(to - things);
	if (target && !rename.exchange)
		end(target);
}

static int store(struct ext4_handle *handle, struct thing *thing, int error)
{
	int written = ext4_node_write(handle, volume, &thing->node, false);

	return ext4_operation_end(handle, error ? error : written);
}

static void grow(struct thing *thing, u64 blocks)
{
	if (blocks << volume->block_shift > thing->node.size)
		thing->node.size = blocks << volume->block_shift;
}

/* Writes one block: over what is there, or to a place that is claimed for it. */
static int write_block(struct thing *thing, u32 block, bool unwritten)
{
	struct ext4_handle *handle;
	struct ext4_run run;
	u64 start, count;
	int error;

	assert_int_equal(ext4_map(volume, &thing->node, block, &run), 0);
	start = run.start ? run.start : run.held;
	if (unwritten && start)
		return 0;
	if (!start) {
		error = ext4_space_claim(volume, ext4_map_goal(volume, &thing->node, block), 1,
					 &start, &count);
		if (error == -EAGAIN)
			error = -ENOSPC;
		if (error)
			return error;
	}
	if (!unwritten)
		disk->write(volume, start, ++stamp);
	if (run.start) {
		thing->blocks[block] = stamp;
		return 0;
	}
	assert_int_equal(ext4_transaction_start(volume, EXT4_CREDITS_MAP + 8, &handle), 0);
	if (run.held) {
		error = ext4_map_written(handle, volume, &thing->node, block, 1);
	} else {
		error = ext4_space_mark(handle, volume, start, 1);
		if (!error)
			error = ext4_map_insert(handle, volume, &thing->node, block, start, 1,
						unwritten);
		if (error == -ENOSPC)
			assert_int_equal(ext4_space_free(handle, volume, start, 1, false), 0);
	}
	if (!error) {
		thing->blocks[block] = unwritten ? 1 : stamp;
		grow(thing, block + 1);
	}
	return store(handle, thing, error);
}

static void write_some(void)
{
	struct thing *thing = pick_thing(S_IFREG);
	u32 first = pick(FILE_BLOCKS), count = 1 + pick(RUN_MOST), step = 1 + pick(3);
	bool unwritten;

	if (!thing)
		return;
	unwritten = thing->node.flags & EXT4_INODE_EXTENTS && pick(3) == 0;
	for (u32 i = first; i < MIN(first + count * step, (u32)FILE_BLOCKS); i += step)
		assert_true(tolerable(write_block(thing, i, unwritten)));
}

static void cut(void)
{
	struct thing *thing = pick_thing(S_IFREG);
	u32 first = pick(FILE_BLOCKS), last = pick(3) ? first + pick(RUN_MOST) : UINT32_MAX;
	struct ext4_handle *handle;
	bool done = false;
	int error = 0;

	if (!thing)
		return;
	while (!done && !error) {
		assert_int_equal(ext4_transaction_start(volume, EXT4_CREDITS_MAP + 8, &handle), 0);
		error = ext4_map_remove(handle, volume, &thing->node, first, last, &done);
		assert_true(tolerable(error));
		if (last == UINT32_MAX && done && first << volume->block_shift < thing->node.size)
			thing->node.size = (u64)first << volume->block_shift;
		error = store(handle, thing, error);
	}
	for (u32 i = first; !error && i <= MIN(last, (u32)FILE_BLOCKS - 1); i++)
		thing->blocks[i] = 0;
	/* Without room for another extent some of it went. */
	for (u32 i = 0; error && i < FILE_BLOCKS; i++) {
		struct ext4_run run;

		assert_int_equal(ext4_map(volume, &thing->node, i, &run), 0);
		if (i >= first && i <= last && !run.start)
			thing->blocks[i] = run.held != 0;
	}
}

static void attribute(void)
{
	struct thing *thing = &things[pick(thing_count)];
	struct ext4_handle *handle;
	bool gone = pick(3) == 0;
	size_t size = pick(VALUE_MOST);
	u8 value[VALUE_MOST];
	int error;

	if (!thing->used)
		return;
	memset(value, (int)pick(256), size);
	assert_int_equal(ext4_transaction_start(volume, EXT4_CREDITS_MAP + 8, &handle), 0);
	error = ext4_xattr_set(handle, volume, &thing->node, "user.model", gone ? NULL : value,
			       size, 0);
	if (gone && !thing->attribute)
		assert_int_equal(error, -ENODATA);
	else
		assert_true(tolerable(error));
	if (!error) {
		thing->attribute = !gone;
		thing->value_size = size;
		memcpy(thing->value, value, size);
	}
	error = store(handle, thing, error);
	assert_true(tolerable(error) || error == -ENODATA);
}

/* --- Comparing --- */

static void compare_file(const struct thing *thing)
{
	u8 *bytes = malloc(volume->block_size);

	for (u32 i = 0; i < FILE_BLOCKS; i++) {
		u64 position = (u64)i << volume->block_shift, word;

		if (position >= thing->node.size)
			break;
		assert_int_equal(
			ext4_data_read(volume, &thing->node, position, bytes, volume->block_size),
			0);
		memcpy(&word, bytes, sizeof(word));
		assert_int_equal(word, thing->blocks[i] > 1 ? thing->blocks[i] : 0);
	}
	free(bytes);
}

static bool count_names(void *context, u64 position, const char *name, u32 length, u32 ino, u8 type)
{
	(void)position, (void)name, (void)length, (void)ino, (void)type;
	++*(u32 *)context;
	return true;
}

static void compare_directory(const struct thing *thing)
{
	u32 wanted = thing == things ? 3 : 2, found = 0, index = (u32)(thing - things), ino;
	u64 position = 0;

	for (u32 i = 1; i < thing_count; i++) {
		if (!things[i].used || things[i].parent != index)
			continue;
		wanted++;
		assert_int_equal(ext4_directory_find(volume, &thing->node, things[i].name,
						     (u32)strlen(things[i].name), &ino),
				 0);
		assert_int_equal(ino, things[i].node.ino);
	}
	assert_int_equal(ext4_directory_list(volume, &thing->node, &position, count_names, &found),
			 0);
	assert_int_equal(found, wanted);
}

void model_compare(void)
{
	for (u32 i = 0; i < thing_count; i++) {
		struct thing *thing = &things[i];
		char text[PATH_SIZE] = {0};
		u8 value[VALUE_MOST];
		struct ext4_node node;
		ssize_t size;

		if (!thing->used)
			continue;
		assert_int_equal(ext4_node_read(volume, thing->node.ino, &node), 0);
		assert_int_equal(node.size, thing->node.size);
		assert_int_equal(node.links, thing->node.links);
		assert_int_equal(node.sectors, thing->node.sectors);
		size = ext4_xattr_get(volume, &node, "user.model", value, sizeof(value));
		assert_int_equal(size, thing->attribute ? (ssize_t)thing->value_size : -ENODATA);
		if (size > 0)
			assert_memory_equal(value, thing->value, size);
		thing->node = node;
		if (S_ISREG(thing->mode))
			compare_file(thing);
		else if (S_ISDIR(thing->mode))
			compare_directory(thing);
		else if (S_ISLNK(thing->mode)) {
			assert_int_equal(ext4_link_read(volume, &node, text), 0);
			assert_string_equal(text, thing->text);
		}
	}
}

/* --- All of it --- */

void model_begin(struct ext4_volume *on, const struct model_disk *with, u32 most, u64 seed)
{
	volume = on;
	disk = with;
	thing_count = most;
	things = calloc(most, sizeof(*things));
	assert_non_null(things);
	state = seed;
	stamp = 1000;
	things[0].used = true;
	things[0].mode = S_IFDIR;
	assert_int_equal(ext4_node_read(volume, EXT4_ROOT_INO, &things[0].node), 0);
}

void model_run(u32 steps)
{
	for (u32 i = 0; i < steps; i++) {
		u32 what = pick(100);

		if (what < 30)
			make();
		else if (what < 45)
			take_away();
		else if (what < 55)
			move();
		else if (what < 80)
			write_some();
		else if (what < 90)
			cut();
		else
			attribute();
		if (i % COMPARE_EACH == 0)
			model_compare();
	}
	model_compare();
}

void model_remount(struct ext4_volume *on)
{
	volume = on;
	model_compare();
}

void model_end(void)
{
	free(things);
	things = NULL;
}

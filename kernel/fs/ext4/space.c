/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free blocks: which to take, and the bitmaps that say which are taken.
 *
 * A search sees a copy of a group's bitmap in which the blocks that are claimed, and those that
 * transactions have freed that are not committed, count as taken.  Metadata may also have blocks
 * that were data and are not committed as free: its content stays in the journal until then.
 */
#include "fs/ext4/change.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"

/* --- Promises --- */

int ext4_space_reserve(struct ext4_volume *volume, u64 blocks, u32 flags)
{
	struct ext4_space *space = volume->space;
	u64 kept = flags & EXT4_SPACE_ROOT ? 0 : volume->reserved_blocks;
	int error = -ENOSPC;

	mutex_lock(&space->lock);
	if (space->free_blocks >= space->reserved + kept &&
	    space->free_blocks - space->reserved - kept >= blocks) {
		space->reserved += blocks;
		error = 0;
	}
	mutex_unlock(&space->lock);
	return error;
}

void ext4_space_release(struct ext4_volume *volume, u64 blocks)
{
	mutex_lock(&volume->space->lock);
	volume->space->reserved -= MIN(blocks, volume->space->reserved);
	mutex_unlock(&volume->space->lock);
}

u64 ext4_space_free_blocks(struct ext4_volume *volume)
{
	struct ext4_space *space = volume->space;
	u64 free;

	mutex_lock(&space->lock);
	free = space->free_blocks - MIN(space->free_blocks, space->reserved);
	mutex_unlock(&space->lock);
	return free;
}

/* --- Bitmaps --- */

static u64 bitmap_block(const struct ext4_volume *volume, const struct ext4_disk_group *descriptor)
{
	u64 high = volume->descriptor_size > 32 ? descriptor->block_bitmap_hi : 0;

	return descriptor->block_bitmap_lo | high << 32;
}

/* How many blocks at a group's beginning are the super block's and the descriptors'. */
static u32 base_blocks(const struct ext4_volume *volume, u32 group)
{
	u32 each = volume->block_size / volume->descriptor_size, super;
	bool meta = ext4_has_incompat(volume, EXT4_INCOMPAT_META_BG);
	u32 within = group % each;

	super = ext4_group_has_super(volume, group);
	if (meta && group / each >= volume->first_meta_group)
		return super + (within == 0 || within == 1 || within == each - 1);
	if (!super)
		return 0;
	return super + volume->reserved_descriptors +
	       (meta ? volume->first_meta_group : DIV_ROUND_UP(volume->groups, each));
}

static void set_if_inside(const struct ext4_volume *volume, u32 group, u64 *bitmap, u64 start,
			  u64 count)
{
	u64 first = ext4_group_start(volume, group), end = first + ext4_group_blocks(volume, group);

	for (u64 block = MAX(start, first); block < MIN(start + count, end); block++)
		bitmap_set(bitmap, block - first);
}

/* The bitmap of a group that has none on the disk yet. */
static void make_bitmap(const struct ext4_volume *volume, u32 group,
			const struct ext4_disk_group *descriptor, u64 *bitmap)
{
	u64 inodes = descriptor->inode_bitmap_lo;
	u64 length = ((u64)volume->inodes_per_group * volume->inode_size) >> volume->block_shift;
	u32 blocks = ext4_group_blocks(volume, group);

	if (volume->descriptor_size > 32)
		inodes |= (u64)descriptor->inode_bitmap_hi << 32;
	memset(bitmap, 0, volume->block_size);
	bitmap_set_range(bitmap, 0, MIN(base_blocks(volume, group), blocks));
	set_if_inside(volume, group, bitmap, bitmap_block(volume, descriptor), 1);
	set_if_inside(volume, group, bitmap, inodes, 1);
	set_if_inside(volume, group, bitmap, volume->tables[group], length);
	if (blocks < volume->block_size * 8)
		bitmap_set_range(bitmap, blocks, volume->block_size * 8 - blocks);
}

/* Its checksum is looked at once. */
static bool verify(struct ext4_volume *volume, u32 group, const struct ext4_disk_group *descriptor,
		   const struct ext4_block *bits)
{
	bool *verified = &volume->space->groups[group].blocks_verified;

	if (!*verified)
		*verified = ext4_bitmap_is_intact(volume, descriptor, bits->data, false);
	return *verified;
}

/* A copy of a group's bitmap. */
static int copy_bitmap(struct ext4_volume *volume, u32 group, u64 *bitmap)
{
	struct ext4_disk_group *descriptor;
	struct ext4_block *block, *bits;
	int error = ext4_group_get(volume, group, &block, &descriptor);

	if (error)
		return error;
	if (descriptor->flags & EXT4_GROUP_BLOCKS_UNUSED &&
	    volume->ro_compat & (EXT4_RO_COMPAT_GDT_CSUM | EXT4_RO_COMPAT_METADATA_CSUM)) {
		make_bitmap(volume, group, descriptor, bitmap);
		goto out;
	}
	error = ext4_block_get(volume, bitmap_block(volume, descriptor), &bits);
	if (error)
		goto out;
	if (verify(volume, group, descriptor, bits))
		memcpy(bitmap, bits->data, volume->block_size);
	else
		error = -EBADMSG;
	ext4_block_put(bits);
out:
	ext4_block_put(block);
	return error;
}

/* --- What is not to be taken --- */

/* Sets in the copy what a set has of the group. */
static void hide(const struct ext4_volume *volume, u32 group, const struct ext4_ranges *ranges)
{
	u64 first = ext4_group_start(volume, group), end = first + ext4_group_blocks(volume, group);
	u64 at = first, count;

	if (ranges->count == 0)
		return;
	while (ext4_ranges_next(ranges, at, &at, &count) && at < end) {
		bitmap_set_range(volume->space->scratch, at - first, MIN(count, end - at));
		at += count;
	}
}

/* Forgets what was freed by transactions that are committed. */
static void settle_freed(struct ext4_volume *volume)
{
	for (u32 i = 0; i < EXT4_FREED_SETS; i++) {
		struct ext4_freed *freed = &volume->space->freed[i];

		if (freed->data.count + freed->metadata.count > 0 &&
		    ext4_transaction_is_committed(volume, freed->sequence)) {
			ext4_ranges_clear(&freed->data);
			ext4_ranges_clear(&freed->metadata);
		}
	}
}

static bool any_freed(const struct ext4_space *space)
{
	for (u32 i = 0; i < EXT4_FREED_SETS; i++)
		if (space->freed[i].data.count + space->freed[i].metadata.count > 0)
			return true;
	return false;
}

/* The group's bitmap as a search may see it, in space->scratch. */
static int look_at_group(struct ext4_volume *volume, u32 group, bool for_metadata)
{
	struct ext4_space *space = volume->space;
	int error = copy_bitmap(volume, group, space->scratch);

	if (error)
		return error;
	hide(volume, group, &space->claimed);
	for (u32 i = 0; i < EXT4_FREED_SETS; i++) {
		hide(volume, group, &space->freed[i].metadata);
		if (!for_metadata)
			hide(volume, group, &space->freed[i].data);
	}
	return 0;
}

/* --- Searching --- */

struct found {
	u64 start, count;
};

/* The best run in the copy from bit `from` on: the first that is long enough, or the longest. */
static void search_bits(const struct ext4_volume *volume, u32 group, u32 from, u64 wanted,
			struct found *best)
{
	const u64 *bitmap = volume->space->scratch;
	u32 bits = ext4_group_blocks(volume, group);

	while (from < bits && best->count < wanted) {
		u32 start = (u32)bitmap_find_clear(bitmap, bits, from), end;

		if (start >= bits)
			return;
		end = (u32)bitmap_find_set(bitmap, bits, start);
		if (end - start > best->count) {
			best->start = ext4_group_start(volume, group) + start;
			best->count = MIN(end - start, wanted);
		}
		from = end;
	}
}

/* What is free at the goal itself. */
static void search_goal(const struct ext4_volume *volume, u32 group, u32 bit, u64 wanted,
			struct found *best)
{
	const u64 *bitmap = volume->space->scratch;
	u32 bits = ext4_group_blocks(volume, group);

	if (bit >= bits || bitmap_test(bitmap, bit))
		return;
	best->start = ext4_group_start(volume, group) + bit;
	best->count = MIN((u64)bitmap_find_set(bitmap, bits, bit) - bit, wanted);
}

/*
 * Looks at the goal, then in its group, then in the others: a first round takes a run only if it is
 * as long as wanted, or the goal; a second one the longest of a group.
 */
static int search(struct ext4_volume *volume, u64 goal, u64 wanted, bool for_metadata,
		  struct found *best)
{
	u32 first, bit;
	int error = 0;

	if (goal <= volume->first_data_block || goal >= volume->blocks)
		goal = volume->first_data_block + 1;
	first = ext4_group_of(volume, goal);
	bit = (u32)(goal - ext4_group_start(volume, first));
	for (u32 round = 0; round < 2; round++)
		for (u32 i = 0; i < volume->groups; i++) {
			u32 group = (first + i) % volume->groups;
			u32 free = volume->space->groups[group].free_blocks;

			if (free == 0 || (round == 0 && i > 0 && free < wanted))
				continue;
			*best = (struct found){0};
			error = look_at_group(volume, group, for_metadata);
			if (error)
				return error;
			if (i == 0)
				search_goal(volume, group, bit, wanted, best);
			if (best->count > 0)
				return 0;
			if (i == 0)
				search_bits(volume, group, bit, wanted, best);
			if (best->count < wanted)
				search_bits(volume, group, 0, wanted, best);
			if (best->count >= (round == 0 ? wanted : 1))
				return 0;
		}
	*best = (struct found){0};
	return -ENOSPC;
}

int ext4_space_claim(struct ext4_volume *volume, u64 goal, u64 wanted, u64 *start, u64 *count)
{
	struct ext4_space *space = volume->space;
	struct found best = {0};
	int error;

	mutex_lock(&space->lock);
	settle_freed(volume);
	error = search(volume, goal, wanted, false, &best);
	if (!error)
		error = ext4_ranges_add(&space->claimed, best.start, best.count);
	else if (error == -ENOSPC && any_freed(space))
		error = -EAGAIN;
	mutex_unlock(&space->lock);
	*start = best.start;
	*count = best.count;
	return error;
}

void ext4_space_unclaim(struct ext4_volume *volume, u64 start, u64 count)
{
	int error;

	mutex_lock(&volume->space->lock);
	error = ext4_ranges_remove(&volume->space->claimed, start, count);
	mutex_unlock(&volume->space->lock);
	/* Without memory they stay unused until the next mount. */
	if (error)
		volume->ops->complain(volume->context, "blocks stay claimed", start);
}

int ext4_space_trim(struct ext4_volume *volume, u32 group, u64 start, u64 end, u64 minimum,
		    int (*discard)(void *context, u64 start, u64 count), void *context, u64 *done)
{
	u64 first = ext4_group_start(volume, group),
	    last = first + ext4_group_blocks(volume, group);
	u64 at = MAX(start, first) - first, bits = MIN(end, last) - first, run;
	int error;

	mutex_lock(&volume->space->lock);
	settle_freed(volume);
	error = look_at_group(volume, group, false);
	for (; !error && at < bits; at = run) {
		at = bitmap_find_clear(volume->space->scratch, bits, at);
		if (at >= bits)
			break;
		run = bitmap_find_set(volume->space->scratch, bits, at);
		run = MIN(run, bits);
		if (run - at < MAX(minimum, (u64)1))
			continue;
		error = discard(context, first + at, run - at);
		*done += error ? 0 : run - at;
	}
	mutex_unlock(&volume->space->lock);
	return error;
}

void ext4_space_abandon(struct ext4_volume *volume, u64 count)
{
	mutex_lock(&volume->space->lock);
	volume->space->reserved += count;
	mutex_unlock(&volume->space->lock);
}

/* --- Marking --- */

static void change_count(struct ext4_volume *volume, u32 group, struct ext4_disk_group *descriptor,
			 s64 change)
{
	struct ext4_group *known = &volume->space->groups[group];

	known->free_blocks = (u32)(known->free_blocks + change);
	volume->space->free_blocks = (u64)((s64)volume->space->free_blocks + change);
	descriptor->free_blocks_lo = (u16)known->free_blocks;
	if (volume->descriptor_size > 32)
		descriptor->free_blocks_hi = (u16)(known->free_blocks >> 16);
}

/* The bitmap's block, ready to be changed: made, if the group had none. */
static int open_bitmap(struct ext4_handle *handle, struct ext4_volume *volume, u32 group,
		       struct ext4_disk_group *descriptor, struct ext4_block **bits)
{
	u64 number = bitmap_block(volume, descriptor);
	int error;

	if (descriptor->flags & EXT4_GROUP_BLOCKS_UNUSED &&
	    volume->ro_compat & (EXT4_RO_COMPAT_GDT_CSUM | EXT4_RO_COMPAT_METADATA_CSUM)) {
		error = ext4_handle_new(handle, number, bits);
		if (error)
			return error;
		make_bitmap(volume, group, descriptor, (u64 *)(*bits)->data);
		descriptor->flags &= (u16)~EXT4_GROUP_BLOCKS_UNUSED;
		volume->space->groups[group].flags = descriptor->flags;
		return 0;
	}
	error = ext4_block_get(volume, number, bits);
	if (error)
		return error;
	error = verify(volume, group, descriptor, *bits) ? ext4_handle_change(handle, *bits)
							 : -EBADMSG;
	if (error)
		ext4_block_put(*bits);
	return error;
}

/* Are all of the bits what they should be before they are changed? */
static bool is_uniform(const u64 *bitmap, u32 bit, u32 count, bool set)
{
	size_t other = set ? bitmap_find_clear(bitmap, bit + count, bit)
			   : bitmap_find_set(bitmap, bit + count, bit);

	return other >= bit + count;
}

/* Within one group. */
static int change_bits(struct ext4_handle *handle, struct ext4_volume *volume, u32 group, u32 bit,
		       u32 count, bool set)
{
	struct ext4_disk_group *descriptor;
	struct ext4_block *block, *bits;
	int error = ext4_group_get(volume, group, &block, &descriptor);

	if (error)
		return error;
	error = ext4_handle_change(handle, block);
	if (!error)
		error = open_bitmap(handle, volume, group, descriptor, &bits);
	if (error)
		goto out;
	if (is_uniform((u64 *)bits->data, bit, count, !set)) {
		if (set)
			bitmap_set_range((u64 *)bits->data, bit, count);
		else
			bitmap_clear_range((u64 *)bits->data, bit, count);
		change_count(volume, group, descriptor, set ? -(s64)count : (s64)count);
	} else {
		volume->ops->complain(volume->context,
				      set ? "a free block is taken" : "a taken block is free",
				      ext4_group_start(volume, group) + bit);
		error = -EUCLEAN;
	}
	ext4_bitmap_seal(volume, descriptor, bits->data, false);
	ext4_group_seal(volume, group, descriptor);
	ext4_block_put(bits);
out:
	ext4_block_put(block);
	return error;
}

static int change_run(struct ext4_handle *handle, struct ext4_volume *volume, u64 start, u64 count,
		      bool set)
{
	int error = 0;

	if (start <= volume->first_data_block || start >= volume->blocks ||
	    count > volume->blocks - start)
		return -EUCLEAN;
	while (count > 0 && !error) {
		u32 group = ext4_group_of(volume, start);
		u32 bit = (u32)(start - ext4_group_start(volume, group));
		u32 part = (u32)MIN(count, (u64)ext4_group_blocks(volume, group) - bit);

		error = change_bits(handle, volume, group, bit, part, set);
		start += part;
		count -= part;
	}
	return error;
}

int ext4_space_mark(struct ext4_handle *handle, struct ext4_volume *volume, u64 start, u64 count)
{
	int error, removed;

	mutex_lock(&volume->space->lock);
	error = change_run(handle, volume, start, count, true);
	removed = ext4_ranges_remove(&volume->space->claimed, start, count);
	mutex_unlock(&volume->space->lock);
	/* If it could not be split, it hides taken blocks, which does no harm. */
	return error ? error : removed == -ENOMEM ? 0 : removed;
}

int ext4_space_take(struct ext4_handle *handle, struct ext4_volume *volume, u64 goal, u64 *block)
{
	struct ext4_space *space = volume->space;
	struct found best = {0};
	int error;

	mutex_lock(&space->lock);
	settle_freed(volume);
	error = search(volume, goal, 1, false, &best);
	if (error == -ENOSPC)
		error = search(volume, goal, 1, true, &best);
	if (!error)
		error = change_run(handle, volume, best.start, 1, true);
	mutex_unlock(&space->lock);
	*block = best.start;
	return error;
}

/* --- Freeing --- */

/* The set of a transaction. */
static struct ext4_freed *freed_of(struct ext4_volume *volume, u32 sequence)
{
	struct ext4_freed *empty = NULL;

	for (u32 i = 0; i < EXT4_FREED_SETS; i++) {
		struct ext4_freed *freed = &volume->space->freed[i];

		if (freed->data.count + freed->metadata.count == 0)
			empty = freed;
		else if (freed->sequence == sequence)
			return freed;
	}
	if (empty)
		empty->sequence = sequence;
	return empty;
}

int ext4_space_free(struct ext4_handle *handle, struct ext4_volume *volume, u64 start, u64 count,
		    bool metadata)
{
	struct ext4_freed *freed;
	int error;

	mutex_lock(&volume->space->lock);
	settle_freed(volume);
	freed = freed_of(volume, ext4_handle_sequence(handle));
	error = freed ? ext4_ranges_add(metadata ? &freed->metadata : &freed->data, start, count)
		      : -ENOMEM;
	if (!error)
		error = change_run(handle, volume, start, count, false);
	mutex_unlock(&volume->space->lock);
	for (u64 i = 0; metadata && i < count && !error; i++)
		ext4_handle_forget(handle, start + i);
	return error;
}

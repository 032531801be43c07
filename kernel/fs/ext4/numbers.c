/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inode numbers: which group a new inode goes to, and the bitmaps that say which are taken.
 *
 * A file's inode lies in the group of its directory, so that what is used together is read
 * together.  Directories of the root spread over all groups (Orlov), others stay near their parent
 * as long as its group is not fuller than the average.
 */
#include "fs/ext4/change.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"

/* --- Which group --- */

/* How full the groups are in all. */
struct average {
	u64 free_inodes, free_blocks, directories;
};

static struct average average_of(const struct ext4_volume *volume)
{
	const struct ext4_space *space = volume->space;
	struct average average = {space->free_inodes / volume->groups,
				  space->free_blocks / volume->groups, 0};

	for (u32 group = 0; group < volume->groups; group++)
		average.directories += space->groups[group].directories;
	average.directories /= volume->groups;
	return average;
}

/* The group with the fewest directories among those that are emptier than the average; groups if
 * there is none. */
static u32 spread(const struct ext4_volume *volume, const struct average *average)
{
	u32 best = volume->groups, start = volume->space->next_directory;

	for (u32 i = 0; i < volume->groups; i++) {
		u32 group = (start + i) % volume->groups;
		const struct ext4_group *known = &volume->space->groups[group];

		if (known->free_inodes == 0 || known->free_inodes < average->free_inodes ||
		    known->free_blocks < average->free_blocks)
			continue;
		if (best == volume->groups ||
		    known->directories < volume->space->groups[best].directories)
			best = group;
	}
	if (best < volume->groups)
		volume->space->next_directory = (best + 1) % volume->groups;
	return best;
}

/* A group near the parent's that has not got more than its share. */
static u32 stay_near(const struct ext4_volume *volume, const struct average *average, u32 parent)
{
	u64 inodes =
		average->free_inodes - MIN(average->free_inodes, (u64)volume->inodes_per_group / 4);
	u64 blocks =
		average->free_blocks - MIN(average->free_blocks, (u64)volume->blocks_per_group / 4);
	u64 most = average->directories + volume->inodes_per_group / 16;

	for (u32 i = 0; i < volume->groups; i++) {
		u32 group = (parent + i) % volume->groups;
		const struct ext4_group *known = &volume->space->groups[group];

		if (known->free_inodes > 0 && known->free_inodes >= inodes &&
		    known->free_blocks >= blocks && known->directories <= most)
			return group;
	}
	return volume->groups;
}

static u32 any_group(const struct ext4_volume *volume, u32 parent)
{
	for (u32 round = 0; round < 2; round++)
		for (u32 i = 0; i < volume->groups; i++) {
			u32 group = (parent + i) % volume->groups;
			const struct ext4_group *known = &volume->space->groups[group];

			if (known->free_inodes > 0 && (round == 1 || known->free_blocks > 0))
				return group;
		}
	return volume->groups;
}

static u32 choose_group(const struct ext4_volume *volume, const struct ext4_node *parent,
			bool directory)
{
	u32 near = (parent->ino - 1) / volume->inodes_per_group, group = volume->groups;

	if (directory) {
		struct average average = average_of(volume);

		group = parent->ino == EXT4_ROOT_INO ? spread(volume, &average)
						     : stay_near(volume, &average, near);
	}
	return group < volume->groups ? group : any_group(volume, near);
}

/* --- Bitmaps --- */

static bool has_unused(const struct ext4_volume *volume)
{
	return volume->ro_compat & (EXT4_RO_COMPAT_GDT_CSUM | EXT4_RO_COMPAT_METADATA_CSUM);
}

static int open_bitmap(struct ext4_handle *handle, struct ext4_volume *volume, u32 group,
		       struct ext4_disk_group *descriptor, struct ext4_block **bits)
{
	struct ext4_group *known = &volume->space->groups[group];
	u64 number = descriptor->inode_bitmap_lo;
	int error;

	if (volume->descriptor_size > 32)
		number |= (u64)descriptor->inode_bitmap_hi << 32;
	if (has_unused(volume) && descriptor->flags & EXT4_GROUP_INODES_UNUSED) {
		error = ext4_handle_new(handle, number, bits);
		if (error)
			return error;
		bitmap_set_range((u64 *)(*bits)->data, volume->inodes_per_group,
				 volume->block_size * 8 - volume->inodes_per_group);
		descriptor->flags &= (u16)~EXT4_GROUP_INODES_UNUSED;
		known->flags = descriptor->flags;
		known->inodes_verified = true;
		return 0;
	}
	error = ext4_block_get(volume, number, bits);
	if (error)
		return error;
	if (!known->inodes_verified)
		known->inodes_verified =
			ext4_bitmap_is_intact(volume, descriptor, (*bits)->data, true);
	error = known->inodes_verified ? ext4_handle_change(handle, *bits) : -EBADMSG;
	if (error)
		ext4_block_put(*bits);
	return error;
}

/* How many inodes at the table's end have never been used. */
static void note_used(const struct ext4_volume *volume, struct ext4_disk_group *descriptor,
		      u32 index)
{
	u32 unused = descriptor->unused_inodes_lo;

	if (!has_unused(volume))
		return;
	if (volume->descriptor_size > 32)
		unused |= (u32)descriptor->unused_inodes_hi << 16;
	unused = MIN(unused, volume->inodes_per_group - index - 1);
	descriptor->unused_inodes_lo = (u16)unused;
	if (volume->descriptor_size > 32)
		descriptor->unused_inodes_hi = (u16)(unused >> 16);
}

static void change_counts(struct ext4_volume *volume, u32 group, struct ext4_disk_group *descriptor,
			  int inodes, int directories)
{
	struct ext4_group *known = &volume->space->groups[group];

	known->free_inodes += (u32)inodes;
	known->directories += (u32)directories;
	volume->space->free_inodes = (u64)((s64)volume->space->free_inodes + inodes);
	descriptor->free_inodes_lo = (u16)known->free_inodes;
	descriptor->directories_lo = (u16)known->directories;
	if (volume->descriptor_size > 32) {
		descriptor->free_inodes_hi = (u16)(known->free_inodes >> 16);
		descriptor->directories_hi = (u16)(known->directories >> 16);
	}
}

/* A group's descriptor and bitmap, both in the transaction; the caller puts both blocks. */
struct open_group {
	struct ext4_block *block, *bits;
	struct ext4_disk_group *descriptor;
};

static int open_group(struct ext4_handle *handle, struct ext4_volume *volume, u32 group,
		      struct open_group *open)
{
	int error = ext4_group_get(volume, group, &open->block, &open->descriptor);

	if (error)
		return error;
	error = ext4_handle_change(handle, open->block);
	if (!error)
		error = open_bitmap(handle, volume, group, open->descriptor, &open->bits);
	if (error)
		ext4_block_put(open->block);
	return error;
}

static void close_group(struct ext4_volume *volume, u32 group, struct open_group *open)
{
	ext4_bitmap_seal(volume, open->descriptor, open->bits->data, true);
	ext4_group_seal(volume, group, open->descriptor);
	ext4_block_put(open->bits);
	ext4_block_put(open->block);
}

/* --- Taking and freeing --- */

static int take_in(struct ext4_handle *handle, struct ext4_volume *volume, u32 group,
		   bool directory, u32 *ino)
{
	struct open_group open;
	u32 index, first = group == 0 ? volume->first_ino - 1 : 0;
	int error = open_group(handle, volume, group, &open);

	if (error)
		return error;
	index = (u32)bitmap_find_clear((u64 *)open.bits->data, volume->inodes_per_group, first);
	*ino = group * volume->inodes_per_group + index + 1;
	if (index < volume->inodes_per_group && *ino <= volume->inodes) {
		bitmap_set((u64 *)open.bits->data, index);
		note_used(volume, open.descriptor, index);
		change_counts(volume, group, open.descriptor, -1, directory ? 1 : 0);
	} else {
		volume->ops->complain(volume->context, "a group has fewer inodes than it says",
				      group);
		error = -EUCLEAN;
	}
	close_group(volume, group, &open);
	return error;
}

int ext4_number_take(struct ext4_handle *handle, struct ext4_volume *volume,
		     const struct ext4_node *parent, bool directory, u32 *ino)
{
	u32 group;
	int error = -ENOSPC;

	mutex_lock(&volume->space->lock);
	group = choose_group(volume, parent, directory);
	if (group < volume->groups)
		error = take_in(handle, volume, group, directory, ino);
	mutex_unlock(&volume->space->lock);
	return error;
}

static int free_in(struct ext4_handle *handle, struct ext4_volume *volume, u32 group, u32 index,
		   bool directory)
{
	struct open_group open;
	int error = open_group(handle, volume, group, &open);

	if (error)
		return error;
	if (bitmap_test_and_clear((u64 *)open.bits->data, index))
		change_counts(volume, group, open.descriptor, 1, directory ? -1 : 0);
	else
		error = -EUCLEAN;
	close_group(volume, group, &open);
	return error;
}

int ext4_number_free(struct ext4_handle *handle, struct ext4_volume *volume, u32 ino,
		     bool directory)
{
	u32 group = (ino - 1) / volume->inodes_per_group;
	int error;

	if (ino < volume->first_ino || ino > volume->inodes)
		return -EUCLEAN;
	mutex_lock(&volume->space->lock);
	error = free_in(handle, volume, group, (ino - 1) % volume->inodes_per_group, directory);
	mutex_unlock(&volume->space->lock);
	return error;
}

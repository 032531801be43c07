/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes: from the number to the group's table, and from there to what the rest of the kernel
 * understands.
 *
 * Group descriptors follow the super block, or, with META_BG, lie in the first group of as many as
 * fit into a block.
 */
#include "fs/ext4/volume.h"
#include "lib/abi/stat.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { DESCRIPTOR_SIZE_64 = 64, CHECKSUM_OFFSET = 0x1e };

/* CRC-16 of the old checksums of group descriptors (polynomial 0x8005, reflected). */
static u16 crc16(u16 crc, const void *bytes, size_t size)
{
	const u8 *at = bytes;

	for (; size != 0; size--) {
		crc ^= *at++;
		for (u32 bit = 0; bit < 8; bit++)
			crc = crc & 1 ? (u16)(crc >> 1 ^ 0xa001) : crc >> 1;
	}
	return crc;
}

static bool is_power_of(u32 number, u32 base)
{
	while (number > 1 && number % base == 0)
		number /= base;
	return number == 1;
}

bool ext4_group_has_super(const struct ext4_volume *volume, u32 group)
{
	return group <= 1 || !(volume->ro_compat & EXT4_RO_COMPAT_SPARSE_SUPER) ||
	       is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

/* The block with descriptor block `index`. */
static u64 descriptor_block(const struct ext4_volume *volume, u32 index)
{
	u32 super = EXT4_SUPER_OFFSET >> volume->block_shift, group;

	if (!ext4_has_incompat(volume, EXT4_INCOMPAT_META_BG) || index < volume->first_meta_group)
		return (u64)super + 1 + index;
	group = index * (volume->block_size / volume->descriptor_size);
	if (group == 0)
		return (u64)super + 1;
	return volume->first_data_block + (u64)group * volume->blocks_per_group +
	       ext4_group_has_super(volume, group);
}

u64 ext4_descriptor_block(const struct ext4_volume *volume, u32 group, u32 *offset)
{
	u32 each = volume->block_size / volume->descriptor_size;

	*offset = group % each * volume->descriptor_size;
	return descriptor_block(volume, group / each);
}

u16 ext4_group_checksum(const struct ext4_volume *volume, u32 group,
			const struct ext4_disk_group *descriptor)
{
	u32 size = MIN(volume->descriptor_size, (u32)sizeof(*descriptor));
	const u8 *behind = (const u8 *)descriptor + CHECKSUM_OFFSET + 2;

	if (volume->checksums) {
		static const u16 none;
		u32 crc = crc32c(volume->checksum_seed, &group, sizeof(group));
		crc = crc32c(crc, descriptor, CHECKSUM_OFFSET);
		crc = crc32c(crc, &none, sizeof(none));
		crc = crc32c(crc, behind, size - CHECKSUM_OFFSET - 2);
		return (u16)crc;
	}
	if (volume->ro_compat & EXT4_RO_COMPAT_GDT_CSUM) {
		u16 crc = crc16(0xffff, volume->uuid, sizeof(volume->uuid));
		crc = crc16(crc, &group, sizeof(group));
		crc = crc16(crc, descriptor, CHECKSUM_OFFSET);
		crc = crc16(crc, behind, size - CHECKSUM_OFFSET - 2);
		return crc;
	}
	return descriptor->checksum;
}

bool ext4_group_is_intact(const struct ext4_volume *volume, u32 group,
			  const struct ext4_disk_group *descriptor)
{
	return ext4_group_checksum(volume, group, descriptor) == descriptor->checksum;
}

int ext4_inode_table(const struct ext4_volume *volume, u32 group, u64 *table)
{
	struct ext4_disk_group descriptor = {0};
	u32 offset;
	u64 block = ext4_descriptor_block(volume, group, &offset);
	int error;

	/* Descriptors that change cannot be read beside it. */
	if (volume->tables) {
		*table = volume->tables[group];
		return 0;
	}
	error = ext4_read(volume, block, offset, &descriptor,
			  MIN(volume->descriptor_size, (u32)sizeof(descriptor)));
	if (error)
		return error;
	if (!ext4_group_is_intact(volume, group, &descriptor))
		return -EBADMSG;
	*table = descriptor.inode_table_lo;
	if (volume->descriptor_size >= DESCRIPTOR_SIZE_64)
		*table |= (u64)descriptor.inode_table_hi << 32;
	return *table > volume->first_data_block ? 0 : -EUCLEAN;
}

u32 ext4_node_seed(const struct ext4_volume *volume, u32 ino, u32 generation)
{
	u32 crc = crc32c(volume->checksum_seed, &ino, sizeof(ino));

	return crc32c(crc, &generation, sizeof(generation));
}

/* Is the inode's checksum right?  Its fields for it are zeros while it is counted. */
bool ext4_node_is_intact(const struct ext4_volume *volume, u32 ino, struct ext4_disk_inode *inode)
{
	bool wide = volume->inode_size > EXT4_OLD_INODE_SIZE && inode->extra_size >= 4;
	u16 low = inode->checksum_lo, high = wide ? inode->checksum_hi : 0;
	u32 crc;

	inode->checksum_lo = 0;
	if (wide)
		inode->checksum_hi = 0;
	crc = crc32c(ext4_node_seed(volume, ino, inode->generation), inode, volume->inode_size);
	inode->checksum_lo = low;
	if (wide)
		inode->checksum_hi = high;
	return (u16)crc == low && (!wide || crc >> 16 == high);
}

int ext4_node_read_raw(const struct ext4_volume *volume, u32 ino, void *buffer)
{
	struct ext4_disk_inode *inode = buffer;
	u64 table, byte;
	int error;

	if (ino == 0 || ino > volume->inodes)
		return -EUCLEAN;
	error = ext4_inode_table(volume, (ino - 1) / volume->inodes_per_group, &table);
	if (error)
		return error;
	byte = (u64)((ino - 1) % volume->inodes_per_group) * volume->inode_size;
	error = ext4_read(volume, table + (byte >> volume->block_shift),
			  (u32)byte & (volume->block_size - 1), buffer, volume->inode_size);
	if (error)
		return error;
	if (volume->inode_size > EXT4_OLD_INODE_SIZE &&
	    (inode->extra_size % 4 != 0 ||
	     inode->extra_size > volume->inode_size - EXT4_OLD_INODE_SIZE))
		return -EUCLEAN;
	if (volume->checksums && !ext4_node_is_intact(volume, ino, inode))
		return -EBADMSG;
	return 0;
}

/* --- What the fields mean --- */

/* Is the field that ends at `end` there? */
#define HAS_FIELD(node, field)                               \
	((node)->extra_size + EXT4_OLD_INODE_SIZE >=         \
	 __builtin_offsetof(struct ext4_disk_inode, field) + \
		 sizeof(((struct ext4_disk_inode *)0)->field))

/* Two more bits of seconds, and nanoseconds. */
static void take_time(u32 seconds, u32 extra, s64 *to, u32 *nanoseconds)
{
	*to = (s64)(s32)seconds + (s64)((u64)(extra & 3) << 32);
	*nanoseconds = MIN(extra >> 2, 999999999u);
}

static void take_times(struct ext4_node *node, const struct ext4_disk_inode *inode)
{
	take_time(inode->atime, HAS_FIELD(node, atime_extra) ? inode->atime_extra : 0, &node->atime,
		  &node->atime_ns);
	take_time(inode->ctime, HAS_FIELD(node, ctime_extra) ? inode->ctime_extra : 0, &node->ctime,
		  &node->ctime_ns);
	take_time(inode->mtime, HAS_FIELD(node, mtime_extra) ? inode->mtime_extra : 0, &node->mtime,
		  &node->mtime_ns);
	node->has_btime = HAS_FIELD(node, btime_extra);
	if (node->has_btime)
		take_time(inode->btime, inode->btime_extra, &node->btime, &node->btime_ns);
}

static u64 sectors_of(const struct ext4_volume *volume, const struct ext4_disk_inode *inode)
{
	u64 blocks = inode->blocks_lo;

	if (!(volume->ro_compat & EXT4_RO_COMPAT_HUGE_FILE))
		return blocks;
	blocks |= (u64)inode->blocks_hi << 32;
	return inode->flags & EXT4_INODE_HUGE_FILE ? blocks << (volume->block_shift - 9) : blocks;
}

/* The number of a device, in the old form or the new one. */
static void take_device(struct ext4_node *node, const struct ext4_disk_inode *inode)
{
	u32 old = inode->block[0], new = inode->block[1];

	node->major = old != 0 ? old >> 8 & 0xff : new >> 8 & 0xfff;
	node->minor = old != 0 ? old & 0xff : (new & 0xff) | (new >> 12 & 0xfff00);
}

/* Extended attributes behind the fields: xattr.c. */
static bool has_attributes(const struct ext4_volume *volume, const struct ext4_disk_inode *inode,
			   u32 extra_size)
{
	u32 start = EXT4_OLD_INODE_SIZE + extra_size, magic;

	if (extra_size == 0 || start + sizeof(magic) > volume->inode_size)
		return false;
	memcpy(&magic, (const u8 *)inode + start, sizeof(magic));
	return magic == EXT4_XATTR_MAGIC;
}

static void take(const struct ext4_volume *volume, const struct ext4_disk_inode *inode,
		 struct ext4_node *node)
{
	node->mode = inode->mode;
	node->uid = inode->uid_lo | (u32)inode->uid_hi << 16;
	node->gid = inode->gid_lo | (u32)inode->gid_hi << 16;
	node->links = inode->links;
	node->flags = inode->flags;
	node->generation = inode->generation;
	node->size = inode->size_lo;
	if (S_ISREG(node->mode) || ext4_has_incompat(volume, EXT4_INCOMPAT_LARGE_DIR))
		node->size |= (u64)inode->size_hi << 32;
	node->xattr_block = inode->xattr_block_lo;
	if (ext4_has_incompat(volume, EXT4_INCOMPAT_64BIT))
		node->xattr_block |= (u64)inode->xattr_block_hi << 32;
	node->sectors = sectors_of(volume, inode);
	node->extra_size = volume->inode_size > EXT4_OLD_INODE_SIZE ? inode->extra_size : 0;
	node->has_attributes = has_attributes(volume, inode, node->extra_size);
	node->seed = ext4_node_seed(volume, node->ino, node->generation);
	take_times(node, inode);
	take_device(node, inode);
	memcpy(node->body, inode->block, sizeof(node->body));
}

static bool is_sane(const struct ext4_volume *volume, const struct ext4_node *node)
{
	switch (node->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return false;
	}
	if (node->flags & EXT4_INODE_INLINE_DATA &&
	    !ext4_has_incompat(volume, EXT4_INCOMPAT_INLINE_DATA))
		return false;
	return node->size <= (u64)UINT32_MAX << volume->block_shift;
}

static int read_node(const struct ext4_volume *volume, u32 ino, struct ext4_node *node,
		     bool unlinked)
{
	void *buffer =
		volume->ops->allocate(MAX(volume->inode_size, (u32)sizeof(struct ext4_disk_inode)));
	const struct ext4_disk_inode *inode = buffer;
	int error;

	if (!buffer)
		return -ENOMEM;
	error = ext4_node_read_raw(volume, ino, buffer);
	if (!error && ((inode->links == 0 && !unlinked) || inode->mode == 0))
		error = -ESTALE;
	if (!error) {
		memset(node, 0, sizeof(*node));
		node->ino = ino;
		take(volume, inode, node);
		error = is_sane(volume, node) ? 0 : -EUCLEAN;
	}
	volume->ops->release(buffer);
	return error;
}

int ext4_node_read(const struct ext4_volume *volume, u32 ino, struct ext4_node *node)
{
	return read_node(volume, ino, node, false);
}

int ext4_node_read_unlinked(const struct ext4_volume *volume, u32 ino, struct ext4_node *node)
{
	return read_node(volume, ino, node, true);
}

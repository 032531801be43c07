/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the overlay notes in attributes of the layers' files, as Linux has it:
 *
 *	opaque    "y": of an upper directory: nothing below it is seen
 *	impure    "y": of an upper directory: files in it may have an origin
 *	origin    of an upper file: which lower file it is a copy of, so that its number stays
 *	redirect, metacopy
 *	          of what Linux may have been told to leave out; such files cannot be had here
 *
 * An origin is a file handle: 21 bytes of a head and the number and generation of an inode.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/format.h"
#include "lib/string.h"

enum { MARK_NAME_MAX = 40, HANDLE_MAGIC = 0xfb, HANDLE_NUMBER_GENERATION = 1 };

struct origin_handle {
	u8 version; /* 0 */
	u8 magic;
	u8 length; /* of all of it */
	u8 flags;  /* 0: little endian, of a lower layer */
	u8 type;   /* of the rest */
	u8 uuid[16];
	u32 number, generation;
} __packed;

static const char *prefix(const struct overlay_super *super)
{
	return super->user_attributes ? "user.overlay." : "trusted.overlay.";
}

bool overlay_is_private(const struct overlay_super *super, const char *name)
{
	return strncmp(name, prefix(super), strlen(prefix(super))) == 0;
}

static ssize_t get_mark(const struct overlay_super *super, struct inode *inode, const char *mark,
			void *value, size_t size)
{
	char name[MARK_NAME_MAX];

	snprintf(name, sizeof(name), "%s%s", prefix(super), mark);
	return xattr_get(inode, name, value, size);
}

static int set_mark(const struct overlay_super *super, struct inode *inode, const char *mark,
		    const void *value, size_t size)
{
	char name[MARK_NAME_MAX];

	snprintf(name, sizeof(name), "%s%s", prefix(super), mark);
	return xattr_set(inode, name, value, size, 0);
}

static bool is_yes(const struct overlay_super *super, struct inode *inode, const char *mark)
{
	char value;

	return get_mark(super, inode, mark, &value, 1) == 1 && value == 'y';
}

bool overlay_is_opaque(const struct overlay_super *super, struct inode *inode)
{
	return is_yes(super, inode, "opaque");
}

int overlay_set_opaque(const struct overlay_super *super, struct inode *inode)
{
	return set_mark(super, inode, "opaque", "y", 1);
}

bool overlay_is_foreign(const struct overlay_super *super, struct inode *inode)
{
	if (S_ISDIR(inode->mode))
		return get_mark(super, inode, "redirect", NULL, 0) >= 0;
	return S_ISREG(inode->mode) && get_mark(super, inode, "metacopy", NULL, 0) >= 0;
}

bool overlay_is_impure(const struct overlay_super *super, struct inode *inode)
{
	return is_yes(super, inode, "impure");
}

int overlay_set_impure(struct overlay_node *directory)
{
	int error;

	if (READ_ONCE(directory->impure))
		return 0;
	error = set_mark(overlay_super_of(directory), dentry_inode(overlay_upper(directory)),
			 "impure", "y", 1);
	if (!error)
		WRITE_ONCE(directory->impure, true);
	return error;
}

static bool has_uuid(const struct superblock *superblock)
{
	static const u8 none[sizeof(superblock->uuid)];

	return memcmp(superblock->uuid, none, sizeof(none)) != 0;
}

int overlay_set_origin(const struct overlay_super *super, struct inode *upper, struct inode *lower)
{
	const struct superblock *superblock = lower->superblock;
	struct origin_handle handle = {
		.magic = HANDLE_MAGIC,
		.length = sizeof(handle),
		.type = HANDLE_NUMBER_GENERATION,
		.number = (u32)lower->ino,
	};

	/* Of a file with more names, each is copied for itself. */
	if (!has_uuid(superblock) || lower->ino > UINT32_MAX ||
	    (!S_ISDIR(lower->mode) && lower->nlink > 1))
		return 0;
	memcpy(handle.uuid, superblock->uuid, sizeof(handle.uuid));
	if (superblock->ops->generation)
		handle.generation = superblock->ops->generation(lower);
	return set_mark(super, upper, "origin", &handle, sizeof(handle));
}

bool overlay_origin(const struct overlay_super *super, struct inode *upper, ino_t *number)
{
	struct origin_handle handle;

	if (get_mark(super, upper, "origin", &handle, sizeof(handle)) != sizeof(handle) ||
	    handle.version != 0 || handle.magic != HANDLE_MAGIC ||
	    handle.length != sizeof(handle) || handle.type != HANDLE_NUMBER_GENERATION)
		return false;
	for (u32 i = 0; i < super->lower_count; i++) {
		const struct overlay_layer *layer = &super->lowers[i];
		const struct superblock *superblock = layer->path.mount->superblock;

		if (!has_uuid(superblock) ||
		    memcmp(superblock->uuid, handle.uuid, sizeof(handle.uuid)) != 0)
			continue;
		*number = overlay_number(super, layer->file_system, handle.number);
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filling the root from the initramfs.
 *
 * lib/initramfs reads the image; here each entry becomes a file.  Entries with the same inode and
 * device numbers and more than one link are names of one file: the first makes it, the others link
 * to it, and whichever of them brings data writes it.  The names met so far are remembered until
 * the end.
 *
 * As Linux does: what is there already is replaced (or, for directories, adjusted), an entry that
 * cannot be made is reported and skipped, and a broken image keeps what came before the broken
 * place.
 */
#include "fs/device.h"
#include "fs/fs_internal.h"

#include "boot/boot_info.h"
#include "lib/initramfs.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"

enum { LINK_BUCKETS = 64 };

/* A file with several names. */
struct known_link {
	struct known_link *next;
	u32 inode, major, minor;
	char name[];
};

struct unpacking {
	struct initramfs_reader reader;
	struct known_link *links[LINK_BUCKETS];
	struct cpio_entry entry; /* the one whose data comes now */
	char *path;              /* of that entry; NULL: its data is skipped */
	struct file *file;       /* regular files: open for writing */
	off_t position;
	char *target; /* symbolic links: text so far */
	u64 files, bytes;
};

/* Removes whatever stands in the way of an entry, unless both are directories. */
static void clear_way(const char *path, mode_t mode)
{
	struct path found;
	mode_t there;
	int error;

	if (path_lookup(AT_FDCWD, path, 0, &found))
		return;
	there = path_inode(&found)->mode;
	path_put(&found);
	if ((there & S_IFMT) == (mode & S_IFMT) && S_ISDIR(there))
		return;
	error = S_ISDIR(there) ? vfs_rmdir(AT_FDCWD, path) : vfs_unlink(AT_FDCWD, path);
	if (error)
		log_warn("initramfs: %s is in the way: error %d", path, -error);
}

/* Owner, mode and time of a finished entry. */
static void set_attributes(const struct unpacking *u)
{
	const struct cpio_entry *entry = &u->entry;
	struct path path;
	struct attr_change change = {
		.valid = ATTR_UID | ATTR_GID | ATTR_MTIME | ATTR_MTIME_SET | ATTR_FORCE,
		.uid = entry->user,
		.gid = entry->group,
		.mode = entry->mode & S_IALLUGO,
		.mtime = {.seconds = entry->mtime},
	};

	if (!S_ISLNK(entry->mode))
		change.valid |= ATTR_MODE;
	if (path_lookup(AT_FDCWD, u->path, 0, &path))
		return;
	if (inode_change(path_inode(&path), &change))
		log_warn("initramfs: %s: attributes not set", u->path);
	path_put(&path);
}

/* The first name of a file with several, or NULL; the name is remembered if it is the first. */
static const char *find_link(struct unpacking *u)
{
	const struct cpio_entry *entry = &u->entry;
	struct known_link **bucket = &u->links[entry->inode % LINK_BUCKETS], *link;
	size_t size = strlen(u->path) + 1;

	if (entry->links < 2 || S_ISDIR(entry->mode))
		return NULL;
	for (link = *bucket; link; link = link->next)
		if (link->inode == entry->inode && link->major == entry->device_major &&
		    link->minor == entry->device_minor)
			return link->name;
	link = kmalloc(sizeof(*link) + size);
	if (!link)
		return NULL;
	link->inode = entry->inode;
	link->major = entry->device_major;
	link->minor = entry->device_minor;
	memcpy(link->name, u->path, size);
	link->next = *bucket;
	*bucket = link;
	return NULL;
}

static int open_regular(struct unpacking *u, bool linked)
{
	const struct cpio_entry *entry = &u->entry;

	if (linked && entry->size == 0)
		return 0;
	u->file =
		file_open(AT_FDCWD, u->path, O_WRONLY | O_CREAT | O_TRUNC, entry->mode & S_IALLUGO);
	if (!IS_ERR(u->file))
		return 0;
	int error = (int)PTR_ERR(u->file);

	u->file = NULL;
	return error;
}

static int make_entry(struct unpacking *u)
{
	const struct cpio_entry *entry = &u->entry;
	const char *first;
	int error = 0;

	clear_way(u->path, entry->mode);
	first = find_link(u);
	if (first) {
		error = vfs_link(AT_FDCWD, first, AT_FDCWD, u->path, 0);
		if (error)
			return error;
	}
	switch (entry->mode & S_IFMT) {
	case S_IFREG:
		return open_regular(u, first != NULL);
	case S_IFDIR:
		error = vfs_mkdir(AT_FDCWD, u->path, entry->mode & S_IALLUGO);
		return error == -EEXIST ? 0 : error;
	case S_IFLNK:
		if (entry->size == 0 || entry->size >= PATH_MAX)
			return -ENAMETOOLONG;
		u->target = kzalloc(entry->size + 1);
		return u->target ? 0 : -ENOMEM;
	default:
		if (first)
			return 0;
		return vfs_mknod(AT_FDCWD, u->path, entry->mode,
				 device_make(entry->special_major, entry->special_minor));
	}
}

static int entry_start(void *context, const struct cpio_entry *entry)
{
	struct unpacking *u = context;
	int error;

	u->entry = *entry;
	u->position = 0;
	u->path = kstrdup(entry->name);
	if (!u->path)
		return -ENOMEM;
	error = make_entry(u);
	if (!error)
		return 0;
	log_warn("initramfs: %s: cannot be made: error %d", u->path, -error);
	kfree(u->path);
	u->path = NULL;
	return error == -ENOMEM || error == -ENOSPC ? error : 0;
}

static int entry_data(void *context, const u8 *bytes, size_t size)
{
	struct unpacking *u = context;
	ssize_t done;

	if (u->target) {
		memcpy(u->target + u->position, bytes, size);
		u->position += (off_t)size;
		return 0;
	}
	if (!u->file)
		return 0;
	done = file_write_kernel(u->file, bytes, size, u->position);
	if (done != (ssize_t)size)
		return done < 0 ? (int)done : -ENOSPC;
	u->position += done;
	u->bytes += size;
	return 0;
}

static void entry_release(struct unpacking *u)
{
	if (u->file)
		file_put(u->file);
	kfree(u->target);
	kfree(u->path);
	u->file = NULL;
	u->target = NULL;
	u->path = NULL;
}

static int entry_finish(void *context)
{
	struct unpacking *u = context;

	if (u->target) {
		int error = vfs_symlink(u->target, AT_FDCWD, u->path);

		if (error)
			log_warn("initramfs: %s: cannot be made: error %d", u->path, -error);
	}
	if (u->file) {
		file_put(u->file);
		u->file = NULL;
	}
	if (u->path) {
		set_attributes(u);
		u->files++;
	}
	entry_release(u);
	return 0;
}

static const struct cpio_ops unpack_ops = {
	.entry = entry_start,
	.data = entry_data,
	.finish = entry_finish,
};

static void forget_links(struct unpacking *u)
{
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		struct known_link *link = u->links[i];

		while (link) {
			struct known_link *next = link->next;

			kfree(link);
			link = next;
		}
	}
}

static int unpack(const void *image, size_t size)
{
	struct unpacking *u = kzalloc(sizeof(*u));
	int error;

	if (!u)
		return -ENOMEM;
	error = initramfs_read(&u->reader, image, size, &unpack_ops, u);
	entry_release(u);
	if (u->reader.error)
		log_error("initramfs: %s at byte %lu%s; unpacked %lu files before it",
			  u->reader.error, (unsigned long)u->reader.error_offset,
			  u->reader.error_unpacked ? " of the unpacked data" : "",
			  (unsigned long)u->files);
	else if (error)
		log_error("initramfs: unpacking stopped after %lu files: error %d",
			  (unsigned long)u->files, -error);
	else
		log_info("initramfs: %lu files, %lu KiB", (unsigned long)u->files,
			 (unsigned long)(u->bytes / KIB));
	forget_links(u);
	kfree(u);
	return error;
}

int initramfs_unpack(void)
{
	int error = 0;

	if (boot_info.initramfs_size > 0) {
		error = unpack(phys_to_virt(boot_info.initramfs), boot_info.initramfs_size);
		frame_release_range(
			ALIGN_DOWN(boot_info.initramfs, PAGE_SIZE),
			ALIGN_UP(boot_info.initramfs_size + (boot_info.initramfs & (PAGE_SIZE - 1)),
				 PAGE_SIZE));
	}
	return error;
}

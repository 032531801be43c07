/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device numbers and character devices.
 *
 * The kernel keeps a device number as major << 20 | minor; programs see Linux's encodings.  A
 * driver registers its operations under a number and a name; the node appears in /dev (a tmpfs of
 * its own, "devtmpfs").
 */
#ifndef FS_DEVICE_H
#define FS_DEVICE_H

#include "fs/file.h"

static inline dev_t device_make(u32 major, u32 minor)
{
	return (dev_t)major << 20 | minor;
}
static inline u32 device_major(dev_t device)
{
	return (u32)(device >> 20);
}
static inline u32 device_minor(dev_t device)
{
	return (u32)device & 0xfffff;
}
/* As stat(2) and mknod(2) have it: 12 bits of major in the middle, the minor around it. */
static inline u64 device_to_user(dev_t device)
{
	u32 major = device_major(device), minor = device_minor(device);

	if (likely(major < 0x1000 && minor < 0x100))
		return minor | major << 8;
	return (minor & 0xff) | (u64)(major & 0xfff) << 8 | (u64)(minor & ~0xffu) << 12 |
	       (u64)(major & ~0xfffu) << 32;
}
static inline dev_t device_from_user(u64 number)
{
	return device_make((u32)((number >> 8 & 0xfff) | (number >> 32 & ~0xfffull)),
			   (u32)((number & 0xff) | (number >> 12 & 0xfff00)));
}

/*
 * Registers `count` minors from `minor`; nodes get the name and the mode bits.  With count > 1 no
 * node is made. `name` may contain directories ("pts/ptmx").  ops->open finds its device through
 * inode->rdev.  0, -EBUSY, -ENOMEM.
 */
int device_register_char(u32 major, u32 minor, u32 count, const char *name, mode_t mode,
			 const struct file_operations *ops);
/* Makes or removes a node in /dev for a number that is registered already.  0 or an error. */
int device_node_create(const char *name, mode_t mode, dev_t device, uid_t uid, gid_t gid);
int device_node_remove(const char *name);

/* Calls function for each registered range: /proc/devices. */
void device_iterate(void (*function)(u32 major, const char *name, void *argument), void *argument);

/* The operations of a number, or NULL. */
const struct file_operations *device_find_char(dev_t device);

/* Mounts the directory of devices at /dev.  In a task, once. */
void device_directory_mount(void);

/* Drivers of this floor. */
void memory_devices_init(void); /* drivers/char/mem.c: null, zero, full, random, urandom, kmsg */

#endif

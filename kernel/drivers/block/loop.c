/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loop devices: files as disks (loop(4)).
 *
 * /dev/loop-control makes devices when they are asked for; they stay.  A device is bound to a file
 * by LOOP_CONFIGURE or LOOP_SET_FD and let go by LOOP_CLR_FD, or, with the autoclear flag, by its
 * last close.  loops_lock guards the list; loop->lock the binding.
 */
#include "drivers/block/drivers.h"
#include "drivers/block/loop_internal.h"
#include "fs/device.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"

enum {
	LOOP_MAJOR = 7,
	LOOP_LIMIT = 256,
	MISC_MAJOR = 10,
	CONTROL_MINOR = 237,
	LOOP_MAX_SECTORS = 1024,
	SETTABLE_FLAGS = LO_FLAGS_AUTOCLEAR | LO_FLAGS_READ_ONLY,
	KNOWN_FLAGS = SETTABLE_FLAGS | LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO,
};

static mutex_t loops_lock = MUTEX_INIT(loops_lock);
static struct list_head loops = LIST_INIT(loops); /* loops_lock */

/* --- Binding --- */

/* The disk's size, from the file's; loop->lock is held. */
static void set_size(struct loop *loop)
{
	u64 size = 0, limit = loop->size_limit;
	struct block_device *under = loop->file != NULL ? block_of_file(loop->file) : NULL;

	if (loop->file != NULL)
		size = under != NULL ? block_size_bytes(under) : (u64)inode_size(loop->file->inode);
	size -= MIN(size, loop->offset);
	block_disk_resize(loop->disk, (limit != 0 ? MIN(size, limit) : size) >> SECTOR_SHIFT);
}

static int check_info(const struct linux_loop_info64 *info)
{
	if (info->encrypt_type != 0 || info->encrypt_key_size != 0)
		return -EINVAL;
	return (s64)info->offset < 0 || (s64)info->size_limit < 0 ? -EOVERFLOW : 0;
}

static void take_info(struct loop *loop, const struct linux_loop_info64 *info)
{
	loop->offset = info->offset;
	loop->size_limit = info->size_limit;
	memcpy(loop->file_name, info->file_name, LOOP_NAME_SIZE);
	loop->file_name[LOOP_NAME_SIZE - 1] = '\0';
}

/* Is the file itself, however far below, this loop? */
static bool is_own(const struct loop *loop, const struct file *file)
{
	const struct block_device *device = block_of_file(file);

	for (u32 depth = 0; device != NULL && depth < LOOP_LIMIT; depth++) {
		const struct loop *other;

		if (device->disk == loop->disk)
			return true;
		if (device->disk->ops != &loop_disk_ops)
			return false;
		other = device->disk->private;
		device = other->file != NULL ? block_of_file(other->file) : NULL;
	}
	return device != NULL;
}

static int check_file(const struct loop *loop, const struct file *file)
{
	mode_t mode = file->inode->mode;

	if (!(file->mode & FILE_READ))
		return -EBADF;
	if (!S_ISREG(mode) && !S_ISBLK(mode))
		return -EINVAL;
	return file->ops->read == NULL || is_own(loop, file) ? -EBADF : 0;
}

/* Binds the loop to a descriptor's file; loop->lock is held. */
static int bind(struct loop *loop, int fd, const struct linux_loop_info64 *info)
{
	struct file *file = fd_get(fd);
	int error;

	if (file == NULL)
		return -EBADF;
	error = loop->file != NULL ? -EBUSY : check_file(loop, file);
	if (error == 0)
		error = check_info(info);
	if (error == 0 && info->flags & ~(u32)KNOWN_FLAGS)
		error = -EINVAL;
	if (error == 0) {
		loop->file = file;
		error = loop_start(loop);
	}
	if (error != 0) {
		if (loop->file == file)
			loop->file = NULL;
		file_put(file);
		return error;
	}
	take_info(loop, info);
	loop->flags = info->flags & SETTABLE_FLAGS;
	if (!(file->mode & FILE_WRITE) || file->ops->write == NULL)
		loop->flags |= LO_FLAGS_READ_ONLY;
	WRITE_ONCE(loop->disk->whole->read_only, (loop->flags & LO_FLAGS_READ_ONLY) != 0);
	loop->disk->discard = loop->disk->write_zeros = file->ops->fallocate != NULL;
	set_size(loop);
	return 0;
}

/* Lets the file go; loop->lock is held, and nobody else uses the device. */
static void unbind(struct loop *loop)
{
	int error = block_sync(loop->disk->whole, 0, UINT64_MAX);

	if (error != 0)
		log_warn("%s: write-back failed: error %d", loop->disk->name, -error);
	loop_stop(loop);
	file_put(loop->file);
	loop->file = NULL;
	loop->offset = loop->size_limit = 0;
	loop->flags = 0;
	loop->file_name[0] = '\0';
	WRITE_ONCE(loop->disk->whole->read_only, false);
	set_size(loop);
}

void loop_closed(struct block_disk *disk)
{
	struct loop *loop = disk->private;

	mutex_lock(&loop->lock);
	if (loop->file != NULL && loop->flags & LO_FLAGS_AUTOCLEAR &&
	    READ_ONCE(disk->whole->openers) == 0)
		unbind(loop);
	mutex_unlock(&loop->lock);
}

/* --- ioctl --- */

static long configure(struct loop *loop, vaddr_t argument)
{
	struct linux_loop_config config;

	if (get_user(config, argument))
		return -EFAULT;
	for (u32 i = 0; i < ARRAY_SIZE(config.reserved); i++)
		if (config.reserved[i] != 0)
			return -EINVAL;
	if (config.block_size != 0 && config.block_size != SECTOR_SIZE)
		return -EINVAL;
	return bind(loop, (int)config.fd, &config.info);
}

static long clear(struct loop *loop)
{
	if (loop->file == NULL)
		return -ENXIO;
	/* Whoever else has it open keeps it; the last close lets go. */
	if (READ_ONCE(loop->disk->whole->openers) > 1)
		loop->flags |= LO_FLAGS_AUTOCLEAR;
	else
		unbind(loop);
	return 0;
}

static long set_status(struct loop *loop, vaddr_t argument)
{
	struct linux_loop_info64 info;
	int error;

	if (get_user(info, argument))
		return -EFAULT;
	if (loop->file == NULL)
		return -ENXIO;
	error = check_info(&info);
	if (error != 0)
		return error;
	if (info.offset != loop->offset || info.size_limit != loop->size_limit)
		block_drop_pages(loop->disk->whole);
	take_info(loop, &info);
	loop->flags = (loop->flags & ~(u32)LO_FLAGS_AUTOCLEAR) | (info.flags & LO_FLAGS_AUTOCLEAR);
	set_size(loop);
	return 0;
}

static long get_status(struct loop *loop, vaddr_t argument)
{
	struct linux_loop_info64 info = {0};

	if (loop->file == NULL)
		return -ENXIO;
	info.device = device_to_user(loop->file->inode->superblock->device);
	info.inode = loop->file->inode->ino;
	info.rdevice = device_to_user(loop->file->inode->rdev);
	info.offset = loop->offset;
	info.size_limit = loop->size_limit;
	info.number = loop->number;
	info.flags = loop->flags;
	memcpy(info.file_name, loop->file_name, LOOP_NAME_SIZE);
	return put_user(info, argument) ? -EFAULT : 0;
}

static long set_capacity(struct loop *loop)
{
	if (loop->file == NULL)
		return -ENXIO;
	set_size(loop);
	return 0;
}

long loop_ioctl(struct block_device *device, unsigned command, vaddr_t argument)
{
	static const struct linux_loop_info64 plain;
	struct loop *loop = device->disk->private;
	long result;

	if (command == LOOP_GET_STATUS64 || capable(CAP_SYS_ADMIN))
		mutex_lock(&loop->lock);
	else
		return command >> 8 == LOOP_SET_FD >> 8 ? -EPERM : -ENOTTY;
	switch (command) {
	case LOOP_SET_FD:
		result = bind(loop, (int)argument, &plain);
		break;
	case LOOP_CONFIGURE:
		result = configure(loop, argument);
		break;
	case LOOP_CLR_FD:
		result = clear(loop);
		break;
	case LOOP_SET_STATUS64:
		result = set_status(loop, argument);
		break;
	case LOOP_GET_STATUS64:
		result = get_status(loop, argument);
		break;
	case LOOP_SET_CAPACITY:
		result = set_capacity(loop);
		break;
	case LOOP_SET_BLOCK:
		result = argument == SECTOR_SIZE ? 0 : -EINVAL;
		break;
	case LOOP_SET_DIRECT_IO:
		result = argument == 0 ? 0 : -EINVAL;
		break;
	default:
		result = -ENOTTY;
	}
	mutex_unlock(&loop->lock);
	return result;
}

/* --- Making them --- */

/* loops_lock is held. */
static struct loop *find_locked(u32 number)
{
	struct loop *loop;

	list_for_each_entry (loop, &loops, link)
		if (loop->number == number)
			return loop;
	return NULL;
}

static long add_locked(u32 number)
{
	struct loop *loop;
	long error = -ENOMEM;

	if (number >= LOOP_LIMIT)
		return -EINVAL;
	loop = kzalloc(sizeof(*loop));
	if (loop == NULL)
		return -ENOMEM;
	loop->number = number;
	mutex_init(&loop->lock);
	wait_queue_init(&loop->work);
	loop->disk = block_disk_alloc(&loop_disk_ops, 1, loop);
	if (loop->disk == NULL)
		goto fail;
	snprintf(loop->disk->name, sizeof(loop->disk->name), "loop%u", number);
	loop->disk->driver = "loop";
	loop->disk->major = LOOP_MAJOR;
	loop->disk->first_minor = number;
	loop->disk->minors = 1;
	loop->disk->write_cache = true;
	loop->disk->folder = &loop_folder;
	loop->disk->max_sectors = LOOP_MAX_SECTORS;
	/* The file's disk has time-outs of its own. */
	loop->disk->time_out = UINT64_MAX / 4;
	error = block_disk_add(loop->disk, 0);
	if (error != 0)
		goto fail;
	list_add_tail(&loop->link, &loops);
	return number;
fail:
	block_disk_free(loop->disk);
	kfree(loop);
	return error;
}

/* The first device that is bound to nothing, made if there is none. */
static long get_free_locked(void)
{
	for (u32 number = 0; number < LOOP_LIMIT; number++) {
		struct loop *loop = find_locked(number);

		if (loop == NULL)
			return add_locked(number);
		if (READ_ONCE(loop->file) == NULL)
			return number;
	}
	return -ENOSPC;
}

static long control(struct file *file __unused, unsigned command, vaddr_t argument)
{
	u32 wanted = (u32)argument;
	long result;

	mutex_lock(&loops_lock);
	switch (command) {
	case LOOP_CTL_ADD:
		if ((int)wanted < 0)
			result = get_free_locked();
		else
			result = find_locked(wanted) != NULL ? -EEXIST : add_locked(wanted);
		break;
	case LOOP_CTL_GET_FREE:
		result = get_free_locked();
		break;
	case LOOP_CTL_REMOVE:
		/* They cost little and stay. */
		result = find_locked(wanted) != NULL ? -EBUSY : -ENODEV;
		break;
	default:
		result = -ENOTTY;
	}
	mutex_unlock(&loops_lock);
	return result;
}

static const struct file_operations control_operations = {.ioctl = control};

void loop_init(void)
{
	int error = device_register_char(MISC_MAJOR, CONTROL_MINOR, 1, "loop-control", 0660,
					 &control_operations);

	if (error != 0)
		log_warn("loop devices: no /dev/loop-control: error %d", -error);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening special files: an inode's first file operations find the real ones by its type and
 * number.
 */
#include "fs/device.h"
#include "fs/fs_internal.h"

static const struct file_operations *fifo_ops; /* set once, at start-up */

void fifo_register(const struct file_operations *ops)
{
	fifo_ops = ops;
}

static int open_fifo(struct inode *inode, struct file *file)
{
	if (!fifo_ops)
		return -ENXIO;
	file->ops = fifo_ops;
	return fifo_ops->open(inode, file);
}

static int open_char(struct inode *inode, struct file *file)
{
	const struct file_operations *ops = device_find_char(inode->rdev);

	if (!ops)
		return -ENXIO;
	file->ops = ops;
	return ops->open ? ops->open(inode, file) : 0;
}

static int open_block(struct inode *inode, struct file *file)
{
	file->ops = &block_file_ops;
	return block_file_ops.open(inode, file);
}

static int open_none(struct inode *inode __unused, struct file *file __unused)
{
	return -ENXIO;
}

const struct file_operations special_fifo_ops = {.open = open_fifo, .stream = true};
const struct file_operations special_char_ops = {.open = open_char};
const struct file_operations special_block_ops = {.open = open_block};
const struct file_operations special_socket_ops = {.open = open_none};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /sys/block/loopN/loop: what a loop device is bound to.  It is there as long as it is bound to
 * something; mount(8) and losetup(8) look there before they ask the device.
 */
#include "drivers/block/loop_internal.h"
#include "fs/procfs/procfs.h"
#include "lib/errno.h"
#include "lib/text.h"
#include "mm/kmalloc.h"

/* The loop that a node is about, its device in use and its lock taken, or NULL: it is gone. */
static struct loop *loop_lock(const struct proc_node *node, struct block_device **device)
{
	*device = block_find(node->number);
	if (*device == NULL)
		return NULL;
	struct loop *loop = (*device)->disk->private;
	mutex_lock(&loop->lock);
	return loop;
}

static void loop_unlock(struct loop *loop, struct block_device *device)
{
	mutex_unlock(&loop->lock);
	block_put(device);
}

static int show(const struct proc_node *node, struct text *text,
		int (*describe)(const struct loop *loop, struct text *text))
{
	struct block_device *device;
	struct loop *loop = loop_lock(node, &device);

	if (loop == NULL)
		return -ENODEV;
	int error = loop->file != NULL ? describe(loop, text) : -ENXIO;
	loop_unlock(loop, device);
	return error;
}

static int describe_file(const struct loop *loop, struct text *text)
{
	char *buffer = kmalloc(PATH_MAX);

	if (buffer == NULL)
		return -ENOMEM;
	char *name = path_name(&loop->file->path, buffer, PATH_MAX);
	int error = IS_ERR(name) ? (int)PTR_ERR(name) : 0;
	if (error == 0)
		text_printf(text, "%s\n", name);
	kfree(buffer);
	return error;
}

#define LOOP_FILE(file, value)                                                  \
	static int describe_##file(const struct loop *loop, struct text *text)  \
	{                                                                       \
		text_printf(text, "%lu\n", (unsigned long)(value));             \
		return 0;                                                       \
	}                                                                       \
	static int show_##file(const struct proc_node *node, struct text *text) \
	{                                                                       \
		return show(node, text, describe_##file);                       \
	}

LOOP_FILE(offset, loop->offset)
LOOP_FILE(size_limit, loop->size_limit)
LOOP_FILE(autoclear, !!(loop->flags & LO_FLAGS_AUTOCLEAR))
LOOP_FILE(scan, !!(loop->flags & LO_FLAGS_PARTSCAN))
LOOP_FILE(direct, !!(loop->flags & LO_FLAGS_DIRECT_IO))

static int show_file(const struct proc_node *node, struct text *text)
{
	return show(node, text, describe_file);
}

static bool is_bound(const struct proc_node *node)
{
	struct block_device *device;
	struct loop *loop = loop_lock(node, &device);

	if (loop == NULL)
		return false;
	bool bound = loop->file != NULL;
	loop_unlock(loop, device);
	return bound;
}

static const struct proc_entry loop_files[] = {
	PROC_FILE("autoclear", 0444, show_autoclear),
	PROC_FILE("backing_file", 0444, show_file),
	PROC_FILE("dio", 0444, show_direct),
	PROC_FILE("offset", 0444, show_offset),
	PROC_FILE("partscan", 0444, show_scan),
	PROC_FILE("sizelimit", 0444, show_size_limit),
	PROC_END,
};

const struct proc_entry loop_folder = {
	.name = "loop", .mode = S_IFDIR | 0555, .children = loop_files, .is_there = is_bound};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: files whose text is made when it is read.
 *
 * file->private is the text, made at the first read and again at each read from the beginning, so
 * that a program that rewinds sees news. position_lock, which the caller of read holds for a shared
 * description, keeps readers of one description apart.
 */
#include "fs/procfs/procfs.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"

#define FIRST_SIZE 1024
#define STORE_MAX  4096

static bool grow(struct text *text, size_t size)
{
	size_t capacity = MAX(text->capacity, (size_t)FIRST_SIZE);

	while (capacity < size)
		capacity *= 2;
	char *data = krealloc(text->data, capacity);
	if (data == NULL)
		return false;
	text->data = data;
	text->capacity = capacity;
	return true;
}

static int make_text(struct file *file)
{
	const struct proc_node *node = proc_node_of(file->inode);
	struct text *text = file->private;

	text->length = 0;
	text->failed = false;
	if (node->entry->show == NULL)
		return -EIO;
	int error = node->entry->show(node, text);
	if (!error && text->failed)
		error = -ENOMEM;
	if (error)
		text->length = 0;
	return error;
}

static int text_open(struct inode *inode __unused, struct file *file)
{
	struct text *text = kzalloc(sizeof(*text));

	if (text == NULL)
		return -ENOMEM;
	text->grow = grow;
	file->private = text;
	return 0;
}

static void text_release(struct file *file)
{
	struct text *text = file->private;

	kfree(text->data);
	kfree(text);
}

static ssize_t text_read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct text *text = file->private;

	if (*position == 0 || text->data == NULL) {
		int error = make_text(file);
		if (error)
			return error;
	}
	if ((u64)*position >= text->length)
		return 0;
	ssize_t copied =
		io_copy_to(cursor, text->data + *position, text->length - (size_t)*position);
	if (copied > 0)
		*position += copied;
	return copied;
}

static ssize_t text_write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	const struct proc_node *node = proc_node_of(file->inode);
	size_t size = cursor->remaining;

	if (node->entry->store == NULL)
		return -EIO;
	if (size > STORE_MAX)
		return -EINVAL;
	char *value = kmalloc(size + 1);
	if (value == NULL)
		return -ENOMEM;
	ssize_t copied = io_copy_from(cursor, value, size);
	if (copied == (ssize_t)size) {
		value[size] = '\0';
		int error = node->entry->store(node, value, size);
		if (error)
			copied = error;
		else
			*position += copied;
	}
	kfree(value);
	return copied;
}

const struct file_operations proc_text_operations = {
	.open = text_open,
	.release = text_release,
	.read = text_read,
	.write = text_write,
};

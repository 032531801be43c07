/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: files whose text is made when it is read.
 *
 * file->private is the text, made at the first read and again at each read from the beginning, so
 * that a program that rewinds sees news.  `lock` keeps readers of one description apart: pread(2)
 * comes without the lock of the position.
 */
#include "fs/procfs/procfs.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"

#define FIRST_SIZE 1024
#define STORE_MAX  4096

struct open_text {
	mutex_t lock;
	struct text text; /* lock */
	void *extra;      /* atomic: of files with operations of their own */
};

void *proc_text_extra(struct file *file)
{
	struct open_text *open = file->private;

	return __atomic_load_n(&open->extra, __ATOMIC_ACQUIRE);
}

bool proc_text_set_extra(struct file *file, void *extra)
{
	struct open_text *open = file->private;
	void *none = NULL;

	return __atomic_compare_exchange_n(&open->extra, &none, extra, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

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

static int make_text_locked(const struct proc_node *node, struct text *text)
{
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

int proc_text_open(struct inode *inode __unused, struct file *file)
{
	struct open_text *open = kzalloc(sizeof(*open));

	if (open == NULL)
		return -ENOMEM;
	mutex_init(&open->lock);
	open->text.grow = grow;
	file->private = open;
	return 0;
}

void proc_text_release(struct file *file)
{
	struct open_text *open = file->private;

	kfree(open->text.data);
	kfree(open);
}

ssize_t proc_text_read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct open_text *open = file->private;
	struct text *text = &open->text;
	ssize_t result = mutex_lock_interruptible(&open->lock);

	if (result)
		return result;
	if (*position == 0 || text->data == NULL)
		result = make_text_locked(proc_node_of(file->inode), text);
	if (result == 0 && (u64)*position < text->length)
		result = io_copy_to(cursor, text->data + *position,
				    text->length - (size_t)*position);
	mutex_unlock(&open->lock);
	if (result > 0)
		*position += result;
	return result;
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
	if (copied >= 0 && copied < (ssize_t)size)
		copied = -EFAULT;
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
	.open = proc_text_open,
	.release = proc_text_release,
	.read = proc_text_read,
	.write = text_write,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: what a process has in memory: maps, mem, and the texts on its stack (cmdline, environ).
 */
#include "fs/device.h"
#include "fs/procfs/procfs.h"
#include "lib/abi/mman.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "proc/process.h"

#define CHUNK         512
#define ARGUMENTS_MAX (2 * MIB)
#define NAME_COLUMN   73 /* where maps puts the name */

void proc_show_region(const struct region_info *region, struct text *text)
{
	size_t start = text->length;

	text_printf(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", region->start, region->end,
		    region->prot & PROT_READ ? 'r' : '-', region->prot & PROT_WRITE ? 'w' : '-',
		    region->prot & PROT_EXEC ? 'x' : '-', region->shared ? 's' : 'p',
		    (unsigned long)region->offset, device_major(region->device),
		    device_minor(region->device), (unsigned long)region->inode);
	if (region->name[0] != '\0') {
		size_t written = text->length - start;
		text_printf(text, "%*s%s", (int)(written < NAME_COLUMN ? NAME_COLUMN - written : 0),
			    "", region->name);
	}
	text_append(text, "\n", 1);
}

int proc_show_maps(const struct proc_node *node, struct text *text)
{
	struct address_space *space;
	vaddr_t at = 0;
	int error = proc_inspect_space(node, &space);

	if (error || space == NULL)
		return error;
	struct region_info *region = kmalloc(sizeof(*region));
	while (region != NULL && vmm_next_region(space, at, region, false)) {
		proc_show_region(region, text);
		at = region->end;
	}
	error = region != NULL ? 0 : -ENOMEM;
	kfree(region);
	vmm_put_address_space(space);
	return error;
}

/* Copies a piece of the program's memory to the text; what cannot be read ends it. */
static void append_memory(struct address_space *space, vaddr_t start, vaddr_t end,
			  struct text *text)
{
	char chunk[CHUNK];

	end = MIN(end, start + ARGUMENTS_MAX);
	while (start < end) {
		ssize_t count = vmm_access(space, start, chunk,
					   MIN(end - start, (vaddr_t)sizeof(chunk)), VM_READ);
		if (count <= 0)
			return;
		text_append(text, chunk, (size_t)count);
		start += (vaddr_t)count;
	}
}

int proc_show_cmdline(const struct proc_node *node, struct text *text)
{
	struct address_space *space = proc_node_space(node);

	if (space == NULL)
		return 0;
	append_memory(space, space->layout.argument_start, space->layout.argument_end, text);
	/* A program that overwrote its arguments' last NUL (setproctitle) goes on into the
	 * environment, up to the next NUL. */
	if (text->length > 0 && !text->failed && text->data[text->length - 1] != '\0') {
		size_t known = text->length;
		append_memory(space, space->layout.environment_start, space->layout.environment_end,
			      text);
		const char *end = memchr(text->data, '\0', text->length);
		text->length = end != NULL ? (size_t)(end - text->data) : known;
	}
	vmm_put_address_space(space);
	return 0;
}

int proc_show_environ(const struct proc_node *node, struct text *text)
{
	struct address_space *space;
	int error = proc_inspect_space(node, &space);

	if (error || space == NULL)
		return error;
	append_memory(space, space->layout.environment_start, space->layout.environment_end, text);
	vmm_put_address_space(space);
	return 0;
}

int proc_show_auxv(const struct proc_node *node, struct text *text)
{
	int error = proc_may_inspect(node);

	if (error)
		return error;
	struct process *process = proc_node_process(node);
	if (process == NULL)
		return -ESRCH;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct exec_auxiliary auxiliary = process->auxiliary;
	spin_unlock_irqrestore(&process->lock, flags);
	process_put(process);
	text_append(text, auxiliary.words, auxiliary.count * sizeof(u64));
	return 0;
}

/* --- mem --- */

/* The space is taken when the file is opened: it is that of the program that ran then, whatever is
 * executed later. */
static int memory_open(struct inode *inode, struct file *file)
{
	const struct proc_node *node = proc_node_of(inode);
	struct address_space *space;
	int error = proc_inspect_space(node, &space);

	file->private = space;
	return error;
}

static void memory_release(struct file *file)
{
	if (file->private != NULL)
		vmm_put_address_space(file->private);
}

static ssize_t memory_transfer(struct file *file, struct io_cursor *cursor, off_t *position,
			       bool write)
{
	struct address_space *space = file->private;
	char chunk[CHUNK];
	size_t total = 0;

	while (space != NULL && cursor->remaining > 0) {
		size_t size = MIN(cursor->remaining, sizeof(chunk));
		ssize_t count;

		if (write) {
			count = io_copy_from(cursor, chunk, size);
			if (count > 0)
				count = vmm_access(space, (vaddr_t)*position, chunk, (size_t)count,
						   VM_WRITE | VM_FORCE);
		} else {
			count = vmm_access(space, (vaddr_t)*position, chunk, size,
					   VM_READ | VM_FORCE);
			if (count > 0)
				count = io_copy_to(cursor, chunk, (size_t)count);
		}
		if (count <= 0)
			return total > 0                    ? (ssize_t)total
			       : count == -EFAULT && !write ? -EIO
							    : count;
		total += (size_t)count;
		*position += count;
	}
	return (ssize_t)total;
}

static ssize_t memory_read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	return memory_transfer(file, cursor, position, false);
}

static ssize_t memory_write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	return memory_transfer(file, cursor, position, true);
}

/* Positions are addresses. */
static off_t memory_seek(struct file *file, off_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += file->position;
	else if (whence != SEEK_SET)
		return -EINVAL;
	file->position = offset;
	return offset;
}

const struct file_operations proc_memory_operations = {
	.open = memory_open,
	.release = memory_release,
	.read = memory_read,
	.write = memory_write,
	.seek = memory_seek,
};

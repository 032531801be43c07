/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of descriptors.
 *
 * The first FD_INLINE slots are in the structure itself; a larger table is allocated as a whole and
 * replaced when it is too small, under files->lock.  A look-up in a table that only the caller uses
 * takes neither the lock nor a reference: nobody else can close a descriptor during the call.  A
 * task that looks at another one's table (procfs) takes the lock and never closes, so it does not
 * disturb that.
 *
 * `open` says which descriptors are taken (reserved ones have no file yet), `next` that none below
 * it is free.
 */
#include "fs/fs_internal.h"

#include "lib/bitmap.h"
#include "lib/string.h"
#include "proc/rlimit.h"
#include "proc/task.h"

static void table_init_inline(struct files *files)
{
	files->table = (struct fd_table){
		.capacity = FD_INLINE,
		.files = files->inline_files,
		.open = &files->inline_open,
		.close_on_exec = &files->inline_close_on_exec,
	};
}

struct files *files_create(void)
{
	struct files *files = kzalloc(sizeof(*files));

	if (!files)
		return NULL;
	files->refs = 1;
	spin_lock_init(&files->lock);
	table_init_inline(files);
	return files;
}

/* One block: the pointers, then the two bitmaps. */
static bool table_alloc(struct fd_table *table, u32 capacity)
{
	size_t words = capacity / 64;
	void *block = kzalloc(capacity * sizeof(struct file *) + 2 * words * sizeof(u64));

	if (!block)
		return false;
	table->capacity = capacity;
	table->files = block;
	table->open = (u64 *)(table->files + capacity);
	table->close_on_exec = table->open + words;
	return true;
}

static void table_copy(struct fd_table *to, const struct fd_table *from)
{
	u32 count = MIN(to->capacity, from->capacity);

	memcpy(to->files, from->files, count * sizeof(struct file *));
	memcpy(to->open, from->open, count / 8);
	memcpy(to->close_on_exec, from->close_on_exec, count / 8);
}

static void table_free(struct files *files, const struct fd_table *table)
{
	if (table->files != files->inline_files)
		kfree(table->files);
}

/* Makes room for descriptor `fd`.  files->lock held, released meanwhile.  0 or -ENOMEM. */
static int table_grow_locked(struct files *files, u32 fd)
{
	struct fd_table larger, old;
	u32 capacity = FD_INLINE;

	while (capacity <= fd)
		capacity *= 2;
	spin_unlock(&files->lock);
	bool ok = table_alloc(&larger, capacity);

	spin_lock(&files->lock);
	if (!ok)
		return -ENOMEM;
	if (files->table.capacity >= capacity) {
		kfree(larger.files);
		return 0;
	}
	old = files->table;
	table_copy(&larger, &old);
	files->table = larger;
	table_free(files, &old);
	return 0;
}

/* Takes the lowest free descriptor >= from.  files->lock held. */
static int take_locked(struct files *files, u32 from, bool close_on_exec)
{
	u64 limit = rlimit_current(RLIMIT_NOFILE);

	for (;;) {
		u32 start = MAX(from, files->next), fd = start;

		/* Mostly the first one is free. */
		if (start < files->table.capacity && bitmap_test(files->table.open, start))
			fd = (u32)bitmap_find_clear(files->table.open, files->table.capacity,
						    start);
		if (fd >= limit)
			return -EMFILE;
		if (fd >= files->table.capacity) {
			int error = table_grow_locked(files, fd);

			if (error)
				return error;
			continue;
		}
		bitmap_set(files->table.open, fd);
		if (close_on_exec)
			bitmap_set(files->table.close_on_exec, fd);
		else
			bitmap_clear(files->table.close_on_exec, fd);
		if (from <= files->next)
			files->next = fd + 1;
		return (int)fd;
	}
}

int fd_install_from(struct file *file, int from, bool close_on_exec)
{
	struct files *files = current->files;
	int fd;

	spin_lock(&files->lock);
	fd = take_locked(files, (u32)from, close_on_exec);
	if (fd >= 0)
		files->table.files[fd] = file;
	spin_unlock(&files->lock);
	return fd;
}

int fd_install(struct file *file, u32 flags)
{
	int fd = fd_install_from(file, 0, flags & O_CLOEXEC);

	if (fd < 0)
		file_put(file);
	return fd;
}

int fd_reserve(u32 flags)
{
	return fd_install_from(NULL, 0, flags & O_CLOEXEC);
}

void fd_fill(int fd, struct file *file)
{
	struct files *files = current->files;

	spin_lock(&files->lock);
	files->table.files[fd] = file;
	spin_unlock(&files->lock);
}

static void free_slot_locked(struct files *files, u32 fd)
{
	files->table.files[fd] = NULL;
	bitmap_clear(files->table.open, fd);
	bitmap_clear(files->table.close_on_exec, fd);
	if (fd < files->next)
		files->next = fd;
}

void fd_release(int fd)
{
	struct files *files = current->files;

	spin_lock(&files->lock);
	free_slot_locked(files, (u32)fd);
	spin_unlock(&files->lock);
}

/* A descriptor's reference ends: close(2) proper. */
static int close_file(struct file *file, const struct files *files)
{
	int error = file->ops && file->ops->flush ? file->ops->flush(file) : 0;

	if (unlikely(file->inode->locks != NULL))
		locks_release_owner(file, files);
	file_put(file);
	return error;
}

int fd_close(int fd)
{
	struct files *files = current->files;
	struct file *file = NULL;

	spin_lock(&files->lock);
	if ((u32)fd < files->table.capacity)
		file = files->table.files[fd];
	if (file)
		free_slot_locked(files, (u32)fd);
	spin_unlock(&files->lock);
	return file ? close_file(file, files) : -EBADF;
}

int fd_replace(struct file *file, int fd, bool close_on_exec)
{
	struct files *files = current->files;
	struct file *old;

	if ((u32)fd >= rlimit_current(RLIMIT_NOFILE))
		return -EBADF;
	spin_lock(&files->lock);
	if ((u32)fd >= files->table.capacity && table_grow_locked(files, (u32)fd)) {
		spin_unlock(&files->lock);
		return -ENOMEM;
	}
	old = files->table.files[fd];
	if (!old && bitmap_test(files->table.open, (u32)fd)) {
		spin_unlock(&files->lock);
		return -EBUSY; /* reserved by an open in another thread */
	}
	files->table.files[fd] = file_get_ref(file);
	bitmap_set(files->table.open, (u32)fd);
	if (close_on_exec)
		bitmap_set(files->table.close_on_exec, (u32)fd);
	else
		bitmap_clear(files->table.close_on_exec, (u32)fd);
	spin_unlock(&files->lock);
	if (old)
		close_file(old, files);
	return fd;
}

static struct file *files_get_file(struct files *files, int fd)
{
	struct file *file = NULL;

	spin_lock(&files->lock);
	if ((u32)fd < files->table.capacity)
		file = files->table.files[fd];
	if (file)
		file_get_ref(file);
	spin_unlock(&files->lock);
	return file;
}

int files_next_open(struct files *files, int from)
{
	int found = -1;

	spin_lock(&files->lock);
	for (u32 fd = (u32)MAX(from, 0); fd < files->table.capacity; fd++) {
		fd = (u32)bitmap_find_set(files->table.open, files->table.capacity, fd);
		if (fd < files->table.capacity && files->table.files[fd]) {
			found = (int)fd;
			break;
		}
	}
	spin_unlock(&files->lock);
	return found;
}

/*
 * A task's table with a reference, or NULL.  The table's lock must not be taken inside the task's,
 * which is taken with interrupts off.
 */
static struct files *files_of_task(struct task *task)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	struct files *files = task->files;

	if (files)
		__atomic_add_fetch(&files->refs, 1, __ATOMIC_RELAXED);
	spin_unlock_irqrestore(&task->lock, flags);
	return files;
}

struct file *task_get_file(struct task *task, int fd)
{
	struct files *files = files_of_task(task);
	struct file *file;

	if (!files)
		return NULL;
	file = files_get_file(files, fd);
	files_put(files);
	return file;
}

int task_next_fd(struct task *task, int from)
{
	struct files *files = files_of_task(task);
	int fd;

	if (!files)
		return -1;
	fd = files_next_open(files, from);
	files_put(files);
	return fd;
}

struct fd_borrow fd_borrow_any(int fd)
{
	struct files *files = current->files;

	if (unlikely(!files))
		return (struct fd_borrow){NULL, false};
	if (likely(__atomic_load_n(&files->refs, __ATOMIC_ACQUIRE) == 1)) {
		if (unlikely((u32)fd >= files->table.capacity))
			return (struct fd_borrow){NULL, false};
		return (struct fd_borrow){files->table.files[fd], false};
	}
	return (struct fd_borrow){files_get_file(files, fd), true};
}

struct fd_borrow fd_borrow_shared(int fd)
{
	struct file *file = fd_get(fd);

	return (struct fd_borrow){file, file != NULL};
}

struct file *fd_get_any(int fd)
{
	return current->files ? files_get_file(current->files, fd) : NULL;
}

struct file *fd_get(int fd)
{
	struct file *file = fd_get_any(fd);

	if (file && file->mode & FILE_PATH) {
		file_put(file);
		return NULL;
	}
	return file;
}

int fd_flags(int fd)
{
	struct files *files = current->files;
	int flags = -EBADF;

	spin_lock(&files->lock);
	if ((u32)fd < files->table.capacity && files->table.files[fd])
		flags = bitmap_test(files->table.close_on_exec, (u32)fd) ? FD_CLOEXEC : 0;
	spin_unlock(&files->lock);
	return flags;
}

int fd_set_flags(int fd, bool close_on_exec)
{
	struct files *files = current->files;
	int error = -EBADF;

	spin_lock(&files->lock);
	if ((u32)fd < files->table.capacity && files->table.files[fd]) {
		if (close_on_exec)
			bitmap_set(files->table.close_on_exec, (u32)fd);
		else
			bitmap_clear(files->table.close_on_exec, (u32)fd);
		error = 0;
	}
	spin_unlock(&files->lock);
	return error;
}

/* A copy with the same open files; reserved descriptors are free in it. */
struct files *files_copy(struct files *from)
{
	struct files *files = files_create();
	u32 wanted;

	if (!files)
		return NULL;
	spin_lock(&from->lock);
	while ((wanted = from->table.capacity) > files->table.capacity) {
		spin_unlock(&from->lock);
		if (!table_alloc(&files->table, wanted)) {
			kfree(files);
			return NULL;
		}
		spin_lock(&from->lock);
		if (from->table.capacity > wanted) {
			kfree(files->table.files);
			table_init_inline(files);
		}
	}
	table_copy(&files->table, &from->table);
	files->next = from->next;
	for (u32 fd = 0; fd < files->table.capacity; fd++) {
		fd = (u32)bitmap_find_set(files->table.open, files->table.capacity, fd);
		if (fd >= files->table.capacity)
			break;
		if (files->table.files[fd])
			file_get_ref(files->table.files[fd]);
		else
			free_slot_locked(files, fd);
	}
	spin_unlock(&from->lock);
	return files;
}

void files_put(struct files *files)
{
	if (__atomic_sub_fetch(&files->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (u32 fd = 0; fd < files->table.capacity; fd++) {
		fd = (u32)bitmap_find_set(files->table.open, files->table.capacity, fd);
		if (fd < files->table.capacity && files->table.files[fd])
			close_file(files->table.files[fd], files);
	}
	table_free(files, &files->table);
	kfree(files);
}

void files_close_range(struct files *files, u32 first, u32 last, bool only_close_on_exec)
{
	for (u32 fd = first; fd <= last; fd++) {
		struct file *file = NULL;

		spin_lock(&files->lock);
		fd = fd < files->table.capacity
			     ? (u32)bitmap_find_set(only_close_on_exec ? files->table.close_on_exec
								       : files->table.open,
						    files->table.capacity, fd)
			     : UINT_MAX;
		if (fd < files->table.capacity && fd <= last) {
			file = files->table.files[fd];
			if (file)
				free_slot_locked(files, fd);
		} else {
			fd = UINT_MAX;
		}
		spin_unlock(&files->lock);
		if (file)
			close_file(file, files);
		if (fd == UINT_MAX)
			break;
	}
}

int files_unshare(void)
{
	struct files *old = current->files, *copy;
	unsigned long irq;

	if (__atomic_load_n(&old->refs, __ATOMIC_ACQUIRE) == 1)
		return 0;
	copy = files_copy(old);
	if (!copy)
		return -ENOMEM;
	irq = spin_lock_irqsave(&current->lock);
	current->files = copy;
	spin_unlock_irqrestore(&current->lock, irq);
	files_put(old);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files, names and descriptors' files from inside the kernel: what no program can see, such as a
 * cached name's end, and what several CPUs do to one directory at once.
 */
#include "fs/device.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "fs/vfs.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

static struct file *make_file(const char *name, const char *text)
{
	struct file *file = file_open(AT_FDCWD, name, O_RDWR | O_CREAT | O_EXCL, 0644);

	if (!IS_ERR(file) && text &&
	    !ktest_expect(file_write_kernel(file, text, strlen(text), 0) == (ssize_t)strlen(text),
			  "the text is written", __FILE__, __LINE__)) {
		file_put(file);
		return ERR_PTR(-EIO);
	}
	return file;
}

KTEST(fs_removed_file_lives_while_it_is_open)
{
	struct file *file = make_file("/ktest-open", "still here");
	char text[16] = "";

	KREQUIRE(!IS_ERR(file));
	KEXPECT(vfs_unlink(AT_FDCWD, "/ktest-open") == 0);
	KEXPECT(vfs_unlink(AT_FDCWD, "/ktest-open") == -ENOENT);
	KEXPECT(file_read_kernel(file, text, sizeof(text), 0) == 10);
	KEXPECT(strcmp(text, "still here") == 0);
	KEXPECT(file->inode->nlink == 0);
	file_put(file);
}

KTEST(fs_path_name_follows_a_rename)
{
	struct file *file = make_file("/ktest-one", NULL);
	char buffer[64];

	KREQUIRE(!IS_ERR(file));
	KEXPECT(strcmp(path_name(&file->path, buffer, sizeof(buffer)), "/ktest-one") == 0);
	KEXPECT(vfs_rename(AT_FDCWD, "/ktest-one", AT_FDCWD, "/ktest-two", 0) == 0);
	KEXPECT(strcmp(path_name(&file->path, buffer, sizeof(buffer)), "/ktest-two") == 0);
	KEXPECT(vfs_unlink(AT_FDCWD, "/ktest-two") == 0);
	KEXPECT(strcmp(path_name(&file->path, buffer, sizeof(buffer)), "/ktest-two (deleted)") ==
		0);
	KEXPECT(path_name(&file->path, buffer, 4) == ERR_PTR(-ENAMETOOLONG));
	file_put(file);
}

KTEST(fs_a_mount_hides_and_gives_back_what_is_below)
{
	struct path path;

	KREQUIRE(vfs_mkdir(AT_FDCWD, "/ktest-mount", 0755) == 0);
	KEXPECT(vfs_mkdir(AT_FDCWD, "/ktest-mount/below", 0755) == 0);
	KEXPECT(mount_filesystem("none", "/ktest-mount", "tmpfs", 0, "size=8k") == 0);
	KEXPECT(path_lookup(AT_FDCWD, "/ktest-mount/below", 0, &path) == -ENOENT);
	KEXPECT(vfs_rmdir(AT_FDCWD, "/ktest-mount") == -EBUSY);
	KEXPECT(path_lookup(AT_FDCWD, "/ktest-mount", 0, &path) == 0);
	KEXPECT(mount_umount("/ktest-mount", 0) == -EBUSY);
	path_put(&path);
	KEXPECT(mount_umount("/ktest-mount", 0) == 0);
	KEXPECT(vfs_rmdir(AT_FDCWD, "/ktest-mount/below") == 0);
	KEXPECT(vfs_rmdir(AT_FDCWD, "/ktest-mount") == 0);
}

KTEST(fs_a_full_tmpfs_refuses_and_recovers)
{
	static char page[4096];
	struct file *file;

	KREQUIRE(vfs_mkdir(AT_FDCWD, "/ktest-full", 0755) == 0);
	KREQUIRE(mount_filesystem("none", "/ktest-full", "tmpfs", 0, "size=8k") == 0);
	file = make_file("/ktest-full/f", NULL);
	KREQUIRE(!IS_ERR(file));
	KEXPECT(file_write_kernel(file, page, sizeof(page), 0) == 4096);
	KEXPECT(file_write_kernel(file, page, sizeof(page), 4096) == 4096);
	KEXPECT(file_write_kernel(file, page, sizeof(page), 8192) == -ENOSPC);
	KEXPECT(vfs_truncate(&file->path, 4096) == 0);
	KEXPECT(file_write_kernel(file, page, sizeof(page), 4096) == 4096);
	file_put(file);
	KEXPECT(mount_umount("/ktest-full", 0) == 0);
	KEXPECT(vfs_rmdir(AT_FDCWD, "/ktest-full") == 0);
}

enum { WORKERS = 4, ROUNDS = 300 };

static u32 workers_done;  /* atomic */
static u32 worker_errors; /* atomic */
static wait_queue_t workers_queue = WAIT_QUEUE_INIT(workers_queue);

/* Makes, moves and removes names that no other worker uses, and looks at one that all fight for. */
static void fight(void *argument)
{
	char mine[40], moved[40];
	u32 errors = 0;

	ksnprintf(mine, sizeof(mine), "/ktest-many/w%lu", (unsigned long)argument);
	ksnprintf(moved, sizeof(moved), "/ktest-many/d/m%lu", (unsigned long)argument);
	for (int round = 0; round < ROUNDS; round++) {
		struct file *file = make_file(mine, NULL), *shared;

		if (IS_ERR(file)) {
			errors++;
			continue;
		}
		file_put(file);
		errors += vfs_rename(AT_FDCWD, mine, AT_FDCWD, moved, 0) != 0;
		shared = file_open(AT_FDCWD, "/ktest-many/shared", O_RDWR | O_CREAT, 0600);
		if (!IS_ERR(shared))
			file_put(shared);
		int error = vfs_unlink(AT_FDCWD, "/ktest-many/shared");

		errors += error != 0 && error != -ENOENT;
		errors += vfs_unlink(AT_FDCWD, moved) != 0;
	}
	__atomic_add_fetch(&worker_errors, errors, __ATOMIC_RELAXED);
	__atomic_add_fetch(&workers_done, 1, __ATOMIC_SEQ_CST);
	wake_up_all(&workers_queue);
}

KTEST(fs_many_workers_in_one_directory)
{
	workers_done = worker_errors = 0;
	KREQUIRE(vfs_mkdir(AT_FDCWD, "/ktest-many", 0755) == 0);
	KREQUIRE(vfs_mkdir(AT_FDCWD, "/ktest-many/d", 0755) == 0);
	for (uintptr_t i = 0; i < WORKERS; i++) {
		struct task *task = kernel_thread_create(fight, (void *)i, "ktest-fs");

		KREQUIRE(!IS_ERR(task));
		task_put(task);
	}
	wait_event(&workers_queue, __atomic_load_n(&workers_done, __ATOMIC_SEQ_CST) == WORKERS);
	KEXPECT(worker_errors == 0);
	KEXPECT(vfs_rmdir(AT_FDCWD, "/ktest-many/d") == 0);
	KEXPECT(vfs_rmdir(AT_FDCWD, "/ktest-many") == 0);
}

KTEST(fs_device_numbers_survive_the_user_encoding)
{
	static const struct {
		u32 major, minor;
	} numbers[] = {{1, 3}, {5, 1}, {136, 300}, {4095, 0xfffff}, {0, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		dev_t device = device_make(numbers[i].major, numbers[i].minor);

		KEXPECT(device_from_user(device_to_user(device)) == device);
	}
}

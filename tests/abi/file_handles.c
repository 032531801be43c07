/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File handles: name_to_handle_at and open_by_handle_at; on a tmpfs of its own where the file system
 * below /tmp has no handles.
 */
#include "abi.h"

#include <sys/mount.h>

struct handle {
	unsigned bytes;
	int type;
	unsigned char data[128];
};

static int handle_of(int directory, const char *name, struct handle *handle, int flags)
{
	static int mount_id;

	return (int)syscall(SYS_name_to_handle_at, directory, name, handle, &mount_id, flags);
}

static int open_handle(int fd, const struct handle *handle, int flags)
{
	return (int)syscall(SYS_open_by_handle_at, fd, handle, flags);
}

static const char *path_of(int fd)
{
	static char path[300];
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	return path;
}

/* The right to open by handle counts in the first user namespace alone. */
static bool may_open_handles(void)
{
	char status[8192], *line;

	if (get_file("/proc/self/status", status, sizeof(status)) < 0)
		return false;
	line = strstr(status, "CapEff:");
	return line != NULL && strtoull(line + 7, NULL, 16) & 1u << 2;
}

static void handles_are_given(void)
{
	struct handle file = {.bytes = 128}, again = {.bytes = 128}, small = {.bytes = 1};
	int id = -1;

	put_file("file", "text", 4, 0600);
	link("file", "other");
	symlink("file", "link");
	is(syscall(SYS_name_to_handle_at, AT_FDCWD, "file", &file, &id, 0), 0, "a handle");
	ok(file.bytes <= 128 && file.bytes >= 8, "of some bytes");
	ok(id > 0, "and the mount's number");
	is(handle_of(AT_FDCWD, "other", &again, 0), 0, "another name");
	is(memcmp(&file, &again, 8 + file.bytes), 0, "leads to the same");
	again.bytes = 128;
	is(handle_of(AT_FDCWD, "link", &again, AT_SYMLINK_FOLLOW), 0, "a link that is followed");
	is(memcmp(&file, &again, 8 + file.bytes), 0, "does");
	again.bytes = 128;
	is(handle_of(AT_FDCWD, "link", &again, 0), 0, "one that is not");
	ok(memcmp(&file, &again, 8 + file.bytes) != 0, "is a file itself");
	int fd = open("file", O_RDONLY);
	again.bytes = 128;
	is(handle_of(fd, "", &again, AT_EMPTY_PATH), 0, "an open file");
	is(memcmp(&file, &again, 8 + file.bytes), 0, "has the same");
	close(fd);
	fails(handle_of(AT_FDCWD, "file", &small, 0), EOVERFLOW, "with too little room");
	is(small.bytes, file.bytes, "the size is told");
	again.bytes = 129;
	fails(handle_of(AT_FDCWD, "file", &again, 0), EINVAL, "more room than there is");
	fails(handle_of(AT_FDCWD, "file", &again, AT_SYMLINK_NOFOLLOW), EINVAL, "a wrong flag");
	fails(handle_of(AT_FDCWD, "none", &again, 0), ENOENT, "no file");
	fails(handle_of(AT_FDCWD, "file", BAD_POINTER, 0), EFAULT, "no memory");
	again.bytes = 128;
	fails(handle_of(AT_FDCWD, "/proc/self/status", &again, 0), EOPNOTSUPP,
	      "not every file system has them");
}

static void files_are_opened(int top)
{
	struct handle handle = {.bytes = 128}, wrong;
	char text[8] = "";

	handle_of(AT_FDCWD, "file", &handle, 0);
	int fd = open_handle(top, &handle, O_RDWR);
	ok(fd >= 0, "a file is opened by its handle");
	is(read(fd, text, sizeof(text)), 4, "and read");
	is_str(text, "text", "it is that one");
	is(write(fd, "!", 1), 1, "and written");
	close(fd);
	rename("file", "moved");
	unlink("other");
	fd = open_handle(AT_FDCWD, &handle, O_RDONLY);
	ok(fd >= 0, "also under another name, by the working directory's mount");
	is(read(fd, text, sizeof(text)), 5, "with what was written");
	close(fd);
	fails(open_handle(-1, &handle, O_RDONLY), EBADF, "no mount");
	fails(open_handle(top, BAD_POINTER, O_RDONLY), EFAULT, "no handle");
	wrong = handle;
	wrong.bytes = 0;
	fails(open_handle(top, &wrong, O_RDONLY), EINVAL, "an empty one");
	wrong.bytes = 129;
	fails(open_handle(top, &wrong, O_RDONLY), EINVAL, "one too long");
	wrong = handle;
	memset(wrong.data, 0xa5, sizeof(wrong.data));
	fails(open_handle(top, &wrong, O_RDONLY), ESTALE, "of no file");
	unlink("moved");
	fails(open_handle(top, &handle, O_RDONLY), ESTALE, "of one that is gone");
	handle.bytes = 128;
	handle_of(AT_FDCWD, "link", &handle, 0);
	fails(open_handle(top, &handle, O_RDONLY), ELOOP, "a link is not opened");
	fd = open_handle(top, &handle, O_PATH);
	is(readlinkat(fd, "", text, sizeof(text)), 4, "but read by O_PATH");
	close(fd);
}

/* A directory is found where it is now. */
static void directories_have_their_place(int top)
{
	struct handle handle = {.bytes = 128};
	char want[300];
	struct stat one, other;

	mkdir("a", 0700);
	mkdir("a/b", 0700);
	mkdir("a/b/c", 0700);
	put_file("a/b/c/in", "x", 1, 0600);
	handle_of(AT_FDCWD, "a/b/c", &handle, 0);
	rename("a/b", "moved");
	int fd = open_handle(top, &handle, O_RDONLY | O_DIRECTORY);
	ok(fd >= 0, "a directory is opened");
	snprintf(want, sizeof(want), "%s/moved/c", path_of(top));
	is_str(path_of(fd), want, "where it was moved to");
	is(faccessat(fd, "in", F_OK, 0), 0, "with its names");
	stat("moved", &one);
	fstatat(fd, "..", &other, 0);
	is(one.st_ino, other.st_ino, "its parent is the right one");
	close(fd);
	handle.bytes = 128;
	handle_of(top, "", &handle, AT_EMPTY_PATH);
	fd = open_handle(top, &handle, O_RDONLY);
	ok(fd >= 0, "so is the root");
	is_str(path_of(fd), path_of(top), "in its place");
	close(fd);
	handle.bytes = 128;
	mkdir("gone", 0700);
	handle_of(AT_FDCWD, "gone", &handle, 0);
	rmdir("gone");
	fails(open_handle(top, &handle, O_RDONLY), ESTALE, "one that is gone is not");
}

int main(void)
{
	struct handle probe = {.bytes = 128};
	int st;

	scratch();
	mkdir("disk", 0700);
	bool own = handle_of(AT_FDCWD, ".", &probe, 0) != 0;
	if ((own && mount("none", "disk", "tmpfs", 0, NULL)) || chdir("disk")) {
		skip(1, "no tmpfs can be mounted");
		return done();
	}
	int top = open(".", O_RDONLY | O_DIRECTORY);
	handles_are_given();
	if (may_open_handles()) {
		files_are_opened(top);
		directories_have_their_place(top);
	} else {
		skip(1, "no right to open by handle");
	}
	if (child(&st) == 0) {
		struct handle handle = {.bytes = 8};
		become(1000, 1000);
		fails(open_handle(top, &handle, O_RDONLY), EPERM, "not everybody may");
		_exit(0);
	}
	close(top);
	chdir("..");
	if (own)
		umount2("disk", MNT_DETACH);
	return done();
}

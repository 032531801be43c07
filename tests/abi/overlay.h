/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs about overlays share: a tmpfs in a namespace of mounts of one's own, in it the lower
 * layers low and low2, the upper one up, the work directory work, and m, where the overlay goes.  With
 * OVERLAY_DISK, a device with ext4, all of them but m are on that.
 */
#ifndef ABI_OVERLAY_H
#define ABI_OVERLAY_H

#include "abi.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

static inline int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	size_t size = strlen(text);

	if (fd < 0)
		return -1;
	if (write(fd, text, size) != (ssize_t)size) {
		close(fd);
		return -1;
	}
	return close(fd);
}

/* The names of a directory in one line, sorted. */
static inline const char *names(const char *path)
{
	static char text[4096];
	struct dirent **list;
	int count = scandir(path, &list, NULL, alphasort);

	text[0] = '\0';
	for (int i = 0; i < count; i++) {
		if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0) {
			strcat(text, list[i]->d_name);
			strcat(text, " ");
		}
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return count < 0 ? "?" : text;
}

static inline const char *content(const char *path)
{
	static char text[256];

	return get_file(path, text, sizeof(text)) < 0 ? "?" : text;
}

static inline bool is_whiteout(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static inline bool is_opaque(const char *path)
{
	char value[4];

	return getxattr(path, "trusted.overlay.opaque", value, sizeof(value)) == 1 &&
	       value[0] == 'y';
}

static inline bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Mounts it as all programs here do. */
static inline bool mount_overlay(unsigned long flags)
{
	return ok(mount("overlay", "m", "overlay", flags,
			"lowerdir=low:low2,upperdir=up,workdir=work") == 0,
		  "an overlay is mounted (errno %d)", errno);
}

static inline void unmount_overlay(void)
{
	is(umount("m"), 0, "and unmounted");
}

/* Empty layers. */
static inline bool overlay_fresh(void)
{
	static const char *const names[] = {"low", "low2", "up", "work", "m"};
	int error = 0;

	umask(0);
	if (chdir("/") != 0 || chdir(getenv("OVERLAY_PLACE")) != 0)
		return false;
	umount2("fs", MNT_DETACH);
	if (getenv("OVERLAY_DISK") != NULL) {
		static int count;
		char name[32];

		snprintf(name, sizeof(name), "fs/%d", count++);
		error |= mount(getenv("OVERLAY_DISK"), "fs", "ext4", 0, NULL);
		error |= mkdir(name, 0755);
		error |= chdir(name);
	} else {
		error |= mount("layers", "fs", "tmpfs", 0, "mode=755");
		error |= chdir("fs");
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		error |= mkdir(names[i], 0755);
	return ok(error == 0, "fresh layers");
}

/* The beginning: false where this kernel has no overlays, or lets us mount none. */
static inline bool overlay_begin(void)
{
	char place[256];

	scratch();
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		skip(1, "no mounts of our own");
		return false;
	}
	if (getcwd(place, sizeof(place)) == NULL || mkdir("fs", 0755) != 0 ||
	    setenv("OVERLAY_PLACE", place, 1) != 0 || !overlay_fresh())
		return false;
	if (mount("overlay", "m", "overlay", 0, "lowerdir=low,upperdir=up,workdir=work") != 0) {
		struct utsname system;
		int error = errno;

		uname(&system);
		if (strstr(system.release, "cowslip") != NULL)
			ok(false, "an overlay can be mounted");
		else
			skip(1, "no overlays here: errno %d", error);
		return false;
	}
	is(umount("m"), 0, "there are overlays");
	return true;
}

static inline void overlay_end(void)
{
	if (chdir(getenv("OVERLAY_PLACE")) == 0)
		umount2("fs", MNT_DETACH);
}

#endif

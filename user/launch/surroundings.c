/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file systems and links that programs expect to find.  A kernel may have mounted some of them
 * itself; an error is no reason to stop.  The folders that the launcher shares, and the disks that it
 * wants mounted, stand in /etc/fstab.
 */
#include "launch.h"

#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *type, *path, *options;
	unsigned long flags;
} mounts[] = {
	{"proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
	{"sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"devpts", "/dev/pts", "mode=0620,ptmxmode=0666,gid=5", MS_NOSUID | MS_NOEXEC},
	{"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV},
};

static const char *const links[][2] = {
	{"/proc/self/fd", "/dev/fd"},
	{"/proc/self/fd/0", "/dev/stdin"},
	{"/proc/self/fd/1", "/dev/stdout"},
	{"/proc/self/fd/2", "/dev/stderr"},
};

/* A disk: whatever is on it. */
static int mount_disk(const struct mntent *entry)
{
	static const char *const types[] = {"ext4", "iso9660"};
	int result = -1;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && result < 0; i++)
		result = mount(entry->mnt_fsname, entry->mnt_dir, types[i], MS_RDONLY, NULL);
	return result;
}

/* The directory that an option names, made if it is missing. */
static void make_option(const struct mntent *entry, const char *option)
{
	char path[PATH_MAX], *text = hasmntopt(entry, option),
			     *equals = text ? strchr(text, '=') : NULL;

	if (!equals)
		return;
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(equals + 1, ","), equals + 1);
	mkdir(path, 0755);
}

/* Other lines than the launcher's, which a root brought along, are not for us. */
static int mount_entry(const struct mntent *entry)
{
	unsigned long flags = hasmntopt(entry, "ro") ? MS_RDONLY : 0;
	char *mark = hasmntopt(entry, "x-launch");

	if (strcmp(entry->mnt_type, "9p") == 0)
		return mount(entry->mnt_fsname, entry->mnt_dir, "9p", flags, "trans=virtio");
	if (!mark)
		return 0;
	if (strcmp(entry->mnt_type, "auto") == 0)
		return mount_disk(entry);
	if (strcmp(entry->mnt_type, "tmpfs") == 0)
		return mount("tmpfs", entry->mnt_dir, "tmpfs", 0, "mode=755");
	make_option(entry, "upperdir");
	make_option(entry, "workdir");
	mark[-1] = '\0'; /* the last option, and for us alone */
	return mount("overlay", entry->mnt_dir, "overlay", 0, entry->mnt_opts);
}

int table_mount(const char **folder)
{
	static char failed[PATH_MAX];
	FILE *table = setmntent("/etc/fstab", "r");
	struct mntent *entry;
	int result = 0;

	while (table && result == 0 && (entry = getmntent(table)) != NULL) {
		if (mount_entry(entry) < 0) {
			result = -errno;
			snprintf(failed, sizeof(failed), "%s", entry->mnt_dir);
			*folder = failed;
		}
	}
	if (table)
		endmntent(table);
	return result;
}

void surroundings_make(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].path, 0755);
		if (mount(mounts[i].type, mounts[i].path, mounts[i].type, mounts[i].flags,
			  mounts[i].options) < 0)
			continue;
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]) < 0)
			continue;
	umask(022);
	if (sethostname("cowslip", 7) < 0)
		return;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file systems and links that programs expect to find.  A kernel may have mounted some of them
 * itself; an error is no reason to stop.  The folders that the launcher shares stand in /etc/fstab.
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

int shares_mount(const char **folder)
{
	static char failed[PATH_MAX];
	FILE *table = setmntent("/etc/fstab", "r");
	struct mntent *entry;
	int result = 0;

	while (table && result == 0 && (entry = getmntent(table)) != NULL) {
		unsigned long flags = hasmntopt(entry, "ro") ? MS_RDONLY : 0;

		if (strcmp(entry->mnt_type, "9p") != 0)
			continue;
		if (mount(entry->mnt_fsname, entry->mnt_dir, "9p", flags, "trans=virtio") < 0) {
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

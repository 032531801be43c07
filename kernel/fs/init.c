/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which the file systems come up. */
#include "fs/fs_internal.h"
#include "fs/read_section.h"
#include "ipc/ipc_namespace.h"
#include "ipc/mqueue.h"

void vfs_init(void)
{
	read_section_init();
	dentry_cache_init();
	inode_cache_init();
	file_cache_init();
	names_init();
	anon_init();
	tmpfs_init();
	hugetlbfs_init();
	mount_init();
	nsfs_init();
	memfd_init();
	file_hooks_register();
	devices_init();
	mqueue_fs_init();
	ipc_namespaces_init();
	ext4_init();
	p9_init();
	iso9660_init();
	fat_init();
	overlay_init();
}

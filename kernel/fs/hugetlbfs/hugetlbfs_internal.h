/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hugetlbfs: files of huge pages.
 *
 * It is a tmpfs whose regular files have their pages from a pool (mm/hugetlb.h), whole ones, so
 * their sizes are multiples of a huge page; they are written through mappings only.  What the files
 * of a mount may have together is a quota.
 */
#ifndef FS_HUGETLBFS_INTERNAL_H
#define FS_HUGETLBFS_INTERNAL_H

#include "fs/fs_internal.h"
#include "fs/tmpfs/tmpfs.h"
#include "mm/hugetlb.h"

struct hugetlbfs_super {
	struct tmpfs_super common; /* without a limit of pages */
	struct hugetlb_quota quota;
};

static inline struct hugetlbfs_super *hugetlbfs_super(const struct superblock *superblock)
{
	return container_of(tmpfs_super(superblock), struct hugetlbfs_super, common);
}

extern const struct tmpfs_files hugetlbfs_files;
void hugetlbfs_files_init(void); /* once */

#endif

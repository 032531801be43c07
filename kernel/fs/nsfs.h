/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that stand for namespaces.
 */
#ifndef FS_NSFS_H
#define FS_NSFS_H

#include "fs/vfs.h"
#include "proc/namespace.h"

/* A path of a file for the namespace, whose reference it takes over, also when it fails: 0 or
 * -ENOMEM. */
int __must_check nsfs_path(struct namespace *space, struct path *path);
/* The namespace that a file stands for, or NULL; no reference. */
struct namespace *nsfs_namespace_of_file(const struct file *file);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between swap.c (areas come and go) and swap_file.c (where a file's pages are on its device).
 */
#ifndef FS_SWAP_INTERNAL_H
#define FS_SWAP_INTERNAL_H

#include "fs/block/block_device.h"
#include "fs/calls.h"
#include "mm/swap.h"

struct swap_file;

/* The operations of an area whose device is a struct swap_file. */
extern const struct swap_area_ops swap_file_operations;

/*
 * The file, of which it takes a reference, as an area: from now on it is written and cut by nobody
 * else.  ERR_PTR: -EINVAL: its file system cannot say where it is, or it has holes; -EBUSY: it is
 * one already; -ENOMEM, -EIO.
 */
struct swap_file *swap_file_open(struct file *file);
void swap_file_close(struct swap_file *area);
/* Whole pages of the file. */
u64 swap_file_pages(const struct swap_file *area);
/* Those of the first `pages` that do not lie in one piece on the device, up to `most`: how many
 * there are. */
u32 swap_file_scattered(const struct swap_file *area, u32 pages, u32 *numbers, u32 most);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of a volume to the disk: sync(2), and before it is unmounted or only read.
 */
#include "fs/ext4/ext4_internal.h"
#include "fs/ext4/operations.h"

static int write_super(struct ext4_super *super)
{
	struct ext4_handle *handle;
	int error = ext4_transaction_start(&super->volume, EXT4_CREDITS_NODE, &handle);

	if (error)
		return error;
	return ext4_operation_end(handle, ext4_super_update(handle, &super->volume));
}

int ext4_sync(struct superblock *superblock)
{
	struct ext4_super *super = ext4_super(superblock);
	int error, committed;

	if (!ext4_is_writable(super))
		return 0;
	error = disk_inodes_sync(&super->inodes);
	if (!error)
		error = write_super(super);
	committed =
		ext4_transaction_commit(&super->volume, ext4_transaction_running(&super->volume));
	return error ? error : committed;
}

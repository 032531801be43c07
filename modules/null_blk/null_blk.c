/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks that hold nothing, /dev/nullb0 and on: what is written is forgotten, what is read is zeros.
 * For measuring what stands between a program and a disk, and the example of a driver that is a
 * module.
 *
 * Requests are done at once, by whoever submits them.  A disk that is open keeps the module.
 */
#include "arch/mmu.h"
#include "fs/block/block_device.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/module.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

enum { NULL_MAJOR = 252, NULL_LIMIT = 32, NULL_GIB_LIMIT = 1024 };

static u32 nr_devices = 1;
static u32 gb = 1;
static bool read_only;

MODULE_LICENSE("BSD-2-Clause");
MODULE_DESCRIPTION("Disks that hold nothing");
module_param(nr_devices, uint, 0444, "how many disks, 1 to 32");
module_param(gb, uint, 0444, "size of a disk in GiB, 1 to 1024");
module_param(read_only, bool, 0444, "refuse what is written");

static struct block_disk *disks[NULL_LIMIT]; /* init and exit only */

static int start(struct block_queue *queue __unused, struct block_request *request)
{
	const struct block_io *io;

	list_for_each_entry (io, &request->ios, link)
		for (u32 i = 0; request->op == BLOCK_READ && i < io->segment_count; i++)
			memset(phys_to_virt(io->segments[i].address), 0, io->segments[i].length);
	block_request_end(request, 0);
	return 0;
}

static const struct block_disk_ops disk_ops = {.start = start};

static int add_disk(u32 number)
{
	struct block_disk *disk = block_disk_alloc(&disk_ops, 1, NULL);
	int error;

	if (disk == NULL)
		return -ENOMEM;
	snprintf(disk->name, sizeof(disk->name), "nullb%u", number);
	disk->driver = "nullb";
	disk->owner = THIS_MODULE;
	disk->major = NULL_MAJOR;
	disk->first_minor = number;
	disk->minors = 1;
	disk->discard = disk->write_zeros = true;
	disk->read_only = read_only;
	error = block_disk_add(disk, gb * GIB >> SECTOR_SHIFT);
	if (error != 0)
		block_disk_free(disk);
	else
		disks[number] = disk;
	return error;
}

static void null_exit(void)
{
	for (u32 i = 0; i < NULL_LIMIT; i++)
		if (disks[i] != NULL)
			block_disk_remove(disks[i]);
}

static int null_init(void)
{
	int error = 0;

	if (nr_devices == 0 || nr_devices > NULL_LIMIT || gb == 0 || gb > NULL_GIB_LIMIT)
		return -EINVAL;
	for (u32 i = 0; i < nr_devices && error == 0; i++)
		error = add_disk(i);
	if (error != 0)
		null_exit();
	return error;
}

module_init(null_init);
module_exit(null_exit);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts the drivers of disks, in the order in which the disks get their names. */
#include "drivers/block/drivers.h"

void block_drivers_init(void)
{
	virtio_blk_init();
	ide_init();
	ahci_init();
	nvme_init();
	ram_disks_init();
	loop_init();
}

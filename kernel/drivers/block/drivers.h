/* SPDX-License-Identifier: BSD-2-Clause */
/* The drivers of disks: each finds its devices, from the init thread, once, after the buses. */
#ifndef DRIVERS_BLOCK_DRIVERS_H
#define DRIVERS_BLOCK_DRIVERS_H

/* Starts all of them. */
void block_drivers_init(void);

void virtio_blk_init(void);
void ide_init(void);
void ahci_init(void);
void nvme_init(void);
void ram_disks_init(void);
void loop_init(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Between ide.c (finding channels and drives) and ide_io.c (commands and interrupts). */
#ifndef DRIVERS_BLOCK_IDE_INTERNAL_H
#define DRIVERS_BLOCK_IDE_INTERNAL_H

#include "drivers/block/ata.h"
#include "lib/spinlock.h"

enum ide_register {
	IDE_DATA = 0,
	IDE_FEATURES = 1,
	IDE_COUNT = 2,
	IDE_LBA_LOW = 3,
	IDE_LBA_MIDDLE = 4,
	IDE_LBA_HIGH = 5,
	IDE_DEVICE = 6,
	IDE_STATUS = 7,
	IDE_COMMAND = 7,
};

enum { IDE_DRIVES = 2, IDE_MAX_SECTORS = 128, IDE_BOUNCE_ORDER = 4, IDE_PRDS = 256 };

struct ide_channel;

struct ide_drive {
	struct ide_channel *channel;
	u32 number; /* 0 or 1 */
	struct ata_identity identity;
	struct block_disk *disk; /* NULL: there is none */
};

/* Of the table that a bus master reads. */
struct ide_prd {
	u32 address;
	u16 length, flags;
};

struct ide_channel {
	u16 command, control;
	u16 master; /* the bus master's registers, or 0 */
	struct ide_drive drives[IDE_DRIVES];
	spinlock_t lock; /* with interrupts off, inside of queues' locks; guards all below */
	struct block_request *active; /* what the channel is busy with, or NULL */
	bool resetting; /* lock: nothing starts, and interrupts say nothing of `active` */
	struct ide_drive *active_drive;
	bool dma, bounced;
	u32 done;               /* bytes of a transfer by the processor */
	struct ide_prd *prds;   /* below 4 GiB */
	phys_t prds_at, bounce; /* of 1 << IDE_BOUNCE_ORDER frames */
};

extern const struct block_disk_ops ide_disk_ops;

/* Waits until the drive is not busy, for a thousandth of a second at most, then for `data`; its
 * status, or -ETIMEDOUT. */
int ide_wait(struct ide_channel *channel, bool data);
void ide_select(struct ide_channel *channel, u32 drive);
void ide_interrupt(void *argument);
void ide_reset(struct ide_channel *channel);

#endif

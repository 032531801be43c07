/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IDE controllers: channels and the drives on them.
 *
 * A controller has two channels, at the ports and interrupt lines of old; each may have two drives.
 * Channels in native mode, elsewhere, and drives that are no disks (CD-ROMs) are left alone.  The
 * word libata.dma=0 on the command line leaves the moving of data to the processor.
 */
#include "arch/irq.h"
#include "arch/port_io.h"
#include "boot/boot_info.h"
#include "drivers/block/drivers.h"
#include "drivers/block/ide_internal.h"
#include "drivers/bus/pci.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum {
	CHANNELS = 2,
	CLASS_IDE = 0x010100,
	CLASS_MASK = 0xffff00,
	INTERFACE_NATIVE = 1, /* bit 0 of the first channel, bit 2 of the second */
	INTERFACE_MASTER = 0x80,
	MASTER_BAR = 4,
	MASTER_CHANNEL = 8,
	CONTROL_NO_INTERRUPT = 2,
	FLOATING = 0xff,
};

static const struct {
	u16 command, control;
	u8 irq;
} old_places[CHANNELS] = {{0x1f0, 0x3f6, 14}, {0x170, 0x376, 15}};

static bool dma_is_allowed(void)
{
	char value[4];

	return cmdline_get(boot_info.command_line, "libata.dma", value, sizeof(value)) < 0 ||
	       strcmp(value, "0") != 0;
}

/* Asks a drive what it is; false when there is none, or no disk. */
static bool identify(struct ide_channel *channel, u32 number, struct ata_identity *identity)
{
	u16 base = channel->command, words[ATA_IDENTIFY_WORDS];
	int status;

	ide_select(channel, number);
	status = port_read8((u16)(base + IDE_STATUS));
	if (status == 0 || status == FLOATING)
		return false;
	port_write8((u16)(base + IDE_COUNT), 0);
	port_write8((u16)(base + IDE_LBA_LOW), 0);
	port_write8((u16)(base + IDE_LBA_MIDDLE), 0);
	port_write8((u16)(base + IDE_LBA_HIGH), 0);
	port_write8((u16)(base + IDE_COMMAND), ATA_IDENTIFY);
	if (port_read8((u16)(base + IDE_STATUS)) == 0)
		return false;
	status = ide_wait(channel, true);
	if (status < 0 || !(status & ATA_STATUS_DATA) || status & ATA_STATUS_ERROR)
		return false;
	for (u32 i = 0; i < ATA_IDENTIFY_WORDS; i++)
		words[i] = port_read16((u16)(base + IDE_DATA));
	return ata_parse_identity(words, identity);
}

static void add_drive(struct ide_channel *channel, u32 number)
{
	struct ide_drive *drive = &channel->drives[number];
	struct block_disk *disk;

	if (drive->identity.sectors == 0)
		return;
	disk = block_disk_alloc(&ide_disk_ops, 1, drive);
	if (disk == NULL)
		return;
	drive->disk = disk;
	disk->max_sectors = IDE_MAX_SECTORS;
	disk->max_segments = IDE_MAX_SECTORS;
	disk->depth = 1;
	disk->fua = drive->identity.fua && drive->identity.dma && channel->master != 0;
	if (ata_disk_add(disk, &drive->identity) != 0) {
		drive->disk = NULL;
		block_disk_free(disk);
	}
}

/* The table and buffer of the bus master; without memory for them the processor does its work. */
static void prepare_master(struct ide_channel *channel)
{
	phys_t frames = frames_alloc_dma32(IDE_BOUNCE_ORDER + 1);

	if (frames == 0) {
		channel->master = 0;
		return;
	}
	channel->bounce = frames;
	channel->prds_at = frames + (PAGE_SIZE << IDE_BOUNCE_ORDER);
	channel->prds = phys_to_virt(channel->prds_at);
}

static int add_channel(struct pci_device *device, u32 number)
{
	struct ide_channel *channel = kzalloc(sizeof(*channel));
	bool found = false;
	int error;

	if (channel == NULL)
		return -ENOMEM;
	channel->command = old_places[number].command;
	channel->control = old_places[number].control;
	if (device->class & INTERFACE_MASTER && device->bars[MASTER_BAR].is_port &&
	    dma_is_allowed())
		channel->master = (u16)(device->bars[MASTER_BAR].address + MASTER_CHANNEL * number);
	for (u32 i = 0; i < IDE_DRIVES; i++) {
		channel->drives[i].channel = channel;
		channel->drives[i].number = i;
	}
	port_write8(channel->control, CONTROL_NO_INTERRUPT);
	for (u32 i = 0; i < IDE_DRIVES; i++)
		found |= identify(channel, i, &channel->drives[i].identity);
	if (!found) {
		kfree(channel);
		return 0;
	}
	if (channel->master != 0)
		prepare_master(channel);
	error = irq_register(old_places[number].irq, IRQ_EDGE, ide_interrupt, channel);
	if (error != 0)
		return error;
	port_write8(channel->control, 0);
	for (u32 i = 0; i < IDE_DRIVES; i++)
		add_drive(channel, i);
	return 0;
}

static int probe(struct pci_device *device)
{
	int error = 0;

	pci_enable(device);
	for (u32 i = 0; i < CHANNELS && error == 0; i++)
		if (!(device->class & INTERFACE_NATIVE << 2 * i))
			error = add_channel(device, i);
	return error;
}

static const struct pci_match matches[] = {{PCI_ANY, PCI_ANY, CLASS_IDE, CLASS_MASK}};
static struct pci_driver driver = {
	.name = "ide", .matches = matches, .match_count = ARRAY_SIZE(matches), .probe = probe};

void ide_init(void)
{
	pci_driver_register(&driver);
}

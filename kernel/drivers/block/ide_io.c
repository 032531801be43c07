/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IDE: one command at a time on a channel, by bus-master DMA (Programming Interface for Bus Master
 * IDE Controller, 1.0) or sector by sector through the data port.
 *
 * The two drives of a channel have a queue each; a drive whose turn it is not says -EBUSY and is
 * asked again when the channel is free.  The bus master reaches the first 4 GiB of memory and no
 * piece of its table crosses a 64 KiB boundary; what lies elsewhere goes through a buffer.
 */
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch/port_io.h"
#include "drivers/block/ide_internal.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "proc/sched.h"

enum {
	MASTER_COMMAND = 0,
	MASTER_STATUS = 2,
	MASTER_TABLE = 4,
	MASTER_START = 1,
	MASTER_READ = 8, /* from the drive to memory */
	MASTER_ERROR = 2,
	MASTER_INTERRUPT = 4,
	PRD_END = 0x8000,
	PRD_BOUNDARY = 0x10000,
	DEVICE_LBA = 0xe0,
	CONTROL_RESET = 4,
	WAIT_READS = 10000,
	RESET_MSEC = 2000,
};

static u8 status_of(const struct ide_channel *channel)
{
	return port_read8((u16)(channel->command + IDE_STATUS));
}

int ide_wait(struct ide_channel *channel, bool data)
{
	for (u32 i = 0; i < WAIT_READS; i++) {
		u8 status = status_of(channel);

		if (!(status & ATA_STATUS_BUSY) &&
		    (!data || status & (ATA_STATUS_DATA | ATA_STATUS_ERROR | ATA_STATUS_FAULT)))
			return status;
	}
	return -ETIMEDOUT;
}

void ide_select(struct ide_channel *channel, u32 drive)
{
	port_write8((u16)(channel->command + IDE_DEVICE), (u8)(DEVICE_LBA | drive << 4));
	/* 400 nanoseconds until the status is the new drive's: four reads. */
	for (u32 i = 0; i < 4; i++)
		(void)port_read8(channel->control);
}

void ide_reset(struct ide_channel *channel)
{
	port_write8(channel->control, CONTROL_RESET);
	task_sleep(NSEC_PER_MSEC);
	port_write8(channel->control, 0);
	for (u32 i = 0; i < RESET_MSEC && status_of(channel) & ATA_STATUS_BUSY; i++)
		task_sleep(NSEC_PER_MSEC);
}

/* --- Starting --- */

static void write_address(struct ide_channel *channel, const struct ide_drive *drive, u64 lba,
			  u32 count)
{
	u16 base = channel->command;
	u8 device = (u8)(DEVICE_LBA | drive->number << 4);

	if (drive->identity.lba48) {
		port_write8((u16)(base + IDE_DEVICE), device);
		port_write8((u16)(base + IDE_COUNT), (u8)(count >> 8));
		port_write8((u16)(base + IDE_LBA_LOW), (u8)(lba >> 24));
		port_write8((u16)(base + IDE_LBA_MIDDLE), (u8)(lba >> 32));
		port_write8((u16)(base + IDE_LBA_HIGH), (u8)(lba >> 40));
	} else {
		port_write8((u16)(base + IDE_DEVICE), (u8)(device | (lba >> 24 & 0xf)));
	}
	port_write8((u16)(base + IDE_COUNT), (u8)count);
	port_write8((u16)(base + IDE_LBA_LOW), (u8)lba);
	port_write8((u16)(base + IDE_LBA_MIDDLE), (u8)(lba >> 8));
	port_write8((u16)(base + IDE_LBA_HIGH), (u8)(lba >> 16));
}

/* Adds a piece of memory to the table; false when it is out of reach or the table is full. */
static bool add_piece(struct ide_channel *channel, u32 *count, phys_t address, u32 length)
{
	while (length > 0) {
		u32 piece = MIN(length, (u32)(PRD_BOUNDARY - address % PRD_BOUNDARY));

		if (*count == IDE_PRDS || address + piece > (phys_t)1 << 32)
			return false;
		/* A length of 64 KiB is written as 0. */
		channel->prds[(*count)++] =
			(struct ide_prd){.address = (u32)address, .length = (u16)piece};
		address += piece;
		length -= piece;
	}
	return true;
}

/* Copies between a request's memory and a buffer, from byte `from` on. */
static void copy_request(const struct block_request *request, u32 from, char *buffer, u32 length,
			 bool to_buffer)
{
	const struct block_io *io;

	list_for_each_entry (io, &request->ios, link) {
		for (u32 i = 0; i < io->segment_count && length > 0; i++) {
			const struct block_segment *segment = &io->segments[i];
			u32 skip = MIN(from, segment->length);
			u32 piece = MIN(segment->length - skip, length);
			char *memory = (char *)phys_to_virt(segment->address) + skip;

			if (to_buffer)
				memcpy(buffer, memory, piece);
			else
				memcpy(memory, buffer, piece);
			buffer += piece;
			length -= piece;
			from -= skip;
		}
	}
}

static u32 bytes_of(const struct block_request *request)
{
	return (u32)(request->sectors << SECTOR_SHIFT);
}

static void start_dma(struct ide_channel *channel, const struct block_request *request, u8 command)
{
	const struct block_io *io;
	bool write = request->op == BLOCK_WRITE;
	u32 count = 0;
	bool reachable = true;

	list_for_each_entry (io, &request->ios, link)
		for (u32 i = 0; i < io->segment_count; i++)
			reachable = reachable && add_piece(channel, &count, io->segments[i].address,
							   io->segments[i].length);
	channel->bounced = !reachable;
	if (!reachable) {
		count = 0;
		(void)!add_piece(channel, &count, channel->bounce, bytes_of(request));
		if (write)
			copy_request(request, 0, phys_to_virt(channel->bounce), bytes_of(request),
				     true);
	}
	channel->prds[count - 1].flags = PRD_END;
	wmb();
	port_write8((u16)(channel->master + MASTER_COMMAND), write ? 0 : MASTER_READ);
	port_write8((u16)(channel->master + MASTER_STATUS), MASTER_ERROR | MASTER_INTERRUPT);
	port_write32((u16)(channel->master + MASTER_TABLE), (u32)channel->prds_at);
	port_write8((u16)(channel->command + IDE_COMMAND), command);
	port_write8((u16)(channel->master + MASTER_COMMAND),
		    MASTER_START | (write ? 0 : MASTER_READ));
}

/* Moves one of the drive's sectors through the data port. */
static void move_sector(struct ide_channel *channel, const struct ide_drive *drive)
{
	bool write = channel->active->op == BLOCK_WRITE;
	u16 words[SECTOR_SIZE / sizeof(u16)], port = (u16)(channel->command + IDE_DATA);

	for (u32 part = 0; part < drive->identity.logical_size; part += SECTOR_SIZE) {
		if (write)
			copy_request(channel->active, channel->done, (char *)words, SECTOR_SIZE,
				     true);
		for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
			if (write)
				port_write16(port, words[i]);
			else
				words[i] = port_read16(port);
		}
		if (!write)
			copy_request(channel->active, channel->done, (char *)words, SECTOR_SIZE,
				     false);
		channel->done += SECTOR_SIZE;
	}
}

/* The channel is free and its lock held. */
static int start_locked(struct ide_drive *drive, struct block_request *request)
{
	struct ide_channel *channel = drive->channel;
	bool dma = channel->master != 0 && drive->identity.dma && request->op != BLOCK_FLUSH;
	u8 command = ata_command_for(&drive->identity, request, dma);
	u32 factor = drive->identity.logical_size >> SECTOR_SHIFT;
	int status;

	ide_select(channel, drive->number);
	status = ide_wait(channel, false);
	if (status < 0)
		return status;
	channel->active = request;
	channel->active_drive = drive;
	channel->dma = dma;
	channel->done = 0;
	if (request->op != BLOCK_FLUSH)
		write_address(channel, drive, request->sector / factor,
			      (u32)request->sectors / factor);
	if (dma) {
		start_dma(channel, request, command);
		return 0;
	}
	port_write8((u16)(channel->command + IDE_COMMAND), command);
	if (request->op != BLOCK_WRITE)
		return 0;
	/* The first sector goes at once; the drive asks for the others. */
	status = ide_wait(channel, true);
	if (status < 0 || status & (ATA_STATUS_ERROR | ATA_STATUS_FAULT)) {
		channel->active = NULL;
		return status < 0 ? status : -EIO;
	}
	move_sector(channel, drive);
	return 0;
}

static int start(struct block_queue *queue, struct block_request *request)
{
	struct ide_drive *drive = queue->disk->private;
	struct ide_channel *channel = drive->channel;
	unsigned long flags = spin_lock_irqsave(&channel->lock);
	int error = channel->active != NULL || channel->resetting ? -EBUSY
								  : start_locked(drive, request);

	spin_unlock_irqrestore(&channel->lock, flags);
	return error;
}

/* --- Interrupts --- */

/* Looks how far the active request is: true when it has ended, with *error. */
static bool advance(struct ide_channel *channel, int *error)
{
	struct block_request *request = channel->active;
	u8 master = 0, status;

	if (channel->dma) {
		master = port_read8((u16)(channel->master + MASTER_STATUS));
		if (!(master & MASTER_INTERRUPT))
			return false;
		port_write8((u16)(channel->master + MASTER_COMMAND), 0);
		port_write8((u16)(channel->master + MASTER_STATUS),
			    MASTER_ERROR | MASTER_INTERRUPT);
	}
	status = status_of(channel);
	if (status & ATA_STATUS_BUSY)
		return false;
	*error = status & (ATA_STATUS_ERROR | ATA_STATUS_FAULT) || master & MASTER_ERROR ? -EIO : 0;
	if (channel->dma && *error == 0 && channel->bounced && request->op == BLOCK_READ)
		copy_request(request, 0, phys_to_virt(channel->bounce), bytes_of(request), false);
	if (channel->dma || *error != 0 || request->op == BLOCK_FLUSH)
		return true;
	if (status & ATA_STATUS_DATA && channel->done < bytes_of(request))
		move_sector(channel, channel->active_drive);
	else if (channel->done == bytes_of(request))
		return true;
	/* A read is over with its last sector, a write when the drive says so. */
	return request->op == BLOCK_READ && channel->done == bytes_of(request);
}

/* Takes the active request off the channel, tells its end, and lets both drives go on. */
static void finish(struct ide_channel *channel, struct block_request *request, int error)
{
	for (u32 i = 0; i < IDE_DRIVES; i++) {
		struct block_disk *disk = channel->drives[i].disk;
		struct block_queue *queue = disk != NULL ? &disk->queues[0] : NULL;
		unsigned long flags;

		if (queue == NULL)
			continue;
		flags = spin_lock_irqsave(&queue->lock);
		if (request != NULL && request->queue == queue)
			block_request_end(request, error);
		block_queue_run(queue);
		spin_unlock_irqrestore(&queue->lock, flags);
		block_queue_deliver(queue);
	}
}

void ide_interrupt(void *argument)
{
	struct ide_channel *channel = argument;
	unsigned long flags = spin_lock_irqsave(&channel->lock);
	struct block_request *request = channel->active;
	bool ended = false;
	int error = 0;

	if (request == NULL || channel->resetting)
		(void)status_of(channel); /* nobody's: reading the status calms it */
	else
		ended = advance(channel, &error);
	if (ended)
		channel->active = NULL;
	spin_unlock_irqrestore(&channel->lock, flags);
	if (ended)
		finish(channel, request, error);
}

static void recover(struct block_disk *disk)
{
	struct ide_drive *drive = disk->private;
	struct ide_channel *channel = drive->channel;
	unsigned long flags = spin_lock_irqsave(&channel->lock);
	struct block_request *request = channel->active;

	channel->resetting = true;
	if (channel->master != 0)
		port_write8((u16)(channel->master + MASTER_COMMAND), 0);
	spin_unlock_irqrestore(&channel->lock, flags);
	ide_reset(channel);
	flags = spin_lock_irqsave(&channel->lock);
	if (channel->master != 0)
		port_write8((u16)(channel->master + MASTER_STATUS),
			    MASTER_ERROR | MASTER_INTERRUPT);
	/* Somebody else may have reset it meanwhile. */
	request = channel->active == request ? request : NULL;
	if (request != NULL)
		channel->active = NULL;
	channel->resetting = false;
	spin_unlock_irqrestore(&channel->lock, flags);
	finish(channel, request, -ETIMEDOUT);
}

const struct block_disk_ops ide_disk_ops = {.start = start, .recover = recover};

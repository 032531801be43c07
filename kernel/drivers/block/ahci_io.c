/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AHCI commands: a slot each, of the command list, with a table of its own (Serial ATA AHCI 1.3.1,
 * chapters 4 and 5).
 *
 * A bit of PORT_ISSUE is set when a command starts and clears when it has ended.  After an error
 * the port stands still: it is stopped and started, the command that failed ends with -EIO, and the
 * others, whose state nobody knows, are tried again.
 */
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "drivers/block/ahci_internal.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/sched.h"

enum {
	FIS_HOST_TO_DEVICE = 0x27,
	FIS_IS_COMMAND = 0x80,
	FIS_WORDS = 5,
	HEADER_WRITE = 1 << 6,
	DEVICE_LBA = 0x40,
	STOP_READS = 100000,
	IDENTIFY_MSEC = 2000,
	RESET_MSEC = 2000,
	LINK_CONTROL_RESET = 1,
};

static u32 read_port(const struct ahci_port *port, u32 offset)
{
	return mmio_read32(port->registers, offset);
}

static void write_port(struct ahci_port *port, u32 offset, u32 value)
{
	mmio_write32(port->registers, offset, value);
}

int ahci_port_stop(struct ahci_port *port)
{
	write_port(port, PORT_COMMAND, read_port(port, PORT_COMMAND) & ~(u32)COMMAND_START);
	for (u32 i = 0; read_port(port, PORT_COMMAND) & COMMAND_RUNNING; i++)
		if (i == STOP_READS)
			return -ETIMEDOUT;
	return 0;
}

void ahci_port_start(struct ahci_port *port)
{
	write_port(port, PORT_ERRORS, UINT32_MAX);
	write_port(port, PORT_INTERRUPTS, UINT32_MAX);
	write_port(port, PORT_COMMAND,
		   read_port(port, PORT_COMMAND) | COMMAND_RECEIVE | COMMAND_START);
}

/* Fills in a slot's command; its data are `count` of port->segments. */
static void prepare(struct ahci_port *port, u32 slot, u8 command, u64 lba, u32 sectors, u32 count,
		    bool write)
{
	struct ahci_table *table = port->tables[slot];
	bool lba48 = port->identity.lba48;
	u8 *fis = table->command;

	memset(fis, 0, sizeof(table->command));
	fis[0] = FIS_HOST_TO_DEVICE;
	fis[1] = FIS_IS_COMMAND;
	fis[2] = command;
	for (u32 i = 0; i < 3; i++) {
		fis[4 + i] = (u8)(lba >> 8 * i);
		fis[8 + i] = lba48 ? (u8)(lba >> 8 * (3 + i)) : 0;
	}
	fis[7] = (u8)(DEVICE_LBA | (lba48 ? 0 : lba >> 24 & 0xf));
	fis[12] = (u8)sectors;
	fis[13] = (u8)(sectors >> 8);
	for (u32 i = 0; i < count; i++)
		table->prds[i] = (struct ahci_prd){.address = port->segments[i].address,
						   .length = port->segments[i].length - 1};
	port->headers[slot] = (struct ahci_header){
		.flags = (u16)(FIS_WORDS | (write ? HEADER_WRITE : 0)),
		.prds = (u16)count,
		.table = virt_to_phys(table),
	};
	/* The command is there before the bit that starts it. */
	wmb();
	write_port(port, PORT_ISSUE, 1u << slot);
}

static u32 free_slot(const struct ahci_port *port)
{
	u32 slot = 0;

	while (slot < port->slots && port->requests[slot] != NULL)
		slot++;
	return slot;
}

static int start(struct block_queue *queue, struct block_request *request)
{
	struct ahci_port *port = queue->disk->private;
	u32 slot = free_slot(port), factor = port->identity.logical_size >> SECTOR_SHIFT;
	u32 count = 0;

	if (slot == port->slots || port->resetting)
		return -EBUSY;
	if (request->op != BLOCK_FLUSH)
		count = block_request_segments(request, port->segments, AHCI_PRDS);
	port->requests[slot] = request;
	prepare(port, slot, ata_command_for(&port->identity, request, true),
		request->op == BLOCK_FLUSH ? 0 : request->sector / factor,
		request->op == BLOCK_FLUSH ? 0 : (u32)request->sectors / factor, count,
		request->op == BLOCK_WRITE);
	return 0;
}

/* Ends a slot's request; the queue's lock is held. */
static void end_slot(struct ahci_port *port, u32 slot, int error)
{
	struct block_request *request = port->requests[slot];

	port->requests[slot] = NULL;
	if (request != NULL)
		block_request_end(request, error);
}

/* Ends what the port is no longer working on. */
static void end_finished(struct ahci_port *port, u32 still)
{
	for (u32 slot = 0; slot < port->slots; slot++)
		if (!(still & 1u << slot))
			end_slot(port, slot, 0);
}

/* Brings a port that has stopped at an error back to work.  The lock is held. */
static void handle_error(struct ahci_port *port)
{
	u32 command = read_port(port, PORT_COMMAND), still = read_port(port, PORT_ISSUE);
	u32 failed = command >> COMMAND_SLOT_SHIFT & COMMAND_SLOT_MASK;
	int stopped;

	end_finished(port, still);
	stopped = ahci_port_stop(port);
	if (failed < port->slots)
		end_slot(port, failed, -EIO);
	for (u32 slot = 0; slot < port->slots; slot++)
		end_slot(port, slot, stopped == 0 ? -ETIMEDOUT : -EIO);
	ahci_port_start(port);
}

void ahci_port_interrupt(struct ahci_port *port)
{
	struct block_queue *queue = &port->disk->queues[0];
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	u32 causes = read_port(port, PORT_INTERRUPTS);

	write_port(port, PORT_INTERRUPTS, causes);
	/* What a reset stirs up says nothing. */
	if (!port->resetting && causes & INTERRUPT_ERRORS)
		handle_error(port);
	else if (!port->resetting)
		end_finished(port, read_port(port, PORT_ISSUE));
	block_queue_run(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	block_queue_deliver(queue);
}

/* Begins the link anew, which ends whatever the disk was at (10.4.2).  May sleep. */
static int reset_link(struct ahci_port *port)
{
	int error = ahci_port_stop(port);

	write_port(port, PORT_LINK_CONTROL, LINK_CONTROL_RESET);
	task_sleep(2 * NSEC_PER_MSEC);
	write_port(port, PORT_LINK_CONTROL, 0);
	for (u32 i = 0; i < RESET_MSEC; i++) {
		if ((read_port(port, PORT_LINK) & LINK_MASK) == LINK_UP &&
		    !(read_port(port, PORT_TASK_FILE) & (ATA_STATUS_BUSY | ATA_STATUS_DATA)))
			return error;
		write_port(port, PORT_ERRORS, UINT32_MAX);
		task_sleep(NSEC_PER_MSEC);
	}
	return -ETIMEDOUT;
}

static void recover(struct block_disk *disk)
{
	struct ahci_port *port = disk->private;
	struct block_queue *queue = &disk->queues[0];
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	int error;

	end_finished(port, read_port(port, PORT_ISSUE));
	port->resetting = true;
	spin_unlock_irqrestore(&queue->lock, flags);
	error = reset_link(port);
	flags = spin_lock_irqsave(&queue->lock);
	for (u32 slot = 0; slot < port->slots; slot++)
		end_slot(port, slot, -ETIMEDOUT);
	port->resetting = false;
	ahci_port_start(port);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (error != 0) {
		log_error("%s: does not come back after a reset: error %d", disk->name, -error);
		block_disk_remove(disk);
	}
}

const struct block_disk_ops ahci_disk_ops = {.start = start, .recover = recover};

int ahci_identify(struct ahci_port *port, u16 words[ATA_IDENTIFY_WORDS])
{
	phys_t frame = frame_alloc_zeroed();
	int error = 0;

	if (frame == 0)
		return -ENOMEM;
	port->segments[0] = (struct block_segment){frame, ATA_IDENTIFY_WORDS * sizeof(u16)};
	prepare(port, 0, ATA_IDENTIFY, 0, 0, 1, false);
	for (u32 i = 0; read_port(port, PORT_ISSUE) & 1; i++) {
		if (i == IDENTIFY_MSEC || read_port(port, PORT_INTERRUPTS) & INTERRUPT_ERRORS) {
			error = i == IDENTIFY_MSEC ? -ETIMEDOUT : -EIO;
			break;
		}
		task_sleep(NSEC_PER_MSEC / 10);
	}
	/* The disk may still write there if it did not answer: then the frame is lost. */
	if (error != 0)
		return error;
	memcpy(words, phys_to_virt(frame), ATA_IDENTIFY_WORDS * sizeof(u16));
	frame_free(frame);
	return 0;
}

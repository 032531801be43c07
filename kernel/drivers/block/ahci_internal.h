/* SPDX-License-Identifier: BSD-2-Clause */
/* Between ahci.c (controllers and ports) and ahci_io.c (commands and interrupts). */
#ifndef DRIVERS_BLOCK_AHCI_INTERNAL_H
#define DRIVERS_BLOCK_AHCI_INTERNAL_H

#include "drivers/block/ata.h"
#include "drivers/bus/mmio.h"

/* Of a port (AHCI 1.3.1, 3.3). */
enum ahci_port_register {
	PORT_COMMANDS = 0x00,
	PORT_RECEIVED = 0x08,
	PORT_INTERRUPTS = 0x10,
	PORT_INTERRUPT_ENABLE = 0x14,
	PORT_COMMAND = 0x18,
	PORT_TASK_FILE = 0x20,
	PORT_SIGNATURE = 0x24,
	PORT_LINK = 0x28,
	PORT_LINK_CONTROL = 0x2c,
	PORT_ERRORS = 0x30,
	PORT_ISSUE = 0x38,
};

enum ahci_port_command {
	COMMAND_START = 1 << 0,
	COMMAND_RECEIVE = 1 << 4,
	COMMAND_RECEIVING = 1 << 14,
	COMMAND_RUNNING = 1 << 15,
	COMMAND_SLOT_SHIFT = 8,
	COMMAND_SLOT_MASK = 31,
};

enum {
	LINK_UP = 0x103, /* a device is there and active: bits 0-3 and 8-11 */
	LINK_MASK = 0xf0f,
	INTERRUPT_DONE = 1 << 0,       /* a register FIS has come */
	INTERRUPT_PIO = 1 << 1,        /* the same at the end of data */
	INTERRUPT_ERRORS = 0x78000000, /* bus, host and task-file errors */
	AHCI_SLOTS = 8,
	AHCI_PRDS = 128,
};

/* What the controller reads: an entry of the command list. */
struct ahci_header {
	u16 flags, prds;
	u32 moved;
	u64 table;
	u32 reserved[4];
};

struct ahci_prd {
	u64 address;
	u32 reserved, length; /* bytes - 1 */
};

struct ahci_table {
	u8 command[64], packet[16], reserved[48];
	struct ahci_prd prds[AHCI_PRDS];
};
_Static_assert(sizeof(struct ahci_table) <= PAGE_SIZE, "one page a table");

/* The queue's lock guards all that changes. */
struct ahci_port {
	volatile void *registers;
	struct block_disk *disk;
	struct ata_identity identity;
	struct ahci_header *headers;
	struct ahci_table *tables[AHCI_SLOTS];
	struct block_request *requests[AHCI_SLOTS]; /* under way */
	u32 slots;
	bool resetting; /* takes no requests */
	struct block_segment segments[AHCI_PRDS];
};

extern const struct block_disk_ops ahci_disk_ops;

/* Stops and starts a port's working on commands; may sleep for a moment.  -ETIMEDOUT. */
int __must_check ahci_port_stop(struct ahci_port *port);
void ahci_port_start(struct ahci_port *port);
/* Asks the disk what it is; before interrupts.  May sleep.  0, -ETIMEDOUT, -EIO. */
int __must_check ahci_identify(struct ahci_port *port, u16 words[ATA_IDENTIFY_WORDS]);
void ahci_port_interrupt(struct ahci_port *port);

#endif

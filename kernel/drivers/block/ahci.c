/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AHCI controllers: ports, and the disks on them (Serial ATA AHCI 1.3.1).
 *
 * Every port with a disk has memory of its own: the list of commands, the place for what the disk
 * sends, and a page for each command's table.  Ports with anything else are left alone.
 */
#include "arch/mmu.h"
#include "drivers/block/ahci_internal.h"
#include "drivers/block/drivers.h"
#include "drivers/bus/pci.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"

enum {
	CLASS_AHCI = 0x010601,
	CLASS_MASK = 0xffffff,
	REGISTERS_BAR = 5,
	HOST_CAPABILITIES = 0x00,
	HOST_CONTROL = 0x04,
	HOST_INTERRUPTS = 0x08,
	HOST_PORTS = 0x0c,
	HOST_SIZE = 0x100,
	PORT_SIZE = 0x80,
	PORTS = 32,
	CONTROL_INTERRUPTS = 1 << 1,
	SIGNATURE_DISK = 0x101,
	RECEIVED_OFFSET = 1024, /* behind the command list, in its page */
	MAX_SECTORS = 1024,
};

#define CAPABILITY_64 (1u << 31)
#define CONTROL_AHCI  (1u << 31)

struct ahci {
	volatile void *registers;
	struct ahci_port *ports[PORTS];
};

static void interrupt(void *argument)
{
	struct ahci *ahci = argument;
	u32 causes = mmio_read32(ahci->registers, HOST_INTERRUPTS);

	for (u32 i = 0; i < PORTS; i++)
		if (causes & 1u << i && ahci->ports[i] != NULL)
			ahci_port_interrupt(ahci->ports[i]);
	mmio_write32(ahci->registers, HOST_INTERRUPTS, causes);
}

static void free_port(struct ahci_port *port)
{
	for (u32 i = 0; i < AHCI_SLOTS; i++)
		if (port->tables[i] != NULL)
			frame_free(virt_to_phys(port->tables[i]));
	if (port->headers != NULL)
		frame_free(virt_to_phys(port->headers));
	kfree(port);
}

static struct ahci_port *make_port(volatile void *registers, u32 slots)
{
	struct ahci_port *port = kzalloc(sizeof(*port));
	phys_t frame = port != NULL ? frame_alloc_zeroed() : 0;

	if (port == NULL)
		return NULL;
	port->registers = registers;
	port->slots = MIN(slots, (u32)AHCI_SLOTS);
	port->headers = frame != 0 ? phys_to_virt(frame) : NULL;
	for (u32 i = 0; i < port->slots && frame != 0; i++) {
		frame = frame_alloc_zeroed();
		port->tables[i] = frame != 0 ? phys_to_virt(frame) : NULL;
	}
	if (frame != 0)
		return port;
	free_port(port);
	return NULL;
}

/* Gives the port its memory and has it work. */
static int connect(struct ahci_port *port)
{
	phys_t memory = virt_to_phys(port->headers);
	int error = ahci_port_stop(port);

	if (error != 0)
		return error;
	mmio_write64(port->registers, PORT_COMMANDS, memory);
	mmio_write64(port->registers, PORT_RECEIVED, memory + RECEIVED_OFFSET);
	mmio_write32(port->registers, PORT_INTERRUPT_ENABLE, 0);
	ahci_port_start(port);
	return 0;
}

static int add_disk(struct ahci *ahci, u32 number, struct ahci_port *port)
{
	u16 words[ATA_IDENTIFY_WORDS];
	int error = ahci_identify(port, words);

	if (error != 0 || !ata_parse_identity(words, &port->identity) || !port->identity.dma)
		return error != 0 ? error : -ENODEV;
	port->disk = block_disk_alloc(&ahci_disk_ops, 1, port);
	if (port->disk == NULL)
		return -ENOMEM;
	port->disk->max_segments = AHCI_PRDS;
	port->disk->max_sectors = port->identity.lba48 ? MAX_SECTORS : 128;
	port->disk->depth = port->slots;
	port->disk->fua = port->identity.fua;
	ahci->ports[number] = port;
	mmio_write32(port->registers, PORT_INTERRUPTS, UINT32_MAX);
	mmio_write32(port->registers, PORT_INTERRUPT_ENABLE,
		     INTERRUPT_DONE | INTERRUPT_PIO | INTERRUPT_ERRORS);
	error = ata_disk_add(port->disk, &port->identity);
	if (error == 0)
		return 0;
	mmio_write32(port->registers, PORT_INTERRUPT_ENABLE, 0);
	ahci->ports[number] = NULL;
	block_disk_free(port->disk);
	return error;
}

static void probe_port(struct ahci *ahci, u32 number)
{
	volatile void *registers =
		(volatile char *)ahci->registers + HOST_SIZE + number * PORT_SIZE;
	u32 slots = (mmio_read32(ahci->registers, HOST_CAPABILITIES) >> 8 & 31) + 1;
	struct ahci_port *port;
	int error;

	if ((mmio_read32(registers, PORT_LINK) & LINK_MASK) != LINK_UP ||
	    mmio_read32(registers, PORT_SIGNATURE) != SIGNATURE_DISK)
		return;
	port = make_port(registers, slots);
	if (port == NULL) {
		log_warn("ahci: no memory for port %u", number);
		return;
	}
	error = connect(port);
	if (error == 0)
		error = add_disk(ahci, number, port);
	if (error == 0)
		return;
	log_warn("ahci: port %u does not work: error %d", number, -error);
	/* A port that cannot be stopped may still use its memory. */
	if (ahci_port_stop(port) == 0)
		free_port(port);
}

static int probe(struct pci_device *device)
{
	struct ahci *ahci;
	u64 size = device->bars[REGISTERS_BAR].size;
	u32 implemented;
	int error;

	if (size < HOST_SIZE + PORT_SIZE)
		return -ENODEV;
	pci_enable(device);
	ahci = kzalloc(sizeof(*ahci));
	if (ahci == NULL)
		return -ENOMEM;
	ahci->registers = pci_map(device, REGISTERS_BAR, 0, size);
	error = ahci->registers == NULL ? -ENODEV : pci_irq_setup(device, 1);
	if (error >= 0 && !(mmio_read32(ahci->registers, HOST_CAPABILITIES) & CAPABILITY_64))
		error = -EOPNOTSUPP;
	if (error >= 0)
		error = pci_irq_register(device, 0, 0, interrupt, ahci);
	if (error != 0) {
		kfree(ahci);
		return error;
	}
	mmio_write32(ahci->registers, HOST_CONTROL, CONTROL_AHCI);
	mmio_write32(ahci->registers, HOST_CONTROL, CONTROL_AHCI | CONTROL_INTERRUPTS);
	implemented = mmio_read32(ahci->registers, HOST_PORTS);
	for (u32 i = 0; i < PORTS; i++)
		if (implemented & 1u << i && HOST_SIZE + (i + 1) * PORT_SIZE <= size)
			probe_port(ahci, i);
	return 0;
}

static const struct pci_match matches[] = {{PCI_ANY, PCI_ANY, CLASS_AHCI, CLASS_MASK}};
static struct pci_driver driver = {
	.name = "ahci", .matches = matches, .match_count = ARRAY_SIZE(matches), .probe = probe};

void ahci_init(void)
{
	pci_driver_register(&driver);
}

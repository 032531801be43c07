/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI bus: finding devices, and what their drivers need of them.
 *
 * Devices are found once, at start-up.  A driver registers what it drives and is offered each
 * device that matches and has no driver yet; drivers and devices may come in any order.  What the
 * configuration space says is not believed: every offset and length is checked before it is used.
 *
 * All functions but the accesses to configuration space may sleep; probing is done by one thread.
 */
#ifndef DRIVERS_BUS_PCI_H
#define DRIVERS_BUS_PCI_H

#include "arch/irq.h"
#include "lib/list.h"
#include "lib/types.h"

enum { PCI_BARS = 6, PCI_ANY = 0xffff };

enum pci_register {
	PCI_VENDOR = 0x00,
	PCI_DEVICE = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_REVISION = 0x08,
	PCI_CLASS = 0x09, /* interface, subclass, class */
	PCI_HEADER_TYPE = 0x0e,
	PCI_BAR_0 = 0x10,
	PCI_SECONDARY_BUS = 0x19, /* of a bridge */
	PCI_SUBSYSTEM_VENDOR = 0x2c,
	PCI_SUBSYSTEM = 0x2e,
	PCI_CAPABILITIES = 0x34,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_INTERRUPT_PIN = 0x3d,
};

enum pci_command {
	PCI_COMMAND_PORTS = 1 << 0,
	PCI_COMMAND_MEMORY = 1 << 1,
	PCI_COMMAND_MASTER = 1 << 2,
	PCI_COMMAND_NO_INTX = 1 << 10,
};

enum pci_capability {
	PCI_CAPABILITY_MSI = 0x05,
	PCI_CAPABILITY_VENDOR = 0x09,
	PCI_CAPABILITY_MSIX = 0x11,
};

/* A window of registers, as the firmware has placed it; size 0: there is none. */
struct pci_bar {
	phys_t address;
	u64 size;
	bool is_port;
	volatile void *registers; /* mapped by the first pci_map */
};

enum pci_irq_mode { PCI_IRQ_NONE, PCI_IRQ_LINE, PCI_IRQ_MSI, PCI_IRQ_MSIX };

struct pci_vector {
	bool used;
	void (*handler)(void *argument);
	void *argument;
	struct irq_message message;
};

struct pci_driver;

struct pci_device {
	struct list_head link;
	u8 bus, slot, function;
	u16 vendor, device, subsystem_vendor, subsystem;
	u32 class; /* class << 16 | subclass << 8 | interface */
	u8 revision;
	struct pci_bar bars[PCI_BARS];
	const struct pci_driver *driver; /* NULL: nobody drives it */
	void *driver_data;

	/* pci_irq.c's */
	enum pci_irq_mode irq_mode;
	u8 msi; /* offset of the capability in use */
	volatile void *msix_table;
	u32 vector_count;
	struct pci_vector *vectors;
	struct list_head line_link; /* devices that share the line */
};

struct pci_match {
	u16 vendor, device;    /* PCI_ANY: all */
	u32 class, class_mask; /* mask 0: all */
};

struct pci_driver {
	const char *name;
	const struct pci_match *matches;
	size_t match_count;
	/* 0: the driver has taken the device; an error: it is as it was. */
	int (*probe)(struct pci_device *device);
	struct list_head link; /* the bus's */
};

/* Finds the devices.  From the init thread, once. */
void pci_init(void);
/* The driver is offered all devices, now and later; it stays for good. */
void pci_driver_register(struct pci_driver *driver);

/* Configuration space; an offset beyond 255 only where there is ECAM (else all ones).  Any context.
 */
u8 pci_read8(const struct pci_device *device, u32 offset);
u16 pci_read16(const struct pci_device *device, u32 offset);
u32 pci_read32(const struct pci_device *device, u32 offset);
void pci_write8(const struct pci_device *device, u32 offset, u8 value);
void pci_write16(const struct pci_device *device, u32 offset, u16 value);
void pci_write32(const struct pci_device *device, u32 offset, u32 value);

/* The offset of the first capability `id` behind `after` (0: of all), or 0.  At least 4 bytes of
 * it lie in configuration space. */
u32 pci_find_capability(const struct pci_device *device, u8 id, u32 after);

/* Lets the device answer to its windows and read and write memory. */
void pci_enable(struct pci_device *device);
/* Stops its reading and writing of memory. */
void pci_disable(struct pci_device *device);

/* The registers [offset, offset + length) of a window in memory; NULL when they are not within it
 * or cannot be mapped. */
volatile void *pci_map(struct pci_device *device, u32 bar, u64 offset, u64 length);

/*
 * Chooses how the device interrupts: by up to `wanted` messages (MSI-X), one message (MSI) or its
 * line.  How many vectors there are, at least 1, or -ENODEV, -ENOMEM.
 */
int __must_check pci_irq_setup(struct pci_device *device, u32 wanted);
/* Handles vector `index` on `cpu` (a line: on the boot CPU; shared, so the handler asks the device
 * whether it was the one).  In interrupt context.  0, -EINVAL, -EBUSY, -ENOSPC. */
int __must_check pci_irq_register(struct pci_device *device, u32 index, u32 cpu,
				  void (*handler)(void *argument), void *argument);
/* Undoes pci_irq_setup and all registrations. */
void pci_irq_release(struct pci_device *device);

/* Calls function for each device, in the order of their addresses: /proc/bus/pci and the like. */
void pci_iterate(void (*function)(const struct pci_device *device, void *argument), void *argument);

#endif

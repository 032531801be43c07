/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space: in memory where the firmware says so (ECAM, PCI Express base
 * specification 7.2.2), else through two ports (PCI local bus specification 3.2.2.3.2).
 *
 * A bus's MiB of ECAM is mapped when it is first used; bus_space[] is set once for each bus.
 * port_lock makes the address and the data access one step; it is taken with interrupts off.
 */
#include "arch/firmware.h"
#include "arch/port_io.h"
#include "drivers/bus/mmio.h"
#include "drivers/bus/pci_internal.h"
#include "lib/spinlock.h"
#include "mm/vmalloc.h"

enum {
	PORT_ADDRESS = 0xcf8,
	PORT_DATA = 0xcfc,
	PORT_SPACE = 256,
	ECAM_SPACE = 4096,
	BUSES = 256,
};

#define PORT_ENABLE (1u << 31)

static spinlock_t port_lock = SPINLOCK_INIT;
static bool has_ports;
static volatile void *bus_space[BUSES]; /* atomic */

/* The registers of a bus in memory, or NULL. */
static volatile void *ecam_of_bus(u8 bus)
{
	volatile void *space = __atomic_load_n(&bus_space[bus], __ATOMIC_ACQUIRE);
	struct firmware_ecam area;

	for (u32 i = 0; space == NULL && firmware_ecam(i, &area); i++) {
		if (area.segment != 0 || bus < area.first_bus || bus > area.last_bus)
			continue;
		space = mmio_map(area.address + (phys_t)bus * MIB, MIB);
		__atomic_store_n(&bus_space[bus], space, __ATOMIC_RELEASE);
	}
	return space;
}

static size_t ecam_offset(const struct pci_device *device, u32 offset)
{
	return (size_t)(device->slot << 3 | device->function) * ECAM_SPACE + offset;
}

static u32 port_word(const struct pci_device *device, u32 offset)
{
	return PORT_ENABLE | (u32)device->bus << 16 | (u32)device->slot << 11 |
	       (u32)device->function << 8 | (offset & ~3u);
}

static bool is_reachable(u32 offset, u32 width)
{
	return has_ports && offset < PORT_SPACE && offset % width == 0;
}

u32 pci_read32(const struct pci_device *device, u32 offset)
{
	volatile void *space = ecam_of_bus(device->bus);
	unsigned long flags;
	u32 value;

	if (space != NULL && offset < ECAM_SPACE && offset % 4 == 0)
		return mmio_read32(space, ecam_offset(device, offset));
	if (!is_reachable(offset, 4))
		return UINT32_MAX;
	flags = spin_lock_irqsave(&port_lock);
	port_write32(PORT_ADDRESS, port_word(device, offset));
	value = port_read32(PORT_DATA);
	spin_unlock_irqrestore(&port_lock, flags);
	return value;
}

u16 pci_read16(const struct pci_device *device, u32 offset)
{
	return (u16)(pci_read32(device, offset & ~3u) >> 8 * (offset & 2));
}

u8 pci_read8(const struct pci_device *device, u32 offset)
{
	return (u8)(pci_read32(device, offset & ~3u) >> 8 * (offset & 3));
}

void pci_write32(const struct pci_device *device, u32 offset, u32 value)
{
	volatile void *space = ecam_of_bus(device->bus);
	unsigned long flags;

	if (space != NULL && offset < ECAM_SPACE && offset % 4 == 0) {
		mmio_write32(space, ecam_offset(device, offset), value);
	} else if (is_reachable(offset, 4)) {
		flags = spin_lock_irqsave(&port_lock);
		port_write32(PORT_ADDRESS, port_word(device, offset));
		port_write32(PORT_DATA, value);
		spin_unlock_irqrestore(&port_lock, flags);
	}
}

void pci_write16(const struct pci_device *device, u32 offset, u16 value)
{
	volatile void *space = ecam_of_bus(device->bus);
	unsigned long flags;

	if (space != NULL && offset < ECAM_SPACE && offset % 2 == 0) {
		mmio_write16(space, ecam_offset(device, offset), value);
	} else if (is_reachable(offset, 2)) {
		flags = spin_lock_irqsave(&port_lock);
		port_write32(PORT_ADDRESS, port_word(device, offset));
		port_write16((u16)(PORT_DATA + (offset & 2)), value);
		spin_unlock_irqrestore(&port_lock, flags);
	}
}

void pci_write8(const struct pci_device *device, u32 offset, u8 value)
{
	volatile void *space = ecam_of_bus(device->bus);
	unsigned long flags;

	if (space != NULL && offset < ECAM_SPACE) {
		mmio_write8(space, ecam_offset(device, offset), value);
	} else if (is_reachable(offset, 1)) {
		flags = spin_lock_irqsave(&port_lock);
		port_write32(PORT_ADDRESS, port_word(device, offset));
		port_write8((u16)(PORT_DATA + (offset & 3)), value);
		spin_unlock_irqrestore(&port_lock, flags);
	}
}

bool pci_config_init(void)
{
	struct firmware_ecam area;

	port_write32(PORT_ADDRESS, PORT_ENABLE);
	has_ports = port_read32(PORT_ADDRESS) == PORT_ENABLE;
	return has_ports || firmware_ecam(0, &area);
}

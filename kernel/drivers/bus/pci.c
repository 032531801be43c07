/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI devices: enumeration, windows, capabilities, and who drives what.
 *
 * The bus is walked from bus 0 through the bridges, as the firmware has numbered them; each bus is
 * visited once, whatever the bridges say.  Windows stay where the firmware has put them; one that
 * it has not placed, or that lies over the machine's memory, is not used.
 *
 * `devices` and `drivers` only grow, under bus_lock; probing runs with it held.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/sync.h"
#include "drivers/bus/pci_internal.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/vmalloc.h"

enum {
	SLOTS = 32,
	FUNCTIONS = 8,
	HEADER_MULTIFUNCTION = 0x80,
	HEADER_DEVICE = 0,
	HEADER_BRIDGE = 1,
	STATUS_CAPABILITIES = 1 << 4,
	CAPABILITY_FIRST = 0x40,
	CAPABILITY_LIMIT = 48, /* as many as fit between 0x40 and 0xff */
	SPACE_END = 0x100,
	BAR_PORT = 1,
	BAR_64 = 4,
	BAR_TYPE = 6,
	MAP_LIMIT = 16 * 1024 * 1024,
};

#define ADDRESS_LIMIT BIT(46)

static mutex_t bus_lock = MUTEX_INIT(bus_lock);
static struct list_head devices = LIST_INIT(devices);
static struct list_head drivers = LIST_INIT(drivers);
static u64 visited[256 / 64]; /* buses; bus_lock */

/* --- Capabilities --- */

u32 pci_find_capability(const struct pci_device *device, u8 id, u32 after)
{
	bool passed = after == 0;
	u32 at;

	if (!(pci_read16(device, PCI_STATUS) & STATUS_CAPABILITIES))
		return 0;
	at = pci_read8(device, PCI_CAPABILITIES) & ~3u;
	/* A list that bites its tail ends after as many steps as there can be entries. */
	for (u32 steps = 0; steps < CAPABILITY_LIMIT && at >= CAPABILITY_FIRST; steps++) {
		u32 head = pci_read16(device, at);

		if (passed && (head & 0xff) == id)
			return at;
		passed = passed || at == after;
		at = head >> 8 & ~3u;
	}
	return 0;
}

/* --- Windows --- */

/* How much of a window's address the device decodes; what is written comes back masked. */
static u32 probe_bar(const struct pci_device *device, u32 offset)
{
	u32 old = pci_read32(device, offset), mask;

	pci_write32(device, offset, UINT32_MAX);
	mask = pci_read32(device, offset);
	pci_write32(device, offset, old);
	return mask;
}

/* Does the allocator hand this address out? */
static bool is_memory(phys_t address)
{
	return frame_is_memory(address) && frame_of(address)->kind != FRAME_RESERVED;
}

static void set_bar(struct pci_bar *bar, u64 address, u64 mask, bool is_port)
{
	u64 size = mask & -mask;

	if (size == 0 || address == 0 || !IS_ALIGNED(address, size) || address + size < address)
		return;
	if (!is_port && (address >= ADDRESS_LIMIT || is_memory(address)))
		return;
	*bar = (struct pci_bar){.address = address, .size = size, .is_port = is_port};
}

/* Reads window `index`; returns how many registers it takes. */
static u32 read_bar(struct pci_device *device, u32 index)
{
	u32 offset = PCI_BAR_0 + 4 * index, low = pci_read32(device, offset);
	u32 mask = probe_bar(device, offset);
	u64 address, wide;

	if (mask == 0 || mask == UINT32_MAX)
		return 1;
	if (low & BAR_PORT) {
		/* Many devices decode 16 bits and read zeros above. */
		set_bar(&device->bars[index], low & 0xfffc, mask & 0xfffc, true);
		return 1;
	}
	if ((low & BAR_TYPE) != BAR_64) {
		set_bar(&device->bars[index], low & ~0xfu, (mask & ~0xfu) | ~(u64)UINT32_MAX,
			false);
		return 1;
	}
	if (index + 1 == PCI_BARS)
		return 1;
	address = (u64)pci_read32(device, offset + 4) << 32 | (low & ~0xfu);
	wide = (u64)probe_bar(device, offset + 4) << 32 | (mask & ~0xfu);
	set_bar(&device->bars[index], address, wide, false);
	return 2;
}

static void read_bars(struct pci_device *device)
{
	u16 command = pci_read16(device, PCI_COMMAND);

	/* While it is sized a window must not answer where something else may be. */
	pci_write16(device, PCI_COMMAND, command & (u16) ~(PCI_COMMAND_PORTS | PCI_COMMAND_MEMORY));
	for (u32 index = 0; index < PCI_BARS;)
		index += read_bar(device, index);
	pci_write16(device, PCI_COMMAND, command);
}

volatile void *pci_map(struct pci_device *device, u32 index, u64 offset, u64 length)
{
	struct pci_bar *bar = &device->bars[index];

	if (index >= PCI_BARS || bar->is_port || length == 0 || offset > bar->size ||
	    length > bar->size - offset)
		return NULL;
	if (bar->size > MAP_LIMIT)
		return mmio_map(bar->address + offset, length);
	if (bar->registers == NULL)
		bar->registers = mmio_map(bar->address, bar->size);
	return bar->registers != NULL ? (volatile char *)bar->registers + offset : NULL;
}

void pci_enable(struct pci_device *device)
{
	u16 command = pci_read16(device, PCI_COMMAND);

	pci_write16(device, PCI_COMMAND,
		    command | PCI_COMMAND_PORTS | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void pci_disable(struct pci_device *device)
{
	u16 command = pci_read16(device, PCI_COMMAND);

	pci_write16(device, PCI_COMMAND, command & (u16)~PCI_COMMAND_MASTER);
}

/* --- Drivers --- */

static bool matches(const struct pci_match *match, const struct pci_device *device)
{
	return (match->vendor == PCI_ANY || match->vendor == device->vendor) &&
	       (match->device == PCI_ANY || match->device == device->device) &&
	       (device->class & match->class_mask) == match->class;
}

static void offer(struct pci_device *device, const struct pci_driver *driver)
{
	for (size_t i = 0; i < driver->match_count && device->driver == NULL; i++) {
		int error;

		if (!matches(&driver->matches[i], device))
			continue;
		device->driver = driver;
		error = driver->probe(device);
		if (error == 0)
			return;
		device->driver = NULL;
		if (error != -ENODEV)
			log_warn("pci %02x:%02x.%x: %s cannot drive it: error %d", device->bus,
				 device->slot, device->function, driver->name, -error);
		return;
	}
}

void pci_driver_register(struct pci_driver *driver)
{
	struct pci_device *device;

	mutex_lock(&bus_lock);
	list_add_tail(&driver->link, &drivers);
	list_for_each_entry (device, &devices, link)
		offer(device, driver);
	mutex_unlock(&bus_lock);
}

void pci_iterate(void (*function)(const struct pci_device *device, void *argument), void *argument)
{
	struct pci_device *device;

	list_for_each_entry (device, &devices, link)
		function(device, argument);
}

/* --- Enumeration --- */

static void add_device(const struct pci_device *found)
{
	struct pci_device *device = kzalloc(sizeof(*device));
	struct pci_driver *driver;

	if (device == NULL) {
		log_warn("pci: no memory for a device");
		return;
	}
	*device = *found;
	device->subsystem_vendor = pci_read16(device, PCI_SUBSYSTEM_VENDOR);
	device->subsystem = pci_read16(device, PCI_SUBSYSTEM);
	read_bars(device);
	list_init(&device->line_link);
	list_add_tail(&device->link, &devices);
	log_debug("pci %02x:%02x.%x: %04x:%04x class %06x", device->bus, device->slot,
		  device->function, device->vendor, device->device, device->class);
	list_for_each_entry (driver, &drivers, link)
		offer(device, driver);
}

/* Marks a bus; false when it has been walked already. */
static bool visit(u8 bus)
{
	u64 bit = BIT(bus % 64);
	bool fresh = !(visited[bus / 64] & bit);

	visited[bus / 64] |= bit;
	return fresh;
}

/* Looks at one function; says whether there is one.  *bridge becomes the bus behind it, if any. */
static bool look_at(struct pci_device *found, u8 *header, u8 *behind)
{
	u32 id = pci_read32(found, PCI_VENDOR), class;

	*behind = 0;
	if ((id & 0xffff) == 0xffff || (id & 0xffff) == 0)
		return false;
	*header = pci_read8(found, PCI_HEADER_TYPE);
	class = pci_read32(found, PCI_REVISION);
	found->vendor = (u16)id;
	found->device = (u16)(id >> 16);
	found->class = class >> 8;
	found->revision = (u8) class;
	if ((*header & ~HEADER_MULTIFUNCTION) == HEADER_DEVICE)
		add_device(found);
	else if ((*header & ~HEADER_MULTIFUNCTION) == HEADER_BRIDGE)
		*behind = pci_read8(found, PCI_SECONDARY_BUS);
	return true;
}

/* Walks the buses that are waiting until there are no more. */
static void walk_buses(void)
{
	u8 waiting[256];
	u32 count = 0;

	visit(0);
	waiting[count++] = 0;
	while (count > 0) {
		u8 bus = waiting[--count], header = 0, behind;

		for (u32 at = 0; at < SLOTS * FUNCTIONS; at++) {
			struct pci_device found = {.bus = bus,
						   .slot = (u8)(at / FUNCTIONS),
						   .function = at % FUNCTIONS};
			bool there = look_at(&found, &header, &behind);

			if (behind != 0 && visit(behind))
				waiting[count++] = behind;
			if (found.function == 0 && (!there || !(header & HEADER_MULTIFUNCTION)))
				at += FUNCTIONS - 1;
		}
	}
}

void pci_init(void)
{
	mutex_lock(&bus_lock);
	if (pci_config_init())
		walk_buses();
	mutex_unlock(&bus_lock);
}

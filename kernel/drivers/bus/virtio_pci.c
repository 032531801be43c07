/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio over PCI, the layout of version 1 (Virtual I/O Device specification 1.2, 4.1).
 *
 * Four vendor capabilities say where in the windows the common registers, the doorbells, the
 * interrupt status and the device's own configuration are.  With MSI-X, vector 0 tells of changes
 * of the configuration and the others of queues, each of its own as far as they reach; without,
 * one interrupt stands for all, and the status register says for what.
 */
#include "drivers/bus/mmio.h"
#include "drivers/bus/pci.h"
#include "drivers/bus/virtio.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "mm/kmalloc.h"
#include "proc/sched.h"

enum {
	VENDOR_RED_HAT = 0x1af4,
	FIRST_TRANSITIONAL = 0x1000,
	FIRST_MODERN = 0x1040,
	LAST_MODERN = 0x107f,
	RESET_LIMIT_MSEC = 1000,
	NO_VECTOR = 0xffff,
};

/* Of a vendor capability. */
enum {
	CAPABILITY_KIND = 3,
	CAPABILITY_BAR = 4,
	CAPABILITY_OFFSET = 8,
	CAPABILITY_LENGTH = 12,
	CAPABILITY_MULTIPLIER = 16,
	CAPABILITY_SIZE = 16,
};

enum area { AREA_COMMON = 1, AREA_NOTIFY = 2, AREA_STATUS = 3, AREA_DEVICE = 4, AREAS };

/* Of the common registers. */
enum {
	COMMON_DEVICE_FEATURE_SELECT = 0x00,
	COMMON_DEVICE_FEATURE = 0x04,
	COMMON_DRIVER_FEATURE_SELECT = 0x08,
	COMMON_DRIVER_FEATURE = 0x0c,
	COMMON_CONFIG_VECTOR = 0x10,
	COMMON_STATUS = 0x14,
	COMMON_GENERATION = 0x15,
	COMMON_QUEUE_SELECT = 0x16,
	COMMON_QUEUE_SIZE = 0x18,
	COMMON_QUEUE_VECTOR = 0x1a,
	COMMON_QUEUE_ENABLE = 0x1c,
	COMMON_QUEUE_NOTIFY_OFFSET = 0x1e,
	COMMON_QUEUE_DESCRIPTORS = 0x20,
	COMMON_QUEUE_AVAILABLE = 0x28,
	COMMON_QUEUE_USED = 0x30,
	COMMON_SIZE = 0x38,
};

enum interrupt_status { STATUS_QUEUE = 1, STATUS_CONFIG = 2 };

struct virtio_pci {
	struct virtio_device device;
	struct pci_device *pci;
	volatile void *areas[AREAS];
	u32 lengths[AREAS];
	u32 notify_multiplier;
	u32 vectors;
	volatile void *doorbells[VIRTIO_MAX_QUEUES]; /* by the queue's index */
	u16 queue_vectors[VIRTIO_MAX_QUEUES];
	bool registered[VIRTIO_MAX_QUEUES + 1]; /* vectors with a handler */
};

static struct virtio_pci *of_device(struct virtio_device *device)
{
	return container_of(device, struct virtio_pci, device);
}

/* --- Registers --- */

static u8 get_status(struct virtio_device *device)
{
	return mmio_read8(of_device(device)->areas[AREA_COMMON], COMMON_STATUS);
}

static void set_status(struct virtio_device *device, u8 status)
{
	volatile void *common = of_device(device)->areas[AREA_COMMON];

	mmio_write8(common, COMMON_STATUS, status);
	/* A reset is over when the register reads zero. */
	for (u32 i = 0; status == 0 && mmio_read8(common, COMMON_STATUS) != 0; i++) {
		if (i == RESET_LIMIT_MSEC) {
			log_error("%s: the virtio device does not reset", device->name);
			return;
		}
		task_sleep(NSEC_PER_MSEC);
	}
}

static u64 get_features(struct virtio_device *device)
{
	volatile void *common = of_device(device)->areas[AREA_COMMON];
	u64 features;

	mmio_write32(common, COMMON_DEVICE_FEATURE_SELECT, 1);
	features = (u64)mmio_read32(common, COMMON_DEVICE_FEATURE) << 32;
	mmio_write32(common, COMMON_DEVICE_FEATURE_SELECT, 0);
	return features | mmio_read32(common, COMMON_DEVICE_FEATURE);
}

static void set_features(struct virtio_device *device, u64 features)
{
	volatile void *common = of_device(device)->areas[AREA_COMMON];

	mmio_write32(common, COMMON_DRIVER_FEATURE_SELECT, 0);
	mmio_write32(common, COMMON_DRIVER_FEATURE, (u32)features);
	mmio_write32(common, COMMON_DRIVER_FEATURE_SELECT, 1);
	mmio_write32(common, COMMON_DRIVER_FEATURE, (u32)(features >> 32));
}

static u32 config_generation(struct virtio_device *device)
{
	return mmio_read8(of_device(device)->areas[AREA_COMMON], COMMON_GENERATION);
}

/* Fields are read in their own width, and those of 8 bytes in halves (4.1.3.1). */
static void config_read(struct virtio_device *device, u32 offset, void *to, u32 size)
{
	volatile void *config = of_device(device)->areas[AREA_DEVICE];

	if (size == 2)
		*(u16 *)to = mmio_read16(config, offset);
	for (u32 i = 0; size % 4 == 0 && i < size; i += 4)
		*(u32 *)((char *)to + i) = mmio_read32(config, offset + i);
	for (u32 i = 0; size != 2 && size % 4 != 0 && i < size; i++)
		((u8 *)to)[i] = mmio_read8(config, offset + i);
}

static void config_write(struct virtio_device *device, u32 offset, const void *from, u32 size)
{
	volatile void *config = of_device(device)->areas[AREA_DEVICE];

	if (size == 2)
		mmio_write16(config, offset, *(const u16 *)from);
	for (u32 i = 0; size % 4 == 0 && i < size; i += 4)
		mmio_write32(config, offset + i, *(const u32 *)((const char *)from + i));
	for (u32 i = 0; size != 2 && size % 4 != 0 && i < size; i++)
		mmio_write8(config, offset + i, ((const u8 *)from)[i]);
}

/* --- Interrupts --- */

static void config_interrupt(void *argument)
{
	virtio_config_interrupt(argument);
}

static void queue_interrupt(void *argument)
{
	virtio_queue_interrupt(argument);
}

/* One for everything.  Reading the status lets a line go. */
static void any_interrupt(void *argument)
{
	struct virtio_device *device = argument;
	struct virtio_pci *pci = of_device(device);
	bool is_line = pci->pci->irq_mode == PCI_IRQ_LINE;
	u8 status = is_line ? mmio_read8(pci->areas[AREA_STATUS], 0) : STATUS_QUEUE | STATUS_CONFIG;

	if (status & STATUS_QUEUE)
		virtio_queues_interrupt(device);
	if (status & STATUS_CONFIG)
		virtio_config_interrupt(device);
}

/* Vector of a queue: its own, when there are enough, else the first of all, for everything. */
static u16 vector_of_queue(struct virtio_pci *pci, u32 index)
{
	if (pci->pci->irq_mode != PCI_IRQ_MSIX)
		return NO_VECTOR;
	return index + 1 < pci->vectors ? (u16)(index + 1) : 0;
}

static int set_config_vector(struct virtio_pci *pci)
{
	volatile void *common = pci->areas[AREA_COMMON];

	if (pci->pci->irq_mode != PCI_IRQ_MSIX)
		return 0;
	mmio_write16(common, COMMON_CONFIG_VECTOR, 0);
	return mmio_read16(common, COMMON_CONFIG_VECTOR) == 0 ? 0 : -EIO;
}

/* Takes as many vectors as there may be queues; one only stands for all. */
static int setup_interrupts(struct virtio_pci *pci)
{
	int count = pci_irq_setup(pci->pci, VIRTIO_MAX_QUEUES + 1);
	int error;

	if (count < 0)
		return count;
	pci->vectors = (u32)count;
	pci->device.max_vectors = count > 1 ? (u32)count - 1 : 1;
	error = pci_irq_register(pci->pci, 0, 0, count > 1 ? config_interrupt : any_interrupt,
				 &pci->device);
	if (error != 0)
		pci_irq_release(pci->pci);
	return error;
}

/* --- Queues --- */

static u32 queue_limit(struct virtio_device *device, u32 index)
{
	volatile void *common = of_device(device)->areas[AREA_COMMON];

	if (index >= VIRTIO_MAX_QUEUES)
		return 0;
	mmio_write16(common, COMMON_QUEUE_SELECT, (u16)index);
	return mmio_read16(common, COMMON_QUEUE_SIZE);
}

static int find_doorbell(struct virtio_pci *pci, u32 index)
{
	u64 offset = mmio_read16(pci->areas[AREA_COMMON], COMMON_QUEUE_NOTIFY_OFFSET);

	offset *= pci->notify_multiplier;
	if (offset + sizeof(u16) > pci->lengths[AREA_NOTIFY])
		return -EIO;
	pci->doorbells[index] = (volatile char *)pci->areas[AREA_NOTIFY] + offset;
	return 0;
}

static int queue_enable(struct virtio_device *device, struct virtio_queue *queue, u32 cpu)
{
	struct virtio_pci *pci = of_device(device);
	volatile void *common = pci->areas[AREA_COMMON];
	u32 index = virtio_queue_index(queue);
	u16 vector = vector_of_queue(pci, index);
	struct virtio_rings rings;
	int error = set_config_vector(pci);

	mmio_write16(common, COMMON_QUEUE_SELECT, (u16)index);
	if (error == 0)
		error = find_doorbell(pci, index);
	if (error == 0 && vector != NO_VECTOR && vector > 0 && !pci->registered[vector]) {
		error = pci_irq_register(pci->pci, vector, cpu, queue_interrupt, queue);
		pci->registered[vector] = error == 0;
	}
	if (error != 0)
		return error;
	mmio_write16(common, COMMON_QUEUE_VECTOR, vector);
	if (mmio_read16(common, COMMON_QUEUE_VECTOR) != vector)
		return -EIO;
	virtio_queue_rings(queue, &rings);
	mmio_write16(common, COMMON_QUEUE_SIZE, (u16)rings.size);
	mmio_write64(common, COMMON_QUEUE_DESCRIPTORS, rings.descriptors);
	mmio_write64(common, COMMON_QUEUE_AVAILABLE, rings.available);
	mmio_write64(common, COMMON_QUEUE_USED, rings.used);
	mmio_write16(common, COMMON_QUEUE_ENABLE, 1);
	return 0;
}

static void notify(struct virtio_device *device, struct virtio_queue *queue)
{
	u32 index = virtio_queue_index(queue);

	mmio_write16(of_device(device)->doorbells[index], 0, (u16)index);
}

static const struct virtio_transport transport = {
	.get_status = get_status,
	.set_status = set_status,
	.get_features = get_features,
	.set_features = set_features,
	.config_read = config_read,
	.config_write = config_write,
	.config_generation = config_generation,
	.queue_limit = queue_limit,
	.queue_enable = queue_enable,
	.notify = notify,
};

/* --- Finding them --- */

/* Maps the area that a capability describes, if it is the first of its kind. */
static void map_area(struct virtio_pci *pci, u32 at)
{
	u8 kind = pci_read8(pci->pci, at + CAPABILITY_KIND);
	u8 bar = pci_read8(pci->pci, at + CAPABILITY_BAR);
	u32 offset = pci_read32(pci->pci, at + CAPABILITY_OFFSET);
	u32 length = pci_read32(pci->pci, at + CAPABILITY_LENGTH);

	if (kind < AREA_COMMON || kind >= AREAS || pci->areas[kind] != NULL || bar >= PCI_BARS)
		return;
	pci->areas[kind] = pci_map(pci->pci, bar, offset, length);
	pci->lengths[kind] = length;
	if (kind == AREA_NOTIFY)
		pci->notify_multiplier = at + CAPABILITY_MULTIPLIER + 4 <= 0x100
						 ? pci_read32(pci->pci, at + CAPABILITY_MULTIPLIER)
						 : 0;
}

static int map_areas(struct virtio_pci *pci)
{
	u32 at = 0;

	while ((at = pci_find_capability(pci->pci, PCI_CAPABILITY_VENDOR, at)) != 0)
		if (at + CAPABILITY_SIZE <= 0x100)
			map_area(pci, at);
	if (pci->areas[AREA_COMMON] == NULL || pci->lengths[AREA_COMMON] < COMMON_SIZE ||
	    pci->areas[AREA_NOTIFY] == NULL || pci->areas[AREA_STATUS] == NULL)
		return -ENODEV;
	pci->device.config_size = pci->areas[AREA_DEVICE] != NULL ? pci->lengths[AREA_DEVICE] : 0;
	return 0;
}

static int probe(struct pci_device *device)
{
	struct virtio_pci *pci;
	int error;

	if (device->device < FIRST_TRANSITIONAL || device->device > LAST_MODERN)
		return -ENODEV;
	pci = kzalloc(sizeof(*pci));
	if (pci == NULL)
		return -ENOMEM;
	pci->pci = device;
	pci->device.transport = &transport;
	pci->device.type = device->device >= FIRST_MODERN ? device->device - (u32)FIRST_MODERN
							  : device->subsystem;
	snprintf(pci->device.name, sizeof(pci->device.name), "pci %02x:%02x.%x", device->bus,
		 device->slot, device->function);
	pci_enable(device);
	error = map_areas(pci);
	if (error == 0)
		error = setup_interrupts(pci);
	if (error != 0) {
		kfree(pci);
		return error;
	}
	device->driver_data = pci;
	virtio_device_add(&pci->device);
	return 0;
}

static const struct pci_match matches[] = {{VENDOR_RED_HAT, PCI_ANY, 0, 0}};
static struct pci_driver driver = {
	.name = "virtio", .matches = matches, .match_count = ARRAY_SIZE(matches), .probe = probe};

void virtio_pci_init(void)
{
	pci_driver_register(&driver);
}

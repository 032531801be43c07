/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio devices with their registers in memory (Virtual I/O Device specification 1.2, 4.2,
 * register version 2), as QEMU's microvm has them.
 *
 * The firmware tells where they are; many of these places are empty (device type 0).
 */
#include "arch/firmware.h"
#include "arch/irq.h"
#include "drivers/bus/mmio.h"
#include "drivers/bus/virtio.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "mm/kmalloc.h"
#include "mm/vmalloc.h"

enum {
	MMIO_MAGIC = 0x00,
	MMIO_VERSION = 0x04,
	MMIO_TYPE = 0x08,
	MMIO_DEVICE_FEATURES = 0x10,
	MMIO_DEVICE_FEATURES_SELECT = 0x14,
	MMIO_DRIVER_FEATURES = 0x20,
	MMIO_DRIVER_FEATURES_SELECT = 0x24,
	MMIO_QUEUE_SELECT = 0x30,
	MMIO_QUEUE_MAX = 0x34,
	MMIO_QUEUE_SIZE = 0x38,
	MMIO_QUEUE_READY = 0x44,
	MMIO_NOTIFY = 0x50,
	MMIO_INTERRUPT_STATUS = 0x60,
	MMIO_INTERRUPT_DONE = 0x64,
	MMIO_STATUS = 0x70,
	MMIO_QUEUE_DESCRIPTORS = 0x80,
	MMIO_QUEUE_AVAILABLE = 0x90,
	MMIO_QUEUE_USED = 0xa0,
	MMIO_GENERATION = 0xfc,
	MMIO_CONFIG = 0x100,
	MAGIC = 0x74726976, /* "virt" */
	VERSION = 2,
	STATUS_QUEUE = 1,
	STATUS_CONFIG = 2,
};

struct virtio_mmio {
	struct virtio_device device;
	volatile void *registers;
	u32 irq;
};

static volatile void *registers_of(struct virtio_device *device)
{
	return container_of(device, struct virtio_mmio, device)->registers;
}

static u8 get_status(struct virtio_device *device)
{
	return (u8)mmio_read32(registers_of(device), MMIO_STATUS);
}

static void set_status(struct virtio_device *device, u8 status)
{
	mmio_write32(registers_of(device), MMIO_STATUS, status);
}

static u64 get_features(struct virtio_device *device)
{
	volatile void *registers = registers_of(device);
	u64 features;

	mmio_write32(registers, MMIO_DEVICE_FEATURES_SELECT, 1);
	features = (u64)mmio_read32(registers, MMIO_DEVICE_FEATURES) << 32;
	mmio_write32(registers, MMIO_DEVICE_FEATURES_SELECT, 0);
	return features | mmio_read32(registers, MMIO_DEVICE_FEATURES);
}

static void set_features(struct virtio_device *device, u64 features)
{
	volatile void *registers = registers_of(device);

	mmio_write32(registers, MMIO_DRIVER_FEATURES_SELECT, 0);
	mmio_write32(registers, MMIO_DRIVER_FEATURES, (u32)features);
	mmio_write32(registers, MMIO_DRIVER_FEATURES_SELECT, 1);
	mmio_write32(registers, MMIO_DRIVER_FEATURES, (u32)(features >> 32));
}

static u32 config_generation(struct virtio_device *device)
{
	return mmio_read32(registers_of(device), MMIO_GENERATION);
}

static void config_read(struct virtio_device *device, u32 offset, void *to, u32 size)
{
	volatile void *registers = registers_of(device);

	if (size == 2)
		*(u16 *)to = mmio_read16(registers, MMIO_CONFIG + offset);
	for (u32 i = 0; size % 4 == 0 && i < size; i += 4)
		*(u32 *)((char *)to + i) = mmio_read32(registers, MMIO_CONFIG + offset + i);
	for (u32 i = 0; size != 2 && size % 4 != 0 && i < size; i++)
		((u8 *)to)[i] = mmio_read8(registers, MMIO_CONFIG + offset + i);
}

static void config_write(struct virtio_device *device, u32 offset, const void *from, u32 size)
{
	volatile void *registers = registers_of(device);

	if (size == 2)
		mmio_write16(registers, MMIO_CONFIG + offset, *(const u16 *)from);
	for (u32 i = 0; size % 4 == 0 && i < size; i += 4)
		mmio_write32(registers, MMIO_CONFIG + offset + i,
			     *(const u32 *)((const char *)from + i));
	for (u32 i = 0; size != 2 && size % 4 != 0 && i < size; i++)
		mmio_write8(registers, MMIO_CONFIG + offset + i, ((const u8 *)from)[i]);
}

static u32 queue_limit(struct virtio_device *device, u32 index)
{
	volatile void *registers = registers_of(device);

	mmio_write32(registers, MMIO_QUEUE_SELECT, index);
	if (mmio_read32(registers, MMIO_QUEUE_READY) != 0)
		return 0;
	return mmio_read32(registers, MMIO_QUEUE_MAX);
}

static int queue_enable(struct virtio_device *device, struct virtio_queue *queue, u32 cpu __unused)
{
	volatile void *registers = registers_of(device);
	struct virtio_rings rings;

	virtio_queue_rings(queue, &rings);
	mmio_write32(registers, MMIO_QUEUE_SELECT, virtio_queue_index(queue));
	mmio_write32(registers, MMIO_QUEUE_SIZE, rings.size);
	mmio_write64(registers, MMIO_QUEUE_DESCRIPTORS, rings.descriptors);
	mmio_write64(registers, MMIO_QUEUE_AVAILABLE, rings.available);
	mmio_write64(registers, MMIO_QUEUE_USED, rings.used);
	mmio_write32(registers, MMIO_QUEUE_READY, 1);
	return 0;
}

static void notify(struct virtio_device *device, struct virtio_queue *queue)
{
	mmio_write32(registers_of(device), MMIO_NOTIFY, virtio_queue_index(queue));
}

static void interrupt(void *argument)
{
	struct virtio_mmio *mmio = argument;
	u32 status = mmio_read32(mmio->registers, MMIO_INTERRUPT_STATUS);

	mmio_write32(mmio->registers, MMIO_INTERRUPT_DONE, status);
	if (status & STATUS_QUEUE)
		virtio_queues_interrupt(&mmio->device);
	if (status & STATUS_CONFIG)
		virtio_config_interrupt(&mmio->device);
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

static int add_device(const struct firmware_virtio *found, volatile void *registers)
{
	struct virtio_mmio *mmio = kzalloc(sizeof(*mmio));
	int error;

	if (mmio == NULL)
		return -ENOMEM;
	mmio->registers = registers;
	mmio->irq = found->irq;
	mmio->device.transport = &transport;
	mmio->device.type = mmio_read32(registers, MMIO_TYPE);
	mmio->device.config_size = (u32)found->size - MMIO_CONFIG;
	mmio->device.max_vectors = 1;
	snprintf(mmio->device.name, sizeof(mmio->device.name), "virtio %lx", found->address);
	error = irq_register(found->irq, found->level ? IRQ_LEVEL : IRQ_EDGE, interrupt, mmio);
	if (error != 0) {
		kfree(mmio);
		return error;
	}
	virtio_device_add(&mmio->device);
	return 0;
}

void virtio_mmio_init(void)
{
	struct firmware_virtio found;

	for (u32 i = 0; firmware_virtio(i, &found); i++) {
		volatile void *registers = NULL;
		int error = 0;

		if (found.size > MMIO_CONFIG && found.size <= PAGE_SIZE)
			registers = mmio_map(found.address, found.size);
		if (registers == NULL || mmio_read32(registers, MMIO_MAGIC) != MAGIC ||
		    mmio_read32(registers, MMIO_TYPE) == 0)
			continue;
		if (mmio_read32(registers, MMIO_VERSION) != VERSION)
			error = -ENODEV;
		if (error == 0)
			error = add_device(&found, registers);
		if (error != 0)
			log_warn("virtio %lx: cannot be driven: error %d", found.address, -error);
	}
}

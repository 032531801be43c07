/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe controllers: start, queues, and their first namespace as a disk (NVM Express base
 * specification 2.0, 3.5).
 *
 * There is a queue for each CPU, as far as the controller and its interrupts reach; vector 0 is the
 * admin queue's, which is polled, so queue n has vector n.
 */
#include "drivers/block/nvme_internal.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "drivers/block/drivers.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "proc/sched.h"

enum {
	CLASS_NVME = 0x010802,
	CLASS_MASK = 0xffffff,
	REGISTERS_SIZE = 0x2000,
	REGISTER_CAPABILITIES = 0x00,
	REGISTER_CONFIGURATION = 0x14,
	REGISTER_STATUS = 0x1c,
	REGISTER_ADMIN_SIZES = 0x24,
	REGISTER_ADMIN_COMMANDS = 0x28,
	REGISTER_ADMIN_COMPLETIONS = 0x30,
	CONFIGURATION_ENABLE = 1 << 0,
	CONFIGURATION_ENTRIES = 6 << 16 | 4 << 20, /* of 64 and 16 bytes */
	STATUS_READY = 1 << 0,
	STATUS_FATAL = 1 << 1,
	ADMIN_CREATE_COMMANDS = 0x01,
	ADMIN_CREATE_COMPLETIONS = 0x05,
	ADMIN_IDENTIFY = 0x06,
	ADMIN_SET_FEATURES = 0x09,
	FEATURE_QUEUES = 7,
	IDENTIFY_NAMESPACE = 0,
	IDENTIFY_CONTROLLER = 1,
	QUEUE_CONTIGUOUS = 1,
	QUEUE_INTERRUPTS = 2,
	NVME_MAJOR = 259,
	NVME_MINORS = 16,
};

static u32 controllers; /* the bus probes one at a time */

static u32 read32(const struct nvme *nvme, u32 offset)
{
	return mmio_read32(nvme->registers, offset);
}

/* --- Start --- */

static int wait_ready(struct nvme *nvme, u32 wanted)
{
	for (u32 i = 0; i <= nvme->ready_msec; i++) {
		u32 status = read32(nvme, REGISTER_STATUS);

		if (status == UINT32_MAX || (wanted != 0 && status & STATUS_FATAL))
			return -EIO;
		if ((status & STATUS_READY) == wanted)
			return 0;
		task_sleep(NSEC_PER_MSEC);
	}
	return -ETIMEDOUT;
}

static int enable(struct nvme *nvme)
{
	int error;

	mmio_write32(nvme->registers, REGISTER_CONFIGURATION, 0);
	error = wait_ready(nvme, 0);
	if (error != 0)
		return error;
	nvme_queue_clear(&nvme->admin);
	mmio_write32(nvme->registers, REGISTER_ADMIN_SIZES,
		     (NVME_ENTRIES - 1) << 16 | (NVME_ENTRIES - 1));
	mmio_write64(nvme->registers, REGISTER_ADMIN_COMMANDS, virt_to_phys(nvme->admin.commands));
	mmio_write64(nvme->registers, REGISTER_ADMIN_COMPLETIONS,
		     virt_to_phys((void *)nvme->admin.completions));
	mmio_write32(nvme->registers, REGISTER_CONFIGURATION,
		     CONFIGURATION_ENTRIES | CONFIGURATION_ENABLE);
	return wait_ready(nvme, STATUS_READY);
}

/* Tells the controller of a queue: its completions, then its commands. */
static int create_queue(struct nvme *nvme, struct nvme_queue *queue)
{
	u32 vector = nvme->pci->irq_mode == PCI_IRQ_MSIX ? queue->number : 0;
	struct nvme_command command = {
		.opcode = ADMIN_CREATE_COMPLETIONS,
		.prp1 = virt_to_phys((void *)queue->completions),
		.words = {(NVME_ENTRIES - 1) << 16 | queue->number,
			  vector << 16 | QUEUE_INTERRUPTS | QUEUE_CONTIGUOUS},
	};
	int error;

	nvme_queue_clear(queue);
	error = nvme_admin(nvme, &command, NULL);
	if (error != 0)
		return error;
	command.opcode = ADMIN_CREATE_COMMANDS;
	command.prp1 = virt_to_phys(queue->commands);
	command.words[1] = (u32)queue->number << 16 | QUEUE_CONTIGUOUS;
	return nvme_admin(nvme, &command, NULL);
}

int nvme_reset(struct nvme *nvme)
{
	int error = enable(nvme);

	for (u32 i = 0; i < nvme->queue_count && error == 0; i++)
		error = create_queue(nvme, &nvme->queues[i]);
	return error;
}

/* --- What there is --- */

static int identify(struct nvme *nvme, u32 what, u32 namespace, phys_t frame)
{
	struct nvme_command command = {
		.opcode = ADMIN_IDENTIFY,
		.namespace = namespace,
		.prp1 = frame,
		.words = {what},
	};

	return nvme_admin(nvme, &command, NULL);
}

/* How many queues we may make, at most `wanted`. */
static u32 ask_for_queues(struct nvme *nvme, u32 wanted)
{
	struct nvme_command command = {
		.opcode = ADMIN_SET_FEATURES,
		.words = {FEATURE_QUEUES, (wanted - 1) << 16 | (wanted - 1)},
	};
	u32 granted;

	if (nvme_admin(nvme, &command, &granted) != 0)
		return 1;
	return MIN(wanted, MIN(granted & 0xffff, granted >> 16) + 1);
}

static void read_controller(struct nvme *nvme, const u8 *data)
{
	enum { SERIAL = 4, SERIAL_LENGTH = 20, MDTS = 77, WRITE_CACHE = 525 };
	u32 limit = data[MDTS];

	nvme->disk->write_cache = data[WRITE_CACHE] & 1;
	nvme->disk->fua = true;
	nvme->disk->max_segments = NVME_MAX_PAGES;
	nvme->disk->max_sectors = NVME_MAX_PAGES * SECTORS_PER_PAGE;
	/* A power of two of pages of at least 4 KiB. */
	if (limit > 0 && limit < 7)
		nvme->disk->max_sectors = (u32)SECTORS_PER_PAGE << limit;
	memcpy(nvme->disk->serial, data + SERIAL, SERIAL_LENGTH);
	for (u32 i = SERIAL_LENGTH; i > 0 && nvme->disk->serial[i - 1] == ' '; i--)
		nvme->disk->serial[i - 1] = '\0';
}

/* The namespace's size in sectors; 0: there is none that we can use. */
static u64 read_namespace(struct nvme *nvme, const u8 *data)
{
	enum { FORMAT = 26, FORMATS = 128, FORMAT_SIZE = 4 };
	const u8 *format = data + FORMATS + FORMAT_SIZE * (data[FORMAT] & 0xf);
	u64 blocks;

	memcpy(&blocks, data, sizeof(blocks));
	nvme->block_shift = format[2];
	if (nvme->block_shift < SECTOR_SHIFT || nvme->block_shift > PAGE_SHIFT ||
	    blocks > UINT64_MAX >> (nvme->block_shift - SECTOR_SHIFT))
		return 0;
	nvme->disk->logical_size = nvme->disk->physical_size = 1u << nvme->block_shift;
	return blocks << (nvme->block_shift - SECTOR_SHIFT);
}

/* --- Probing --- */

static int make_queues(struct nvme *nvme, u32 count)
{
	int error = 0;

	nvme->queues = kcalloc(count, sizeof(*nvme->queues));
	if (nvme->queues == NULL)
		return -ENOMEM;
	for (u32 i = 0; i < count && error == 0; i++) {
		u32 vector = nvme->pci->irq_mode == PCI_IRQ_MSIX ? i + 1 : 0;

		error = nvme_queue_make(nvme, &nvme->queues[i], (u16)(i + 1), true);
		if (error == 0)
			error = pci_irq_register(nvme->pci, vector, i, nvme_interrupt,
						 &nvme->queues[i]);
		if (error == 0)
			error = create_queue(nvme, &nvme->queues[i]);
	}
	nvme->queue_count = error == 0 ? count : 0;
	return error;
}

static int add_disk(struct nvme *nvme, phys_t frame)
{
	const u8 *data = phys_to_virt(frame);
	int error = identify(nvme, IDENTIFY_CONTROLLER, 0, frame);
	u64 sectors;

	if (error == 0) {
		read_controller(nvme, data);
		error = identify(nvme, IDENTIFY_NAMESPACE, NVME_NAMESPACE, frame);
	}
	if (error != 0)
		return error;
	sectors = read_namespace(nvme, data);
	if (sectors == 0)
		return -ENODEV;
	for (u32 i = 0; i < nvme->queue_count; i++) {
		nvme->disk->queues[i].private = &nvme->queues[i];
		nvme->queues[i].block_queue = &nvme->disk->queues[i];
	}
	snprintf(nvme->disk->name, sizeof(nvme->disk->name), "nvme%un1", controllers);
	nvme->disk->driver = "blkext";
	nvme->disk->major = NVME_MAJOR;
	nvme->disk->first_minor = controllers * NVME_MINORS;
	nvme->disk->minors = NVME_MINORS;
	nvme->disk->depth = NVME_ENTRIES - 1;
	error = block_disk_add(nvme->disk, sectors);
	controllers += error == 0;
	return error;
}

static int start_controller(struct nvme *nvme)
{
	phys_t frame = frame_alloc_zeroed();
	int vectors, error = frame == 0 ? -ENOMEM : 0;
	u32 queues;

	if (error == 0)
		error = nvme_queue_make(nvme, &nvme->admin, 0, false);
	if (error == 0)
		error = enable(nvme);
	vectors = error == 0 ? pci_irq_setup(nvme->pci, NVME_MAX_QUEUES + 1) : error;
	if (vectors < 0)
		return vectors;
	queues = CLAMP((u32)vectors - 1, 1u, cpumask_count(cpus_online()));
	queues = ask_for_queues(nvme, queues);
	error = make_queues(nvme, queues);
	if (error == 0) {
		nvme->disk = block_disk_alloc(&nvme_disk_ops, queues, nvme);
		error = nvme->disk == NULL ? -ENOMEM : add_disk(nvme, frame);
	}
	if (error == 0)
		frame_free(frame);
	return error;
}

static int probe(struct pci_device *device)
{
	struct nvme *nvme = kzalloc(sizeof(*nvme));
	u64 capabilities;
	int error;

	if (nvme == NULL)
		return -ENOMEM;
	pci_enable(device);
	nvme->pci = device;
	nvme->size = MIN(device->bars[0].size, (u64)REGISTERS_SIZE);
	nvme->registers = pci_map(device, 0, 0, nvme->size);
	if (nvme->registers == NULL || nvme->size < REGISTERS_SIZE / 2 + 16) {
		kfree(nvme);
		return -ENODEV;
	}
	capabilities = mmio_read64(nvme->registers, REGISTER_CAPABILITIES);
	nvme->stride = 4u << (capabilities >> 32 & 0xf);
	nvme->ready_msec = (u32)(capabilities >> 24 & 0xff) * 500;
	/* Pages of 4 KiB, and queues as long as ours. */
	error = (capabilities >> 48 & 0xf) != 0 || (capabilities & 0xffff) + 1 < NVME_ENTRIES
			? -EOPNOTSUPP
			: start_controller(nvme);
	if (error == 0)
		return 0;
	/* Silent, with its interrupts gone; its memory stays, in case it is not. */
	mmio_write32(nvme->registers, REGISTER_CONFIGURATION, 0);
	pci_disable(device);
	pci_irq_release(device);
	block_disk_free(nvme->disk);
	return error;
}

static const struct pci_match matches[] = {{PCI_ANY, PCI_ANY, CLASS_NVME, CLASS_MASK}};
static struct pci_driver driver = {
	.name = "nvme", .matches = matches, .match_count = ARRAY_SIZE(matches), .probe = probe};

void nvme_init(void)
{
	pci_driver_register(&driver);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated device (virtio_device.h), and what the queue's code takes from the kernel. */
#include "drivers/virtio_device.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "drivers/virtio_test.h"

/* Physical addresses are those of the host, less a page: 0 is none. */
char *machine_memory = (char *)PAGE_SIZE;
const char *last_message;
u32 allocations_to_fail;

void log_write(enum log_level level __unused, const char *format __unused, ...)
{
	va_list arguments;

	/* "%s: virtio queue %u is broken: %s" */
	va_start(arguments, format);
	va_arg(arguments, const char *);
	va_arg(arguments, u32);
	last_message = va_arg(arguments, const char *);
	va_end(arguments);
}

phys_t frames_alloc(u32 order)
{
	void *memory = aligned_alloc(PAGE_SIZE, PAGE_SIZE << order);

	if (memory == NULL)
		abort();
	return virt_to_phys(memory);
}

void frames_free(phys_t frames, u32 order __unused)
{
	free(phys_to_virt(frames));
}

void *kmalloc(size_t size)
{
	if (allocations_to_fail > 0) {
		allocations_to_fail--;
		return NULL;
	}
	return malloc(size);
}

void *kzalloc(size_t size)
{
	return calloc(1, size);
}

void *kcalloc(size_t count, size_t size)
{
	return calloc(count, size);
}

void kfree(const void *block)
{
	free((void *)block);
}

void *device_memory(phys_t address)
{
	return phys_to_virt(address);
}

/* --- The transport --- */

static struct simulated_device *of_device(struct virtio_device *device)
{
	return container_of(device, struct simulated_device, device);
}

static u32 queue_limit(struct virtio_device *device, u32 index)
{
	return index == 0 ? of_device(device)->limit : 0;
}

static int queue_enable(struct virtio_device *device, struct virtio_queue *queue, u32 cpu __unused)
{
	struct simulated_device *simulated = of_device(device);

	virtio_queue_rings(queue, &simulated->rings);
	simulated->available = simulated->used = (struct side){0, true};
	return 0;
}

static void notify(struct virtio_device *device, struct virtio_queue *queue __unused)
{
	struct simulated_device *simulated = of_device(device);

	simulated->notified++;
	if (simulated->on_notify != NULL)
		simulated->on_notify(simulated);
}

static const struct virtio_transport transport = {
	.queue_limit = queue_limit, .queue_enable = queue_enable, .notify = notify};

void device_init(struct simulated_device *device, u32 limit, u64 features)
{
	memset(device, 0, sizeof(*device));
	device->device.transport = &transport;
	device->device.features = features;
	device->limit = limit;
	device->packed = features & BIT(VIRTIO_F_RING_PACKED);
	device->event_index = features & BIT(VIRTIO_F_EVENT_INDEX);
}

/* --- Rings, by bytes --- */

static volatile u16 *field16(phys_t area, size_t offset)
{
	return (volatile u16 *)((char *)phys_to_virt(area) + offset);
}

static volatile u32 *field32(phys_t area, size_t offset)
{
	return (volatile u32 *)((char *)phys_to_virt(area) + offset);
}

/* Descriptor i of a ring or a table: segment, flags, and the 16 bits at 12 and 14 as they are. */
struct raw {
	u64 address;
	u32 length;
	u16 first, second;
};

static struct raw read_raw(phys_t table, u32 i)
{
	struct raw raw;

	memcpy(&raw, (char *)phys_to_virt(table) + i * sizeof(raw), sizeof(raw));
	return raw;
}

static void add_segment(struct found *found, struct raw raw, u16 flags)
{
	if (found->count == MAX_SEGMENTS)
		abort();
	found->segments[found->count++] = (struct virtio_segment){raw.address, raw.length};
	if (!(flags & 2))
		found->out = found->count;
}

/* Split: a chain in a table, by `next`. */
static u32 follow(phys_t table, u16 at, struct found *found)
{
	for (u32 places = 1;; places++) {
		struct raw raw = read_raw(table, at);

		if (raw.first & 4)
			follow(raw.address, 0, found);
		else
			add_segment(found, raw, raw.first);
		if (!(raw.first & 1))
			return places;
		at = raw.second;
	}
}

static bool take_split(struct simulated_device *device, struct found *found)
{
	u32 size = device->rings.size;

	if (*field16(device->rings.available, 2) == device->available.at)
		return false;
	rmb();
	found->id = *field16(device->rings.available, 4 + 2 * (device->available.at++ % size));
	found->places = follow(device->rings.descriptors, found->id, found);
	return true;
}

static void go_on(struct side *side, u32 size, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (++side->at == size)
			*side = (struct side){0, !side->wrap};
}

static bool is_available(const struct simulated_device *device)
{
	u16 flags = *field16(device->rings.descriptors, device->available.at * 16 + 14);
	bool wrap = device->available.wrap;

	return (flags >> 7 & 1) == wrap && (flags >> 15 & 1) != wrap;
}

static bool take_packed(struct simulated_device *device, struct found *found)
{
	struct raw raw;

	if (!is_available(device))
		return false;
	rmb();
	do {
		raw = read_raw(device->rings.descriptors, device->available.at);
		if (raw.second & 4)
			for (u32 i = 0; i < raw.length / 16; i++)
				add_segment(found, read_raw(raw.address, i),
					    read_raw(raw.address, i).second);
		else
			add_segment(found, raw, raw.second);
		found->places++;
		go_on(&device->available, device->rings.size, 1);
	} while (raw.second & 1);
	found->id = raw.first;
	return true;
}

bool device_take(struct simulated_device *device, struct found *found)
{
	memset(found, 0, sizeof(*found));
	return device->packed ? take_packed(device, found) : take_split(device, found);
}

static bool give_split(struct simulated_device *device, u16 id, u32 written)
{
	size_t entry = 4 + 8 * (device->used.at % device->rings.size);
	u16 now = ++device->used.at;

	*field32(device->rings.used, entry) = id;
	*field32(device->rings.used, entry + 4) = written;
	wmb();
	*field16(device->rings.used, 2) = now;
	mb();
	if (device->event_index)
		return (u16)(now - 1) ==
		       *field16(device->rings.available, 4 + 2 * device->rings.size);
	return !(*field16(device->rings.available, 0) & 1);
}

static bool give_packed(struct simulated_device *device, u16 id, u32 places, u32 written)
{
	struct side before = device->used;
	size_t at = before.at * 16;
	u16 event, flags;

	*field32(device->rings.descriptors, at + 8) = written;
	*field16(device->rings.descriptors, at + 12) = id;
	wmb();
	*field16(device->rings.descriptors, at + 14) = before.wrap ? 1 << 15 | 1 << 7 : 0;
	mb();
	go_on(&device->used, device->rings.size, places);
	flags = *field16(device->rings.available, 2);
	if (flags != 2)
		return flags == 0;
	/* Anywhere in the descriptors that this buffer passes. */
	event = *field16(device->rings.available, 0);
	for (u32 i = 0; i < places; i++, go_on(&before, device->rings.size, 1))
		if ((event & 0x7fff) == before.at && event >> 15 == before.wrap)
			return true;
	return false;
}

bool device_give(struct simulated_device *device, u16 id, u32 places, u32 written)
{
	return device->packed ? give_packed(device, id, places, written)
			      : give_split(device, id, written);
}

bool device_arm(struct simulated_device *device)
{
	const struct virtio_rings *rings = &device->rings;

	if (device->packed) {
		*field16(rings->used, 0) =
			(u16)(device->available.at | device->available.wrap << 15);
		wmb();
		*field16(rings->used, 2) = device->event_index ? 2 : 0;
		mb();
		return !is_available(device);
	}
	if (device->event_index)
		*field16(rings->used, 4 + 8 * rings->size) = device->available.at;
	else
		*field16(rings->used, 0) = 0;
	mb();
	return *field16(rings->available, 2) == device->available.at;
}

void device_quiet(struct simulated_device *device)
{
	const struct virtio_rings *rings = &device->rings;

	if (device->packed)
		*field16(rings->used, 2) = 1;
	else if (device->event_index)
		*field16(rings->used, 4 + 8 * rings->size) = (u16)(device->available.at - 0x8000);
	else
		*field16(rings->used, 0) = 1;
}

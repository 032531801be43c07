/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio bus: devices, drivers, features and configuration.  Queues are in virtio_queue.c.
 *
 * A device's way to life is that of the specification, 3.1.1: reset, ACKNOWLEDGE, DRIVER, features,
 * FEATURES_OK, queues, DRIVER_OK.  Devices of before version 1.0 are not driven.
 *
 * `devices` and `drivers` only grow, under bus_lock; probing runs with it held.
 */
#include "drivers/bus/virtio.h"

#include "boot/boot_info.h"
#include "drivers/bus/virtio_internal.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "lib/sync.h"

static mutex_t bus_lock = MUTEX_INIT(bus_lock);
static struct list_head devices = LIST_INIT(devices);
static struct list_head drivers = LIST_INIT(drivers);

static void add_status(struct virtio_device *device, u8 bits)
{
	const struct virtio_transport *transport = device->transport;

	transport->set_status(device, transport->get_status(device) | bits);
}

/* Agrees on `wanted` with a device that was reset; 0 or -ENODEV. */
static int negotiate(struct virtio_device *device, u64 wanted)
{
	u64 offered = device->transport->get_features(device);

	add_status(device, VIRTIO_STATUS_ACKNOWLEDGE);
	add_status(device, VIRTIO_STATUS_DRIVER);
	device->features = offered & wanted;
	if (!virtio_has(device, VIRTIO_F_VERSION_1))
		return -ENODEV;
	device->transport->set_features(device, device->features);
	add_status(device, VIRTIO_STATUS_FEATURES_OK);
	return device->transport->get_status(device) & VIRTIO_STATUS_FEATURES_OK ? 0 : -ENODEV;
}

/* virtio.packed=off on the command line leaves all queues split. */
static bool packed_is_allowed(void)
{
	char value[4];

	return cmdline_get(boot_info.command_line, "virtio.packed", value, sizeof(value)) < 0 ||
	       strcmp(value, "off") != 0;
}

static void offer(struct virtio_device *device, const struct virtio_driver *driver)
{
	u64 common = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_EVENT_INDEX) |
		     (packed_is_allowed() ? BIT(VIRTIO_F_RING_PACKED) : 0);
	int error;

	if (device->driver != NULL || driver->type != device->type)
		return;
	device->transport->set_status(device, 0);
	device->driver = driver;
	error = negotiate(device, driver->features | common);
	if (error == 0)
		error = driver->probe(device);
	if (error == 0) {
		log_info("%s: %s, %s queues", device->name, driver->name,
			 virtio_has(device, VIRTIO_F_RING_PACKED) ? "packed" : "split");
		return;
	}
	log_warn("%s: %s cannot drive the virtio device: error %d", device->name, driver->name,
		 -error);
	add_status(device, VIRTIO_STATUS_FAILED);
	device->transport->set_status(device, 0);
	virtio_queues_destroy(device);
	device->driver = NULL;
}

void virtio_driver_register(struct virtio_driver *driver)
{
	struct virtio_device *device;

	mutex_lock(&bus_lock);
	list_add_tail(&driver->link, &drivers);
	list_for_each_entry (device, &devices, link)
		offer(device, driver);
	mutex_unlock(&bus_lock);
}

void virtio_device_add(struct virtio_device *device)
{
	struct virtio_driver *driver;

	mutex_lock(&bus_lock);
	list_add_tail(&device->link, &devices);
	list_for_each_entry (driver, &drivers, link)
		offer(device, driver);
	mutex_unlock(&bus_lock);
}

void virtio_start(struct virtio_device *device)
{
	add_status(device, VIRTIO_STATUS_DRIVER_OK);
}

void virtio_stop(struct virtio_device *device)
{
	device->transport->set_status(device, 0);
}

int virtio_restart(struct virtio_device *device)
{
	u64 before = device->features;
	int error = negotiate(device, before);

	if (error == 0 && device->features != before)
		error = -ENODEV;
	for (u32 i = 0; i < device->queue_count && error == 0; i++)
		error = virtio_queue_restart(device->queues[i]);
	if (error == 0)
		virtio_start(device);
	return error;
}

bool virtio_is_broken(struct virtio_device *device)
{
	for (u32 i = 0; i < device->queue_count; i++)
		if (virtio_queue_is_broken(device->queues[i]))
			return true;
	return device->transport->get_status(device) & VIRTIO_STATUS_NEEDS_RESET;
}

void virtio_config_interrupt(struct virtio_device *device)
{
	void (*changed)(struct virtio_device *) = READ_ONCE(device->config_changed);

	if (changed != NULL)
		changed(device);
}

void virtio_queues_interrupt(struct virtio_device *device)
{
	u32 count = __atomic_load_n(&device->queue_count, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < count; i++)
		virtio_queue_interrupt(device->queues[i]);
}

/* --- Configuration --- */

void virtio_config_read(struct virtio_device *device, u32 offset, void *to, u32 size)
{
	enum { TRIES = 100 };

	memset(to, 0, size);
	if (offset > device->config_size || size > device->config_size - offset)
		return;
	/* A field of more than four bytes is read in halves, between which it may change. */
	for (u32 try = 0; try < TRIES; try++) {
		u32 generation = device->transport->config_generation(device);

		device->transport->config_read(device, offset, to, size);
		if (device->transport->config_generation(device) == generation)
			return;
	}
}

void virtio_config_write(struct virtio_device *device, u32 offset, const void *from, u32 size)
{
	if (offset <= device->config_size && size <= device->config_size - offset)
		device->transport->config_write(device, offset, from, size);
}

u8 virtio_config_u8(struct virtio_device *device, u32 offset)
{
	u8 value;

	virtio_config_read(device, offset, &value, sizeof(value));
	return value;
}

u16 virtio_config_u16(struct virtio_device *device, u32 offset)
{
	u16 value;

	virtio_config_read(device, offset, &value, sizeof(value));
	return value;
}

u32 virtio_config_u32(struct virtio_device *device, u32 offset)
{
	u32 value;

	virtio_config_read(device, offset, &value, sizeof(value));
	return value;
}

u64 virtio_config_u64(struct virtio_device *device, u32 offset)
{
	u64 value;

	virtio_config_read(device, offset, &value, sizeof(value));
	return value;
}

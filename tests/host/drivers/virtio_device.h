/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device as the specification says it works, written apart from the driver: it takes
 * buffers out of a ring of either kind and gives them back in any order.
 *
 * Physical addresses are the test program's own.
 */
#ifndef TESTS_HOST_DRIVERS_VIRTIO_DEVICE_H
#define TESTS_HOST_DRIVERS_VIRTIO_DEVICE_H

#include "drivers/bus/virtio.h"

enum { MAX_SEGMENTS = 64 };

struct side {
	u16 at;
	bool wrap;
};

struct simulated_device {
	struct virtio_device device; /* the driver's */
	bool packed, event_index;
	u32 limit; /* of queue sizes */
	struct virtio_rings rings;
	struct side available, used; /* split: `at` is the index, which runs on */
	u32 notified;                /* how often (atomic) */
	void (*on_notify)(struct simulated_device *device);
};

/* What the device finds. */
struct found {
	u16 id;
	u32 places; /* descriptors of the ring that it takes */
	u32 out, count;
	struct virtio_segment segments[MAX_SEGMENTS];
};

void device_init(struct simulated_device *device, u32 limit, u64 features);
/* The next buffer that the driver has made available, or false. */
bool device_take(struct simulated_device *device, struct found *found);
/* Gives a buffer back; true if the driver wants an interrupt for it. */
bool device_give(struct simulated_device *device, u16 id, u32 places, u32 written);
/* Asks to be told of the next buffer; false when there is one already. */
bool device_arm(struct simulated_device *device);
/* Asks not to be told. */
void device_quiet(struct simulated_device *device);
/* The ring's areas, for those who write into them. */
void *device_memory(phys_t address);

#endif

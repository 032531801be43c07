/* SPDX-License-Identifier: BSD-2-Clause */
/* Between virtio.c and virtio_queue.c. */
#ifndef DRIVERS_BUS_VIRTIO_INTERNAL_H
#define DRIVERS_BUS_VIRTIO_INTERNAL_H

#include "drivers/bus/virtio.h"

enum virtio_status {
	VIRTIO_STATUS_ACKNOWLEDGE = 1,
	VIRTIO_STATUS_DRIVER = 2,
	VIRTIO_STATUS_DRIVER_OK = 4,
	VIRTIO_STATUS_FEATURES_OK = 8,
	VIRTIO_STATUS_NEEDS_RESET = 64,
	VIRTIO_STATUS_FAILED = 128,
};

/* Frees a reset device's queues. */
void virtio_queues_destroy(struct virtio_device *device);
/* Empties a queue and tells the device of it again. */
int __must_check virtio_queue_restart(struct virtio_queue *queue);

#endif

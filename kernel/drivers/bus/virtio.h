/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio devices (Virtual I/O Device specification 1.2): drivers, feature negotiation, and
 * queues, split or packed, whatever transport carries them.
 *
 * A driver registers for a device type.  For each such device the bus resets it, agrees on
 * features, and calls probe, which finds its queues with virtio_queue_create, calls virtio_start
 * and may use the device from then on.
 *
 * A queue's functions are serialised by its user, with a lock that is taken with interrupts off:
 * the queue's callback runs in interrupt context.  Nothing that the device writes is believed: an
 * answer that does not fit breaks the queue, which then gives and takes nothing.
 */
#ifndef DRIVERS_BUS_VIRTIO_H
#define DRIVERS_BUS_VIRTIO_H

#include "lib/list.h"
#include "lib/types.h"

enum virtio_type {
	VIRTIO_NETWORK = 1,
	VIRTIO_BLOCK = 2,
	VIRTIO_CONSOLE = 3,
	VIRTIO_ENTROPY = 4,
	VIRTIO_BALLOON = 5,
	VIRTIO_9P = 9,
	VIRTIO_MEMORY = 24,
};

/* Feature bits that belong to all types. */
enum virtio_common_feature {
	VIRTIO_F_INDIRECT = 28,
	VIRTIO_F_EVENT_INDEX = 29,
	VIRTIO_F_VERSION_1 = 32,
	VIRTIO_F_ACCESS_PLATFORM = 33,
	VIRTIO_F_RING_PACKED = 34,
};

struct virtio_device;
struct virtio_queue;

/* What a transport does. */
struct virtio_transport {
	u8 (*get_status)(struct virtio_device *device);
	void (*set_status)(struct virtio_device *device, u8 status); /* 0 resets, and waits */
	u64 (*get_features)(struct virtio_device *device);
	void (*set_features)(struct virtio_device *device, u64 features);
	/* Device configuration; the range has been checked. */
	void (*config_read)(struct virtio_device *device, u32 offset, void *to, u32 size);
	void (*config_write)(struct virtio_device *device, u32 offset, const void *from, u32 size);
	u32 (*config_generation)(struct virtio_device *device);
	/* How long a queue may be; 0: there is none of that index. */
	u32 (*queue_limit)(struct virtio_device *device, u32 index);
	/* Tells the device where the queue is and what interrupts; 0 or an error. */
	int (*queue_enable)(struct virtio_device *device, struct virtio_queue *queue, u32 cpu);
	void (*notify)(struct virtio_device *device, struct virtio_queue *queue);
};

struct virtio_driver {
	const char *name;
	u32 type;
	u64 features; /* those of the type that the driver knows, and VIRTIO_F_INDIRECT if buffers
		       * may be long */
	int (*probe)(struct virtio_device *device); /* 0: taken */
	struct list_head link;                      /* the bus's */
};

enum { VIRTIO_MAX_QUEUES = 64 };

struct virtio_device {
	struct list_head link;
	u32 type;
	char name[24]; /* where it is: "pci 00:04.0" */
	const struct virtio_transport *transport;
	u64 features;    /* agreed on */
	u32 config_size; /* bytes of device configuration */
	u32 max_vectors; /* how many interrupts the transport can tell apart: 1 or more */
	const struct virtio_driver *driver;
	void *driver_data;
	/* The configuration has changed; interrupt context.  Set before virtio_start, or NULL. */
	void (*config_changed)(struct virtio_device *device);
	u32 queue_count;
	struct virtio_queue *queues[VIRTIO_MAX_QUEUES];
};

void virtio_driver_register(struct virtio_driver *driver);

/* Transports hand devices over; the type must be set.  The struct stays for good. */
void virtio_device_add(struct virtio_device *device);
/* Transports pass interrupts on: of all queues, and of the configuration. */
void virtio_queues_interrupt(struct virtio_device *device);
void virtio_config_interrupt(struct virtio_device *device);
void virtio_queue_interrupt(struct virtio_queue *queue);

static inline bool virtio_has(const struct virtio_device *device, u32 feature)
{
	return device->features & BIT(feature);
}

/*
 * Reads or writes device configuration.  What the device does not have reads as zeros.  One field
 * of 8 bytes or less is read untorn.
 */
void virtio_config_read(struct virtio_device *device, u32 offset, void *to, u32 size);
void virtio_config_write(struct virtio_device *device, u32 offset, const void *from, u32 size);
u8 virtio_config_u8(struct virtio_device *device, u32 offset);
u16 virtio_config_u16(struct virtio_device *device, u32 offset);
u32 virtio_config_u32(struct virtio_device *device, u32 offset);
u64 virtio_config_u64(struct virtio_device *device, u32 offset);

/* Probe is done: the device may start. */
void virtio_start(struct virtio_device *device);
/*
 * Stops the device: it touches no memory any more.  Afterwards virtio_queue_detach gives back what
 * was in flight, and virtio_restart begins anew with the same features and queues.
 */
void virtio_stop(struct virtio_device *device);
int __must_check virtio_restart(struct virtio_device *device);
/* Has the device asked for a reset, or answered nonsense? */
bool virtio_is_broken(struct virtio_device *device);

/* --- Queues --- */

/* A piece of memory for the device. */
struct virtio_segment {
	phys_t address;
	u32 length;
};

/*
 * Makes queue `index`, of at most `limit` descriptors; `callback` (NULL: none) runs on `cpu` in
 * interrupt context when the device has used a buffer.  ERR_PTR(-ENOENT) when the device has no
 * such queue, -ENOMEM.  May sleep.
 */
struct virtio_queue *virtio_queue_create(struct virtio_device *device, u32 index, u32 limit,
					 void (*callback)(struct virtio_queue *queue), u32 cpu);

/*
 * Hands a buffer of `out` segments that the device reads, followed by `in` that it writes, to the
 * device; `token`, not NULL, comes back from virtio_queue_take.  0; -ENOSPC: too few descriptors
 * are free; -EIO: the queue is broken.  virtio_queue_kick must follow.
 */
int __must_check virtio_queue_add(struct virtio_queue *queue, const struct virtio_segment *segments,
				  u32 out, u32 in, void *token);
/* Tells the device of what was added, if it wants to know. */
void virtio_queue_kick(struct virtio_queue *queue);
/* The token of a buffer that the device has used, and how many bytes it wrote; NULL: none. */
void *virtio_queue_take(struct virtio_queue *queue, u32 *written);
/* After NULL: asks for the next interrupt; false when there is something to take already. */
bool virtio_queue_rearm(struct virtio_queue *queue);
/* Asks for no interrupts: for a user that polls. */
void virtio_queue_quiet(struct virtio_queue *queue);
/* After virtio_stop: the token of a buffer that was not used, or NULL. */
void *virtio_queue_detach(struct virtio_queue *queue);

/* Segments that one buffer may have at most, and that fit now. */
u32 virtio_queue_size(const struct virtio_queue *queue);
u32 virtio_queue_free(const struct virtio_queue *queue);
struct virtio_device *virtio_queue_device(const struct virtio_queue *queue);
u32 virtio_queue_index(const struct virtio_queue *queue);
bool virtio_queue_is_broken(const struct virtio_queue *queue);
/* The user's. */
void virtio_queue_set_data(struct virtio_queue *queue, void *data);
void *virtio_queue_data(const struct virtio_queue *queue);

/* Where a queue is, for transports: physical addresses. */
struct virtio_rings {
	phys_t descriptors, available, used;
	u32 size;
};
void virtio_queue_rings(const struct virtio_queue *queue, struct virtio_rings *rings);

/* The transports; each finds its devices.  From the init thread, once. */
void virtio_pci_init(void);
void virtio_mmio_init(void);
/* The driver of virtio_9p.c. */
void virtio_9p_init(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers of 9P behind virtio (Virtual I/O Device specification 1.2, appendix of reserved ids: 9):
 * the messages go through one queue, and the configuration holds the name under which the host
 * shares a folder.
 *
 * `lock` guards the queue and the list of the requests that are in it.  A queue that the device has
 * broken gives nothing back, so its requests end with an error.
 */
#include "arch/mmu.h"
#include "drivers/bus/virtio.h"
#include "fs/9p/transport.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/sync.h"
#include "mm/kmalloc.h"

enum { FEATURE_TAG = 0, CONFIG_TAG_LENGTH = 0, CONFIG_TAG = 2 };
enum { QUEUE_LIMIT = 128, SEGMENTS = P9_DATA_FRAMES + 2 };

struct virtio_server {
	struct p9_transport transport;
	struct virtio_queue *queue; /* lock */
	spinlock_t lock;            /* taken with interrupts off */
	struct list_head under_way; /* lock */
	wait_queue_t room;          /* for descriptors */
	u32 freed;                  /* lock: requests that have come back, in all */
};

static u32 add_message(struct virtio_segment *segments, u32 count, const u8 *bytes, u32 size)
{
	if (size == 0)
		return count;
	segments[count] = (struct virtio_segment){virt_to_phys(bytes), size};
	return count + 1;
}

static u32 add_data(struct virtio_segment *segments, u32 count, const struct p9_request *request)
{
	for (u32 at = 0; at < request->data_size; at += PAGE_SIZE)
		segments[count++] =
			(struct virtio_segment){request->data[at / PAGE_SIZE],
						MIN(request->data_size - at, (u32)PAGE_SIZE)};
	return count;
}

/* What the device reads, then what it writes: how many segments in all, the first *out to read. */
static u32 describe(const struct p9_request *request, struct virtio_segment *segments, u32 *out)
{
	u32 count = add_message(segments, 0, request->out, request->out_size);

	if (!request->data_is_answer)
		count = add_data(segments, count, request);
	*out = count;
	count = add_message(segments, count, request->in, request->in_room);
	if (request->data_is_answer)
		count = add_data(segments, count, request);
	return count;
}

static int submit(struct p9_transport *transport, struct p9_request *request)
{
	struct virtio_server *server = container_of(transport, struct virtio_server, transport);
	struct virtio_segment segments[SEGMENTS];
	u32 out, count = describe(request, segments, &out), freed;
	int error;

	for (;;) {
		unsigned long flags = spin_lock_irqsave(&server->lock);

		error = virtio_queue_add(server->queue, segments, out, count - out, request);
		if (!error) {
			list_add_tail(&request->link, &server->under_way);
			virtio_queue_kick(server->queue);
		}
		freed = server->freed;
		spin_unlock_irqrestore(&server->lock, flags);
		if (error != -ENOSPC)
			return error;
		wait_event(&server->room, READ_ONCE(server->freed) != freed);
	}
}

/* The lock is held. */
static void end(struct virtio_server *server, struct p9_request *request, u32 written, int error)
{
	list_remove(&request->link);
	WRITE_ONCE(server->freed, server->freed + 1);
	p9_request_done(request, written, error);
}

/* Interrupt context. */
static void answered(struct virtio_queue *queue)
{
	struct virtio_server *server = virtio_queue_data(queue);
	unsigned long flags = spin_lock_irqsave(&server->lock);
	struct p9_request *request;
	u32 written;

	do {
		while ((request = virtio_queue_take(queue, &written)) != NULL)
			end(server, request, written, 0);
	} while (!virtio_queue_rearm(queue));
	while (virtio_queue_is_broken(queue) && !list_empty(&server->under_way))
		end(server, list_first_entry(&server->under_way, struct p9_request, link), 0, -EIO);
	spin_unlock_irqrestore(&server->lock, flags);
	wake_up_all(&server->room);
}

static const struct p9_transport_ops transport_ops = {.submit = submit};

static int probe(struct virtio_device *device)
{
	u32 length = virtio_config_u16(device, CONFIG_TAG_LENGTH);
	struct virtio_server *server;

	if (!virtio_has(device, FEATURE_TAG) || length == 0 || length > P9_TAG_NAME_MAX)
		return -EINVAL;
	server = kzalloc(sizeof(*server));
	if (!server)
		return -ENOMEM;
	spin_lock_init(&server->lock);
	wait_queue_init(&server->room);
	list_init(&server->under_way);
	server->transport.ops = &transport_ops;
	virtio_config_read(device, CONFIG_TAG, server->transport.name, length);
	server->queue = virtio_queue_create(device, 0, QUEUE_LIMIT, answered, 0);
	if (IS_ERR(server->queue) || virtio_queue_size(server->queue) < SEGMENTS) {
		int error = IS_ERR(server->queue) ? (int)PTR_ERR(server->queue) : -EINVAL;

		kfree(server);
		return error;
	}
	virtio_queue_set_data(server->queue, server);
	device->driver_data = server;
	virtio_start(device);
	p9_transport_register(&server->transport);
	log_info("9p: the host shares \"%s\"", server->transport.name);
	return 0;
}

static struct virtio_driver driver = {
	.name = "9pnet_virtio",
	.type = VIRTIO_9P,
	.features = BIT(FEATURE_TAG) | BIT(VIRTIO_F_INDIRECT),
	.probe = probe,
};

void virtio_9p_init(void)
{
	virtio_driver_register(&driver);
}

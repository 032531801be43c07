/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames between drivers and those above them, and the network's thread.
 *
 * The thread is started with the first device that needs it.  It takes scheduled devices off
 * `pending` one by one, polls each, and hands what came in to the protocols.  A device whose poll
 * used up its budget goes to the end of the list, so that each has its turn.  `scheduled` is
 * cleared before a device is polled: a call of net_device_schedule that comes later puts it on the
 * list again.
 *
 * pending_lock (interrupts off) guards the list and `polled`; nothing is taken inside it.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "net/device_internal.h"
#include "proc/task.h"
#include "proc/time.h"

enum { BUDGET = 64 };

static struct list_head pending = LIST_INIT(pending); /* pending_lock */
static spinlock_t pending_lock;
static struct net_device *polled; /* pending_lock: the one the thread is at */
static wait_queue_t wake = WAIT_QUEUE_INIT(wake);
static wait_queue_t idle = WAIT_QUEUE_INIT(idle); /* `polled` has changed */
static mutex_t start_lock = MUTEX_INIT(start_lock);
static struct task *thread; /* start_lock */

static void (*receiver)(struct net_device *device, struct list_head *frames); /* constant */
static void (*tap)(struct net_device *device, struct net_frame *frame);       /* constant */
static u32 taps;                                                              /* atomic */

void net_device_set_receiver(void (*receive)(struct net_device *device, struct list_head *frames))
{
	receiver = receive;
}

void net_device_set_tap(void (*function)(struct net_device *device, struct net_frame *frame))
{
	tap = function;
}

void net_device_count_taps(int change)
{
	__atomic_add_fetch(&taps, (u32)change, __ATOMIC_SEQ_CST);
}

bool net_device_is_tapped(void)
{
	return unlikely(READ_ONCE(taps) != 0);
}

static void count(u64 *counter, u64 amount)
{
	__atomic_add_fetch(counter, amount, __ATOMIC_RELAXED);
}

/* --- Frames --- */

static u16 protocol_of(const struct net_frame *frame)
{
	const u8 *header = frame->data;
	u16 protocol = (u16)(header[12] << 8 | header[13]);

	return protocol >= ETH_P_802_3_MIN ? protocol : (u16)ETH_P_802_2;
}

static u16 type_of(const struct net_device *device, const u8 *destination)
{
	if (memcmp(destination, device->address, ETHERNET_ADDRESS) == 0)
		return PACKET_HOST;
	if (destination[0] & 1)
		return memcmp(destination, device->broadcast, ETHERNET_ADDRESS) == 0
			       ? PACKET_BROADCAST
			       : PACKET_MULTICAST;
	return PACKET_OTHERHOST;
}

int net_device_send(struct net_device *device, struct net_frame *frame)
{
	u32 length = frame->length;
	int error = 0;

	if (!net_device_is_up(device))
		error = -ENETDOWN;
	else if (length < ETHERNET_HEADER)
		error = -EINVAL;
	else if (length > READ_ONCE(device->mtu) + ETHERNET_HEADER)
		error = -EMSGSIZE;
	if (error != 0) {
		net_frame_put(frame);
		return error;
	}
	frame->device = device;
	frame->type = PACKET_OUTGOING;
	frame->protocol = protocol_of(frame);
	if (net_device_is_tapped() && device != &loopback_device) {
		frame->arrived = time_wall();
		tap(device, frame);
	}
	error = device->ops->transmit(device, frame);
	if (error == 0) {
		count(&device->statistics.tx_packets, 1);
		count(&device->statistics.tx_bytes, length);
	} else {
		count(&device->statistics.tx_dropped, 1);
	}
	return error;
}

void net_device_receive(struct net_device *device, struct net_frame *frame)
{
	frame->device = device;
	frame->protocol = protocol_of(frame);
	frame->type = type_of(device, frame->data);
	count(&device->statistics.rx_packets, 1);
	count(&device->statistics.rx_bytes, frame->length);
	if (frame->type == PACKET_MULTICAST)
		count(&device->statistics.multicast, 1);
	if (net_device_is_tapped()) {
		frame->arrived = time_wall();
		tap(device, frame);
	}
	list_add_tail(&frame->link, &device->received);
}

/* --- The thread --- */

void net_device_schedule(struct net_device *device)
{
	unsigned long flags = spin_lock_irqsave(&pending_lock);

	if (!device->scheduled) {
		device->scheduled = 1;
		list_add_tail(&device->pending, &pending);
	}
	spin_unlock_irqrestore(&pending_lock, flags);
	wake_up_one(&wake);
}

static struct net_device *take_pending(void)
{
	struct net_device *device;
	unsigned long flags = spin_lock_irqsave(&pending_lock);

	device = list_first_entry_or_null(&pending, struct net_device, pending);
	if (device != NULL) {
		list_remove(&device->pending);
		device->scheduled = 0;
	}
	polled = device;
	spin_unlock_irqrestore(&pending_lock, flags);
	wake_up_all(&idle);
	return device;
}

static void poll_device(struct net_device *device)
{
	u32 received = device->ops->poll(device, BUDGET);

	if (!list_empty(&device->received)) {
		if (receiver != NULL)
			receiver(device, &device->received);
		net_frames_put(&device->received);
	}
	if (received >= BUDGET)
		net_device_schedule(device);
}

static bool has_pending(void)
{
	return READ_ONCE(pending.next) != &pending;
}

static void run(void *argument __unused)
{
	struct net_device *device;

	for (;;) {
		while ((device = take_pending()) != NULL)
			poll_device(device);
		(void)wait_event_interruptible(&wake, has_pending());
	}
}

int net_device_start_thread(void)
{
	int error = 0;

	mutex_lock(&start_lock);
	if (thread == NULL) {
		struct task *new = kernel_thread_create(run, NULL, "network");

		if (IS_ERR(new))
			error = (int)PTR_ERR(new);
		else
			thread = new;
	}
	mutex_unlock(&start_lock);
	return error;
}

void net_device_unschedule(struct net_device *device)
{
	unsigned long flags = spin_lock_irqsave(&pending_lock);

	if (device->scheduled) {
		list_remove(&device->pending);
		device->scheduled = 0;
	}
	spin_unlock_irqrestore(&pending_lock, flags);
	wait_event(&idle, READ_ONCE(polled) != device);
}

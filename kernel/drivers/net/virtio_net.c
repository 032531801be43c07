/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio network cards (Virtual I/O Device specification 1.2, 5.1), with one queue each way.
 *
 * A buffer is a net_frame, with the device's header in front of the frame's data.  The receive
 * queue is filled when the interface first comes up.  Each frame that came in is replaced by a
 * fresh one, or, if there is no memory, is put into the queue again itself, so that the queue never
 * runs dry.
 *
 * Of offloads none are agreed on, so each header is zeros, and nothing in it that the device
 * writes counts.  Without a control queue the device hands over all that it sees.
 *
 * Sent frames are freed when the next ones are sent.  Only when the queue is full do interrupts
 * tell that there is room again, for those that wait in `waiting`, as many as the interface's
 * queue_length.
 *
 * rx_lock and tx_lock, both with interrupts off, guard a queue each; neither is taken inside the
 * other.
 */
#include "drivers/net/drivers.h"

#include "arch/mmu.h"
#include "drivers/bus/virtio.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "net/device.h"
#include "proc/random.h"

enum feature { FEATURE_MTU = 3, FEATURE_MAC = 5, FEATURE_STATUS = 16 };
enum config { CONFIG_MAC = 0, CONFIG_STATUS = 6, CONFIG_MTU = 10 };
enum { STATUS_LINK_UP = 1 };
enum { RECEIVE, TRANSMIT };
enum { QUEUE_LIMIT = 128, HEADER = 12, MIN_MTU = 68, MAX_MTU = 1500 };

_Static_assert((int)NET_FRAME_HEADROOM >= (int)HEADER, "the header lies in front of the data");

struct virtio_net {
	struct net_device net;
	struct virtio_device *device;
	struct virtio_queue *rx; /* rx_lock */
	struct virtio_queue *tx; /* tx_lock */
	spinlock_t rx_lock, tx_lock;
	bool filled;              /* registry: buffers are in the receive queue */
	bool config_changed;      /* atomic; set by interrupts */
	bool dead;                /* the network's thread: stopped for good */
	struct list_head waiting; /* tx_lock: frames that wait for room */
	u32 waiting_count;        /* tx_lock */
};

/* --- Receiving --- */

static int give(struct virtio_net *card, struct net_frame *frame)
{
	const struct virtio_segment segment = {virt_to_phys(frame->data - HEADER),
					       HEADER + NET_FRAME_ROOM};

	return virtio_queue_add(card->rx, &segment, 0, 1, frame);
}

/* A frame that came in, with another one in its place; NULL: none.  `*skipped`: it was no good, or
 * there was no memory, and its buffer is in the queue again. */
static struct net_frame *take_locked(struct virtio_net *card, bool *skipped)
{
	u32 written;
	struct net_frame *frame = virtio_queue_take(card->rx, &written), *fresh = NULL;

	*skipped = false;
	if (frame == NULL)
		return NULL;
	if (written < HEADER + ETHERNET_HEADER)
		card->net.statistics.rx_errors++;
	else if (net_device_is_up(&card->net) && (fresh = net_frame_alloc()) == NULL)
		card->net.statistics.rx_dropped++;
	*skipped = fresh == NULL;
	if (give(card, *skipped ? frame : fresh) != 0)
		net_frame_put(*skipped ? frame : fresh);
	frame->length = *skipped ? 0 : written - HEADER;
	return *skipped ? NULL : frame;
}

static void stop(struct virtio_net *card);

static void look_at_link(struct virtio_net *card)
{
	bool link = true;

	if (!__atomic_exchange_n(&card->config_changed, false, __ATOMIC_ACQ_REL))
		return;
	if (virtio_has(card->device, FEATURE_STATUS))
		link = virtio_config_u16(card->device, CONFIG_STATUS) & STATUS_LINK_UP;
	if (virtio_is_broken(card->device))
		stop(card);
	else
		net_device_set_carrier(&card->net, link);
}

static u32 poll(struct net_device *net, u32 budget)
{
	struct virtio_net *card = net->private;
	struct net_frame *frame;
	u32 count = 0;
	bool skipped, more;

	look_at_link(card);
	if (card->dead)
		return 0;
	while (count < budget) {
		unsigned long flags = spin_lock_irqsave(&card->rx_lock);

		frame = take_locked(card, &skipped);
		more = frame != NULL || skipped || !virtio_queue_rearm(card->rx);
		spin_unlock_irqrestore(&card->rx_lock, flags);
		if (!more)
			break;
		count++;
		if (frame != NULL)
			net_device_receive(net, frame);
	}
	unsigned long flags = spin_lock_irqsave(&card->rx_lock);
	virtio_queue_kick(card->rx);
	spin_unlock_irqrestore(&card->rx_lock, flags);
	if (virtio_queue_is_broken(card->rx) || virtio_queue_is_broken(card->tx))
		stop(card);
	return count;
}

/* Interrupt context. */
static void received(struct virtio_queue *queue)
{
	struct virtio_net *card = virtio_queue_data(queue);
	unsigned long flags = spin_lock_irqsave(&card->rx_lock);

	virtio_queue_quiet(queue);
	spin_unlock_irqrestore(&card->rx_lock, flags);
	net_device_schedule(&card->net);
}

/* Interrupt context. */
static void config_changed(struct virtio_device *device)
{
	struct virtio_net *card = device->driver_data;

	__atomic_store_n(&card->config_changed, true, __ATOMIC_RELEASE);
	net_device_schedule(&card->net);
}

/* --- Sending --- */

static void free_sent_locked(struct virtio_net *card)
{
	struct net_frame *frame;
	u32 written;

	while ((frame = virtio_queue_take(card->tx, &written)) != NULL)
		net_frame_put(frame);
}

static int put_locked(struct virtio_net *card, struct net_frame *frame)
{
	const struct virtio_segment segment = {virt_to_phys(frame->data - HEADER),
					       HEADER + frame->length};

	return virtio_queue_add(card->tx, &segment, 1, 0, frame);
}

/* Hands over those that wait, as far as there is room; what a broken queue takes is lost. */
static void send_waiting_locked(struct virtio_net *card)
{
	while (!list_empty(&card->waiting)) {
		struct net_frame *frame = list_first_entry(&card->waiting, struct net_frame, link);
		int error = put_locked(card, frame);

		if (error == -ENOSPC)
			return;
		list_remove(&frame->link);
		card->waiting_count--;
		if (error != 0)
			net_frame_put(frame);
	}
}

/* Frees what was sent and sends what waits; interrupts are on afterwards if some still do. */
static void advance_locked(struct virtio_net *card)
{
	do {
		free_sent_locked(card);
		send_waiting_locked(card);
		if (list_empty(&card->waiting)) {
			virtio_queue_quiet(card->tx);
			return;
		}
	} while (!virtio_queue_rearm(card->tx));
}

static int transmit(struct net_device *net, struct net_frame *frame)
{
	struct virtio_net *card = net->private;
	int error = -ENOBUFS;

	if (frame->data - frame->memory < HEADER)
		goto drop;
	memset(frame->data - HEADER, 0, HEADER);
	unsigned long flags = spin_lock_irqsave(&card->tx_lock);
	free_sent_locked(card);
	if (card->waiting_count == 0)
		error = put_locked(card, frame);
	if (error != 0 && card->waiting_count < READ_ONCE(net->queue_length) &&
	    !virtio_queue_is_broken(card->tx)) {
		list_add_tail(&frame->link, &card->waiting);
		card->waiting_count++;
		advance_locked(card);
		error = 0;
	}
	virtio_queue_kick(card->tx);
	spin_unlock_irqrestore(&card->tx_lock, flags);
drop:
	if (error == 0)
		return 0;
	net_frame_put(frame);
	return -ENOBUFS;
}

/* Interrupt context. */
static void sent(struct virtio_queue *queue)
{
	struct virtio_net *card = virtio_queue_data(queue);
	unsigned long flags = spin_lock_irqsave(&card->tx_lock);

	advance_locked(card);
	virtio_queue_kick(queue);
	spin_unlock_irqrestore(&card->tx_lock, flags);
}

/* --- Up and down --- */

/* The device has written nonsense, or asks for a reset: it is left alone from now on. */
static void stop(struct virtio_net *card)
{
	struct net_frame *frame;

	if (card->dead)
		return;
	card->dead = true;
	log_error("%s: %s no longer answers as it should, and is stopped", card->net.name,
		  card->device->name);
	virtio_stop(card->device);
	unsigned long flags = spin_lock_irqsave(&card->rx_lock);
	while ((frame = virtio_queue_detach(card->rx)) != NULL)
		net_frame_put(frame);
	spin_unlock_irqrestore(&card->rx_lock, flags);
	flags = spin_lock_irqsave(&card->tx_lock);
	while ((frame = virtio_queue_detach(card->tx)) != NULL)
		net_frame_put(frame);
	while (card->waiting_count > 0) {
		frame = list_first_entry(&card->waiting, struct net_frame, link);
		list_remove(&frame->link);
		card->waiting_count--;
		net_frame_put(frame);
	}
	spin_unlock_irqrestore(&card->tx_lock, flags);
	net_device_set_carrier(&card->net, false);
}

static int open(struct net_device *net)
{
	struct virtio_net *card = net->private;
	struct net_frame *frame;
	u32 count = 0;

	if (card->filled)
		return 0;
	while (count < virtio_queue_size(card->rx) && (frame = net_frame_alloc()) != NULL) {
		unsigned long flags = spin_lock_irqsave(&card->rx_lock);
		int error = give(card, frame);

		spin_unlock_irqrestore(&card->rx_lock, flags);
		if (error != 0) {
			net_frame_put(frame);
			break;
		}
		count++;
	}
	unsigned long flags = spin_lock_irqsave(&card->rx_lock);
	virtio_queue_kick(card->rx);
	spin_unlock_irqrestore(&card->rx_lock, flags);
	card->filled = count > 0;
	return card->filled ? 0 : -ENOMEM;
}

static int set_address(struct net_device *net __unused, const u8 *address __unused)
{
	return 0;
}

static const struct net_device_ops device_ops = {
	.open = open, .transmit = transmit, .poll = poll, .set_address = set_address};

/* --- Probing --- */

static void read_config(struct virtio_net *card)
{
	struct virtio_device *device = card->device;
	struct net_device *net = &card->net;

	if (virtio_has(device, FEATURE_MAC))
		virtio_config_read(device, CONFIG_MAC, net->address, ETHERNET_ADDRESS);
	if (!virtio_has(device, FEATURE_MAC) || (net->address[0] & 1)) {
		random_bytes(net->address, ETHERNET_ADDRESS);
		/* One machine's, and locally given. */
		net->address[0] = (u8)((net->address[0] & ~1u) | 2u);
	}
	memcpy(net->permanent_address, net->address, ETHERNET_ADDRESS);
	memset(net->broadcast, 0xff, ETHERNET_ADDRESS);
	net->mtu = net->max_mtu = MAX_MTU;
	net->min_mtu = MIN_MTU;
	if (virtio_has(device, FEATURE_MTU))
		net->mtu = net->max_mtu = CLAMP((u32)virtio_config_u16(device, CONFIG_MTU),
						(u32)MIN_MTU, (u32)MAX_MTU);
	net->carrier = !virtio_has(device, FEATURE_STATUS) ||
		       (virtio_config_u16(device, CONFIG_STATUS) & STATUS_LINK_UP);
}

static int make_queues(struct virtio_net *card)
{
	card->rx = virtio_queue_create(card->device, RECEIVE, QUEUE_LIMIT, received, 0);
	if (IS_ERR(card->rx))
		return (int)PTR_ERR(card->rx);
	virtio_queue_set_data(card->rx, card);
	card->tx = virtio_queue_create(card->device, TRANSMIT, QUEUE_LIMIT, sent, 0);
	if (IS_ERR(card->tx))
		return (int)PTR_ERR(card->tx);
	virtio_queue_set_data(card->tx, card);
	virtio_queue_quiet(card->tx);
	return 0;
}

static int probe(struct virtio_device *device)
{
	struct virtio_net *card = kzalloc(sizeof(*card));
	int error;

	if (card == NULL)
		return -ENOMEM;
	card->device = device;
	card->net = (struct net_device){
		.name = "eth%d",
		.type = ARPHRD_ETHER,
		.address_length = ETHERNET_ADDRESS,
		.flags = IFF_BROADCAST | IFF_MULTICAST,
		.queue_length = 1000,
		.driver = "virtio_net",
		.bus = device->name,
		.ops = &device_ops,
		.private = card,
	};
	spin_lock_init(&card->rx_lock);
	spin_lock_init(&card->tx_lock);
	list_init(&card->waiting);
	read_config(card);
	error = make_queues(card);
	if (error != 0)
		goto fail;
	device->driver_data = card;
	error = net_device_register(&card->net);
	if (error != 0)
		goto fail;
	device->config_changed = config_changed;
	virtio_start(device);
	/* The link may have changed before anybody was told. */
	config_changed(device);
	return 0;
fail:
	kfree(card);
	return error;
}

static struct virtio_driver driver = {
	.name = "virtio-net",
	.type = VIRTIO_NETWORK,
	.features = BIT(FEATURE_MTU) | BIT(FEATURE_MAC) | BIT(FEATURE_STATUS),
	.probe = probe,
};

void net_drivers_init(void)
{
	virtio_driver_register(&driver);
}

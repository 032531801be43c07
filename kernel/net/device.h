/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces: what drivers register, and what the protocols, programs that see whole
 * frames, and those who configure the network use.
 *
 * Receiving.  A driver's interrupt handler turns its interrupts off and calls net_device_schedule;
 * the network's thread then calls the device's `poll`, which hands over frames with
 * net_device_receive and, once there are none left, turns interrupts on again.  What one call of
 * poll brought goes to the protocols together.  While frames come faster than they are dealt with
 * there are no interrupts, and what the device's ring cannot hold is lost there, for nothing.
 *
 * Sending.  net_device_send hands a frame to the driver, which keeps it until it is sent.
 *
 * Locks: the registry's mutex guards the list of devices, names, and every change of a device's
 * configuration; callbacks run under it and may take the protocols' lock inside, never the other
 * way round.  Flags, the MTU and addresses are read without it.
 */
#ifndef NET_DEVICE_H
#define NET_DEVICE_H

#include "lib/abi/netdevice.h"
#include "lib/list.h"
#include "lib/types.h"
#include "net/frame.h"

enum { NET_ADDRESS_MAX = 8, ETHERNET_ADDRESS = 6, ETHERNET_HEADER = 14 };

struct net_device;

struct net_device_statistics { /* each atomic */
	u64 rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped,
		tx_dropped, multicast;
};

/* What a driver does.  All but transmit and poll may sleep and run under the registry's mutex. */
struct net_device_ops {
	/* IFF_UP comes or goes; open: 0 or an error.  NULL: nothing to be done. */
	int (*open)(struct net_device *device);
	void (*close)(struct net_device *device);
	/*
	 * Takes a frame to send, and the reference: 0, or -ENOBUFS when it is dropped.  With any
	 * sleeping lock held, by several at once; does not sleep.
	 */
	int (*transmit)(struct net_device *device, struct net_frame *frame);
	/*
	 * Hands over at most `budget` frames and says how many; fewer: interrupts are on again.
	 * Also the place to look at the link.  The network's thread, no lock held; may sleep.
	 */
	u32 (*poll)(struct net_device *device, u32 budget);
	/* The value has been checked; NULL: any within the bounds will do. */
	int (*set_mtu)(struct net_device *device, u32 mtu);
	/* NULL: the address cannot be changed. */
	int (*set_address)(struct net_device *device, const u8 *address);
	void (*release)(struct net_device *device); /* the last reference is gone */
};

struct net_device {
	struct list_head node; /* registry */
	char name[IFNAMSIZ];   /* registry; "eth%d": the first that is free */
	u32 index;             /* constant; from 1 on */
	u32 references;        /* atomic */
	u16 type;              /* constant: ARPHRD_* */
	u8 address_length;     /* constant */
	bool carrier;          /* registry: is there a link? */
	u32 flags;             /* registry; read by all: IFF_* */
	u32 mtu, min_mtu, max_mtu;
	u32 queue_length; /* frames that wait to be sent, at most */
	u32 promiscuous;  /* registry: how many want to see everything */
	u32 all_multicast;
	u8 address[NET_ADDRESS_MAX], permanent_address[NET_ADDRESS_MAX], broadcast[NET_ADDRESS_MAX];
	const char *driver; /* for people; NULL: none */
	const char *bus;    /* where it is: "pci 00:03.0", or NULL */
	struct net_device_statistics statistics;
	const struct net_device_ops *ops;
	void *private; /* the driver's */
	void *stack;   /* the protocols' */
	/* The network's thread. */
	u32 scheduled;             /* atomic: 1 while it is on the list */
	struct list_head pending;  /* that list's lock */
	struct list_head received; /* the thread's: frames of this poll */
};

/* The loopback interface: index 1, up from the start, in the first namespace. */
extern struct net_device loopback_device;

/* Registers lo.  Once, at start-up. */
void net_devices_init(void);

/*
 * Makes a device known under its name and gives it an index.  `ops`, type, address, flags
 * (IFF_BROADCAST, IFF_MULTICAST, …), MTU and its bounds are set; the registry holds the first
 * reference.  0, -EEXIST, -EINVAL, -ENOMEM.  May sleep.
 */
int __must_check net_device_register(struct net_device *device);
/* Closes and forgets it; `release` runs once nobody uses it any more.  May sleep. */
void net_device_unregister(struct net_device *device);

/* A device with a reference, or NULL.  May sleep. */
struct net_device *net_device_find(const char *name);
struct net_device *net_device_by_index(u32 index);
/* The first of the devices whose index is at least `index`: walks all, one by one. */
struct net_device *net_device_next(u32 index);
struct net_device *net_device_get(struct net_device *device);
void net_device_put(struct net_device *device);
/* Calls visit for each, by index, under the registry's mutex, until it returns something but 0,
 * which is the result. */
int net_device_for_each(int (*visit)(struct net_device *device, void *context), void *context);

/*
 * Changes those flags that `mask` names; only IFF_UP, IFF_PROMISC, IFF_ALLMULTI, IFF_NOARP,
 * IFF_DYNAMIC, IFF_MULTICAST and IFF_DEBUG change, others are passed over.  0 or what the driver's
 * open says.  May sleep.
 */
int __must_check net_device_set_flags(struct net_device *device, u32 flags, u32 mask);
/* -EINVAL: out of bounds. */
int __must_check net_device_set_mtu(struct net_device *device, u32 mtu);
/* `address_length` bytes; -EOPNOTSUPP, -EADDRNOTAVAIL for a group's or none. */
int __must_check net_device_set_address(struct net_device *device, const u8 *address);
/* -EBUSY while it is up, -EEXIST, -EINVAL. */
int __must_check net_device_rename(struct net_device *device, const char *name);
int __must_check net_device_set_queue_length(struct net_device *device, u32 length);
/* Is the link there?  From poll, or from a task. */
void net_device_set_carrier(struct net_device *device, bool carrier);
/* One more, or one fewer, that wants to see all frames (or those of all groups). */
void net_device_count_promiscuous(struct net_device *device, int change);
void net_device_count_multicast(struct net_device *device, int change);
/* May a device be called so?  As Linux: no "/", ":" or white space, shorter than IFNAMSIZ. */
bool net_device_name_valid(const char *name);

static inline bool net_device_is_up(const struct net_device *device)
{
	return READ_ONCE(device->flags) & IFF_UP;
}
static inline bool net_device_is_running(const struct net_device *device)
{
	return READ_ONCE(device->flags) & IFF_RUNNING;
}

enum net_event { NET_DEVICE_ADDED, NET_DEVICE_GONE, NET_DEVICE_CHANGED };
/*
 * callback(device, event, changed) runs under the registry's mutex; changed: the flags that are
 * others, 0 for a change of something else.  At start-up; there is no end of it.
 */
void net_device_subscribe(void (*callback)(struct net_device *device, enum net_event event,
					   u32 changed));

/* --- Frames --- */

/*
 * Sends a frame, link header and all, and gives up the reference: 0, -ENETDOWN, -EMSGSIZE (longer
 * than the link takes), -EINVAL (shorter than its header), -ENOBUFS.  Does not sleep.
 */
int net_device_send(struct net_device *device, struct net_frame *frame);

/* Starts the network's thread if it does not run yet; a driver's device has it started, who sends
 * through lo does it.  0 or an error.  May sleep. */
int __must_check net_device_start_thread(void);
/* From the driver's interrupt handler or anywhere else: poll is to run. */
void net_device_schedule(struct net_device *device);
/* From poll: a frame has come in; the reference goes along.  Its length is at least the link
 * header's. */
void net_device_receive(struct net_device *device, struct net_frame *frame);

/*
 * The protocols: `receive` gets the frames of one poll and the references to them; the network's
 * thread, no lock held.  At start-up.
 */
void net_device_set_receiver(void (*receive)(struct net_device *device, struct list_head *frames));

/*
 * Who else sees each frame, sent or received (frame->type tells): the function takes a reference if
 * it keeps it.  Does not sleep.  At start-up; called only while net_device_count_taps is above 0.
 */
void net_device_set_tap(void (*tap)(struct net_device *device, struct net_frame *frame));
void net_device_count_taps(int change);
bool net_device_is_tapped(void);

#endif

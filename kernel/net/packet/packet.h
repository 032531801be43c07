/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet sockets: AF_PACKET, packet(7). */
#ifndef NET_PACKET_PACKET_H
#define NET_PACKET_PACKET_H

/* Registers the family.  Once, at start-up, after net_devices_init. */
void packet_init(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Drivers of network interfaces. */
#ifndef DRIVERS_NET_DRIVERS_H
#define DRIVERS_NET_DRIVERS_H

/* Registers each driver with its bus.  From the init thread, once. */
void net_drivers_init(void);

#endif

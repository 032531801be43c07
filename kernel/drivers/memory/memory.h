/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices through which the host takes memory from a running machine, and gives it some. */
#ifndef DRIVERS_MEMORY_MEMORY_H
#define DRIVERS_MEMORY_MEMORY_H

/* Register the drivers of virtio's balloon and of its memory devices.  From the init thread, once.
 */
void balloon_init(void);
void virtio_mem_init(void);

#endif

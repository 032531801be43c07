/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory balloon: memory that the host wants back for a while. */
#ifndef DRIVERS_MEMORY_BALLOON_H
#define DRIVERS_MEMORY_BALLOON_H

/* Registers the driver of virtio's balloon.  From the init thread, once. */
void balloon_init(void);

#endif

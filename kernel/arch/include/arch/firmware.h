/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the firmware tells about buses, for those who drive them.  Constant after
 * arch_init_devices.
 */
#ifndef ARCH_FIRMWARE_H
#define ARCH_FIRMWARE_H

#include "lib/types.h"

/* Configuration space of PCI buses in memory (ECAM): 1 MiB for each bus. */
struct firmware_ecam {
	phys_t address; /* of bus 0, which need not be in the range */
	u16 segment;
	u8 first_bus, last_bus;
};
/* The index-th area; false when there are no more. */
bool firmware_ecam(u32 index, struct firmware_ecam *area);

/* A virtio device whose registers are in memory. */
struct firmware_virtio {
	phys_t address;
	size_t size;
	u32 irq; /* for irq_register */
	bool level;
};
/* The index-th one; false when there are no more. */
bool firmware_virtio(u32 index, struct firmware_virtio *device);

#endif

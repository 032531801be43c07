/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers in memory: one access of exactly that width, in program order among each other (they
 * are mapped uncached).  Against ordinary memory order them with mb, rmb, wmb.
 */
#ifndef DRIVERS_BUS_MMIO_H
#define DRIVERS_BUS_MMIO_H

#include "lib/types.h"

static inline u8 mmio_read8(const volatile void *registers, size_t offset)
{
	return *(const volatile u8 *)((const volatile char *)registers + offset);
}

static inline u16 mmio_read16(const volatile void *registers, size_t offset)
{
	return *(const volatile u16 *)((const volatile char *)registers + offset);
}

static inline u32 mmio_read32(const volatile void *registers, size_t offset)
{
	return *(const volatile u32 *)((const volatile char *)registers + offset);
}

static inline void mmio_write8(volatile void *registers, size_t offset, u8 value)
{
	*(volatile u8 *)((volatile char *)registers + offset) = value;
}

static inline void mmio_write16(volatile void *registers, size_t offset, u16 value)
{
	*(volatile u16 *)((volatile char *)registers + offset) = value;
}

static inline void mmio_write32(volatile void *registers, size_t offset, u32 value)
{
	*(volatile u32 *)((volatile char *)registers + offset) = value;
}

/* In two halves, the low one first, as virtio, AHCI and NVMe allow. */
static inline void mmio_write64(volatile void *registers, size_t offset, u64 value)
{
	mmio_write32(registers, offset, (u32)value);
	mmio_write32(registers, offset + 4, (u32)(value >> 32));
}

static inline u64 mmio_read64(const volatile void *registers, size_t offset)
{
	u32 low = mmio_read32(registers, offset);

	return (u64)mmio_read32(registers, offset + 4) << 32 | low;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port input and output, for drivers of devices that sit in I/O space where the machine has one (a
 * PC).
 *
 * From <machine/port_io.h>, inline: u8 port_read8(u16 port), port_read16, port_read32; void
 * port_write8(u16 port, u8 value), … On a machine without ports reads give all ones, as an empty
 * bus does, and writes go nowhere.
 */
#ifndef ARCH_PORT_IO_H
#define ARCH_PORT_IO_H

#include "lib/types.h"

#include <machine/port_io.h>

#endif

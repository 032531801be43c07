/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts the drivers, in the order in which they need each other. */
#include "drivers/drivers.h"

#include "drivers/block/drivers.h"
#include "drivers/bus/pci.h"
#include "drivers/bus/virtio.h"
#include "drivers/memory/memory.h"
#include "drivers/net/drivers.h"
#include "drivers/tty/tty.h"
#include "fs/device.h"

void drivers_init(const char *command_line)
{
	memory_devices_init();
	tty_core_init();
	serial_init();
	console_init(command_line);
	pty_init();
	pci_init();
	virtio_pci_init();
	virtio_mmio_init();
	block_drivers_init();
	balloon_init();
	virtio_mem_init();
	virtio_9p_init();
	net_drivers_init();
	ide_init();
}

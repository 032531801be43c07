/* SPDX-License-Identifier: BSD-2-Clause */
/* Between pci.c (devices and drivers), pci_config.c (configuration space) and pci_irq.c. */
#ifndef DRIVERS_BUS_PCI_INTERNAL_H
#define DRIVERS_BUS_PCI_INTERNAL_H

#include "drivers/bus/pci.h"

/* Is there a way to configuration space at all?  Chooses it. */
bool pci_config_init(void);

#endif

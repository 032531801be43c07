/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device interrupts.
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include "lib/types.h"

enum irq_trigger { IRQ_EDGE, IRQ_LEVEL };

/*
 * Handles the legacy interrupt line `irq` (0-15 on a PC: the ISA numbering, redirected as the
 * firmware says) or a global one (16 and up).  The handler runs in interrupt context, interrupts
 * off.  0, -EINVAL, -EBUSY.
 */
int __must_check irq_register(u32 irq, enum irq_trigger trigger, void (*handler)(void *argument),
			      void *argument);
void irq_unregister(u32 irq);

#endif

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

/* A message-signalled interrupt: the device writes `data` to `address`. */
struct irq_message {
	u64 address;
	u32 data;
};

/*
 * Makes a message that interrupts `cpu`, which takes interrupts, and handles it there as above.
 * 0 and *message; -EINVAL, -ENOSPC when no vector is left.
 */
int __must_check irq_message_register(u32 cpu, void (*handler)(void *argument), void *argument,
				      struct irq_message *message);
/* The device sends no more; a handler may still be running. */
void irq_message_unregister(const struct irq_message *message);

#endif

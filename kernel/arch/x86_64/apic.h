/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC of each CPU: end of interrupt, messages to other CPUs, the timer. */
#ifndef ARCH_X86_64_APIC_H
#define ARCH_X86_64_APIC_H

#include "lib/types.h"

/* Vectors: 0x20-0x2f are what a legacy controller may still raise; devices have 0x30-0xdf. */
enum apic_vector {
	VECTOR_DEVICE_FIRST = 0x30,
	VECTOR_DEVICE_END = 0xe0,
	VECTOR_TIMER = 0xf0,
	VECTOR_KICK = 0xf1,
	VECTOR_CALL = 0xf2,
	VECTOR_SPURIOUS = 0xff,
};

void apic_init(phys_t address); /* boot CPU: maps it, and masks the legacy controller */
void apic_init_cpu(void);       /* each CPU */
u32 apic_id(void);
void apic_end_of_interrupt(void);

/* Messages.  Any context. */
void apic_send(u32 apic_id, u8 vector);
void apic_send_nmi_to_others(void);
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u8 page);

/* The timer: counts `ticks` down once and raises VECTOR_TIMER; 0 stops it. */
void apic_timer_start(u32 ticks);
u32 apic_timer_remaining(void);
/* Chooses between counting down and comparing with the TSC (MSR_TSC_DEADLINE).  Each CPU. */
void apic_timer_set_mode(bool tsc_deadline);

#endif

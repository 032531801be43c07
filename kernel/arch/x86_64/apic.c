/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC (Intel SDM vol. 3, chapter 11), as memory-mapped registers, or as model-specific
 * registers (x2APIC) where the CPU offers that, which is faster and knows more than 255 CPUs.
 */
#include "apic.h"
#include "machine_internal.h"
#include "x86.h"
#include "lib/panic.h"

enum apic_register {
	APIC_ID = 0x20,
	APIC_TASK_PRIORITY = 0x80,
	APIC_EOI = 0xb0,
	APIC_SPURIOUS = 0xf0,
	APIC_ERROR_STATUS = 0x280,
	APIC_COMMAND = 0x300,
	APIC_COMMAND_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

enum {
	SPURIOUS_ENABLE = 1 << 8,
	LVT_MASKED = 1 << 16,
	LVT_TSC_DEADLINE = 2 << 17,
	LVT_NMI = 4 << 8,
	DIVIDE_BY_1 = 0xb,
	COMMAND_NMI = 4 << 8,
	COMMAND_INIT = 5 << 8,
	COMMAND_STARTUP = 6 << 8,
	COMMAND_ASSERT = 1 << 14,
	COMMAND_PENDING = 1 << 12,
	COMMAND_ALL_OTHERS = 3 << 18,
	BASE_ENABLE = 1 << 11,
	BASE_X2APIC = 1 << 10,
	PIC1_COMMAND = 0x20,
	PIC1_DATA = 0x21,
	PIC2_COMMAND = 0xa0,
	PIC2_DATA = 0xa1,
	APIC_SIZE = 4096,
};

static volatile u8 *registers; /* unused with x2APIC */

static u32 apic_read(enum apic_register reg)
{
	if (cpu_features.x2apic)
		return (u32)msr_read(MSR_X2APIC + reg / 16);
	return *(volatile u32 *)(registers + reg);
}

static void apic_write(enum apic_register reg, u32 value)
{
	if (cpu_features.x2apic)
		msr_write(MSR_X2APIC + reg / 16, value);
	else
		*(volatile u32 *)(registers + reg) = value;
}

/* Moves the two legacy controllers' vectors out of the exceptions' way and masks all their lines.
 */
static void legacy_controller_mask(void)
{
	port_write8(PIC1_COMMAND, 0x11);
	port_write8(PIC2_COMMAND, 0x11);
	port_write8(PIC1_DATA, 0x20);
	port_write8(PIC2_DATA, 0x28);
	port_write8(PIC1_DATA, 4);
	port_write8(PIC2_DATA, 2);
	port_write8(PIC1_DATA, 1);
	port_write8(PIC2_DATA, 1);
	port_write8(PIC1_DATA, 0xff);
	port_write8(PIC2_DATA, 0xff);
}

void apic_init(phys_t address)
{
	legacy_controller_mask();
	if (!cpu_features.x2apic) {
		registers = device_map(address, APIC_SIZE);
		if (registers == NULL)
			panic("no memory to map the interrupt controller");
	}
	apic_init_cpu();
}

void apic_init_cpu(void)
{
	u64 base = msr_read(MSR_APIC_BASE) | BASE_ENABLE;

	msr_write(MSR_APIC_BASE, base);
	if (cpu_features.x2apic)
		msr_write(MSR_APIC_BASE, base | BASE_X2APIC);
	apic_write(APIC_TASK_PRIORITY, 0);
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, LVT_MASKED);
	apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_EOI, 0);
}

u32 apic_id(void)
{
	u32 id = apic_read(APIC_ID);

	return cpu_features.x2apic ? id : id >> 24;
}

void apic_end_of_interrupt(void)
{
	apic_write(APIC_EOI, 0);
}

/* In the memory-mapped form the command is two registers, so nothing may come between. */
static void command(u32 destination, u32 value)
{
	unsigned long flags = irq_save();

	if (cpu_features.x2apic) {
		msr_write(MSR_X2APIC + APIC_COMMAND / 16, (u64)destination << 32 | value);
	} else {
		while (apic_read(APIC_COMMAND) & COMMAND_PENDING)
			cpu_relax();
		apic_write(APIC_COMMAND_HIGH, destination << 24);
		apic_write(APIC_COMMAND, value);
	}
	irq_restore(flags);
}

/* x2APIC's command register does not order earlier stores; the receiver must see what it is called
 * for. */
void apic_send(u32 apic_id, u8 vector)
{
	if (cpu_features.x2apic)
		mb();
	command(apic_id, COMMAND_ASSERT | vector);
}

void apic_send_nmi_to_others(void)
{
	command(0, COMMAND_ALL_OTHERS | COMMAND_ASSERT | COMMAND_NMI);
}

void apic_send_init(u32 apic_id)
{
	command(apic_id, COMMAND_ASSERT | COMMAND_INIT);
}

void apic_send_startup(u32 apic_id, u8 page)
{
	command(apic_id, COMMAND_ASSERT | COMMAND_STARTUP | page);
}

void apic_timer_set_mode(bool tsc_deadline)
{
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (tsc_deadline ? LVT_TSC_DEADLINE : 0));
	mb();
}

void apic_timer_start(u32 ticks)
{
	apic_write(APIC_TIMER_INITIAL, ticks);
}

u32 apic_timer_remaining(void)
{
	return apic_read(APIC_TIMER_CURRENT);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device interrupts: the I/O APICs route a line to a vector of the boot CPU; messages name their
 * vector and CPU themselves (Intel SDM vol. 3, 11.11).
 *
 * Each line in use, and each message, has a vector of its own.  A handler's entry is complete
 * before its line is unmasked, and cleared after the line is masked and the entry no longer in use,
 * so the interrupt path takes no lock.
 *
 * Locks: irq_lock guards the table's changes and the I/O APICs' index registers; taken with
 * interrupts off.
 */
#include "arch/irq.h"
#include "acpi.h"
#include "apic.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/trace.h"
#include "machine_internal.h"
#include "x86.h"

enum {
	IO_APIC_SELECT = 0,
	IO_APIC_WINDOW = 0x10,
	IO_APIC_VERSION = 1,
	IO_APIC_REDIRECTION = 0x10,
	IO_APIC_SIZE = 4096,
	REDIRECT_LOW = 1 << 13,
	REDIRECT_LEVEL = 1 << 15,
	REDIRECT_MASKED = 1 << 16,
	DEVICE_VECTORS = VECTOR_DEVICE_END - VECTOR_DEVICE_FIRST,
	DEFAULT_IO_APIC = 0xfec00000,
	MESSAGE_ADDRESS = 0xfee00000,
	MESSAGE_CPU_SHIFT = 12,
	MESSAGE_CPU_LIMIT = 0x100,
};

/* The line number of a message. */
#define NO_LINE UINT32_MAX

struct io_apic {
	volatile u8 *registers;
	u32 first_gsi, lines;
};

struct irq_line {
	void (*handler)(void *argument); /* NULL: free */
	void *argument;
	u32 irq;
	u32 gsi;
};

static struct io_apic io_apics[ACPI_MAX_IO_APICS]; /* constant after irq_init */
static u32 io_apic_count;
static spinlock_t irq_lock = SPINLOCK_INIT;
static struct irq_line lines[DEVICE_VECTORS]; /* by vector; irq_lock, see above */

static u32 io_apic_read(struct io_apic *chip, u32 reg)
{
	*(volatile u32 *)(chip->registers + IO_APIC_SELECT) = reg;
	return *(volatile u32 *)(chip->registers + IO_APIC_WINDOW);
}

static void io_apic_write(struct io_apic *chip, u32 reg, u32 value)
{
	*(volatile u32 *)(chip->registers + IO_APIC_SELECT) = reg;
	*(volatile u32 *)(chip->registers + IO_APIC_WINDOW) = value;
}

static void add_io_apic(phys_t address, u32 first_gsi)
{
	struct io_apic *chip = &io_apics[io_apic_count];

	chip->registers = device_map(address, IO_APIC_SIZE);
	if (chip->registers == NULL)
		return;
	chip->first_gsi = first_gsi;
	chip->lines = (io_apic_read(chip, IO_APIC_VERSION) >> 16 & 0xff) + 1;
	for (u32 line = 0; line < chip->lines; line++)
		io_apic_write(chip, IO_APIC_REDIRECTION + 2 * line, REDIRECT_MASKED);
	io_apic_count++;
}

void irq_init(void)
{
	for (u32 i = 0; i < acpi_info.io_apic_count; i++)
		add_io_apic(acpi_info.io_apics[i].address, acpi_info.io_apics[i].first_gsi);
	if (acpi_info.io_apic_count == 0)
		add_io_apic(DEFAULT_IO_APIC, 0);
}

static struct io_apic *find_io_apic(u32 gsi)
{
	for (u32 i = 0; i < io_apic_count; i++) {
		if (gsi >= io_apics[i].first_gsi && gsi - io_apics[i].first_gsi < io_apics[i].lines)
			return &io_apics[i];
	}
	return NULL;
}

static void redirect(u32 gsi, u32 low_word)
{
	struct io_apic *chip = find_io_apic(gsi);
	u32 reg = IO_APIC_REDIRECTION + 2 * (gsi - chip->first_gsi);

	io_apic_write(chip, reg, REDIRECT_MASKED);
	io_apic_write(chip, reg + 1, cpu_locals[0].apic_id << 24);
	io_apic_write(chip, reg, low_word);
}

/* A free entry for the line, or why not. */
static long find_entry(u32 irq, u32 gsi)
{
	long free = -EBUSY;

	if (find_io_apic(gsi) == NULL)
		return -EINVAL;
	for (u32 i = 0; i < DEVICE_VECTORS; i++) {
		if (lines[i].handler == NULL)
			free = free < 0 ? (long)i : free;
		else if (lines[i].irq == irq || lines[i].gsi == gsi)
			return -EBUSY;
	}
	return free;
}

int irq_register(u32 irq, enum irq_trigger trigger, void (*handler)(void *argument), void *argument)
{
	bool is_isa = irq < ISA_IRQS;
	u32 gsi = is_isa ? acpi_info.isa[irq].gsi : irq;
	bool level = is_isa ? acpi_info.isa[irq].level : trigger == IRQ_LEVEL;
	bool low = is_isa ? acpi_info.isa[irq].low : trigger == IRQ_LEVEL;
	unsigned long flags;
	long entry;

	if (handler == NULL)
		return -EINVAL;
	flags = spin_lock_irqsave(&irq_lock);
	entry = find_entry(irq, gsi);
	if (entry >= 0) {
		lines[entry] = (struct irq_line){.argument = argument, .irq = irq, .gsi = gsi};
		__atomic_store_n(&lines[entry].handler, handler, __ATOMIC_RELEASE);
		redirect(gsi, (u32)(VECTOR_DEVICE_FIRST + entry) | (level ? REDIRECT_LEVEL : 0) |
				      (low ? REDIRECT_LOW : 0));
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	return entry < 0 ? (int)entry : 0;
}

void irq_unregister(u32 irq)
{
	unsigned long flags = spin_lock_irqsave(&irq_lock);

	for (u32 i = 0; i < DEVICE_VECTORS; i++) {
		if (lines[i].handler != NULL && irq != NO_LINE && lines[i].irq == irq) {
			redirect(lines[i].gsi, REDIRECT_MASKED);
			__atomic_store_n(&lines[i].handler, NULL, __ATOMIC_RELEASE);
		}
	}
	spin_unlock_irqrestore(&irq_lock, flags);
}

int irq_message_register(u32 cpu, void (*handler)(void *argument), void *argument,
			 struct irq_message *message)
{
	unsigned long flags;
	long entry = -ENOSPC;

	if (handler == NULL || cpu >= MAX_CPUS || !(cpus_online() & cpumask_of(cpu)) ||
	    cpu_locals[cpu].apic_id >= MESSAGE_CPU_LIMIT)
		return -EINVAL;
	flags = spin_lock_irqsave(&irq_lock);
	for (long i = 0; i < DEVICE_VECTORS && entry < 0; i++)
		if (lines[i].handler == NULL)
			entry = i;
	if (entry >= 0) {
		lines[entry] =
			(struct irq_line){.argument = argument, .irq = NO_LINE, .gsi = NO_LINE};
		__atomic_store_n(&lines[entry].handler, handler, __ATOMIC_RELEASE);
		message->address = MESSAGE_ADDRESS | cpu_locals[cpu].apic_id << MESSAGE_CPU_SHIFT;
		message->data = (u32)(VECTOR_DEVICE_FIRST + entry);
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	return entry < 0 ? (int)entry : 0;
}

void irq_message_unregister(const struct irq_message *message)
{
	u32 entry = message->data - VECTOR_DEVICE_FIRST;
	unsigned long flags = spin_lock_irqsave(&irq_lock);

	if (entry < DEVICE_VECTORS && lines[entry].irq == NO_LINE)
		__atomic_store_n(&lines[entry].handler, NULL, __ATOMIC_RELEASE);
	spin_unlock_irqrestore(&irq_lock, flags);
}

static void device_interrupt(u32 vector)
{
	struct irq_line *line = &lines[vector - VECTOR_DEVICE_FIRST];
	void (*handler)(void *) = __atomic_load_n(&line->handler, __ATOMIC_ACQUIRE);

	if (handler != NULL)
		handler(line->argument);
	apic_end_of_interrupt();
}

void interrupt_handle(u32 vector)
{
	trace_point(TRACE_IRQ, vector, 0, 0, 0);
	switch (vector) {
	case VECTOR_TIMER:
		apic_end_of_interrupt();
		clock_timer_fired();
		break;
	case VECTOR_KICK: /* the way out looks at need_resched */
		apic_end_of_interrupt();
		kick_handle();
		kick_entry();
		break;
	case VECTOR_CALL:
		apic_end_of_interrupt();
		cpus_call_handle();
		break;
	default:
		if (vector >= VECTOR_DEVICE_FIRST && vector < VECTOR_DEVICE_END)
			device_interrupt(vector);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Off, and on again.
 *
 * Off is ACPI's state S5: the sleep type goes to the PM1 control registers, or to the sleep control
 * register of machines with reduced hardware.  Restart tries the reset register of ACPI, the
 * keyboard controller, and a triple fault.
 */
#include "acpi.h"
#include "arch/machine.h"
#include "lib/log.h"
#include "machine_internal.h"
#include "x86.h"

enum {
	PM1_ENABLED = 1 << 0,
	PM1_SLEEP_ENABLE = 1 << 13,
	PM1_TYPE_SHIFT = 10,
	PM1_TYPE_MASK = 7 << 10,
	SLEEP_CONTROL_ENABLE = 1 << 5,
	SLEEP_CONTROL_TYPE_SHIFT = 2,
	KEYBOARD_STATUS = 0x64,
	KEYBOARD_BUSY = 2,
	KEYBOARD_RESET = 0xfe,
	ACPI_SPIN = 100000,
	RESET_SPIN = 1000000,
};

void machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* The firmware may own the power registers until told otherwise. */
static void take_over(void)
{
	if (acpi_info.smi_command == 0 || acpi_info.acpi_enable == 0 ||
	    (acpi_register_read(&acpi_info.pm1a_control) & PM1_ENABLED))
		return;
	port_write8(acpi_info.smi_command, acpi_info.acpi_enable);
	for (int spin = 0; spin < ACPI_SPIN; spin++) {
		if (acpi_register_read(&acpi_info.pm1a_control) & PM1_ENABLED)
			return;
	}
}

static void pm1_sleep(const struct acpi_register *reg, u8 type)
{
	u64 value = acpi_register_read(reg) & ~(u64)(PM1_TYPE_MASK | PM1_SLEEP_ENABLE);

	acpi_register_write(reg, value | (u64)type << PM1_TYPE_SHIFT | PM1_SLEEP_ENABLE);
}

void machine_power_off(void)
{
	irq_disable();
	if (acpi_info.has_s5 && acpi_info.sleep_control.address != 0)
		acpi_register_write(&acpi_info.sleep_control,
				    (u64)acpi_info.s5_type_a << SLEEP_CONTROL_TYPE_SHIFT |
					    SLEEP_CONTROL_ENABLE);
	if (acpi_info.has_s5 && acpi_info.pm1a_control.address != 0) {
		take_over();
		pm1_sleep(&acpi_info.pm1a_control, acpi_info.s5_type_a);
		if (acpi_info.pm1b_control.address != 0)
			pm1_sleep(&acpi_info.pm1b_control, acpi_info.s5_type_b);
	}
	/* It takes effect a little later. */
	for (int spin = 0; spin < RESET_SPIN; spin++)
		cpu_relax();
	log_info("the machine cannot switch itself off; it is safe to do so now");
	machine_halt();
}

static void keyboard_reset(void)
{
	for (int spin = 0; spin < RESET_SPIN && (port_read8(KEYBOARD_STATUS) & KEYBOARD_BUSY);
	     spin++)
		cpu_relax();
	port_write8(KEYBOARD_STATUS, KEYBOARD_RESET);
	for (int spin = 0; spin < RESET_SPIN; spin++)
		cpu_relax();
}

/* Without an IDT, any exception becomes a triple fault, which resets the CPU. */
static void triple_fault(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed nothing = {0};

	__asm__ volatile("lidt %0; int3" : : "m"(nothing));
}

void machine_restart(void)
{
	irq_disable();
	if (acpi_info.reset.address != 0) {
		acpi_register_write(&acpi_info.reset, acpi_info.reset_value);
		for (int spin = 0; spin < RESET_SPIN; spin++)
			cpu_relax();
	}
	keyboard_reset();
	triple_fault();
	machine_halt();
}

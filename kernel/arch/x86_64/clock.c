/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monotonic clock, from the time-stamp counter, and each CPU's one-shot timer.
 *
 * ns = (tsc - base) * multiplier / 2^32, with a product of 128 bits: exact enough for centuries.
 * The CPUs' counters are taken to be in step, as they are on every virtual machine and on
 * processors of the last ten years.
 *
 * The timer is the local APIC's: compared with the TSC where the CPU can do that, else counting
 * down at its own rate, in which case it may fire early (long waits, rounding); clock_timer_fired
 * then arms it again without telling anyone.
 */
#include "arch/clock.h"
#include "arch/trap.h"
#include "acpi.h"
#include "apic.h"
#include "calibrate.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "machine_internal.h"
#include "vdso_data.h"
#include "x86.h"

#define NO_TIMER UINT64_MAX
/* A timer may fire early; whoever armed it looks at the clock. */
#define LONGEST_WAIT (1000 * NSEC_PER_SEC)

static struct clock_rates rates; /* constant after clock_init */
static u64 tsc_base;
static u64 tsc_multiplier;    /* nanoseconds a cycle, 32 fraction bits; 0: not calibrated */
static u64 cycles_multiplier; /* cycles a nanosecond, 32 fraction bits */
static u64 ticks_multiplier;  /* timer ticks a nanosecond, 32 fraction bits */
static struct cpu_timer {
	nsec_t deadline; /* own CPU, interrupts off */
} __cacheline timers[MAX_CPUS];

static u64 scale(u64 value, u64 multiplier)
{
	return (u64)((unsigned __int128)value * multiplier >> 32);
}

nsec_t clock_monotonic(void)
{
	return scale(cpu_cycles() - tsc_base, tsc_multiplier);
}

void clock_init(void)
{
	if (!calibrate(&rates))
		panic("no clock to calibrate the processor's counter with");
	tsc_base = cpu_cycles();
	tsc_multiplier = (NSEC_PER_SEC << 32) / rates.tsc_hz;
	cycles_multiplier = ((rates.tsc_hz / 1000) << 32) / (NSEC_PER_SEC / 1000);
	ticks_multiplier = (rates.timer_hz << 32) / NSEC_PER_SEC;
	vdso_publish_clock(tsc_base, tsc_multiplier);
	clock_init_cpu();
	log_set_clock(clock_monotonic);
	log_info("clock: TSC at %lu kHz, timer at %lu kHz (%s)", rates.tsc_hz / 1000,
		 rates.timer_hz / 1000, rates.source);
}

void clock_init_cpu(void)
{
	timers[cpu_id()].deadline = NO_TIMER;
	apic_timer_set_mode(cpu_features.tsc_deadline);
}

u64 clock_tsc_khz(void)
{
	return rates.tsc_hz / 1000;
}

/* Rounded up by a tick, so that the clock has reached the deadline when the timer fires. */
static void arm(nsec_t deadline, nsec_t now)
{
	nsec_t wait = deadline > now ? deadline - now : 0;

	if (cpu_features.tsc_deadline) {
		u64 cycles = scale(MIN(wait, LONGEST_WAIT), cycles_multiplier) + 1;
		msr_write(MSR_TSC_DEADLINE, cpu_cycles() + cycles);
	} else {
		u64 ticks = wait < LONGEST_WAIT ? scale(wait, ticks_multiplier) + 1 : UINT_MAX;
		apic_timer_start((u32)MIN(ticks, (u64)UINT_MAX));
	}
}

void clock_set_timer(nsec_t deadline)
{
	timers[cpu_id()].deadline = deadline;
	if (deadline != NO_TIMER)
		arm(deadline, clock_monotonic());
	else if (cpu_features.tsc_deadline)
		msr_write(MSR_TSC_DEADLINE, 0);
	else
		apic_timer_start(0);
}

void clock_timer_fired(void)
{
	struct cpu_timer *timer = &timers[cpu_id()];
	nsec_t now = clock_monotonic();

	if (timer->deadline == NO_TIMER)
		return;
	if (now < timer->deadline) {
		arm(timer->deadline, now);
		return;
	}
	timer->deadline = NO_TIMER;
	timer_entry(trap_from_user(this_cpu()->interrupted));
}

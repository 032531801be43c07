/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measuring the processor's counters against a clock of known rate: the HPET, the ACPI timer, or
 * the legacy timer chip, whichever is there, in this order.
 *
 * Both counters are read at the edge of a tick of the reference, and again at the first edge after
 * MEASURE_NSEC.  An edge that was seen late (the host took the CPU away meanwhile) spoils the
 * figure, so the reading with the shortest time between two looks at the reference wins, of up to
 * ATTEMPTS.
 *
 * Where the processor or the hypervisor tells the TSC's rate, that is taken, and only the timer is
 * measured.
 */
#include "calibrate.h"
#include "acpi.h"
#include "apic.h"
#include "machine_internal.h"
#include "x86.h"

enum {
	ATTEMPTS = 3,
	GOOD_LOOK_CYCLES = 20000, /* a look that took no longer is good enough */
	HPET_CAPABILITIES = 0,
	HPET_CONFIGURATION = 0x10,
	HPET_COUNTER = 0xf0,
	HPET_SIZE = 1024,
	PM_TIMER_HZ = 3579545,
	PIT_HZ = 1193182,
	PIT_CHANNEL_2 = 0x42,
	PIT_COMMAND = 0x43,
	PIT_GATE = 0x61,
	SPIN_LIMIT = 10 * 1000 * 1000,
};
#define MEASURE_NSEC (1 * NSEC_PER_MSEC)

struct reference {
	const char *name;
	u64 hz;
	u64 mask; /* the counter wraps here */
	bool down;
	u64 (*read)(void);
};

struct reading {
	u64 reference, tsc, timer;
	u64 look; /* cycles that the last look took */
};

static volatile u8 *hpet;

static u64 hpet_read(void)
{
	return *(volatile u32 *)(hpet + HPET_COUNTER);
}

static bool hpet_open(struct reference *reference)
{
	u64 period_fs;

	if (acpi_info.hpet == 0)
		return false;
	hpet = device_map(acpi_info.hpet, HPET_SIZE);
	if (hpet == NULL)
		return false;
	period_fs = *(volatile u64 *)(hpet + HPET_CAPABILITIES) >> 32;
	if (period_fs == 0 || period_fs > 100 * 1000 * 1000)
		return false;
	*(volatile u64 *)(hpet + HPET_CONFIGURATION) |= 1;
	*reference = (struct reference){"HPET", 1000000000000000ull / period_fs, UINT_MAX, false,
					hpet_read};
	return true;
}

static u64 pm_timer_read(void)
{
	return acpi_register_read(&acpi_info.pm_timer);
}

static bool pm_timer_open(struct reference *reference)
{
	if (acpi_info.pm_timer.address == 0)
		return false;
	*reference = (struct reference){"ACPI timer", PM_TIMER_HZ,
					acpi_info.pm_timer_32bit ? UINT_MAX : 0xffffff, false,
					pm_timer_read};
	return true;
}

/* Latch the count of channel 2, then read both halves. */
static u64 pit_read(void)
{
	u64 low;

	port_write8(PIT_COMMAND, 0x80);
	low = port_read8(PIT_CHANNEL_2);
	return low | (u64)port_read8(PIT_CHANNEL_2) << 8;
}

/* Channel 2 counts down from 65536 in mode 2, the speaker off. */
static bool pit_open(struct reference *reference)
{
	port_write8(PIT_GATE, (port_read8(PIT_GATE) & ~2) | 1);
	port_write8(PIT_COMMAND, 0xb4);
	port_write8(PIT_CHANNEL_2, 0);
	port_write8(PIT_CHANNEL_2, 0);
	*reference = (struct reference){"PIT", PIT_HZ, 0xffff, true, pit_read};
	return true;
}

static u64 elapsed(const struct reference *reference, u64 from, u64 to)
{
	return (reference->down ? from - to : to - from) & reference->mask;
}

/* Waits for the first change after `ticks` ticks since `from`; false when the reference stands
 * still. */
static bool wait_edge(const struct reference *reference, u64 from, u64 ticks,
		      struct reading *reading)
{
	u64 before = cpu_cycles(), last = reference->read();

	for (u32 spin = 0; spin < SPIN_LIMIT; spin++) {
		u64 now = reference->read(), tsc = cpu_cycles();
		if (now != last && elapsed(reference, from, now) >= ticks) {
			*reading = (struct reading){now, tsc, apic_timer_remaining(), tsc - before};
			return true;
		}
		last = now;
		before = tsc;
	}
	return false;
}

static bool measure(const struct reference *reference, struct clock_rates *rates)
{
	u64 ticks = MEASURE_NSEC * reference->hz / NSEC_PER_SEC, best = UINT64_MAX;

	for (int attempt = 0; attempt < ATTEMPTS && best > GOOD_LOOK_CYCLES; attempt++) {
		struct reading first, last;
		u64 passed;
		if (!wait_edge(reference, reference->read(), 0, &first) ||
		    !wait_edge(reference, first.reference, ticks, &last))
			return false;
		passed = elapsed(reference, first.reference, last.reference);
		if (passed == 0 || last.tsc <= first.tsc || MAX(first.look, last.look) >= best)
			continue;
		best = MAX(first.look, last.look);
		rates->tsc_hz = (last.tsc - first.tsc) * reference->hz / passed;
		rates->timer_hz = (first.timer - last.timer) * reference->hz / passed;
		rates->source = reference->name;
	}
	return best != UINT64_MAX;
}

/* CPUID leaf 15: crystal's rate and its ratio to the TSC; or the hypervisor's leaf 40000010. */
static u64 told_tsc_hz(void)
{
	struct cpuid leaf;

	if (cpuid(0, 0).eax >= 0x15) {
		leaf = cpuid(0x15, 0);
		if (leaf.eax != 0 && leaf.ebx != 0 && leaf.ecx != 0)
			return (u64)leaf.ecx * leaf.ebx / leaf.eax;
	}
	if ((cpuid(1, 0).ecx & BIT(31)) && cpuid(0x40000000, 0).eax >= 0x40000010)
		return (u64)cpuid(0x40000010, 0).eax * 1000;
	return 0;
}

bool calibrate(struct clock_rates *rates)
{
	static bool (*const openers[])(struct reference *) = {hpet_open, pm_timer_open, pit_open};
	u64 told = told_tsc_hz();

	apic_timer_set_mode(false);
	apic_timer_start(UINT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(openers); i++) {
		struct reference reference;
		if (openers[i](&reference) && measure(&reference, rates)) {
			apic_timer_start(0);
			if (told != 0)
				rates->tsc_hz = told;
			return rates->tsc_hz != 0 && rates->timer_hz != 0;
		}
	}
	apic_timer_start(0);
	return false;
}

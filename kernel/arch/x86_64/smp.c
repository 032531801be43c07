/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several CPUs: starting them, and talking to them.
 *
 * CPUs are started one after the other, through a page of 16-bit code below 1 MiB (smp_entry.S).
 * The one that starts finds its data in smp_starting and reports by its online flag.
 *
 * cpus_call: the caller leaves the function in its own cpu_local, the set of CPUs in call_pending,
 * and sets its bit in calls_waiting of each, interrupting those that had none there.  Those run the function from their interrupt handler
 * and clear their bit in call_pending, which the caller waits for.  The wait keeps the caller on
 * its CPU, so there is one call a CPU at a time.  A caller with interrupts off serves others' calls
 * while it waits; otherwise two such callers would wait for each other for ever.
 */
#include "arch/cpu.h"
#include "arch/machine.h"
#include "acpi.h"
#include "apic.h"
#include "arch/clock.h"
#include "boot/boot_info.h"
#include "boot/x86_64/start.h"
#include "lib/lock_order.h"
#include "lib/log.h"
#include "lib/string.h"
#include "machine_internal.h"
#include "smp_entry.h"
#include "x86.h"

#define START_TIMEOUT (1 * NSEC_PER_SEC)
#define START_DELAY   (200 * NSEC_PER_USEC)

static cpumask_t online_mask = 1; /* atomic; a bit is set by its CPU */
static u32 known_cpus = 1;        /* constant after smp_count_cpus */
static phys_t trampoline;         /* a page below 1 MiB */
static bool stopping;             /* atomic: a panic wants silence */
struct cpu_local *smp_starting;

cpumask_t cpus_online(void)
{
	return __atomic_load_n(&online_mask, __ATOMIC_ACQUIRE);
}

u32 cpu_count(void)
{
	return known_cpus;
}

void smp_reserve_trampoline(struct boot_info *info)
{
	trampoline = boot_memory_carve(info, PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 0x9f000);
}

static void delay(nsec_t duration)
{
	nsec_t end = clock_monotonic() + duration;

	while (clock_monotonic() < end)
		cpu_relax();
}

/* --- Starting --- */

void smp_start(void)
{
	struct cpu_local *cpu = smp_starting;

	cpu_enable_features();
	cpu_load_tables(cpu);
	cpu_set_syscall_entry();
	apic_init_cpu();
	clock_init_cpu();
	__atomic_fetch_or(&online_mask, cpumask_of(cpu->head.id), __ATOMIC_SEQ_CST);
	__atomic_store_n(&cpu->online, 1, __ATOMIC_RELEASE);
	scheduler_start_cpu();
}

static bool wait_online(const struct cpu_local *cpu, nsec_t timeout)
{
	nsec_t end = clock_monotonic() + timeout;

	while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
		if (clock_monotonic() >= end)
			return false;
		cpu_relax();
	}
	return true;
}

static bool start_cpu(u32 number)
{
	struct cpu_local *cpu = &cpu_locals[number];

	if (cpu_stacks_map(number) != 0) {
		log_warn("no memory for the stacks of CPU %u", number);
		return false;
	}
	cpu->head.self = &cpu->head;
	cpu->head.id = number;
	smp_starting = cpu;
	smp_kernel_root = mmu_kernel_root();
	smp_start_stack = cpu_stack_top(number, CPU_STACK_START);
	mb();

	apic_send_init(cpu->apic_id);
	delay(START_DELAY);
	apic_send_startup(cpu->apic_id, (u8)(trampoline >> PAGE_SHIFT));
	if (wait_online(cpu, START_DELAY))
		return true;
	apic_send_startup(cpu->apic_id, (u8)(trampoline >> PAGE_SHIFT));
	if (wait_online(cpu, START_TIMEOUT))
		return true;
	log_warn("CPU %u (APIC %u) does not start", number, cpu->apic_id);
	return false;
}

/* The boot CPU is number 0, whether the firmware lists it or not. */
void smp_count_cpus(void)
{
	acpi_numa_place_cpu(0, cpu_locals[0].apic_id);
	for (u32 i = 0; i < acpi_info.cpus && known_cpus < MAX_CPUS; i++) {
		if (acpi_info.cpu_apic_ids[i] == cpu_locals[0].apic_id)
			continue;
		cpu_locals[known_cpus].apic_id = acpi_info.cpu_apic_ids[i];
		acpi_numa_place_cpu(known_cpus, acpi_info.cpu_apic_ids[i]);
		known_cpus++;
	}
}

void cpus_start(void)
{
	u32 started = 1;

	if (known_cpus == 1)
		return;
	if (trampoline == 0) {
		log_warn("no page below 1 MiB to start further CPUs with");
		return;
	}
	memcpy(phys_to_virt(trampoline), smp_trampoline,
	       (size_t)(smp_trampoline_end - smp_trampoline));
	/* One that comes too late would find the next one's data, so none is started after it. */
	while (started < known_cpus && start_cpu(started))
		started++;
	log_info("%u CPUs", started);
}

/* --- Talking --- */

void cpu_kick(u32 cpu)
{
	apic_send(cpu_locals[cpu].apic_id, VECTOR_KICK);
}

void cpus_call_handle(void)
{
	struct cpu_local *self = this_cpu();
	u64 callers = __atomic_exchange_n(&self->calls_waiting, 0, __ATOMIC_ACQUIRE);

	while (callers != 0) {
		struct cpu_local *caller = &cpu_locals[__builtin_ctzll(callers)];
		callers &= callers - 1;
		caller->call_function(caller->call_argument);
		__atomic_fetch_and(&caller->call_pending, ~cpumask_of(self->head.id),
				   __ATOMIC_RELEASE);
	}
}

void cpus_call(cpumask_t cpus, void (*function)(void *), void *argument)
{
	struct cpu_local *self;

	lock_order_calls_cpus();
	preempt_disable();
	self = this_cpu();
	cpus &= cpus_online() & ~cpumask_of(self->head.id);
	if (cpus != 0) {
		self->call_function = function;
		self->call_argument = argument;
		__atomic_store_n(&self->call_pending, cpus, __ATOMIC_RELEASE);
		for (cpumask_t rest = cpus; rest != 0; rest &= rest - 1) {
			struct cpu_local *target = &cpu_locals[__builtin_ctzll(rest)];
			/* Whom another caller has just interrupted will see this one, too. */
			if (__atomic_fetch_or(&target->calls_waiting, cpumask_of(self->head.id),
					      __ATOMIC_SEQ_CST) == 0)
				apic_send(target->apic_id, VECTOR_CALL);
		}
		while (__atomic_load_n(&self->call_pending, __ATOMIC_ACQUIRE) != 0) {
			if (!irq_enabled())
				cpus_call_handle();
			cpu_relax();
		}
	}
	preempt_enable();
}

void cpus_stop(void)
{
	__atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
	/* Alone, perhaps before the APIC is set up: nobody to stop, and nothing to do it with. */
	if (cpus_online() != cpumask_of(cpu_id()))
		apic_send_nmi_to_others();
}

void nmi_handle(void)
{
	if (__atomic_load_n(&stopping, __ATOMIC_ACQUIRE))
		machine_halt();
}

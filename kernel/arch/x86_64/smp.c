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
 *
 * A CPU of a virtual machine answers late when the host does not run it, perhaps because it runs the
 * waiting one.  So the caller looks for about as long as a running CPU takes to answer, and then
 * halts until an interrupt: the last one to answer sends a kick to a caller that has said that it
 * halts.  No kick is missed: the caller says so before it looks for the last time, the one that
 * answers clears its bit before it looks whether the caller halts, both with a full barrier between,
 * so one of the two sees the other; and from before its last look until it halts the caller has
 * interrupts off, so a kick stays pending and ends the halt.  A kick that comes too late, when the
 * caller goes on or waits for another call already, does no harm: it looks again after each
 * interrupt.
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

/* About what a CPU that runs takes to answer a call, in a virtual machine. */
#define ANSWER_TIME (20 * NSEC_PER_USEC)

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
	cpu->head.token = number + 1;
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
		/* From here on it may be another call that it waits for. */
		if (__atomic_and_fetch(&caller->call_pending, ~cpumask_of(self->head.id),
				       __ATOMIC_SEQ_CST) == 0 &&
		    __atomic_load_n(&caller->call_halts, __ATOMIC_SEQ_CST))
			apic_send(caller->apic_id, VECTOR_KICK);
	}
}

static bool is_call_pending(const struct cpu_local *self)
{
	return __atomic_load_n(&self->call_pending, __ATOMIC_SEQ_CST) != 0;
}

/* Interrupts are on. */
static void halt_for_answers(struct cpu_local *self)
{
	irq_disable();
	__atomic_store_n(&self->call_halts, true, __ATOMIC_SEQ_CST);
	if (is_call_pending(self))
		cpu_wait_for_interrupt();
	else
		irq_enable();
	__atomic_store_n(&self->call_halts, false, __ATOMIC_RELAXED);
}

static void wait_for_answers(struct cpu_local *self)
{
	bool paused = tlb_pause();
	nsec_t until = clock_monotonic() + ANSWER_TIME;

	while (is_call_pending(self)) {
		if (!irq_enabled())
			cpus_call_handle();
		else if (clock_monotonic() >= until)
			halt_for_answers(self);
		cpu_relax();
	}
	tlb_resume(paused);
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
		wait_for_answers(self);
	}
	preempt_enable();
}

/* --- Waiting for a spin lock's holder --- */

/*
 * The waiter puts its bit into the holder's mask and kicks the holder.  The kick's handler finds
 * that CPU without locks, and wakes all of the mask; or it asks for a look when the preemption count
 * drops to zero, as an interrupt does that wants a switch.  So releasing a lock costs nothing more,
 * and all after the kick happens on the holder's CPU in order: nothing can come between its looking
 * and its releasing.  If it had released the lock before the kick, the waiter is woken for nothing.
 * The waiter has interrupts off from before it puts its bit until it halts, so what wakes it stays
 * pending.
 */
void cpu_halt_for_lock(const u32 *held, u32 holder)
{
	struct cpu_local *self = this_cpu();
	unsigned long flags = irq_save();

	if (holder <= MAX_CPUS && holder != self->head.token) {
		__atomic_fetch_or(&cpu_locals[holder - 1].halted, cpumask_of(self->head.id),
				  __ATOMIC_SEQ_CST);
		if (__atomic_load_n(held, __ATOMIC_SEQ_CST) == holder) {
			bool paused = tlb_pause();
			cpu_kick(holder - 1);
			cpu_wait_for_interrupt();
			irq_disable();
			tlb_resume(paused);
		}
	}
	irq_restore(flags);
}

void cpu_wake_halted(void)
{
	u64 *halted = &this_cpu()->halted;

	if (likely(__atomic_load_n(halted, __ATOMIC_RELAXED) == 0))
		return;
	for (u64 rest = __atomic_exchange_n(halted, 0, __ATOMIC_SEQ_CST); rest != 0;
	     rest &= rest - 1)
		cpu_kick((u32)__builtin_ctzll(rest));
}

void kick_handle(void)
{
	struct cpu_local *self = this_cpu();

	if (likely(__atomic_load_n(&self->halted, __ATOMIC_ACQUIRE) == 0))
		return;
	if (self->head.preempt_count == 0)
		cpu_wake_halted();
	else
		set_need_resched(true);
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

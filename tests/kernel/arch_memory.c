/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own page tables: what may be written, what may be executed, and what must not be
 * there. */
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch/x86_64/x86.h"
#include "boot/x86_64/start.h"
#include "lib/panic.h"
#include "mm/frame.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

/* What a walk over all leaves of the upper half finds. */
struct survey {
	size_t leaves, writable_and_executable, executable, reachable_by_programs;
};

static void survey_table(const pte_t *table, u32 level, u64 inherited, struct survey *survey)
{
	for (u32 i = level == PT_LEVELS ? PTES_PER_TABLE / 2 : 0; i < PTES_PER_TABLE; i++) {
		pte_t entry = pte_read(&table[i]);
		u64 denied = inherited | (pte_flags(entry) & PAGE_NX);
		if (!pte_is_present(entry))
			continue;
		if (!pte_is_leaf(entry, level)) {
			survey_table(phys_to_virt(pte_phys(entry)), level - 1, denied, survey);
			continue;
		}
		survey->leaves++;
		if (!(denied & PAGE_NX))
			survey->executable++;
		if (!(denied & PAGE_NX) && (pte_flags(entry) & PAGE_WRITABLE))
			survey->writable_and_executable++;
		if (pte_flags(entry) & PAGE_USER)
			survey->reachable_by_programs++;
	}
}

/* The leaf that maps a kernel address, or an empty entry. */
static pte_t leaf_of(vaddr_t address)
{
	const pte_t *table = phys_to_virt(mmu_kernel_root());

	for (u32 level = PT_LEVELS; level > 0; level--) {
		pte_t entry = pte_read(&table[pt_index(address, level)]);
		if (!pte_is_present(entry) || pte_is_leaf(entry, level))
			return pte_is_present(entry) ? entry : (pte_t){0};
		table = phys_to_virt(pte_phys(entry));
	}
	return (pte_t){0};
}

static bool is_mapped(vaddr_t address)
{
	return pte_is_present(leaf_of(address));
}

static bool is_writable(vaddr_t address)
{
	return pte_flags(leaf_of(address)) & PAGE_WRITABLE;
}

KTEST(arch_nothing_is_writable_and_executable)
{
	struct survey survey = {0};

	survey_table(phys_to_virt(mmu_kernel_root()), PT_LEVELS, 0, &survey);
	KEXPECT(survey.leaves > 0);
	KEXPECT(survey.writable_and_executable == 0);
	KEXPECT(survey.reachable_by_programs == 0);
	KEXPECT(survey.executable == (size_t)(image_text_end - image_text_start) / PAGE_SIZE);
}

KTEST(arch_text_and_constants_are_read_only_under_both_addresses)
{
	for (char *page = image_text_start; page < image_rodata_end; page += PAGE_SIZE) {
		phys_t frame = (phys_t)page - KERNEL_IMAGE_BASE;
		KEXPECT(is_mapped((vaddr_t)page) && !is_writable((vaddr_t)page));
		KEXPECT(is_mapped((vaddr_t)phys_to_virt(frame)) &&
			!is_writable((vaddr_t)phys_to_virt(frame)));
	}
	KEXPECT(is_writable((vaddr_t)image_rodata_end));
}

KTEST(arch_lower_half_of_the_kernel_tree_is_empty)
{
	const pte_t *root = phys_to_virt(mmu_kernel_root());

	for (u32 i = 0; i < PTES_PER_TABLE / 2; i++)
		KEXPECT(pte_is_none(pte_read(&root[i])));
}

KTEST(arch_stacks_have_a_hole_below_them)
{
	KEXPECT(!is_mapped((vaddr_t)boot_stack_guard));
	KEXPECT(is_mapped((vaddr_t)boot_stack_guard + PAGE_SIZE));
	for (cpumask_t cpus = cpus_online(); cpus != 0; cpus &= cpus - 1) {
		const struct cpu_local *cpu = &cpu_locals[__builtin_ctzll(cpus)];
		for (u32 stack = 0; stack < IST_COUNT; stack++) {
			vaddr_t top = cpu->tss.ist[stack];
			vaddr_t bottom = ALIGN_DOWN(top, CPU_STACK_SIZE);
			KEXPECT(is_mapped(bottom));
			KEXPECT(!is_mapped(bottom - PAGE_SIZE));
		}
	}
}

static void check_protection(void *argument)
{
	u32 *wrong = argument;
	struct cpuid leaf = cpuid(0, 0).eax >= 7 ? cpuid(7, 0) : (struct cpuid){0};
	u64 wanted = (leaf.ebx & BIT(7) ? CR4_SMEP : 0) | (leaf.ebx & BIT(20) ? CR4_SMAP : 0) |
		     (leaf.ecx & BIT(2) ? CR4_UMIP : 0) | CR4_PGE;

	if ((cr4_read() & wanted) != wanted || !(cr0_read() & CR0_WP) ||
	    !(msr_read(MSR_EFER) & BIT(11)))
		__atomic_fetch_add(wrong, 1, __ATOMIC_RELAXED);
}

KTEST(arch_every_cpu_has_its_protections_on)
{
	u32 wrong = 0;

	check_protection(&wrong);
	cpus_call(CPUMASK_ALL, check_protection, &wrong);
	KEXPECT(wrong == 0);
}

/* --- TLB. A tree of our own with one page at PROBE, on all CPUs at once --- */

#define PROBE ((vaddr_t)0x10000000)

struct probe {
	phys_t frames[4]; /* root and tables */
	phys_t pages[2];
	u32 expected;
	u32 wrong; /* atomic */
};

static bool probe_make(struct probe *probe)
{
	*probe = (struct probe){0};
	for (size_t i = 0; i < ARRAY_SIZE(probe->frames); i++) {
		probe->frames[i] = frame_alloc();
		if (probe->frames[i] == 0)
			return false;
		page_clear(phys_to_virt(probe->frames[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(probe->pages); i++) {
		probe->pages[i] = frame_alloc();
		if (probe->pages[i] == 0)
			return false;
		*(u32 *)phys_to_virt(probe->pages[i]) = (u32)i;
	}
	page_copy(phys_to_virt(probe->frames[0]), phys_to_virt(mmu_kernel_root()));
	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t *table = phys_to_virt(probe->frames[PT_LEVELS - level]);
		pte_write(&table[pt_index(PROBE, level)],
			  pte_table(probe->frames[PT_LEVELS - level + 1], PAGE_WRITABLE));
	}
	return true;
}

static void probe_free(struct probe *probe)
{
	for (size_t i = 0; i < ARRAY_SIZE(probe->frames); i++) {
		if (probe->frames[i] != 0)
			frame_free(probe->frames[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(probe->pages); i++) {
		if (probe->pages[i] != 0)
			frame_free(probe->pages[i]);
	}
}

/* Not a program's page in the entry, so that SMAP lets the kernel look at it. */
static void probe_map(struct probe *probe, u32 which)
{
	pte_t *table = phys_to_virt(probe->frames[3]);

	pte_write(&table[pt_index(PROBE, 1)],
		  pte_leaf(probe->pages[which], PAGE_PRESENT | PAGE_NX, 1));
	probe->expected = which;
}

static void probe_look(void *argument)
{
	struct probe *probe = argument;

	if (*(volatile u32 *)PROBE != probe->expected)
		__atomic_fetch_add(&probe->wrong, 1, __ATOMIC_RELAXED);
}

static void probe_enter(void *argument)
{
	struct probe *probe = argument;

	mmu_switch(probe->frames[0]);
}

static void probe_leave(void *argument)
{
	mmu_switch(*(const phys_t *)argument);
}

KTEST(arch_tlb_flush_reaches_this_cpu)
{
	struct probe probe;
	phys_t before;

	if (!probe_make(&probe)) {
		probe_free(&probe);
		KSKIP("no memory");
	}
	preempt_disable();
	before = mmu_current_root();
	probe_map(&probe, 0);
	probe_enter(&probe);
	probe_look(&probe);
	probe_map(&probe, 1);
	tlb_flush_page(cpumask_of(cpu_id()), PROBE);
	probe_look(&probe);
	probe_map(&probe, 0);
	tlb_flush_range(cpumask_of(cpu_id()), PROBE, PROBE + 64 * PAGE_SIZE);
	probe_look(&probe);
	probe_map(&probe, 1);
	tlb_flush_user(cpumask_of(cpu_id()));
	probe_look(&probe);
	probe_leave(&before);
	preempt_enable();
	KEXPECT(probe.wrong == 0);
	probe_free(&probe);
}

/* A thread a CPU, all on the probe's tree with the page in their TLBs; the page changes under them.
 */
struct party {
	struct probe probe;
	u32 arrived, looked, changed; /* atomic */
};

static void party_thread(void *argument)
{
	struct party *party = argument;
	phys_t before;

	preempt_disable();
	before = mmu_current_root();
	probe_enter(&party->probe);
	probe_look(&party->probe);
	__atomic_fetch_add(&party->arrived, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&party->changed, __ATOMIC_SEQ_CST))
		cpu_relax();
	probe_look(&party->probe);
	probe_leave(&before);
	preempt_enable();
	__atomic_fetch_add(&party->looked, 1, __ATOMIC_SEQ_CST);
	task_exit(0);
}

static void wait_for(const u32 *counter, u32 value)
{
	for (int wait = 0; wait < 500 && __atomic_load_n(counter, __ATOMIC_SEQ_CST) < value; wait++)
		task_sleep(10 * NSEC_PER_MSEC);
}

KTEST(arch_tlb_flush_reaches_every_cpu)
{
	static struct party party;
	u32 others = cpumask_count(cpus_online()) - 1;

	if (others == 0)
		KSKIP("one CPU");
	party = (struct party){0};
	if (!probe_make(&party.probe)) {
		probe_free(&party.probe);
		KSKIP("no memory");
	}
	probe_map(&party.probe, 0);
	/* The threads do not let go of their CPUs, so this one stays on another. */
	KREQUIRE(task_set_affinity(current, cpumask_of(0)) == 0);
	for (u32 cpu = 1; cpu <= others; cpu++) {
		struct task *task = kernel_thread_create_on(cpu, party_thread, &party, "party");
		KREQUIRE(!IS_ERR(task));
		task_put(task);
	}
	wait_for(&party.arrived, others);
	KEXPECT(party.arrived == others);
	probe_map(&party.probe, 1);
	tlb_flush_page(cpus_online(), PROBE);
	__atomic_store_n(&party.changed, 1, __ATOMIC_SEQ_CST);
	wait_for(&party.looked, others);
	KEXPECT(party.looked == others);
	KEXPECT(party.probe.wrong == 0);
	KEXPECT(task_set_affinity(current, CPUMASK_ALL) == 0);
	probe_free(&party.probe);
}

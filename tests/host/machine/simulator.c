/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory, CPUs, TLBs and the page-table walker of the simulated machine; see machine.h.
 *
 * The TLB of a CPU is an open hash table from page to leaf entry, the walk cache one from (level,
 * prefix) to the upper entry that was found there, which may be a large page's.  A cached upper
 * entry permits no more than the whole path to it did when it was walked (Intel SDM vol.
 * 3, 4.10.3.1).  The hardware may drop entries at any time; this one never does by itself, which is
 * the harder case.
 */
#include "machine/machine.h"

#include "arch/mmu.h"
#include "arch/usercopy.h"
#include "boot/boot_info.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/checking.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/swap.h"
#include "mm/workingset.h"
#include "mm/tree.h"

enum { TLB_SLOTS = 1 << 10, WALK_SLOTS = 1 << 6 };

struct cached {
	u64 key; /* 0: empty; page address | 1, or prefix | level << 1 | 1 */
	pte_t entry;
};

struct translation_cache {
	phys_t root;
	struct cached tlb[TLB_SLOTS];
	struct cached walk[WALK_SLOTS];
};

u32 machine_cpu;
u64 machine_entry_writes;
struct simulated_cpu machine_cpus[MACHINE_CPUS];
char *machine_memory;
struct boot_info boot_info;
static struct translation_cache caches[MACHINE_CPUS];
static phys_t kernel_root;

static size_t hash(u64 key, size_t slots)
{
	return (size_t)(key * 0x9e3779b97f4a7c15 >> 40) & (slots - 1);
}

/* The slot of a key, or the empty one where it would go. */
static struct cached *slot_for(struct cached *table, size_t slots, u64 key)
{
	size_t at = hash(key, slots);

	for (size_t tries = 0; tries < slots; tries++, at = (at + 1) & (slots - 1))
		if (table[at].key == key || table[at].key == 0)
			return &table[at];
	/* Full: forget all, as a TLB may. */
	memset(table, 0, slots * sizeof(*table));
	return &table[hash(key, slots)];
}

static void forget(struct cached *table, size_t slots, u64 key)
{
	size_t at = (size_t)(slot_for(table, slots, key) - table);

	if (table[at].key != key)
		return;
	/* Close the gap: later members of the run move up. */
	table[at].key = 0;
	for (at = (at + 1) & (slots - 1); table[at].key != 0; at = (at + 1) & (slots - 1)) {
		struct cached moved = table[at];
		table[at].key = 0;
		*slot_for(table, slots, moved.key) = moved;
	}
}

/* --- The walker --- */

/* The translation that a large entry gives a page. */
static pte_t piece_of(pte_t large, vaddr_t address, u32 level)
{
	u64 inside = ALIGN_DOWN(address, PAGE_SIZE) % pt_span(level);

	return pte_leaf(pte_phys(large) + inside, pte_flags(large) & ~(u64)PAGE_HUGE, 1);
}

static u64 walk_key(vaddr_t address, u32 level)
{
	return ALIGN_DOWN(address, pt_span(level)) | level << 1 | 1;
}

/* The leaf that translates the address, through the caches; a not-present entry when there is none.
 */
static pte_t translate(struct translation_cache *cache, vaddr_t address)
{
	u64 page_key = ALIGN_DOWN(address, PAGE_SIZE) | 1;
	struct cached *hit = slot_for(cache->tlb, TLB_SLOTS, page_key);
	phys_t table = cache->root;
	u64 forbidden = 0;

	if (hit->key == page_key)
		return hit->entry;
	for (u32 level = PT_LEVELS; level > 1; level--) {
		struct cached *upper = slot_for(cache->walk, WALK_SLOTS, walk_key(address, level));
		if (upper->key == 0) {
			pte_t entry = ((pte_t *)phys_to_virt(table))[pt_index(address, level)];
			if (!pte_is_present(entry))
				return (pte_t){0};
			*upper = (struct cached){walk_key(address, level),
						 pte_clear(entry, forbidden)};
		}
		if (pte_is_leaf(upper->entry, level))
			return piece_of(upper->entry, address, level);
		forbidden |= PAGE_WRITABLE & ~pte_flags(upper->entry);
		table = pte_phys(upper->entry);
	}
	pte_t leaf = ((pte_t *)phys_to_virt(table))[pt_index(address, 1)];
	if (!pte_is_present(leaf))
		return leaf;
	*hit = (struct cached){page_key, pte_clear(leaf, forbidden)};
	return hit->entry;
}

static bool permits(pte_t leaf, unsigned fault_flags)
{
	u64 flags = pte_flags(leaf);

	return (flags & PAGE_USER) && (!(fault_flags & FAULT_WRITE) || (flags & PAGE_WRITABLE)) &&
	       (!(fault_flags & FAULT_EXECUTE) || !(flags & PAGE_NX));
}

static pte_t *find_leaf(phys_t table, vaddr_t address);

/* A write through a translation that does not say so makes the machine note it in the table, if
 * that still permits it; else it faults. */
static bool note_write(struct translation_cache *cache, vaddr_t address)
{
	u64 page_key = ALIGN_DOWN(address, PAGE_SIZE) | 1;
	struct cached *hit = slot_for(cache->tlb, TLB_SLOTS, page_key);

	/* Large entries are made dirty, and stay so. */
	if (hit->key != page_key || (pte_flags(hit->entry) & PAGE_DIRTY))
		return true;
	pte_t *slot = find_leaf(cache->root, address);
	pte_t entry = slot != NULL ? pte_read(slot) : (pte_t){0};
	if (!pte_is_present(entry) || !(pte_flags(entry) & PAGE_WRITABLE) ||
	    pte_phys(entry) != pte_phys(hit->entry))
		return false;
	pte_write(slot, pte_set(entry, PAGE_DIRTY));
	hit->entry = pte_set(hit->entry, PAGE_DIRTY);
	return true;
}

/* The byte behind an address, or NULL with the signal. */
static u8 *reach(vaddr_t address, unsigned fault_flags, struct fault_signal *signal)
{
	struct translation_cache *cache = &caches[machine_cpu];

	for (int tries = 0; tries < 100; tries++) {
		machine_pause();
		pte_t leaf = address < USER_TOP ? translate(cache, address) : (pte_t){0};
		bool present = pte_is_present(leaf);
		if (present && permits(leaf, fault_flags) &&
		    (!(fault_flags & FAULT_WRITE) || note_write(cache, address)))
			return (u8 *)phys_to_virt(pte_phys(leaf)) + address % PAGE_SIZE;
		/* A fault drops the entry that caused it (Intel SDM vol. 3, 4.10.4.1). */
		machine_tlb_flush_page_local(address);
		if (vmm_handle_page_fault(address, fault_flags | (present ? FAULT_PRESENT : 0),
					  signal) != 0)
			return NULL;
	}
	panic("the access to %#lx faults for ever", (unsigned long)address);
}

static int act(vaddr_t address, unsigned flags, u8 **byte, int *si_code)
{
	struct fault_signal signal = {0};

	*byte = reach(address, flags | FAULT_USER, &signal);
	if (*byte == NULL && si_code != NULL)
		*si_code = signal.si_code;
	return *byte != NULL ? 0 : signal.signal;
}

int program_read(vaddr_t address, u8 *value, int *si_code)
{
	u8 *byte;
	int signal = act(address, 0, &byte, si_code);

	if (signal == 0)
		*value = *byte;
	return signal;
}

int program_write(vaddr_t address, u8 value, int *si_code)
{
	u8 *byte;
	int signal = act(address, FAULT_WRITE, &byte, si_code);

	if (signal == 0)
		*byte = value;
	return signal;
}

int program_execute(vaddr_t address, int *si_code)
{
	u8 *byte;

	return act(address, FAULT_EXECUTE, &byte, si_code);
}

/* --- TLB maintenance --- */

static void flush_page(u32 cpu, vaddr_t address)
{
	struct translation_cache *cache = &caches[cpu];

	forget(cache->tlb, TLB_SLOTS, ALIGN_DOWN(address, PAGE_SIZE) | 1);
	for (u32 level = 2; level <= PT_LEVELS; level++)
		forget(cache->walk, WALK_SLOTS, walk_key(address, level));
}

static void flush_all(u32 cpu)
{
	memset(caches[cpu].tlb, 0, sizeof(caches[cpu].tlb));
	memset(caches[cpu].walk, 0, sizeof(caches[cpu].walk));
}

void machine_tlb_flush_page_local(vaddr_t address)
{
	flush_page(machine_cpu, address);
}

/* Other CPUs are interrupted, which needs our own interrupts on. */
static void assert_may_interrupt(cpumask_t cpus)
{
	if ((cpus & ~cpumask_of(machine_cpu)) && !irq_enabled())
		panic("remote TLB flush with interrupts off");
}

/* An interrupt is on its way to another CPU, which may do a lot before it comes. */
static void wait_for_interrupt(u32 cpu)
{
	if (cpu == machine_cpu)
		return;
	machine_pause();
	while (machine_cpus[cpu].interrupts_off)
		machine_wait("a CPU with interrupts off is interrupted");
}

void tlb_flush_page(cpumask_t cpus, vaddr_t address)
{
	tlb_flush_range(cpus, address, address + PAGE_SIZE);
}

void tlb_flush_range(cpumask_t cpus, vaddr_t start, vaddr_t end)
{
	assert_may_interrupt(cpus);
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		if (!(cpus & cpumask_of(cpu)))
			continue;
		wait_for_interrupt(cpu);
		for (vaddr_t at = start; at < end; at += PAGE_SIZE)
			flush_page(cpu, at);
	}
}

void tlb_flush_user(cpumask_t cpus)
{
	assert_may_interrupt(cpus);
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		if (!(cpus & cpumask_of(cpu)))
			continue;
		wait_for_interrupt(cpu);
		flush_all(cpu);
	}
}

/* No CPU pauses. */
cpumask_t tlb_excuse_paused(cpumask_t cpus)
{
	return cpus;
}

void tlb_flush_kernel(vaddr_t start __unused, vaddr_t end __unused)
{
	tlb_flush_user(CPUMASK_ALL);
}

u32 arch_key_count(void)
{
	return SIM_KEYS;
}

phys_t mmu_kernel_root(void)
{
	return kernel_root;
}

phys_t mmu_current_root(void)
{
	return caches[machine_cpu].root;
}

void mmu_switch(phys_t root)
{
	caches[machine_cpu].root = root;
	flush_all(machine_cpu);
}

void cpus_call(cpumask_t cpus, void (*function)(void *), void *argument)
{
	u32 caller = machine_cpu;

	assert_may_interrupt(cpus);
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		if (!(cpus & cpumask_of(cpu)) || cpu == caller)
			continue;
		wait_for_interrupt(cpu);
		machine_hold(true);
		machine_cpu = cpu;
		function(argument);
		machine_cpu = caller;
		machine_hold(false);
	}
}

/* The entry of the last level, or NULL without a table; rights do not matter. */
static pte_t *find_leaf(phys_t table, vaddr_t address)
{
	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t link = ((pte_t *)phys_to_virt(table))[pt_index(address, level)];
		if (!pte_is_present(link) || pte_is_leaf(link, level))
			return NULL;
		table = pte_phys(link);
	}
	return &((pte_t *)phys_to_virt(table))[pt_index(address, 1)];
}

/* What the tables say now: the leaf, with W if all links have it. */
static pte_t walk_tables(phys_t table, vaddr_t address)
{
	u64 forbidden = 0;

	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t link = ((pte_t *)phys_to_virt(table))[pt_index(address, level)];
		if (!pte_is_present(link))
			return (pte_t){0};
		if (pte_is_leaf(link, level))
			return pte_clear(piece_of(link, address, level), forbidden);
		forbidden |= PAGE_WRITABLE & ~pte_flags(link);
		table = pte_phys(link);
	}
	pte_t leaf = ((pte_t *)phys_to_virt(table))[pt_index(address, 1)];
	return pte_is_present(leaf) ? pte_clear(leaf, forbidden) : leaf;
}

static void check_translation(u32 cpu, vaddr_t page, pte_t cached)
{
	pte_t now = walk_tables(caches[cpu].root, page);
	u64 extra = pte_flags(cached) & ~pte_flags(now) & (PAGE_WRITABLE | PAGE_USER | PAGE_DIRTY);
	bool executes = !(pte_flags(cached) & PAGE_NX) && (pte_flags(now) & PAGE_NX);

	if (!pte_is_present(now) || pte_phys(now) != pte_phys(cached) || extra || executes)
		panic("CPU %u: stale TLB entry for %#lx: %#lx, but the table says %#lx", cpu,
		      (unsigned long)page, (unsigned long)cached.value, (unsigned long)now.value);
}

/* The level of an upper entry that is cached, from its key. */
static u32 cached_level(const struct cached *cached)
{
	return (u32)(cached->key >> 1 & 7);
}

/* All pages of a large entry. */
static void check_large(u32 cpu, const struct cached *cached)
{
	u32 level = cached_level(cached);
	vaddr_t start = ALIGN_DOWN(cached->key, pt_span(level));

	if (!pte_is_leaf(cached->entry, level))
		return;
	for (vaddr_t page = start; page < start + pt_span(level); page += PAGE_SIZE)
		check_translation(cpu, page, piece_of(cached->entry, page, level));
}

void machine_check_tlbs(void)
{
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		for (size_t i = 0; i < TLB_SLOTS; i++) {
			struct cached *cached = &caches[cpu].tlb[i];
			if (cached->key != 0)
				check_translation(cpu, cached->key & PAGE_MASK, cached->entry);
		}
		for (size_t i = 0; i < WALK_SLOTS; i++)
			if (caches[cpu].walk[i].key != 0)
				check_large(cpu, &caches[cpu].walk[i]);
	}
}

/* Does an upper entry name the frame, or a large one map it? */
static bool reaches(const struct cached *cached, phys_t frame)
{
	u32 level = cached_level(cached);
	u64 size = pte_is_leaf(cached->entry, level) ? pt_span(level) : PAGE_SIZE;

	return frame - pte_phys(cached->entry) < size;
}

static void check_released_frame(phys_t frame)
{
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		for (size_t i = 0; i < TLB_SLOTS; i++)
			if (caches[cpu].tlb[i].key != 0 &&
			    pte_phys(caches[cpu].tlb[i].entry) == frame)
				panic("frame %#lx is free, but CPU %u's TLB names it",
				      (unsigned long)frame, cpu);
		for (size_t i = 0; i < WALK_SLOTS; i++)
			if (caches[cpu].walk[i].key != 0 && reaches(&caches[cpu].walk[i], frame))
				panic("table %#lx is free, but CPU %u walks through it",
				      (unsigned long)frame, cpu);
	}
}

/* --- User copies: what the machine's assembly does --- */

static u8 *reach_for_kernel(vaddr_t address, bool write)
{
	struct fault_signal signal;

	return reach(address, write ? FAULT_WRITE : 0, &signal);
}

size_t arch_copy_from_user(void *to, vaddr_t from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		u8 *byte = reach_for_kernel(from + i, false);
		if (byte == NULL)
			return size - i;
		((u8 *)to)[i] = *byte;
	}
	return 0;
}

size_t arch_copy_to_user(vaddr_t to, const void *from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		u8 *byte = reach_for_kernel(to + i, true);
		if (byte == NULL)
			return size - i;
		*byte = ((const u8 *)from)[i];
	}
	return 0;
}

size_t arch_clear_user(vaddr_t to, size_t size)
{
	const u8 zero = 0;

	for (size_t i = 0; i < size; i++)
		if (arch_copy_to_user(to + i, &zero, 1) != 0)
			return size - i;
	return 0;
}

ssize_t arch_strnlen_user(vaddr_t string, size_t limit)
{
	for (size_t i = 0; i < limit; i++) {
		u8 byte;
		if (arch_copy_from_user(&byte, string + i, 1) != 0)
			return -EFAULT;
		if (byte == 0)
			return (ssize_t)i;
	}
	return (ssize_t)limit;
}

ssize_t arch_strncpy_from_user(char *to, vaddr_t from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (arch_copy_from_user(to + i, from + i, 1) != 0)
			return -EFAULT;
		if (to[i] == 0)
			return (ssize_t)i;
	}
	return (ssize_t)size;
}

int arch_get_user_u32(u32 *value, vaddr_t address)
{
	return arch_copy_from_user(value, address, sizeof(*value)) != 0 ? -EFAULT : 0;
}

int arch_get_user_u64(u64 *value, vaddr_t address)
{
	return arch_copy_from_user(value, address, sizeof(*value)) != 0 ? -EFAULT : 0;
}

int arch_put_user_u32(vaddr_t address, u32 value)
{
	return arch_copy_to_user(address, &value, sizeof(value)) != 0 ? -EFAULT : 0;
}

int arch_put_user_u64(vaddr_t address, u64 value)
{
	return arch_copy_to_user(address, &value, sizeof(value)) != 0 ? -EFAULT : 0;
}

int arch_user_compare_exchange_u32(vaddr_t address, u32 expected, u32 desired, u32 *old)
{
	if (arch_copy_from_user(old, address, sizeof(*old)) != 0)
		return -EFAULT;
	if (*old != expected)
		return 0;
	return arch_copy_to_user(address, &desired, sizeof(desired)) != 0 ? -EFAULT : 0;
}

/* --- Start --- */

void machine_use_cpu(u32 cpu)
{
	machine_cpu = cpu;
}

int direct_map_extend(phys_t start __unused, size_t size __unused)
{
	return 0;
}

size_t machine_kept_back;

void machine_start(size_t size)
{
	memset(machine_cpus, 0, sizeof(machine_cpus));
	memset(caches, 0, sizeof(caches));
	machine_cpu = 0;
	machine_memory = aligned_alloc(PAGE_SIZE << FRAME_MAX_ORDER,
				       size); /* blocks are aligned in the direct map too */
	memset(machine_memory, 0xa5, size);
	/* A map with a hole, an unusable range, and a kernel in the second megabyte. */
	boot_info = (struct boot_info){
		.memory = {{0, 640 * KIB, MEMORY_USABLE},
			   {640 * KIB, 384 * KIB, MEMORY_RESERVED},
			   {MIB, size - machine_kept_back - MIB, MEMORY_USABLE}},
		.memory_ranges = 3,
		.kernel_start = MIB,
		.kernel_end = MIB + 64 * KIB + 123,
	};
	kernel_root = MIB; /* inside the kernel's image, as on a real machine */
	memset(phys_to_virt(kernel_root), 0, PAGE_SIZE);
	frame_init(&boot_info);
	heap_init();
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++)
		caches[cpu].root = kernel_root;
	vmm_init();
	swap_init();
	workingset_init();
	mm_checking.frame_released = check_released_frame;
}

size_t machine_frames_used(void)
{
	return (frame_get_total_memory() - frame_get_free_memory()) / PAGE_SIZE;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own page tables.
 *
 * Built once, before the frame allocator exists, from memory that is carved out of the boot map;
 * afterwards only these grow, from frame_alloc: the exception stacks of further CPUs, the registers
 * of devices, and the direct map when memory is added.  What lies where: <machine/layout.h>.
 *
 * W^X: the image's text is executable and read-only, its constants are read-only, all else is not
 * executable.  The direct map shows the same frames again; there the text and constants are
 * read-only too.
 *
 * Every root entry of the upper half that will ever be used exists from the start, so that address
 * spaces may copy them.
 *
 * Locks: area_lock guards the growing areas.
 */
#include "arch/machine.h"
#include "boot/x86_64/start.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/spinlock.h"
#include "machine_internal.h"
#include "mm/frame.h"
#include "x86.h"

#define KERNEL_READ  (PAGE_PRESENT | PAGE_GLOBAL | PAGE_NX | PAGE_ACCESSED)
#define KERNEL_WRITE (KERNEL_READ | PAGE_WRITABLE | PAGE_DIRTY)
#define KERNEL_TEXT  (PAGE_PRESENT | PAGE_GLOBAL | PAGE_ACCESSED)
#define TABLE_FLAGS  (PAGE_PRESENT | PAGE_WRITABLE)

/* A CPU's part of its area: three exception stacks, each with a guard of its size below it, then
 * the start stack. */
#define CPU_AREA_STRIDE  ((u64)128 * KIB)
#define START_STACK_SIZE ((u64)16 * KIB)

static phys_t kernel_root;
static struct boot_info *carve_from; /* while start-up still takes frames from the boot map */

static spinlock_t area_lock = SPINLOCK_INIT;
static vaddr_t device_next = DEVICE_AREA_BASE; /* area_lock */

/* A cleared frame; 0 when there is none. */
static phys_t table_frame(void)
{
	phys_t frame = carve_from != NULL
			       ? boot_memory_carve(carve_from, PAGE_SIZE, PAGE_SIZE, MIB, 4 * GIB)
			       : frame_alloc();
	if (frame != 0)
		page_clear(phys_to_virt(frame));
	return frame;
}

/* The slot of the entry of `level` for an address, with tables made on the way; NULL without
 * memory. */
static pte_t *slot_make(vaddr_t address, u32 level)
{
	pte_t *table = phys_to_virt(kernel_root);

	for (u32 at = PT_LEVELS; at > level; at--) {
		pte_t *slot = &table[pt_index(address, at)];
		if (pte_is_none(*slot)) {
			phys_t frame = table_frame();
			if (frame == 0)
				return NULL;
			pte_write(slot, pte_table(frame, TABLE_FLAGS));
		}
		table = phys_to_virt(pte_phys(*slot));
	}
	return &table[pt_index(address, level)];
}

/* The largest page that fits at both addresses. */
static u32 level_for(vaddr_t virt, phys_t phys, u64 size)
{
	u32 level = cpu_features.gigabyte_pages ? 3 : 2;

	while (level > 1 && (!IS_ALIGNED(virt | phys, pt_span(level)) || size < pt_span(level)))
		level--;
	return level;
}

static int map_range(vaddr_t virt, phys_t phys, u64 size, u64 flags)
{
	while (size > 0) {
		u32 level = level_for(virt, phys, size);
		pte_t *slot = slot_make(virt, level);
		if (slot == NULL)
			return -ENOMEM;
		pte_write(slot, pte_leaf(phys, flags, level));
		virt += pt_span(level);
		phys += pt_span(level);
		size -= pt_span(level);
	}
	return 0;
}

static void map_or_panic(vaddr_t virt, phys_t phys, u64 size, u64 flags)
{
	if (map_range(virt, phys, size, flags) != 0)
		panic("no memory for the kernel's page tables");
}

static phys_t image_phys(const char *address)
{
	return (phys_t)address - KERNEL_IMAGE_BASE;
}

static void map_image(void)
{
	struct {
		const char *start, *end;
		u64 flags;
	} parts[] = {
		{image_text_start, image_text_end, KERNEL_TEXT},
		{image_text_end, image_rodata_end, KERNEL_READ},
		{image_rodata_end, boot_stack_guard, KERNEL_WRITE},
		{boot_stack_guard + PAGE_SIZE, image_end, KERNEL_WRITE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		/* In small pages: a large one could cover a part's end. */
		for (const char *page = parts[i].start; page < parts[i].end; page += PAGE_SIZE)
			map_or_panic((vaddr_t)page, image_phys(page), PAGE_SIZE, parts[i].flags);
	}
}

/* Direct map of [start, end), the image's constant part read-only. */
static void map_direct(phys_t start, phys_t end)
{
	phys_t constant_start = KERNEL_LOAD_PHYS, constant_end = image_phys(image_rodata_end);
	phys_t cuts[] = {start, CLAMP(constant_start, start, end), CLAMP(constant_end, start, end),
			 end};

	for (size_t i = 0; i + 1 < ARRAY_SIZE(cuts); i++)
		map_or_panic(DIRECT_MAP_BASE + cuts[i], cuts[i], cuts[i + 1] - cuts[i],
			     i == 1 ? KERNEL_READ : KERNEL_WRITE);
}

static bool is_memory(const struct memory_range *range)
{
	return range->kind == MEMORY_USABLE || range->kind == MEMORY_ACPI;
}

/*
 * Ranges are rounded outwards to 2 MiB, so that the edges do not cost a table each.  Carving tables
 * changes the map while we walk it, but only from usable to reserved, and what is carved lies in a
 * range that is being mapped or has been: hence the walk goes over a copy.
 */
static void map_memory(const struct boot_info *info)
{
	static struct memory_range ranges[BOOT_MEMORY_RANGES];
	size_t count = info->memory_ranges;
	phys_t done = 0;

	for (size_t i = 0; i < count; i++)
		ranges[i] = info->memory[i];
	for (size_t i = 0; i < count; i++) {
		phys_t start = ALIGN_DOWN(ranges[i].start, pt_span(2));
		phys_t end = ALIGN_UP(ranges[i].start + ranges[i].size, pt_span(2));
		if (!is_memory(&ranges[i]))
			continue;
		start = MAX(start, done);
		if (start >= end)
			continue;
		map_direct(start, end);
		done = end;
	}
	/* mem= may have cut the initramfs off from the usable memory. */
	phys_t start = MAX(ALIGN_DOWN(info->initramfs, pt_span(2)), done);
	phys_t end = ALIGN_UP(info->initramfs + info->initramfs_size, pt_span(2));
	if (info->initramfs_size > 0 && start < end)
		map_direct(start, end);
}

vaddr_t cpu_stack_top(u32 cpu, u32 which)
{
	vaddr_t area = CPU_AREA_BASE + cpu * CPU_AREA_STRIDE;

	if (which == CPU_STACK_START)
		return area + CPU_AREA_STRIDE;
	return area + which * 2 * CPU_STACK_SIZE;
}

static int map_stack(vaddr_t top, u64 size)
{
	for (vaddr_t page = top - size; page < top; page += PAGE_SIZE) {
		pte_t *slot = slot_make(page, 1);
		phys_t frame = slot != NULL ? table_frame() : 0;
		if (frame == 0)
			return -ENOMEM;
		pte_write(slot, pte_leaf(frame, KERNEL_WRITE, 1));
	}
	return 0;
}

int cpu_stacks_map(u32 cpu)
{
	int result = 0;

	spin_lock(&area_lock);
	for (u32 which = IST_NMI; which <= IST_COUNT && result == 0; which++)
		result = map_stack(cpu_stack_top(cpu, which), CPU_STACK_SIZE);
	if (cpu != 0 && result == 0)
		result = map_stack(cpu_stack_top(cpu, CPU_STACK_START), START_STACK_SIZE);
	spin_unlock(&area_lock);
	return result;
}

static void *area_map(phys_t address, size_t size, u64 flags)
{
	phys_t first = ALIGN_DOWN(address, PAGE_SIZE), end = ALIGN_UP(address + size, PAGE_SIZE);
	unsigned long irq_flags = spin_lock_irqsave(&area_lock);
	vaddr_t at = device_next;
	void *result = NULL;

	if (size != 0 && end > first && end - first <= DEVICE_AREA_BASE + DEVICE_AREA_SIZE - at) {
		int error = 0;
		for (phys_t page = first; page < end && error == 0; page += PAGE_SIZE)
			error = map_range(at + (page - first), page, PAGE_SIZE, flags);
		if (error == 0) {
			device_next = at + (end - first);
			result = (void *)(at + (address - first));
		}
	}
	spin_unlock_irqrestore(&area_lock, irq_flags);
	return result;
}

volatile void *device_map(phys_t address, size_t size)
{
	return area_map(address, size, KERNEL_WRITE | PAGE_CACHE_DISABLE | PAGE_WRITE_THROUGH);
}

const void *firmware_map(phys_t address, size_t size)
{
	return area_map(address, size, KERNEL_READ);
}

/* In spans of 2 MiB, as larger ones may be there in parts. */
int direct_map_extend(phys_t start, size_t size)
{
	vaddr_t virt = DIRECT_MAP_BASE + start;
	pte_t *root = phys_to_virt(kernel_root);
	int error = 0;

	if (!IS_ALIGNED(start | size, pt_span(2)) || start + size > DIRECT_MAP_SIZE)
		return -EINVAL;
	unsigned long flags = spin_lock_irqsave(&area_lock);
	for (size_t at = 0; at < size && error == 0; at += pt_span(2)) {
		pte_t *slot;
		if (pte_is_none(root[pt_index(virt + at, PT_LEVELS)])) {
			error = -EINVAL;
			break;
		}
		slot = slot_make(virt + at, 2);
		if (slot == NULL)
			error = -ENOMEM;
		else if (pte_is_none(*slot))
			pte_write(slot, pte_leaf(start + at, KERNEL_WRITE, 2));
	}
	spin_unlock_irqrestore(&area_lock, flags);
	return error;
}

phys_t mmu_kernel_root(void)
{
	return kernel_root;
}

void kernel_tree_build(struct boot_info *info)
{
	carve_from = info;
	kernel_root = table_frame();
	if (kernel_root == 0)
		panic("no memory for the kernel's page tables");
	map_image();
	map_memory(info);
	if (slot_make(VMALLOC_START, PT_LEVELS - 1) == NULL || cpu_stacks_map(0) != 0)
		panic("no memory for the kernel's page tables");
	cr3_write(kernel_root);
}

/* From here on frames come from the allocator. */
void kernel_tree_finish(void)
{
	carve_from = NULL;
}

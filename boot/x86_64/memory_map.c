/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The map of physical memory, from what the firmware told to what boot_info promises: sorted,
 * without overlaps.
 *
 * Normalizing works like this: as long as two neighbours overlap, the common part goes to the less
 * usable kind.  Adding a range beyond the array's end drops it, which loses memory but is safe only
 * for usable ranges; a reserved one that does not fit takes the place of a usable one.
 *
 * Runs on the boot CPU alone, before anything else.
 */
#include "arch/mmu.h"
#include "boot/boot_info.h"
#include "boot/x86_64/protocols.h"
#include "boot/x86_64/start.h"

static enum memory_kind kind_of_type(u32 type)
{
	return type >= MEMORY_USABLE && type <= MEMORY_BAD ? (enum memory_kind)type
							   : MEMORY_RESERVED;
}

/* How strongly a kind claims memory that another kind claims too. */
static int kind_rank(enum memory_kind kind)
{
	static const u8 ranks[] = {
		[MEMORY_USABLE] = 0,   [MEMORY_ACPI] = 1, [MEMORY_NVS] = 2,
		[MEMORY_RESERVED] = 3, [MEMORY_BAD] = 4,
	};
	return ranks[kind];
}

static void insert(struct boot_info *info, size_t at, struct memory_range range)
{
	for (size_t i = info->memory_ranges; i > at; i--)
		info->memory[i] = info->memory[i - 1];
	info->memory[at] = range;
	info->memory_ranges++;
}

static void remove(struct boot_info *info, size_t at)
{
	info->memory_ranges--;
	for (size_t i = at; i < info->memory_ranges; i++)
		info->memory[i] = info->memory[i + 1];
}

void memory_map_add(struct boot_info *info, u64 start, u64 size, u32 type)
{
	enum memory_kind kind = kind_of_type(type);
	size_t at = 0;

	if (size == 0 || start >= DIRECT_MAP_SIZE)
		return;
	size = MIN(size, DIRECT_MAP_SIZE - start);
	if (info->memory_ranges == BOOT_MEMORY_RANGES) {
		size_t victim = 0;
		if (kind == MEMORY_USABLE)
			return;
		while (victim < info->memory_ranges && info->memory[victim].kind != MEMORY_USABLE)
			victim++;
		if (victim == info->memory_ranges)
			return;
		remove(info, victim);
	}
	while (at < info->memory_ranges && info->memory[at].start <= start)
		at++;
	insert(info, at, (struct memory_range){.start = start, .size = size, .kind = kind});
}

/* Resolves the overlap of range `at` with the next one; both may shrink, split or vanish. */
static void resolve(struct boot_info *info, size_t at)
{
	struct memory_range low = info->memory[at], high = info->memory[at + 1];
	u64 low_end = low.start + low.size, high_end = high.start + high.size;

	remove(info, at + 1);
	remove(info, at);
	if (kind_rank(low.kind) >= kind_rank(high.kind)) {
		memory_map_add(info, low.start, low.size, low.kind);
		if (high_end > low_end)
			memory_map_add(info, low_end, high_end - low_end, high.kind);
	} else {
		memory_map_add(info, high.start, high.size, high.kind);
		memory_map_add(info, low.start, high.start - low.start, low.kind);
		if (low_end > high_end)
			memory_map_add(info, high_end, low_end - high_end, low.kind);
	}
}

void memory_map_normalize(struct boot_info *info)
{
	size_t at = 0;

	while (at + 1 < info->memory_ranges) {
		struct memory_range *low = &info->memory[at], *high = &info->memory[at + 1];
		if (low->start + low->size > high->start) {
			resolve(info, at);
			at = 0;
		} else if (low->start + low->size == high->start && low->kind == high->kind) {
			low->size += high->size;
			remove(info, at + 1);
		} else {
			at++;
		}
	}
}

void memory_map_limit(struct boot_info *info, u64 limit)
{
	for (size_t at = 0; at < info->memory_ranges;) {
		struct memory_range *range = &info->memory[at];
		if (range->kind != MEMORY_USABLE || range->start + range->size <= limit) {
			at++;
		} else if (range->start >= limit) {
			remove(info, at);
		} else {
			range->size = limit - range->start;
			at++;
		}
	}
}

phys_t boot_memory_carve(struct boot_info *info, u64 size, u64 align, phys_t above, phys_t below)
{
	for (size_t i = 0; i < info->memory_ranges; i++) {
		const struct memory_range *range = &info->memory[i];
		phys_t start = ALIGN_UP(MAX(range->start, above), align),
		       end = MIN(range->start + range->size, below);
		if (range->kind != MEMORY_USABLE)
			continue;
		/* Step over what lies in usable memory already. */
		if (start < info->kernel_end && start + size > info->kernel_start)
			start = ALIGN_UP(info->kernel_end, align);
		if (start < info->initramfs + info->initramfs_size &&
		    start + size > info->initramfs)
			start = ALIGN_UP(info->initramfs + info->initramfs_size, align);
		if (start < info->kernel_end && start + size > info->kernel_start)
			start = ALIGN_UP(info->kernel_end, align);
		if (start >= end || end - start < size)
			continue;
		memory_map_add(info, start, size, MEMORY_RESERVED);
		memory_map_normalize(info);
		return start;
	}
	return 0;
}

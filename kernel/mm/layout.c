/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where exec puts things, and at random: program, heap, mappings, vDSO, stack; the same picture as
 * Linux draws on x86-64.
 *
 *	| program (ET_DYN: from two thirds of the user half) | heap | …
 *	… | mappings, downwards from mmap_base | gap for the stack | stack |
 */
#include "mm/vmm.h"

#include "arch/clock.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/space.h"
#include "mm/tree.h"

enum {
	STACK_RANDOM_PAGES_BITS = 22, /* 16 GiB */
	MMAP_RANDOM_PAGES_BITS = 28,  /* 1 TiB */
	HEAP_RANDOM_PAGES_BITS = 13,  /* 32 MiB */
};

static u64 (*random_source)(void); /* set once */

void vmm_set_random_source(u64 (*source)(void))
{
	random_source = source;
}

static u64 random_bits(u32 bits)
{
	u64 value = 0;

	if (random_source != NULL)
		value = random_source();
	else if (!cpu_random(&value))
		value = cpu_cycles() * 0x9e3779b97f4a7c15 >> 20;
	return value & (BIT(bits) - 1);
}

static vaddr_t random_pages(bool randomize, u32 bits)
{
	return randomize ? random_bits(bits) << PAGE_SHIFT : 0;
}

void vmm_init_layout(struct address_space *space, bool randomize)
{
	u64 gap = CLAMP(space->limits.stack, (u64)128 * MIB, USER_TOP / 6 * 5);
	u64 margin = STACK_GUARD_GAP + ((u64)1 << (STACK_RANDOM_PAGES_BITS + PAGE_SHIFT));

	space->layout = (struct vm_layout){
		.stack_top = USER_TOP - random_pages(randomize, STACK_RANDOM_PAGES_BITS),
	};
	gap += margin;
	/* Not in the stack's table: fork would copy one with entries far from each other. */
	if (randomize)
		gap = MAX(gap, pt_span(PT_LEVELS));
	gap = ALIGN_UP(MIN(gap, USER_TOP / 6 * 5), PAGE_SIZE);
	space->layout.mmap_base = USER_TOP - gap - random_pages(randomize, MMAP_RANDOM_PAGES_BITS);
}

vaddr_t vmm_program_base(bool randomize)
{
	return ALIGN_DOWN(USER_TOP / 3 * 2, PAGE_SIZE) +
	       random_pages(randomize, MMAP_RANDOM_PAGES_BITS);
}

void vmm_set_brk(struct address_space *space, vaddr_t end, bool randomize)
{
	vaddr_t start = ALIGN_UP(end, PAGE_SIZE) + random_pages(randomize, HEAP_RANDOM_PAGES_BITS);

	rwlock_write_lock(&space->map_lock);
	space->layout.brk_start = start;
	space->layout.brk = start;
	rwlock_write_unlock(&space->map_lock);
}

int vmm_map_stack(struct address_space *space, size_t size, u32 prot)
{
	size = ALIGN_UP(size, PAGE_SIZE);
	struct region wanted = {
		.start = space->layout.stack_top - size,
		.end = space->layout.stack_top,
		.flags = (prot & REGION_ACCESS) | REGION_MAY_READ | REGION_MAY_WRITE |
			 REGION_MAY_EXECUTE | REGION_GROWS_DOWN,
		.kind = KIND_STACK,
		.name = "[stack]",
	};
	rwlock_write_lock(&space->map_lock);
	int result = region_check_limits(space, size >> PAGE_SHIFT, wanted.flags);
	if (result == 0)
		result = region_add(space, &wanted);
	rwlock_write_unlock(&space->map_lock);
	return result;
}

/* --- The vDSO --- */

/* A region whose entries name the kernel's own frames from the start.  Map lock held for writing.
 */
static int map_frames(struct address_space *space, vaddr_t start, phys_t frames, size_t size,
		      u32 access, const char *name)
{
	struct region wanted = {
		.start = start,
		.end = start + size,
		.flags = access | access * (REGION_MAY_READ / REGION_READ) | REGION_SPECIAL,
		.kind = KIND_KERNEL,
		.name = name,
	};

	if (tree_isolate(space, start, start + size, COVERED_GOES) != 0 ||
	    tree_prepare(space, start, start + size) != 0 || region_add(space, &wanted) != 0)
		return -ENOMEM;
	for (size_t at = 0; at < size; at += PAGE_SIZE) {
		pte_t *slot = tree_exclusive_slot(space, start + at);
		leaf_put(node_of_slot(slot), slot,
			 pte_leaf(frames + at, region_entry_flags(&wanted, false) | PAGE_SPECIAL,
				  1));
	}
	return 0;
}

static int map_vdso_locked(struct address_space *space, const struct vdso_image *image)
{
	size_t size = ALIGN_UP(image->code_size, PAGE_SIZE);
	long place = space_find_place(space, 0, PAGE_SIZE + size, 0);

	if (place < 0)
		return (int)place;
	int result =
		map_frames(space, (vaddr_t)place, image->data, PAGE_SIZE, REGION_READ, "[vvar]");
	if (result == 0)
		result = map_frames(space, (vaddr_t)place + PAGE_SIZE, image->code, size,
				    REGION_READ | REGION_EXECUTE, "[vdso]");
	if (result == 0)
		space->layout.vdso = (vaddr_t)place + PAGE_SIZE;
	return result;
}

int vmm_map_vdso(struct address_space *space)
{
	const struct vdso_image *image = arch_vdso();

	if (image == NULL)
		return 0;
	rwlock_write_lock(&space->map_lock);
	int result = map_vdso_locked(space, image);
	rwlock_write_unlock(&space->map_lock);
	return result;
}

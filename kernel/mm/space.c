/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: their birth by exec and fork, their life on CPUs, their end.
 *
 * A CPU enters the space's set of CPUs before it loads the root and leaves it after it has loaded
 * another, so the set always contains every CPU whose TLB may hold an entry of the space.  (Loading
 * a root drops all of the user half.)
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/collapse.h"
#include "mm/family.h"
#include "mm/fault.h"
#include "mm/huge.h"
#include "mm/hugetlb.h"
#include "mm/pin_internal.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/tree.h"
#include "mm/userfault.h"

struct cpu_space {
	struct address_space
		*space; /* that this CPU runs; changed by this CPU with preemption off */
} __cacheline;

static struct cpu_space cpu_spaces[MAX_CPUS];
static slab_cache_t *space_slab;                      /* set once */
static void (*aio_hook)(struct address_space *space); /* set once */

void vmm_init(void)
{
	space_slab =
		slab_cache_create("address_space", sizeof(struct address_space), 0, NULL, NULL);
	if (space_slab == NULL)
		panic("no memory for address spaces");
	families_init();
	nodes_init();
	regions_init();
	zero_frame_init();
	huge_init();
	shared_memory_init();
}

static struct address_space *create_in(struct family *family)
{
	struct address_space *space = slab_alloc_zeroed(space_slab);

	if (space == NULL)
		return NULL;
	if (tree_init(&space->tree) != 0) {
		slab_free(space_slab, space);
		return NULL;
	}
	space->refs = 1;
	list_init(&space->userfaults);
	space->keys = 1; /* what all memory has at first */
	rwlock_init(&space->map_lock);
	space->layout.mmap_base = USER_TOP;
	space->limits = (struct vm_limits){VM_UNLIMITED, VM_UNLIMITED, VM_UNLIMITED, VM_UNLIMITED};
	family_join(family, space);
	reclaim_add_space(space);
	collapse_add_space(space);
	return space;
}

struct address_space *vmm_create_address_space(void)
{
	struct family *family = family_create();

	if (family == NULL)
		return NULL;
	struct address_space *space = create_in(family);
	family_put(family);
	return space;
}

struct address_space *vmm_get_address_space(struct address_space *space)
{
	__atomic_fetch_add(&space->refs, 1, __ATOMIC_RELAXED);
	return space;
}

static void leave_space(void *space)
{
	if (cpu_spaces[cpu_id()].space == space)
		vmm_switch_address_space(NULL);
}

/* Kernel threads and idle CPUs go on in the space of the task that ran before them. */
static void evict_cpus(struct address_space *space)
{
	cpumask_t cpus = __atomic_load_n(&space->cpus, __ATOMIC_SEQ_CST);

	if (cpus == 0)
		return;
	preempt_disable();
	leave_space(space);
	cpus = __atomic_load_n(&space->cpus, __ATOMIC_SEQ_CST) & ~cpumask_of(cpu_id());
	if (cpus != 0)
		cpus_call(cpus, leave_space, space);
	preempt_enable();
}

void vmm_set_aio_hook(void (*hook)(struct address_space *space))
{
	aio_hook = hook;
}

static void destroy(struct address_space *space)
{
	if (unlikely(space->has_aio))
		aio_hook(space);
	userfault_forget_space(space);
	evict_cpus(space);
	ASSERT(space->cpus == 0);
	collapse_remove_space(space);
	reclaim_remove_space(space);
	hugetlb_unreserve_all(space);
	region_map_destroy(space);
	zap_nodes(space, 0, USER_TOP, 0, USER_TABLES_TOP);
	family_leave(space);
	tree_destroy(&space->tree);
	slab_free(space_slab, space);
}

void vmm_put_address_space(struct address_space *space)
{
	if (space != NULL && __atomic_fetch_sub(&space->refs, 1, __ATOMIC_ACQ_REL) == 1)
		destroy(space);
}

void vmm_destroy_address_space(struct address_space *space)
{
	ASSERT(space->refs == 1);
	vmm_put_address_space(space);
}

struct address_space *vmm_current_space(void)
{
	return cpu_spaces[cpu_id()].space;
}

/* Interrupts are off, for one may come to evict this CPU from the old space. */
void vmm_switch_address_space(struct address_space *space)
{
	unsigned long flags = irq_save();
	u32 cpu = cpu_id();
	struct address_space *old = cpu_spaces[cpu].space;

	if (old != space) {
		struct family *from = old != NULL ? old->family : NULL;
		struct family *to = space != NULL ? space->family : NULL;
		if (space != NULL)
			__atomic_fetch_or(&space->cpus, cpumask_of(cpu), __ATOMIC_SEQ_CST);
		if (to != NULL && to != from)
			__atomic_fetch_or(&to->cpus, cpumask_of(cpu), __ATOMIC_SEQ_CST);
		mmu_switch(space != NULL ? space->tree.root : mmu_kernel_root());
		cpu_spaces[cpu].space = space;
		if (from != NULL && from != to)
			__atomic_fetch_and(&from->cpus, ~cpumask_of(cpu), __ATOMIC_SEQ_CST);
		if (old != NULL)
			__atomic_fetch_and(&old->cpus, ~cpumask_of(cpu), __ATOMIC_SEQ_CST);
	}
	irq_restore(flags);
}

void vmm_leave_idle_space(void)
{
	u32 cpu = cpu_id();
	struct address_space *space = cpu_spaces[cpu].space;

	if (space != NULL && space->family != NULL &&
	    (__atomic_load_n(&space->family->cpus, __ATOMIC_RELAXED) & ~cpumask_of(cpu)))
		vmm_switch_address_space(NULL);
}

/* --- fork --- */

static struct address_space *try_copy(struct address_space *parent)
{
	struct address_space *child = create_in(parent->family);

	if (child == NULL)
		return NULL;
	rwlock_write_lock(&parent->map_lock);
	/* The family knows the child already. */
	rwlock_write_lock_nested(&child->map_lock, 1);
	int result = tree_share(child, parent);
	if (likely(result == 0)) {
		region_map_share(child, parent);
		child->layout = parent->layout;
		child->has_hugetlb = parent->has_hugetlb;
		child->no_huge = READ_ONCE(parent->no_huge);
		child->limits = parent->limits;
		child->keys = parent->keys;
		child->membarrier = __atomic_load_n(&parent->membarrier, __ATOMIC_RELAXED);
		result = region_map_adapt(child);
	}
	/* Only now: no write of the parent's through a stale entry may reach a frame that the child
	 * shares once it runs. */
	space_flush(parent, 0, USER_TOP);
	if (unlikely(parent->may_pin))
		pin_finish_fork(child, parent);
	rwlock_write_unlock(&child->map_lock);
	struct userfault_notice *notices = userfault_take_notices(parent);
	rwlock_write_unlock(&parent->map_lock);
	if (result != 0) {
		userfault_forget(notices);
		vmm_put_address_space(child);
		return NULL;
	}
	userfault_tell(notices);
	return child;
}

struct address_space *vmm_copy_address_space(struct address_space *parent)
{
	struct address_space *child = try_copy(parent);

	/* A process that sits on all memory must not keep others from starting programs. */
	while (child == NULL && fault_out_of_memory(parent))
		child = try_copy(parent);
	return child;
}

/* --- Figures --- */

static size_t note_resident(struct address_space *space, const struct tree_counts *counts)
{
	size_t resident = 0;

	for (int kind = 0; kind < RESIDENT_KINDS; kind++)
		resident += counts->resident[kind];
	if (resident > READ_ONCE(space->peak_resident))
		WRITE_ONCE(space->peak_resident, resident);
	return resident;
}

size_t vmm_space_weight(struct address_space *space)
{
	struct tree_counts counts;

	/* Who holds the tree may wait for this CPU to answer an interrupt. */
	if (!tree_try_count(space, &counts))
		return READ_ONCE(space->peak_resident);
	return note_resident(space, &counts) + counts.swapped + counts.tables;
}

void vmm_space_stats(struct address_space *space, struct vm_space_stats *stats)
{
	struct tree_counts counts;

	tree_count(space, &counts);
	size_t resident = note_resident(space, &counts);
	*stats = (struct vm_space_stats){
		.total = READ_ONCE(space->total_pages),
		.resident = resident,
		.resident_anonymous = counts.resident[RESIDENT_ANONYMOUS],
		.resident_file = counts.resident[RESIDENT_FILE],
		.resident_shared = counts.resident[RESIDENT_SHARED],
		.peak_resident = READ_ONCE(space->peak_resident),
		.locked = READ_ONCE(space->locked_pages),
		.data = READ_ONCE(space->data_pages),
		.stack = READ_ONCE(space->stack_pages),
		.code = READ_ONCE(space->code_pages),
		.page_tables = counts.tables,
		.swapped = counts.swapped,
	};
}

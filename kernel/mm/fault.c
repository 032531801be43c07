/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The story of a page fault.
 *
 * Find the region (growing a stack, perhaps), check what it permits, look at the entry, and then:
 *
 *	nothing there, no file		a zeroed frame, or the shared frame of zeros for a read
 *	nothing there, a file		the page from the page cache; for a write to a private
 *					mapping a copy of it
 *	a slot of swap space		the page from there
 *	written, but write-protected	make the path to it the space's own, and then, if that was
 *					not all, reuse the frame if nobody else has it, else copy
 *					it; for shared files, permit
 *	else				somebody else was faster, or the TLB is stale: flush it here
 *
 * What cannot be resolved becomes a signal.  Faults of several threads run in parallel under the
 * map lock held for reading; whoever comes second to an entry sees under the leaf's lock that it
 * has changed, and leaves it.
 */
#include "mm/fault.h"

#include "lib/abi/signal.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/commit.h"
#include "mm/compact.h"
#include "mm/huge.h"
#include "mm/reclaim.h"
#include "mm/userfault.h"
#include "mm/zap.h"

struct fault_counters {
	u64 counts[FAULT_COUNTS];
} __cacheline;

static struct fault_counters counters[MAX_CPUS]; /* each its CPU's; lost updates are tolerated */
static bool (*out_of_memory_hook)(struct address_space *space); /* set once */
static phys_t zeros;                                            /* set once */

void fault_count(enum fault_count what)
{
	counters[cpu_id()].counts[what]++;
}

void vmm_set_out_of_memory_hook(bool (*hook)(struct address_space *space))
{
	out_of_memory_hook = hook;
}

bool fault_out_of_memory(struct address_space *space)
{
	if (reclaim_wait())
		return true;
	return out_of_memory_hook != NULL && out_of_memory_hook(space);
}

void zero_frame_init(void)
{
	zeros = frame_alloc_zeroed();
	if (zeros == 0)
		panic("no memory for the frame of zeros");
}

phys_t zero_frame(void)
{
	return zeros;
}

u64 region_entry_flags(const struct region *region, bool writable)
{
	writable = writable && (region->flags & REGION_WRITE);
	return PAGE_PRESENT | PAGE_USER | PAGE_ACCESSED |
	       (u64)region_flags_key(region->flags) << PAGE_KEY_SHIFT |
	       (writable ? PAGE_WRITABLE | PAGE_DIRTY : 0) |
	       (region->flags & REGION_EXECUTE ? 0 : PAGE_NX);
}

static bool is_permitted(const struct region *region, unsigned flags)
{
	if (unlikely(flags & FAULT_KEY))
		return false;
	if (flags & FAULT_WRITE)
		return region->flags & REGION_WRITE;
	if (flags & FAULT_EXECUTE)
		return region->flags & REGION_EXECUTE;
	/* The machine has no write-only and no execute-only pages. */
	return region->flags & REGION_ACCESS;
}

/* Map lock held for reading. */
static enum fault_result resolve_locked(struct fault *fault)
{
	fault->region = region_find(fault->space, fault->page);
	if (unlikely(fault->region == NULL))
		return FAULT_NO_ADDRESS;
	if (unlikely(!fault->forced && !fault->own && !is_permitted(fault->region, fault->flags))) {
		fault_count(COUNT_PROTECTION);
		fault->key = region_flags_key(fault->region->flags);
		return FAULT_NO_ACCESS;
	}
	fault->slot = tree_exclusive_slot(fault->space, fault->page);
	pte_t entry = likely(fault->slot != NULL) ? pte_read(fault->slot)
						  : tree_peek(fault->space, fault->page);
	bool write = fault->flags & FAULT_WRITE;
	if (unlikely(fault->own) &&
	    (!pte_is_present(entry) || (fault->region->flags & REGION_SHARED)))
		return FAULT_DONE;
	if (entry_is_vacant(entry)) {
		if (unlikely(fault->region->flags & (REGION_SPECIAL | REGION_WATCH))) {
			if (fault->region->flags & REGION_SPECIAL)
				return FAULT_NO_PAGE;
			if (userfault_wanted(fault, entry))
				return FAULT_WAIT;
		}
		return fault->region->backing != NULL ? fault_file(fault) : fault_anonymous(fault);
	}
	if (unlikely(entry_is_swapped(entry)))
		return fault_swapped(fault);
	if (write && (fault->slot == NULL || !entry_is_writable(entry))) {
		if (unlikely(fault->region->flags & (REGION_SPECIAL | REGION_WATCH))) {
			if (fault->region->flags & REGION_SPECIAL)
				return FAULT_NO_ACCESS;
			if (!fault->own && userfault_wanted(fault, entry))
				return FAULT_WAIT;
		}
		return fault->region->flags & REGION_SHARED ? fault_file(fault)
							    : fault_copy_on_write(fault);
	}
	tlb_flush_page_local(fault->page);
	return FAULT_DONE;
}

static enum fault_result resolve(struct fault *fault)
{
	enum fault_result result;

	do {
		rwlock_read_lock(&fault->space->map_lock);
		result = resolve_locked(fault);
		rwlock_read_unlock(&fault->space->map_lock);
		if (result == FAULT_NO_ADDRESS) {
			int grown = stack_grow(fault->space, fault->page);
			if (grown == 0)
				result = FAULT_RETRY;
			else if (grown == -ENOMEM)
				result = FAULT_NO_MEMORY;
		} else if (unlikely(result == FAULT_WAIT)) {
			result = (enum fault_result)userfault_wait(fault);
		} else if (unlikely(result == FAULT_NO_BLOCK)) {
			fault->made_room = true;
			(void)!compact_for(HUGE_ORDER);
			result = FAULT_RETRY;
		}
	} while (unlikely(result == FAULT_RETRY));
	return result;
}

static void set_signal(struct fault_signal *signal, enum fault_result result,
		       const struct fault *fault)
{
	static const struct fault_signal signals[] = {
		[FAULT_NO_ADDRESS] = {.signal = SIGSEGV, .si_code = SEGV_MAPERR},
		[FAULT_NO_ACCESS] = {.signal = SIGSEGV, .si_code = SEGV_ACCERR},
		[FAULT_NO_PAGE] = {.signal = SIGBUS, .si_code = BUS_ADRERR},
		[FAULT_NO_MEMORY] = {.signal = SIGKILL},
	};

	if (signal == NULL)
		return;
	*signal = signals[result];
	signal->address = fault->address;
	if (unlikely(result == FAULT_NO_ACCESS) && (fault->flags & FAULT_KEY)) {
		signal->si_code = SEGV_PKUERR;
		signal->key = fault->key;
	}
}

int vmm_fault(struct address_space *space, vaddr_t address, unsigned flags,
	      struct fault_signal *signal)
{
	struct fault fault = {
		.space = space,
		.address = address,
		.page = ALIGN_DOWN(address, PAGE_SIZE),
		.flags = flags,
	};
	enum fault_result result = FAULT_NO_ADDRESS;

	fault_count(COUNT_FAULTS);
	if (likely(address < USER_TOP))
		result = resolve(&fault);
	while (unlikely(result == FAULT_NO_MEMORY) && fault_out_of_memory(space))
		result = resolve(&fault);
	if (likely(result == FAULT_DONE)) {
		if (unlikely(fault.major)) {
			space->major_faults++;
			fault_count(COUNT_MAJOR);
		} else {
			space->minor_faults++;
		}
		return 0;
	}
	set_signal(signal, result, &fault);
	return result == FAULT_NO_MEMORY ? -ENOMEM : -EFAULT;
}

int fault_forced(struct address_space *space, vaddr_t address)
{
	struct fault fault = {
		.space = space,
		.address = address,
		.page = ALIGN_DOWN(address, PAGE_SIZE),
		.flags = FAULT_WRITE,
		.forced = true,
	};
	enum fault_result result = resolve(&fault);

	if (result == FAULT_NO_MEMORY)
		return -ENOMEM;
	return result == FAULT_DONE ? 0 : -EFAULT;
}

int fault_own(struct address_space *space, vaddr_t address)
{
	struct fault fault = {
		.space = space,
		.page = ALIGN_DOWN(address, PAGE_SIZE),
		.flags = FAULT_WRITE | FAULT_USER,
		.own = true,
	};
	enum fault_result result = resolve(&fault);

	if (result == FAULT_NO_MEMORY)
		return -ENOMEM;
	return result == FAULT_DONE ? 0 : -EFAULT;
}

int vmm_handle_page_fault(vaddr_t address, unsigned flags, struct fault_signal *signal)
{
	bool user = flags & FAULT_USER;
	struct address_space *space;

	if (!user && (preempt_count_read() != 0 || in_interrupt() || !irq_enabled()))
		return -EFAULT;
	preempt_disable();
	space = vmm_current_space();
	preempt_enable();
	if (space == NULL) {
		set_signal(signal, FAULT_NO_ADDRESS, &(struct fault){.address = address});
		return -EFAULT;
	}
	return vmm_fault(space, address, flags, signal);
}

void vmm_get_stats(vmm_stats_t *stats)
{
	u64 sums[FAULT_COUNTS] = {0};

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		for (int i = 0; i < FAULT_COUNTS; i++)
			sums[i] += READ_ONCE(counters[cpu].counts[i]);
	*stats = (vmm_stats_t){
		.total_faults = sums[COUNT_FAULTS],
		.cow_faults = sums[COUNT_COW],
		.demand_faults = sums[COUNT_DEMAND],
		.file_faults = sums[COUNT_FILE],
		.protection_faults = sums[COUNT_PROTECTION],
		.swap_in_faults = sums[COUNT_SWAP_IN],
		.minor_faults = sums[COUNT_FAULTS] - sums[COUNT_MAJOR],
		.major_faults = sums[COUNT_MAJOR],
		.total_pages = commit_total(),
		.resident_pages = frame_count_kind(FRAME_USER) + frame_count_kind(FRAME_CACHE),
		.cow_copied_pages = sums[COUNT_COPIED],
		.cow_reused_pages = sums[COUNT_REUSED],
	};
}

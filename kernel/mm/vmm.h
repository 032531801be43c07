/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: what a program sees of memory.
 *
 * An address space is a map of regions (what may be where) and a tree of page tables (which frames
 * are there now).  Pages come when they are touched: vmm_fault is the one place that brings them.
 * fork shares every private page until someone writes.
 *
 * Locks: `map_lock`, a sleeping lock, guards the map of regions: faults take it for reading,
 * everything that changes regions for writing.  Page-table entries are guarded by a spin lock a
 * table, which faults of several threads take under the read lock. Order: map_lock (parent before
 * child), a page cache's mappings_lock, table locks (ascending address), a page cache's lock, frame
 * locks. Callers hold no spin lock and no map lock.  Functions that take a space lock its map
 * themselves, and may sleep.
 *
 * Addresses and lengths in bytes.  Results are those of the system calls: 0, a value, or negative
 * errno.
 */
#ifndef MM_VMM_H
#define MM_VMM_H

#include "arch/mmu.h"
#include "lib/sync.h"
#include "lib/types.h"
#include "mm/pagecache.h"
#include "mm/paging.h"
#include "mm/region_tree.h"
#include "mm/space_round.h"

struct backing_ops;
struct family;
struct region;
struct userfault_notice;

/* What the process may have: filled by proc from its rlimits and capabilities; read without lock.
 */
#define VM_UNLIMITED UINT64_MAX
struct vm_limits {
	u64 address_space; /* RLIMIT_AS, bytes */
	u64 data;          /* RLIMIT_DATA */
	u64 stack;         /* RLIMIT_STACK */
	u64 locked;        /* RLIMIT_MEMLOCK; see vmm_set_lock_hook */
};

/* Where things are.  Set by exec; `brk` guarded by map_lock; the rest read without lock, set by
 * exec or prctl(PR_SET_MM). */
struct vm_layout {
	vaddr_t mmap_base; /* mappings without a wish go below it, top down */
	vaddr_t brk_start, brk;
	vaddr_t stack_top;
	vaddr_t code_start, code_end, data_start, data_end;
	vaddr_t argument_start, argument_end, environment_start, environment_end;
	vaddr_t vdso; /* the vDSO's ELF header; 0 without one */
};

/* Of pages from the pools of huge pages. */
enum hugetlb_size { HUGETLB_2M, HUGETLB_1G, HUGETLB_SIZES };

enum resident_kind { RESIDENT_ANONYMOUS, RESIDENT_FILE, RESIDENT_SHARED, RESIDENT_KINDS };

struct address_space {
	u32 refs;       /* atomic */
	cpumask_t cpus; /* atomic: CPUs that run it now, and so may have entries in their TLBs */
	page_directory_t tree; /* see tree.h for who may change what below the root */
	spinlock_t tree_lock;  /* guards links that are replaced or removed, and walks past shared
				  ones */
	bool has_forked;       /* nodes may be shared; map_lock held for writing */
	bool may_pin;          /* frames may be pinned: set with map_lock held for reading */
	struct family *family; /* a reference; constant */
	struct list_head family_link;    /* in family->spaces; its lock */
	struct space_turn reclaim_turn;  /* reclaim's */
	struct space_turn collapse_turn; /* khugepaged's */
	rwlock_t map_lock;               /* guards everything down to `layout` */
	struct region_tree regions;
	struct region *hint; /* a region found lately; set by readers too, with single stores */
	size_t total_pages, locked_pages, data_pages, stack_pages, code_pages, shared_pages;
	size_t committed_pages;
	bool has_hugetlb; /* there have been regions with such pages; map_lock */
	size_t huge_reserved
		[HUGETLB_SIZES];         /* atomic: blocks that the pools keep for it (hugetlb.h) */
	size_t fork_pages;               /* of regions that a child does not get as they are */
	size_t hugetlb_pages;            /* of regions of the pool of huge pages */
	bool lock_future, lock_on_fault; /* mlockall(MCL_FUTURE), MCL_ONFAULT */
	u16 keys;                        /* protection keys that are in use */
	struct vm_layout layout;
	struct vm_limits limits;
	size_t peak_resident;           /* atomic, approximate */
	u64 minor_faults, major_faults; /* approximate */
	bool no_huge;                   /* prctl(PR_SET_THP_DISABLE); read without lock */
	u32 membarrier;                 /* atomic: what membarrier(2) is registered for */
	bool has_aio; /* has had contexts of asynchronous I/O: the hook wants to know of its end */
	struct list_head userfaults; /* userfault.h has its lock */
	struct userfault_notice
		*notices; /* to be told when it is unlocked; map_lock, for writing */
};

/* --- Life --- */

/* Boot CPU, once, after heap_init. */
void vmm_init(void);

/* An empty space with one reference and no limits, or NULL. */
struct address_space *__must_check vmm_create_address_space(void);
struct address_space *vmm_get_address_space(struct address_space *space);
/* Drops a reference; the last one destroys the space, so this may sleep.  NULL is allowed. */
void vmm_put_address_space(struct address_space *space);
/* API's name for the last put: asserts that it is the last. */
void vmm_destroy_address_space(struct address_space *space);
/*
 * Makes it the space of this CPU; NULL: none, the kernel half alone.  Preemption or interrupts off.
 * The caller's task holds a reference as long as it runs in it.
 */
void vmm_switch_address_space(struct address_space *space);
/*
 * For a CPU that idles in the space of the task that ran last: goes out of it if other CPUs run it
 * or one of its family, whose changes would interrupt this one.  Interrupts are off.
 */
void vmm_leave_idle_space(void);
/* The space of this CPU (no reference taken); NULL for none. */
struct address_space *vmm_current_space(void);
/* fork: a copy with the same limits, layout and regions, private pages shared copy-on-write.  NULL:
 * no memory. */
struct address_space *__must_check vmm_copy_address_space(struct address_space *parent);

/* --- Faults --- */

/* What a program gets for a fault that cannot be resolved. */
struct fault_signal {
	int signal;  /* SIGSEGV, SIGBUS, or SIGKILL when memory is exhausted */
	int si_code; /* SEGV_MAPERR, SEGV_ACCERR, SEGV_PKUERR, BUS_ADRERR; 0 for SIGKILL */
	vaddr_t address;
	u32 key; /* SEGV_PKUERR: the page's protection key */
};

/*
 * Resolves a fault at `address` with FAULT_* flags.  0; -EFAULT: *signal says what the program gets
 * (signal may be NULL); -ENOMEM: out of memory, and *signal is SIGKILL.  `stack_pointer` is the
 * program's, or 0: a stack grows for every address (below the guard gap and the limit) either way,
 * as on Linux.
 */
int vmm_fault(struct address_space *space, vaddr_t address, unsigned flags,
	      struct fault_signal *signal);
/*
 * The same in the current space, for the kernel's fault entry.  A fault from the kernel with
 * preemption or interrupts off, or without a space, is not resolved (-EFAULT), so that usercopy
 * fails at once where it must not sleep.
 */
int vmm_handle_page_fault(vaddr_t address, unsigned flags, struct fault_signal *signal);

/* Settings; read without lock. */
#define FAULT_AHEAD_MOST 8
struct fault_settings {
	u32 ahead_pages; /* that come with a fault on anonymous memory touched in sequence; 0: none
			  */
};
extern struct fault_settings fault_settings;

/*
 * When a program's fault or fork finds no memory: the hook (proc's) picks and kills a victim, and
 * returns true when the fault should be tried again; false: the faulting process itself gets
 * SIGKILL. Called without locks; may sleep.
 */
void vmm_set_out_of_memory_hook(bool (*hook)(struct address_space *space));

/*
 * Says whether the calling task may map the lowest addresses at a place of its choice (proc's, from
 * its capabilities); without a hook nobody may.  Called with the map lock held; must not sleep.
 */
void vmm_set_low_address_hook(bool (*hook)(void));
/* The same for locking more memory than the limit says. */
void vmm_set_lock_hook(bool (*hook)(void));

/*
 * Told of the end of a space with `has_aio` set, before its memory goes.  Called without locks; may
 * sleep.
 */
void vmm_set_aio_hook(void (*hook)(struct address_space *space));

/* --- The calls of mmap(2) and its kin --- */

/*
 * `backing` is NULL for anonymous memory; otherwise the new region takes its own reference.
 * `offset` in bytes.  The address or negative errno.  The file's access mode has been checked by
 * the caller except as `access` says.
 */
enum vm_access {
	VM_ACCESS_READ = 1 << 0,  /* the file is open for reading */
	VM_ACCESS_WRITE = 1 << 1, /* and for writing */
	VM_ACCESS_NOEXEC = 1 << 2 /* its mount forbids PROT_EXEC: -EPERM */
};
long __must_check vmm_mmap_file(struct address_space *space, vaddr_t address, size_t length,
				u32 prot, u32 flags, struct backing *backing, u64 offset,
				u32 access);
/* The same with every access allowed: for anonymous memory, and exec, which maps private. */
long __must_check vmm_mmap(struct address_space *space, vaddr_t address, size_t length, u32 prot,
			   u32 flags, struct backing *backing, u64 offset);
int __must_check vmm_munmap(struct address_space *space, vaddr_t address, size_t length);
/*
 * Unmaps every region that shows a backing with these operations as if its beginning had been
 * mapped at `address`.  0; -EINVAL: there is none.
 */
int __must_check vmm_detach(struct address_space *space, vaddr_t address,
			    const struct backing_ops *ops);
long __must_check vmm_mremap(struct address_space *space, vaddr_t address, size_t old_length,
			     size_t new_length, u32 flags, vaddr_t new_address);
int __must_check vmm_mprotect(struct address_space *space, vaddr_t address, size_t length,
			      u32 prot);
#define vmm_protect_region vmm_mprotect
/* remap_file_pages(2): a shared mapping shows its file from page `index` on.  `prot` must be 0. */
int __must_check vmm_remap_file_pages(struct address_space *space, vaddr_t start, size_t size,
				      u32 prot, u64 index, u32 flags);
/*
 * Protection keys (pkeys(7)).  The lowest key that the space does not use, or -ENOSPC; giving one
 * back: -EINVAL: it is not used; mprotect that gives the memory a key, -1: leaves it as it is.
 */
int __must_check vmm_key_alloc(struct address_space *space);
int __must_check vmm_key_free(struct address_space *space, int key);
int __must_check vmm_key_protect(struct address_space *space, vaddr_t address, size_t length,
				 u32 prot, int key);
int __must_check vmm_madvise(struct address_space *space, vaddr_t address, size_t length,
			     int advice);
int __must_check vmm_msync(struct address_space *space, vaddr_t address, size_t length, int flags);
/* One byte a page into `vector`, kernel memory: bit 0 says resident.  At most `length` bytes of
 * address space. */
int __must_check vmm_mincore(struct address_space *space, vaddr_t address, size_t length,
			     u8 *vector);
/* brk(2): the new break, or the old one when it cannot be had. */
vaddr_t vmm_expand_heap(struct address_space *space, vaddr_t new_break);
int __must_check vmm_mlock(struct address_space *space, vaddr_t address, size_t length, int flags);
int __must_check vmm_munlock(struct address_space *space, vaddr_t address, size_t length);
int __must_check vmm_mlockall(struct address_space *space, int flags);
int __must_check vmm_munlockall(struct address_space *space);
/* Brings the pages in, as a touch would; for MAP_POPULATE.  0, -ENOMEM, -EFAULT. */
int __must_check vmm_populate(struct address_space *space, vaddr_t address, size_t length,
			      bool write);

/* Reserve (demand-zero, private, read-write) or drop a range anywhere: 0 when there is no room. */
vaddr_t vmm_alloc_virtual(struct address_space *space, size_t length);
void vmm_free_virtual(struct address_space *space, vaddr_t address, size_t length);
/* One page of a given space: as paging_map_page and its kin. */
int __must_check vmm_map_page(struct address_space *space, vaddr_t address, phys_t frame,
			      u64 flags);
void vmm_unmap_page(struct address_space *space, vaddr_t address);
phys_t vmm_get_physical_addr(struct address_space *space, vaddr_t address);
/* Has the page of an address ever been touched?  It may be in memory or in swap space. */
bool vmm_has_page(struct address_space *space, vaddr_t address);

/* --- For exec --- */

/* Where random numbers come from; before it is set, the processor's source or its cycle counter. */
void vmm_set_random_source(u64 (*source)(void));
/* Chooses the random layout (stack top, mmap base) for a fresh space, whose limits are set.
 * `randomize`: personality allows it. */
void vmm_init_layout(struct address_space *space, bool randomize);
/* Makes the stack region below layout.stack_top; `prot` usually read-write.  `size`: what is mapped
 * at once.  0, -ENOMEM. */
int __must_check vmm_map_stack(struct address_space *space, size_t size, u32 prot);
/* The heap starts at or (randomised) somewhat above `end`, the end of the program's data. */
void vmm_set_brk(struct address_space *space, vaddr_t end, bool randomize);
/* A random, page-aligned base for a static-pie or dynamic program: the ELF loader's load address
 * for ET_DYN. */
vaddr_t vmm_program_base(bool randomize);
/* Maps vvar and vDSO; sets layout.vdso.  0, -ENOMEM. */
int __must_check vmm_map_vdso(struct address_space *space);

/* --- Looking from outside --- */

enum vm_access_mode {
	VM_READ = 0,
	VM_WRITE = 1 << 0,
	VM_FORCE =
		1
		<< 1 /* as a debugger: protection does not count, private pages are copied first */
};
/*
 * Copies between a space (not necessarily the current one) and kernel memory, faulting pages in.
 * Bytes copied, which is less when a page is bad; -EFAULT if that is the first.  For exec's
 * arguments, /proc/PID/mem, cmdline, ptrace.
 */
ssize_t __must_check vmm_access(struct address_space *space, vaddr_t address, void *buffer,
				size_t length, u32 mode);

/*
 * A key for futexes: two addresses that mean the same word in shared memory give the same key.  For
 * private memory: space and address; for shared: the page cache and the position.  0 or -EFAULT.
 */
struct vm_word_key {
	const void *object; /* the address space, or the page cache */
	u64 offset;         /* address, or position in the file */
};
int __must_check vmm_word_key(struct address_space *space, vaddr_t address, bool shared,
			      struct vm_word_key *key);

enum region_kind {
	KIND_CODE,
	KIND_DATA,
	KIND_HEAP,
	KIND_STACK,
	KIND_MMAP,
	KIND_SHARED,
	KIND_KERNEL
};

/* One region, as a snapshot that stays valid. */
struct region_info {
	vaddr_t start, end;
	u32 prot; /* PROT_* */
	bool shared, grows_down, locked, io, no_reserve, no_fork, wipe_on_fork, no_dump, may_read,
		may_write, may_execute, huge, no_huge, hugetlb, gigantic, watch_missing,
		watch_writes, watch_minor, tracked, lock_on_fault, committed;
	bool huge_eligible; /* a fault may bring a huge page somewhere in it */
	u32 key;            /* protection key */
	enum region_kind kind;
	u64 offset;   /* bytes in the file */
	dev_t device; /* 0 for anonymous memory */
	ino_t inode;
	size_t resident_pages, anonymous_pages; /* only when asked for */
	char name[256]; /* path, "[heap]", "[stack]", "[vdso]", "[vvar]" or "" */
};
/*
 * The first region that ends above `address` (so: start with 0, go on with info->end).  False when
 * there is none. `count_pages` fills the counts, which walks the tables.
 */
bool vmm_next_region(struct address_space *space, vaddr_t address, struct region_info *info,
		     bool count_pages);

/* What is in memory of a range: bytes.  `proportional`: each page divided by how many entries map
 * it. */
struct region_usage {
	u64 resident, proportional, proportional_dirty, proportional_anonymous;
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 referenced, anonymous, lazy;
	u64 swapped, swapped_proportional;
	u64 huge;                            /* mapped as huge pages */
	u64 hugetlb_shared, hugetlb_private; /* from the pools of huge pages; the others are 0 then
					      */
};
void vmm_region_usage(struct address_space *space, vaddr_t start, vaddr_t end,
		      struct region_usage *usage);

/* Pages; snapshots. */
struct vm_space_stats {
	size_t total, resident, resident_anonymous, resident_file, resident_shared, peak_resident;
	size_t locked, data, stack, code, page_tables; /* page_tables in frames */
	size_t swapped;
};
void vmm_space_stats(struct address_space *space, struct vm_space_stats *stats);
/* Pages that are resident, and tables; notes the peak.  Any context that may spin. */
size_t vmm_space_weight(struct address_space *space);

/* Over all spaces since boot. */
typedef struct vmm_stats {
	u64 total_faults, cow_faults, demand_faults, file_faults, protection_faults, swap_in_faults,
		minor_faults, major_faults;
	u64 total_pages, resident_pages;
	u64 cow_copied_pages, cow_reused_pages;
} vmm_stats_t;
void vmm_get_stats(vmm_stats_t *stats);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory: frames of 4 KiB, their descriptors, and who hands them out.
 *
 * Each frame has a descriptor of 16 bytes in one dense array.  A frame in use has a count of
 * references (page-table entries, the page cache, whoever looks at it just now) and a kind; it is
 * free when the last reference goes.  Blocks of 2^order frames come from buddy lists
 * (frame_buddy.c); single frames pass through a small stock of each CPU (frame.c), and so do blocks
 * of 2 MiB (frame_block.c).  Each of the machine's nodes has two zones, below and above 4 GiB, with
 * lists of their own (frame_node.c): memory comes from the node of the CPU that asks, while it has
 * some, else from the nearest.
 *
 * All functions but frame_init and frame_release_range may be called from any context, interrupt
 * handlers included, with any lock held; none sleeps.
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include "arch/mmu.h"
#include "arch/topology.h"
#include "lib/spinlock.h"
#include "lib/types.h"

struct boot_info;
struct node;

/* The largest block: 2^12 frames, 16 MiB. */
#define FRAME_MAX_ORDER 12

/*
 * Until heap_init only frames below this address are handed out, so that the boot protocol's page
 * tables, which need not map more, suffice.
 */
#define FRAME_EARLY_LIMIT GIB

enum frame_kind {
	FRAME_RESERVED = 0, /* not ours: firmware, devices, the kernel's image, holes, the inside of
			       free blocks */
	FRAME_FREE,         /* the first frame of a block on a buddy list */
	FRAME_KERNEL,       /* the kernel's own data */
	FRAME_SLAB,         /* objects of a slab cache */
	FRAME_TABLE,        /* a page table */
	FRAME_USER,         /* anonymous memory of programs */
	FRAME_CACHE,        /* a page of a file */
	FRAME_BALLOON,      /* the host has it for a while (frame_note_ballooned) */
	FRAME_KINDS
};

struct frame {
	u32 refs; /* atomic; 0: nobody uses it */
	u8 kind;  /* enum frame_kind; set by the allocator */
	u8 order; /* of the block that this frame heads, or of its slab; the allocator's */
	u8 zone;  /* where it belongs; set at start-up */
	union {
		u8 traits; /* all of these; the allocator clears them */
		struct {
			u8 shared_memory : 1; /* FRAME_CACHE: the file is in memory alone, and
						 programs count it so; set before others see it */
			u8 used : 1;          /* FRAME_CACHE: read or written since reclaim came by;
						 a hint, without a lock */
			u8 generation : 2; /* FRAME_USER, FRAME_CACHE: see workingset.h; likewise */
			u8 huge : 1;       /* FRAME_USER, the first of 2 MiB: huge links map them
					      (huge.h); then the others do not change */
		};
		u8 set; /* FRAME_FREE: which set its list belongs to; the zone's lock */
	};
	union {
		u64 owner; /* FRAME_KERNEL, FRAME_BALLOON: free for the holder to use; FRAME_USER:
			      where the entry is that has it alone (PAGE_EXCL), as a physical
			      address */
		struct node *node; /* FRAME_TABLE of a user half: its descriptor */
		struct {
			u32 next, previous; /* FRAME_FREE: frame numbers on the buddy list; the
					       zone's lock */
		};
	};
};
_Static_assert(sizeof(struct frame) == 16, "a frame descriptor is 16 bytes");

typedef struct frame_stats {
	size_t total_frames;    /* the usable memory of the machine's map */
	size_t free_frames;     /* on the lists and in the CPUs' stocks */
	size_t reserved_frames; /* of the memory map's usable memory: kernel image, initramfs, low
				   megabyte, array */
	size_t user_frames;     /* anonymous memory of programs */
} frame_stats_t;

/*
 * Takes over the usable memory of the map, except the first megabyte, the kernel's image and the
 * initramfs.  Boot CPU, once. Panics when there is no room for the descriptors.
 */
void frame_init(const struct boot_info *info);

/* Hands out memory above FRAME_EARLY_LIMIT from now on: the direct map covers it.  heap_init calls
 * this. */
void frame_init_rest(void);

/* Sorts all memory by the nodes that the machine has.  Boot CPU, once, after arch_init_devices and
 * before other CPUs run. */
void frame_init_nodes(void);

/*
 * `function` frees what memory it can give back at once and returns how many frames; it is called
 * when an allocation finds none, in any context, with any locks held, so it may only try locks.
 * Once, at start-up.
 */
void frame_set_reclaimer(size_t (*function)(void));

/*
 * `function` gives memory back when it has run out and a program would have to die for more, and
 * returns how many frames; it may sleep.  Once, at start-up.  frame_relieve calls it (0: there is
 * none), with no lock held.
 */
void frame_set_relief(size_t (*function)(void));
size_t frame_relieve(void);

/*
 * Frames of kind FRAME_BALLOON went to the host, or came back: they are no part of the machine's
 * memory meanwhile.
 */
void frame_note_ballooned(const phys_t *frames, size_t count, bool gone);

/*
 * Memory that appears or goes while the machine runs: whole groups of 2 MiB.  Adding: 0; -EINVAL;
 * -ERANGE when there are no descriptors for it (the machine's topology did not announce it);
 * -ENOMEM.  Removing what was added: 0; -EBUSY when not all of it is free.  Both may sleep.
 */
int __must_check frame_add_memory(phys_t start, size_t size);
int __must_check frame_remove_memory(phys_t start, size_t size);

/*
 * Gives memory that frame_init kept back (the initramfs, once unpacked; start-up code) to the
 * allocator.  `start` and `size` in bytes; only whole frames within are released.  What is outside
 * of the machine's usable memory is ignored.
 */
void frame_release_range(phys_t start, size_t size);

/* One frame of the kernel's (kind FRAME_KERNEL) with one reference; its content is undefined.  0
 * when there is none. */
phys_t __must_check frame_alloc(void);
/* The same, filled with zeros. */
phys_t __must_check frame_alloc_zeroed(void);
/*
 * One frame of a given kind.  FRAME_USER, FRAME_CACHE and FRAME_BALLOON leave a reserve for the
 * kernel, FRAME_TABLE half of it: they fail (0) while it would still be served, so that a program
 * that takes all memory does not take the kernel's.
 */
phys_t __must_check frame_alloc_kind(enum frame_kind kind);
phys_t __must_check frame_alloc_kind_zeroed(enum frame_kind kind);
/*
 * The same for a page table; *clean: it is full of zeroes already.  What a CPU gets back so
 * (frame_free_clean: one reference, the caller's, of such a frame) it keeps apart.
 */
phys_t __must_check frame_alloc_table(bool *clean);
void frame_free_clean(phys_t frame);
/* Up to `count` frames of a kind at once: cheaper than one by one.  Returns how many there were. */
size_t __must_check frame_alloc_batch(enum frame_kind kind, phys_t *frames, size_t count);

/*
 * Where frames should come from, when it is not the node of this CPU first and then the others by
 * distance.
 */
enum { FRAME_NODE_LOCAL = 0xff };
struct frame_placement {
	u64 nodes;        /* bit n: node n; these first */
	u8 first;         /* the one where the search by distance begins, or FRAME_NODE_LOCAL */
	bool strict;      /* none but those of `nodes` */
	bool interleaved; /* chosen in turn; for the statistics */
	bool moving;      /* for a page that moves: nothing from groups that shall become free */
};
/* frame_alloc_batch from certain nodes; NULL: from anywhere. */
size_t __must_check frame_alloc_batch_placed(enum frame_kind kind,
					     const struct frame_placement *placement,
					     phys_t *frames, size_t count);

/* Another reference to a frame in use.  A count that reaches 2^31 stays, and the frame with it: a
 * leak, but never a frame that is freed under its users. */
void frame_get(phys_t frame);
/* Drops one reference; at the last one the frame is free.  Dropping one too many is reported and
 * otherwise ignored. */
void frame_free(phys_t frame);
/* A frame that nobody else knows yet is of another kind from now on: FRAME_USER or FRAME_CACHE. */
void frame_change_kind(phys_t frame, enum frame_kind kind);
/* Drops one reference of each of `count` frames: cheaper than one by one. */
void frame_free_batch(const phys_t *frames, size_t count);
/* The same past the stocks of the CPUs, for frames whose groups shall become free. */
void frame_free_to_lists(const phys_t *frames, size_t count);
/* How many references there are: a snapshot, unless the caller's locks keep others out. */
u32 frame_refs(phys_t frame);

/*
 * 2^order contiguous frames (order <= FRAME_MAX_ORDER), aligned to their size, kind FRAME_KERNEL,
 * one reference for all; 0 when there are none.  The _dma32 form lies below 4 GiB.
 */
phys_t __must_check frames_alloc(u32 order);
phys_t __must_check frames_alloc_dma32(u32 order);
/* Frees what frames_alloc gave. */
void frames_free(phys_t frames, u32 order);

/* Blocks of a kind, for huge pages: like frame_alloc_kind, with a placement or NULL. */
phys_t __must_check frames_alloc_placed(u32 order, enum frame_kind kind,
					const struct frame_placement *placement);

/* The same for who can do without: nothing is reclaimed for it. */
phys_t __must_check frames_try_placed(u32 order, enum frame_kind kind,
				      const struct frame_placement *placement);

/*
 * Gives the free frames that CPUs keep for themselves back to the lists, where they join with their
 * buddies: all blocks of 2 MiB, and the single frames of this CPU.
 */
void frame_drain(void);

/*
 * Any number of contiguous frames, aligned to 16 MiB, kind FRAME_KERNEL, one reference for all; 0
 * when there are none.  Meant for more than frames_alloc gives.  The descriptor of the first has
 * order FRAME_RUN and the count in `owner`.
 */
enum { FRAME_RUN = 0xff };
/* The order of frames that belong to the pool of huge pages: hugetlb.h. */
enum { FRAME_POOLED = 0xfe };
phys_t __must_check frames_alloc_run(size_t count);
void frames_free_run(phys_t frames);
/* An aligned GiB of a node, accounted as FRAME_KERNEL, descriptors undefined; 0: there is none
 * wholly free. */
enum { FRAMES_GIGANTIC = 1 << 18 };
phys_t __must_check frames_alloc_gigantic(u32 node);

/* The descriptor of a frame; the frame must be memory (frame_is_memory). */
extern struct frame *frame_array;
static inline struct frame *frame_of(phys_t frame)
{
	return &frame_array[frame >> PAGE_SHIFT];
}
/* Does the array describe this address?  False for devices beyond the end of memory. */
bool frame_is_memory(phys_t address);

/* Bytes that the allocator manages, and how many of them are free. */
size_t frame_get_total_memory(void);
size_t frame_get_free_memory(void);
void frame_get_stats(frame_stats_t *stats);
/* Frames in use of one kind, over all CPUs. */
size_t frame_count_kind(enum frame_kind kind);
/* Free blocks of each order over all zones: `counts` has FRAME_MAX_ORDER + 1 elements. */
void frame_count_orders(size_t *counts);
/* How much of the memory on the lists is in blocks too small for this order: 0 (none) to 1000. */
u32 frame_fragmentation(u32 order);
/*
 * The same of any such counts: how much of what is free is of no use for a request of this order
 * (Gorman and Whitcroft, "Measuring the impact of the Linux memory manager", 2005: unusable free
 * space index).  1000 when nothing is free.
 */
u32 block_fragmentation(const size_t *counts, u32 order);

/*
 * Frames free at which something should happen: below `min` only the kernel is served, below `low`
 * reclaim should start, at `high` it may rest.  Each node has its part of them.
 */
struct frame_watermarks {
	size_t min, low, high;
};
void frame_get_watermarks(struct frame_watermarks *marks);
/* Sets `min`, in bytes, between 256 KiB and a quarter of all memory.  The others follow. */
void frame_set_min_free(size_t bytes);
/*
 * `hook` is called when an allocation leaves a node with less than `low` free, or finds it so, and
 * no other that may serve has more: for each of them, in any context, with any locks held, so it
 * may only note it and wake somebody.  Once, at start-up.
 */
void frame_set_pressure_hook(void (*hook)(u32 node));

/* --- Nodes and zones --- */

/* The nodes are numbered from 0 to frame_nodes() - 1; those of the set have memory. */
u32 frame_nodes(void);
extern bool frame_has_nodes; /* more than one; set at start-up */
u64 frame_nodes_with_memory(void);
/* The node of a frame; the node of a CPU. */
u32 frame_node_of(phys_t frame);
u32 frame_node_of_cpu(u32 cpu);
/* A node's frames that are free, without the CPUs' stocks, and its watermarks. */
size_t frame_node_free(u32 node);
void frame_node_watermarks(u32 node, struct frame_watermarks *marks);
/* A node's frames in use of each kind (FRAME_FREE: on the lists): looks at every descriptor.  May
 * be preempted; `counts` has FRAME_KINDS elements. */
void frame_node_count_kinds(u32 node, size_t *counts);

/* Where requests for a node's memory went: numastat(8). */
struct frame_numa_stats {
	u64 hit;        /* frames from this node that were wanted from it */
	u64 miss;       /* from this one, wanted from another */
	u64 foreign;    /* wanted from this one, from another */
	u64 interleave; /* of the hits, those of interleaving policies */
	u64 local;      /* for a CPU of this node */
	u64 other;      /* for a CPU of another */
};

/* Zone `index` of all: 2 for each node. */
struct frame_zone_info {
	const char *name; /* "DMA32", "Normal" */
	u32 node;
	size_t free, present, managed; /* frames; nothing is present: no zone */
	pfn_t start;                   /* the first frame that is present */
	pfn_t end;                     /* behind the last one */
	struct frame_watermarks marks;
	size_t counts[FRAME_MAX_ORDER + 1]; /* free blocks of each order */
	struct frame_numa_stats stats;
};
/* False: there are not so many. */
bool frame_zone_info(u32 index, struct frame_zone_info *info);

/* --- One frame, and groups of them --- */

/* Descriptors reach to this frame number. */
pfn_t frame_limit(void);
/* How often a frame is mapped, and its flags as in /proc/kpageflags (lib/abi/kpageflags.h). */
u64 frame_page_count(pfn_t pfn);
u64 frame_page_flags(pfn_t pfn);

/* Groups of 2 MiB, by what the frames in use let happen to the whole. */
enum { FRAME_GROUP_ORDER = 9 };
enum frame_group {
	FRAME_GROUP_UNMOVABLE,   /* the kernel's data or page tables are in it */
	FRAME_GROUP_MOVABLE,     /* nothing but pages of programs and files, and free frames */
	FRAME_GROUP_RECLAIMABLE, /* those and slabs */
	FRAME_GROUPS
};
struct frame_group_counts {
	size_t groups[FRAME_GROUPS];
	size_t free[FRAME_GROUPS][FRAME_MAX_ORDER + 1]; /* free blocks of each order */
};
/* Of zone `index`; false: there are not so many.  Looks at every descriptor of the zone. */
bool frame_count_groups(u32 index, struct frame_group_counts *counts);

/* What the frames of one group are: a look without locks.  `fixed`: they cannot be moved, or lie in
 * another zone than the first. */
struct frame_group_use {
	u32 free, movable, fixed;
};
void frame_group_look(pfn_t first, struct frame_group_use *use);

/*
 * A group that shall become free is *isolated*: what is or becomes free of it is given to nobody,
 * as long as there is anything else.  Frames in the CPUs' stocks are not concerned
 * (frame_drain_all). One thread at a time does this (compact.c's lock).
 */
void frame_group_isolate(pfn_t first);
void frame_group_release(pfn_t first);
bool frame_group_is_isolated(pfn_t pfn);

/* frame_drain on every CPU.  Interrupts on; no spin lock held. */
void frame_drain_all(void);

/*
 * `hook` is called when no block of an order was found, or the last one of 2 MiB was taken: in any
 * context, with any locks held.  Once, at start-up.
 */
void frame_set_fragmentation_hook(void (*hook)(u32 order));

/*
 * Is less than a sixteenth of all memory free?  Then whoever keeps memory that programs can make
 * it keep, in pipes for example, keeps little.  Cheap: the stocks of the CPUs are left out.
 */
bool frame_is_short(void);

#endif

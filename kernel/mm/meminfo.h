/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much memory there is and who has it: for /proc, and for people who debug.  No locks;
 * snapshots.
 */
#ifndef MM_MEMINFO_H
#define MM_MEMINFO_H

#include "lib/types.h"

struct address_space;

/* Bytes. */
typedef struct meminfo {
	size_t total; /* usable memory of the machine less what the kernel's image and the frame
			 array took */
	size_t free;
	size_t kernel; /* kernel data and stacks, slabs, page tables */
	size_t user;   /* anonymous memory of programs */
	size_t cache;  /* pages of files, tmpfs included */
	size_t buffer; /* block devices' buffers */
	size_t slab;
	size_t page_tables;
	size_t shared;       /* pages of tmpfs and shared anonymous memory */
	size_t committed;    /* what programs may still touch by right: private writable and shared
				anonymous mappings */
	size_t commit_limit; /* and how much that may be in strict mode */
	size_t vmalloc;
	size_t swap_total, swap_free; /* of swap areas */
	size_t swap_cached;           /* swapped pages that are in frames as well */
	size_t compressed;            /* frames of the pool of compressed pages … */
	size_t compressed_pages;      /* … and the pages in it */
} meminfo_t;

typedef struct proc_meminfo {
	size_t virtual_size;
	size_t resident;
	size_t shared;
	size_t text;
	size_t data;
	size_t stack;
} proc_meminfo_t;

void get_meminfo(meminfo_t *info);

/* One process.  0, or -ESRCH. */
int __must_check get_proc_meminfo(pid_t pid, proc_meminfo_t *info);
/* proc tells how a process's address space is found: a reference (vmm_put_address_space) or NULL.
 */
void meminfo_set_process_lookup(struct address_space *(*lookup)(pid_t pid));

/* To the log: a dump of `size` bytes of kernel memory in hex and ASCII, and a summary of who has
 * the memory, how fragmented it is, and what the largest caches hold. */
void mem_dump(const void *address, size_t size);
void mem_print_stats(void);

/*
 * Leak tracking, in the checking build: from mem_enable_tracking on (again: afresh), the heap notes
 * who allocated each block.  0; -ENOMEM; -EOPNOTSUPP in the release build.  May be called with no
 * spin lock held, as the others here.
 */
int __must_check mem_enable_tracking(void);
void mem_disable_tracking(void);
/*
 * How many blocks that were allocated since are in use (0 when tracking is off; -EOPNOTSUPP in the
 * release build), and to the log, the call chains that hold most.
 */
ssize_t mem_check_leaks(void);

#endif

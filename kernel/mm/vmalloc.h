/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's mapped memory: virtually contiguous blocks of scattered frames, kernel stacks,
 * device registers.
 *
 * Each block is surrounded by pages that are not mapped.  The area lies between VMALLOC_START and
 * VMALLOC_END of the machine. May be called with interrupts on and no spin lock held (unmapping
 * flushes other CPUs' TLBs); none sleeps.
 */
#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

#include "lib/types.h"

/* `size` bytes of undefined content, page-aligned; NULL when there is no memory. */
void *__must_check vmalloc(size_t size);
void *__must_check vzalloc(size_t size);
/* Frees; NULL is allowed. */
void vfree(void *block);

/* A stack of KERNEL_STACK_SIZE bytes, its lowest address; the page below is never mapped.  NULL
 * when there is no memory. */
void *__must_check kernel_stack_alloc(void);
/* Nobody may run on it any more.  May be called with preemption off; keeps a few for the next
 * kernel_stack_alloc. */
void kernel_stack_free(void *stack);
/* Unmaps up to `most` of the stacks beyond those few.  Returns how many frames that freed.
 * Interrupts on, no locks held. */
size_t kernel_stacks_trim(size_t most);

/*
 * Maps device registers, uncached, for ever; any alignment.  NULL when there is no memory.  `size`
 * in bytes.
 */
void *__must_check mmio_map(phys_t start, size_t size);

/* Is the address in the area? and is it the guard page of a kernel stack? (for the panic message)
 */
bool vmalloc_contains(vaddr_t address);

/* Bytes mapped now, for /proc/meminfo. */
size_t vmalloc_used(void);

/* Called by heap_init: makes the area's top-level tables, which all address spaces share from then
 * on. */
void vmalloc_init(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading sections: looking at dentries, inodes and mounts without locks and references.
 *
 * What was reachable while a section was open keeps its memory until the section is closed: it may
 * die meanwhile, and its fields may change, but it does not become something else.  Who wants to
 * keep an object beyond the section takes a reference that may fail (dentry_try_get,
 * mount_try_get).  Sections are short, do not sleep, and do not nest.
 *
 * The other side: an object that sections may have found is made unreachable first, and then given
 * to read_section_free, or freed by its owner after read_section_wait.
 */
#ifndef FS_READ_SECTION_H
#define FS_READ_SECTION_H

#include "arch/cpu.h"
#include "mm/slab.h"

/* Frees an object of the cache (NULL: of kmalloc) once no section is left that may see it.  May
 * sleep; no spin locks held. */
void read_section_free(slab_cache_t *cache, void *object);
/* Waits until all sections that are open now are closed.  May sleep; no spin locks held. */
void read_section_wait(void);
/* Frees what waits on this CPU: memory is short.  May sleep; no spin locks held. */
void read_section_flush(void);
void read_section_init(void); /* before the first section; the CPUs are counted */

/* A CPU's own line. */
struct read_section {
	u64 since; /* the era in which this CPU opened its section; 0: none is open */
} __cacheline;
extern struct read_section *read_sections; /* cpu_count() of them; set once */
extern u64 read_section_era;               /* atomic; never 0 */

static inline void read_section_enter(void)
{
	preempt_disable();
	/* A full barrier: who makes something unreachable and then finds no section open here can
	 * be sure that this one does not reach it. */
	__atomic_exchange_n(&read_sections[cpu_id()].since, READ_ONCE(read_section_era),
			    __ATOMIC_SEQ_CST);
}

static inline void read_section_leave(void)
{
	__atomic_store_n(&read_sections[cpu_id()].since, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

#endif

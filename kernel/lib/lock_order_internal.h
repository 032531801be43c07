/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the lock-order checker. */
#ifndef LIB_LOCK_ORDER_INTERNAL_H
#define LIB_LOCK_ORDER_INTERNAL_H

#include "lib/spinlock.h"
#include "lib/lock_order.h"

enum {
	LOCK_CLASSES = 512, /* class 0 is none */
	LOCK_EDGES = 4096,
	SPIN_DEPTH = 24, /* spin locks that a CPU holds at once, its interrupt handlers' included */
};

/* How a class was taken, each with the place where that was first seen. */
enum lock_use {
	USE_IN_INTERRUPT,   /* waited for in an interrupt handler */
	USE_INTERRUPTS_ON,  /* taken by a task with interrupts on */
	USE_INTERRUPTS_OFF, /* waited for with interrupts off */
	USE_ACROSS_CALL,    /* held while other CPUs were called */
	LOCK_USES,
};

struct lock_class {
	const char *file, *name;
	unsigned kind;
	unsigned nest;
	u16 outermost;            /* the class of which this one is the nest-th; or itself */
	u16 nested[LOCK_NESTING]; /* atomic: classes of the locks inside one of this class */
	const struct lock_site *uses[LOCK_USES]; /* atomic; NULL: never */
	bool told; /* that interrupts and this class do not go together: once is enough */
};

/* Somebody took `to` while holding `from`. */
struct lock_edge {
	u16 from, to;
	const struct lock_site *from_site, *to_site;
};

struct lock_cpu {
	u32 depth;
	struct held_lock held[SPIN_DEPTH];
	struct lock_stack *task; /* of the running task */
	bool reporting;          /* the checker itself takes locks to tell */
} __attribute__((aligned(64)));

extern struct lock_cpu lock_cpus[MAX_CPUS]; /* each its CPU's own, interrupts off */

/* lock_graph.c */
extern struct lock_class lock_classes[LOCK_CLASSES];
u16 lock_class_find(const struct lock_site *site, unsigned kind);
u16 lock_class_nested(u16 class, unsigned nest);
unsigned lock_class_count(void); /* classes 1 to this one exist */
bool lock_edge_known(u16 from, u16 to);
/* Adds an edge that was not known. */
void lock_edge_add(u16 from, u16 to, const struct lock_site *from_site,
		   const struct lock_site *to_site);
const struct lock_edge *lock_edge_find(u16 from, u16 to);

/*
 * The shortest chain of edges from one class to another, or with `use` (and `to` 0) to any that was
 * used so.  Writes the classes, both ends included; returns how many, 0 when there is no chain.
 */
enum { LOCK_CHAIN = 16 };
unsigned lock_chain(u16 from, u16 to, enum lock_use use, u16 *chain);

/* lock_report.c */
void lock_report_begin(void);
void lock_report(const char *format, ...) __printf(1, 2); /* one more line */
void lock_report_chain(const u16 *chain, unsigned length);
void lock_report_held(void);
void lock_report_end(void); /* panics, unless a test catches it */
const char *lock_class_name(u16 class, char *buffer, size_t size);
enum { LOCK_NAME = 80 };

#endif

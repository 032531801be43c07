/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock-order checker: what is held, and the rules.
 *
 * Spin locks are kept by CPU, as their holder stays on its CPU; this also lets a run queue's lock,
 * which one task takes and the next one releases, pass through a switch.  Locks that sleep are kept
 * by task.  Within each, the last one taken is on top.
 *
 * A lock gets an edge from every lock that is held, down to the first that was not taken by
 * trylock: what lies below that one has its own edge to it.  An interrupt handler's locks have none
 * from those of the task that it interrupted; that order is covered by the rules for interrupts.
 *
 * Everything here runs with interrupts off, and a CPU touches its own part alone.
 */
#include "lib/lock_order_internal.h"

struct lock_cpu lock_cpus[MAX_CPUS];
static struct lock_stack start_stacks[MAX_CPUS]; /* until the scheduler has given a task's */

u16 lock_order_class(struct lock_site *site)
{
	u16 class = __atomic_load_n(&site->class, __ATOMIC_RELAXED);

	if (class == 0) {
		unsigned long flags = irq_save();
		class = lock_class_find(site, LOCK_SPIN);
		irq_restore(flags);
		__atomic_store_n(&site->class, class, __ATOMIC_RELAXED);
	}
	return class;
}

static struct lock_stack *task_stack(struct lock_cpu *cpu)
{
	if (cpu->task == NULL)
		cpu->task = &start_stacks[cpu_id()];
	return cpu->task;
}

void lock_order_switch(struct lock_stack *stack)
{
	lock_cpus[cpu_id()].task = stack;
}

/* --- The rules --- */

static void report_inversion(const struct held_lock *held, u16 class, const struct lock_site *site)
{
	char from[LOCK_NAME], to[LOCK_NAME];
	u16 chain[LOCK_CHAIN];
	unsigned length = lock_chain(class, held->class, LOCK_USES, chain);

	if (length == 0)
		return;
	lock_report_begin();
	lock_report("%s is taken (%s:%u) while %s is held (%s:%u), and elsewhere the other way",
		    lock_class_name(class, to, sizeof(to)), site->file, site->line,
		    lock_class_name(held->class, from, sizeof(from)), held->site->file,
		    held->site->line);
	lock_report_chain(chain, length);
	lock_report_held();
	lock_report_end();
}

static void report_same_class(const struct held_lock *held, u16 class, const struct lock_site *site)
{
	char name[LOCK_NAME];

	lock_report_begin();
	lock_report("%s is taken (%s:%u) while another of its class is held (%s:%u)",
		    lock_class_name(class, name, sizeof(name)), site->file, site->line,
		    held->site->file, held->site->line);
	lock_report_held();
	lock_report_end();
}

/* A handler may wait for `class`: neither it, nor what is waited for while it is held, may be taken
 * with interrupts on. */
static void check_interrupts(u16 class)
{
	char first[LOCK_NAME], last[LOCK_NAME];
	u16 chain[LOCK_CHAIN];
	struct lock_class *in = &lock_classes[class];
	const struct lock_class *on;
	unsigned length;

	if (in->uses[USE_IN_INTERRUPT] == NULL || in->told)
		return;
	length = lock_chain(class, 0, USE_INTERRUPTS_ON, chain);
	if (length == 0)
		return;
	in->told = true;
	on = &lock_classes[chain[length - 1]];
	lock_report_begin();
	lock_report("%s is taken in an interrupt handler (%s:%u), and %s with interrupts on "
		    "(%s:%u)",
		    lock_class_name(class, first, sizeof(first)), in->uses[USE_IN_INTERRUPT]->file,
		    in->uses[USE_IN_INTERRUPT]->line,
		    lock_class_name(chain[length - 1], last, sizeof(last)),
		    on->uses[USE_INTERRUPTS_ON]->file, on->uses[USE_INTERRUPTS_ON]->line);
	lock_report_chain(chain, length);
	lock_report_held();
	lock_report_end();
}

static void check_call(u16 class)
{
	char name[LOCK_NAME];
	const struct lock_site *call = lock_classes[class].uses[USE_ACROSS_CALL],
			       *off = lock_classes[class].uses[USE_INTERRUPTS_OFF];

	if (call == NULL || off == NULL)
		return;
	lock_report_begin();
	lock_report("%s is held (%s:%u) while other CPUs are called, and elsewhere waited for with "
		    "interrupts off (%s:%u)",
		    lock_class_name(class, name, sizeof(name)), call->file, call->line, off->file,
		    off->line);
	lock_report_held();
	lock_report_end();
}

static void note_use(u16 class, enum lock_use use, const struct lock_site *site)
{
	struct lock_class *taken = &lock_classes[class];

	if (likely(__atomic_load_n(&taken->uses[use], __ATOMIC_RELAXED) != NULL))
		return;
	__atomic_store_n(&taken->uses[use], site, __ATOMIC_RELAXED);
	if (use == USE_IN_INTERRUPT) {
		check_interrupts(class);
	} else if (use == USE_INTERRUPTS_ON) {
		/* The others may be far up the chain. */
		for (u16 other = 1; other <= lock_class_count(); other++)
			check_interrupts(other);
	} else {
		check_call(class);
	}
}

static void note_edge(const struct held_lock *held, u16 class, const struct lock_site *site)
{
	if (held->class == class) {
		report_same_class(held, class, site);
		return;
	}
	if (likely(lock_edge_known(held->class, class)))
		return;
	report_inversion(held, class, site);
	lock_edge_add(held->class, class, held->site, site);
	for (u16 other = 1; other <= lock_class_count(); other++)
		check_interrupts(other);
}

/* Edges from the held locks of one stack; says whether those further out have theirs already. */
static bool note_edges(const struct held_lock *held, u32 depth, bool handler, u16 class,
		       const struct lock_site *site)
{
	while (depth-- > 0) {
		if (held[depth].in_interrupt != handler)
			return true;
		note_edge(&held[depth], class, site);
		if (!(held[depth].kind & LOCK_TRY))
			return true;
	}
	return false;
}

/* --- Taking and releasing --- */

static void check_may_sleep(struct lock_cpu *cpu, const struct lock_site *site, bool were_on)
{
	bool handler = in_interrupt();

	/* Before the scheduler starts nobody sleeps. */
	if (cpu_current() == NULL ||
	    (cpu->depth == 0 && were_on && !handler && preempt_count_read() == 0))
		return;
	lock_report_begin();
	lock_report("%s:%u may sleep %s", site->file, site->line,
		    handler           ? "in an interrupt handler"
		    : cpu->depth != 0 ? "while a spin lock is held"
		    : !were_on        ? "with interrupts off"
				      : "with preemption off");
	lock_report_held();
	lock_report_end();
}

void lock_order_may_sleep(const struct lock_site *site)
{
	bool were_on = irq_enabled();
	unsigned long flags = irq_save();
	struct lock_cpu *cpu = &lock_cpus[cpu_id()];

	if (!cpu->reporting)
		check_may_sleep(cpu, site, were_on);
	irq_restore(flags);
}

static void push(struct held_lock *held, u32 *depth, u32 limit, struct held_lock entry)
{
	if (*depth == limit) {
		lock_report_begin();
		lock_report("more locks are held than the checker has room for");
		lock_report_held();
		lock_report_end();
		return;
	}
	held[(*depth)++] = entry;
}

static void take(struct lock_cpu *cpu, struct held_lock entry, bool were_on)
{
	struct lock_stack *task = task_stack(cpu);
	bool try = entry.kind & LOCK_TRY;

	if (entry.kind & LOCK_SLEEP) {
		if (!try) {
			check_may_sleep(cpu, entry.site, were_on);
			note_edges(task->held, task->depth, false, entry.class, entry.site);
		}
		push(task->held, &task->depth, ARRAY_SIZE(task->held), entry);
		return;
	}
	if (!try &&
	    !note_edges(cpu->held, cpu->depth, entry.in_interrupt, entry.class, entry.site) &&
	    !entry.in_interrupt)
		note_edges(task->held, task->depth, false, entry.class, entry.site);
	if (!try && entry.in_interrupt)
		note_use(entry.class, USE_IN_INTERRUPT, entry.site);
	if (were_on && !entry.in_interrupt)
		note_use(entry.class, USE_INTERRUPTS_ON, entry.site);
	if (!try && !were_on)
		note_use(entry.class, USE_INTERRUPTS_OFF, entry.site);
	push(cpu->held, &cpu->depth, SPIN_DEPTH, entry);
}

/* Which one a lock is that is taken inside all others of its class. */
static unsigned next_nest(u16 class, const struct held_lock *held, u32 depth)
{
	unsigned nest = 0;

	for (u32 i = 0; i < depth; i++)
		if (lock_classes[held[i].class].outermost == class)
			nest = MAX(nest, lock_classes[held[i].class].nest + 1);
	return MIN(nest, (unsigned)LOCK_NESTING - 1);
}

void lock_order_take(const void *lock, u16 *class, unsigned kind, unsigned nest,
		     struct lock_site *site)
{
	bool were_on = irq_enabled();
	unsigned long flags = irq_save();
	struct lock_cpu *cpu = &lock_cpus[cpu_id()];

	if (likely(!cpu->reporting)) {
		if (unlikely(*class == 0 || *class > lock_class_count()))
			*class = lock_class_find(site, kind & LOCK_SLEEP);
		if (unlikely(lock_classes[*class].kind != (kind & LOCK_SLEEP)))
			lock_classes[*class].kind = kind & LOCK_SLEEP;
		if (nest == LOCK_NEST_NEXT && kind & LOCK_SLEEP)
			nest = next_nest(*class, task_stack(cpu)->held, task_stack(cpu)->depth);
		else if (nest == LOCK_NEST_NEXT)
			nest = next_nest(*class, cpu->held, cpu->depth);
		take(cpu,
		     (struct held_lock){.lock = lock,
					.site = site,
					.class = lock_class_nested(*class, nest),
					.kind = (u8)kind,
					.in_interrupt = in_interrupt()},
		     were_on);
	}
	irq_restore(flags);
}

static bool forget(struct held_lock *held, u32 *depth, const void *lock)
{
	for (u32 at = *depth; at-- > 0;) {
		if (held[at].lock != lock)
			continue;
		for (u32 i = at; i + 1 < *depth; i++)
			held[i] = held[i + 1];
		(*depth)--;
		return true;
	}
	return false;
}

void lock_order_drop(const void *lock, unsigned kind)
{
	unsigned long flags = irq_save();
	struct lock_cpu *cpu = &lock_cpus[cpu_id()];
	struct lock_stack *task = task_stack(cpu);

	if (likely(!cpu->reporting)) {
		bool found = kind & LOCK_SLEEP ? forget(task->held, &task->depth, lock)
					       : forget(cpu->held, &cpu->depth, lock);
		if (!found) {
			lock_report_begin();
			lock_report("lock %p is released by somebody who does not hold it", lock);
			lock_report_held();
			lock_report_end();
		}
	}
	irq_restore(flags);
}

void lock_order_calls_cpus(void)
{
	unsigned long flags = irq_save();
	const struct lock_cpu *cpu = &lock_cpus[cpu_id()];

	for (u32 i = 0; !cpu->reporting && i < cpu->depth; i++)
		note_use(cpu->held[i].class, USE_ACROSS_CALL, cpu->held[i].site);
	irq_restore(flags);
}

void lock_order_expect_none(const char *what)
{
	unsigned long flags = irq_save();
	struct lock_cpu *cpu = &lock_cpus[cpu_id()];

	if (unlikely(!cpu->reporting && (cpu->depth != 0 || task_stack(cpu)->depth != 0))) {
		lock_report_begin();
		lock_report("%s while a lock is held", what);
		lock_report_held();
		lock_report_end();
	}
	irq_restore(flags);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock-order checker: classes, and which was taken while which was held.
 *
 * Both only grow, so they are read without a lock: a class is complete before its number gets
 * around, an edge before its bit is set.  What adds takes `growing`, which is none of the kernel's
 * spin locks, as these are what is checked; interrupts are off.
 */
#include "lib/lock_order_internal.h"

#include "lib/panic.h"
#include "lib/string.h"

struct lock_class lock_classes[LOCK_CLASSES];

static u32 growing;         /* atomic: 1 while somebody adds */
static unsigned classes;    /* growing; read atomically */
static unsigned edge_count; /* growing; read atomically */
static struct lock_edge edges[LOCK_EDGES];
static u64 edge_bits[LOCK_CLASSES][LOCK_CLASSES / 64]; /* atomic: [from] has a bit for each to */

static void grow_begin(void)
{
	while (__atomic_exchange_n(&growing, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static void grow_end(void)
{
	__atomic_store_n(&growing, 0, __ATOMIC_RELEASE);
}

unsigned lock_class_count(void)
{
	return __atomic_load_n(&classes, __ATOMIC_ACQUIRE);
}

static bool is_class(const struct lock_class *class, const struct lock_site *site, unsigned nest)
{
	return class->nest == nest && strcmp(class->name, site->name) == 0 &&
	       strcmp(class->file, site->file) == 0;
}

static u16 find_or_add(const struct lock_site *site, unsigned kind, u16 outermost, unsigned nest)
{
	u16 found = 0;

	grow_begin();
	for (unsigned i = 1; i <= classes && found == 0; i++)
		if (is_class(&lock_classes[i], site, nest))
			found = (u16)i;
	if (found == 0) {
		if (classes + 1 == LOCK_CLASSES)
			panic("lock order: more classes of locks than the checker has room for");
		found = (u16)(classes + 1);
		lock_classes[found] =
			(struct lock_class){.file = site->file,
					    .name = site->name,
					    .kind = kind,
					    .nest = nest,
					    .outermost = nest == 0 ? found : outermost};
		__atomic_store_n(&classes, found, __ATOMIC_RELEASE);
	}
	grow_end();
	return found;
}

u16 lock_class_find(const struct lock_site *site, unsigned kind)
{
	return find_or_add(site, kind, 0, 0);
}

u16 lock_class_nested(u16 class, unsigned nest)
{
	struct lock_class *outer = &lock_classes[class];
	u16 inner;

	if (nest == 0)
		return class;
	inner = __atomic_load_n(&outer->nested[nest], __ATOMIC_RELAXED);
	if (inner == 0) {
		struct lock_site name = {.file = outer->file, .name = outer->name};
		inner = find_or_add(&name, outer->kind, class, nest);
		__atomic_store_n(&outer->nested[nest], inner, __ATOMIC_RELAXED);
	}
	return inner;
}

bool lock_edge_known(u16 from, u16 to)
{
	return __atomic_load_n(&edge_bits[from][to / 64], __ATOMIC_RELAXED) & BIT(to % 64);
}

void lock_edge_add(u16 from, u16 to, const struct lock_site *from_site,
		   const struct lock_site *to_site)
{
	grow_begin();
	if (!lock_edge_known(from, to)) {
		if (edge_count == LOCK_EDGES)
			panic("lock order: more orders of locks than the checker has room for");
		edges[edge_count] = (struct lock_edge){from, to, from_site, to_site};
		__atomic_store_n(&edge_count, edge_count + 1, __ATOMIC_RELEASE);
		__atomic_fetch_or(&edge_bits[from][to / 64], BIT(to % 64), __ATOMIC_RELEASE);
	}
	grow_end();
}

const struct lock_edge *lock_edge_find(u16 from, u16 to)
{
	unsigned count = __atomic_load_n(&edge_count, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < count; i++)
		if (edges[i].from == from && edges[i].to == to)
			return &edges[i];
	return NULL;
}

/* The ways of one search; in `growing`, as there is one of each. */
static u16 came_from[LOCK_CLASSES], waiting[LOCK_CLASSES];

static u16 search(u16 from, u16 to, enum lock_use use)
{
	unsigned first = 0, last = 0;

	memset(came_from, 0, sizeof(came_from));
	waiting[last++] = from;
	came_from[from] = from;
	while (first < last) {
		u16 at = waiting[first++];
		if (at == to || (to == 0 && lock_classes[at].uses[use] != NULL))
			return at;
		for (u16 next = 1; next <= classes; next++) {
			if (came_from[next] == 0 && lock_edge_known(at, next)) {
				came_from[next] = at;
				waiting[last++] = next;
			}
		}
	}
	return 0;
}

unsigned lock_chain(u16 from, u16 to, enum lock_use use, u16 *chain)
{
	u16 backwards[LOCK_CHAIN];
	unsigned length = 0;

	grow_begin();
	u16 end = search(from, to, use);
	for (u16 at = end; end != 0 && length < LOCK_CHAIN; at = came_from[at]) {
		backwards[length++] = at;
		if (at == from)
			break;
	}
	grow_end();
	for (unsigned i = 0; i < length; i++)
		chain[i] = backwards[length - 1 - i];
	return length;
}

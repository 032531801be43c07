/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The members of a family; see family.h.
 */
#include "mm/family.h"

#include "lib/assert.h"
#include "mm/slab.h"

static slab_cache_t *family_slab;                       /* set once */
static spinlock_t families_lock;                        /* taken inside of all others */
static struct list_head families = LIST_INIT(families); /* families_lock */

void families_init(void)
{
	family_slab = slab_cache_create("family", sizeof(struct family), 0, NULL, NULL);
	if (family_slab == NULL)
		panic("no memory for families of address spaces");
}

struct family *family_create(void)
{
	struct family *family = slab_alloc(family_slab);

	if (family == NULL)
		return NULL;
	*family = (struct family){.refs = 1};
	mutex_init(&family->lock);
	list_init(&family->spaces);
	unsigned long flags = spin_lock_irqsave(&families_lock);
	list_add_tail(&family->link, &families);
	spin_unlock_irqrestore(&families_lock, flags);
	return family;
}

struct family *family_get(struct family *family)
{
	__atomic_fetch_add(&family->refs, 1, __ATOMIC_RELAXED);
	return family;
}

void family_put(struct family *family)
{
	if (__atomic_fetch_sub(&family->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	ASSERT(list_empty(&family->spaces));
	ASSERT(family->cpus == 0);
	unsigned long flags = spin_lock_irqsave(&families_lock);
	list_remove(&family->link);
	spin_unlock_irqrestore(&families_lock, flags);
	slab_free(family_slab, family);
}

/* Takes a reference, unless the last one is gone. */
static bool try_get(u32 *count)
{
	u32 refs = __atomic_load_n(count, __ATOMIC_RELAXED);

	while (refs != 0)
		if (__atomic_compare_exchange_n(count, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

struct family *families_next(struct family *family)
{
	struct family *found = NULL;

	unsigned long flags = spin_lock_irqsave(&families_lock);
	struct list_head *link = family != NULL ? family->link.next : families.next;
	for (; found == NULL && link != &families; link = link->next) {
		struct family *candidate = container_of(link, struct family, link);
		if (try_get(&candidate->refs))
			found = candidate;
	}
	spin_unlock_irqrestore(&families_lock, flags);
	return found;
}

void family_join(struct family *family, struct address_space *space)
{
	space->family = family_get(family);
	mutex_lock(&family->lock);
	list_add_tail(&space->family_link, &family->spaces);
	mutex_unlock(&family->lock);
}

void family_leave(struct address_space *space)
{
	struct family *family = space->family;

	mutex_lock(&family->lock);
	list_remove(&space->family_link);
	mutex_unlock(&family->lock);
	family_put(family);
}

bool space_try_get(struct address_space *space)
{
	return try_get(&space->refs);
}

struct address_space *family_next(struct family *family, struct address_space *space)
{
	struct address_space *found = NULL;

	mutex_lock(&family->lock);
	struct list_head *link = space != NULL ? space->family_link.next : family->spaces.next;
	for (; found == NULL && link != &family->spaces; link = link->next) {
		struct address_space *member =
			container_of(link, struct address_space, family_link);
		if (space_try_get(member))
			found = member;
	}
	mutex_unlock(&family->lock);
	return found;
}

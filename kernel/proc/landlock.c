/* SPDX-License-Identifier: BSD-2-Clause */
/* Landlock's layers: their life, their order, and who may trace whom; see landlock.h. */
#include "proc/landlock.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"

struct landlock_layer *landlock_get(struct landlock_layer *layer)
{
	if (layer != NULL)
		__atomic_add_fetch(&layer->refs, 1, __ATOMIC_RELAXED);
	return layer;
}

void landlock_put(struct landlock_layer *layer)
{
	while (layer != NULL && __atomic_sub_fetch(&layer->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		struct landlock_layer *older = layer->older;

		kfree(layer);
		layer = older;
	}
}

struct landlock_layer *landlock_layer_make(struct landlock_layer *older, u32 handled,
					   const struct landlock_rule *rules, u32 count)
{
	struct landlock_layer *layer = kzalloc(sizeof(*layer) + (size_t)count * sizeof(rules[0]));

	if (layer == NULL)
		return NULL;
	layer->refs = 1;
	layer->depth = older != NULL ? older->depth + 1 : 1;
	layer->older = older;
	layer->handled = handled;
	layer->count = count;
	memcpy(layer->rules, rules, (size_t)count * sizeof(rules[0]));
	return layer;
}

static bool is_before(const struct landlock_rule *one, const struct landlock_rule *other)
{
	if (one->file_system != other->file_system)
		return one->file_system < other->file_system;
	if (one->number != other->number)
		return one->number < other->number;
	return one->generation < other->generation;
}

bool landlock_same_file(const struct landlock_rule *one, const struct landlock_rule *other)
{
	return !is_before(one, other) && !is_before(other, one);
}

u32 landlock_find(const struct landlock_rule *rules, u32 count, const struct landlock_rule *key)
{
	u32 first = 0, end = count;

	while (first < end) {
		u32 middle = first + (end - first) / 2;

		if (is_before(&rules[middle], key))
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

int landlock_may_trace(struct task *tracer, struct task *traced)
{
	struct credentials *mine = credentials_of_task(tracer);
	struct credentials *theirs = credentials_of_task(traced);
	const struct landlock_layer *layer = theirs->landlock;

	while (mine->landlock != NULL && layer != NULL && layer != mine->landlock)
		layer = layer->older;
	bool may = layer == mine->landlock || mine->landlock == NULL;
	credentials_put(theirs);
	credentials_put(mine);
	return may ? 0 : -EPERM;
}

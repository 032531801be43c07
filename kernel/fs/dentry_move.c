/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and parents of dentries change here, and nowhere else: with the dentries out of their
 * buckets, when no reading section can be looking at them any more, under move_lock and
 * dentry->lock; see dentry.c.
 */
#include "fs/fs_internal.h"
#include "fs/read_section.h"

#include "lib/string.h"

bool dentry_is_below(struct dentry *dentry, const struct dentry *ancestor)
{
	bool below = false;

	spin_lock(dentry_move_lock());
	for (struct dentry *at = dentry;; at = at->parent) {
		if (at == ancestor)
			below = true;
		if (below || at->parent == at)
			break;
	}
	spin_unlock(dentry_move_lock());
	return below;
}

/* What names a dentry, for exchanging. */
struct naming {
	struct dentry *parent;
	const char *text;
	u32 hash, length;
	char inline_name[DENTRY_INLINE_NAME];
};

static void naming_take(const struct dentry *dentry, struct naming *naming)
{
	*naming = (struct naming){dentry->parent, dentry->text, dentry->hash, dentry->length, {0}};
	if (dentry->text == dentry->inline_name) {
		memcpy(naming->inline_name, dentry->inline_name, DENTRY_INLINE_NAME);
		naming->text = NULL;
	}
}

static void naming_give(struct dentry *dentry, const struct naming *naming)
{
	struct dentry *old_parent = dentry->parent;

	spin_lock(&old_parent->lock);
	list_remove(&dentry->sibling);
	spin_unlock(&old_parent->lock);
	spin_lock(&dentry->lock);
	dentry->parent = naming->parent;
	dentry->hash = naming->hash;
	dentry->length = naming->length;
	dentry->text = naming->text;
	if (!naming->text) {
		memcpy(dentry->inline_name, naming->inline_name, DENTRY_INLINE_NAME);
		dentry->text = dentry->inline_name;
	}
	spin_unlock(&dentry->lock);
	spin_lock(&naming->parent->lock);
	list_add(&dentry->sibling, &naming->parent->children);
	spin_unlock(&naming->parent->lock);
}

/* Exchanges the names of two dentries; each keeps a reference on its parent, so these just change
 * places. */
static void exchange(struct dentry *one, struct dentry *other, bool keep_other)
{
	struct naming first, second;

	dentry_drop(one);
	dentry_drop(other);
	read_section_wait();
	spin_lock(dentry_move_lock());
	naming_take(one, &first);
	naming_take(other, &second);
	naming_give(one, &second);
	naming_give(other, &first);
	dentry_hash(one);
	if (keep_other)
		dentry_hash(other);
	spin_unlock(dentry_move_lock());
}

void dentry_move(struct dentry *dentry, struct dentry *target)
{
	exchange(dentry, target, false);
}

void dentry_exchange(struct dentry *one, struct dentry *other)
{
	exchange(one, other, true);
}

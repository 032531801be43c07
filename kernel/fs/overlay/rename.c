/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renaming: one rename in the upper layer, which also leaves the whiteout where there has to be one.
 *
 * Where a whiteout is replaced by a directory, or goes to where one is needed, the two change places.
 * Directories with something in lower layers stay where they are.
 */
#include "fs/overlay/overlay_internal.h"

struct renaming {
	struct overlay_super *super;
	struct overlay_node *from, *to; /* the directories */
	struct overlay_node *source;
	struct overlay_node *target; /* NULL: none */
	struct name from_name, to_name;
	unsigned flags;
	bool below;          /* lower layers have something of the old name */
	bool over_whiteout;  /* the new name has a whiteout */
	bool drops_whiteout; /* … that ends at the old name, where none is wanted */
};

static bool is_directory(const struct overlay_node *node)
{
	return S_ISDIR(node->inode.mode);
}

/* Is it a directory that only a redirection could follow? */
static bool is_fixed(const struct overlay_node *node)
{
	return is_directory(node) && (node->lower_count > 0 || !overlay_upper(node));
}

static int copy_up_all(const struct renaming *r)
{
	int error = overlay_copy_up(r->source, OVERLAY_ALL);

	if (!error)
		error = overlay_copy_up(r->to, OVERLAY_ALL);
	if (!error && r->flags & RENAME_EXCHANGE)
		error = overlay_copy_up(r->target, OVERLAY_ALL);
	return error;
}

/* What was not below anything is put where something may be. */
static int hide_below(const struct renaming *r, struct overlay_node *moved,
		      const struct overlay_node *to)
{
	int error = 0;

	if (is_directory(moved) && to->lower_count > 0)
		error = overlay_set_opaque(r->super, dentry_inode(overlay_upper(moved)));
	return error;
}

static int look_around(struct renaming *r)
{
	struct dentry *old;
	int error = overlay_lower_has(r->from, &r->from_name, &r->below);

	if (!error)
		error = overlay_look(overlay_upper(r->to), &r->to_name, &old);
	if (error)
		return error;
	r->over_whiteout = overlay_is_whiteout(dentry_inode(old));
	dentry_put(old);
	return 0;
}

static unsigned real_flags(struct renaming *r)
{
	if (r->flags & RENAME_EXCHANGE)
		return RENAME_EXCHANGE;
	if (r->below)
		return r->over_whiteout ? RENAME_EXCHANGE : RENAME_WHITEOUT;
	if (!r->over_whiteout || !is_directory(r->source))
		return 0;
	r->drops_whiteout = true;
	return RENAME_EXCHANGE;
}

static int prepare(struct renaming *r)
{
	bool exchange = r->flags & RENAME_EXCHANGE;
	int error = 0;

	if (r->target && !exchange && is_directory(r->target)) {
		error = overlay_check_empty(r->target);
		if (!error)
			error = overlay_clear(r->target);
	}
	if (!error)
		error = look_around(r);
	if (!error)
		error = hide_below(r, r->source, r->to);
	if (!error && exchange)
		error = hide_below(r, r->target, r->from);
	if (!error && r->from != r->to)
		error = overlay_set_impure(r->to);
	if (!error && r->from != r->to && exchange)
		error = overlay_set_impure(r->from);
	return error;
}

/* A lower target that is no directory, or is seen through none, has no upper name to replace; then
 * the new name is free in the upper layer. */
static int rename_upper(struct renaming *r)
{
	struct dentry *from = overlay_upper(r->from), *to = overlay_upper(r->to);
	unsigned flags;
	int error = prepare(r);

	if (error)
		return error;
	flags = real_flags(r);
	error = vfs_rename_in(from, &r->from_name, to, &r->to_name, flags);
	if (!error && r->drops_whiteout) {
		int removed = overlay_remove(from, &r->from_name);

		/* One too many does no harm. */
		(void)removed;
	}
	return error;
}

static void finish(struct renaming *r)
{
	if (r->target) {
		if (!overlay_upper(r->target))
			WRITE_ONCE(r->target->gone, true);
		overlay_mirror(r->target);
	}
	overlay_mirror(r->source);
	overlay_names_changed(r->from);
	if (r->to != r->from)
		overlay_names_changed(r->to);
}

int overlay_rename(struct inode *from_directory, struct dentry *from, struct inode *to_directory,
		   struct dentry *to, unsigned flags)
{
	struct inode *target = dentry_inode(to);
	struct renaming r = {
		.super = overlay_super(from_directory->superblock),
		.from = overlay_node(from_directory),
		.to = overlay_node(to_directory),
		.source = overlay_node(dentry_inode(from)),
		.target = target ? overlay_node(target) : NULL,
		.from_name = overlay_name(from),
		.to_name = overlay_name(to),
		.flags = flags,
	};
	const struct credentials *before;
	int error;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (is_fixed(r.source) || (flags & RENAME_EXCHANGE && is_fixed(r.target)))
		return -EXDEV;
	error = copy_up_all(&r);
	if (error)
		return error;
	before = overlay_act(r.super);
	if (r.target)
		mutex_lock(&r.target->copy_lock);
	error = rename_upper(&r);
	if (!error)
		finish(&r);
	if (r.target)
		mutex_unlock(&r.target->copy_lock);
	credentials_act(before);
	return error;
}

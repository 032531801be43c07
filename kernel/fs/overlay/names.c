/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and removing names.
 *
 * A new name goes straight into the upper directory, or is made in the work directory and takes a
 * whiteout's place.  A removed one leaves a whiteout where a lower layer has something of that name.
 */
#include "fs/overlay/overlay_internal.h"

/* What a call is about.  Current acts with `acting`. */
struct change {
	struct overlay_super *super;
	struct overlay_node *directory;
	struct dentry *dentry; /* of the overlay */
	struct name name;
	struct credentials acting; /* the mounter's, with the caller's file-system ids */
	const struct credentials *before;
};

/* The directory is upper from here on, and current acts as the mounter. */
static int begin(struct change *change, struct inode *directory, struct dentry *dentry)
{
	int error;

	change->directory = overlay_node(directory);
	change->super = overlay_super_of(change->directory);
	change->dentry = dentry;
	change->name = overlay_name(dentry);
	error = overlay_copy_up(change->directory, OVERLAY_ALL);
	if (error)
		return error;
	change->acting = *change->super->mounter;
	change->before = credentials_act(&change->acting);
	return 0;
}

static void end(struct change *change)
{
	credentials_act(change->before);
}

void overlay_names_changed(struct overlay_node *directory)
{
	directory->version++;
	overlay_mirror(directory);
}

/* --- Making --- */

/* As in the directory of the upper layer, whatever the work directory hands down. */
static void inherit(const struct change *change, struct credentials *acting, mode_t *mode)
{
	const struct credentials *caller = change->before ? change->before : current->credentials;
	const struct inode *directory = &change->directory->inode;

	acting->fsuid = caller->fsuid;
	acting->fsgid = caller->fsgid;
	if (!(directory->mode & S_ISGID))
		return;
	acting->fsgid = directory->gid;
	if (S_ISDIR(*mode))
		*mode |= S_ISGID;
	else if ((*mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		 !credentials_in_group(caller, directory->gid) &&
		 !credentials_capable(caller, CAP_FSETID))
		*mode &= ~(mode_t)S_ISGID;
}

/* In the work directory, and then in the whiteout's place. */
static int make_over_whiteout(struct change *change, const struct overlay_making *what,
			      struct dentry **made)
{
	struct overlay_super *super = change->super;
	struct dentry *parent = overlay_upper(change->directory), *whiteout, *copy;
	bool is_directory = !what->link && S_ISDIR(what->mode);
	int error = overlay_make_temporary(super, what, &copy);

	if (error)
		return error;
	change->acting = *super->mounter;
	if (!is_directory) {
		error = overlay_install(super, copy, parent, &change->name, 0);
	} else {
		error = overlay_look(parent, &change->name, &whiteout);
		if (error)
			goto out;
		error = overlay_set_opaque(super, dentry_inode(copy));
		if (!error)
			error = overlay_install(super, copy, parent, &change->name,
						RENAME_EXCHANGE);
		if (!error)
			overlay_remove_temporary(super, whiteout);
		dentry_put(whiteout);
	}
out:
	if (error) {
		overlay_remove_temporary(super, copy);
		dentry_put(copy);
		return error;
	}
	*made = copy;
	return 0;
}

static int make_upper(struct change *change, struct overlay_making *what, struct dentry **made)
{
	struct overlay_super *super = change->super;
	struct dentry *parent = overlay_upper(change->directory), *old;
	bool over_whiteout;
	int error = overlay_look(parent, &change->name, &old);

	if (error)
		return error;
	over_whiteout = overlay_is_whiteout(dentry_inode(old));
	dentry_put(old);
	inherit(change, &change->acting, &what->mode);
	if (over_whiteout)
		return make_over_whiteout(change, what, made);
	error = overlay_make(parent, &change->name, what, made);
	change->acting = *super->mounter;
	/* Nothing is below it now; that makes it quick to say so later, and may fail. */
	if (!error && S_ISDIR(what->mode) && change->directory->lower_count > 0) {
		int marked = overlay_set_opaque(super, dentry_inode(*made));

		(void)marked;
	}
	return error;
}

/* Makes it and gives the overlay's dentry its node. */
static int make(struct inode *directory, struct dentry *dentry, struct overlay_making *what)
{
	struct change change;
	struct overlay_node *node;
	struct dentry *made;
	int error = begin(&change, directory, dentry);

	if (error)
		return error;
	error = make_upper(&change, what, &made);
	if (!error) {
		overlay_names_changed(change.directory);
		node = overlay_node_get(change.super, dentry, made, NULL, 0);
		if (IS_ERR(node))
			error = (int)PTR_ERR(node);
		else
			dentry_instantiate(dentry, &node->inode);
	}
	end(&change);
	return error;
}

int overlay_create(struct inode *directory, struct dentry *dentry, mode_t mode, dev_t device)
{
	struct overlay_making what = {.mode = mode, .device = device};

	/* That would be a whiteout. */
	if (S_ISCHR(mode) && device == 0)
		return -EPERM;
	return make(directory, dentry, &what);
}

int overlay_mkdir(struct inode *directory, struct dentry *dentry, mode_t mode)
{
	struct overlay_making what = {.mode = mode};

	return make(directory, dentry, &what);
}

int overlay_symlink(struct inode *directory, struct dentry *dentry, const char *target)
{
	struct overlay_making what = {.mode = S_IFLNK | S_IRWXUGO, .target = target};

	return make(directory, dentry, &what);
}

int overlay_link(struct inode *directory, struct dentry *dentry, struct inode *inode)
{
	struct overlay_node *node = overlay_node(inode);
	struct overlay_making what = {.mode = inode->mode};
	struct change change;
	struct dentry *made;
	int error = overlay_copy_up(node, OVERLAY_ALL);

	if (!error)
		error = begin(&change, directory, dentry);
	if (error)
		return error;
	what.link = dentry_inode(overlay_upper(node));
	error = overlay_set_impure(change.directory);
	if (!error)
		error = make_upper(&change, &what, &made);
	if (!error) {
		dentry_put(made);
		inode->flags &= ~(u32)INODE_LINKABLE;
		overlay_mirror(node);
		overlay_names_changed(change.directory);
		dentry_instantiate(dentry, inode_get(inode));
	}
	end(&change);
	return error;
}

/* --- Removing --- */

/* The upper name goes, and a whiteout comes in its place. */
static int replace_by_whiteout(struct change *change, bool is_directory)
{
	struct overlay_super *super = change->super;
	struct overlay_making what = {.mode = S_IFCHR};
	struct dentry *parent = overlay_upper(change->directory), *upper, *whiteout;
	int error = overlay_look(parent, &change->name, &upper);

	if (error)
		return error;
	if (!dentry_inode(upper)) {
		error = overlay_make(parent, &change->name, &what, &whiteout);
		if (!error)
			dentry_put(whiteout);
		goto out;
	}
	error = overlay_make_temporary(super, &what, &whiteout);
	if (error)
		goto out;
	error = overlay_install(super, whiteout, parent, &change->name,
				is_directory ? RENAME_EXCHANGE : 0);
	if (error)
		overlay_remove_temporary(super, whiteout);
	else if (is_directory)
		overlay_remove_temporary(super, upper);
	dentry_put(whiteout);
out:
	dentry_put(upper);
	return error;
}

int overlay_clear(struct overlay_node *directory)
{
	struct overlay_super *super = overlay_super_of(directory);
	struct dentry *upper = overlay_upper(directory);
	int error;

	if (!upper)
		return 0;
	if (directory->lower_count > 0) {
		error = overlay_set_opaque(super, dentry_inode(upper));
		if (error)
			return error;
	}
	return overlay_remove_whiteouts(super, upper);
}

static int remove_name(struct inode *directory, struct dentry *dentry, bool is_directory)
{
	struct overlay_node *node = overlay_node(dentry_inode(dentry));
	struct change change;
	bool below;
	int error = begin(&change, directory, dentry);

	if (error)
		return error;
	mutex_lock(&node->copy_lock);
	if (is_directory)
		error = overlay_check_empty(node);
	if (!error && is_directory)
		error = overlay_clear(node);
	if (!error)
		error = overlay_lower_has(change.directory, &change.name, &below);
	if (!error)
		error = below ? replace_by_whiteout(&change, is_directory)
			      : overlay_remove(overlay_upper(change.directory), &change.name);
	if (!error) {
		if (!overlay_upper(node))
			WRITE_ONCE(node->gone, true);
		overlay_mirror(node);
		overlay_names_changed(change.directory);
	}
	mutex_unlock(&node->copy_lock);
	end(&change);
	return error;
}

int overlay_unlink(struct inode *directory, struct dentry *dentry)
{
	return remove_name(directory, dentry, false);
}

int overlay_rmdir(struct inode *directory, struct dentry *dentry)
{
	return remove_name(directory, dentry, true);
}

/* --- Files without a name --- */

int overlay_tmpfile(struct inode *directory, mode_t mode, struct inode **result)
{
	struct overlay_node *parent = overlay_node(directory), *node;
	struct overlay_super *super = overlay_super_of(parent);
	struct change change = {.super = super, .directory = parent};
	struct inode *upper_directory, *real;
	struct dentry *dentry;
	struct name name = name_of("#\0\0\0\0\0\0", 1);
	int error = overlay_copy_up(parent, OVERLAY_ALL);

	if (error)
		return error;
	upper_directory = dentry_inode(overlay_upper(parent));
	if (!upper_directory->ops->tmpfile)
		return -EOPNOTSUPP;
	change.acting = *super->mounter;
	change.before = credentials_act(&change.acting);
	error = may_create(upper_directory);
	inherit(&change, &change.acting, &mode);
	if (!error)
		error = upper_directory->ops->tmpfile(upper_directory, mode, &real);
	if (error)
		goto out;
	dentry = dentry_alloc(overlay_upper(parent), &name);
	if (!dentry) {
		inode_put(real);
		error = -ENOMEM;
		goto out;
	}
	dentry_instantiate(dentry, real);
	node = overlay_node_get(super, NULL, dentry, NULL, 0);
	if (IS_ERR(node))
		error = (int)PTR_ERR(node);
	else
		*result = &node->inode;
out:
	end(&change);
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a name to what stands for it in the layers, from above: a whiteout ends the search, and so does
 * anything but a directory; an opaque directory is the last of its stack.
 */
#include "fs/overlay/overlay_internal.h"

/* A search in progress. */
struct search {
	struct overlay_super *super;
	struct name name;
	struct dentry *upper;
	struct overlay_lower *lowers;
	u32 lower_count;
	bool ended;
};

/* What is in one directory of one layer: *found referenced, or NULL. */
static int look_in(struct search *search, struct dentry *directory, bool is_upper,
		   struct dentry **found)
{
	bool have = search->upper || search->lower_count > 0;
	struct dentry *dentry;
	struct inode *inode;
	int error = overlay_look(directory, &search->name, &dentry);

	*found = NULL;
	if (error == -ENAMETOOLONG && !is_upper)
		return 0;
	if (error)
		return error;
	inode = dentry_inode(dentry);
	if (!inode)
		goto none;
	/* A layer inside of another would be seen twice, and in itself. */
	if (dentry == search->super->upper.path.dentry ||
	    dentry == search->super->busy_work.dentry) {
		dentry_put(dentry);
		return -ELOOP;
	}
	if (overlay_is_whiteout(inode)) {
		search->ended = true;
		goto none;
	}
	if (S_ISDIR(inode->mode)) {
		search->ended = overlay_is_opaque(search->super, inode);
	} else {
		search->ended = true;
		if (have)
			goto none;
	}
	if (overlay_is_foreign(search->super, inode)) {
		dentry_put(dentry);
		return -EIO;
	}
	*found = dentry;
	return 0;
none:
	dentry_put(dentry);
	return 0;
}

static int search_layers(struct search *search, const struct overlay_node *directory)
{
	struct dentry *upper = overlay_upper(directory);
	int error = upper ? look_in(search, upper, true, &search->upper) : 0;

	for (u32 i = 0; i < directory->lower_count && !error && !search->ended; i++) {
		struct dentry *found;

		error = look_in(search, directory->lowers[i].dentry, false, &found);
		if (!error && found)
			search->lowers[search->lower_count++] =
				(struct overlay_lower){found, directory->lowers[i].layer};
	}
	return error;
}

static int look_up(struct search *search, const struct overlay_node *directory,
		   struct dentry *dentry)
{
	struct overlay_node *node;
	int error = search_layers(search, directory);

	if (!error && (search->upper || search->lower_count > 0)) {
		node = overlay_node_get(search->super, dentry, search->upper, search->lowers,
					search->lower_count);
		if (IS_ERR(node))
			return (int)PTR_ERR(node);
		dentry_instantiate(dentry, &node->inode);
		return 0;
	}
	if (search->upper)
		dentry_put(search->upper);
	while (search->lower_count > 0)
		dentry_put(search->lowers[--search->lower_count].dentry);
	return error;
}

int overlay_lookup(struct inode *inode, struct dentry *dentry)
{
	const struct overlay_node *directory = overlay_node(inode);
	struct search search = {.super = overlay_super_of(directory), .name = overlay_name(dentry)};
	const struct credentials *before;
	int error;

	if (directory->lower_count > 0) {
		search.lowers = kcalloc(directory->lower_count, sizeof(*search.lowers));
		if (!search.lowers)
			return -ENOMEM;
	}
	before = overlay_act(search.super);
	error = look_up(&search, directory, dentry);
	credentials_act(before);
	kfree(search.lowers);
	return error;
}

int overlay_lower_has(const struct overlay_node *directory, const struct name *name, bool *there)
{
	*there = false;
	for (u32 i = 0; i < directory->lower_count; i++) {
		struct dentry *dentry;
		struct inode *inode;
		int error = overlay_look(directory->lowers[i].dentry, name, &dentry);

		if (error == -ENAMETOOLONG)
			continue;
		if (error)
			return error;
		inode = dentry_inode(dentry);
		*there = inode && !overlay_is_whiteout(inode);
		dentry_put(dentry);
		if (inode)
			break;
	}
	return 0;
}

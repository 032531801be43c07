/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting overlays: layers, the work directory, and what is checked of them.
 *
 * Upper and work directory are on one mount and neither is in the other; no other overlay should use
 * them.  The layers are reached through mounts of the overlay's own, so that nobody has to
 * leave theirs where it is.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/format.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "proc/task.h"

static mutex_t busy_lock = MUTEX_INIT(busy_lock);
static struct list_head busy = LIST_INIT(busy); /* busy_lock: supers with an upper layer */

/* --- Layers --- */

/* A mount of the same file system that is nobody else's. */
static int take_mount(struct path *path)
{
	struct superblock *superblock = superblock_get_live(path->mount->superblock);
	struct mount *mount;

	if (!superblock)
		return -ENODEV;
	mount = mount_create(superblock, NULL, MS_NOATIME | path->mount->flags);
	if (!mount) {
		superblock_put(superblock);
		return -ENOMEM;
	}
	mount_put(path->mount);
	path->mount = mount;
	return 0;
}

static int look_up_directory(const char *text, struct path *path)
{
	struct inode *inode;
	int error = path_lookup(AT_FDCWD, text, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, path);

	if (error)
		return error;
	inode = path_inode(path);
	if (!inode->ops || !inode->ops->lookup) {
		path_put(path);
		*path = (struct path){NULL, NULL};
		return -EINVAL;
	}
	return 0;
}

static u32 depth_of(const struct superblock *superblock)
{
	return superblock->magic == OVERLAYFS_SUPER_MAGIC ? overlay_super(superblock)->depth : 0;
}

static int add_lower(struct overlay_super *super, const char *text)
{
	struct path *path = &super->lowers[super->lower_count].path;
	int error = look_up_directory(text, path);

	if (error)
		return error;
	super->lower_count++;
	super->depth = MAX(super->depth, depth_of(path->mount->superblock) + 1);
	if (super->depth > OVERLAY_DEPTH_MAX)
		return -EINVAL;
	return take_mount(path);
}

static int open_lowers(struct overlay_super *super, char *list)
{
	u32 count = 1;
	int error = 0;

	for (const char *at = list; *at; at++)
		count += *at == ':';
	if (count > OVERLAY_LOWERS_MAX || !*list)
		return -EINVAL;
	super->lowers = kcalloc(count, sizeof(*super->lowers));
	if (!super->lowers)
		return -ENOMEM;
	while (list && !error)
		error = add_lower(super, overlay_next_path(&list));
	return error;
}

/* Numbers the different file systems, beginning with the upper's. */
static void number_file_systems(struct overlay_super *super)
{
	if (super->upper.path.dentry)
		super->file_systems = 1;
	for (u32 i = 0; i < super->lower_count; i++) {
		struct overlay_layer *layer = &super->lowers[i];
		const struct superblock *mine = layer->path.mount->superblock;
		bool found =
			super->upper.path.dentry && mine == super->upper.path.mount->superblock;

		for (u32 j = 0; j < i && !found; j++) {
			found = super->lowers[j].path.mount->superblock == mine;
			layer->file_system = found ? super->lowers[j].file_system : 0;
		}
		if (!found)
			layer->file_system = super->file_systems++;
	}
}

/* --- Upper and work directory --- */

static bool overlaps(struct dentry *one, struct dentry *other)
{
	return dentry_is_below(one, other) || dentry_is_below(other, one);
}

/* Nobody else should use them.  As on Linux it is not refused: an overlay that was detached may still be
 * there. */
static void claim(struct overlay_super *super)
{
	const struct dentry *upper = super->upper.path.dentry, *work = super->busy_work.dentry;
	struct overlay_super *other;
	bool is_busy = false;

	mutex_lock(&busy_lock);
	list_for_each_entry (other, &busy, busy) {
		const struct dentry *its_upper = other->upper.path.dentry;
		const struct dentry *its_work = other->busy_work.dentry;

		is_busy |= upper == its_upper || upper == its_work || work == its_upper ||
			   work == its_work;
	}
	list_add(&super->busy, &busy);
	mutex_unlock(&busy_lock);
	if (is_busy)
		log_warn("overlay: the upper or the work directory is used by another overlay; "
			 "nobody knows what comes of that");
}

static int check_upper(const struct overlay_super *super)
{
	const struct path *upper = &super->upper.path, *work = &super->busy_work;

	if (upper->mount != work->mount || overlaps(upper->dentry, work->dentry))
		return -EINVAL;
	if (mount_is_readonly(upper->mount) || !upper->mount->superblock->has_xattrs ||
	    depth_of(upper->mount->superblock) > 0)
		return -EINVAL;
	return 0;
}

/* The directory `work` in the work directory, empty. */
static int open_work(struct overlay_super *super)
{
	static const alignas(u64) char text[8] = "work";
	const struct overlay_making what = {.mode = S_IFDIR};
	struct name name = name_of(text, 4);
	struct dentry *dentry;
	int error = overlay_look(super->busy_work.dentry, &name, &dentry);

	if (error)
		return error;
	if (!dentry_inode(dentry)) {
		dentry_put(dentry);
		error = overlay_make(super->busy_work.dentry, &name, &what, &dentry);
		if (error)
			return error;
	}
	super->work = (struct path){super->upper.path.mount, dentry};
	mount_get(super->work.mount);
	if (!S_ISDIR(dentry_inode(dentry)->mode))
		return -EINVAL;
	error = overlay_clean_work(super);
	/* Whether it can be written at all. */
	return error ? error : overlay_set_opaque(super, dentry_inode(dentry));
}

static int open_upper(struct overlay_super *super, const struct overlay_options *options)
{
	const struct credentials *before;
	int error = look_up_directory(options->upper, &super->upper.path);

	if (!error)
		error = look_up_directory(options->work, &super->busy_work);
	if (!error)
		error = check_upper(super);
	if (error)
		return error;
	claim(super);
	error = take_mount(&super->upper.path);
	if (error)
		return error;
	mount_get(super->upper.path.mount);
	mount_put(super->busy_work.mount);
	super->busy_work.mount = super->upper.path.mount;
	before = overlay_act(super);
	error = open_work(super);
	credentials_act(before);
	return error;
}

/* --- Superblocks --- */

static void put_path(const struct path *path)
{
	if (path->dentry)
		path_put(path);
}

static void super_free(struct overlay_super *super)
{
	if (!list_empty(&super->busy)) {
		mutex_lock(&busy_lock);
		list_remove(&super->busy);
		mutex_unlock(&busy_lock);
	}
	put_path(&super->work);
	put_path(&super->busy_work);
	put_path(&super->upper.path);
	for (u32 i = 0; i < super->lower_count; i++)
		put_path(&super->lowers[i].path);
	credentials_put(super->mounter);
	kfree(super->lowers);
	kfree(super->nodes);
	kfree(super->shown);
	kfree(super);
}

static void destroy(struct superblock *superblock)
{
	super_free(overlay_super(superblock));
}

static int statfs(struct superblock *superblock, struct linux_statfs *result)
{
	const struct overlay_super *super = overlay_super(superblock);
	struct linux_statfs own = *result;
	int error = path_statfs(
		super->upper.path.dentry ? &super->upper.path : &super->lowers[0].path, result);

	result->type = own.type;
	memcpy(result->fsid, own.fsid, sizeof(own.fsid));
	return error;
}

static int sync(struct superblock *superblock)
{
	const struct overlay_super *super = overlay_super(superblock);

	return super->upper.path.dentry ? superblock_sync(super->upper.path.mount->superblock) : 0;
}

static int remount(struct superblock *superblock, u64 flags, const char *options __unused)
{
	const struct overlay_super *super = overlay_super(superblock);

	return !(flags & MS_RDONLY) && !super->upper.path.dentry ? -EROFS : 0;
}

static int show_options(struct superblock *superblock, char *buffer, size_t size)
{
	return snprintf(buffer, size, "%s", overlay_super(superblock)->shown);
}

static const struct superblock_operations super_ops = {
	.destroy_inode = overlay_inode_destroy,
	.destroy = destroy,
	.statfs = statfs,
	.sync = sync,
	.remount = remount,
	.show_options = show_options,
};

static struct overlay_super *super_alloc(void)
{
	struct overlay_super *super = kzalloc(sizeof(*super));

	if (!super)
		return NULL;
	super->nodes = kcalloc(OVERLAY_BUCKETS, sizeof(*super->nodes));
	if (!super->nodes) {
		kfree(super);
		return NULL;
	}
	for (u32 i = 0; i < OVERLAY_BUCKETS; i++)
		list_init(&super->nodes[i]);
	list_init(&super->busy);
	spin_lock_init(&super->nodes_lock);
	super->mounter = credentials_get(current_credentials());
	return super;
}

/* Is a lower layer, or what it is in, another layer?  The other way round is for look-ups to see. */
static bool is_inside_another(const struct overlay_super *super, u32 index)
{
	struct dentry *lower = super->lowers[index].path.dentry;

	if (super->upper.path.dentry && (dentry_is_below(lower, super->upper.path.dentry) ||
					 dentry_is_below(lower, super->busy_work.dentry)))
		return true;
	for (u32 i = 0; i < super->lower_count; i++)
		if (i != index && dentry_is_below(lower, super->lowers[i].path.dentry))
			return true;
	return false;
}

static int open_layers(struct overlay_super *super, struct overlay_options *options)
{
	int error;

	super->user_attributes = options->user_attributes;
	error = open_lowers(super, options->lower);
	if (!error && options->upper)
		error = open_upper(super, options);
	/* One layer alone makes no overlay. */
	if (!error && !options->upper && super->lower_count < 2)
		error = -EINVAL;
	for (u32 i = 0; i < super->lower_count && !error; i++)
		if (is_inside_another(super, i))
			error = -ELOOP;
	if (error)
		return error;
	number_file_systems(super);
	super->shown = options->shown;
	options->shown = NULL;
	return 0;
}

static int make_root(struct superblock *superblock, struct overlay_super *super)
{
	struct overlay_lower *lowers = kcalloc(super->lower_count, sizeof(*lowers));
	struct dentry *upper = super->upper.path.dentry;
	const struct credentials *before;
	struct overlay_node *root;

	if (!lowers)
		return -ENOMEM;
	for (u32 i = 0; i < super->lower_count; i++)
		lowers[i] = (struct overlay_lower){dentry_get(super->lowers[i].path.dentry), i};
	before = overlay_act(super);
	root = overlay_node_get(super, NULL, upper ? dentry_get(upper) : NULL, lowers,
				super->lower_count);
	credentials_act(before);
	kfree(lowers);
	if (IS_ERR(root))
		return (int)PTR_ERR(root);
	superblock->root = dentry_alloc_root(superblock, &root->inode);
	if (superblock->root)
		return 0;
	inode_put(&root->inode);
	return -ENOMEM;
}

static int fill_superblock(struct superblock *superblock, struct overlay_super *super)
{
	struct superblock *stacked = superblock;

	superblock->private = super;
	superblock->magic = OVERLAYFS_SUPER_MAGIC;
	superblock->has_xattrs = true;
	/* Inside of it are those of the layers. */
	if (super->depth == 1)
		mutex_init(&superblock->rename_lock);
	else
		mutex_init(&stacked->rename_lock);
	if (!super->upper.path.dentry)
		superblock->flags |= MS_RDONLY;
	else
		superblock->max_size = super->upper.path.mount->superblock->max_size;
	return make_root(superblock, super);
}

static int overlay_mount(const struct filesystem *type, u64 flags __unused,
			 const char *source __unused, const char *text, struct superblock **result)
{
	struct overlay_super *super = super_alloc();
	struct superblock *superblock = NULL;
	struct overlay_options options;
	int error;

	if (!super)
		return -ENOMEM;
	error = overlay_parse_options(text, &options);
	if (!error)
		error = open_layers(super, &options);
	overlay_free_options(&options);
	if (error)
		goto fail;
	superblock = superblock_alloc(type, &super_ops);
	error = -ENOMEM;
	if (!superblock)
		goto fail;
	super->superblock = superblock;
	error = fill_superblock(superblock, super);
	if (error)
		goto fail;
	*result = superblock;
	return 0;
fail:
	superblock_free(superblock);
	super_free(super);
	return error;
}

static struct filesystem overlay_type = {.name = "overlay", .mount = overlay_mount};

void overlay_init(void)
{
	filesystem_register(&overlay_type);
}

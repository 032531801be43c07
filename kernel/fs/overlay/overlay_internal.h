/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: several directories as one, of which the uppermost may be written.
 *
 * A file of the overlay is a node: an inode of its own that knows what stands for it in the layers,
 * the real files.  A node has an upper dentry, lower ones, or both.  Of a directory, the upper and all
 * lower ones are seen together, names further up hiding those below; of anything else the uppermost
 * is the file.  What is only in a lower layer is copied up before it is changed, and the upper
 * dentry, once there, stays.
 *
 * In the upper layer a whiteout (a character device 0:0) hides a name of the layers below, and a
 * directory with the attribute `opaque` hides all of them.  Names that take more than one step are made
 * in the work directory, on the same file system, and renamed to their place, so each change is there
 * as a whole or not at all.  What a crash leaves in the work directory goes with the next mount.
 *
 * A lower node remembers its parent and its name, which stay as they are for as long as it is only
 * lower: directories with anything below them in lower layers are not renamed (EXDEV).
 *
 * The layers are read and changed with the credentials of whoever mounted the overlay; whether the
 * caller may is decided before, by the attributes of the overlay's inode, which are those of the
 * real one.
 *
 * Locks: the overlay's inode->lock (for each depth of stacking a class of its own); then
 * node->copy_lock; then the locks of the layers' file systems.  copy_lock makes copying up, and the
 * end of a name, one after the other.  nodes_lock (spin, leaf) guards the table of nodes.
 */
#ifndef FS_OVERLAY_INTERNAL_H
#define FS_OVERLAY_INTERNAL_H

#include "fs/fs_internal.h"
#include "lib/rbtree.h"
#include "proc/credentials.h"

enum { OVERLAY_BUCKETS = 1024, OVERLAY_LOWERS_MAX = 500, OVERLAY_DEPTH_MAX = 2 };

struct overlay_layer {
	struct path path; /* referenced; its mount is nobody else's */
	u32 file_system;  /* which of the different file systems among the layers it lies on */
};

struct overlay_super {
	struct superblock *superblock;
	const struct credentials *mounter; /* counted */
	struct overlay_layer upper;        /* path.dentry NULL: there is none */
	struct path work;                  /* `work` in the work directory */
	struct overlay_layer *lowers;      /* uppermost first */
	u32 lower_count;
	u32 depth;               /* of overlays on overlays: 1 or 2 */
	u32 file_systems;        /* how many different ones */
	bool user_attributes;    /* its own attributes are user.overlay., not trusted.overlay. */
	char *shown;             /* the options, for /proc/mounts */
	u32 last_name;           /* atomic: of names in the work directory */
	struct list_head busy;   /* super.c: upper and work directories in use */
	struct path busy_work;   /* the directory of the option workdir */
	spinlock_t nodes_lock;   /* guards: */
	struct list_head *nodes; /* OVERLAY_BUCKETS lists, by node_key() */
};

struct overlay_lower {
	struct dentry *dentry; /* referenced */
	u32 layer;             /* index in super->lowers */
};

struct overlay_node {
	struct inode inode;
	mutex_t copy_lock;
	struct dentry *upper;        /* NULL, then set once (release), with copy_lock; referenced */
	bool gone;                   /* copy_lock: it has no name any more */
	bool impure;                 /* hint: the attribute `impure` is there */
	u32 version;                 /* of a directory's names; inode.lock */
	struct overlay_node *parent; /* of lower nodes; const; a reference on its inode */
	char *name;                  /* likewise, in whole words */
	u32 name_length;
	struct list_head hash; /* nodes_lock */
	u32 lower_count;
	struct overlay_lower lowers[]; /* const */
};

static inline struct overlay_super *overlay_super(const struct superblock *superblock)
{
	return superblock->private;
}
static inline struct overlay_node *overlay_node(const struct inode *inode)
{
	return container_of((struct inode *)inode, struct overlay_node, inode);
}
static inline struct overlay_super *overlay_super_of(const struct overlay_node *node)
{
	return overlay_super(node->inode.superblock);
}
static inline struct dentry *overlay_upper(const struct overlay_node *node)
{
	return __atomic_load_n(&node->upper, __ATOMIC_ACQUIRE);
}
/* What stands for the node now. */
static inline struct dentry *overlay_real(const struct overlay_node *node)
{
	struct dentry *upper = overlay_upper(node);

	return upper ? upper : node->lowers[0].dentry;
}
static inline struct inode *overlay_real_inode(const struct overlay_node *node)
{
	return dentry_inode(overlay_real(node));
}
/* The name of a dentry of the overlay; its directory is locked. */
static inline struct name overlay_name(const struct dentry *dentry)
{
	return name_of(dentry->text, dentry->length);
}
/* Acts with the mounter's rights until credentials_act(the result). */
static inline const struct credentials *overlay_act(const struct overlay_super *super)
{
	return credentials_act(super->mounter);
}

extern const struct inode_operations overlay_directory_inode_ops, overlay_file_inode_ops,
	overlay_special_inode_ops;
extern const struct file_operations overlay_directory_ops, overlay_file_ops;

/* --- node.c --- */

/*
 * The node that `upper` and `lowers` stand for, with a reference: a new one, or the one that there is
 * already.  References on the dentries are taken over, whatever the result; `dentry`: its name in the
 * overlay, NULL: the root.  ERR_PTR(-ENOMEM).
 */
struct overlay_node *overlay_node_get(struct overlay_super *super, struct dentry *dentry,
				      struct dentry *upper, const struct overlay_lower *lowers,
				      u32 lower_count);
void overlay_inode_destroy(struct inode *inode);
/* The node has been copied up to that dentry, whose reference it takes over.  copy_lock held. */
void overlay_node_rise(struct overlay_node *node, struct dentry *upper);
/* Takes over mode, owner, guards, size and links of the real inode, which have changed. */
void overlay_mirror(struct overlay_node *node);
void overlay_mirror_size(struct overlay_node *node);
/* The number that programs see of a real inode on one of the file systems. */
ino_t overlay_number(const struct overlay_super *super, u32 file_system, ino_t ino);
/* The layer's path of what stands for the node; no references. */
struct path overlay_real_path(const struct overlay_node *node);

/* --- real.c: names in the layers; current acts as the mounter; no locks of theirs held --- */

bool overlay_is_whiteout(const struct inode *inode);
/* Looks a name up: a referenced dentry, perhaps negative, in *result. */
int __must_check overlay_look(struct dentry *directory, const struct name *name,
			      struct dentry **result);
/* What to make. */
struct overlay_making {
	mode_t mode; /* with its type */
	dev_t device;
	const char *target; /* of a link */
	struct inode *link; /* another name of this one, in the place of all that */
};
/* Makes a name: *result is it, referenced.  -EEXIST. */
int __must_check overlay_make(struct dentry *directory, const struct name *name,
			      const struct overlay_making *what, struct dentry **result);
/* Makes it in the work directory, with a name of its own. */
int __must_check overlay_make_temporary(struct overlay_super *super,
					const struct overlay_making *what, struct dentry **result);
/* Removes a name, of a directory or of anything else. */
int __must_check overlay_remove(struct dentry *directory, const struct name *name);
/* Removes what was made in the work directory, as far as that can be. */
void overlay_remove_temporary(struct overlay_super *super, struct dentry *dentry);
/* Moves a file of the work directory to a name. */
int __must_check overlay_install(struct overlay_super *super, struct dentry *temporary,
				 struct dentry *directory, const struct name *name, unsigned flags);
/* Calls the function for each name but the dots; it returns false to end.  The directory is locked
 * for reading meanwhile. */
int __must_check overlay_list(const struct path *directory,
			      bool (*function)(void *context, const char *name, size_t length,
					       ino_t ino, unsigned type),
			      void *context);
/* Empties a directory of whiteouts, which is all there is in it. */
int __must_check overlay_remove_whiteouts(const struct overlay_super *super,
					  struct dentry *directory);
/* Empties the work directory. */
int __must_check overlay_clean_work(const struct overlay_super *super);

/* --- marks.c: the overlay's own attributes; current acts as the mounter --- */

/* Is the attribute the overlay's own, not to be seen in it? */
bool overlay_is_private(const struct overlay_super *super, const char *name);
bool overlay_is_opaque(const struct overlay_super *super, struct inode *inode);
int __must_check overlay_set_opaque(const struct overlay_super *super, struct inode *inode);
/* Does the file need what is not there: a redirection, or data of another layer? */
bool overlay_is_foreign(const struct overlay_super *super, struct inode *inode);
/* A directory whose files may have an origin. */
bool overlay_is_impure(const struct overlay_super *super, struct inode *inode);
int __must_check overlay_set_impure(struct overlay_node *directory);
/* Notes that `upper` is a copy of `lower`. */
int __must_check overlay_set_origin(const struct overlay_super *super, struct inode *upper,
				    struct inode *lower);
/* The number of the file that an upper one is a copy of; false: of none that is known. */
bool overlay_origin(const struct overlay_super *super, struct inode *upper, ino_t *number);

/* --- lookup.c --- */

int overlay_lookup(struct inode *directory, struct dentry *dentry);
/* Is there something of that name in the directory's lower layers? */
int __must_check overlay_lower_has(const struct overlay_node *directory, const struct name *name,
				   bool *there);

/* --- copy_up.c --- */

enum { OVERLAY_ALL = -1 };
/*
 * Sees to it that the node has an upper dentry, and so all directories above it.  `size`: how much of
 * its data will be wanted, or OVERLAY_ALL.  -ENOSPC, -EROFS, …: nothing has changed.  May sleep; no
 * lock of a layer held.
 */
int __must_check overlay_copy_up(struct overlay_node *node, off_t size);

/* --- directory.c --- */

/* 0, or -ENOTEMPTY: the merged directory has names. */
int __must_check overlay_check_empty(struct overlay_node *directory);

/* --- names.c, rename.c --- */

/* Before an upper directory that looks empty is replaced: hides what is below it, and takes its
 * whiteouts out.  Its lock is held. */
int __must_check overlay_clear(struct overlay_node *directory);
int overlay_rename(struct inode *from_directory, struct dentry *from, struct inode *to_directory,
		   struct dentry *to, unsigned flags);
/* Names of a directory have changed; its lock is held. */
void overlay_names_changed(struct overlay_node *directory);
int overlay_create(struct inode *directory, struct dentry *dentry, mode_t mode, dev_t device);
int overlay_mkdir(struct inode *directory, struct dentry *dentry, mode_t mode);
int overlay_symlink(struct inode *directory, struct dentry *dentry, const char *target);
int overlay_link(struct inode *directory, struct dentry *dentry, struct inode *inode);
int overlay_unlink(struct inode *directory, struct dentry *dentry);
int overlay_rmdir(struct inode *directory, struct dentry *dentry);
int overlay_tmpfile(struct inode *directory, mode_t mode, struct inode **result);

/* --- file.c --- */

/* Opens what stands for a file, in its place: as `file` in all but the data.  ERR_PTR. */
struct file *overlay_open_real(const struct path *shown, struct dentry *real, u32 flags);

/* --- options.c --- */

struct overlay_options {
	char *lower, *upper, *work; /* NULL: not given; texts of *text */
	bool user_attributes;
	char *text;  /* what they point into */
	char *shown; /* for /proc/mounts */
};
/* 0, -EINVAL, -ENOMEM; free them whatever the result. */
int __must_check overlay_parse_options(const char *text, struct overlay_options *options);
void overlay_free_options(struct overlay_options *options);
/* Cuts the next path off the list of lowerdir. */
char *overlay_next_path(char **list);

#endif

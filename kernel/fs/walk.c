/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking paths (path_resolution(7)).
 *
 * The first stretch of a walk is made in a reading section (read_section.h), from one dentry of the
 * cache to the next, without references or locks, up to the first step that is not easy.  From
 * there on, a walk holds a reference on the place where it is, and takes one component after the other:
 * permission to search the directory, the dentry from the cache (or, with the directory locked,
 * from the file system), what is mounted there, and, for a symbolic link, its text in the place of
 * the rest of the path.
 *
 * The last component is left to the caller (walk_to_parent), because creating, removing and opening
 * treat it in their own ways.  Texts of links in the middle of a path nest: `rests` is the stack of
 * what follows them.  The last component of a nested text is taken after its rest is back, so
 * chains of links need no depth.  A link at the end of the path replaces the text at depth 0.  What
 * the texts live in is pinned until the walk ends: at most MAX_SYMLINKS of them.
 */
#include "fs/fs_internal.h"
#include "fs/read_section.h"

#include "lib/word.h"
#include "proc/credentials.h"
#include "proc/task.h"

/* With others, or at links, every step matters. */
enum {
	LOOKUPS_AHEAD = LOOKUP_FOLLOW | LOOKUP_DIRECTORY | LOOKUP_EMPTY | LOOKUP_NO_SYMLINKS |
			LOOKUP_NO_MAGICLINKS | LOOKUP_REAL_IDS | LOOKUP_WHOLE
};

static void set_root(struct walk *walk)
{
	if (!walk->root.mount)
		fs_context_root(current->fs, &walk->root);
}

/*
 * The component at the start of `text`.  The result is where it ends: a slash or the end of the
 * text.
 */
static inline const char *cut_component(const char *text, struct name *name)
{
	const char *at = text;
	u64 hash = 0, word, ends;

	for (;;) {
		word = word_at(at);
		ends = word_zeros(word) | word_zeros(word ^ word_of('/'));
		if (likely(ends))
			break;
		hash = name_hash_word(hash, word);
		at += sizeof(word);
	}
	at += word_marked(ends);
	word = word_before(word, ends);
	*name = (struct name){.text = text,
			      .length = (u32)(at - text),
			      .hash = (u32)name_hash_word(hash, word), /* as name_of() */
			      .tail = word};
	return at;
}

static inline enum last_kind kind_of(const struct name *name)
{
	if (likely(*name->text != '.'))
		return LAST_NAME;
	if (name->length == 1)
		return LAST_DOT;
	return name->length == 2 && name->text[1] == '.' ? LAST_DOTDOT : LAST_NAME;
}

/* Cuts the next component off walk->text into walk->last; walk->text ends at what follows the
 * slashes behind it. */
static int next_component(struct walk *walk, bool *slashes)
{
	const char *at = cut_component(walk->text, &walk->last);

	if (walk->last.length > NAME_MAX)
		return -ENAMETOOLONG;
	walk->last_kind = kind_of(&walk->last);
	*slashes = *at == '/';
	while (*at == '/')
		at++;
	walk->text = at;
	return 0;
}

/* Permission to search the directory, as far as that is answered without sleeping. */
static inline bool may_search_ahead(struct inode *directory, u32 flags)
{
	if (directory->ops && directory->ops->permission)
		return false;
	if (likely((directory->mode & S_IXUGO) == S_IXUGO && !directory->acl))
		return true;
	return !(flags & LOOKUP_REAL_IDS) && inode_permission(directory, MAY_EXEC) == 0;
}

/*
 * The first stretch of a walk, in a reading section: no references are taken.  It ends before the
 * first step that is not easy: that is not in the cache, goes through a link or upwards, or needs
 * an answer from the file system.  The result is the text that is left then.
 */
static const char *go_ahead(struct path *result, const char *text, u32 flags)
{
	struct path path = *result;

	while (*text == '/')
		text++;
	while (*text) {
		struct name name;
		struct dentry *dentry;
		const struct inode *inode;

		if (!may_search_ahead(path_inode(&path), flags))
			break;
		const char *end = cut_component(text, &name), *rest = end;
		while (*rest == '/')
			rest++;
		bool is_last = !*rest;

		if (is_last && (rest != end || !(flags & LOOKUP_WHOLE)))
			break;
		if (kind_of(&name) != LAST_NAME)
			break;
		dentry = dentry_peek(path.dentry, &name);
		if (!dentry || (dentry->ops && dentry->ops->revalidate))
			break;
		inode = dentry_inode(dentry);
		if (!inode || (is_last ? S_ISLNK(inode->mode) : !S_ISDIR(inode->mode)))
			break;
		path.dentry = dentry;
		if (unlikely(READ_ONCE(dentry->mounts) > 0))
			mount_peek_down(&path);
		text = rest;
	}
	*result = path;
	return text;
}

static inline struct path peek_start(const char *text)
{
	return *text == '/' ? fs_context_peek_root(current->fs) : fs_context_peek_cwd(current->fs);
}

bool path_peek(const char *text, u32 flags, struct path *result)
{
	*result = peek_start(text);
	return !*go_ahead(result, text, flags | LOOKUP_WHOLE);
}

/* All but the place. */
static void begin(struct walk *walk, const char *text, u32 flags)
{
	walk->text = text;
	walk->flags = flags;
	walk->links = 0;
	walk->depth = 0;
	walk->must_be_directory = false;
	walk->jumped = false;
	walk->last_kind = LAST_ROOT;
	walk->root.mount = NULL;
	walk->root.dentry = NULL;
}

/* The place is referenced: whoever may not leave it has it as a root. */
static void set_own_root(struct walk *walk)
{
	if (walk->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)) {
		walk->root = walk->path;
		path_get(&walk->root);
	}
}

void walk_begin_at(struct walk *walk, const struct path *start, const char *text, u32 flags)
{
	begin(walk, text, flags);
	path_get(start);
	walk->path = *start;
	set_own_root(walk);
}

/* In a reading section: references on the place where we are. */
static bool arrive(struct walk *walk, struct mount **got)
{
	*got = mount_try_get(walk->path.mount) ? walk->path.mount : NULL;
	return *got && dentry_try_get(walk->path.dentry);
}

/*
 * Starts at `fixed`, which is referenced by the caller, or, where that is NULL, at the root or the
 * working directory.  Either may be left by another thread in the very moment when it is looked at:
 * then once more, and not ahead.
 */
static void begin_from(struct walk *walk, const struct path *fixed, const char *text)
{
	bool ahead = !(walk->flags & ~(u32)LOOKUPS_AHEAD), arrived;
	struct mount *got;

	do {
		read_section_enter();
		if (fixed)
			walk->path = *fixed;
		else
			walk->path = peek_start(text);
		walk->text = ahead ? go_ahead(&walk->path, text, walk->flags) : text;
		arrived = arrive(walk, &got);
		read_section_leave();
		if (unlikely(!arrived && got))
			mount_put(got);
		ahead = false;
	} while (unlikely(!arrived));
	set_own_root(walk);
}

int walk_begin(struct walk *walk, int directory, const char *text, u32 flags)
{
	struct fd_borrow borrow;
	int error = 0;

	begin(walk, text, flags);
	if (*text == '/' && flags & LOOKUP_BENEATH)
		return -EXDEV;
	if ((*text == '/' && !(flags & LOOKUP_IN_ROOT)) || directory == AT_FDCWD) {
		begin_from(walk, NULL, text);
		return 0;
	}
	borrow = fd_borrow_any(directory);
	if (!borrow.file)
		return -EBADF;
	if (*text && !S_ISDIR(borrow.file->inode->mode))
		error = -ENOTDIR;
	else
		begin_from(walk, &borrow.file->path, text);
	fd_return(borrow);
	return error;
}

void walk_end(struct walk *walk)
{
	path_put(&walk->path);
	walk_end_keeping_path(walk);
}

void walk_drop_pins(struct walk *walk)
{
	if (walk->root.mount)
		path_put(&walk->root);
	for (u32 i = 0; i < walk->links; i++) {
		dentry_put(walk->pins[i].link);
		kfree(walk->pins[i].allocated);
	}
}

static int may_search(const struct walk *walk)
{
	struct inode *directory = path_inode(&walk->path);

	if (!directory->ops || !directory->ops->permission) {
		if ((directory->mode & S_IXUGO) == S_IXUGO && !directory->acl)
			return 0;
	}
	if (walk->flags & LOOKUP_REAL_IDS)
		return inode_permission_real(directory, MAY_EXEC);
	return inode_permission(directory, MAY_EXEC);
}

/* The name is not in the cache. */
static struct dentry *__noinline look_in_file_system(struct walk *walk)
{
	struct inode *directory = path_inode(&walk->path);
	struct dentry *dentry;

	rwlock_write_lock(&directory->lock);
	dentry = dentry_lookup_locked(walk->path.dentry, &walk->last);
	rwlock_write_unlock(&directory->lock);
	return dentry;
}

static inline struct dentry *lookup(struct walk *walk)
{
	struct dentry *dentry = dentry_find(walk->path.dentry, &walk->last);

	if (likely(dentry != NULL)) {
		if (!dentry->ops || !dentry->ops->revalidate || dentry->ops->revalidate(dentry))
			return dentry;
		dentry_drop_tree(dentry);
		dentry_put(dentry);
	}
	return look_in_file_system(walk);
}

struct dentry *walk_lookup(struct walk *walk)
{
	return lookup(walk);
}

/* "..": up, through mount points, but not above the root. */
static int __noinline walk_up(struct walk *walk)
{
	struct path up;

	set_root(walk);
	if (path_equal(&walk->path, &walk->root))
		return walk->flags & LOOKUP_BENEATH ? -EXDEV : 0;
	up = walk->path;
	path_get(&up);
	while (up.dentry == up.mount->root) {
		if (path_equal(&up, &walk->root) || !mount_cross_up(&up))
			break;
		if (walk->flags & LOOKUP_NO_XDEV) {
			path_put(&up);
			return -EXDEV;
		}
	}
	if (up.dentry != up.mount->root && !path_equal(&up, &walk->root)) {
		struct dentry *parent = dentry_get_parent(up.dentry);

		dentry_put(up.dentry);
		up.dentry = parent;
	}
	mount_cross_down(&up);
	path_put(&walk->path);
	walk->path = up;
	return 0;
}

/* Makes `text` the path to walk; absolute ones start at the root. */
static int walk_text(struct walk *walk, const char *text)
{
	walk->text = text;
	if (*text != '/')
		return 0;
	if (walk->flags & LOOKUP_BENEATH)
		return -EXDEV;
	set_root(walk);
	if (walk->flags & LOOKUP_NO_XDEV && walk->path.mount != walk->root.mount)
		return -EXDEV;
	path_get(&walk->root);
	path_put(&walk->path);
	walk->path = walk->root;
	return 0;
}

/* Takes up a symbolic link (the reference too).  1: there is text to walk; 0: it was a jump; or an
 * error. */
static int __noinline walk_link(struct walk *walk, struct dentry *link)
{
	struct inode *inode = dentry_inode(link);
	struct link_target target = {0};
	int error;

	if (walk->links >= MAX_SYMLINKS || walk->flags & LOOKUP_NO_SYMLINKS) {
		dentry_put(link);
		return -ELOOP;
	}
	walk->pins[walk->links++] = (struct walk_pin){link, NULL};
	inode_accessed(walk->path.mount, inode);
	if (inode->ops && inode->ops->get_link)
		error = inode->ops->get_link(link, inode, &target);
	else
		error = inode->link_text ? 0 : -EINVAL;
	if (error)
		return error;
	walk->pins[walk->links - 1].allocated = target.allocated;
	if (target.jump.dentry) {
		path_put(&walk->path);
		walk->path = target.jump;
		walk->jumped = true;
		if (walk->flags & (LOOKUP_NO_MAGICLINKS))
			return -ELOOP;
		return walk->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT | LOOKUP_NO_XDEV) ? -EXDEV
											: 0;
	}
	if (target.allocated && !target.text)
		target.text = target.allocated;
	if (!target.text)
		target.text = inode->link_text;
	if (!*target.text)
		return -ENOENT;
	error = walk_text(walk, target.text);
	return error ? error : 1;
}

/* Goes to what is mounted where we are. */
static int __noinline cross_down(struct walk *walk)
{
	const struct mount *mount = walk->path.mount;

	mount_cross_down(&walk->path);
	return mount != walk->path.mount && walk->flags & LOOKUP_NO_XDEV ? -EXDEV : 0;
}

static inline int into(struct walk *walk, struct dentry *dentry, bool follow)
{
	const struct inode *inode = dentry_inode(dentry);

	walk->jumped = false;
	if (!inode) {
		dentry_put(dentry);
		return -ENOENT;
	}
	if (S_ISLNK(inode->mode) && follow)
		return walk_link(walk, dentry);
	dentry_put(walk->path.dentry);
	walk->path.dentry = dentry;
	return unlikely(READ_ONCE(dentry->mounts) > 0) ? cross_down(walk) : 0;
}

int walk_into(struct walk *walk, struct dentry *dentry, bool follow)
{
	return into(walk, dentry, follow);
}

static inline int last(struct walk *walk, bool follow)
{
	struct dentry *dentry;

	switch (walk->last_kind) {
	case LAST_NAME:
		dentry = lookup(walk);
		if (IS_ERR(dentry))
			return (int)PTR_ERR(dentry);
		return into(walk, dentry, follow);
	case LAST_DOTDOT:
		return walk_up(walk);
	default:
		return 0;
	}
}

int walk_last(struct walk *walk, bool follow)
{
	return last(walk, follow);
}

int walk_to_parent(struct walk *walk)
{
	while (*walk->text == '/')
		walk->text++;
	if (!*walk->text) {
		walk->last_kind = LAST_ROOT;
		return 0;
	}
	for (;;) {
		bool slashes;
		int error = may_search(walk);

		if (!error)
			error = next_component(walk, &slashes);
		if (error)
			return error;
		if (!*walk->text) {
			if (walk->depth == 0) {
				walk->must_be_directory |= slashes;
				return 0;
			}
			walk->text = walk->rests[--walk->depth];
		}
		const char *rest = walk->text;

		error = last(walk, true);
		if (error < 0)
			return error;
		if (error > 0) {
			const char *text = walk->text;

			while (*text == '/')
				text++;
			if (*text) {
				walk->rests[walk->depth++] = rest;
				walk->text = text;
				continue;
			}
			walk->text = rest; /* a link to the root */
		}
		if (!S_ISDIR(path_inode(&walk->path)->mode))
			return -ENOTDIR;
	}
}

static int __noinline walk_rest(struct walk *walk)
{
	int error;

	for (;;) {
		error = walk_to_parent(walk);
		if (error)
			return error;
		if (walk->last_kind == LAST_ROOT)
			return 0;
		error = last(walk, walk->flags & LOOKUP_FOLLOW || walk->must_be_directory);
		if (error <= 0)
			return error;
	}
}

int walk_whole(struct walk *walk)
{
	int error = *walk->text ? walk_rest(walk) : 0;

	if (error)
		return error;
	if ((walk->must_be_directory || walk->flags & LOOKUP_DIRECTORY) &&
	    !S_ISDIR(path_inode(&walk->path)->mode))
		return -ENOTDIR;
	return 0;
}

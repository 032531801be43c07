/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches on inodes: see notify.h.
 *
 * An event walks the list of its inode under the attribute lock and hands itself to each watch that
 * wants it.  Watches that end on the way are collected and ended when the lock is released, since
 * their inode's reference may be the last.
 *
 * A watched inode stays in memory, though its file system would free it; that it lost its last name
 * and its last user is seen when the last dentry goes (notify_removed), which ends its watches.  So
 * does unmounting, which looks for them in a list of all watches: registry_lock guards that one, a
 * leaf.
 */
#include "fs/notify.h"

#include "fs/fs_internal.h"
#include "lib/string.h"

u32 notify_watches;

static u32 next_cookie; /* atomic */

void notify_watch_put(struct notify_watch *watch)
{
	struct inode *inode = watch->inode;

	if (__atomic_sub_fetch(&watch->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	watch->ops->free(watch);
	inode_put(inode);
}

/* --- The lists --- */

static spinlock_t registry_lock;
static struct list_head registry = LIST_INIT(registry); /* registry_lock */

void notify_attach(struct notify_watch *watch)
{
	struct inode *inode = watch->inode;

	__atomic_add_fetch(&watch->refs, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&notify_watches, 1, __ATOMIC_SEQ_CST);
	spin_lock(&registry_lock);
	list_add(&watch->all, &registry);
	spin_unlock(&registry_lock);
	spin_lock(&inode->attribute_lock);
	watch->attached = true;
	watch->next = inode->watches;
	WRITE_ONCE(inode->watches, watch);
	spin_unlock(&inode->attribute_lock);
}

/* Takes what `watch` is on the inode's list for off it.  The caller ends the watch. */
static void unlist_locked(struct notify_watch *watch)
{
	struct notify_watch **link = &watch->inode->watches;

	while (*link != watch)
		link = &(*link)->next;
	WRITE_ONCE(*link, watch->next);
	watch->attached = false;
}

/* The rest of it, without locks: the list's reference goes. */
static void end_watch(struct notify_watch *watch)
{
	spin_lock(&registry_lock);
	list_remove(&watch->all);
	spin_unlock(&registry_lock);
	__atomic_sub_fetch(&notify_watches, 1, __ATOMIC_RELAXED);
	watch->ops->detached(watch);
	notify_watch_put(watch);
}

static void end_watches(struct notify_watch *ended)
{
	while (ended != NULL) {
		struct notify_watch *watch = ended;

		ended = watch->next;
		end_watch(watch);
	}
}

void notify_detach(struct notify_watch *watch)
{
	spin_lock(&watch->inode->attribute_lock);
	bool mine = watch->attached;
	if (mine)
		unlist_locked(watch);
	spin_unlock(&watch->inode->attribute_lock);
	if (mine)
		end_watch(watch);
}

/* --- Events --- */

static bool is_wanted(const struct notify_watch *watch, const struct notification *what)
{
	return what->mask & watch->mask & (NOTIFY_ALL | NOTIFY_UNMOUNT) &&
	       !(watch->not_unlinked && what->unlinked);
}

/* `last`: all watches of the inode end with it. */
static void send(struct inode *inode, const struct notification *what, bool last)
{
	struct notify_watch *ended = NULL;

	if (READ_ONCE(inode->watches) == NULL)
		return;
	spin_lock(&inode->attribute_lock);
	for (struct notify_watch *watch = inode->watches, *next; watch != NULL; watch = next) {
		bool wanted = is_wanted(watch, what);

		next = watch->next;
		if (wanted)
			watch->ops->event(watch, what);
		if (last || (wanted && watch->once)) {
			unlist_locked(watch);
			watch->next = ended;
			ended = watch;
		}
	}
	spin_unlock(&inode->attribute_lock);
	end_watches(ended);
}

static u32 with_type(const struct inode *inode, u32 mask)
{
	return S_ISDIR(inode->mode) ? mask | NOTIFY_IS_DIRECTORY : mask;
}

/* Tells the directory that the dentry is in, if that is watched. */
static void tell_parent(struct dentry *dentry, struct notification *what)
{
	char name[NAME_MAX];
	struct dentry *parent = NULL;

	spin_lock(&dentry->lock);
	if (dentry->parent != dentry && READ_ONCE(dentry_inode(dentry->parent)->watches) != NULL) {
		parent = dentry_get(dentry->parent);
		what->name_length = dentry->length;
		memcpy(name, dentry->text, dentry->length);
	}
	spin_unlock(&dentry->lock);
	if (parent == NULL)
		return;
	what->name = name;
	send(dentry_inode(parent), what, false);
	what->name = NULL;
	what->name_length = 0;
	dentry_put(parent);
}

/* --- Those who watch everything --- */

static const struct notify_wide *wide_operations; /* set once */
static u32 wide_users;                            /* atomic */

void notify_set_wide(const struct notify_wide *wide)
{
	wide_operations = wide;
}

void notify_wide_begin(void)
{
	__atomic_add_fetch(&wide_users, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&notify_watches, 1, __ATOMIC_SEQ_CST);
}

void notify_wide_end(void)
{
	__atomic_sub_fetch(&notify_watches, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&wide_users, 1, __ATOMIC_RELAXED);
}

/* Something about a name that they did not see themselves. */
static void tell_wide(const struct notify_facts *facts)
{
	if (READ_ONCE(wide_users) != 0)
		wide_operations->event(facts);
}

/* Fills in where the dentry is, with a copy of its name.  Its parent, with a reference, or NULL. */
static struct dentry *find_place(struct dentry *dentry, struct notify_facts *facts, char *name)
{
	struct dentry *parent = NULL;

	spin_lock(&dentry->lock);
	if (dentry->parent != dentry) {
		parent = dentry_get(dentry->parent);
		facts->name_length = dentry->length;
		memcpy(name, dentry->text, dentry->length);
	}
	spin_unlock(&dentry->lock);
	if (parent != NULL) {
		facts->directory = dentry_inode(parent);
		facts->name = name;
	}
	return parent;
}

/* About a dentry; `path` may be NULL.  The operation's result. */
static int tell_wide_dentry(struct dentry *dentry, const struct path *path, u32 mask,
			    bool permission)
{
	struct inode *inode = dentry_inode(dentry);
	struct notify_facts facts = {.mask = with_type(inode, mask), .path = path, .inode = inode};
	char name[NAME_MAX];
	int result = 0;

	if (READ_ONCE(wide_users) == 0)
		return 0;
	struct dentry *parent = find_place(dentry, &facts, name);
	if (permission)
		result = wide_operations->permission(&facts);
	else
		wide_operations->event(&facts);
	if (parent != NULL)
		dentry_put(parent);
	return result;
}

static void tell_dentry(struct dentry *dentry, u32 mask);

void notify_path_slow(const struct path *path, u32 mask)
{
	(void)tell_wide_dentry(path->dentry, path, mask, false);
	tell_dentry(path->dentry, mask & ~(u32)NOTIFY_OPEN_EXEC);
}

int notify_permission_slow(const struct path *path, u32 mask)
{
	return tell_wide_dentry(path->dentry, path, mask, true);
}

void notify_dentry_slow(struct dentry *dentry, u32 mask)
{
	(void)tell_wide_dentry(dentry, NULL, mask, false);
	tell_dentry(dentry, mask);
}

/* --- What watches are told --- */

static void tell_dentry(struct dentry *dentry, u32 mask)
{
	struct inode *inode = dentry_inode(dentry);
	struct notification what = {
		.mask = with_type(inode, mask),
		.unlinked = !(READ_ONCE(dentry->flags) & (DENTRY_HASHED | DENTRY_ROOT)),
	};

	tell_parent(dentry, &what);
	send(inode, &what, false);
}

void notify_inode_slow(struct inode *inode, u32 mask)
{
	struct notification what = {.mask = with_type(inode, mask)};

	tell_wide(&(struct notify_facts){.mask = what.mask, .inode = inode});
	send(inode, &what, false);
}

/* A name in a directory came or went. */
static void tell_entry(struct inode *directory, struct inode *inode,
		       const struct notification *what)
{
	tell_wide(&(struct notify_facts){
		.mask = what->mask,
		.inode = inode,
		.directory = directory,
		.name = what->name,
		.name_length = what->name_length,
		.entry = true,
	});
	send(directory, what, false);
}

void notify_name_slow(struct inode *directory, const struct dentry *dentry, u32 mask)
{
	struct notification what = {
		.mask = with_type(dentry_inode(dentry), mask),
		.name = dentry->text,
		.name_length = dentry->length,
	};

	tell_entry(directory, dentry_inode(dentry), &what);
}

void notify_removed_slow(struct inode *inode)
{
	struct notification what = {.mask = NOTIFY_DELETE_SELF};

	tell_wide(&(struct notify_facts){.mask = with_type(inode, what.mask), .inode = inode});
	send(inode, &what, true);
}

void notify_unlinked_slow(struct inode *directory, struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);

	if (!S_ISDIR(inode->mode))
		notify_inode_slow(inode, NOTIFY_ATTRIB);
	/* Nobody else has it open: its end is told before the name's. */
	if (READ_ONCE(dentry->refs) == 1)
		notify_removed(inode);
	notify_name_slow(directory, dentry, NOTIFY_DELETE);
}

/* Some watch on an inode of the file system, with a reference, or NULL. */
static struct notify_watch *watch_below(const struct superblock *superblock)
{
	struct notify_watch *watch, *found = NULL;

	spin_lock(&registry_lock);
	list_for_each_entry (watch, &registry, all) {
		if (watch->inode->superblock != superblock)
			continue;
		found = watch;
		__atomic_add_fetch(&found->refs, 1, __ATOMIC_RELAXED);
		break;
	}
	spin_unlock(&registry_lock);
	return found;
}

void notify_unmount_slow(struct superblock *superblock)
{
	struct notification what = {.mask = NOTIFY_UNMOUNT};
	struct notify_watch *watch;

	while ((watch = watch_below(superblock)) != NULL) {
		send(watch->inode, &what, true);
		notify_watch_put(watch);
	}
}

/* --- Renames --- */

void notify_rename_begin(struct notify_rename *rename, struct inode *from,
			 const struct dentry *dentry)
{
	rename->from = notify_active() ? from : NULL;
	if (rename->from == NULL)
		return;
	rename->length = dentry->length;
	memcpy(rename->name, dentry->text, dentry->length);
}

void notify_rename_end(const struct notify_rename *rename, struct inode *to,
		       const struct dentry *dentry, struct inode *replaced)
{
	struct inode *inode = dentry_inode(dentry);
	struct notification what = {
		.mask = with_type(inode, NOTIFY_MOVED_FROM),
		.name = rename->name,
		.name_length = rename->length,
	};

	/* Whoever began to watch after the beginning missed it. */
	if (!notify_active() || rename->from == NULL)
		return;
	what.cookie = __atomic_add_fetch(&next_cookie, 1, __ATOMIC_RELAXED);
	tell_entry(rename->from, inode, &what);
	what.mask = with_type(inode, NOTIFY_MOVED_TO);
	what.name = dentry->text;
	what.name_length = dentry->length;
	tell_entry(to, inode, &what);
	if (replaced != NULL)
		notify_inode_slow(replaced, NOTIFY_ATTRIB);
	what = (struct notification){.mask = NOTIFY_MOVE_SELF};
	tell_wide(&(struct notify_facts){.mask = with_type(inode, what.mask), .inode = inode});
	send(inode, &what, false);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listing directories.
 *
 * An open directory makes a list of its names when it is read from the beginning: those of all layers,
 * from above, each once and without what whiteouts hide.  The position of a name is its place in that
 * list, which stays until the directory is read from the beginning once more.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/string.h"

enum { FIRST_POSITION = 2, TYPE_UNKNOWN = 0, TYPE_CHARACTER = 2, TYPE_DIRECTORY = 4 };

struct entry {
	struct rb_node by_name;
	struct list_head link; /* in order */
	ino_t ino;
	u8 type;
	bool is_whiteout;
	bool fresh;      /* of the layer that is being read */
	bool has_number; /* a lower layer's directory does not give its own */
	u32 length;
	u64 text[]; /* in whole words */
};

struct listing {
	struct rb_root names;
	struct list_head entries;
	struct list_head *next; /* the entry at `position`, or the head */
	off_t position;
	u32 version; /* of the directory, when it was made */

	/* While it is made: */
	const struct overlay_super *super;
	u32 file_system;
	int error;
};

static void listing_free(struct listing *listing)
{
	struct entry *entry, *next;

	if (!listing)
		return;
	list_for_each_entry_safe (entry, next, &listing->entries, link)
		kfree(entry);
	kfree(listing);
}

static int compare(const struct entry *entry, const char *name, size_t length)
{
	if (entry->length != length)
		return length < entry->length ? -1 : 1;
	return memcmp(name, entry->text, length);
}

static struct entry *find(const struct listing *listing, const char *name, size_t length,
			  struct rb_node **parent, struct rb_node ***link)
{
	struct rb_node **at = (struct rb_node **)&listing->names.top;

	*parent = NULL;
	while (*at) {
		struct entry *entry = rb_entry(*at, struct entry, by_name);
		int order = compare(entry, name, length);

		if (order == 0)
			return entry;
		*parent = *at;
		at = order < 0 ? &(*at)->left : &(*at)->right;
	}
	*link = at;
	return NULL;
}

/* A name of the layer that is being read. */
static bool take(void *context, const char *name, size_t length, ino_t ino, unsigned type)
{
	struct listing *listing = context;
	struct rb_node *parent, **link;
	struct entry *entry = find(listing, name, length, &parent, &link);
	ino_t number = overlay_number(listing->super, listing->file_system, ino);

	if (entry) {
		/* A merged directory has the number of the first lower one. */
		if (!entry->has_number && entry->type == TYPE_DIRECTORY && type == TYPE_DIRECTORY)
			entry->ino = number;
		entry->has_number = true;
		return true;
	}
	entry = kzalloc(sizeof(*entry) + length / sizeof(u64) * sizeof(u64) + sizeof(u64));
	if (!entry) {
		listing->error = -ENOMEM;
		return false;
	}
	entry->ino = number;
	entry->type = (u8)type;
	entry->fresh = true;
	entry->has_number = true;
	entry->length = (u32)length;
	memcpy(entry->text, name, length);
	rb_insert(&listing->names, &entry->by_name, parent, link);
	list_add_tail(&entry->link, &listing->entries);
	return true;
}

/* What the name alone does not tell: whiteouts, and numbers of copies. */
static int look_at(struct listing *listing, struct entry *entry, struct dentry *directory,
		   bool numbers)
{
	struct name name = name_of((const char *)entry->text, entry->length);
	struct dentry *dentry;
	struct inode *inode;
	int error = overlay_look(directory, &name, &dentry);

	if (error)
		return error;
	inode = dentry_inode(dentry);
	if (overlay_is_whiteout(inode))
		entry->is_whiteout = true;
	else if (inode && numbers && S_ISDIR(inode->mode))
		entry->has_number = overlay_is_opaque(listing->super, inode);
	else if (inode && numbers)
		(void)overlay_origin(listing->super, inode, &entry->ino);
	dentry_put(dentry);
	return 0;
}

/* One layer; `numbers`: what is there may be a copy of something lower. */
static int read_layer(struct listing *listing, const struct path *directory, u32 file_system,
		      bool numbers)
{
	struct entry *entry;
	int error;

	listing->file_system = file_system;
	error = overlay_list(directory, take, listing);
	if (!error)
		error = listing->error;
	if (error)
		return error;
	list_for_each_entry (entry, &listing->entries, link) {
		if (!entry->fresh)
			continue;
		entry->fresh = false;
		if (!numbers && entry->type != TYPE_CHARACTER && entry->type != TYPE_UNKNOWN)
			continue;
		error = look_at(listing, entry, directory->dentry, numbers);
		if (error)
			return error;
	}
	return 0;
}

static int read_layers(struct listing *listing, const struct overlay_node *node)
{
	const struct overlay_super *super = listing->super;
	struct path path = {super->upper.path.mount, overlay_upper(node)};
	int error = 0;

	if (path.dentry)
		error = read_layer(listing, &path, super->upper.file_system,
				   node->lower_count > 0 ||
					   overlay_is_impure(super, dentry_inode(path.dentry)));
	for (u32 i = 0; i < node->lower_count && !error; i++) {
		const struct overlay_layer *layer = &super->lowers[node->lowers[i].layer];

		path = (struct path){layer->path.mount, node->lowers[i].dentry};
		error = read_layer(listing, &path, layer->file_system, false);
	}
	return error;
}

/* ERR_PTR. */
static struct listing *listing_make(const struct overlay_node *node)
{
	struct listing *listing = kzalloc(sizeof(*listing));
	struct entry *entry, *next;
	int error;

	if (!listing)
		return ERR_PTR(-ENOMEM);
	list_init(&listing->entries);
	listing->super = overlay_super_of(node);
	listing->version = node->version;
	error = read_layers(listing, node);
	if (error) {
		listing_free(listing);
		return ERR_PTR(error);
	}
	list_for_each_entry_safe (entry, next, &listing->entries, link) {
		if (entry->is_whiteout) {
			list_remove(&entry->link);
			kfree(entry);
		}
	}
	listing->next = listing->entries.next;
	listing->position = FIRST_POSITION;
	return listing;
}

static void go_to(struct listing *listing, off_t position)
{
	if (listing->position == position)
		return;
	listing->next = listing->entries.next;
	listing->position = FIRST_POSITION;
	while (listing->position < position && listing->next != &listing->entries) {
		listing->next = listing->next->next;
		listing->position++;
	}
}

static struct listing *listing_of(struct file *file, off_t position)
{
	const struct overlay_node *node = overlay_node(file->inode);
	struct listing *listing = file->private;
	const struct credentials *before;

	if (listing && (position > 0 || listing->version == node->version))
		return listing;
	listing_free(listing);
	file->private = NULL;
	before = overlay_act(overlay_super_of(node));
	listing = listing_make(node);
	credentials_act(before);
	if (!IS_ERR(listing))
		file->private = listing;
	return listing;
}

static int readdir(struct file *file, struct dir_context *context)
{
	struct listing *listing = listing_of(file, context->position);

	if (IS_ERR(listing))
		return (int)PTR_ERR(listing);
	if (context->position < 0 || !dir_emit_dots(file, context))
		return 0;
	go_to(listing, context->position);
	while (listing->next != &listing->entries) {
		const struct entry *entry = list_entry(listing->next, struct entry, link);

		if (!dir_emit(context, (const char *)entry->text, entry->length, entry->ino,
			      entry->type))
			return 0;
		context->position = ++listing->position;
		listing->next = listing->next->next;
	}
	return 0;
}

static void release(struct file *file)
{
	listing_free(file->private);
}

static int sync(struct file *file, off_t start, off_t end, bool data_only)
{
	const struct overlay_node *node = overlay_node(file->inode);
	const struct overlay_super *super = overlay_super_of(node);
	struct path path = {super->upper.path.mount, overlay_upper(node)};
	const struct credentials *before;
	struct file *real;
	int error = 0;

	if (!path.dentry)
		return 0;
	before = overlay_act(super);
	real = overlay_open_real(&path, path.dentry, O_RDONLY);
	if (IS_ERR(real)) {
		error = (int)PTR_ERR(real);
	} else {
		if (real->ops->fsync)
			error = real->ops->fsync(real, start, end, data_only);
		file_put(real);
	}
	credentials_act(before);
	return error;
}

const struct file_operations overlay_directory_ops = {
	.readdir = readdir,
	.seek = file_seek_directory,
	.release = release,
	.fsync = sync,
};

/* --- Emptiness --- */

int overlay_check_empty(struct overlay_node *directory)
{
	struct listing *listing = listing_make(directory);
	int error;

	if (IS_ERR(listing))
		return (int)PTR_ERR(listing);
	error = list_empty(&listing->entries) ? 0 : -ENOTEMPTY;
	listing_free(listing);
	return error;
}

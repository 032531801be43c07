/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting tmpfs: options, limits, statistics (tmpfs(5)).
 *
 * Unless told otherwise, half of the memory may be filled and there may be one inode for every two
 * pages of it.
 */
#include "fs/mount_options.h"
#include "fs/tmpfs/tmpfs_internal.h"

#include "lib/format.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/credentials.h"
#include "proc/random.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

static int parse_limit(const char *value, u64 *limit, bool percent_allowed)
{
	char number[MOUNT_OPTION_MAX];
	size_t length = strlen(value);
	u64 percent;

	if (percent_allowed && length > 0 && value[length - 1] == '%') {
		strscpy(number, value, MIN(length, sizeof(number)));
		if (parse_u64(number, 10, &percent))
			return -EINVAL;
		*limit = frame_get_total_memory() / 100 * percent;
		return 0;
	}
	return parse_size(value, limit) ? -EINVAL : 0;
}

static int parse_id(const char *value, unsigned base, u32 *result)
{
	u64 number;

	if (parse_u64(value, base, &number) || number > UINT32_MAX)
		return -EINVAL;
	*result = (u32)number;
	return 0;
}

/* A user or group of the mounter's namespace. */
static int parse_owner(const char *value, u32 *result, u32 (*translate)(u32 id))
{
	int error = parse_id(value, 10, result);

	if (!error)
		*result = translate(*result);
	return !error && *result == NOBODY_ID ? -EINVAL : error;
}

int tmpfs_parse_common(struct tmpfs_super *super, const char *name, const char *value)
{
	int error;

	if (strcmp(name, "nr_inodes") == 0) {
		super->inodes_given = true;
		return parse_limit(value, &super->max_inodes, false);
	}
	if (strcmp(name, "uid") == 0)
		return parse_owner(value, &super->uid, uid_given);
	if (strcmp(name, "gid") == 0)
		return parse_owner(value, &super->gid, gid_given);
	if (strcmp(name, "mode") != 0)
		return -ENOENT;
	error = parse_id(value, 8, &super->mode);
	super->mode &= S_IALLUGO;
	super->mode_given = true;
	return error;
}

static const char *const plain_words[] = {"", "relatime", "inode64", "inode32"};
/* Advice, which changes nothing: there are small pages alone. */
static const char *const huge_words[] = {"never", "always", "within_size", "advise"};

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* One word of the options: "size=4m". */
static int parse_option(void *context, char *word)
{
	struct tmpfs_super *super = context;
	char *value = strchr(word, '=');
	u64 number;
	int error;

	if (!value)
		return is_one_of(word, plain_words, ARRAY_SIZE(plain_words)) ? 0 : -EINVAL;
	*value++ = '\0';
	error = tmpfs_parse_common(super, word, value);
	if (error != -ENOENT)
		return error;
	error = 0;
	if (strcmp(word, "size") == 0) {
		error = parse_limit(value, &number, true);
		if (!error)
			super->max_pages = DIV_ROUND_UP(number, PAGE_SIZE);
		super->pages_given = true;
	} else if (strcmp(word, "nr_blocks") == 0) {
		error = parse_limit(value, &super->max_pages, false);
		super->pages_given = true;
	} else if (strcmp(word, "huge") == 0) {
		error = is_one_of(value, huge_words, ARRAY_SIZE(huge_words)) ? 0 : -EINVAL;
	} else if (strcmp(word, "mpol") != 0) {
		error = -EINVAL;
	}
	return error;
}

static int statfs(struct superblock *superblock, struct linux_statfs *result)
{
	const struct tmpfs_super *super = tmpfs_super(superblock);
	u64 pages = READ_ONCE(super->pages), inodes = READ_ONCE(super->inodes);

	if (super->max_pages) {
		result->blocks = super->max_pages;
		result->blocks_free = result->blocks_available =
			super->max_pages > pages ? super->max_pages - pages : 0;
	}
	if (super->max_inodes) {
		result->files = super->max_inodes;
		result->files_free = super->max_inodes > inodes ? super->max_inodes - inodes : 0;
	}
	return 0;
}

/* A new limit: nothing may be over it, and what had none gets none. */
static bool may_limit(u64 before, u64 limit, u64 used)
{
	return limit == 0 || limit == before || (before != 0 && limit >= used);
}

static int remount(struct superblock *superblock, u64 flags __unused, const char *options)
{
	struct tmpfs_super *super = tmpfs_super(superblock), changed = *super;
	int error = mount_options_parse(options, &changed, parse_option);

	if (error)
		return error;
	if (!may_limit(super->max_pages, changed.max_pages, READ_ONCE(super->pages)) ||
	    !may_limit(super->max_inodes, changed.max_inodes, READ_ONCE(super->inodes)))
		return -EINVAL;
	super->max_pages = changed.max_pages;
	super->max_inodes = changed.max_inodes;
	super->pages_given = changed.pages_given;
	super->inodes_given = changed.inodes_given;
	return 0;
}

static int show_options(struct superblock *superblock, char *buffer, size_t size)
{
	const struct tmpfs_super *super = tmpfs_super(superblock);
	size_t length = 0;

	if (super->pages_given)
		length += ksnprintf(buffer, size, ",size=%luk",
				    (unsigned long)(super->max_pages * (PAGE_SIZE / KIB)));
	if (super->inodes_given)
		length += ksnprintf(buffer + length, size - length, ",nr_inodes=%lu",
				    (unsigned long)super->max_inodes);
	if (super->mode_given)
		length += ksnprintf(buffer + length, size - length, ",mode=%o", super->mode);
	if (super->uid)
		length +=
			ksnprintf(buffer + length, size - length, ",uid=%u", uid_shown(super->uid));
	if (super->gid)
		length +=
			ksnprintf(buffer + length, size - length, ",gid=%u", gid_shown(super->gid));
	return (int)length;
}

static void destroy(struct superblock *superblock)
{
	kfree(superblock->private);
}

static struct inode *parent(struct inode *directory)
{
	return inode_get(&tmpfs_inode(directory)->parent->inode);
}

static const struct superblock_operations super_ops = {
	.find_number = tmpfs_find_number,
	.keep_number = tmpfs_keep_number,
	.parent = parent,
	.destroy_inode = tmpfs_inode_destroy,
	.destroy = destroy,
	.statfs = statfs,
	.remount = remount,
	.show_options = show_options,
};

int tmpfs_make_root(struct superblock *superblock)
{
	const struct tmpfs_super *super = tmpfs_super(superblock);
	struct inode *root = tmpfs_inode_create(superblock, NULL, S_IFDIR | super->mode, 0);

	if (IS_ERR(root))
		return (int)PTR_ERR(root);
	root->uid = super->uid;
	root->gid = super->gid;
	superblock->root = dentry_alloc_root(superblock, root);
	if (superblock->root)
		return 0;
	inode_put(root);
	return -ENOMEM;
}

static int tmpfs_mount(const struct filesystem *type, u64 flags __unused,
		       const char *source __unused, const char *options, struct superblock **result)
{
	struct superblock *superblock = superblock_alloc(type, &super_ops);
	struct tmpfs_super *super = kzalloc(sizeof(*super));
	int error = -ENOMEM;

	if (!superblock || !super)
		goto fail;
	super->files = &tmpfs_plain_files;
	super->mode = S_IRWXUGO | S_ISVTX;
	if (current && current_credentials()) {
		super->uid = current_credentials()->fsuid;
		super->gid = current_credentials()->fsgid;
	}
	super->max_pages = super->max_inodes = frame_get_total_memory() / PAGE_SIZE / 2;
	superblock->private = super;
	superblock->magic = TMPFS_MAGIC;
	random_bytes(superblock->uuid, sizeof(superblock->uuid));
	superblock->has_xattrs = superblock->has_acls = true;
	error = mount_options_parse(options, super, parse_option);
	if (!error)
		error = tmpfs_make_root(superblock);
	if (error)
		goto fail;
	*result = superblock;
	return 0;
fail:
	kfree(super);
	superblock_free(superblock);
	return error;
}

static struct filesystem tmpfs_type = {
	.name = "tmpfs", .mount = tmpfs_mount, .in_user_namespaces = true};

void tmpfs_init(void)
{
	if (tmpfs_inode_init())
		panic("no memory for tmpfs");
	filesystem_register(&tmpfs_type);
}

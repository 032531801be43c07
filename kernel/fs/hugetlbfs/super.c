/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting hugetlbfs: pagesize=, size=, min_size=, nr_inodes=, mode=, uid=, gid=, and statistics.
 *
 * size= and min_size= are bytes, or a share of the pool as it is at that time; unless size= is
 * given, the pool is the only limit.
 */
#include "fs/hugetlbfs/hugetlbfs_internal.h"
#include "fs/mount_options.h"

#include "lib/format.h"
#include "lib/parse.h"
#include "lib/string.h"

/* What the options say. */
struct wish {
	struct tmpfs_super *super;
	enum hugetlb_size size;
	char most[32], least[32]; /* as given: they mean the pages' size, which may come later */
};

static int parse_page_size(const char *value, enum hugetlb_size *size)
{
	u64 bytes;

	if (parse_size(value, &bytes))
		return -EINVAL;
	for (int i = 0; i < HUGETLB_SIZES; i++)
		if (bytes == hugetlb_bytes((enum hugetlb_size)i)) {
			*size = (enum hugetlb_size)i;
			return 0;
		}
	return -EINVAL;
}

static int parse_option(void *context, char *word)
{
	struct wish *wish = context;
	char *value = strchr(word, '=');
	int error;

	if (!value)
		return *word == '\0' || strcmp(word, "relatime") == 0 ? 0 : -EINVAL;
	*value++ = '\0';
	error = tmpfs_parse_common(wish->super, word, value);
	if (error != -ENOENT)
		return error;
	if (strcmp(word, "pagesize") == 0)
		return parse_page_size(value, &wish->size);
	if (strcmp(word, "size") == 0)
		return strscpy(wish->most, value, sizeof(wish->most)) < 0 ? -EINVAL : 0;
	if (strcmp(word, "min_size") == 0)
		return strscpy(wish->least, value, sizeof(wish->least)) < 0 ? -EINVAL : 0;
	return -EINVAL;
}

/* "64M" or "50%", as a number of pages. */
static int parse_pages(enum hugetlb_size size, char *value, size_t *pages)
{
	size_t length = strlen(value);
	struct hugetlb_stats stats;
	u64 number;

	if (length > 0 && value[length - 1] == '%') {
		value[length - 1] = '\0';
		if (parse_u64(value, 10, &number))
			return -EINVAL;
		hugetlb_get_stats(size, HUGETLB_ALL_NODES, &stats);
		*pages = stats.total * number / 100;
		return 0;
	}
	if (parse_size(value, &number))
		return -EINVAL;
	*pages = number >> hugetlb_shift(size);
	return 0;
}

static int make_quota(struct hugetlb_quota *quota, struct wish *wish)
{
	size_t most = SIZE_MAX, least = 0;
	int error = 0;

	if (*wish->most)
		error = parse_pages(wish->size, wish->most, &most);
	if (!error && *wish->least)
		error = parse_pages(wish->size, wish->least, &least);
	if (!error && least > most)
		error = -EINVAL;
	return error ? error : hugetlb_quota_init(quota, wish->size, most, least);
}

static int statfs(struct superblock *superblock, struct linux_statfs *result)
{
	struct hugetlbfs_super *super = hugetlbfs_super(superblock);
	u64 inodes = READ_ONCE(super->common.inodes), used = READ_ONCE(super->quota.used);

	if (super->quota.most != SIZE_MAX) {
		result->blocks = super->quota.most;
		result->blocks_free = result->blocks_available = super->quota.most - used;
	}
	if (super->common.max_inodes) {
		result->files = super->common.max_inodes;
		result->files_free = super->common.max_inodes - inodes;
	}
	return 0;
}

static int show_options(struct superblock *superblock, char *buffer, size_t size)
{
	const struct hugetlbfs_super *super = hugetlbfs_super(superblock);
	const struct hugetlb_quota *quota = &super->quota;
	unsigned long kib = hugetlb_bytes(quota->size) / KIB;
	size_t length = 0;

	if (super->common.uid)
		length += ksnprintf(buffer, size, ",uid=%u", super->common.uid);
	if (super->common.gid)
		length += ksnprintf(buffer + length, size - length, ",gid=%u", super->common.gid);
	if (super->common.mode_given)
		length += ksnprintf(buffer + length, size - length, ",mode=%o", super->common.mode);
	if (super->common.max_inodes)
		length += ksnprintf(buffer + length, size - length, ",nr_inodes=%lu",
				    (unsigned long)super->common.max_inodes);
	length += ksnprintf(buffer + length, size - length, ",pagesize=%luM", kib / KIB);
	if (quota->most != SIZE_MAX)
		length +=
			ksnprintf(buffer + length, size - length, ",size=%luK", quota->most * kib);
	if (quota->least)
		length += ksnprintf(buffer + length, size - length, ",min_size=%luK",
				    quota->least * kib);
	return (int)length;
}

static void destroy(struct superblock *superblock)
{
	hugetlb_quota_end(&hugetlbfs_super(superblock)->quota);
	kfree(hugetlbfs_super(superblock));
}

static const struct superblock_operations super_ops = {
	.destroy_inode = tmpfs_inode_destroy,
	.destroy = destroy,
	.statfs = statfs,
	.show_options = show_options,
};

static int hugetlbfs_mount(const struct filesystem *type, u64 flags __unused,
			   const char *source __unused, const char *options,
			   struct superblock **result)
{
	struct superblock *superblock = superblock_alloc(type, &super_ops);
	struct hugetlbfs_super *super = kzalloc(sizeof(*super));
	struct wish wish = {.super = &super->common, .size = hugetlb_default()};
	int error = -ENOMEM;

	if (!superblock || !super)
		goto fail;
	super->common.files = &hugetlbfs_files;
	super->common.mode = S_IRWXU | S_IRUGO | S_IXUGO;
	error = mount_options_parse(options, &wish, parse_option);
	if (!error)
		error = make_quota(&super->quota, &wish);
	if (error)
		goto fail;
	superblock->private = super;
	superblock->magic = HUGETLBFS_MAGIC;
	superblock->block_size = (u32)hugetlb_bytes(wish.size);
	error = tmpfs_make_root(superblock);
	if (error)
		goto fail_quota;
	*result = superblock;
	return 0;
fail_quota:
	hugetlb_quota_end(&super->quota);
fail:
	kfree(super);
	kfree(superblock);
	return error;
}

static struct filesystem hugetlbfs_type = {.name = "hugetlbfs", .mount = hugetlbfs_mount};

void hugetlbfs_init(void)
{
	hugetlbfs_files_init();
	filesystem_register(&hugetlbfs_type);
}

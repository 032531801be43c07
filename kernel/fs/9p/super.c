/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting what a host shares: mount -t 9p NAME DIRECTORY.
 *
 * A server is mounted once; the mount can be bound elsewhere.  Of Linux's options those are taken
 * that ask for what happens anyhow.
 */
#include "fs/9p/p9_internal.h"
#include "fs/mount_options.h"

#include "lib/abi/statfs.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

/* The server's own are 4096 and more; programs that ask copy in pieces of this size. */
enum { BLOCK_SIZE = 65536 };

static int statfs(struct superblock *superblock, struct linux_statfs *result)
{
	struct p9_fid *fid = p9_inode_fid(dentry_inode(superblock->root));
	int error = p9_statfs(fid, result);

	p9_fid_put(fid);
	return error;
}

static int remount(struct superblock *superblock __unused, u64 flags __unused,
		   const char *options __unused)
{
	return 0;
}

static int show_options(struct superblock *superblock __unused, char *buffer, size_t size)
{
	return snprintf(buffer, size, ",trans=virtio");
}

static void super_free(struct p9_super *super)
{
	p9_client_close(&super->client);
	kfree(super);
}

static void destroy(struct superblock *superblock)
{
	super_free(p9_super(superblock));
}

static const struct superblock_operations super_ops = {
	.destroy_inode = p9_inode_destroy,
	.destroy = destroy,
	.statfs = statfs,
	.sync = p9_sync_all,
	.remount = remount,
	.show_options = show_options,
};

/* --- Mounting --- */

static int check_option(void *context __unused, char *word)
{
	static const char *const whole[] = {"trans=virtio", "version=9p2000.L", "cache=none",
					    "cache=mmap",   "cache=readahead",  "access=any",
					    "access=user",  "access=client",    "nodevmap"};

	if (mount_option_is_one(word, whole, ARRAY_SIZE(whole)) ||
	    mount_option_value(word, "msize"))
		return 0;
	log_warn("9p: option %s is not known", word);
	return -EINVAL;
}

static int mount(const struct filesystem *type, u64 flags __unused, const char *source,
		 const char *options, struct superblock **result)
{
	struct superblock *superblock;
	struct p9_super *super;
	struct p9_fid *root;
	int error = source ? mount_options_parse(options, NULL, check_option) : -EINVAL;

	if (error)
		return error;
	super = kzalloc(sizeof(*super));
	if (!super)
		return -ENOMEM;
	spin_lock_init(&super->lock);
	for (u32 i = 0; i < P9_BUCKETS; i++)
		list_init(&super->inodes[i]);
	error = p9_client_open(&super->client, source, &root);
	if (error) {
		kfree(super);
		return error;
	}
	superblock = superblock_alloc(type, &super_ops);
	if (!superblock) {
		p9_fid_put(root);
		super_free(super);
		return -ENOMEM;
	}
	superblock->private = super;
	superblock->magic = V9FS_MAGIC;
	superblock->has_xattrs = true;
	superblock->block_size = BLOCK_SIZE;
	error = superblock_set_root(superblock, p9_inode_find(superblock, root));
	if (!error) {
		*result = superblock;
		return 0;
	}
	super_free(super);
	superblock_free(superblock);
	return error;
}

static struct filesystem type = {.name = "9p", .mount = mount};

void p9_init(void)
{
	p9_inode_init();
	p9_file_init();
	filesystem_register(&type);
}

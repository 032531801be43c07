/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that only old programs make: ustat(2) and sysfs(2), which tell of file systems by the
 * numbers of their devices and types.
 */
#include "fs/calls.h"
#include "fs/device.h"
#include "lib/abi/statfs.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "syscall/table.h"

struct linux_ustat {
	s32 blocks_free;
	u64 files_free;
	char name[6], pack[6];
};
_Static_assert(sizeof(struct linux_ustat) == 32, "Linux's size");

long sys_ustat(u32 number, vaddr_t address)
{
	struct linux_ustat result;
	struct linux_statfs figures;
	struct superblock *superblock = superblock_find_device(device_from_user(number));

	if (superblock == NULL)
		return -EINVAL;
	int error = superblock_statfs(superblock, &figures);
	superblock_put(superblock);
	if (error != 0)
		return error;
	memset(&result, 0, sizeof(result));
	result.blocks_free = (s32)figures.blocks_free;
	result.files_free = figures.files_free;
	return put_user(result, address) != 0 ? -EFAULT : 0;
}

/* --- sysfs(2) --- */

enum { TYPE_INDEX = 1, TYPE_NAME = 2, TYPE_COUNT = 3 };

struct type_search {
	const char *wanted; /* a name, or NULL: the type with that number */
	u32 number, seen;
	const struct filesystem *found;
};

static void look(const struct filesystem *type, void *argument)
{
	struct type_search *search = argument;

	if (search->found == NULL &&
	    (search->wanted != NULL ? strcmp(search->wanted, type->name) == 0
				    : search->seen == search->number)) {
		search->found = type;
		search->number = search->seen;
	}
	search->seen++;
}

static long index_of(vaddr_t address)
{
	struct type_search search = {0};
	char *name = strdup_from_user((const char __user *)address, PATH_MAX);

	if (IS_ERR(name))
		return PTR_ERR(name);
	search.wanted = name;
	filesystem_iterate(look, &search);
	kfree(name);
	return search.found != NULL ? (long)search.number : -EINVAL;
}

static long name_of_index(u64 number, vaddr_t address)
{
	struct type_search search = {.number = (u32)MIN(number, (u64)UINT32_MAX)};

	filesystem_iterate(look, &search);
	if (search.found == NULL)
		return -EINVAL;
	return copy_to_user((void __user *)address, search.found->name,
			    strlen(search.found->name) + 1) != 0
		       ? -EFAULT
		       : 0;
}

long sys_sysfs(int option, u64 first, vaddr_t second)
{
	struct type_search search = {.number = UINT32_MAX};

	switch (option) {
	case TYPE_INDEX:
		return index_of(first);
	case TYPE_NAME:
		return name_of_index(first, second);
	case TYPE_COUNT:
		filesystem_iterate(look, &search);
		return (long)search.seen;
	default:
		return -EINVAL;
	}
}

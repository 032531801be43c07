/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control lists by themselves: acl(5), and IEEE 1003.1e draft 17, section 23.
 *
 * Entries are in order: the owner, users, the group, groups, the mask, the others.  Users and groups
 * want a mask.
 */
#include "fs/acl.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"

enum { PERMISSIONS = 7, OWNER_SHIFT = 6, GROUP_SHIFT = 3, MODE_BITS = 0777 };
#define NO_ID UINT32_MAX

static bool has_id(const struct acl_entry *entry)
{
	return entry->tag == ACL_USER || entry->tag == ACL_GROUP;
}

int acl_check(const struct acl *acl)
{
	/* Tags ascend, and so do they in the order wanted. */
	u32 last = 0, seen = 0;

	for (u32 i = 0; i < acl->count; i++) {
		const struct acl_entry *entry = &acl->entries[i];

		if (entry->permissions & ~PERMISSIONS)
			return -EINVAL;
		switch (entry->tag) {
		case ACL_USER:
		case ACL_GROUP:
			if (entry->id == NO_ID || entry->tag < last)
				return -EINVAL;
			break;
		case ACL_USER_OBJ:
		case ACL_GROUP_OBJ:
		case ACL_MASK:
		case ACL_OTHER:
			if (entry->tag <= last)
				return -EINVAL;
			break;
		default:
			return -EINVAL;
		}
		last = entry->tag;
		seen |= entry->tag;
	}
	if (~seen & (ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER))
		return -EINVAL;
	return seen & (ACL_USER | ACL_GROUP) && !(seen & ACL_MASK) ? -EINVAL : 0;
}

int acl_from_value(const void *value, size_t size, struct acl **result)
{
	u32 version = 0;
	struct acl *acl;

	*result = NULL;
	if (size < sizeof(version))
		return -EINVAL;
	memcpy(&version, value, sizeof(version));
	if (version != ACL_VERSION)
		return -EOPNOTSUPP;
	if ((size - sizeof(version)) % sizeof(acl->entries[0]) != 0)
		return -EINVAL;
	if (size == sizeof(version))
		return 0;
	acl = kmalloc(sizeof(acl->count) + size);
	if (!acl)
		return -ENOMEM;
	acl->count = (u32)((size - sizeof(version)) / sizeof(acl->entries[0]));
	memcpy(&acl->version, value, size);
	for (u32 i = 0; i < acl->count; i++)
		if (!has_id(&acl->entries[i]))
			acl->entries[i].id = NO_ID;
	*result = acl;
	return 0;
}

struct acl *acl_copy(const struct acl *acl)
{
	size_t size = sizeof(acl->count) + acl_value_size(acl);
	struct acl *copy = kmalloc(size);

	if (copy)
		memcpy(copy, acl, size);
	return copy;
}

/* The entry of a tag that comes once, or NULL. */
static struct acl_entry *entry_of(const struct acl *acl, u16 tag)
{
	for (u32 i = 0; i < acl->count; i++)
		if (acl->entries[i].tag == tag)
			return (struct acl_entry *)&acl->entries[i];
	return NULL;
}

/* What the group's bits of the mode stand for. */
static struct acl_entry *group_class(const struct acl *acl)
{
	struct acl_entry *mask = entry_of(acl, ACL_MASK);

	return mask ? mask : entry_of(acl, ACL_GROUP_OBJ);
}

mode_t acl_mode(const struct acl *acl, bool *exact)
{
	*exact = !entry_of(acl, ACL_MASK);
	return (mode_t)entry_of(acl, ACL_USER_OBJ)->permissions << OWNER_SHIFT |
	       (mode_t)group_class(acl)->permissions << GROUP_SHIFT |
	       entry_of(acl, ACL_OTHER)->permissions;
}

void acl_take_mode(struct acl *acl, mode_t mode)
{
	entry_of(acl, ACL_USER_OBJ)->permissions = mode >> OWNER_SHIFT & PERMISSIONS;
	group_class(acl)->permissions = mode >> GROUP_SHIFT & PERMISSIONS;
	entry_of(acl, ACL_OTHER)->permissions = mode & PERMISSIONS;
}

mode_t acl_limit(struct acl *acl, mode_t mode)
{
	bool exact;
	mode_t both = mode & acl_mode(acl, &exact);

	acl_take_mode(acl, both);
	return (mode & ~(mode_t)MODE_BITS) | both;
}

static bool masked(const struct acl *acl, const struct acl_entry *entry, unsigned want)
{
	const struct acl_entry *mask = entry_of(acl, ACL_MASK);
	unsigned granted = mask ? entry->permissions & mask->permissions : entry->permissions;

	return (want & ~granted) == 0;
}

bool acl_permits(const struct acl *acl, const struct credentials *who, uid_t owner, gid_t group,
		 unsigned want)
{
	bool in_group = false;

	for (u32 i = 0; i < acl->count; i++) {
		const struct acl_entry *entry = &acl->entries[i];

		switch (entry->tag) {
		case ACL_USER_OBJ:
			if (who->fsuid == owner)
				return (want & ~(unsigned)entry->permissions) == 0;
			break;
		case ACL_USER:
			if (who->fsuid == entry->id)
				return masked(acl, entry, want);
			break;
		case ACL_GROUP_OBJ:
		case ACL_GROUP:
			/* One of all that fit has to grant it. */
			if (!credentials_in_group(who, entry->tag == ACL_GROUP ? entry->id : group))
				break;
			in_group = true;
			if (masked(acl, entry, want))
				return true;
			break;
		case ACL_OTHER:
			return !in_group && (want & ~(unsigned)entry->permissions) == 0;
		default:
			break;
		}
	}
	return false;
}

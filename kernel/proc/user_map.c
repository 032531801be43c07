/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps of user namespaces, as programs write and read them: lines of three numbers, "first in the
 * namespace, first outside, how many" (user_namespaces(7), "User and group ID mappings").
 *
 * A whole map is parsed and checked, then its outer numbers are turned into the kernel's, then it
 * is installed in one step, once.
 */
#include "proc/user_namespace.h"

#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "lib/text.h"
#include "mm/kmalloc.h"
#include "proc/task.h"

/* A number and the white space before it; false when there is none that fits. */
static bool take_number(const char **at, u32 *number)
{
	char digits[12];
	size_t length = 0;
	u64 value;

	while (**at == ' ' || **at == '\t')
		(*at)++;
	while (**at >= '0' && **at <= '9' && length < sizeof(digits) - 1)
		digits[length++] = *(*at)++;
	digits[length] = '\0';
	if (length == 0 || parse_u64(digits, 10, &value) != 0 || value > UINT32_MAX)
		return false;
	*number = (u32)value;
	return **at == ' ' || **at == '\t' || **at == '\n' || **at == '\0';
}

/* The end of a range must be a number, too. */
static bool is_sane(const struct id_extent *extent)
{
	return extent->count > 0 && extent->first != NOBODY_ID && extent->base != NOBODY_ID &&
	       extent->first + extent->count > extent->first &&
	       extent->base + extent->count > extent->base;
}

static bool overlap(u32 a, u32 a_count, u32 b, u32 b_count)
{
	return a < b ? b - a < a_count : a - b < b_count;
}

static bool is_disjoint(const struct id_map *map, const struct id_extent *extent)
{
	for (u32 i = 0; i < map->count; i++) {
		const struct id_extent *other = &map->extents[i];

		if (overlap(extent->first, extent->count, other->first, other->count) ||
		    overlap(extent->base, extent->count, other->base, other->count))
			return false;
	}
	return true;
}

static int parse(const char *at, struct id_map *map)
{
	while (*at != '\0') {
		struct id_extent extent;

		if (map->count == ID_MAP_MAX || !take_number(&at, &extent.first) ||
		    !take_number(&at, &extent.base) || !take_number(&at, &extent.count))
			return -EINVAL;
		while (*at == ' ' || *at == '\t')
			at++;
		if ((*at != '\n' && *at != '\0') || !is_sane(&extent) || !is_disjoint(map, &extent))
			return -EINVAL;
		if (*at == '\n')
			at++;
		map->extents[map->count++] = extent;
	}
	return map->count > 0 ? 0 : -EINVAL;
}

/* Without privilege outside, one may map oneself: and a group once setgroups(2) is out of the
 * way. */
static bool may_map_oneself(const struct user_namespace *space, enum id_kind kind,
			    const struct id_map *map)
{
	const struct credentials *mine = current_credentials();

	if (map->count != 1 || map->extents[0].count != 1 || space->uid != mine->euid)
		return false;
	u32 outer = id_to_kernel(space->parent, kind, map->extents[0].base);
	if (kind == ID_USER)
		return outer == mine->euid;
	return kind == ID_GROUP && READ_ONCE(space->no_setgroups) && outer == mine->egid;
}

static bool may_map(struct user_namespace *space, enum id_kind kind, const struct id_map *map)
{
	if (kind == ID_PROJECT || may_map_oneself(space, kind, map))
		return true;
	return capable_in(space->parent, kind == ID_USER ? CAP_SETUID : CAP_SETGID);
}

/* Whole ranges of the parent's, which a single range of the kernel's must be behind. */
static int translate(const struct user_namespace *parent, enum id_kind kind, struct id_map *map)
{
	for (u32 i = 0; i < map->count; i++) {
		struct id_extent *extent = &map->extents[i];
		u32 base = id_to_kernel(parent, kind, extent->base);
		u32 last = id_to_kernel(parent, kind, extent->base + extent->count - 1);

		if (base == NOBODY_ID || last == NOBODY_ID || last - base != extent->count - 1)
			return -EPERM;
		extent->base = base;
	}
	return 0;
}

static int install(struct user_namespace *space, enum id_kind kind, struct id_map *map)
{
	int error = 0;
	unsigned long flags = spin_lock_irqsave(&space->lock);

	if (space->maps[kind].count > 0) {
		error = -EPERM;
	} else {
		space->maps[kind].extents = map->extents;
		__atomic_store_n(&space->maps[kind].count, map->count, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&space->lock, flags);
	return error;
}

int user_namespace_set_map(struct user_namespace *space, enum id_kind kind, const char *value,
			   size_t size)
{
	struct user_namespace *mine = current_credentials()->user_namespace;
	struct id_map map = {.count = 0};

	if (READ_ONCE(space->maps[kind].count) > 0 || space->parent == NULL)
		return -EPERM;
	if (mine != space && mine != space->parent)
		return -EPERM;
	if (kind != ID_PROJECT && !capable_in(space, CAP_SYS_ADMIN))
		return -EPERM;
	if (size >= PAGE_SIZE || strlen(value) != size)
		return -EINVAL;
	map.extents = kcalloc(ID_MAP_MAX, sizeof(*map.extents));
	if (map.extents == NULL)
		return -ENOMEM;
	int error = parse(value, &map);
	if (error == 0 && !may_map(space, kind, &map))
		error = -EPERM;
	if (error == 0)
		error = translate(space->parent, kind, &map);
	if (error == 0)
		error = install(space, kind, &map);
	if (error != 0)
		kfree(map.extents);
	return error;
}

/* The outer numbers are the reader's; for one inside, the parent's. */
void user_namespace_show_map(struct user_namespace *space, enum id_kind kind, struct text *text)
{
	const struct user_namespace *reader = current_credentials()->user_namespace;
	const struct id_map *map = &space->maps[kind];
	u32 count = __atomic_load_n(&map->count, __ATOMIC_ACQUIRE);

	if (reader == space && space->parent != NULL)
		reader = space->parent;
	for (u32 i = 0; i < count; i++)
		text_printf(text, "%10u %10u %10u\n", map->extents[i].first,
			    id_from_kernel(reader, kind, map->extents[i].base),
			    map->extents[i].count);
}

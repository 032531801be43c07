/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Provided buffers: groups of a program's buffers, from which a request takes one when it has data
 * for it.
 *
 * A group either has a list, filled by requests, or is a ring in the program's memory, whose tail
 * the program moves; what that says is read when a buffer is wanted, and believed in nothing else.
 * The ring's mutex guards all of it.
 */
#include "ipc/uring_internal.h"

#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"

enum { MOST_PROVIDED = 1 << 16, MOST_ENTRIES = 1 << 15 };

struct provided {
	struct list_head link;
	u64 address;
	u32 length;
	u16 id;
};

struct group {
	struct list_head link;
	u16 number;
	struct list_head buffers; /* without a ring */
	vaddr_t ring;             /* 0: none */
	u32 entries;              /* a power of two */
	u16 head;
};

static struct group *find_group(struct uring *ring, u16 number)
{
	struct group *group;

	list_for_each_entry (group, &ring->groups, link)
		if (group->number == number)
			return group;
	return NULL;
}

static struct group *make_group(struct uring *ring, u16 number)
{
	struct group *group = kzalloc(sizeof(*group));

	if (group == NULL)
		return NULL;
	group->number = number;
	list_init(&group->buffers);
	list_add_tail(&group->link, &ring->groups);
	return group;
}

static void drop_first(struct uring *ring, struct group *group)
{
	struct provided *buffer = list_first_entry(&group->buffers, struct provided, link);

	list_remove(&buffer->link);
	ring->provided--;
	kfree(buffer);
}

static void drop_group(struct uring *ring, struct group *group)
{
	while (!list_empty(&group->buffers))
		drop_first(ring, group);
	list_remove(&group->link);
	kfree(group);
}

void uring_drop_groups(struct uring *ring)
{
	while (!list_empty(&ring->groups))
		drop_group(ring, list_first_entry(&ring->groups, struct group, link));
}

/* --- Taking --- */

static int select_from_ring(const struct group *group, struct uring_buffer_entry *entry)
{
	const vaddr_t tail_at = group->ring + offsetof(struct uring_buffer_entry, tail);
	u16 tail;

	if (get_user(tail, tail_at) != 0 || tail == group->head)
		return -ENOBUFS;
	u32 index = group->head & (group->entries - 1);
	return get_user(*entry, group->ring + index * sizeof(*entry)) != 0 ? -ENOBUFS : 0;
}

static int select_from_list(const struct group *group, struct uring_buffer_entry *entry)
{
	const struct provided *buffer =
		list_first_entry_or_null(&group->buffers, struct provided, link);

	if (buffer == NULL)
		return -ENOBUFS;
	*entry = (struct uring_buffer_entry){buffer->address, buffer->length, buffer->id, 0};
	return 0;
}

int uring_select_buffer(struct uring *ring, struct uring_sqe *sqe, u16 *id)
{
	const struct group *group = find_group(ring, sqe->buffer);
	struct uring_buffer_entry entry;

	if (group == NULL)
		return -ENOBUFS;
	int error = group->ring != 0 ? select_from_ring(group, &entry)
				     : select_from_list(group, &entry);
	if (error != 0)
		return error;
	sqe->address = entry.address;
	sqe->length = sqe->length == 0 ? entry.length : MIN(sqe->length, entry.length);
	*id = entry.id;
	return 0;
}

void uring_take_buffer(struct uring *ring, u16 number)
{
	struct group *group = find_group(ring, number);

	if (group == NULL)
		return;
	if (group->ring != 0)
		group->head++;
	else if (!list_empty(&group->buffers))
		drop_first(ring, group);
}

/* --- Giving --- */

static int check_provided(const struct uring *ring, const struct uring_sqe *sqe)
{
	u64 count = (u32)sqe->fd;

	if (sqe->op_flags != 0 || count == 0 || count > UINT16_MAX || sqe->offset > UINT16_MAX)
		return count > UINT16_MAX || sqe->offset > UINT16_MAX ? -E2BIG : -EINVAL;
	if (sqe->offset + count > UINT16_MAX + 1ul)
		return -EINVAL;
	if (!user_range_ok(sqe->address, count * sqe->length))
		return -EFAULT;
	return ring->provided + count > MOST_PROVIDED ? -ENOMEM : 0;
}

long uring_provide_buffers(struct uring *ring, const struct uring_sqe *sqe)
{
	int error = check_provided(ring, sqe);
	struct group *group = find_group(ring, sqe->buffer);

	if (error == 0 && group != NULL && group->ring != 0)
		error = -EINVAL;
	if (error == 0 && group == NULL)
		group = make_group(ring, sqe->buffer);
	if (error != 0 || group == NULL)
		return error != 0 ? error : -ENOMEM;
	for (u32 i = 0; i < (u32)sqe->fd; i++) {
		struct provided *buffer = kzalloc(sizeof(*buffer));

		if (buffer == NULL)
			return i > 0 ? 0 : -ENOMEM;
		buffer->address = sqe->address + (u64)i * sqe->length;
		buffer->length = sqe->length;
		buffer->id = (u16)(sqe->offset + i);
		list_add_tail(&buffer->link, &group->buffers);
		ring->provided++;
	}
	return 0;
}

long uring_remove_buffers(struct uring *ring, const struct uring_sqe *sqe)
{
	u32 count = (u32)sqe->fd, removed = 0;
	struct group *group = find_group(ring, sqe->buffer);

	if (sqe->op_flags != 0 || sqe->address != 0 || sqe->length != 0 || sqe->offset != 0 ||
	    count == 0 || count > UINT16_MAX)
		return -EINVAL;
	if (group == NULL)
		return -ENOENT;
	if (group->ring != 0)
		return -EINVAL;
	for (; removed < count && !list_empty(&group->buffers); removed++)
		drop_first(ring, group);
	return removed;
}

int uring_set_buffer_ring(struct uring *ring, const struct uring_buffer_ring *setting)
{
	struct group *group = find_group(ring, setting->group);
	size_t size = setting->entries * sizeof(struct uring_buffer_entry);

	if (setting->address % PAGE_SIZE != 0 || setting->entries == 0 ||
	    setting->entries > MOST_ENTRIES || (setting->entries & (setting->entries - 1)) != 0)
		return -EINVAL;
	if (setting->address == 0 || !user_range_ok(setting->address, size))
		return -EFAULT;
	if (group != NULL && (group->ring != 0 || !list_empty(&group->buffers)))
		return -EEXIST;
	if (group == NULL)
		group = make_group(ring, setting->group);
	if (group == NULL)
		return -ENOMEM;
	group->ring = setting->address;
	group->entries = setting->entries;
	group->head = 0;
	return 0;
}

int uring_drop_buffer_ring(struct uring *ring, u16 number)
{
	struct group *group = find_group(ring, number);

	if (group == NULL)
		return -ENOENT;
	if (group->ring == 0)
		return -EINVAL;
	drop_group(ring, group);
	return 0;
}

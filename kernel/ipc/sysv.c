/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of System V objects, and who may use them: see sysv.h.
 *
 * Indices are taken in turn rather than the lowest first, over a range somewhat larger than what is
 * in use, so that a number is not soon given out again.
 */
#include "ipc/sysv.h"

#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/user_namespace.h"

enum { INDEX_BITS = 15, SEQUENCES = 1 << 16, SMALLEST_CYCLE = 64 };

void sysv_ids_init(struct sysv_ids *ids, mutex_t *lock, u32 limit)
{
	ids->lock = lock;
	ids->limit = limit;
	ids->last = SYSV_LIMIT;
}

/* Makes the table that large. */
static int grow(struct sysv_ids *ids, u32 capacity)
{
	struct sysv_object **slots;

	if (capacity <= ids->capacity)
		return 0;
	slots = kcalloc(capacity, sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	if (ids->slots != NULL)
		memcpy(slots, ids->slots, ids->capacity * sizeof(*slots));
	kfree(ids->slots);
	ids->slots = slots;
	ids->capacity = capacity;
	return 0;
}

static int free_index(struct sysv_ids *ids)
{
	u32 cycle = MAX((ids->count + 1) * 3 / 2, (u32)SMALLEST_CYCLE);

	if (ids->count >= READ_ONCE(ids->limit))
		return -ENOSPC;
	cycle = MIN(cycle, (u32)SYSV_LIMIT);
	if (grow(ids, cycle) != 0)
		return -ENOMEM;
	for (u32 tries = 1; tries <= cycle; tries++) {
		u32 index = (ids->last + tries) % cycle;
		if (ids->slots[index] == NULL)
			return (int)index;
	}
	return -ENOSPC;
}

int sysv_add(struct sysv_ids *ids, struct sysv_object *object, s32 key, u32 mode)
{
	const struct credentials *owner = current_credentials();
	int index = free_index(ids);

	if (index < 0)
		return index;
	if ((u32)index <= ids->last && ids->last != SYSV_LIMIT)
		ids->sequence = (ids->sequence + 1) % SEQUENCES;
	ids->last = (u32)index;
	*object = (struct sysv_object){
		.ids = ids,
		.id = (int)(ids->sequence << INDEX_BITS) + index,
		.key = key,
		.uid = owner->euid,
		.cuid = owner->euid,
		.gid = owner->egid,
		.cgid = owner->egid,
		.mode = mode & S_IRWXUGO,
	};
	ids->slots[index] = object;
	ids->count++;
	return object->id;
}

void sysv_remove(struct sysv_object *object)
{
	struct sysv_ids *ids = object->ids;

	ids->slots[object->id % BIT(INDEX_BITS)] = NULL;
	ids->count--;
}

struct sysv_object *sysv_at(struct sysv_ids *ids, u32 index)
{
	return index < ids->capacity ? ids->slots[index] : NULL;
}

struct sysv_object *sysv_find(struct sysv_ids *ids, int id)
{
	struct sysv_object *object = id >= 0 ? sysv_at(ids, id % BIT(INDEX_BITS)) : NULL;

	if (object == NULL)
		return ERR_PTR(-EINVAL);
	return object->id == id ? object : ERR_PTR(-EIDRM);
}

struct sysv_object *sysv_find_key(struct sysv_ids *ids, s32 key)
{
	for (u32 i = 0, seen = 0; i < ids->capacity && seen < ids->count; i++) {
		struct sysv_object *object = ids->slots[i];
		if (object == NULL)
			continue;
		if (object->key == key)
			return object;
		seen++;
	}
	return NULL;
}

u32 sysv_highest(const struct sysv_ids *ids)
{
	u32 index = ids->capacity > 0 ? ids->capacity - 1 : 0;

	while (index > 0 && ids->slots[index] == NULL)
		index--;
	return index;
}

int sysv_permission(const struct sysv_object *object, u32 wanted)
{
	const struct credentials *who = current_credentials();
	u32 granted = object->mode;

	wanted = wanted >> 6 | wanted >> 3 | wanted;
	if (who->euid == object->cuid || who->euid == object->uid)
		granted >>= 6;
	else if (credentials_in_effective_group(who, object->cgid) ||
		 credentials_in_effective_group(who, object->gid))
		granted >>= 3;
	return (wanted & ~granted & S_IRWXO) &&
			       !capable_in(namespace_current(NAMESPACE_IPC)->owner, CAP_IPC_OWNER)
		       ? -EACCES
		       : 0;
}

int sysv_may_change(const struct sysv_object *object)
{
	uid_t euid = current_credentials()->euid;

	if (euid == object->cuid || euid == object->uid ||
	    capable_in(namespace_current(NAMESPACE_IPC)->owner, CAP_SYS_ADMIN))
		return 0;
	return -EPERM;
}

void sysv_describe(const struct sysv_object *object, struct linux_ipc_perm *perm)
{
	*perm = (struct linux_ipc_perm){
		.key = object->key,
		.uid = uid_shown(object->uid),
		.gid = gid_shown(object->gid),
		.cuid = uid_shown(object->cuid),
		.cgid = gid_shown(object->cgid),
		.mode = object->mode,
		.seq = (u16)(object->id >> INDEX_BITS),
	};
}

void sysv_set(struct sysv_object *object, const struct linux_ipc_perm *perm)
{
	object->uid = uid_given(perm->uid);
	object->gid = gid_given(perm->gid);
	object->mode = (object->mode & ~(u32)S_IRWXUGO) | (perm->mode & S_IRWXUGO);
}

static long get_locked(struct sysv_ids *ids, const struct sysv_kind *kind, s32 key, u64 size,
		       int flags)
{
	struct sysv_object *object = key != IPC_PRIVATE ? sysv_find_key(ids, key) : NULL;

	if (object == NULL) {
		if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
			return -ENOENT;
		return kind->create(key, size, flags);
	}
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	int result = kind->suits(object, size);
	if (result == 0)
		result = sysv_permission(object, (u32)flags);
	return result != 0 ? result : object->id;
}

long sysv_get(struct sysv_ids *ids, const struct sysv_kind *kind, s32 key, u64 size, int flags)
{
	mutex_lock(ids->lock);
	long result = get_locked(ids, kind, key, size, flags);
	mutex_unlock(ids->lock);
	return result;
}

struct sysv_object *sysv_find_readable(struct sysv_ids *ids, int id, bool by_index, bool any)
{
	struct sysv_object *object = by_index ? sysv_at(ids, (u32)id) : sysv_find(ids, id);

	if (object == NULL)
		return ERR_PTR(-EINVAL);
	if (!IS_ERR(object) && !any && sysv_permission(object, S_IRUGO) != 0)
		return ERR_PTR(-EACCES);
	return object;
}

struct sysv_object *sysv_find_usable(struct sysv_ids *ids, int id, u32 wanted)
{
	struct sysv_object *object = sysv_find(ids, id);
	int error = IS_ERR(object) ? (int)PTR_ERR(object) : sysv_permission(object, wanted);

	return error != 0 ? ERR_PTR(error) : object;
}

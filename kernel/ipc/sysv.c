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
#include "lib/panic.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"

enum { INDEX_BITS = 15, SEQUENCES = 1 << 16, SMALLEST_CYCLE = 64 };

void sysv_ids_init(struct sysv_ids *ids, u32 limit)
{
	mutex_init(&ids->lock);
	ids->slots = kcalloc(limit, sizeof(*ids->slots));
	if (ids->slots == NULL)
		panic("no memory for System V IPC");
	ids->limit = limit;
	ids->last = limit;
}

static int free_index(const struct sysv_ids *ids)
{
	u32 cycle = MIN(MAX(ids->count * 3 / 2, (u32)SMALLEST_CYCLE), ids->limit);

	if (ids->count == ids->limit)
		return -ENOSPC;
	for (u32 tries = 1; tries <= ids->limit; tries++) {
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
	if ((u32)index <= ids->last && ids->last != ids->limit)
		ids->sequence = (ids->sequence + 1) % SEQUENCES;
	ids->last = (u32)index;
	*object = (struct sysv_object){
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

void sysv_remove(struct sysv_ids *ids, struct sysv_object *object)
{
	ids->slots[object->id % BIT(INDEX_BITS)] = NULL;
	ids->count--;
}

struct sysv_object *sysv_at(struct sysv_ids *ids, u32 index)
{
	return index < ids->limit ? ids->slots[index] : NULL;
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
	for (u32 i = 0, seen = 0; i < ids->limit && seen < ids->count; i++) {
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
	u32 index = ids->limit - 1;

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
	return (wanted & ~granted & S_IRWXO) && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

int sysv_may_change(const struct sysv_object *object)
{
	uid_t euid = current_credentials()->euid;

	if (euid == object->cuid || euid == object->uid || capable(CAP_SYS_ADMIN))
		return 0;
	return -EPERM;
}

void sysv_describe(const struct sysv_object *object, struct linux_ipc_perm *perm)
{
	*perm = (struct linux_ipc_perm){
		.key = object->key,
		.uid = object->uid,
		.gid = object->gid,
		.cuid = object->cuid,
		.cgid = object->cgid,
		.mode = object->mode,
		.seq = (u16)(object->id >> INDEX_BITS),
	};
}

void sysv_set(struct sysv_object *object, const struct linux_ipc_perm *perm)
{
	object->uid = perm->uid;
	object->gid = perm->gid;
	object->mode = (object->mode & ~(u32)S_IRWXUGO) | (perm->mode & S_IRWXUGO);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments of System V shared memory.
 *
 * A segment is a page cache, and the backing of the regions that map it.  `attached` counts these
 * regions (the mapping's list tells of each that comes or goes, so fork, split and munmap count,
 * too), and attachments on their way.  A segment that is to go stays in the table until nothing is
 * attached; its memory goes with the last reference: the table holds one, each region one.
 *
 * The table's lock guards everything but the pages and the references.  It is taken with a space's
 * map lock and a cache's mappings_lock held, so no function of mm may be called with it held.
 */
#include "ipc/shm.h"

#include "ipc/shm_internal.h"
#include "lib/abi/mman.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/commit.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/task.h"
#include "proc/time.h"

mutex_t shm_lock = MUTEX_INIT(shm_lock);
gid_t shm_huge_group;

static struct shm_segment *segment_of(struct backing *backing)
{
	return container_of(backing, struct shm_segment, backing);
}

static void get(struct backing *backing)
{
	__atomic_fetch_add(&segment_of(backing)->refs, 1, __ATOMIC_RELAXED);
}

static void put(struct backing *backing)
{
	struct shm_segment *segment = segment_of(backing);

	if (__atomic_fetch_sub(&segment->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (segment->cache.huge != NULL)
		hugetlb_file_destroy(&segment->file);
	else
		page_cache_destroy(&segment->cache);
	commit_account(-(s64)segment->promised_pages);
	kfree(segment);
}

static ssize_t name(struct backing *backing, char *buffer, size_t size)
{
	return snprintf(buffer, size, "/SYSV%08x (deleted)", (u32)segment_of(backing)->first_key);
}

static void identity(struct backing *backing, dev_t *device, ino_t *inode)
{
	*device = 1;
	*inode = (ino_t)segment_of(backing)->object.id;
}

/* Takes it out of the table, with the table's reference, which the caller drops later. */
static void unlist_locked(struct shm_segment *segment)
{
	segment->object.ids->total -= segment->size_pages;
	sysv_remove(&segment->object);
	segment->listed = false;
}

/* One attachment less.  Says whether the caller now has the table's reference to drop. */
static bool detached_locked(struct shm_segment *segment)
{
	segment->attached--;
	if (segment->attached > 0 || !(segment->object.mode & SHM_DEST) || !segment->listed)
		return false;
	unlist_locked(segment);
	return true;
}

static void mapped(struct backing *backing, int change)
{
	struct shm_segment *segment = segment_of(backing);
	bool drop = false;

	mutex_lock(&shm_lock);
	segment->last = current->process->pid;
	if (change > 0) {
		segment->attached++;
		segment->attach_time = time_wall_seconds();
	} else {
		segment->detach_time = time_wall_seconds();
		drop = detached_locked(segment);
	}
	mutex_unlock(&shm_lock);
	/* Not the last one: the region that goes still has its own. */
	if (drop)
		put(backing);
}

static int punch(struct backing *backing, u64 start, u64 end)
{
	if (backing->cache->huge != NULL)
		hugetlb_file_punch(backing->cache->huge, start, end);
	else
		page_cache_punch(backing->cache, start, end);
	return 0;
}

static const struct backing_ops operations = {.get = get,
					      .put = put,
					      .name = name,
					      .identity = identity,
					      .punch = punch,
					      .mapped = mapped};

void shm_ids_clear(struct sysv_ids *ids)
{
	for (u32 i = 0; i < ids->capacity; i++) {
		mutex_lock(&shm_lock);
		struct sysv_object *object = sysv_at(ids, i);
		if (object != NULL)
			unlist_locked(shm_of(object));
		mutex_unlock(&shm_lock);
		/* What is attached lives on in its regions. */
		if (object != NULL)
			shm_put(shm_of(object));
	}
	kfree(ids->slots);
}

bool shm_remove_locked(struct shm_segment *segment)
{
	if (segment->attached > 0) {
		segment->object.mode |= SHM_DEST;
		segment->object.key = IPC_PRIVATE;
		return false;
	}
	unlist_locked(segment);
	return true;
}

void shm_put(struct shm_segment *segment)
{
	put(&segment->backing);
}

/* --- shmget --- */

static bool may_have_huge(void)
{
	return capable(CAP_IPC_LOCK) ||
	       credentials_in_effective_group(current_credentials(), READ_ONCE(shm_huge_group));
}

/* The segment's pages are huge ones, which are reserved here and now.  -EINVAL, -EPERM, -ENOMEM. */
static int make_huge(struct shm_segment *segment, u64 size, int flags)
{
	enum hugetlb_size which;

	if (!hugetlb_size_of_shift((u32)flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK, &which))
		return -EINVAL;
	if (!may_have_huge())
		return -EPERM;
	size = ALIGN_UP(size, hugetlb_bytes(which));
	segment->cache.size = size;
	hugetlb_file_init(&segment->file, &segment->cache, which, NULL);
	return flags & SHM_NORESERVE ? 0 : hugetlb_file_reserve(&segment->file, 0, size);
}

/* What could never be had is refused. */
static int make_ordinary(struct shm_segment *segment, u64 size, int flags)
{
	u64 pages = ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT;
	bool promised = !(flags & SHM_NORESERVE) || !commit_heeds_noreserve();

	if (promised && commit_check(NULL, pages) != 0)
		return -ENOMEM;
	segment->cache.size = size;
	segment->cache.shared_memory = true;
	segment->promised_pages = promised ? pages : 0;
	commit_account((s64)segment->promised_pages);
	return 0;
}

static int create(s32 key, u64 size, int flags)
{
	u64 pages = ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT;

	if (size < SHM_MINIMUM || size > SHM_MAXIMUM)
		return -EINVAL;
	if (pages > SHM_MAXIMUM - shm_ids()->total)
		return -ENOSPC;
	struct shm_segment *segment = kzalloc(sizeof(*segment));
	if (segment == NULL)
		return -ENOMEM;
	page_cache_init(&segment->cache, NULL);
	segment->backing = (struct backing){.ops = &operations, .cache = &segment->cache};
	segment->refs = 1;
	segment->first_key = key;
	segment->size = size;
	segment->size_pages = pages;
	segment->creator = current->process->pid;
	segment->change_time = time_wall_seconds();
	int id = flags & SHM_HUGETLB ? make_huge(segment, size, flags)
				     : make_ordinary(segment, size, flags);
	if (id == 0)
		id = sysv_add(shm_ids(), &segment->object, key, (u32)flags);
	if (id < 0) {
		put(&segment->backing);
		return id;
	}
	segment->listed = true;
	shm_ids()->total += pages;
	return id;
}

static int suits(const struct sysv_object *object, u64 size)
{
	const struct shm_segment *segment =
		container_of((struct sysv_object *)object, struct shm_segment, object);

	return segment->size < size ? -EINVAL : 0;
}

long shm_get(s32 key, size_t size, int flags)
{
	static const struct sysv_kind kind = {.create = create, .suits = suits};

	return sysv_get(shm_ids(), &kind, key, size, flags);
}

/* --- shmat and shmdt --- */

struct attachment {
	vaddr_t address;
	u32 prot, map_flags, access, wanted;
};

static int check_attachment(struct attachment *attachment, int flags)
{
	vaddr_t *address = &attachment->address;

	attachment->prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) |
			   (flags & SHM_EXEC ? PROT_EXEC : 0);
	attachment->access = VM_ACCESS_READ | (flags & SHM_RDONLY ? 0 : VM_ACCESS_WRITE);
	attachment->wanted =
		S_IRUGO | (flags & SHM_RDONLY ? 0 : S_IWUGO) | (flags & SHM_EXEC ? S_IXUGO : 0);
	attachment->map_flags = MAP_SHARED;
	if (*address == 0)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (*address % PAGE_SIZE != 0) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*address = ALIGN_DOWN(*address, PAGE_SIZE);
		if (*address == 0 && (flags & SHM_REMAP))
			return -EINVAL;
	}
	attachment->map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

/* The segment, with a reference, and counted as attached so that it stays. */
static struct shm_segment *begin_attach(int id, u32 wanted)
{
	mutex_lock(&shm_lock);
	struct sysv_object *object = sysv_find_usable(shm_ids(), id, wanted);
	if (!IS_ERR(object)) {
		shm_of(object)->attached++;
		get(&shm_of(object)->backing);
	}
	mutex_unlock(&shm_lock);
	return IS_ERR(object) ? ERR_PTR(PTR_ERR(object)) : shm_of(object);
}

static void end_attach(struct shm_segment *segment)
{
	mutex_lock(&shm_lock);
	bool drop = detached_locked(segment);
	mutex_unlock(&shm_lock);
	if (drop)
		shm_put(segment);
	shm_put(segment);
}

long shm_attach(int id, vaddr_t address, int flags)
{
	struct attachment attachment = {.address = address};
	long result = id < 0 ? -EINVAL : check_attachment(&attachment, flags);

	if (result != 0)
		return result;
	struct shm_segment *segment = begin_attach(id, attachment.wanted);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	if (attachment.map_flags & MAP_FIXED_NOREPLACE &&
	    attachment.address + segment->cache.size < attachment.address)
		result = -EINVAL;
	if (result == 0)
		result = vmm_mmap_file(current->space, attachment.address, segment->cache.size,
				       attachment.prot, attachment.map_flags, &segment->backing, 0,
				       attachment.access);
	end_attach(segment);
	return result == -EEXIST ? -EINVAL : result;
}

long shm_detach(vaddr_t address)
{
	if (address % PAGE_SIZE != 0)
		return -EINVAL;
	return vmm_detach(current->space, address, &operations);
}

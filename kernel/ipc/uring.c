/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings as files: their memory, making and unmaking them, what is registered with them.
 *
 * The shared memory is one object with three parts far apart: the requests' ring at 0, the
 * answers' ring and the requests themselves at the offsets that mmap(2) takes.  Its frames are held
 * as long as the ring, so the kernel reaches them by the direct map.
 */
#include "ipc/event.h"
#include "ipc/uring_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/pagecache.h"
#include "mm/paging.h"
#include "mm/space.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/hooks.h"

enum { MAX_FILES = 1024, MAX_BUFFERS = 1024 };

const struct uring_ops *uring_ops; /* set once */
static mutex_t rings_lock = MUTEX_INIT(rings_lock);
static struct list_head rings = LIST_INIT(rings); /* rings_lock */
static const struct file_operations uring_operations;

void uring_set_ops(const struct uring_ops *ops)
{
	uring_ops = ops;
	uring_hook = uring_run;
	uring_exec_hook = uring_exec;
}

void uring_lock(struct uring *ring)
{
	mutex_lock(&ring->mutex);
}

void uring_unlock(struct uring *ring)
{
	mutex_unlock(&ring->mutex);
}

/* --- Memory --- */

void *uring_at(const struct uring_area *area, u32 offset)
{
	return (u8 *)phys_to_virt(area->frames[offset / PAGE_SIZE]) + offset % PAGE_SIZE;
}

u32 *uring_sq_word(struct uring *ring, u32 offset)
{
	return uring_at(&ring->sq, offset);
}

u32 *uring_cq_word(struct uring *ring, u32 offset)
{
	return uring_at(&ring->cq, offset);
}

static int fill_area(struct uring *ring, struct uring_area *area, u64 offset, size_t size)
{
	u32 pages = (u32)DIV_ROUND_UP(size, PAGE_SIZE);

	area->frames = kcalloc(pages, sizeof(*area->frames));
	if (area->frames == NULL)
		return -ENOMEM;
	for (; area->count < pages; area->count++) {
		int error = page_cache_get(ring->backing->cache, offset / PAGE_SIZE + area->count,
					   PAGE_CACHE_CREATE, &area->frames[area->count]);
		if (error != 0)
			return error;
	}
	return 0;
}

static void drop_area(struct uring_area *area)
{
	for (u32 i = 0; i < area->count; i++)
		frame_free(area->frames[i]);
	kfree(area->frames);
}

static int make_memory(struct uring *ring)
{
	size_t sqes = ring->sq_entries * sizeof(struct uring_sqe);
	int error;

	ring->backing = shared_memory_create(IORING_OFF_SQES + ALIGN_UP(sqes, PAGE_SIZE), false);
	if (ring->backing == NULL)
		return -ENOMEM;
	/* Its frames stay where they are, for we hold them. */
	WRITE_ONCE(ring->backing->cache->unevictable, true);
	error = fill_area(ring, &ring->sq, IORING_OFF_SQ_RING,
			  SQ_ARRAY + ring->sq_entries * sizeof(u32));
	if (error == 0)
		error = fill_area(ring, &ring->cq, IORING_OFF_CQ_RING,
				  CQ_CQES + ring->cq_entries * sizeof(struct uring_cqe));
	if (error == 0)
		error = fill_area(ring, &ring->sqes, IORING_OFF_SQES, sqes);
	return error;
}

/* --- The ring --- */

struct uring *uring_get(struct uring *ring)
{
	__atomic_add_fetch(&ring->refs, 1, __ATOMIC_RELAXED);
	return ring;
}

void uring_put(struct uring *ring)
{
	if (__atomic_sub_fetch(&ring->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	uring_drop_groups(ring);
	drop_area(&ring->sq);
	drop_area(&ring->cq);
	drop_area(&ring->sqes);
	if (ring->backing != NULL)
		ring->backing->ops->put(ring->backing);
	if (ring->process != NULL)
		process_put(ring->process);
	kfree(ring);
}

static void describe(const struct uring *ring, struct uring_params *params)
{
	params->sq_entries = ring->sq_entries;
	params->cq_entries = ring->cq_entries;
	params->features = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS |
			   IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS | IORING_FEAT_EXT_ARG |
			   IORING_FEAT_CQE_SKIP;
	params->sq = (struct uring_sq_offsets){.head = SQ_HEAD,
					       .tail = SQ_TAIL,
					       .ring_mask = SQ_MASK,
					       .ring_entries = SQ_ENTRIES,
					       .flags = SQ_FLAGS,
					       .dropped = SQ_DROPPED,
					       .array = SQ_ARRAY};
	params->cq = (struct uring_cq_offsets){.head = CQ_HEAD,
					       .tail = CQ_TAIL,
					       .ring_mask = CQ_MASK,
					       .ring_entries = CQ_ENTRIES,
					       .overflow = CQ_OVERFLOW,
					       .cqes = CQ_CQES,
					       .flags = CQ_FLAGS};
}

static u32 power_of_two(u32 number)
{
	u32 power = 1;

	while (power < number)
		power *= 2;
	return power;
}

/* The sizes that are asked for.  0 or -EINVAL. */
static int choose_sizes(struct uring *ring, u32 entries, const struct uring_params *params)
{
	bool clamp = params->flags & IORING_SETUP_CLAMP;
	u32 answers = params->flags & IORING_SETUP_CQSIZE ? params->cq_entries : 2 * entries;

	/* Bad requests never keep those behind them; threads look for what is ready when they enter
	 * the kernel: what the last two ask for. */
	if (params->flags & ~(u32)(IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
				   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN) ||
	    entries == 0)
		return -EINVAL;
	if (entries > URING_MAX_ENTRIES) {
		if (!clamp)
			return -EINVAL;
		entries = URING_MAX_ENTRIES;
	}
	if (answers > 2 * URING_MAX_ENTRIES) {
		if (!clamp && params->flags & IORING_SETUP_CQSIZE)
			return -EINVAL;
		answers = 2 * URING_MAX_ENTRIES;
	}
	ring->sq_entries = power_of_two(entries);
	ring->cq_entries = power_of_two(answers);
	return ring->cq_entries < ring->sq_entries || answers == 0 ? -EINVAL : 0;
}

static struct uring *make(u32 entries, struct uring_params *params)
{
	struct uring *ring = kzalloc(sizeof(*ring));

	if (ring == NULL)
		return ERR_PTR(-ENOMEM);
	ring->refs = 1;
	mutex_init(&ring->mutex);
	spin_lock_init(&ring->lock);
	wait_queue_init(&ring->answered);
	list_init(&ring->all);
	list_init(&ring->waiting);
	list_init(&ring->draining);
	list_init(&ring->overflow);
	list_init(&ring->continuing);
	list_init(&ring->ready);
	list_init(&ring->groups);
	int error = choose_sizes(ring, entries, params);
	if (error == 0)
		error = make_memory(ring);
	if (error != 0) {
		uring_put(ring);
		return ERR_PTR(error);
	}
	ring->process = process_get(current->process);
	*uring_sq_word(ring, SQ_MASK) = ring->sq_entries - 1;
	*uring_sq_word(ring, SQ_ENTRIES) = ring->sq_entries;
	*uring_cq_word(ring, CQ_MASK) = ring->cq_entries - 1;
	*uring_cq_word(ring, CQ_ENTRIES) = ring->cq_entries;
	describe(ring, params);
	return ring;
}

struct file *uring_create(u32 entries, struct uring_params *params)
{
	struct uring *ring = make(entries, params);

	if (IS_ERR(ring))
		return ERR_PTR(PTR_ERR(ring));
	struct file *file =
		anon_file_create("anon_inode:[io_uring]", &uring_operations, ring, O_RDWR);
	if (IS_ERR(file)) {
		uring_put(ring);
		return file;
	}
	mutex_lock(&rings_lock);
	list_add_tail(&ring->all, &rings);
	mutex_unlock(&rings_lock);
	return file;
}

struct uring *uring_of(const struct file *file)
{
	return file->ops == &uring_operations ? file->private : NULL;
}

/* The process's ring behind `last` (NULL: the first) in which something is ready, referenced. */
static struct uring *next_ready(const struct uring *last)
{
	struct uring *ring, *found = NULL;
	bool behind = last == NULL;

	mutex_lock(&rings_lock);
	list_for_each_entry (ring, &rings, all) {
		if (behind && ring->process == current->process && !list_empty(&ring->ready)) {
			found = uring_get(ring);
			break;
		}
		behind |= ring == last;
	}
	mutex_unlock(&rings_lock);
	return found;
}

void uring_run(void)
{
	struct uring *ring = NULL, *next;

	while ((next = next_ready(ring)) != NULL) {
		if (ring != NULL)
			uring_put(ring);
		ring = next;
		mutex_lock(&ring->mutex);
		uring_run_ready(ring);
		mutex_unlock(&ring->mutex);
	}
	if (ring != NULL)
		uring_put(ring);
}

/* Its memory is about to become another program's, which must not be written to. */
void uring_exec(void)
{
	struct uring *ring;

	mutex_lock(&rings_lock);
	list_for_each_entry (ring, &rings, all) {
		if (ring->process != current->process)
			continue;
		mutex_lock(&ring->mutex);
		uring_cancel_all(ring);
		(void)!uring_drop_buffers(ring);
		mutex_unlock(&ring->mutex);
	}
	mutex_unlock(&rings_lock);
}

/* --- The file --- */

static u32 uring_poll(struct file *file, struct poll_table *table)
{
	struct uring *ring = file->private;

	poll_wait(file, &ring->answered, table);
	return (uring_answers_there(ring) > 0 ? POLLIN | POLLRDNORM : 0u) | POLLOUT | POLLWRNORM;
}

static int uring_mmap(struct file *file, unsigned prot __unused, unsigned flags,
		      struct backing **result)
{
	struct uring *ring = file->private;

	if (!(flags & MAP_SHARED))
		return -EINVAL;
	ring->backing->ops->get(ring->backing);
	*result = ring->backing;
	return 0;
}

static void uring_release(struct file *file)
{
	struct uring *ring = file->private;

	mutex_lock(&rings_lock);
	list_remove(&ring->all);
	mutex_unlock(&rings_lock);
	mutex_lock(&ring->mutex);
	ring->closed = true;
	uring_cancel_all(ring);
	(void)!uring_drop_files(ring);
	(void)!uring_drop_buffers(ring);
	if (ring->eventfd != NULL)
		file_put(ring->eventfd);
	ring->eventfd = NULL;
	mutex_unlock(&ring->mutex);
	uring_put(ring);
}

static const struct file_operations uring_operations = {
	.release = uring_release,
	.poll = uring_poll,
	.mmap = uring_mmap,
	.stream = true,
};

/* --- What is registered --- */

int uring_drop_files(struct uring *ring)
{
	if (ring->files == NULL)
		return -ENXIO;
	for (u32 i = 0; i < ring->file_count; i++)
		if (ring->files[i] != NULL)
			file_put(ring->files[i]);
	kfree(ring->files);
	ring->files = NULL;
	ring->file_count = 0;
	return 0;
}

long uring_update_files(struct uring *ring, u32 offset, vaddr_t fds, u32 count)
{
	u32 done;

	if (ring->files == NULL)
		return -ENXIO;
	if (count == 0 || offset > ring->file_count || count > ring->file_count - offset)
		return -EINVAL;
	for (done = 0; done < count; done++) {
		struct file **slot = &ring->files[offset + done], *file = NULL;
		s32 fd;

		if (get_user(fd, fds + done * sizeof(fd)) != 0)
			return done > 0 ? (long)done : -EFAULT;
		if (fd >= 0) {
			file = fd_get(fd);
			/* A ring that held itself would never go. */
			if (file == NULL || uring_of(file) != NULL) {
				if (file != NULL)
					file_put(file);
				return done > 0 ? (long)done : -EBADF;
			}
		}
		if (*slot != NULL)
			file_put(*slot);
		*slot = file;
	}
	return (long)done;
}

int uring_set_files(struct uring *ring, vaddr_t fds, u32 count)
{
	if (ring->files != NULL)
		return -EBUSY;
	if (count == 0)
		return -EINVAL;
	if (count > MAX_FILES)
		return -EMFILE;
	ring->files = kcalloc(count, sizeof(*ring->files));
	if (ring->files == NULL)
		return -ENOMEM;
	ring->file_count = count;
	long done = uring_update_files(ring, 0, fds, count);
	if (done == (long)count)
		return 0;
	(void)!uring_drop_files(ring);
	return done < 0 ? (int)done : -EBADF;
}

int uring_drop_buffers(struct uring *ring)
{
	if (ring->buffers == NULL)
		return -ENXIO;
	kfree(ring->buffers);
	ring->buffers = NULL;
	ring->buffer_count = 0;
	return 0;
}

int uring_set_buffers(struct uring *ring, vaddr_t vector, u32 count)
{
	size_t size = count * sizeof(*ring->buffers);
	int error = 0;

	if (ring->buffers != NULL)
		return -EBUSY;
	if (count == 0 || count > MAX_BUFFERS)
		return -EINVAL;
	ring->buffers = kmalloc(size);
	if (ring->buffers == NULL)
		return -ENOMEM;
	if (copy_from_user(ring->buffers, (const void __user *)vector, size) != 0)
		error = -EFAULT;
	for (u32 i = 0; error == 0 && i < count; i++)
		error = validate_user_buffer((void __user *)ring->buffers[i].base,
					     ring->buffers[i].length, true);
	ring->buffer_count = count;
	if (error != 0)
		(void)!uring_drop_buffers(ring);
	return error;
}

int uring_check_buffer(const struct uring *ring, u16 index, vaddr_t address, size_t length)
{
	if (index >= ring->buffer_count)
		return -EFAULT;
	const struct user_iovec *buffer = &ring->buffers[index];
	if (address < buffer->base || length > buffer->length ||
	    address - buffer->base > buffer->length - length)
		return -EFAULT;
	return 0;
}

int uring_set_eventfd(struct uring *ring, int fd)
{
	if (fd < 0) {
		if (ring->eventfd == NULL)
			return -ENXIO;
		file_put(ring->eventfd);
		ring->eventfd = NULL;
		return 0;
	}
	if (ring->eventfd != NULL)
		return -EBUSY;
	struct file *file = fd_get(fd);
	if (file == NULL)
		return -EBADF;
	if (!eventfd_is(file)) {
		file_put(file);
		return -EINVAL;
	}
	ring->eventfd = file;
	return 0;
}

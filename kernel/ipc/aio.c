/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of native asynchronous I/O: their memory, their ring of answers, making and ending them.
 *
 * The ring is shared memory whose frames the context holds, so answers are written by the direct
 * map.  Room for an answer is taken before its request begins, so there always is a slot for it:
 * requests in flight and answers not yet taken out are together fewer than slots.
 */
#include "ipc/aio_internal.h"

#include "ipc/event.h"
#include "lib/abi/mman.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/pagecache.h"
#include "mm/paging.h"
#include "mm/space.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"

struct aio_limits aio_limits = {.most = 65536};

static mutex_t contexts_lock = MUTEX_INIT(contexts_lock);
static struct list_head contexts = LIST_INIT(contexts); /* contexts_lock */

/* --- The ring --- */

static struct aio_ring *header(const struct aio_context *context)
{
	return (struct aio_ring *)phys_to_virt(context->frames[0]);
}

static struct aio_event *slot(const struct aio_context *context, u32 index)
{
	size_t at = sizeof(struct aio_ring) + index * sizeof(struct aio_event);

	return (struct aio_event *)((u8 *)phys_to_virt(context->frames[at / PAGE_SIZE]) +
				    at % PAGE_SIZE);
}

static u32 read_head(const struct aio_context *context)
{
	return __atomic_load_n(&header(context)->head, __ATOMIC_ACQUIRE) % context->slots;
}

/* Answers that nobody has taken out. */
static u32 answers_there(const struct aio_context *context)
{
	u32 head = read_head(context), tail = READ_ONCE(context->tail);

	return tail >= head ? tail - head : tail + context->slots - head;
}

int aio_reserve(struct aio_context *context)
{
	int error = -EAGAIN;

	spin_lock(&context->lock);
	if (context->in_flight + answers_there(context) < context->slots - 1) {
		context->in_flight++;
		error = 0;
	}
	spin_unlock(&context->lock);
	return error;
}

void aio_unreserve(struct aio_context *context)
{
	spin_lock(&context->lock);
	context->in_flight--;
	spin_unlock(&context->lock);
}

void aio_complete(struct aio_context *context, const struct aio_event *event, struct file *eventfd)
{
	spin_lock(&context->lock);
	context->in_flight--;
	*slot(context, context->tail) = *event;
	WRITE_ONCE(context->tail, (context->tail + 1) % context->slots);
	__atomic_store_n(&header(context)->tail, context->tail, __ATOMIC_RELEASE);
	spin_unlock(&context->lock);
	wake_up_all(&context->answered);
	if (eventfd != NULL)
		eventfd_count(eventfd);
}

/* Those that are there, up to `most`: how many, or -EFAULT. */
static long take_there(struct aio_context *context, u32 most, vaddr_t events)
{
	u32 taken = 0;

	mutex_lock(&context->take_lock);
	u32 there = answers_there(context), head = read_head(context);
	while (taken < MIN(there, most)) {
		struct aio_event event = *slot(context, head);
		if (put_user(event, events + taken * sizeof(event)) != 0)
			break;
		taken++;
		head = (head + 1) % context->slots;
		__atomic_store_n(&header(context)->head, head, __ATOMIC_RELEASE);
	}
	mutex_unlock(&context->take_lock);
	return taken == 0 && MIN(there, most) > 0 ? -EFAULT : (long)taken;
}

long aio_take(struct aio_context *context, u32 least, u32 most, vaddr_t events, nsec_t deadline)
{
	u32 taken = 0;
	int error = 0;

	for (;;) {
		long got = take_there(context, most - taken,
				      events + taken * sizeof(struct aio_event));
		if (got < 0)
			return taken > 0 ? (long)taken : got;
		taken += (u32)got;
		if (taken >= least || error != 0)
			break;
		if (READ_ONCE(context->ended))
			return taken > 0 ? (long)taken : -EINVAL;
		error = deadline == 0 ? -ETIMEDOUT
				      : wait_event_timeout(&context->answered,
							   answers_there(context) > 0 ||
								   READ_ONCE(context->ended),
							   deadline, WAIT_INTERRUPTIBLE);
	}
	return taken == 0 && error != 0 && error != -ETIMEDOUT ? -EINTR : (long)taken;
}

/* --- Contexts --- */

void aio_put(struct aio_context *context)
{
	if (__atomic_sub_fetch(&context->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (u32 i = 0; context->frames != NULL && i < context->pages; i++)
		if (context->frames[i] != 0)
			frame_free(context->frames[i]);
	kfree(context->frames);
	if (context->backing != NULL)
		context->backing->ops->put(context->backing);
	kfree(context);
}

struct aio_context *aio_get(vaddr_t number)
{
	struct aio_context *context, *found = NULL;

	mutex_lock(&contexts_lock);
	list_for_each_entry (context, &contexts, link) {
		if (context->space == current->space && context->number == number) {
			__atomic_add_fetch(&context->refs, 1, __ATOMIC_RELAXED);
			found = context;
			break;
		}
	}
	mutex_unlock(&contexts_lock);
	return found;
}

u32 aio_most(const struct aio_context *context)
{
	return context->slots;
}

static int make_memory(struct aio_context *context)
{
	context->frames = kcalloc(context->pages, sizeof(*context->frames));
	context->backing = shared_memory_create(context->pages * PAGE_SIZE, false);
	if (context->frames == NULL || context->backing == NULL)
		return -ENOMEM;
	/* Its frames stay where they are, for we hold them. */
	WRITE_ONCE(context->backing->cache->unevictable, true);
	for (u32 i = 0; i < context->pages; i++) {
		int error = page_cache_get(context->backing->cache, i, PAGE_CACHE_CREATE,
					   &context->frames[i]);
		if (error != 0)
			return error;
	}
	return 0;
}

static int map_memory(struct aio_context *context)
{
	long address =
		vmm_mmap_file(current->space, 0, context->pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, context->backing, 0, VM_ACCESS_READ | VM_ACCESS_WRITE);

	if (address < 0)
		return (int)address;
	context->number = (vaddr_t)address;
	*header(context) = (struct aio_ring){.slots = context->slots,
					     .magic = AIO_RING_MAGIC,
					     .compatible_features = 1,
					     .header_length = sizeof(struct aio_ring)};
	return 0;
}

static struct aio_context *make(u32 requests)
{
	struct aio_context *context = kzalloc(sizeof(*context));
	/* Each CPU of Linux keeps some slots to itself; programs know the sizes that come of it. */
	size_t events = MAX((size_t)requests, (size_t)cpu_count() * 4) * 2 + 2;

	if (context == NULL)
		return ERR_PTR(-ENOMEM);
	context->refs = 1;
	list_init(&context->link);
	mutex_init(&context->take_lock);
	spin_lock_init(&context->lock);
	wait_queue_init(&context->answered);
	context->space = current->space;
	context->requests = requests;
	context->pages = (u32)DIV_ROUND_UP(
		sizeof(struct aio_ring) + events * sizeof(struct aio_event), PAGE_SIZE);
	context->slots = (u32)((context->pages * PAGE_SIZE - sizeof(struct aio_ring)) /
			       sizeof(struct aio_event));
	int error = make_memory(context);
	if (error == 0)
		error = map_memory(context);
	if (error == 0)
		return context;
	aio_put(context);
	return ERR_PTR(error);
}

static int count_in(struct aio_context *context)
{
	int error = -EAGAIN;

	mutex_lock(&contexts_lock);
	if (aio_limits.there + context->requests <= READ_ONCE(aio_limits.most)) {
		WRITE_ONCE(aio_limits.there, aio_limits.there + context->requests);
		list_add_tail(&context->link, &contexts);
		current->space->has_aio = true;
		error = 0;
	}
	mutex_unlock(&contexts_lock);
	return error;
}

static void unmap(const struct aio_context *context)
{
	(void)!vmm_munmap(current->space, context->number, context->pages * PAGE_SIZE);
}

int aio_create(u32 requests, vaddr_t *number)
{
	if (requests > READ_ONCE(aio_limits.most))
		return -EAGAIN;
	struct aio_context *context = make(requests);
	if (IS_ERR(context))
		return (int)PTR_ERR(context);
	*number = context->number;
	int error = count_in(context);
	if (error != 0) {
		unmap(context);
		aio_put(context);
	}
	return error;
}

/* Takes it off the list: false when it is not there any more. */
static bool count_out_locked(struct aio_context *context)
{
	if (context->ended)
		return false;
	WRITE_ONCE(context->ended, true);
	list_remove(&context->link);
	WRITE_ONCE(aio_limits.there, aio_limits.there - context->requests);
	return true;
}

static void finish(struct aio_context *context)
{
	aio_cancel_all(context);
	wake_up_all(&context->answered);
	aio_put(context);
}

int aio_end(struct aio_context *context)
{
	mutex_lock(&contexts_lock);
	bool mine = count_out_locked(context);
	mutex_unlock(&contexts_lock);
	if (!mine)
		return -EINVAL;
	unmap(context);
	finish(context);
	return 0;
}

/* A context of a space that is being destroyed, off the list, or NULL. */
static struct aio_context *take_one_of(const struct address_space *space)
{
	struct aio_context *context, *found = NULL;

	mutex_lock(&contexts_lock);
	list_for_each_entry (context, &contexts, link) {
		if (context->space == space && count_out_locked(context)) {
			found = context;
			break;
		}
	}
	mutex_unlock(&contexts_lock);
	return found;
}

static void end_space(struct address_space *space)
{
	struct aio_context *context;

	while ((context = take_one_of(space)) != NULL)
		finish(context);
}

void aio_init(void)
{
	vmm_set_aio_hook(end_space);
}

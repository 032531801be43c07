/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues: sending and receiving.
 *
 * msg_lock guards queues and messages; programs' memory is copied without it.  Whoever waits
 * holds the queue, so that he finds out that it was removed, and sleeps until its count of changes
 * has moved on from where he looked.
 */
#include "ipc/msg_internal.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/time.h"

mutex_t msg_lock = MUTEX_INIT(msg_lock);
struct msg_limits msg_limits = {.message = 8192, .queue = 16384};

/* --- Queues --- */

static int create(s32 key, u64 size __unused, int flags)
{
	struct msg_queue *queue = kzalloc(sizeof(*queue));

	if (queue == NULL)
		return -ENOMEM;
	int id = sysv_add(msg_ids(), &queue->object, key, (u32)flags);
	if (id < 0) {
		kfree(queue);
		return id;
	}
	queue->refs = 1;
	list_init(&queue->messages);
	wait_queue_init(&queue->senders);
	wait_queue_init(&queue->receivers);
	queue->maximum_bytes = READ_ONCE(msg_limits.queue);
	queue->change_time = time_wall_seconds();
	return id;
}

static int suits(const struct sysv_object *object __unused, u64 size __unused)
{
	return 0;
}

long msg_get(s32 key, int flags)
{
	static const struct sysv_kind kind = {.create = create, .suits = suits};

	return sysv_get(msg_ids(), &kind, key, 0, flags);
}

static void put_locked(struct msg_queue *queue)
{
	if (--queue->refs == 0)
		kfree(queue);
}

static void take_out(struct msg_queue *queue, struct message *message)
{
	list_remove(&message->link);
	queue->count--;
	queue->bytes -= message->size;
	queue->object.ids->total--;
	queue->object.ids->total_bytes -= message->size;
}

static void tell_change(struct msg_queue *queue, wait_queue_t *whom)
{
	WRITE_ONCE(queue->changes, queue->changes + 1);
	wake_up_all(whom);
}

void msg_remove(struct msg_queue *queue)
{
	while (!list_empty(&queue->messages)) {
		struct message *message = list_first_entry(&queue->messages, struct message, link);

		take_out(queue, message);
		kfree(message);
	}
	sysv_remove(&queue->object);
	queue->removed = true;
	tell_change(queue, &queue->senders);
	wake_up_all(&queue->receivers);
	put_locked(queue);
}

/* Waits until something has changed in the queue: 0, -ERESTARTNOHAND, or -EIDRM.  The lock is held,
 * and dropped meanwhile. */
static int wait_for_change(struct msg_queue *queue, wait_queue_t *where)
{
	u64 seen = queue->changes;

	queue->refs++;
	mutex_unlock(&msg_lock);
	int error = wait_event_interruptible(where, READ_ONCE(queue->changes) != seen);
	mutex_lock(&msg_lock);
	if (queue->removed)
		error = -EIDRM;
	else if (error != 0)
		error = -ERESTARTNOHAND;
	put_locked(queue);
	return error;
}

/* The queue, if current may use it as `wanted` says; asked anew after each wait, as rights change.
 */
static struct msg_queue *find(int id, u32 wanted)
{
	struct sysv_object *object = sysv_find_usable(msg_ids(), id, wanted);

	return IS_ERR(object) ? ERR_PTR(PTR_ERR(object)) : msg_queue_of(object);
}

/* --- Sending --- */

static bool fits(const struct msg_queue *queue, size_t size)
{
	return size + queue->bytes <= queue->maximum_bytes &&
	       queue->count + 1 <= queue->maximum_bytes;
}

/* The queue has the message in the end, or there is an error. */
static int send_locked(int id, struct message *message, int flags)
{
	struct msg_queue *queue;
	int error = 0;

	for (;;) {
		queue = find(id, S_IWUGO);
		if (IS_ERR(queue))
			return (int)PTR_ERR(queue);
		if (fits(queue, message->size))
			break;
		if (flags & IPC_NOWAIT)
			return -EAGAIN;
		error = wait_for_change(queue, &queue->senders);
		if (error != 0)
			return error;
	}
	list_add_tail(&message->link, &queue->messages);
	queue->count++;
	queue->bytes += message->size;
	queue->object.ids->total++;
	queue->object.ids->total_bytes += message->size;
	queue->sender = current->process->pid;
	queue->send_time = time_wall_seconds();
	tell_change(queue, &queue->receivers);
	return 0;
}

long msg_send(int id, vaddr_t from, size_t size, int flags)
{
	struct message *message;
	s64 type;
	int error;

	if (get_user(type, from) != 0)
		return -EFAULT;
	if (size > READ_ONCE(msg_limits.message) || id < 0 || type < 1)
		return -EINVAL;
	message = kmalloc(sizeof(*message) + size);
	if (message == NULL)
		return -ENOMEM;
	message->type = type;
	message->size = size;
	error = copy_from_user(message->text, (const void __user *)(from + sizeof(type)), size);
	if (error == 0) {
		mutex_lock(&msg_lock);
		error = send_locked(id, message, flags);
		mutex_unlock(&msg_lock);
	}
	if (error != 0)
		kfree(message);
	return error;
}

/* --- Receiving --- */

/* The message that msgrcv(2) speaks of, or NULL. */
static struct message *choose(const struct msg_queue *queue, s64 type, int flags)
{
	s64 most = type == INT64_MIN ? INT64_MAX : -type;
	struct message *message, *lowest = NULL;
	s64 index = 0;

	list_for_each_entry (message, &queue->messages, link) {
		if (flags & MSG_COPY) {
			if (index++ == type)
				return message;
		} else if (type == 0) {
			return message;
		} else if (type > 0) {
			if ((message->type == type) != ((flags & MSG_EXCEPT) != 0))
				return message;
		} else if (message->type <= most &&
			   (lowest == NULL || message->type < lowest->type)) {
			lowest = message;
		}
	}
	return lowest;
}

/* Another with the same content; ERR_PTR(-ENOMEM). */
static struct message *copy_of(const struct message *message)
{
	struct message *copy = kmalloc(sizeof(*copy) + message->size);

	if (copy == NULL)
		return ERR_PTR(-ENOMEM);
	copy->type = message->type;
	copy->size = message->size;
	memcpy(copy->text, message->text, message->size);
	return copy;
}

/* The message, which is the caller's then, or ERR_PTR. */
static struct message *receive_locked(int id, size_t room, s64 type, int flags)
{
	for (;;) {
		struct msg_queue *queue = find(id, S_IRUGO);

		if (IS_ERR(queue))
			return ERR_PTR(PTR_ERR(queue));
		struct message *message = choose(queue, type, flags);
		if (message != NULL) {
			if (message->size > room && !(flags & MSG_NOERROR))
				return ERR_PTR(-E2BIG);
			if (flags & MSG_COPY)
				return copy_of(message);
			take_out(queue, message);
			queue->receiver = current->process->pid;
			queue->receive_time = time_wall_seconds();
			tell_change(queue, &queue->senders);
			return message;
		}
		if (flags & IPC_NOWAIT)
			return ERR_PTR(-ENOMSG);
		int error = wait_for_change(queue, &queue->receivers);
		if (error != 0)
			return ERR_PTR(error);
	}
}

long msg_receive(int id, vaddr_t to, size_t size, s64 type, int flags)
{
	struct message *message;
	long result;

	if (id < 0 || (ssize_t)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	mutex_lock(&msg_lock);
	message = receive_locked(id, size, type, flags);
	mutex_unlock(&msg_lock);
	if (IS_ERR(message))
		return PTR_ERR(message);
	result = (long)MIN(size, message->size);
	if (put_user(message->type, to) != 0 ||
	    copy_to_user((void __user *)(to + sizeof(message->type)), message->text,
			 (size_t)result) != 0)
		result = -EFAULT;
	kfree(message);
	return result;
}

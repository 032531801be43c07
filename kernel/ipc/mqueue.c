/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues: see mqueue.h.
 *
 * Messages are copied from and to programs' memory without a lock, so a message is out of the queue
 * before it is known that it can be delivered, as on Linux.
 *
 * A message that comes into an empty queue is told to the process that asked for it, once, unless
 * somebody waits to receive.
 */
#include "ipc/mqueue.h"

#include "lib/errno.h"
#include "lib/format.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/signal.h"

struct mqueue_limits mqueue_limits = {
	.queues = 256,
	.messages = 10,
	.message_size = 8192,
	.default_messages = 10,
	.default_size = 8192,
};

/* What Linux counts for a message, and for a priority in use, beside the text. */
enum { MESSAGE_COST = 48, PRIORITY_COST = 48 };

struct mqueue_message {
	struct list_head link; /* queue->lock */
	u32 priority;
	u32 size;
	char text[];
};

/* --- Life --- */

static int check_attributes(const struct linux_mq_attr *attributes)
{
	bool privileged = capable(CAP_SYS_RESOURCE);
	u64 messages = privileged ? MQ_MOST_MESSAGES : READ_ONCE(mqueue_limits.messages);
	u64 size = privileged ? MQ_LARGEST : READ_ONCE(mqueue_limits.message_size);

	if (attributes->maximum_messages <= 0 || attributes->message_size <= 0)
		return -EINVAL;
	if ((u64)attributes->maximum_messages > messages || (u64)attributes->message_size > size)
		return -EINVAL;
	return 0;
}

static bool charge(struct mqueue *queue)
{
	u64 messages = queue->maximum_messages;
	u64 *counter = &queue->owner->user->queue_bytes;

	queue->charged = messages * (MESSAGE_COST + (u64)queue->message_size) +
			 MIN(messages, (u64)MQ_PRIORITIES) * PRIORITY_COST;
	if (__atomic_add_fetch(counter, queue->charged, __ATOMIC_RELAXED) <=
	    rlimit_current(RLIMIT_MSGQUEUE))
		return true;
	__atomic_sub_fetch(counter, queue->charged, __ATOMIC_RELAXED);
	return false;
}

struct mqueue *mqueue_create(const struct linux_mq_attr *attributes)
{
	const struct mqueue_limits *limits = &mqueue_limits;
	struct linux_mq_attr usual = {
		.maximum_messages =
			(s64)MIN(READ_ONCE(limits->messages), READ_ONCE(limits->default_messages)),
		.message_size =
			(s64)MIN(READ_ONCE(limits->message_size), READ_ONCE(limits->default_size)),
	};
	int error = attributes != NULL ? check_attributes(attributes) : 0;

	if (error != 0)
		return ERR_PTR(error);
	if (attributes == NULL)
		attributes = &usual;
	struct mqueue *queue = kzalloc(sizeof(*queue));
	if (queue == NULL)
		return ERR_PTR(-ENOMEM);
	queue->maximum_messages = (u32)attributes->maximum_messages;
	queue->message_size = (u32)attributes->message_size;
	spin_lock_init(&queue->lock);
	list_init(&queue->messages);
	wait_queue_init(&queue->senders);
	wait_queue_init(&queue->receivers);
	queue->owner = credentials_get(current_credentials());
	if (charge(queue))
		return queue;
	credentials_put(queue->owner);
	kfree(queue);
	return ERR_PTR(-EMFILE);
}

void mqueue_destroy(struct mqueue *queue)
{
	while (!list_empty(&queue->messages)) {
		struct mqueue_message *message =
			list_first_entry(&queue->messages, struct mqueue_message, link);

		list_remove(&message->link);
		kfree(message);
	}
	if (queue->notified != NULL) {
		process_put(queue->notified);
		credentials_put(queue->asking);
	}
	__atomic_sub_fetch(&queue->owner->user->queue_bytes, queue->charged, __ATOMIC_RELAXED);
	credentials_put(queue->owner);
	kfree(queue);
}

/* --- Telling of messages --- */

/* Who asked to be told, taken out of the queue. */
struct telling {
	struct process *process; /* NULL: nobody */
	struct linux_sigevent event;
	const struct credentials *asking;
};

static void take_telling_locked(struct mqueue *queue, struct telling *telling)
{
	*telling = (struct telling){queue->notified, queue->event, queue->asking};
	queue->notified = NULL;
}

static void drop_telling(const struct telling *telling)
{
	if (telling->process == NULL)
		return;
	process_put(telling->process);
	credentials_put(telling->asking);
}

static void tell(const struct telling *telling)
{
	struct siginfo info;

	if (telling->process == NULL || telling->event.notify != SIGEV_SIGNAL)
		return;
	siginfo_init_user(&info, telling->event.signo, SI_MESGQ);
	info.sender.value = telling->event.value;
	/* Without room for the signal there is nobody to say so to. */
	(void)!signal_send(telling->process, &info);
}

int mqueue_notify(struct mqueue *queue, const struct linux_sigevent *event)
{
	struct telling old = {.process = NULL};
	int error = 0;

	if (event != NULL && event->notify != SIGEV_NONE && event->notify != SIGEV_SIGNAL)
		return -EINVAL;
	if (event != NULL && event->notify == SIGEV_SIGNAL &&
	    (event->signo < 0 || event->signo > SIGNAL_MAX))
		return -EINVAL;
	spin_lock(&queue->lock);
	if (event == NULL) {
		if (queue->notified == current->process)
			take_telling_locked(queue, &old);
	} else if (queue->notified != NULL) {
		error = -EBUSY;
	} else {
		queue->notified = process_get(current->process);
		queue->asking = credentials_get(current_credentials());
		queue->event = *event;
	}
	spin_unlock(&queue->lock);
	drop_telling(&old);
	return error;
}

void mqueue_closed(struct mqueue *queue)
{
	(void)!mqueue_notify(queue, NULL);
}

/* --- Messages --- */

static void insert_locked(struct mqueue *queue, struct mqueue_message *message)
{
	struct list_head *after = queue->messages.prev;

	while (after != &queue->messages &&
	       list_entry(after, struct mqueue_message, link)->priority < message->priority)
		after = after->prev;
	list_add(&message->link, after);
	queue->count++;
	queue->bytes += message->size;
}

/* False when it is full. */
static bool try_send(struct mqueue *queue, struct mqueue_message *message)
{
	struct telling telling = {.process = NULL};

	spin_lock(&queue->lock);
	bool room = queue->count < queue->maximum_messages;
	if (room) {
		if (queue->count == 0 && queue->receiving == 0)
			take_telling_locked(queue, &telling);
		insert_locked(queue, message);
	}
	spin_unlock(&queue->lock);
	if (room) {
		wake_up_events(&queue->receivers, 1, POLLIN | POLLRDNORM);
		tell(&telling);
		drop_telling(&telling);
	}
	return room;
}

/* The first message, the caller's then; false when there is none. */
static bool try_receive(struct mqueue *queue, struct mqueue_message **message)
{
	spin_lock(&queue->lock);
	bool any = queue->count > 0;
	if (any) {
		*message = list_first_entry(&queue->messages, struct mqueue_message, link);
		list_remove(&(*message)->link);
		queue->count--;
		queue->bytes -= (*message)->size;
	}
	spin_unlock(&queue->lock);
	if (any)
		wake_up_events(&queue->senders, 1, POLLOUT | POLLWRNORM);
	return any;
}

int mqueue_send(struct mqueue *queue, vaddr_t text, size_t size, u32 priority, nsec_t deadline)
{
	struct mqueue_message *message;
	int error = 0;

	if (size > queue->message_size)
		return -EMSGSIZE;
	message = kmalloc(sizeof(*message) + size);
	if (message == NULL)
		return -ENOMEM;
	message->priority = priority;
	message->size = (u32)size;
	if (copy_from_user(message->text, (const void __user *)text, size)) {
		error = -EFAULT;
	} else if (!try_send(queue, message)) {
		error = -EAGAIN;
		if (deadline != 0)
			error = wait_event_timeout(&queue->senders, try_send(queue, message),
						   deadline, WAIT_INTERRUPTIBLE);
	}
	if (error != 0)
		kfree(message);
	return error;
}

static void count_receiver(struct mqueue *queue, int change)
{
	spin_lock(&queue->lock);
	queue->receiving = (u32)((int)queue->receiving + change);
	spin_unlock(&queue->lock);
}

ssize_t mqueue_receive(struct mqueue *queue, vaddr_t text, size_t size, u32 *priority,
		       nsec_t deadline)
{
	struct mqueue_message *message;

	if (size < queue->message_size)
		return -EMSGSIZE;
	if (!try_receive(queue, &message)) {
		if (deadline == 0)
			return -EAGAIN;
		count_receiver(queue, 1);
		int error = wait_event_timeout(&queue->receivers, try_receive(queue, &message),
					       deadline, WAIT_INTERRUPTIBLE);
		count_receiver(queue, -1);
		if (error != 0)
			return error;
	}
	ssize_t result = message->size;
	*priority = message->priority;
	if (copy_to_user((void __user *)text, message->text, message->size))
		result = -EFAULT;
	kfree(message);
	return result;
}

/* --- Looking --- */

void mqueue_get_attributes(struct mqueue *queue, struct linux_mq_attr *attributes)
{
	*attributes = (struct linux_mq_attr){
		.maximum_messages = queue->maximum_messages,
		.message_size = queue->message_size,
		.messages = READ_ONCE(queue->count),
	};
}

u32 mqueue_poll(struct mqueue *queue, struct file *file, struct poll_table *table)
{
	poll_wait(file, &queue->receivers, table);
	poll_wait(file, &queue->senders, table);
	u32 count = READ_ONCE(queue->count);
	return (count > 0 ? POLLIN | POLLRDNORM : 0u) |
	       (count < queue->maximum_messages ? POLLOUT | POLLWRNORM : 0u);
}

int mqueue_describe(struct mqueue *queue, char *buffer, size_t size)
{
	spin_lock(&queue->lock);
	bool told = queue->notified != NULL;
	u64 bytes = queue->bytes;
	int notify = told ? queue->event.notify : 0;
	int signo = told && notify == SIGEV_SIGNAL ? queue->event.signo : 0;
	pid_t pid = told ? process_shown(queue->notified) : 0;
	spin_unlock(&queue->lock);
	return snprintf(buffer, size, "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
			(unsigned long)bytes, notify, signo, pid);
}

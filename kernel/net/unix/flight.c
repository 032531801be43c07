/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors in flight (SCM_RIGHTS), and what becomes of sockets that nobody can reach any more.
 *
 * A message holds references on the files that travel with it.  A unix socket whose only references
 * are in messages can be reached only by reading those messages; if they wait in the queues of
 * sockets of the same sort, nobody ever will.  The collector finds these circles:
 *
 *  1. Candidates are the sockets in flight whose file has no references but those of messages.
 *  2. Of each candidate, as many references are explained as messages in the queues of candidates
 *     hold.  One with references left over is held by a message elsewhere: it can be reached, and
 *     so can all that its own queue leads to.
 *  3. What remains is garbage: the messages with descriptors leave its queues and are freed.
 *
 * flight_lock, a mutex, guards the counts and is held from 1 to 3.  A descriptor that is read from
 * a message meanwhile still counts as in flight until its reader gets the lock, so step 2 leaves it
 * alone; one that is only peeked at waits for the lock before anybody can use it; one that is sent
 * meanwhile has been counted before its message was queued.
 *
 * The collector runs when a unix socket is closed, but the more are in flight the more rarely, so
 * that closing stays cheap; and when somebody has too many in flight.
 *
 * Freeing a message may close a socket, whose messages are freed, which close sockets …  To keep
 * the stack short, rights with unix sockets among them go on a list, and only the outermost call
 * works it off, holding drain_lock.
 */
#include "net/unix/unix_internal.h"

#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/rlimit.h"
#include "proc/task.h"

/* The collector looks at all sockets in flight; it may look at so many for each one that is closed.
 */
#define FLIGHTS_A_RELEASE 8

static mutex_t flight_lock = MUTEX_INIT(flight_lock);
static struct list_head flying = LIST_INIT(flying); /* flight_lock; sockets in flight */
static u32 flying_count;                            /* flight_lock; read without, as a hint */
static u32 releases; /* atomic: sockets closed since the collector ran */

static mutex_t drain_lock = MUTEX_INIT(drain_lock);
static spinlock_t doomed_lock;
static struct unix_rights *doomed; /* doomed_lock: to be freed */

/* --- Leaving and arriving --- */

static bool too_many(const struct user_account *user)
{
	return READ_ONCE(user->files_in_flight) > rlimit_current(RLIMIT_NOFILE) &&
	       !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN);
}

int unix_rights_launch(struct unix_rights *rights)
{
	struct user_account *user = rights->sender->user;

	if (too_many(user)) {
		unix_collect();
		if (too_many(user))
			return -ETOOMANYREFS;
	}
	__atomic_add_fetch(&user->files_in_flight, rights->count, __ATOMIC_RELAXED);
	rights->launched = true;
	if (!rights->has_sockets)
		return 0;
	mutex_lock(&flight_lock);
	for (u32 i = 0; i < rights->count; i++) {
		struct unix_socket *unix_socket = unix_of_file(rights->files[i]);

		if (unix_socket == NULL || unix_socket->in_flight++ > 0)
			continue;
		list_add_tail(&unix_socket->flight_link, &flying);
		WRITE_ONCE(flying_count, flying_count + 1);
	}
	mutex_unlock(&flight_lock);
	return 0;
}

void unix_rights_land(struct unix_rights *rights)
{
	if (!rights->launched)
		return;
	rights->launched = false;
	__atomic_sub_fetch(&rights->sender->user->files_in_flight, rights->count, __ATOMIC_RELAXED);
	if (!rights->has_sockets)
		return;
	mutex_lock(&flight_lock);
	for (u32 i = 0; i < rights->count; i++) {
		struct unix_socket *unix_socket = unix_of_file(rights->files[i]);

		if (unix_socket == NULL || --unix_socket->in_flight > 0)
			continue;
		list_remove(&unix_socket->flight_link);
		WRITE_ONCE(flying_count, flying_count - 1);
	}
	mutex_unlock(&flight_lock);
}

struct unix_rights *unix_rights_peek(const struct unix_rights *rights)
{
	struct unix_rights *copy = kmalloc(sizeof(*rights) + rights->count * sizeof(struct file *));

	if (copy == NULL)
		return NULL;
	memcpy(copy, rights, sizeof(*rights) + rights->count * sizeof(struct file *));
	copy->launched = false;
	copy->sender = credentials_get(rights->sender);
	for (u32 i = 0; i < copy->count; i++)
		file_get_ref(copy->files[i]);
	if (copy->has_sockets) {
		/* A collector that did not see these references has finished before they are used.
		 */
		mutex_lock(&flight_lock);
		mutex_unlock(&flight_lock);
	}
	return copy;
}

/* --- Freeing --- */

/* Closes the sockets among the files, or the others. */
static void put_files(const struct unix_rights *rights, bool sockets)
{
	for (u32 i = 0; i < rights->count; i++)
		if ((rights->is_socket[i / 64] >> (i % 64) & 1) == sockets)
			file_put(rights->files[i]);
}

static void free_rest(struct unix_rights *rights)
{
	put_files(rights, false);
	credentials_put(rights->sender);
	kfree(rights);
}

static struct unix_rights *take_doomed(void)
{
	spin_lock(&doomed_lock);
	struct unix_rights *rights = doomed;
	if (rights != NULL)
		doomed = rights->next_doomed;
	spin_unlock(&doomed_lock);
	return rights;
}

/* Works the list off; only the sockets with the lock held, for other files may take their time. */
static void drain(void)
{
	struct unix_rights *rights, *closed = NULL;

	mutex_lock(&drain_lock);
	while ((rights = take_doomed()) != NULL) {
		put_files(rights, true);
		rights->next_doomed = closed;
		closed = rights;
	}
	mutex_unlock(&drain_lock);
	while ((rights = closed) != NULL) {
		closed = rights->next_doomed;
		free_rest(rights);
	}
}

void unix_rights_free(struct unix_rights *rights)
{
	if (likely(rights == NULL))
		return;
	unix_rights_land(rights);
	if (!rights->has_sockets) {
		free_rest(rights);
		return;
	}
	spin_lock(&doomed_lock);
	rights->next_doomed = doomed;
	doomed = rights;
	spin_unlock(&doomed_lock);
	if (!mutex_is_mine(&drain_lock))
		drain();
}

/* --- Collecting --- */

typedef void visit_t(struct unix_socket *child, struct list_head *list);

static void visit_queue(const struct unix_socket *unix_socket, visit_t *visit,
			struct list_head *list)
{
	const struct unix_message *message;

	list_for_each_entry (message, &unix_socket->queue, link) {
		const struct unix_rights *rights = message->rights;

		if (rights == NULL || !rights->has_sockets)
			continue;
		for (u32 i = 0; i < rights->count; i++) {
			struct unix_socket *child = unix_of_file(rights->files[i]);

			if (child != NULL && child->candidate)
				visit(child, list);
		}
	}
}

/* Calls visit for each candidate that travels in the socket's queue, or in those of the connections
 * that wait for its accept; as often as it does. */
static void visit_children(struct unix_socket *unix_socket, visit_t *visit, struct list_head *list)
{
	struct unix_socket *connection;

	spin_lock(&unix_socket->lock);
	visit_queue(unix_socket, visit, list);
	list_for_each_entry (connection, &unix_socket->pending, pending_link) {
		spin_lock_nested(&connection->lock, 1);
		visit_queue(connection, visit, list);
		spin_unlock(&connection->lock);
	}
	spin_unlock(&unix_socket->lock);
}

static void explain(struct unix_socket *child, struct list_head *list __unused)
{
	child->unexplained--;
}

static void reach(struct unix_socket *child, struct list_head *reached)
{
	child->candidate = false;
	list_move_tail(&child->collect_link, reached);
}

/* Steps 1 and 2: leaves the garbage on `garbage`, as candidates. */
static void find_garbage(struct list_head *garbage)
{
	struct list_head reached = LIST_INIT(reached);
	struct unix_socket *at, *following;

	list_for_each_entry (at, &flying, flight_link) {
		u32 references = __atomic_load_n(&at->socket.file->refs, __ATOMIC_ACQUIRE);

		at->candidate = references == at->in_flight;
		at->unexplained = at->in_flight;
		if (at->candidate)
			list_add_tail(&at->collect_link, garbage);
	}
	list_for_each_entry (at, garbage, collect_link)
		visit_children(at, explain, NULL);
	list_for_each_entry_safe (at, following, garbage, collect_link)
		if (at->unexplained > 0)
			reach(at, &reached);
	while (!list_empty(&reached)) {
		at = list_first_entry(&reached, struct unix_socket, collect_link);
		list_remove(&at->collect_link);
		visit_children(at, reach, &reached);
	}
}

static void take_messages(struct unix_socket *unix_socket, struct list_head *messages)
{
	struct unix_message *message, *following;

	list_for_each_entry_safe (message, following, &unix_socket->queue, link) {
		if (message->rights == NULL)
			continue;
		list_move_tail(&message->link, messages);
		WRITE_ONCE(unix_socket->queued, unix_socket->queued - 1);
	}
}

/* Step 3. */
static void empty_queues(struct unix_socket *unix_socket, struct list_head *messages)
{
	struct unix_socket *connection;

	spin_lock(&unix_socket->lock);
	take_messages(unix_socket, messages);
	list_for_each_entry (connection, &unix_socket->pending, pending_link) {
		spin_lock_nested(&connection->lock, 1);
		take_messages(connection, messages);
		spin_unlock(&connection->lock);
	}
	spin_unlock(&unix_socket->lock);
}

void unix_collect(void)
{
	struct list_head garbage = LIST_INIT(garbage), messages = LIST_INIT(messages);

	mutex_lock(&flight_lock);
	WRITE_ONCE(releases, 0);
	find_garbage(&garbage);
	while (!list_empty(&garbage)) {
		struct unix_socket *at =
			list_first_entry(&garbage, struct unix_socket, collect_link);

		list_remove(&at->collect_link);
		at->candidate = false;
		empty_queues(at, &messages);
	}
	mutex_unlock(&flight_lock);
	unix_messages_free(&messages);
}

void unix_collect_if_due(void)
{
	u32 flights = READ_ONCE(flying_count);

	if (flights == 0)
		return;
	if (__atomic_add_fetch(&releases, 1, __ATOMIC_RELAXED) >= flights / FLIGHTS_A_RELEASE)
		unix_collect();
}

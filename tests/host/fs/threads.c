/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/sync.h for the host: tasks are threads of the test program, and all that sleep wait on one
 * condition.
 */
#include "threads.h"

#include <pthread.h>

#include "lib/panic.h"
#include "lib/sync.h"

struct task {
	bool woken; /* lock */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static _Thread_local struct task self;

bool threads_several;

/* The lock is held. */
static void sleep_locked(void)
{
	if (!threads_several)
		panic("the only thread waits");
	pthread_cond_wait(&changed, &lock);
}

void mutex_lock_at(mutex_t *mutex, unsigned nest, struct lock_site *site)
{
	(void)nest, (void)site;
	pthread_mutex_lock(&lock);
	if (mutex->owner == &self)
		panic("a mutex is taken twice");
	while (mutex->owner)
		sleep_locked();
	mutex->owner = &self;
	pthread_mutex_unlock(&lock);
}

bool mutex_trylock_at(mutex_t *mutex, struct lock_site *site)
{
	bool got;

	(void)site;
	pthread_mutex_lock(&lock);
	got = !mutex->owner;
	if (got)
		mutex->owner = &self;
	pthread_mutex_unlock(&lock);
	return got;
}

void mutex_unlock(mutex_t *mutex)
{
	pthread_mutex_lock(&lock);
	if (mutex->owner != &self)
		panic("a mutex is released by another thread");
	mutex->owner = NULL;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

bool mutex_is_mine(const mutex_t *mutex)
{
	return READ_ONCE(mutex->owner) == &self;
}

void waiter_init(struct waiter *waiter)
{
	*waiter = (struct waiter){.task = &self};
	list_init(&waiter->link);
}

void wait_prepare(wait_queue_t *queue, struct waiter *waiter, enum wait_mode mode)
{
	(void)mode;
	pthread_mutex_lock(&lock);
	if (list_empty(&waiter->link))
		list_add_tail(&waiter->link, &queue->waiters);
	self.woken = false;
	pthread_mutex_unlock(&lock);
}

int wait_sleep(enum wait_mode mode, nsec_t deadline)
{
	(void)mode, (void)deadline;
	pthread_mutex_lock(&lock);
	while (!self.woken)
		sleep_locked();
	pthread_mutex_unlock(&lock);
	return 0;
}

void wait_finish(wait_queue_t *queue, struct waiter *waiter)
{
	(void)queue;
	pthread_mutex_lock(&lock);
	list_remove(&waiter->link);
	pthread_mutex_unlock(&lock);
}

void wake_up_events(wait_queue_t *queue, unsigned exclusive, u32 events)
{
	struct waiter *waiter;

	(void)exclusive, (void)events;
	pthread_mutex_lock(&lock);
	list_for_each_entry (waiter, &queue->waiters, link)
		waiter->task->woken = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

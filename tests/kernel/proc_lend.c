/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping locks and priorities: who waits lends its own to who has the lock, along chains too, and
 * the waiter with the greatest gets it next.
 *
 * All threads of a test are on one CPU, where one of middle priority burns: it wakes the one that
 * has the lock, and goes on until the one that waits has got it, or for so long that this is seen.
 */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "lib/abi/sched.h"
#include "lib/sync.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

#define PATIENCE (60 * NSEC_PER_SEC)
#define BURNING  (5 * NSEC_PER_SEC)

enum { LOW = 10, LINK = 15, MIDDLE = 20, HIGH = 30, HIGHER = 35 };

static struct scene {
	mutex_t mutex, second;
	rwlock_t rwlock;
	wait_queue_t queue;
	bool let_go;         /* the owner may release the lock */
	bool held, got;      /* the owner has it; the one that waits has got it */
	bool burnt_out;      /* the one in the middle has ended */
	bool got_in_time;    /* `got` came before `burnt_out` */
	u32 finished;        /* atomic: threads that are done */
	u32 order[4], count; /* the mutex */
} scene;

struct part {
	void (*take)(void);
	void (*release)(void);
	int priority;
	bool patient; /* releases when it is let go */
};

static void take_mutex(void)
{
	mutex_lock(&scene.mutex);
}

static void release_mutex(void)
{
	mutex_unlock(&scene.mutex);
}

static void write_lock(void)
{
	rwlock_write_lock(&scene.rwlock);
}

static void write_unlock(void)
{
	rwlock_write_unlock(&scene.rwlock);
}

static void downgrade(void)
{
	rwlock_downgrade(&scene.rwlock);
	rwlock_read_unlock(&scene.rwlock);
}

static void read_lock(void)
{
	rwlock_read_lock(&scene.rwlock);
}

static void read_unlock(void)
{
	rwlock_read_unlock(&scene.rwlock);
}

static void take_both(void)
{
	mutex_lock(&scene.second);
	mutex_lock(&scene.mutex);
}

static void release_both(void)
{
	mutex_unlock(&scene.mutex);
	mutex_unlock(&scene.second);
}

static void take_second(void)
{
	mutex_lock(&scene.second);
}

static void release_second(void)
{
	mutex_unlock(&scene.second);
}

static void set_priority(struct task *task, int priority)
{
	KEXPECT(task_set_policy(task, priority ? SCHED_FIFO : SCHED_OTHER, priority, false) == 0);
}

static void play(void *argument)
{
	const struct part *part = argument;

	set_priority(current, part->priority);
	part->take();
	if (part->patient) {
		WRITE_ONCE(scene.held, true);
		wait_event(&scene.queue, READ_ONCE(scene.let_go));
	} else if (part->priority == HIGH) {
		scene.got_in_time = !READ_ONCE(scene.burnt_out);
		WRITE_ONCE(scene.got, true);
	}
	part->release();
	/* What was lent has been given back. */
	KEXPECT(task_priority(current) == part->priority);
	__atomic_add_fetch(&scene.finished, 1, __ATOMIC_RELEASE);
}

static void burn(void *argument __unused)
{
	set_priority(current, MIDDLE);
	WRITE_ONCE(scene.let_go, true);
	wake_up_all(&scene.queue);
	nsec_t end = clock_monotonic() + BURNING;
	while (!READ_ONCE(scene.got) && clock_monotonic() < end)
		cpu_relax();
	WRITE_ONCE(scene.burnt_out, true);
	__atomic_add_fetch(&scene.finished, 1, __ATOMIC_RELEASE);
}

static void scene_begin(void)
{
	scene = (struct scene){.let_go = false};
	mutex_init(&scene.mutex);
	mutex_init(&scene.second);
	rwlock_init(&scene.rwlock);
	wait_queue_init(&scene.queue);
}

static struct task *enter(void (*entry)(void *), struct part *part)
{
	struct task *task = kernel_thread_create_on(0, entry, part, "ktest");

	return KEXPECT(!IS_ERR(task)) ? task : NULL;
}

static bool is_asleep(const struct task *task)
{
	return READ_ONCE(task->state) != TASK_RUNNING && !READ_ONCE(task->sched.queued) &&
	       !task_is_running(task);
}

/* A thread that goes on until it waits: for being let go, or for a lock. */
static struct task *enter_and_wait(struct part *part)
{
	struct task *task = enter(play, part);
	nsec_t end = clock_monotonic() + PATIENCE;

	while (task && !(is_asleep(task) && (!part->patient || READ_ONCE(scene.held))) &&
	       clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	KEXPECT(task && is_asleep(task));
	return task;
}

static bool all_finished(u32 count)
{
	nsec_t end = clock_monotonic() + PATIENCE;

	while (__atomic_load_n(&scene.finished, __ATOMIC_ACQUIRE) < count &&
	       clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	return scene.finished == count;
}

/* Given an owner of low priority and a waiter of high priority, when one in the middle burns. */
static void waiter_gets_it(struct part *owner, struct part *waiter)
{
	scene_begin();
	struct task *low = enter_and_wait(owner);
	struct task *high = enter_and_wait(waiter);
	if (!low || !high)
		return;
	KEXPECT(task_priority(low) == waiter->priority);
	struct task *middle = enter(burn, NULL);
	KREQUIRE(middle != NULL);
	KEXPECT(all_finished(3));
	KEXPECT(scene.got_in_time);
	task_put(low);
	task_put(high);
	task_put(middle);
}

KTEST(proc_lend_owner_of_a_mutex_goes_before_the_middle)
{
	static struct part owner = {take_mutex, release_mutex, LOW, true};
	static struct part waiter = {take_mutex, release_mutex, HIGH, false};

	waiter_gets_it(&owner, &waiter);
}

KTEST(proc_lend_a_fair_owner_goes_before_the_middle)
{
	static struct part owner = {take_mutex, release_mutex, 0, true};
	static struct part waiter = {take_mutex, release_mutex, HIGH, false};

	waiter_gets_it(&owner, &waiter);
}

KTEST(proc_lend_writer_goes_before_the_middle_for_a_writer)
{
	static struct part owner = {write_lock, write_unlock, LOW, true};
	static struct part waiter = {write_lock, write_unlock, HIGH, false};

	waiter_gets_it(&owner, &waiter);
}

KTEST(proc_lend_writer_goes_before_the_middle_for_a_reader)
{
	static struct part owner = {write_lock, write_unlock, LOW, true};
	static struct part waiter = {read_lock, read_unlock, HIGH, false};

	waiter_gets_it(&owner, &waiter);
}

KTEST(proc_lend_a_writer_that_becomes_a_reader_gives_back)
{
	static struct part owner = {write_lock, downgrade, LOW, true};
	static struct part waiter = {read_lock, read_unlock, HIGH, false};

	waiter_gets_it(&owner, &waiter);
}

KTEST(proc_lend_travels_along_a_chain)
{
	static struct part owner = {take_mutex, release_mutex, LOW, true};
	static struct part link = {take_both, release_both, LINK, false};
	static struct part waiter = {take_second, release_second, HIGH, false};

	scene_begin();
	struct task *low = enter_and_wait(&owner), *between = enter_and_wait(&link);
	KREQUIRE(low && between);
	KEXPECT(task_priority(low) == LINK);
	struct task *high = enter_and_wait(&waiter);
	KREQUIRE(high);
	KEXPECT(task_priority(between) == HIGH && task_priority(low) == HIGH);
	/* A waiter's own priority changes. */
	set_priority(high, HIGHER);
	KEXPECT(task_priority(between) == HIGHER && task_priority(low) == HIGHER);
	set_priority(high, 0);
	KEXPECT(task_priority(between) == LINK && task_priority(low) == LINK);
	set_priority(high, HIGH);
	KEXPECT(task_priority(between) == HIGH && task_priority(low) == HIGH);
	struct task *middle = enter(burn, NULL);
	KREQUIRE(middle != NULL);
	KEXPECT(all_finished(4));
	KEXPECT(scene.got_in_time);
	task_put(low);
	task_put(between);
	task_put(high);
	task_put(middle);
}

static void take_in_order(void)
{
	mutex_lock(&scene.mutex);
	scene.order[scene.count++] = (u32)task_priority(current);
}

KTEST(proc_lend_waiters_are_served_by_priority)
{
	static struct part owner = {take_mutex, release_mutex, LOW, true};
	static struct part waiters[] = {{take_in_order, release_mutex, LINK, false},
					{take_in_order, release_mutex, 0, false},
					{take_in_order, release_mutex, HIGHER, false},
					{take_in_order, release_mutex, MIDDLE, false}};
	struct task *tasks[ARRAY_SIZE(waiters)];

	scene_begin();
	struct task *low = enter_and_wait(&owner);
	for (u32 i = 0; i < ARRAY_SIZE(waiters); i++) {
		tasks[i] = enter_and_wait(&waiters[i]);
		KREQUIRE(tasks[i] != NULL);
	}
	/* The one that came first, and one that has been fair, change places while they wait. */
	set_priority(tasks[0], 0);
	waiters[0].priority = 0;
	set_priority(tasks[1], HIGH);
	waiters[1].priority = HIGH;
	KEXPECT(task_priority(low) == HIGHER);
	WRITE_ONCE(scene.let_go, true);
	wake_up_all(&scene.queue);
	KEXPECT(all_finished(1 + ARRAY_SIZE(waiters)));
	KEXPECT(scene.order[0] == HIGHER && scene.order[1] == HIGH);
	KEXPECT(scene.order[2] == MIDDLE && scene.order[3] == 0);
	waiters[0].priority = LINK;
	waiters[1].priority = 0;
	task_put(low);
	for (u32 i = 0; i < ARRAY_SIZE(waiters); i++)
		task_put(tasks[i]);
}

/* --- A storm: threads of all priorities, whose priorities change, and three locks --- */

enum { STORM_THREADS = 6, STORM_ROUNDS = 300 };

static void storm(void *argument)
{
	u32 self = (u32)(uintptr_t)argument;

	for (u32 i = 0; i < STORM_ROUNDS; i++) {
		if (i % 16 == 0)
			set_priority(current, (int)((self * 7 + i / 16 * 5) % 4 * 10));
		mutex_lock(&scene.second);
		rwlock_write_lock(&scene.rwlock);
		scene.count++;
		if (i % 8 == 0)
			task_sleep(10 * NSEC_PER_USEC);
		if (i % 3 == 0)
			rwlock_downgrade(&scene.rwlock);
		mutex_unlock(&scene.second);
		if (i % 3 == 0)
			rwlock_read_unlock(&scene.rwlock);
		else
			rwlock_write_unlock(&scene.rwlock);
		rwlock_read_lock(&scene.rwlock);
		mutex_lock(&scene.mutex);
		scene.order[0]++;
		mutex_unlock(&scene.mutex);
		rwlock_read_unlock(&scene.rwlock);
	}
	set_priority(current, 0);
	KEXPECT(task_priority(current) == 0);
	__atomic_add_fetch(&scene.finished, 1, __ATOMIC_RELEASE);
}

KTEST(proc_lend_survives_a_storm_of_priorities)
{
	scene_begin();
	for (u32 i = 0; i < STORM_THREADS; i++) {
		struct task *task = kernel_thread_create(storm, (void *)(uintptr_t)i, "ktest");
		KREQUIRE(!IS_ERR(task));
		task_put(task);
	}
	KEXPECT(all_finished(STORM_THREADS));
	KEXPECT(scene.count == STORM_THREADS * STORM_ROUNDS);
	KEXPECT(scene.order[0] == STORM_THREADS * STORM_ROUNDS);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes that are locks with priority inheritance (futex(2), FUTEX_LOCK_PI).
 *
 * The word has the owner's number, and FUTEX_WAITERS once somebody waits; without contention the
 * kernel is not asked.  While tasks wait there is a state: the word's key, the owner, the waiters
 * by priority.  A state is on its owner's list of held locks.  The waiters lend their priority to
 * the owner (proc/lend.h).  A lock that would close a ring is refused (-EDEADLK).
 *
 * The lock is handed over: who unlocks writes the first waiter's number into the word.  When an
 * owner dies, the waiter writes its own (`settling` meanwhile), with FUTEX_OWNER_DIED.
 *
 * The lock of all lenders guards all states and struct futex_task of all tasks, too.  Words are
 * touched under it only where that does not sleep; when the page is not there, the lock is dropped
 * and the page brought in.  Inside it: process_tree_lock is not taken; the run queues' locks are.
 */
#include "arch/usercopy.h"
#include "ipc/futex_pi_internal.h"
#include "lib/abi/futex.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/lend.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"

enum { PI_CHAINS = 64 };

struct futex_pi_state {
	struct list_head link; /* in its chain of the table */
	struct vm_word_key key;
	struct task *owner; /* a reference */
	struct list_head held_link;
	struct list_head waiters; /* by priority, then arrival */
	u32 settling;             /* owners that have yet to write themselves into the word */
};

static struct list_head chains[PI_CHAINS]; /* the lock of all lenders */

void futex_pi_init(void)
{
	for (unsigned i = 0; i < PI_CHAINS; i++)
		list_init(&chains[i]);
}

/* --- States --- */

static struct list_head *chain_of(const struct vm_word_key *key)
{
	return &chains[hash_u64((uintptr_t)key->object + key->offset) % PI_CHAINS];
}

static struct futex_pi_state *state_find(const struct vm_word_key *key)
{
	struct futex_pi_state *state;

	list_for_each_entry (state, chain_of(key), link)
		if (futex_same_key(&state->key, key))
			return state;
	return NULL;
}

static struct futex_pi_state *state_create(const struct vm_word_key *key, struct task *owner)
{
	struct futex_pi_state *state = kzalloc(sizeof(*state));

	if (state == NULL)
		return NULL;
	state->key = *key;
	state->owner = task_get(owner);
	list_init(&state->waiters);
	list_add_tail(&state->held_link, &owner->futex.held);
	list_add_tail(&state->link, chain_of(key));
	return state;
}

static void state_drop_if_unused(struct futex_pi_state *state)
{
	if (!list_empty(&state->waiters) || state->settling != 0)
		return;
	list_remove(&state->link);
	list_remove(&state->held_link);
	task_put(state->owner);
	kfree(state);
}

static struct futex_pi_waiter *first_waiter(struct futex_pi_state *state)
{
	return list_empty(&state->waiters)
		       ? NULL
		       : list_first_entry(&state->waiters, struct futex_pi_waiter, link);
}

/* --- Waiters --- */

static struct futex_pi_waiter *waiter_of(struct lender *lender)
{
	return container_of(lender, struct futex_pi_waiter, lender);
}

static void insert_waiter(struct futex_pi_state *state, struct futex_pi_waiter *waiter)
{
	struct futex_pi_waiter *other;

	list_for_each_entry (other, &state->waiters, link)
		if (other->lender.priority < waiter->lender.priority)
			break;
	list_add_tail(&waiter->link, &other->link);
}

static struct task *owner_now(struct lender *lender)
{
	return waiter_of(lender)->state->owner;
}

static void reorder(struct lender *lender)
{
	struct futex_pi_waiter *waiter = waiter_of(lender);

	list_remove(&waiter->link);
	insert_waiter(waiter->state, waiter);
}

static const struct lend_ops pi_ops = {.owner = owner_now, .reorder = reorder};

void futex_pi_init_waiter(struct futex_pi_waiter *waiter)
{
	*waiter = (struct futex_pi_waiter){.lender = {.ops = &pi_ops, .task = current}};
	list_init(&waiter->link);
}

/* Does `owner` wait, along a chain of such locks, for `task`? */
static bool waits_for(const struct task *owner, const struct task *task)
{
	struct lender *lender;

	while (owner != task && (lender = owner->lending.waiting) != NULL && lender->ops == &pi_ops)
		owner = owner_now(lender);
	return owner == task;
}

/* --- Queueing and handing over --- */

static void enqueue(struct futex_pi_state *state, struct futex_pi_waiter *waiter)
{
	waiter->state = state;
	waiter->lender.lock = state;
	lend_begin(&waiter->lender);
	insert_waiter(state, waiter);
	lend_now(&waiter->lender);
}

static void dequeue(struct futex_pi_waiter *waiter)
{
	struct futex_pi_state *state = waiter->state;

	list_remove(&waiter->link);
	lend_end(&waiter->lender);
	waiter->state = NULL;
	state_drop_if_unused(state);
}

/* The first waiter becomes the owner. */
static void hand_over(struct futex_pi_state *state, bool died)
{
	struct futex_pi_waiter *waiter = first_waiter(state);
	struct task *before = state->owner, *task = waiter->lender.task;

	list_remove(&waiter->link);
	lend_end(&waiter->lender);
	state->owner = task_get(task);
	list_move_tail(&state->held_link, &task->futex.held);
	waiter->died = died;
	state->settling += died;
	WRITE_ONCE(waiter->granted, true);
	task_wake_if(task, TASK_INTERRUPTIBLE);
	lend_move(before, state, task);
	task_put(before);
	state_drop_if_unused(state);
}

/* --- Taking --- */

int futex_pi_prepare(struct futex_pi_attempt *attempt)
{
	/* Writing what is there makes the page ours to write to. */
	if (arch_user_atomic_u32(USER_ATOMIC_OR, attempt->address, 0, &attempt->seen) < 0)
		return -EFAULT;
	pid_t tid = (pid_t)(attempt->seen & FUTEX_TID_MASK);
	attempt->owner = tid != 0 ? task_find(tid) : NULL;
	return 0;
}

void futex_pi_forget(struct futex_pi_attempt *attempt)
{
	if (attempt->owner != NULL)
		task_put(attempt->owner);
}

/* Changes the word; an outcome: PI_TAKEN or PI_RETRY. */
static int change_word(vaddr_t address, u32 from, u32 to)
{
	u32 found;

	if (from == to)
		return PI_TAKEN;
	if (user_compare_exchange_u32(address, from, to, &found) < 0 || found != from)
		return PI_RETRY;
	return PI_TAKEN;
}

/* A lock that nobody has. */
static int take_free(struct futex_pi_attempt *attempt, struct task *task, bool more)
{
	u32 value = (attempt->seen & FUTEX_OWNER_DIED) | (u32)task_shown(task) |
		    (more ? FUTEX_WAITERS : 0);
	int outcome = change_word(attempt->address, attempt->seen, value);

	if (outcome == PI_TAKEN) {
		attempt->seen = value;
		attempt->owner = task_get(task);
	}
	return outcome;
}

/* Who has the lock; ERR_PTR. */
static struct task *owner_of(const struct futex_pi_attempt *attempt,
			     const struct futex_pi_state *state)
{
	pid_t tid = (pid_t)(attempt->seen & FUTEX_TID_MASK);

	if (state != NULL)
		return state->settling || task_shown(state->owner) == tid ? state->owner
									  : ERR_PTR(-EINVAL);
	if (attempt->owner == NULL || attempt->owner->futex.gone)
		return ERR_PTR(-ESRCH);
	return attempt->owner->flags & TASK_KERNEL ? ERR_PTR(-EPERM) : attempt->owner;
}

int futex_pi_take_locked(struct futex_pi_attempt *attempt, struct futex_pi_waiter *waiter,
			 bool only_try, bool more)
{
	struct futex_pi_state *state = state_find(&attempt->key);
	u32 value;

	if (user_read_u32(&value, attempt->address) < 0)
		return PI_RETRY;
	if (value != attempt->seen && state == NULL)
		return PI_RETRY;
	attempt->seen = value;
	if ((value & FUTEX_TID_MASK) == (u32)task_shown(waiter->lender.task))
		return -EDEADLK;
	if ((value & FUTEX_TID_MASK) == 0 && state == NULL)
		return take_free(attempt, waiter->lender.task, more);
	struct task *owner = owner_of(attempt, state);
	if (IS_ERR(owner))
		return (int)PTR_ERR(owner);
	if (only_try)
		return -EAGAIN;
	if (waits_for(owner, waiter->lender.task))
		return -EDEADLK;
	if (change_word(attempt->address, value, value | FUTEX_WAITERS) != PI_TAKEN)
		return PI_RETRY;
	attempt->seen = value | FUTEX_WAITERS;
	if (state == NULL)
		state = state_create(&attempt->key, owner);
	if (state == NULL)
		return -ENOMEM;
	enqueue(state, waiter);
	return PI_QUEUED;
}

int futex_pi_sleep(struct futex_pi_waiter *waiter, nsec_t deadline)
{
	int result = 0;

	while (result == 0) {
		task_set_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(waiter->granted))
			break;
		result = wait_sleep(WAIT_INTERRUPTIBLE, deadline);
	}
	task_set_state(TASK_RUNNING);
	return result;
}

/* The owner of a lock whose last owner died writes itself into the word. */
static int settle(struct futex_pi_waiter *waiter, vaddr_t address)
{
	struct futex_pi_state *state = waiter->state;
	u32 value;
	int error;

	do {
		error = arch_user_atomic_u32(USER_ATOMIC_OR, address, 0, &value);
		lend_lock();
		u32 wanted = (u32)task_shown(current) | FUTEX_OWNER_DIED |
			     (list_empty(&state->waiters) ? 0 : FUTEX_WAITERS);
		if (error == 0 && change_word(address, value, wanted) != PI_TAKEN) {
			lend_unlock();
			continue;
		}
		state->settling--;
		state_drop_if_unused(state);
		lend_unlock();
		break;
	} while (true);
	return error;
}

int futex_pi_finish(struct futex_pi_waiter *waiter, vaddr_t address, int result)
{
	lend_lock();
	bool granted = waiter->granted;
	if (!granted && waiter->state != NULL)
		dequeue(waiter);
	lend_unlock();
	if (!granted)
		return result;
	return waiter->died ? settle(waiter, address) : 0;
}

long futex_lock_pi(vaddr_t address, bool shared, nsec_t deadline, bool only_try)
{
	struct futex_pi_waiter waiter;
	struct futex_pi_attempt attempt = {.address = address};
	int result = futex_find_key(address, shared, &attempt.key);

	futex_pi_init_waiter(&waiter);
	if (result < 0)
		return result;
	do {
		result = futex_pi_prepare(&attempt);
		if (result < 0)
			return result;
		lend_lock();
		result = futex_pi_take_locked(&attempt, &waiter, only_try, false);
		lend_unlock();
		futex_pi_forget(&attempt);
	} while (result == PI_RETRY && !task_kill_pending(current));
	if (result != PI_QUEUED)
		return result == PI_RETRY ? -EINTR : result;
	result = futex_pi_sleep(&waiter, deadline);
	result = futex_pi_finish(&waiter, address, result);
	return result == -ERESTARTSYS ? -ERESTARTNOINTR : result;
}

/* --- Releasing --- */

/* PI_TAKEN: done, PI_RETRY, or an error. */
static int unlock_locked(vaddr_t address, const struct vm_word_key *key, u32 value)
{
	struct futex_pi_state *state = state_find(key);
	u32 next = 0;

	if (state == NULL)
		return change_word(address, value, 0);
	if (state->owner != current)
		return -EINVAL;
	struct futex_pi_waiter *first = first_waiter(state);
	if (first != NULL) {
		next = (u32)task_shown(first->lender.task);
		if (first->link.next != &state->waiters)
			next |= FUTEX_WAITERS;
	}
	int outcome = change_word(address, value, next);
	if (outcome == PI_TAKEN && first != NULL)
		hand_over(state, false);
	return outcome;
}

long futex_unlock_pi(vaddr_t address, bool shared)
{
	struct vm_word_key key;
	u32 value;
	int result = futex_find_key(address, shared, &key);

	if (result < 0)
		return result;
	do {
		if (arch_user_atomic_u32(USER_ATOMIC_OR, address, 0, &value) < 0)
			return -EFAULT;
		if ((value & FUTEX_TID_MASK) != (u32)task_shown(current))
			return -EPERM;
		lend_lock();
		result = unlock_locked(address, &key, value);
		lend_unlock();
	} while (result == PI_RETRY && !task_kill_pending(current));
	return result == PI_RETRY ? -EINTR : result;
}

void futex_pi_release(struct task *task)
{
	struct futex_task *mine = &task->futex;

	lend_lock();
	mine->gone = task->flags & TASK_EXITING;
	while (!list_empty(&mine->held)) {
		struct futex_pi_state *state =
			list_first_entry(&mine->held, struct futex_pi_state, held_link);
		ASSERT(first_waiter(state) != NULL);
		hand_over(state, true);
	}
	lend_unlock();
}

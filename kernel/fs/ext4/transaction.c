/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles.
 *
 * A handle opens in the running transaction if that is not about to commit, and if both the
 * transaction and the log have room for all that the open handles may still change.  Otherwise who
 * opens it commits the transaction, or writes committed blocks to their places, and tries again.
 */
#include "fs/ext4/transaction_internal.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { SPARE = 16 };

/* --- The task's handle --- */

static struct ext4_handle *find_mine(const struct ext4_journal *journal)
{
	struct ext4_handle *handle = *journal->ops->handle_slot();

	while (handle && handle->journal != journal)
		handle = handle->outer;
	return handle;
}

static void push(struct ext4_handle *handle)
{
	void **slot = handle->journal->ops->handle_slot();

	handle->outer = *slot;
	*slot = handle;
}

static void pop(struct ext4_handle *handle)
{
	void **slot = handle->journal->ops->handle_slot();

	ASSERT(*slot == handle);
	*slot = handle->outer;
}

/* --- Room --- */

/* Has the running transaction room for so many credits more? */
static bool fits_transaction(const struct ext4_transaction *transaction, u32 credits, u32 limit)
{
	return (u64)transaction->count + transaction->reserved + credits <= limit;
}

/* … and the log for all of it? */
static bool fits_log(const struct ext4_journal *journal, const struct ext4_transaction *transaction,
		     u32 credits)
{
	u32 blocks = transaction->count + transaction->reserved + credits;
	u32 spare = journal->length / SPARE; /* for blocks and numbers that nobody asked room for */

	return !journal->has_log ||
	       commit_room(journal, blocks, transaction->revoked_count) + spare <= journal->free;
}

static struct ext4_transaction *transaction_allocate(struct ext4_journal *journal)
{
	struct ext4_transaction *transaction = journal_allocate(journal, sizeof(*transaction));

	if (!transaction)
		return NULL;
	memset(transaction, 0, sizeof(*transaction));
	list_init(&transaction->blocks);
	list_init(&transaction->checkpoint);
	list_init(&transaction->link);
	transaction->revoked = RB_ROOT;
	return transaction;
}

enum entry { ENTERED, WAIT_FOR_SWITCH, COMMIT_FIRST, CHECKPOINT_FIRST, REFUSED };

/* Enters the running transaction, or says what is in the way.  *fresh becomes the running one if
 * there is none. */
static enum entry try_enter_locked(struct ext4_handle *handle, u32 credits,
				   struct ext4_transaction **fresh)
{
	struct ext4_journal *journal = handle->journal;
	struct ext4_transaction *running = journal->running;

	if (journal->error || journal->suspended)
		return REFUSED;
	if (!running) {
		if (!fits_log(journal, *fresh, credits) || journal_has_many_pinned(journal))
			return CHECKPOINT_FIRST;
		running = *fresh;
		*fresh = NULL;
		running->id = journal->next_id++;
		journal->running = running;
	}
	if (running->locked)
		return WAIT_FOR_SWITCH;
	if (!fits_transaction(running, credits, journal->max_transaction))
		return COMMIT_FIRST;
	if (!fits_log(journal, running, credits) || journal_has_many_pinned(journal))
		return CHECKPOINT_FIRST;
	running->handles++;
	running->reserved += credits;
	handle->transaction = running;
	handle->credits = credits;
	return ENTERED;
}

static bool may_try(struct ext4_journal *journal, const struct ext4_transaction *seen)
{
	bool may;

	spin_lock(&journal->lock);
	may = journal->running != seen || journal->error;
	spin_unlock(&journal->lock);
	return may;
}

/* Does what is in the way of a handle. */
static int clear_way(struct ext4_journal *journal, enum entry entry,
		     const struct ext4_transaction *running, u32 id)
{
	switch (entry) {
	case WAIT_FOR_SWITCH:
		wait_event(&journal->changed, may_try(journal, running));
		return 0;
	case COMMIT_FIRST:
		return ext4_transaction_commit(journal->volume, id) ? -EROFS : 0;
	case CHECKPOINT_FIRST:
		return checkpoint_some(journal) ? -EROFS : 0;
	default:
		return -EROFS;
	}
}

/* Enters the handle into a transaction, whatever it takes. */
static int enter(struct ext4_handle *handle, u32 credits)
{
	struct ext4_journal *journal = handle->journal;
	struct ext4_transaction *fresh = NULL, *running;
	enum entry entry;
	int error;
	u32 id;

	if (credits > journal->max_transaction)
		return -ENOSPC;
	do {
		if (!fresh)
			fresh = transaction_allocate(journal);
		if (!fresh)
			return -ENOMEM;
		spin_lock(&journal->lock);
		entry = try_enter_locked(handle, credits, &fresh);
		running = journal->running;
		id = running ? running->id : 0;
		spin_unlock(&journal->lock);
		error = entry == ENTERED ? 0 : clear_way(journal, entry, running, id);
	} while (entry != ENTERED && !error);
	if (fresh)
		journal_release(journal, fresh);
	else
		wake_up_all(&journal->work);
	return error;
}

/* Leaves its transaction. */
static void leave(struct ext4_handle *handle)
{
	struct ext4_journal *journal = handle->journal;
	struct ext4_transaction *transaction = handle->transaction;
	bool last;

	if (!transaction)
		return;
	spin_lock(&journal->lock);
	ASSERT(transaction->handles > 0 && transaction->reserved >= handle->credits);
	transaction->reserved -= handle->credits;
	transaction->handles--;
	last = transaction->handles == 0 && transaction->locked;
	handle->transaction = NULL;
	handle->credits = 0;
	spin_unlock(&journal->lock);
	if (last)
		wake_up_all(&journal->changed);
}

/* --- Calls --- */

/* Takes so many credits more from the transaction, as long as it has no more than `limit`. */
static int grow(struct ext4_handle *handle, u32 more, u32 limit)
{
	struct ext4_journal *journal = handle->journal;
	struct ext4_transaction *transaction = handle->transaction;
	int error = -EAGAIN;

	spin_lock(&journal->lock);
	if (journal->error) {
		error = -EROFS;
	} else if (fits_transaction(transaction, more, limit) &&
		   fits_log(journal, transaction, more)) {
		transaction->reserved += more;
		handle->credits += more;
		error = 0;
	}
	spin_unlock(&journal->lock);
	return error;
}

/* What a task began must not fail halfway, so the limit is the log's half. */
static int start_nested(struct ext4_handle *handle, u32 credits)
{
	u32 more = credits - MIN(credits, handle->credits);
	int error = 0;

	if (!handle->transaction)
		return -EROFS;
	if (more > 0)
		error = grow(handle, more, 2 * handle->journal->max_transaction);
	if (error)
		return error == -EAGAIN ? -ENOSPC : error;
	handle->depth++;
	return 0;
}

int ext4_transaction_start(struct ext4_volume *volume, u32 credits, struct ext4_handle **result)
{
	struct ext4_journal *journal = volume->journal;
	struct ext4_handle *handle;
	int error;

	*result = NULL;
	if (!journal)
		return -EROFS;
	handle = find_mine(journal);
	if (handle) {
		error = start_nested(handle, credits);
		*result = error ? NULL : handle;
		return error;
	}
	handle = journal_allocate(journal, sizeof(*handle));
	if (!handle)
		return -ENOMEM;
	*handle = (struct ext4_handle){.journal = journal, .depth = 1};
	error = enter(handle, credits);
	if (error) {
		journal_release(journal, handle);
		return error;
	}
	push(handle);
	*result = handle;
	return 0;
}

int ext4_transaction_stop(struct ext4_handle *handle)
{
	struct ext4_journal *journal = handle->journal;
	int error = ext4_transaction_aborted(journal->volume) ? -EROFS : 0;

	if (--handle->depth > 0)
		return error;
	leave(handle);
	pop(handle);
	journal_release(journal, handle);
	return error;
}

int ext4_handle_extend(struct ext4_handle *handle, u32 credits)
{
	u32 more = credits - MIN(credits, handle->credits);

	if (!handle->transaction)
		return -EROFS;
	if (more == 0)
		return 0;
	/* Others wait for this transaction's end. */
	if (READ_ONCE(handle->transaction->locked))
		return -EAGAIN;
	return grow(handle, more, handle->journal->max_transaction);
}

int ext4_handle_restart(struct ext4_handle *handle, u32 credits)
{
	int error = ext4_handle_extend(handle, credits);

	ASSERT(handle->depth == 1);
	if (error != -EAGAIN)
		return error;
	leave(handle);
	return enter(handle, credits);
}

u32 ext4_handle_sequence(const struct ext4_handle *handle)
{
	return handle->transaction ? handle->transaction->id : 0;
}

struct ext4_volume *ext4_handle_volume(const struct ext4_handle *handle)
{
	return handle->journal->volume;
}

u32 ext4_handle_credits(const struct ext4_handle *handle)
{
	return handle->credits;
}

void ext4_transaction_abort(struct ext4_volume *volume, int error, const char *why)
{
	struct ext4_journal *journal = volume->journal;
	bool first;

	spin_lock(&journal->lock);
	first = journal->error == 0;
	if (first)
		WRITE_ONCE(journal->error, error);
	spin_unlock(&journal->lock);
	if (!first)
		return;
	volume->ops->complain(volume->context, why, (u64)-error);
	if (journal->ops->aborted)
		journal->ops->aborted(volume->context, error);
	wake_up_all(&journal->changed);
}

bool ext4_transaction_aborted(const struct ext4_volume *volume)
{
	return volume->journal && READ_ONCE(volume->journal->error) != 0;
}

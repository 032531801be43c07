/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals as files: open, read, write, poll.
 *
 * Data crosses between user memory and the discipline in small chunks on the stack, since user
 * memory may not be touched under tty->lock. One reader at a time (read_lock), so that a line is
 * not split between two; the same for writers.
 */
#include "arch/clock.h"
#include "drivers/tty/tty_internal.h"
#include "fs/device.h"
#include "fs/vfs.h"
#include "proc/credentials.h"
#include "proc/session.h"
#include "proc/signal.h"

#define CHUNK          256
#define DECISECOND     (NSEC_PER_SEC / 10)
#define CONSOLE_DEVICE device_make(5, 1)

/* --- Open and close --- */

static void acquire_on_open(struct file *file, struct tty *tty)
{
	if ((file->flags & O_NOCTTY) || !(file->mode & FILE_READ) ||
	    file->inode->rdev == CONSOLE_DEVICE || !session_current_is_leader() ||
	    session_tty() != NULL || READ_ONCE(tty->session) != NULL)
		return;
	/* Losing a race for the terminal is no error: the file is open all the same. */
	int ignored __unused = tty_acquire(tty, false);
}

int tty_open_file(struct file *file, struct tty *tty)
{
	bool privileged = capable(CAP_SYS_ADMIN);
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	bool busy = tty->exclusive && tty->opens > 0 && !privileged;
	int error = tty->hung_up ? -EIO : busy ? -EBUSY : 0;

	if (!error) {
		tty->opens++;
		file->hangups = tty->hangups;
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	if (error)
		return error;
	file->private = tty;
	acquire_on_open(file, tty);
	return 0;
}

static int tty_open(struct inode *inode, struct file *file)
{
	struct tty *tty = tty_find(inode->rdev);

	if (tty == NULL)
		return -ENXIO;
	int error = tty_open_file(file, tty);
	if (error)
		tty_put(tty);
	return error;
}

/* /dev/tty: whatever terminal the process has. */
static int tty_open_current(struct inode *inode __unused, struct file *file)
{
	struct tty *tty = tty_find_controlling();

	if (tty == NULL)
		return -ENXIO;
	int error = tty_open_file(file, tty);
	if (error)
		tty_put(tty);
	else
		file->ops = &tty_file_operations;
	return error;
}

static void tty_release(struct file *file)
{
	struct tty *tty = file->private;
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	bool last = --tty->opens == 0;

	if (last)
		tty->exclusive = false;
	spin_unlock_irqrestore(&tty->lock, flags);
	if (last && tty->ops->closed != NULL)
		tty->ops->closed(tty);
	tty_put(tty);
}

bool tty_file_is_off(const struct file *file)
{
	const struct tty *tty = file->private;

	return file->hangups != READ_ONCE(tty->hangups) && file->inode->rdev != CONSOLE_DEVICE;
}

/* --- Reading --- */

/* What a read has to wait for: tcgetattr's MIN and TIME, which count in raw mode only. */
struct read_rule {
	size_t minimum;   /* bytes that end the read */
	nsec_t first_gap; /* how long to wait for the first byte; NO_DEADLINE: for ever */
	nsec_t later_gap; /* how long to wait between bytes */
};

static struct read_rule read_rule(struct tty *tty, size_t size)
{
	struct read_rule rule = {1, NO_DEADLINE, NO_DEADLINE};
	unsigned long flags = spin_lock_irqsave(&tty->lock);

	if (!tty_local(tty, ICANON)) {
		nsec_t time = tty->termios.c_cc[VTIME] * DECISECOND;

		rule.minimum = MIN((size_t)tty->termios.c_cc[VMIN], size);
		if (rule.minimum == 0)
			rule.first_gap = rule.later_gap = time;
		else if (time != 0)
			rule.later_gap = time;
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	return rule;
}

static bool has_input(struct tty *tty, const struct file *file)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	bool ready = tty_input_ready_locked(tty, 1) || tty->hung_up || tty_file_is_off(file);

	spin_unlock_irqrestore(&tty->lock, flags);
	return ready;
}

/* Waits until there is something to take.  0, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS.  With MIN and TIME
 * 0 a read never waits, and finds nothing rather than an error. */
static int wait_for_input(struct tty *tty, struct file *file, nsec_t gap)
{
	if (gap == 0)
		return -ETIMEDOUT;
	if (file->flags & O_NONBLOCK)
		return -EAGAIN;
	nsec_t deadline = gap == NO_DEADLINE ? NO_DEADLINE : clock_monotonic() + gap;
	return wait_event_timeout(&tty->read_wait, has_input(tty, file), deadline,
				  WAIT_INTERRUPTIBLE);
}

/* Takes a chunk to the reader.  Bytes taken; *ended when the read is complete whatever their number
 * (a line's end, hang-up). */
static ssize_t take_chunk(struct tty *tty, struct io_cursor *cursor, bool *ended)
{
	u8 chunk[CHUNK];
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	bool hung_up = tty->hung_up;
	bool line_ended = false;
	size_t taken = tty_input_take_locked(tty, chunk, MIN(cursor->remaining, sizeof(chunk)),
					     &line_ended);

	spin_unlock_irqrestore(&tty->lock, flags);
	if (taken > 0 && tty->ops->unthrottle != NULL)
		tty->ops->unthrottle(tty);
	*ended = line_ended || (taken == 0 && hung_up);
	return taken > 0 ? io_copy_to(cursor, chunk, taken) : 0;
}

static ssize_t read_locked(struct tty *tty, struct file *file, struct io_cursor *cursor)
{
	struct read_rule rule = read_rule(tty, cursor->remaining);
	size_t total = 0;
	int error = 0;

	while (cursor->remaining > 0 && !tty_file_is_off(file)) {
		bool ended;
		ssize_t taken = take_chunk(tty, cursor, &ended);

		if (taken < 0) {
			error = (int)taken;
			break;
		}
		total += (size_t)taken;
		if (ended)
			break;
		if (taken > 0)
			continue;
		if (total >= rule.minimum && total > 0)
			break;
		error = job_control_check_background(tty, SIGTTIN);
		if (error)
			break;
		error = wait_for_input(tty, file, total > 0 ? rule.later_gap : rule.first_gap);
		if (error)
			break;
	}
	if (total > 0 || error == -ETIMEDOUT)
		return (ssize_t)total;
	return error;
}

static ssize_t tty_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct tty *tty = file->private;

	if (tty_file_is_off(file))
		return 0;
	int error = job_control_check_background(tty, SIGTTIN);
	if (error)
		return error;
	if (file->flags & O_NONBLOCK) {
		if (!mutex_trylock(&tty->read_lock))
			return -EAGAIN;
	} else {
		error = mutex_lock_interruptible(&tty->read_lock);
		if (error)
			return error;
	}
	ssize_t result = read_locked(tty, file, cursor);
	mutex_unlock(&tty->read_lock);
	return result;
}

/* --- Writing --- */

static bool has_room_locked(struct tty *tty)
{
	/* Eight: the widest expansion of one byte, a tab. */
	return tty->hung_up || (!tty->stopped && tty->ops->write_room(tty) >= 8);
}

static bool has_room(struct tty *tty, const struct file *file)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	bool room = has_room_locked(tty) || tty_file_is_off(file);

	spin_unlock_irqrestore(&tty->lock, flags);
	return room;
}

/* Sends all of the chunk, waiting as often as it must.  Bytes sent; an error if none. */
static ssize_t send_chunk(struct tty *tty, struct file *file, const u8 *chunk, size_t count)
{
	size_t sent = 0;

	while (sent < count) {
		unsigned long flags = spin_lock_irqsave(&tty->lock);
		bool hung_up = tty->hung_up || tty_file_is_off(file);
		size_t now = hung_up ? 0 : tty_output_locked(tty, chunk + sent, count - sent);

		spin_unlock_irqrestore(&tty->lock, flags);
		sent += now;
		if (hung_up)
			return sent > 0 ? (ssize_t)sent : -EIO;
		if (now > 0)
			continue;
		int error =
			(file->flags & O_NONBLOCK)
				? -EAGAIN
				: wait_event_interruptible(&tty->write_wait, has_room(tty, file));
		if (error)
			return sent > 0 ? (ssize_t)sent : error;
	}
	return (ssize_t)sent;
}

static ssize_t write_locked(struct tty *tty, struct file *file, struct io_cursor *cursor)
{
	u8 chunk[CHUNK];
	size_t total = 0;

	while (cursor->remaining > 0) {
		ssize_t count = io_copy_from(cursor, chunk, sizeof(chunk));
		if (count <= 0)
			return total > 0 ? (ssize_t)total : count;
		ssize_t sent = send_chunk(tty, file, chunk, (size_t)count);
		if (sent < 0)
			return total > 0 ? (ssize_t)total : sent;
		total += (size_t)sent;
		if (sent < count)
			break;
	}
	return (ssize_t)total;
}

static ssize_t tty_write(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct tty *tty = file->private;
	int error = 0;

	if (tty_file_is_off(file))
		return -EIO;
	if (tty_local(tty, TOSTOP))
		error = job_control_check_background(tty, SIGTTOU);
	if (error)
		return error;
	if (file->flags & O_NONBLOCK) {
		if (!mutex_trylock(&tty->write_lock))
			return -EAGAIN;
	} else {
		error = mutex_lock_interruptible(&tty->write_lock);
		if (error)
			return error;
	}
	ssize_t result = write_locked(tty, file, cursor);
	mutex_unlock(&tty->write_lock);
	return result;
}

static u32 tty_poll(struct file *file, struct poll_table *table)
{
	struct tty *tty = file->private;
	u32 events = 0;

	poll_wait(file, &tty->read_wait, table);
	poll_wait(file, &tty->write_wait, table);
	if (tty_file_is_off(file))
		return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	size_t minimum = tty->termios.c_cc[VTIME] == 0 ? tty->termios.c_cc[VMIN] : 1;
	if (tty_input_ready_locked(tty, minimum) || tty->hung_up)
		events |= POLLIN | POLLRDNORM;
	if (tty->hung_up)
		events |= POLLHUP | POLLERR;
	if (has_room_locked(tty))
		events |= POLLOUT | POLLWRNORM;
	spin_unlock_irqrestore(&tty->lock, flags);
	return events;
}

const struct file_operations tty_file_operations = {
	.open = tty_open,
	.release = tty_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.stream = true,
};

const struct file_operations tty_current_operations = {
	.open = tty_open_current,
	.stream = true,
};

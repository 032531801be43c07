/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudoterminals: pty(7).  The slave is an ordinary terminal (struct tty) whose wire ends in the
 * master, a file that a terminal emulator holds: what programs write to the slave lands in the
 * `output` ring, which the master reads; what the master writes is received by the slave's
 * discipline.
 *
 * A pty lives as long as anything refers to its slave: the master file, open slave files, the
 * session.  The number is free again after that.  All state is guarded by the slave's tty->lock,
 * which is held when the discipline calls the operations.
 */
#include "drivers/tty/pty.h"
#include "drivers/tty/tty_internal.h"
#include "fs/device.h"
#include "lib/abi/signal.h"
#include "lib/bitmap.h"
#include "lib/format.h"
#include "lib/log.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"

#define TTYAUX_MAJOR 5
#define PTMX_MINOR   2
#define CHUNK        256

static spinlock_t numbers_lock;
static u64 numbers[PTY_MAX / 64]; /* numbers_lock: bit n is set while pty n exists */

static int number_alloc(void)
{
	spin_lock(&numbers_lock);
	size_t number = bitmap_find_clear(numbers, PTY_MAX, 0);
	if (number < PTY_MAX)
		bitmap_set(numbers, number);
	spin_unlock(&numbers_lock);
	return number < PTY_MAX ? (int)number : -ENOSPC;
}

static void number_free(u32 number)
{
	spin_lock(&numbers_lock);
	bitmap_clear(numbers, number);
	spin_unlock(&numbers_lock);
}

/* --- The slave's wire --- */

static size_t pty_write(struct tty *tty, const u8 *bytes, size_t count)
{
	struct pty *pty = tty->driver;
	size_t taken = ring_write(&pty->output, bytes, count);

	if (taken > 0)
		wake_up_events(&pty->master_wait, UINT_MAX, POLLIN | POLLRDNORM);
	return taken;
}

static size_t pty_write_room(struct tty *tty)
{
	struct pty *pty = tty->driver;

	return ring_space(&pty->output);
}

/* The master's buffer is the wire's end: nothing is on its way. */
static size_t pty_pending(struct tty *tty __unused)
{
	return 0;
}

static void pty_packet_event(struct tty *tty, u8 events)
{
	struct pty *pty = tty->driver;

	if (!pty->packet_mode)
		return;
	/* Of a pair of opposites only the latest is told. */
	if (events & (TIOCPKT_STOP | TIOCPKT_START))
		pty->packet_events &= (u8) ~(TIOCPKT_STOP | TIOCPKT_START);
	if (events & (TIOCPKT_NOSTOP | TIOCPKT_DOSTOP))
		pty->packet_events &= (u8) ~(TIOCPKT_NOSTOP | TIOCPKT_DOSTOP);
	pty->packet_events |= events;
	wake_up_events(&pty->master_wait, UINT_MAX, POLLIN | POLLPRI | POLLRDNORM);
}

static void pty_flush_output(struct tty *tty)
{
	struct pty *pty = tty->driver;

	ring_clear(&pty->output);
	pty_packet_event(tty, TIOCPKT_FLUSHWRITE);
}

static void pty_unthrottle(struct tty *tty)
{
	struct pty *pty = tty->driver;

	wake_up_events(&pty->master_wait, UINT_MAX, POLLOUT | POLLWRNORM);
}

static void pty_slave_closed(struct tty *tty)
{
	struct pty *pty = tty->driver;

	wake_up_all(&pty->master_wait);
}

static void pty_destroy(struct tty *tty)
{
	struct pty *pty = tty->driver;

	tty_unlist(tty);
	number_free(pty->number);
	kfree(pty);
}

static const struct tty_operations pty_operations = {
	.write = pty_write,
	.write_room = pty_write_room,
	.pending = pty_pending,
	.flush_output = pty_flush_output,
	.unthrottle = pty_unthrottle,
	.closed = pty_slave_closed,
	.destroy = pty_destroy,
	.packet_event = pty_packet_event,
};

static struct pty *pty_create(void)
{
	char name[16];
	int number = number_alloc();

	if (number < 0)
		return ERR_PTR(number);
	struct pty *pty = kzalloc(sizeof(*pty));
	if (pty == NULL) {
		number_free((u32)number);
		return ERR_PTR(-ENOMEM);
	}
	snprintf(name, sizeof(name), "pts/%d", number);
	tty_init(&pty->slave, name, device_make(PTY_MAJOR, (u32)number), &pty_operations, pty);
	pty->number = (u32)number;
	pty->locked = true;
	ring_init(&pty->output, pty->output_bytes, sizeof(pty->output_bytes));
	wait_queue_init(&pty->master_wait);
	tty_list(&pty->slave);
	int error = devpts_add(pty);
	if (error) {
		tty_put(&pty->slave);
		return ERR_PTR(error);
	}
	return pty;
}

/* --- The master's file --- */

/* Has the slave been opened and closed by all? Then there is nothing more to come. */
static bool is_abandoned(const struct pty *pty)
{
	return pty->slave_used && pty->slave.opens == 0;
}

static bool master_readable(struct pty *pty)
{
	return ring_used(&pty->output) > 0 || READ_ONCE(pty->packet_events) != 0 ||
	       is_abandoned(pty);
}

/* Moves what there is to `to`: in packet mode a status byte first.  0: nothing; -EIO: never again.
 */
static ssize_t take_output(struct pty *pty, u8 *to, size_t size)
{
	struct tty *tty = &pty->slave;
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	ssize_t taken = 0;

	if (pty->packet_mode && pty->packet_events != 0) {
		to[0] = pty->packet_events;
		pty->packet_events = 0;
		taken = 1;
	} else if (ring_used(&pty->output) > 0) {
		size_t header = pty->packet_mode ? 1 : 0;

		if (header != 0)
			to[0] = TIOCPKT_DATA;
		taken = (ssize_t)(header + ring_read(&pty->output, to + header, size - header));
	} else if (is_abandoned(pty)) {
		taken = -EIO;
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	return taken;
}

static ssize_t master_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct pty *pty = file->private;
	u8 chunk[CHUNK];
	size_t total = 0;

	while (cursor->remaining > 0) {
		ssize_t taken = take_output(pty, chunk, MIN(cursor->remaining, sizeof(chunk)));

		if (taken < 0)
			return total > 0 ? (ssize_t)total : taken;
		if (taken == 0) {
			if (total > 0)
				break;
			if (file->flags & O_NONBLOCK)
				return -EAGAIN;
			int error =
				wait_event_interruptible(&pty->master_wait, master_readable(pty));
			if (error)
				return error;
			continue;
		}
		ssize_t copied = io_copy_to(cursor, chunk, (size_t)taken);
		if (copied < 0)
			return total > 0 ? (ssize_t)total : copied;
		total += (size_t)copied;
		if (pty->packet_mode)
			break;
	}
	if (total > 0)
		tty_wake_writers(&pty->slave);
	return (ssize_t)total;
}

static ssize_t master_write(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct pty *pty = file->private;
	u8 chunk[CHUNK];
	size_t total = 0;

	while (cursor->remaining > 0) {
		size_t room = tty_receive_room(&pty->slave);

		if (room == 0) {
			if (total > 0)
				break;
			if (file->flags & O_NONBLOCK)
				return -EAGAIN;
			int error = wait_event_interruptible(&pty->master_wait,
							     tty_receive_room(&pty->slave) > 0);
			if (error)
				return error;
			continue;
		}
		ssize_t count = io_copy_from(cursor, chunk, MIN(room, sizeof(chunk)));
		if (count <= 0)
			return total > 0 ? (ssize_t)total : count;
		total += tty_receive(&pty->slave, chunk, (size_t)count);
	}
	return (ssize_t)total;
}

static u32 master_poll(struct file *file, struct poll_table *table)
{
	struct pty *pty = file->private;
	u32 events = 0;

	poll_wait(file, &pty->master_wait, table);
	unsigned long flags = spin_lock_irqsave(&pty->slave.lock);
	if (ring_used(&pty->output) > 0)
		events |= POLLIN | POLLRDNORM;
	if (pty->packet_events != 0)
		events |= POLLIN | POLLPRI | POLLRDNORM;
	if (is_abandoned(pty))
		events |= POLLHUP;
	spin_unlock_irqrestore(&pty->slave.lock, flags);
	if (tty_receive_room(&pty->slave) > 0)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static long set_locked(struct pty *pty, vaddr_t argument)
{
	u32 locked;

	if (get_user(locked, argument))
		return -EFAULT;
	WRITE_ONCE(pty->locked, locked != 0);
	return 0;
}

static long set_packet_mode(struct pty *pty, vaddr_t argument)
{
	u32 on;

	if (get_user(on, argument))
		return -EFAULT;
	unsigned long flags = spin_lock_irqsave(&pty->slave.lock);
	if (on != 0 && !pty->packet_mode)
		pty->packet_events = 0;
	pty->packet_mode = on != 0;
	spin_unlock_irqrestore(&pty->slave.lock, flags);
	return 0;
}

/* The master types a signal's character, whatever it is set to. */
static long send_signal(struct pty *pty, vaddr_t signal)
{
	if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP)
		return -EINVAL;
	tty_signal_foreground(&pty->slave, (int)signal);
	return 0;
}

/* What the master has written and the slave's readers could take. */
static long count_input(struct pty *pty, vaddr_t argument)
{
	unsigned long flags = spin_lock_irqsave(&pty->slave.lock);
	u32 count = (u32)tty_input_count_locked(&pty->slave);

	spin_unlock_irqrestore(&pty->slave.lock, flags);
	return put_user(count, argument);
}

static long open_peer(struct pty *pty, u32 flags)
{
	struct file *file = devpts_open(pty, flags);

	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, flags);
}

static long master_ioctl(struct file *file, unsigned request, vaddr_t argument)
{
	struct pty *pty = file->private;

	switch (request) {
	case TIOCGPTN:
		return put_user(pty->number, argument);
	case TIOCSPTLCK:
		return set_locked(pty, argument);
	case TIOCGPTLCK:
		return put_user((u32)pty->locked, argument);
	case TIOCPKT:
		return set_packet_mode(pty, argument);
	case TIOCGPKT:
		return put_user((u32)pty->packet_mode, argument);
	case TIOCGPTPEER:
		return open_peer(pty, (u32)argument);
	case FIONREAD:
		return put_user((u32)ring_used(&pty->output), argument);
	case TIOCOUTQ:
		return count_input(pty, argument);
	case TIOCSIG:
		return send_signal(pty, argument);
	case TIOCSCTTY:
	case TIOCNOTTY:
		return -ENOTTY;
	default:
		return tty_ioctl_common(&pty->slave, request, argument);
	}
}

static void master_release(struct file *file)
{
	struct pty *pty = file->private;

	devpts_remove(pty);
	tty_hangup(&pty->slave);
	tty_put(&pty->slave);
}

static const struct file_operations master_operations = {
	.release = master_release,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.stream = true,
};

static int ptmx_open(struct inode *inode __unused, struct file *file)
{
	struct pty *pty = pty_create();

	if (IS_ERR(pty))
		return (int)PTR_ERR(pty);
	file->private = pty;
	file->ops = &master_operations;
	return 0;
}

static const struct file_operations ptmx_operations = {
	.open = ptmx_open,
	.stream = true,
};

/* --- The slave's device --- */

static int slave_open(struct inode *inode, struct file *file)
{
	struct tty *tty = tty_find(inode->rdev);

	if (tty == NULL)
		return -ENXIO;
	struct pty *pty = tty->driver;
	int error = READ_ONCE(pty->locked) ? -EIO : tty_open_file(file, tty);
	if (error) {
		tty_put(tty);
		return error;
	}
	WRITE_ONCE(pty->slave_used, true);
	file->ops = &tty_file_operations;
	return 0;
}

static const struct file_operations slave_operations = {
	.open = slave_open,
	.stream = true,
};

void pty_init(void)
{
	int error = device_register_char(TTYAUX_MAJOR, PTMX_MINOR, 1, "ptmx", S_IFCHR | 0666,
					 &ptmx_operations);

	if (!error)
		error = device_register_char(PTY_MAJOR, 0, PTY_MAX, "pts", S_IFCHR | 0620,
					     &slave_operations);
	if (error)
		log_warn("pty: cannot be registered: error %d", -error);
	else
		devpts_init();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ioctls of terminals: tty_ioctl(4).  Those of job control are in tty_job.c.
 */
#include "arch/clock.h"
#include "drivers/tty/tty_internal.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/session.h"
#include "proc/signal.h"

#define DRAIN_POLL (2 * NSEC_PER_MSEC)

/* --- Settings --- */

static bool is_drained(struct tty *tty)
{
	return tty->hung_up || tty->ops->pending(tty) == 0;
}

/* Waits until all output is on the wire.  Drivers wake writers only when half empty, so it looks
 * again every little while. */
static int drain(struct tty *tty)
{
	while (!is_drained(tty)) {
		int error = wait_event_timeout(&tty->write_wait, is_drained(tty),
					       clock_monotonic() + DRAIN_POLL, WAIT_INTERRUPTIBLE);
		if (error != 0 && error != -ETIMEDOUT)
			return error;
	}
	return 0;
}

static void flush(struct tty *tty, bool input, bool output)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);

	if (input)
		tty_input_flush_locked(tty);
	if (output && tty->ops->flush_output != NULL)
		tty->ops->flush_output(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	if (input && tty->ops->unthrottle != NULL)
		tty->ops->unthrottle(tty);
	if (output)
		tty_wake_writers(tty);
}

/* Does the terminal stop and go by ^S and ^Q?  A pty's packet mode tells of changes. */
static bool has_usual_flow_control(const struct tty *tty)
{
	return tty_input_flag(tty, IXON) && tty->termios.c_cc[VSTOP] == 0x13 &&
	       tty->termios.c_cc[VSTART] == 0x11;
}

static void apply_settings(struct tty *tty, const struct linux_termios2 *settings)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	bool was_canonical = tty_local(tty, ICANON);
	bool had_flow_control = has_usual_flow_control(tty);
	bool stops_by_byte = tty_input_flag(tty, IXON);

	tty->termios = settings->base;
	tty->speed = settings->c_ospeed;
	if (was_canonical != tty_local(tty, ICANON))
		tty_input_mode_changed_locked(tty);
	if (stops_by_byte && !tty_input_flag(tty, IXON))
		tty->stopped = false;
	if (had_flow_control != has_usual_flow_control(tty) && tty->ops->packet_event != NULL)
		tty->ops->packet_event(tty, had_flow_control ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
	spin_unlock_irqrestore(&tty->lock, flags);
	/* What was not a line may be readable now, and stopped writers may go on. */
	wake_up_events(&tty->read_wait, UINT_MAX, POLLIN | POLLRDNORM);
	tty_wake_writers(tty);
}

static long get_settings(struct tty *tty, vaddr_t argument, size_t size)
{
	struct linux_termios2 settings = {0};
	unsigned long flags = spin_lock_irqsave(&tty->lock);

	settings.base = tty->termios;
	settings.c_ispeed = settings.c_ospeed = tty->speed;
	spin_unlock_irqrestore(&tty->lock, flags);
	return copy_to_user((void __user *)argument, &settings, size);
}

/* `wait`: after output has drained; `discard`: and input is thrown away. */
static long set_settings(struct tty *tty, vaddr_t argument, size_t size, bool wait, bool discard)
{
	struct linux_termios2 settings = {.c_ispeed = tty->speed, .c_ospeed = tty->speed};
	int error = job_control_check_background(tty, SIGTTOU);

	if (error)
		return error;
	if (copy_from_user(&settings, (const void __user *)argument, size))
		return -EFAULT;
	if (wait) {
		error = drain(tty);
		if (error)
			return error;
	}
	if (discard)
		flush(tty, true, false);
	apply_settings(tty, &settings);
	return 0;
}

static long settings_ioctl(struct tty *tty, unsigned request, vaddr_t argument)
{
	const size_t old = sizeof(struct linux_termios), new = sizeof(struct linux_termios2);

	switch (request) {
	case TCGETS:
		return get_settings(tty, argument, old);
	case TCGETS2:
		return get_settings(tty, argument, new);
	case TCSETS:
		return set_settings(tty, argument, old, false, false);
	case TCSETS2:
		return set_settings(tty, argument, new, false, false);
	case TCSETSW:
		return set_settings(tty, argument, old, true, false);
	case TCSETSW2:
		return set_settings(tty, argument, new, true, false);
	case TCSETSF:
		return set_settings(tty, argument, old, true, true);
	case TCSETSF2:
		return set_settings(tty, argument, new, true, true);
	default:
		return -ENOTTY;
	}
}

/* --- Flow --- */

static void stop_output(struct tty *tty, bool stopped)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);

	if (tty->stopped != stopped && tty->ops->packet_event != NULL)
		tty->ops->packet_event(tty, stopped ? TIOCPKT_STOP : TIOCPKT_START);
	tty->stopped = stopped;
	spin_unlock_irqrestore(&tty->lock, flags);
	if (!stopped)
		tty_wake_writers(tty);
}

/* TCOOFF and TCOON stop and start us; TCIOFF and TCION ask the other side by its control
 * characters. */
static long flow_control(struct tty *tty, vaddr_t action)
{
	u8 byte;
	int error = job_control_check_background(tty, SIGTTOU);

	if (error)
		return error;
	switch (action) {
	case TCOOFF:
	case TCOON:
		stop_output(tty, action == TCOOFF);
		return 0;
	case TCIOFF:
	case TCION:
		byte = tty->termios.c_cc[action == TCIOFF ? VSTOP : VSTART];
		if (byte != 0) {
			unsigned long flags = spin_lock_irqsave(&tty->lock);
			tty->ops->write(tty, &byte, 1);
			spin_unlock_irqrestore(&tty->lock, flags);
		}
		return 0;
	default:
		return -EINVAL;
	}
}

static long flush_queues(struct tty *tty, vaddr_t which)
{
	int error = job_control_check_background(tty, SIGTTOU);

	if (error)
		return error;
	if (which > TCIOFLUSH)
		return -EINVAL;
	flush(tty, which == TCIFLUSH || which == TCIOFLUSH,
	      which == TCOFLUSH || which == TCIOFLUSH);
	return 0;
}

/* --- Window, counts, injection --- */

static long set_window(struct tty *tty, vaddr_t argument)
{
	struct linux_winsize window;

	if (copy_from_user(&window, (const void __user *)argument, sizeof(window)))
		return -EFAULT;
	tty_set_window(tty, &window);
	return 0;
}

static long get_window(struct tty *tty, vaddr_t argument)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	struct linux_winsize window = tty->window;

	spin_unlock_irqrestore(&tty->lock, flags);
	return copy_to_user((void __user *)argument, &window, sizeof(window));
}

static long count_input(struct tty *tty, vaddr_t argument)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	u32 count = (u32)tty_input_count_locked(tty);

	spin_unlock_irqrestore(&tty->lock, flags);
	return put_user(count, argument);
}

static long inject_input(struct tty *tty, vaddr_t argument)
{
	u8 byte;

	if (session_tty() != (void *)tty && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(byte, argument))
		return -EFAULT;
	tty_receive(tty, &byte, 1);
	return 0;
}

static long wait_drained(struct tty *tty)
{
	int error = job_control_check_background(tty, SIGTTOU);

	return error ? error : drain(tty);
}

static long set_exclusive(struct tty *tty, bool exclusive)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);

	tty->exclusive = exclusive;
	spin_unlock_irqrestore(&tty->lock, flags);
	return 0;
}

long tty_ioctl(struct file *file, unsigned request, vaddr_t argument)
{
	struct tty *tty = file->private;

	if (tty_file_is_off(file))
		return request == TIOCSPGRP ? -ENOTTY : -EIO;
	/* Only the session's own programs may ask whose terminal it is; a pty's master may, too. */
	if ((request == TIOCGPGRP || request == TIOCGSID) && !tty->hung_up &&
	    session_tty() != (void *)tty)
		return -ENOTTY;
	return tty_ioctl_common(tty, request, argument);
}

long tty_ioctl_common(struct tty *tty, unsigned request, vaddr_t argument)
{
	if (tty->hung_up)
		return -EIO;
	switch (request) {
	case TIOCGWINSZ:
		return get_window(tty, argument);
	case TIOCSWINSZ:
		return set_window(tty, argument);
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGSID:
		return tty_job_ioctl(tty, request, argument);
	case FIONREAD:
		return count_input(tty, argument);
	case TIOCOUTQ:
		return put_user((u32)tty->ops->pending(tty), argument);
	case TCXONC:
		return flow_control(tty, argument);
	case TCFLSH:
		return flush_queues(tty, argument);
	case TCSBRK: /* with 0 a break, which our lines do not have; else tcdrain(3) */
	case TCSBRKP:
		return wait_drained(tty);
	case TIOCSTI:
		return inject_input(tty, argument);
	case TIOCEXCL:
	case TIOCNXCL:
		return set_exclusive(tty, request == TIOCEXCL);
	case TIOCGETD: /* the only discipline: N_TTY */
		return put_user((u32)0, argument);
	default:
		return settings_ioctl(tty, request, argument);
	}
}

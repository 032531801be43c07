/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the terminal layer share with each other. */
#ifndef DRIVERS_TTY_TTY_INTERNAL_H
#define DRIVERS_TTY_TTY_INTERNAL_H

#include "drivers/tty/tty.h"
#include "fs/file.h"
#include "proc/session.h"

static inline bool tty_local(const struct tty *tty, u32 flag)
{
	return (tty->termios.c_lflag & flag) != 0;
}
static inline bool tty_input_flag(const struct tty *tty, u32 flag)
{
	return (tty->termios.c_iflag & flag) != 0;
}
static inline bool tty_output_flag(const struct tty *tty, u32 flag)
{
	return (tty->termios.c_oflag & flag) != 0;
}

/* --- line_output.c; all with tty->lock held --- */

/* Sends bytes as OPOST says; returns how many of `count` were consumed (less when the driver is
 * full or output is stopped). */
size_t tty_output_locked(struct tty *tty, const u8 *bytes, size_t count);
/* Echoes a byte that was typed, control characters as ^X when ECHOCTL says so. */
void tty_echo_locked(struct tty *tty, u8 byte);
void tty_echo_raw_locked(struct tty *tty, const char *text, size_t length);
/* Takes `cells` columns back: backspace, space, backspace. */
void tty_erase_cells_locked(struct tty *tty, u32 cells);

/* --- line_input.c; with tty->lock held --- */

/* Is there something that a read would return at once, at least `minimum` bytes in raw mode? */
bool tty_input_ready_locked(const struct tty *tty, size_t minimum);
/* How many bytes FIONREAD answers. */
size_t tty_input_count_locked(const struct tty *tty);
/*
 * Moves up to `size` bytes of input to `to`.  In canonical mode stops behind a line's end and says
 * so in *line_ended.
 */
size_t tty_input_take_locked(struct tty *tty, u8 *to, size_t size, bool *line_ended);
void tty_input_flush_locked(struct tty *tty);
/* ICANON was switched: what was being edited becomes readable, or what is there becomes lines. */
void tty_input_mode_changed_locked(struct tty *tty);

/* --- tty_file.c --- */

/* Was the terminal hung up since the file was opened, so that nothing goes through it any more?  The
 * console's file stays on the line. */
bool tty_file_is_off(const struct file *file);

/* --- tty_ioctl.c --- */

long tty_ioctl(struct file *file, unsigned request, vaddr_t argument);
/* The same for a terminal itself; a pty's master uses it for its slave. */
long tty_ioctl_common(struct tty *tty, unsigned request, vaddr_t argument);

/* --- tty_job.c: job control --- */

/* Sends a signal to the foreground group of the terminal's session, if it has one.  Any context. */
void tty_signal_foreground(struct tty *tty, int signal);
/* Makes it the controlling terminal of current's session (TIOCSCTTY; an open without O_NOCTTY).  0
 * or -EPERM. */
int __must_check tty_acquire(struct tty *tty, bool steal);
/* Takes the terminal away from its session; who gets SIGHUP and SIGCONT: proc/session.h. */
void tty_drop_session(struct tty *tty, enum tty_loss loss);
long tty_job_ioctl(struct tty *tty, unsigned request, vaddr_t argument);
void tty_job_init(void);

#endif

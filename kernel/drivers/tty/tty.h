/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals.
 *
 * A struct tty is a line discipline (line_input.c, line_output.c: editing, echo, signals, output
 * processing), between programs (tty_file.c: read, write, poll; tty_ioctl.c) and a driver that
 * moves bytes (serial.c, pty.c).  Drivers give received bytes to tty_receive, from interrupt
 * handlers too, and take bytes to send through their operations.
 *
 * Locks: `lock`, a spin lock taken with interrupts off, guards all state but what is marked
 * otherwise; drivers' locks and the wait queues' are taken inside it.  Signals are sent after it
 * has been released.
 */
#ifndef DRIVERS_TTY_TTY_H
#define DRIVERS_TTY_TTY_H

#include "lib/abi/termios.h"
#include "lib/spinlock.h"
#include "lib/sync.h"
#include "lib/types.h"

#define TTY_INPUT_SIZE 4096 /* a power of two */

struct tty;
struct session;
struct file;
struct file_operations;
struct inode;

struct tty_operations {
	/* Takes up to `count` bytes to send, returns how many it took.  Called with tty->lock held;
	 * must not sleep. */
	size_t (*write)(struct tty *tty, const u8 *bytes, size_t count);
	/* How many bytes write would take now. */
	size_t (*write_room)(struct tty *tty);
	/* How many bytes are still on their way out. */
	size_t (*pending)(struct tty *tty);
	/* Throws away what is still to be sent.  May be NULL. */
	void (*flush_output)(struct tty *tty);
	/* There is room in the input buffer again.  Called without the lock.  May be NULL. */
	void (*unthrottle)(struct tty *tty);
	/* The last open file was closed.  Called without the lock, may sleep.  May be NULL. */
	void (*closed)(struct tty *tty);
	/* The last reference is gone.  Called without the lock.  NULL: the terminal is for ever. */
	void (*destroy)(struct tty *tty);
	/* The discipline did something a pty's packet mode reports (TIOCPKT_* bits); with the lock
	 * held.  May be NULL. */
	void (*packet_event)(struct tty *tty, u8 events);
};

/* The ring of received bytes: positions count up for ever and are taken modulo the size. */
struct tty_input {
	u8 bytes[TTY_INPUT_SIZE];
	u64 marks[TTY_INPUT_SIZE / 64]; /* canonical mode: the byte at this position ends a line */
	u64 eofs[TTY_INPUT_SIZE / 64];  /* … and is an end of file, not to be read as a byte */
	u32 tail;                       /* next byte to read */
	u32 ready; /* canonical mode: end of the complete lines; what follows may still be edited */
	u32 head;  /* next free position */
	u32 edit_column; /* output column at which the line that is edited began */
};

struct tty {
	spinlock_t lock;
	const struct tty_operations *ops; /* constant */
	void *driver;                     /* the driver's own; constant */
	char name[16];                    /* "ttyS0", "pts/3"; constant */
	dev_t device;                     /* constant */

	struct linux_termios termios;
	u32 speed;
	struct linux_winsize window;
	struct tty_input input;
	u32 column;         /* of the output, for tabs and erasing */
	bool literal_next;  /* the next byte is data, whatever it is (VLNEXT) */
	bool stopped;       /* output stopped by VSTOP or TCOOFF */
	bool hung_up;       /* the other side has gone: reads see end of file, writes EIO */
	bool exclusive;     /* TIOCEXCL */
	bool overflow_rung; /* the bell of IMAXBEL was rung for this overflow */
	u32 opens;          /* open files */
	u32 hangups;        /* vhangup(2): who opened it before is off the line; read without */

	struct session *session; /* a reference: whose controlling terminal this is, or NULL */
	struct list_head link;   /* in the list of all terminals: tty.c's registry_lock */
	u32 references;          /* atomic: open files, the session, the driver */

	mutex_t read_lock, write_lock; /* one reader, one writer at a time; outside `lock` */
	wait_queue_t read_wait, write_wait;
};

/* Makes *tty ready, with the usual settings of a fresh terminal (icanon, isig, echo, icrnl, onlcr,
 * 9600 or 38400 baud). */
void tty_init(struct tty *tty, const char *name, dev_t device, const struct tty_operations *ops,
	      void *driver);

/* Bytes have arrived.  Any context.  Returns how many found room; the rest of a full buffer is lost
 * unless given again. */
size_t tty_receive(struct tty *tty, const u8 *bytes, size_t count);
/* How many bytes tty_receive would take for sure. */
size_t tty_receive_room(struct tty *tty);
/* The driver can take more bytes: wakes writers.  Any context. */
void tty_wake_writers(struct tty *tty);
/* The line is gone: readers get end of file, the session SIGHUP and SIGCONT. */
void tty_hangup(struct tty *tty);
/* vhangup(2): the line is as before its first use, and whoever has it open is off it for good; the
 * session loses it, its leader gets SIGHUP and SIGCONT.  Who opens it again is on.  May sleep. */
void tty_vhangup(struct tty *tty);
/* A new window size; SIGWINCH to the foreground group if it differs. */
void tty_set_window(struct tty *tty, const struct linux_winsize *window);

/* Makes the terminal findable by its device number.  tty_unlist is called by destroy. */
void tty_list(struct tty *tty);
void tty_unlist(struct tty *tty);
/* The terminal of a device number, or the controlling one of the current session: a reference, or
 * NULL. */
struct tty *tty_find(dev_t device);
struct tty *tty_find_controlling(void);
struct tty *tty_get(struct tty *tty);
void tty_put(struct tty *tty);

/* Makes `file` (being opened) one of the terminal, whose reference it takes over on success.  0,
 * -EIO, -EBUSY. */
int __must_check tty_open_file(struct file *file, struct tty *tty);
/* Operations of device nodes: they find the terminal by number; and of /dev/tty, which finds the
 * controlling one. */
extern const struct file_operations tty_file_operations;
extern const struct file_operations tty_current_operations;

/* Start-up, in this order; each registers its devices. */
void tty_core_init(void);
void serial_init(void);
void console_init(const char *command_line);
void pty_init(void);

#endif

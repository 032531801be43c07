/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudoterminals, between their two files: pty.c makes them, devpts.c shows them in /dev/pts.
 */
#ifndef DRIVERS_TTY_PTY_H
#define DRIVERS_TTY_PTY_H

#include "drivers/tty/tty.h"
#include "lib/ring.h"

struct inode;

#define PTY_MAJOR       136 /* the slave with number n is 136:n */
#define PTY_MAX         4096
#define PTY_OUTPUT_SIZE 4096

struct pty {
	struct tty slave; /* its `lock` guards what follows, too */
	u32 number;       /* constant */
	bool locked;      /* TIOCSPTLCK: the slave may not be opened yet */
	bool slave_used;  /* the slave was opened at least once: its last close is a hang-up for the
			     master */
	bool packet_mode;
	u8 packet_events;   /* TIOCPKT_* not reported yet */
	struct ring output; /* from the slave to the master */
	u8 output_bytes[PTY_OUTPUT_SIZE];
	wait_queue_t master_wait; /* for the master's readers and writers */
	struct inode *inode; /* the slave's node in /dev/pts, a reference; cleared when the master
				closes, devpts lock */
};

/* devpts.c: makes and removes the node; the inode belongs to the caller of the current credentials.
 * 0 or -ENOMEM. */
int __must_check devpts_add(struct pty *pty);
void devpts_remove(struct pty *pty);
/* Registers the file system and mounts it on /dev/pts. */
void devpts_init(void);
/* Opens the slave of a pty whose master the caller holds (TIOCGPTPEER).  A file or ERR_PTR. */
struct file *devpts_open(struct pty *pty, u32 flags);

#endif

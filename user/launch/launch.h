/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * launch-init: the first program of a machine that `cowslip run` starts.
 *
 * It runs one program and connects it with the launcher on the host through the second serial line.
 * On that line, once the greeting has gone out, both sides send frames: a type (1 byte), a length
 * (2 bytes, low one first), and that many bytes.
 *
 *   from the host   p path of the program          d working directory      a next argument       e
 * next NAME=VALUE t rows, columns (2+2 bytes): give the program a terminal m send errors the way of
 * output (no payload)            g go (no payload) i input                        z end of input w
 * rows, columns to the host     o output     r error output    x wait status (4 bytes)  f text: why
 * the program could not be started k count (2 bytes): so many bytes of the host's frames have been
 * dealt with
 *
 * The host has at most LINK_WINDOW bytes under way that `k` has not confirmed; neither the line's
 * buffer here nor the input queue overflows, however slow the program reads.
 *
 * One thread, one poll loop; no locks.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LINK_GREETING "\nCOWSLIP LAUNCH 1\n"

enum {
	LINK_WINDOW = 2048,     /* bytes under way from the host */
	LINK_HEAD = 3,          /* bytes before a frame's payload */
	LINK_OUT_SIZE = 16384,  /* bytes waiting for the line */
	LINK_OUT_PAYLOAD = 4096 /* largest payload to the host */
};

/* A frame from the host, complete.  `payload` is valid until the next frame is taken. */
struct frame {
	char type;
	size_t length;
	const unsigned char *payload;
};

/* Opens the line, sets it raw and sends the greeting.  False (errno) when there is no such line. */
bool link_open(const char *path);
int link_fd(void);

/* Reads what has come and keeps it.  False when the line is gone. */
bool link_read(void);

/* Takes the next complete frame; false when there is none. */
bool link_next(struct frame *frame);

/* Tells the host that `count` more bytes of its frames are done with. */
void link_confirm(size_t count);

/* Puts a frame in the queue; there must be link_room() for its payload. */
void link_send(char type, const void *payload, size_t length);
size_t link_room(void);

/* Writes what the line takes now; link_pending() tells whether something is left. */
void link_flush(void);
bool link_pending(void);

/* Writes everything and waits until it has left the machine. */
void link_finish(void);

/* What to run, gathered from the host's frames. */
struct order {
	char *path;
	char *directory;
	char **arguments;   /* NULL at the end */
	char **environment; /* NULL at the end */
	bool terminal;      /* a pseudo terminal instead of pipes */
	bool merged;        /* one pipe for output and errors */
	unsigned short rows, columns;
};

/* A running program.  Descriptors are -1 when closed; a terminal has in == out. */
struct program {
	pid_t pid;
	int in, out, errors;
	bool terminal;
};

/* Starts the program.  0, or a negative errno with *step naming what failed. */
int program_start(const struct order *order, struct program *program, const char **step);

/* Tells the terminal of the program its size. */
void program_resize(struct program *program, unsigned short rows, unsigned short columns);

/* Ends the program's input: closes the pipe, or sends the terminal's end-of-file character. */
void program_end_input(struct program *program);

/* Moves data between program and line until the program has ended; returns its wait status. */
int relay_run(struct program *program);

/* Mounts what programs expect; what cannot be mounted is there already or is left out. */
void surroundings_make(void);
/* Mounts the disks and the host's folders that the launcher put into /etc/fstab.  0, or -errno and in *folder which one it was. */
int table_mount(const char **folder);

#endif

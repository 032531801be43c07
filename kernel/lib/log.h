/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log: a ring of the last LOG_RING_SIZE bytes of records, read by cursors (/dev/kmsg,
 * syslog(2)) and shown by sinks (consoles).
 *
 * Writing works from the first instruction on, in any context (interrupts, any spin lock held), on
 * several CPUs at once, and after a panic.  A record is put into the ring at once; then the writer
 * tries to become the one that shows records to the sinks.  If another CPU, or the code that this
 * interrupt hit, is at it already, that one will see the new record, and the writer goes on.
 *
 * Locks: the ring's lock (interrupts off, innermost, held for a copy) and the sinks' lock, under
 * which the sinks' write functions run and which is only ever tried by log_write.  A sink may take
 * locks of its own in write, with _irqsave; code that holds such a lock must not log.  A sink's
 * write must not log either.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdarg.h>

#include "lib/list.h"
#include "lib/types.h"

/* The levels of syslog(3). */
enum log_level {
	LOG_EMERGENCY,
	LOG_ALERT,
	LOG_CRITICAL,
	LOG_ERROR,
	LOG_WARN,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG,
};

enum {
	LOG_RING_SIZE = 64 * 1024,
	LOG_TEXT_MAX = 512,               /* a longer message is cut */
	LOG_LINE_MAX = LOG_TEXT_MAX + 32, /* a line as log_format_record makes it */
};

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* Logs one message; a line feed at its end may be there or not.  Any context. */
void log_write(enum log_level level, const char *format, ...) __printf(2, 3);
void log_vwrite(enum log_level level, const char *format, va_list arguments) __printf(2, 0);

/* Gives the log a clock, in nanoseconds since the start; before, the time is 0.  It must work in
 * any context. */
void log_set_clock(nsec_t (*clock)(void));

/* One message, as readers get it. */
struct log_record {
	u64 sequence; /* counts all messages since the start, from 0 */
	nsec_t time;
	enum log_level level;
	size_t length;           /* of the text */
	char text[LOG_TEXT_MAX]; /* terminated; may contain line feeds, but does not end with one */
};

/* A place in the log.  Each reader has its own and guards it. */
struct log_cursor {
	u64 sequence; /* of the record to read next */
	u64 position; /* of that record, in bytes ever written to the ring */
};

/* Places a cursor: at the oldest record, behind the newest, or so that the last @count records
 * follow. */
void log_seek_first(struct log_cursor *cursor);
void log_seek_end(struct log_cursor *cursor);
void log_seek_last(struct log_cursor *cursor, u64 count);

/*
 * Reads the next record and moves on.  Returns 1; 0 if there is none yet; -EPIPE if records that
 * the cursor had still to read were overwritten (the cursor now is at the oldest one).  Any
 * context.
 */
int log_read(struct log_cursor *cursor, struct log_record *record);

/* The sequence number that the next message will get: a cheap test for news. */
u64 log_next_sequence(void);

/* Makes the line that consoles and dmesg show, "[    0.123456] text\n"; returns its length. */
size_t log_format_record(const struct log_record *record, char *line, size_t size);

/* Somewhere to show the log. */
struct log_sink {
	struct list_head link;    /* sinks' lock */
	struct log_cursor cursor; /* sinks' lock */
	enum log_level
		threshold; /* shows this level and the graver ones; may be changed at any time */
	/* Shows a line, which ends with a line feed.  Any context, preemption off; must not sleep
	 * or log. */
	void (*write)(struct log_sink *sink, const char *line, size_t length);
};

/*
 * Adds a sink, with threshold and write set, and shows it what the ring still has.  Removes one;
 * its write is not running afterwards.  Both from code that is not an interrupt handler.
 */
void log_register_sink(struct log_sink *sink);
void log_unregister_sink(struct log_sink *sink);

/*
 * For panic, once the other CPUs are stopped: breaks the locks, which they may have held.
 */
void log_bust_locks(void);

/* For panic: shows each sink those of the last @count records that its threshold kept from it. */
void log_show_hidden(u64 count);

#endif

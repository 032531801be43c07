/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log; its rules are in the header.
 *
 * The ring is an array of bytes with records between two positions that only grow:
 *
 *	position:  tail ................ head       place in the array: position % LOG_RING_SIZE
 *	           | record | record | ... |
 *
 * A record is a struct record_header and its text, and starts at a multiple of 8.  It never wraps:
 * if it does not fit before the end of the array, the rest of the array is left out, marked by a
 * header with FILLER as its level if there is room for one.  To make room the tail moves on first,
 * then the record is written, then the head moves: at any instant what lies between tail and head
 * is whole, so that a panic may read it whatever the lock says.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/string.h"

struct record_header {
	u64 sequence;
	nsec_t time;
	u16 size; /* of header and text, rounded up to 8 */
	u16 length;
	u8 level;
};

enum { FILLER = 0xff };

BUILD_ASSERT(LOG_RING_SIZE % 8 == 0);
BUILD_ASSERT(sizeof(struct record_header) % 8 == 0);

static struct {
	spinlock_t lock;
	u64 tail, head;     /* lock */
	u64 first_sequence; /* lock: of the record at the tail */
	u64 next_sequence;  /* written under the lock, read anywhere */
	nsec_t (*clock)(void);
	alignas(8) u8 bytes[LOG_RING_SIZE]; /* lock */
} ring;

static struct {
	spinlock_t lock;
	struct list_head list; /* lock */
	u64 shown; /* written under the lock: all sinks have been shown the records below this one
		    */
	struct log_record record; /* lock: scratch */
	char line[LOG_LINE_MAX];  /* lock: scratch */
} sinks = {.list = LIST_INIT(sinks.list)};

void log_set_clock(nsec_t (*clock)(void))
{
	WRITE_ONCE(ring.clock, clock);
}

static struct record_header *header_at(u64 position)
{
	return (struct record_header *)(ring.bytes + position % LOG_RING_SIZE);
}

static size_t bytes_to_end(u64 position)
{
	return LOG_RING_SIZE - position % LOG_RING_SIZE;
}

/* The position of the next record at or after @position, with what was left out at the array's end
 * skipped. */
static u64 skip_filler(u64 position)
{
	size_t rest = bytes_to_end(position);

	if (position < ring.head &&
	    (rest < sizeof(struct record_header) || header_at(position)->level == FILLER))
		return position + rest;
	return position;
}

static void drop_oldest_locked(void)
{
	u64 position = skip_filler(ring.tail);

	ring.first_sequence++;
	ring.tail = skip_filler(position + header_at(position)->size);
}

/* Drops old records until @size bytes after the head are free, and returns where they start. */
static u64 make_room_locked(size_t size)
{
	size_t rest = bytes_to_end(ring.head);
	u64 start = rest < size ? ring.head + rest : ring.head;

	while (ring.tail < ring.head && start + size - ring.tail > LOG_RING_SIZE)
		drop_oldest_locked();
	if (start != ring.head && rest >= sizeof(struct record_header))
		*header_at(ring.head) = (struct record_header){.level = FILLER};
	if (ring.tail == ring.head)
		ring.tail = start;
	return start;
}

static void store_record(enum log_level level, const char *text, size_t length)
{
	size_t size = ALIGN_UP(sizeof(struct record_header) + length, 8);
	nsec_t (*clock)(void) = READ_ONCE(ring.clock);
	nsec_t now = clock ? clock() : 0;
	unsigned long flags = spin_lock_irqsave(&ring.lock);
	u64 position = make_room_locked(size);

	*header_at(position) = (struct record_header){
		.sequence = ring.next_sequence,
		.time = now,
		.size = (u16)size,
		.length = (u16)length,
		.level = (u8)level,
	};
	memcpy(header_at(position) + 1, text, length);
	__atomic_signal_fence(__ATOMIC_RELEASE);
	ring.head = position + size;
	WRITE_ONCE(ring.next_sequence, ring.next_sequence + 1);
	spin_unlock_irqrestore(&ring.lock, flags);
}

void log_seek_first(struct log_cursor *cursor)
{
	unsigned long flags = spin_lock_irqsave(&ring.lock);

	*cursor = (struct log_cursor){ring.first_sequence, ring.tail};
	spin_unlock_irqrestore(&ring.lock, flags);
}

void log_seek_end(struct log_cursor *cursor)
{
	unsigned long flags = spin_lock_irqsave(&ring.lock);

	*cursor = (struct log_cursor){ring.next_sequence, ring.head};
	spin_unlock_irqrestore(&ring.lock, flags);
}

void log_seek_last(struct log_cursor *cursor, u64 count)
{
	unsigned long flags = spin_lock_irqsave(&ring.lock);

	*cursor = (struct log_cursor){ring.first_sequence, ring.tail};
	while (ring.next_sequence - cursor->sequence > count) {
		u64 position = skip_filler(cursor->position);

		cursor->position = position + header_at(position)->size;
		cursor->sequence++;
	}
	spin_unlock_irqrestore(&ring.lock, flags);
}

static int read_locked(struct log_cursor *cursor, struct log_record *record)
{
	const struct record_header *header;
	u64 position;

	if (cursor->sequence < ring.first_sequence) {
		*cursor = (struct log_cursor){ring.first_sequence, ring.tail};
		return -EPIPE;
	}
	if (cursor->sequence >= ring.next_sequence)
		return 0;
	/* The tail may have passed what was left out before the record, but not the record. */
	position = skip_filler(MAX(cursor->position, ring.tail));
	header = header_at(position);
	record->sequence = header->sequence;
	record->time = header->time;
	record->level = (enum log_level)header->level;
	record->length = header->length;
	memcpy(record->text, header + 1, header->length);
	record->text[header->length] = '\0';
	*cursor = (struct log_cursor){cursor->sequence + 1, position + header->size};
	return 1;
}

int log_read(struct log_cursor *cursor, struct log_record *record)
{
	unsigned long flags = spin_lock_irqsave(&ring.lock);
	int result = read_locked(cursor, record);

	spin_unlock_irqrestore(&ring.lock, flags);
	return result;
}

u64 log_next_sequence(void)
{
	return READ_ONCE(ring.next_sequence);
}

size_t log_format_record(const struct log_record *record, char *line, size_t size)
{
	return ksnprintf(line, size, "[%5llu.%06llu] %s\n",
			 (unsigned long long)(record->time / NSEC_PER_SEC),
			 (unsigned long long)(record->time % NSEC_PER_SEC / NSEC_PER_USEC),
			 record->text);
}

static void write_record_locked(struct log_sink *sink, const struct log_record *record)
{
	size_t length = log_format_record(record, sinks.line, sizeof(sinks.line));

	sink->write(sink, sinks.line, length);
}

static void report_loss_locked(struct log_sink *sink, u64 count)
{
	size_t length = ksnprintf(sinks.line, sizeof(sinks.line), "** %llu log messages lost **\n",
				  (unsigned long long)count);

	sink->write(sink, sinks.line, length);
}

static void show_news_locked(struct log_sink *sink)
{
	struct log_record *record = &sinks.record;

	for (;;) {
		u64 wanted = sink->cursor.sequence;
		int result = log_read(&sink->cursor, record);

		if (result == 0)
			break;
		if (result < 0)
			report_loss_locked(sink, sink->cursor.sequence - wanted);
		else if (record->level <= sink->threshold)
			write_record_locked(sink, record);
	}
}

static void show_all_news_locked(void)
{
	struct log_sink *sink;
	u64 news = log_next_sequence();

	list_for_each_entry (sink, &sinks.list, link) {
		show_news_locked(sink);
	}
	WRITE_ONCE(sinks.shown, news);
}

/*
 * Lets the sinks catch up, unless somebody is at it.  That one looks again after it has let the
 * lock go; the fences order "write the record, try the lock" here against "let the lock go, look
 * for records" there, so that one of the two sees the other.
 */
static void show_news(void)
{
	do {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!spin_trylock(&sinks.lock))
			return;
		show_all_news_locked();
		spin_unlock(&sinks.lock);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	} while (READ_ONCE(sinks.shown) != log_next_sequence());
}

void log_vwrite(enum log_level level, const char *format, va_list arguments)
{
	char text[LOG_TEXT_MAX];
	size_t length = kvsnprintf(text, sizeof(text), format, arguments);

	while (length && text[length - 1] == '\n')
		length--;
	store_record(level, text, length);
	show_news();
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vwrite(level, format, arguments);
	va_end(arguments);
}

void log_register_sink(struct log_sink *sink)
{
	spin_lock(&sinks.lock);
	log_seek_first(&sink->cursor);
	list_add_tail(&sink->link, &sinks.list);
	show_news_locked(sink);
	spin_unlock(&sinks.lock);
	show_news();
}

void log_unregister_sink(struct log_sink *sink)
{
	spin_lock(&sinks.lock);
	list_remove(&sink->link);
	spin_unlock(&sinks.lock);
	show_news();
}

void log_bust_locks(void)
{
	spin_lock_init(&ring.lock);
	spin_lock_init(&sinks.lock);
}

void log_show_hidden(u64 count)
{
	struct log_sink *sink;

	if (!spin_trylock(&sinks.lock))
		return;
	list_for_each_entry (sink, &sinks.list, link) {
		struct log_cursor cursor;

		log_seek_last(&cursor, count);
		while (log_read(&cursor, &sinks.record) != 0)
			if (sinks.record.level > sink->threshold)
				write_record_locked(sink, &sinks.record);
	}
	spin_unlock(&sinks.lock);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log: what is written is read back in order, by cursors and by sinks, also when the
 * ring has gone round many times.  The log is one for the program, so each test starts from where
 * the last one left it.
 */
#include "test.h"

#include <pthread.h>

#include "arch/cpu.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"

static nsec_t now;

static nsec_t test_clock(void)
{
	return now;
}

/* A sink that keeps what it is shown. */
static char shown[200 * 1024];
static size_t shown_length;

static void keep(struct log_sink *sink, const char *line, size_t length)
{
	(void)sink;
	assert_true(shown_length + length < sizeof(shown));
	memcpy(shown + shown_length, line, length);
	shown_length += length;
	shown[shown_length] = '\0';
}

static int forget_shown(void **state)
{
	(void)state;
	shown_length = 0;
	shown[0] = '\0';
	return 0;
}

static void messages_come_with_time_level_and_sequence(void **state)
{
	struct log_cursor cursor;
	struct log_record record;
	u64 sequence = log_next_sequence();
	char line[LOG_LINE_MAX];

	(void)state;
	log_seek_end(&cursor);
	assert_int_equal(log_read(&cursor, &record), 0);
	log_info("before the clock");
	log_set_clock(test_clock);
	now = 12 * NSEC_PER_SEC + 345678901;
	log_warn("value %d\n", 42);
	assert_int_equal(log_read(&cursor, &record), 1);
	assert_string_equal(record.text, "before the clock");
	assert_true(record.sequence == sequence && record.time == 0 && record.level == LOG_INFO);
	assert_int_equal(log_read(&cursor, &record), 1);
	assert_string_equal(record.text, "value 42");
	assert_int_equal(record.length, 8);
	assert_true(record.sequence == sequence + 1 && record.time == now &&
		    record.level == LOG_WARN);
	assert_int_equal(log_read(&cursor, &record), 0);
	log_format_record(&record, line, sizeof(line));
	assert_string_equal(line, "[   12.345678] value 42\n");
}

static void a_long_message_is_cut(void **state)
{
	static char text[2 * LOG_TEXT_MAX];
	struct log_cursor cursor;
	struct log_record record;
	char line[LOG_LINE_MAX];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_seek_end(&cursor);
	log_info("%s", text);
	assert_int_equal(log_read(&cursor, &record), 1);
	assert_int_equal(record.length, LOG_TEXT_MAX - 1);
	assert_int_equal(strlen(record.text), LOG_TEXT_MAX - 1);
	record.time = 99999 * NSEC_PER_SEC;
	assert_int_equal(log_format_record(&record, line, sizeof(line)), LOG_TEXT_MAX - 1 + 16);
}

static void an_empty_message_is_a_message(void **state)
{
	struct log_cursor cursor;
	struct log_record record;

	(void)state;
	log_seek_end(&cursor);
	log_info("%s", "");
	assert_int_equal(log_read(&cursor, &record), 1);
	assert_string_equal(record.text, "");
}

/* The text of message n: of a length that varies, and told from all others. */
static void write_numbered(u64 n, u64 *random)
{
	static const char tail[300] = {[0 ... 298] = '.'};

	log_info("%llu%.*s", (unsigned long long)n, (int)(test_random(random) % 300), tail);
}

static void expect_numbered(const struct log_record *record, u64 n)
{
	char start[32];
	size_t length = ksnprintf(start, sizeof(start), "%llu", (unsigned long long)n);

	assert_memory_equal(record->text, start, length);
	assert_true(record->text[length] == '.' || record->text[length] == '\0');
}

static void the_ring_keeps_the_newest_messages_whole(void **state)
{
	u64 random = 1, base = log_next_sequence();

	(void)state;
	for (u64 n = 0; n < 3000; n++) {
		struct log_cursor cursor;
		struct log_record record;
		u64 next, bytes = 0;

		write_numbered(n, &random);
		if (n < 1000 || n % 37 != 0)
			continue;
		log_seek_first(&cursor);
		next = cursor.sequence;
		while (log_read(&cursor, &record) == 1) {
			assert_true(record.sequence == next);
			expect_numbered(&record, next - base);
			bytes += record.length;
			next++;
		}
		assert_true(next == base + n + 1);
		assert_true(bytes > LOG_RING_SIZE * 3 / 4);
	}
}

static void a_reader_that_keeps_up_sees_all(void **state)
{
	struct log_cursor cursor;
	struct log_record record;
	u64 random = 2;

	(void)state;
	log_seek_end(&cursor);
	for (u64 n = 0; n < 5000; n++) {
		write_numbered(n, &random);
		assert_int_equal(log_read(&cursor, &record), 1);
		expect_numbered(&record, n);
		assert_int_equal(log_read(&cursor, &record), 0);
	}
}

static void a_reader_that_lags_is_told_and_goes_on_with_the_oldest(void **state)
{
	struct log_cursor cursor, first;
	struct log_record record;
	u64 random = 3;

	(void)state;
	for (u64 lag = 1; lag < 1200; lag += 7) {
		bool lost;
		int result;

		log_seek_end(&cursor);
		for (u64 n = 0; n < lag; n++)
			write_numbered(n, &random);
		log_seek_first(&first);
		lost = first.sequence > cursor.sequence;
		result = log_read(&cursor, &record);
		assert_int_equal(result, lost ? -EPIPE : 1);
		if (lost)
			assert_int_equal(log_read(&cursor, &record), 1);
		assert_true(record.sequence == MAX(first.sequence, log_next_sequence() - lag));
		expect_numbered(&record, lag - (log_next_sequence() - record.sequence));
	}
}

static void the_last_lines_can_be_sought(void **state)
{
	struct log_cursor cursor;
	struct log_record record;
	u64 random = 4;

	(void)state;
	for (u64 n = 0; n < 20; n++)
		write_numbered(n, &random);
	log_seek_last(&cursor, 5);
	for (u64 n = 15; n < 20; n++) {
		assert_int_equal(log_read(&cursor, &record), 1);
		expect_numbered(&record, n);
	}
	log_seek_last(&cursor, 0);
	assert_int_equal(log_read(&cursor, &record), 0);
	log_seek_last(&cursor, UINT64_MAX);
	assert_int_equal(log_read(&cursor, &record), 1);
}

static void a_new_sink_is_shown_what_was_before(void **state)
{
	struct log_sink sink = {.threshold = LOG_INFO, .write = keep};

	(void)state;
	now = 0;
	log_info("early one");
	log_debug("too detailed");
	log_register_sink(&sink);
	assert_non_null(strstr(shown, "[    0.000000] early one\n"));
	assert_null(strstr(shown, "too detailed"));
	forget_shown(NULL);
	log_error("later one");
	assert_string_equal(shown, "[    0.000000] later one\n");
	sink.threshold = LOG_WARN;
	log_info("hidden");
	assert_string_equal(shown, "[    0.000000] later one\n");
	log_unregister_sink(&sink);
	log_error("after the end");
	assert_null(strstr(shown, "after the end"));
}

static void hidden_messages_can_be_shown_after_a_panic(void **state)
{
	struct log_sink sink = {.threshold = LOG_WARN, .write = keep};

	(void)state;
	log_info("one");
	log_info("two");
	log_error("three");
	log_info("four");
	log_register_sink(&sink);
	forget_shown(NULL);
	log_bust_locks();
	log_show_hidden(3);
	assert_string_equal(shown, "[    0.000000] two\n[    0.000000] four\n");
	log_unregister_sink(&sink);
}

/* A sink during whose write an interrupt logs, once. */
static bool interrupted;

static void be_interrupted(struct log_sink *sink, const char *line, size_t length)
{
	if (!interrupted) {
		interrupted = true;
		log_error("from the interrupt");
	}
	keep(sink, line, length);
}

static void a_message_from_an_interrupt_in_a_sink_is_shown_afterwards(void **state)
{
	struct log_sink sink = {.threshold = LOG_ERROR, .write = be_interrupted};

	(void)state;
	interrupted = true;
	log_register_sink(&sink);
	forget_shown(NULL);
	interrupted = false;
	log_error("interrupted");
	assert_string_equal(shown,
			    "[    0.000000] interrupted\n[    0.000000] from the interrupt\n");
	log_unregister_sink(&sink);
}

/* Several CPUs. */
enum { WRITERS = 4, MESSAGES = 20000 };

static struct {
	int last[WRITERS]; /* the number of the last message of each writer that was shown */
	u64 lines, lost;
} tally;

/* Each writer's messages must come in order; what was overwritten before it was shown is counted.
 */
static void take_stock(struct log_sink *sink, const char *line, size_t length)
{
	unsigned int writer, number;
	unsigned long long lost;

	(void)sink;
	(void)length;
	if (sscanf(line, "** %llu log messages lost", &lost) == 1) {
		tally.lost += lost;
		return;
	}
	assert_int_equal(sscanf(line + 15, "writer %u message %u", &writer, &number), 2);
	assert_true(writer < WRITERS && (int)number > tally.last[writer]);
	tally.last[writer] = (int)number;
	tally.lines++;
}

static void *write_messages(void *argument)
{
	unsigned int writer = (unsigned int)(uintptr_t)argument;

	test_cpu = writer + 1;
	for (unsigned int i = 0; i < MESSAGES; i++)
		log_info("writer %u message %u", writer, i);
	return NULL;
}

static void several_cpus_may_log_at_once(void **state)
{
	struct log_sink sink = {.threshold = LOG_EMERGENCY, .write = take_stock};
	pthread_t threads[WRITERS];

	(void)state;
	log_register_sink(&sink);
	tally.lines = tally.lost = 0;
	memset(tally.last, 0xff, sizeof(tally.last));
	sink.threshold = LOG_INFO;
	for (uintptr_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_messages, (void *)i), 0);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	/* Nothing is left behind: the last one to leave has shown everything. */
	assert_true(tally.lines + tally.lost == WRITERS * MESSAGES);
	assert_true(tally.lines > 0);
	log_unregister_sink(&sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_with_time_level_and_sequence),
		cmocka_unit_test(a_long_message_is_cut),
		cmocka_unit_test(an_empty_message_is_a_message),
		cmocka_unit_test(the_ring_keeps_the_newest_messages_whole),
		cmocka_unit_test(a_reader_that_keeps_up_sees_all),
		cmocka_unit_test(a_reader_that_lags_is_told_and_goes_on_with_the_oldest),
		cmocka_unit_test(the_last_lines_can_be_sought),
		cmocka_unit_test_setup(a_new_sink_is_shown_what_was_before, forget_shown),
		cmocka_unit_test_setup(hidden_messages_can_be_shown_after_a_panic, forget_shown),
		cmocka_unit_test_setup(a_message_from_an_interrupt_in_a_sink_is_shown_afterwards,
				       forget_shown),
		cmocka_unit_test(several_cpus_may_log_at_once),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

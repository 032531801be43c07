/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracing: events by time and from all CPUs, counts of calls that are exact while breakpoints come
 * and go, a profile that names who was busy.
 */
#include "arch/clock.h"
#include "arch/probe.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/vmalloc.h"
#include "proc/sched.h"
#include "proc/time.h"
#include "tests/kernel/ktest.h"
#include "trace/trace_internal.h"

#define PATIENCE (60 * NSEC_PER_SEC)

enum { WORKERS = 2, CALLS = 2000, EVENTS = 200, SMALL_RING = 64, SNAPSHOTS = 10, ROUNDS = 8 };

static u32 finished; /* atomic */
static bool stop;    /* atomic */

/* Runs the function in so many threads; true when all have started. */
static bool start_workers(void (*entry)(void *))
{
	finished = 0;
	stop = false;
	for (uintptr_t i = 0; i < WORKERS; i++) {
		struct task *task = kernel_thread_create(entry, (void *)i, "ktest-trace");

		if (!ktest_expect(!IS_ERR(task), "thread", __FILE__, __LINE__))
			return false;
		task_put(task);
	}
	return true;
}

static bool wait_for_workers(void)
{
	nsec_t end = clock_monotonic() + PATIENCE;

	while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < WORKERS && clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	return finished == WORKERS;
}

static void set_mask(u32 mask)
{
	mutex_lock(&trace_lock);
	KEXPECT(trace_set_mask_locked(mask) == 0);
	mutex_unlock(&trace_lock);
}

/* --- Events --- */

/* How many entries of that event have `mark` as their second argument; whether they are by time. */
static u32 count_marked(enum trace_event event, u64 mark, u64 *first, bool *ordered)
{
	struct trace_entry *entries;
	size_t count;
	u32 found = 0;
	nsec_t last = 0;

	mutex_lock(&trace_lock);
	entries = trace_snapshot_locked(&count);
	mutex_unlock(&trace_lock);
	*ordered = true;
	for (size_t i = 0; i < count; i++) {
		*ordered = *ordered && entries[i].time >= last;
		last = entries[i].time;
		if (entries[i].event != event || entries[i].arguments[1] != mark)
			continue;
		if (found++ == 0)
			*first = entries[i].arguments[0];
	}
	vfree(entries);
	return found;
}

KTEST(trace_events_that_are_on_are_recorded_by_time)
{
	u64 first = 0;
	bool ordered;

	set_mask(BIT(TRACE_BLOCK_END));
	for (u64 i = 0; i < EVENTS; i++) {
		trace_point(TRACE_BLOCK_END, i, 0x1234, 0, 0);
		trace_point(TRACE_BLOCK_START, i, 0x1234, 0, 0);
	}
	set_mask(0);
	trace_point(TRACE_BLOCK_END, EVENTS, 0x1234, 0, 0);
	KEXPECT(count_marked(TRACE_BLOCK_END, 0x1234, &first, &ordered) == EVENTS);
	KEXPECT(first == 0 && ordered);
	KEXPECT(count_marked(TRACE_BLOCK_START, 0x1234, &first, &ordered) == 0);
	mutex_lock(&trace_lock);
	trace_clear_locked();
	mutex_unlock(&trace_lock);
	KEXPECT(count_marked(TRACE_BLOCK_END, 0x1234, &first, &ordered) == 0);
}

KTEST(trace_ring_keeps_the_latest_events)
{
	u64 first = 0;
	bool ordered;

	mutex_lock(&trace_lock);
	KEXPECT(trace_set_entries_locked(SMALL_RING + 1) != 0);
	KEXPECT(trace_set_entries_locked(SMALL_RING) == 0);
	mutex_unlock(&trace_lock);
	set_mask(BIT(TRACE_BLOCK_END));
	preempt_disable();
	for (u64 i = 0; i < EVENTS; i++)
		trace_point(TRACE_BLOCK_END, i, 0x4321, 0, 0);
	preempt_enable();
	mutex_lock(&trace_lock);
	KEXPECT(trace_set_entries_locked(SMALL_RING) != 0);
	mutex_unlock(&trace_lock);
	set_mask(0);
	KEXPECT(count_marked(TRACE_BLOCK_END, 0x4321, &first, &ordered) == SMALL_RING);
	KEXPECT(first == EVENTS - SMALL_RING);
	mutex_lock(&trace_lock);
	KEXPECT(trace_set_entries_locked(TRACE_ENTRIES_USUAL) == 0);
	mutex_unlock(&trace_lock);
}

static void write_events(void *argument)
{
	for (u64 i = (uintptr_t)argument; !READ_ONCE(stop); i += WORKERS)
		trace_point(TRACE_BLOCK_END, i, i, i, i);
	__atomic_add_fetch(&finished, 1, __ATOMIC_RELEASE);
}

KTEST(trace_entries_are_whole_while_they_are_overwritten)
{
	u32 torn = 0, seen = 0;

	mutex_lock(&trace_lock);
	KEXPECT(trace_set_entries_locked(SMALL_RING) == 0);
	mutex_unlock(&trace_lock);
	set_mask(BIT(TRACE_BLOCK_END));
	KREQUIRE(start_workers(write_events));
	for (u32 round = 0; round < SNAPSHOTS; round++) {
		struct trace_entry *entries;
		size_t count;

		mutex_lock(&trace_lock);
		entries = trace_snapshot_locked(&count);
		mutex_unlock(&trace_lock);
		for (size_t i = 0; i < count; i++, seen++)
			for (u32 word = 1; word < TRACE_ARGUMENTS; word++)
				torn += entries[i].event == TRACE_BLOCK_END &&
					entries[i].arguments[word] != entries[i].arguments[0];
		vfree(entries);
		task_yield();
	}
	WRITE_ONCE(stop, true);
	KEXPECT(wait_for_workers());
	KEXPECT(torn == 0 && seen > 0);
	set_mask(0);
	mutex_lock(&trace_lock);
	KEXPECT(trace_set_entries_locked(TRACE_ENTRIES_USUAL) == 0);
	mutex_unlock(&trace_lock);
}

/* --- Counts --- */

/* A text of /proc, as a string: kfree. */
static bool grow(struct text *text, size_t size)
{
	char *data = krealloc(text->data, size * 2);

	if (data == NULL)
		return false;
	text->data = data;
	text->capacity = size * 2;
	return true;
}

static char *text_of(int (*show)(const struct proc_node *node, struct text *text))
{
	struct text text = {.grow = grow};

	KEXPECT(show(NULL, &text) == 0);
	text_append(&text, "", 1);
	return text.data;
}

/* Is there a line of that count and name? */
static bool has_count(u64 count, const char *name)
{
	char *text = text_of(trace_show_counts), *line = text, *end;
	bool found = false;

	while (text != NULL && !found && (end = strchr(line, '\n')) != NULL) {
		u64 number = 0;

		*end = '\0';
		for (; *line == ' '; line++)
			;
		for (; *line >= '0' && *line <= '9'; line++)
			number = number * 10 + (u64)(*line - '0');
		found = *line == ' ' && strcmp(line + 1, name) == 0 && number == count;
		line = end + 1;
	}
	kfree(text);
	return found;
}

/* More arguments than registers, so that the stack's shape matters. */
u64 ktest_counted(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h);

__noinline u64 ktest_counted(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h)
{
	volatile u64 sums[4] = {a + b, c + d, e + f, g + h};

	return sums[0] + 3 * sums[1] + 5 * sums[2] + 7 * sums[3];
}

static u32 wrong; /* atomic */

static void call_once(u64 i)
{
	u64 sum = ktest_counted(i, 1, i, 2, i, 3, i, 4);

	if (sum != 16 * i + 1 + 3 * 2 + 5 * 3 + 7 * 4)
		__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

static void call_often(void *argument __unused)
{
	for (u64 i = 0; i < CALLS; i++)
		call_once(i);
	__atomic_add_fetch(&finished, 1, __ATOMIC_RELEASE);
}

static void call_until_stopped(void *argument __unused)
{
	for (u64 i = 0; !READ_ONCE(stop); i++)
		call_once(i);
	__atomic_add_fetch(&finished, 1, __ATOMIC_RELEASE);
}

static int count_add(const char *pattern)
{
	mutex_lock(&trace_lock);
	int error = count_add_locked(pattern);
	mutex_unlock(&trace_lock);
	return error;
}

static void count_end(void)
{
	mutex_lock(&trace_lock);
	count_end_locked();
	mutex_unlock(&trace_lock);
}

KTEST(trace_counts_are_exact_on_all_processors)
{
	wrong = 0;
	KREQUIRE(count_add("ktest_count*") == 0);
	KEXPECT(count_add("no_function_of_this_name") == 0);
	KREQUIRE(start_workers(call_often));
	KEXPECT(wait_for_workers());
	KEXPECT(has_count(WORKERS * CALLS, "ktest_counted"));
	mutex_lock(&trace_lock);
	count_clear_locked();
	mutex_unlock(&trace_lock);
	call_once(0);
	KEXPECT(has_count(1, "ktest_counted"));
	count_end();
	call_once(0);
	KEXPECT(!has_count(1, "ktest_counted"));
	KEXPECT(count_add("no_function_of_this_name") != 0);
	KEXPECT(count_add("trap_dispatch") != 0);
	KEXPECT(wrong == 0);
}

KTEST(trace_breakpoints_come_and_go_under_running_code)
{
	wrong = 0;
	KREQUIRE(start_workers(call_until_stopped));
	for (u32 round = 0; round < ROUNDS; round++) {
		KEXPECT(count_add("ktest_counted") == 0);
		task_yield();
		count_end();
	}
	WRITE_ONCE(stop, true);
	KEXPECT(wait_for_workers());
	KEXPECT(wrong == 0);
}

KTEST(trace_all_functions_can_be_counted)
{
	wrong = 0;
	KREQUIRE(count_add("*") == 0);
	KREQUIRE(start_workers(call_often));
	KEXPECT(wait_for_workers());
	KEXPECT(has_count(WORKERS * CALLS, "ktest_counted"));
	count_end();
	KEXPECT(wrong == 0);
}

/* --- The profile --- */

void ktest_busy(void);

__noinline void ktest_busy(void)
{
	for (volatile u32 i = 0; i < 10000; i++)
		;
}

static void be_busy(void *argument __unused)
{
	while (!READ_ONCE(stop))
		ktest_busy();
	__atomic_add_fetch(&finished, 1, __ATOMIC_RELEASE);
}

static bool profile_names(const char *stack)
{
	char *text = text_of(trace_show_profile);
	bool found = text != NULL && strstr(text, stack) != NULL;

	kfree(text);
	return found;
}

KTEST(trace_profile_names_who_is_busy)
{
	nsec_t end = clock_monotonic() + PATIENCE;
	bool found = false;

	mutex_lock(&trace_lock);
	profile_clear_locked();
	KEXPECT(profile_set_locked(20000) != 0);
	KEXPECT(profile_set_locked(500) == 0);
	mutex_unlock(&trace_lock);
	KREQUIRE(start_workers(be_busy));
	while (!found && clock_monotonic() < end) {
		task_sleep(10 * NSEC_PER_MSEC);
		found = profile_names("be_busy;ktest_busy ");
	}
	WRITE_ONCE(stop, true);
	KEXPECT(wait_for_workers());
	KEXPECT(found);
	mutex_lock(&trace_lock);
	KEXPECT(profile_set_locked(0) == 0);
	profile_clear_locked();
	mutex_unlock(&trace_lock);
	KEXPECT(!profile_names("ktest_busy"));
}

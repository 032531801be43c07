/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processor time of processes and threads, and how it is divided into user and system time.
 *
 * The sum is exact; the division is sampled, by the ticks of a clock, so that assertions about it
 * wait until it shows what it should.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

#include "abi.h"

#define PATIENCE_MS 8000
#define SOME_WORK   200000 /* microseconds of processor time */
#define NEAR        10000  /* what two clocks may differ by on some Linux */

struct used {
	long user, system; /* microseconds */
};

static struct used used_by(const struct rusage *use)
{
	return (struct used){.user = use->ru_utime.tv_sec * 1000000 + use->ru_utime.tv_usec,
			     .system = use->ru_stime.tv_sec * 1000000 + use->ru_stime.tv_usec};
}

static struct used used_so_far(int who)
{
	struct rusage use = {0};

	getrusage(who, &use);
	return used_by(&use);
}

static long clock_us(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A millisecond or a few in the program, and in the kernel. */
static void work_in_program(void)
{
	for (volatile int i = 0; i < 300000; i++)
		;
}

static void work_in_kernel(void)
{
	static __thread char *buffer;
	static int zero = -1;

	if (buffer == NULL)
		buffer = map_pages(256);
	if (zero < 0)
		zero = open("/dev/zero", O_RDONLY);
	for (int i = 0; i < 8; i++)
		if (read(zero, buffer, 256 * PAGE) < 0)
			_exit(9);
}

/* Works until the division shows what work it was, or never does. */
static bool work_shows(int who, void (*work)(void), bool in_kernel)
{
	struct used before = used_so_far(who), now;
	long start = now_ms();

	do {
		work();
		now = used_so_far(who);
		now.user -= before.user;
		now.system -= before.system;
		if (now.user + now.system >= SOME_WORK &&
		    (in_kernel ? now.system > 2 * now.user : now.user > 2 * now.system))
			return true;
	} while (now_ms() - start < PATIENCE_MS);
	note("user %ld us, system %ld us", now.user, now.system);
	return false;
}

static void time_is_divided(int who, void (*work)(void), bool in_kernel, const char *what)
{
	int st;

	if (child(&st) == 0)
		_exit(!work_shows(who, work, in_kernel));
	is(st, 0, "%s", what);
}

static bool near_or_between(long low, long value, long high)
{
	if (low - NEAR <= value && value <= high + NEAR)
		return true;
	note("%ld is not between %ld and %ld", value, low, high);
	return false;
}

static void parts_add_up(void)
{
	bool process = true, thread = true;

	for (int i = 0; i < 200; i++) {
		long before = clock_us(CLOCK_PROCESS_CPUTIME_ID);
		struct used used = used_so_far(RUSAGE_SELF);
		long after = clock_us(CLOCK_PROCESS_CPUTIME_ID);
		process = process && near_or_between(before, used.user + used.system, after);
		before = clock_us(CLOCK_THREAD_CPUTIME_ID);
		used = used_so_far(RUSAGE_THREAD);
		after = clock_us(CLOCK_THREAD_CPUTIME_ID);
		thread = thread && near_or_between(before, used.user + used.system, after);
	}
	ok(process, "the parts of a process's time are its processor clock");
	ok(thread, "and those of a thread");
}

/* Fields 14 and 15 of /proc/self/stat, and what times(2) says. */
static struct tms times_in_proc(void)
{
	struct tms found = {.tms_utime = -1};
	char text[1024], *at;

	if (get_file("/proc/self/stat", text, sizeof(text)) > 0 && (at = strrchr(text, ')')))
		sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
		       &found.tms_utime, &found.tms_stime);
	return found;
}

static bool in_order(const struct tms *a, const struct tms *b)
{
	return a->tms_utime <= b->tms_utime && a->tms_stime <= b->tms_stime;
}

static void all_answers_agree(void)
{
	struct tms first, second, last;
	bool agree = true;

	for (int i = 0; i < 50; i++) {
		work_in_program();
		times(&first);
		second = times_in_proc();
		times(&last);
		agree = agree && in_order(&first, &second) && in_order(&second, &last);
	}
	ok(agree, "times(2) and /proc/self/stat say the same");
}

/* --- Answers to several threads --- */

enum { READERS = 4, READS = 800 };

static bool went_back; /* atomic */

static void *short_thread(void *unused)
{
	(void)unused;
	for (volatile int i = 0; i < 20000; i++)
		;
	return NULL;
}

static void *reader(void *number)
{
	struct used last = {0};
	pthread_t thread;

	for (int i = 0; i < READS; i++) {
		if (i % 8 == (long)number)
			work_in_program();
		if (i % 64 == (long)number)
			work_in_kernel();
		if (i % 32 == (long)number &&
		    pthread_create(&thread, NULL, short_thread, NULL) == 0)
			pthread_join(thread, NULL);
		struct used now = used_so_far(RUSAGE_SELF);
		if (now.user < last.user || now.system < last.system)
			__atomic_store_n(&went_back, true, __ATOMIC_RELAXED);
		last = now;
	}
	return NULL;
}

static void answers_never_go_back(void)
{
	pthread_t threads[READERS];
	long before = clock_us(CLOCK_PROCESS_CPUTIME_ID);

	for (long i = 0; i < READERS; i++)
		if (pthread_create(&threads[i], NULL, reader, (void *)i) != 0)
			_exit(8);
	for (long i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	ok(!went_back, "neither part goes back while threads work, ask, begin and end");
	struct used used = used_so_far(RUSAGE_SELF);
	ok(near_or_between(before, used.user + used.system, clock_us(CLOCK_PROCESS_CPUTIME_ID)),
	   "with the ended threads they add up");
}

static void a_thread_that_ended_counts(void)
{
	pthread_t thread;
	struct used before = used_so_far(RUSAGE_SELF);
	struct used own = used_so_far(RUSAGE_THREAD);

	if (pthread_create(&thread, NULL, reader, (void *)0) == 0)
		pthread_join(thread, NULL);
	struct used after = used_so_far(RUSAGE_SELF), own_after = used_so_far(RUSAGE_THREAD);
	long others = after.user + after.system - before.user - before.system;
	long mine = own_after.user + own_after.system - own.user - own.system;
	ok(others > mine + NEAR, "a thread's time stays its process's (%ld us, %ld us own)", others,
	   mine);
}

/* --- Children --- */

static void children_are_added_up(void)
{
	struct rusage use;
	int st;

	pid_t pid = spawn();
	if (pid == 0)
		_exit(!work_shows(RUSAGE_SELF, work_in_kernel, true));
	is(wait4(pid, &st, 0, &use), pid, "a child is waited for");
	is(st, 0, "after work in the kernel");
	struct used first = used_by(&use);
	ok(first.system > first.user, "which is what its usage tells (%ld us, %ld us user)",
	   first.system, first.user);
	struct used all = used_so_far(RUSAGE_CHILDREN);
	ok(all.user == first.user && all.system == first.system, "and that of all children");

	pid = spawn();
	if (pid == 0)
		_exit(!work_shows(RUSAGE_SELF, work_in_program, false));
	is(wait4(pid, &st, 0, &use), pid, "another one");
	is(st, 0, "worked by itself");
	struct used second = used_by(&use);
	ok(second.user > second.system, "its usage tells that");
	all = used_so_far(RUSAGE_CHILDREN);
	/* Each figure is cut off at microseconds. */
	ok(labs(all.user - first.user - second.user) <= 2 &&
		   labs(all.system - first.system - second.system) <= 2,
	   "the two are added up");
	struct tms ticks;
	times(&ticks);
	long step = 1000000 / sysconf(_SC_CLK_TCK);
	ok(ticks.tms_cutime == all.user / step && ticks.tms_cstime == all.system / step,
	   "for times(2) as well");
}

/* --- Timers and processors --- */

static volatile int alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void virtual_timers_go_by_user_time(void)
{
	struct itimerval set = {.it_value.tv_usec = 50000, .it_interval.tv_usec = 50000};
	struct itimerval got;
	int st;

	if (child(&st) == 0) {
		signal(SIGVTALRM, on_alarm);
		long before = used_so_far(RUSAGE_SELF).user;
		is(setitimer(ITIMER_VIRTUAL, &set, NULL), 0, "a virtual timer");
		for (long start = now_ms(); now_ms() - start < PATIENCE_MS && alarms < 3;)
			work_in_program();
		ok(alarms >= 3, "goes off while the program works, again and again");
		long user = used_so_far(RUSAGE_SELF).user - before;
		ok(user >= 50000, "by its user time (%ld us)", user);
		is(getitimer(ITIMER_VIRTUAL, &got), 0, "and can be asked");
		ok(got.it_value.tv_sec == 0 && got.it_value.tv_usec <= 50000 + NEAR,
		   "how much is left");
		_exit(0);
	}
	is(st, 0, "it was done");
}

struct columns {
	long user, nice, system, idle;
};

static struct columns read_columns(void)
{
	struct columns found = {0};
	char text[256] = "";
	int fd = open("/proc/stat", O_RDONLY);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		sscanf(text, "cpu %ld %ld %ld %ld", &found.user, &found.nice, &found.system,
		       &found.idle);
	close(fd);
	return found;
}

static void processors_divide_theirs(void)
{
	struct columns before = read_columns(), last = before, now;
	bool forward = true;
	int st;

	if (child(&st) == 0) {
		bool shows = false;
		setpriority(PRIO_PROCESS, 0, 5);
		for (long start = now_ms(); now_ms() - start < PATIENCE_MS && !shows;) {
			work_in_program();
			now = read_columns();
			forward = forward && now.user >= last.user && now.nice >= last.nice &&
				  now.system >= last.system;
			last = now;
			shows = now.nice - before.nice >= 10;
		}
		ok(shows, "a nice program is nice time in /proc/stat");
		ok(forward, "no column goes back");
		last = now;
		for (long start = now_ms(); now_ms() - start < PATIENCE_MS / 2;) {
			work_in_kernel();
			now = read_columns();
			if (now.system - last.system >= 10)
				break;
		}
		ok(now.system - last.system >= 10, "work in the kernel is system time");
		_exit(0);
	}
	is(st, 0, "it was done");
}

int main(void)
{
	children_are_added_up();
	time_is_divided(RUSAGE_SELF, work_in_program, false, "a loop is user time");
	time_is_divided(RUSAGE_SELF, work_in_kernel, true, "reading is system time");
	time_is_divided(RUSAGE_THREAD, work_in_program, false, "a loop is a thread's user time");
	time_is_divided(RUSAGE_THREAD, work_in_kernel, true, "reading its system time");
	parts_add_up();
	all_answers_agree();
	answers_never_go_back();
	a_thread_that_ended_counts();
	virtual_timers_go_by_user_time();
	processors_divide_theirs();
	return done();
}

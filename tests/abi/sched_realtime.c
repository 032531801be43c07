/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real-time tasks: who runs first, turns, and the share that is left to the others (sched(7)).
 *
 * Everybody who burns time is bound to one CPU.  The program itself is of a higher priority than
 * all of them while it looks, or it would have to wait for them.
 */
#include "abi.h"

#define PERIOD  "/proc/sys/kernel/sched_rt_period_us"
#define RUNTIME "/proc/sys/kernel/sched_rt_runtime_us"
#define TURN    "/proc/sys/kernel/sched_rr_timeslice_ms"

static long read_number(const char *name)
{
	char text[32] = "";
	int fd = open(name, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -1000;
	close(fd);
	return strtol(text, NULL, 10);
}

static int write_number(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);
	int result = fd < 0 ? -1 : (int)write(fd, text, strlen(text));
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return result < 0 ? -1 : 0;
}

static void bind_to_first_cpu(void)
{
	unsigned long mask[16] = {0};

	syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	mask[0] &= -mask[0];
	syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask);
}

static int set_policy(pid_t pid, int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setscheduler, pid, policy, &param);
}

static void settings_are_read_and_checked(void)
{
	is(read_number(PERIOD), 1000000, "a period is a second");
	is(read_number(RUNTIME), 950000, "of which real-time tasks have 95 hundredths");
	is(read_number(TURN), 100, "a turn of SCHED_RR is 100 ms");
	fails(write_number(PERIOD, "0"), EINVAL, "no period");
	fails(write_number(PERIOD, "-5"), EINVAL, "a negative period");
	fails(write_number(RUNTIME, "1000001"), EINVAL, "more than the period");
	fails(write_number(RUNTIME, "many"), EINVAL, "no number");
	is(write_number(RUNTIME, "1000000\n"), 0, "another share");
	is(read_number(RUNTIME), 1000000, "is read again");
	is(write_number(RUNTIME, "-1"), 0, "no limit");
	is(read_number(RUNTIME), -1, "is -1");
	is(write_number(RUNTIME, "950000"), 0, "as it was");
	is(write_number(TURN, "20"), 0, "a shorter turn");
	is(read_number(TURN), 20, "is read again");
	is(write_number(TURN, "0"), 0, "0 is the usual turn");
	is(read_number(TURN), 100, "of 100 ms");
}

/*
 * Burns a CPU with a policy, counting.  The parent, which is bound to that CPU and goes first, sets
 * it: who lowers its own priority stays before its equals.
 */
static pid_t start_burner(int policy, int priority, volatile int *count)
{
	pid_t pid = spawn();

	if (pid == 0) {
		for (;;)
			(*count)++;
	}
	is(set_policy(pid, SCHED_OTHER, 0), 0, "a busy process");
	is(set_policy(pid, policy, priority), 0, "of policy %d, priority %d", policy, priority);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	is(reap(pid), KILLED(SIGKILL), "a busy process is killed");
}

/* The others get what is left: a fair process goes on beside a real-time one that never sleeps. */
static void others_are_not_starved(void)
{
	volatile int *count = shared_ints();
	int st;

	if (child(&st) == 0) {
		bind_to_first_cpu();
		set_policy(0, SCHED_FIFO, 50);
		pid_t fair = start_burner(SCHED_OTHER, 0, &count[0]);
		wait_until(count[0] > 0);
		pid_t realtime = start_burner(SCHED_FIFO, 10, &count[1]);
		wait_until(count[1] > 0);
		int first = count[0];
		wait_until(count[0] != first);
		ok(count[0] != first, "a fair process goes on beside a busy SCHED_FIFO one");
		int second = count[1];
		wait_until(count[1] != second);
		ok(count[1] != second, "and that one goes on, too");
		stop(realtime);
		stop(fair);
		_exit(0);
	}
	is(st, 0, "it was done");
}

static void higher_priorities_go_first(void)
{
	volatile int *count = shared_ints();
	int st;

	if (child(&st) == 0) {
		bind_to_first_cpu();
		set_policy(0, SCHED_FIFO, 50);
		pid_t low = start_burner(SCHED_FIFO, 10, &count[0]);
		wait_until(count[0] > 0);
		pid_t high = start_burner(SCHED_FIFO, 20, &count[1]);
		wait_until(count[1] > 0);
		int before = count[0];
		sleep_ms(50);
		is(count[0], before, "SCHED_FIFO 10 does not run beside SCHED_FIFO 20");
		set_policy(low, SCHED_FIFO, 30);
		wait_until(count[0] != before);
		ok(count[0] != before, "until it has a higher priority");
		int second = count[1];
		sleep_ms(50);
		is(count[1], second, "when the other one does not run");
		stop(low);
		stop(high);
		_exit(0);
	}
	is(st, 0, "it was done");
}

static void equals_take_turns_with_round_robin_only(void)
{
	volatile int *count = shared_ints();
	int st;

	if (child(&st) == 0) {
		bind_to_first_cpu();
		set_policy(0, SCHED_FIFO, 50);
		pid_t one = start_burner(SCHED_FIFO, 10, &count[0]);
		wait_until(count[0] > 0);
		pid_t two = start_burner(SCHED_FIFO, 10, &count[1]);
		sleep_ms(300);
		is(count[1], 0, "SCHED_FIFO does not give way to its equals");
		stop(one);
		wait_until(count[1] > 0);
		ok(count[1] > 0, "the next one runs when the first has gone");
		stop(two);

		one = start_burner(SCHED_RR, 10, &count[2]);
		two = start_burner(SCHED_RR, 10, &count[3]);
		wait_until(count[2] > 0 && count[3] > 0);
		ok(count[2] > 0 && count[3] > 0, "SCHED_RR does");
		stop(one);
		stop(two);
		_exit(0);
	}
	is(st, 0, "it was done");
}

/* A real-time task that wakes has the CPU of a busy fair one at once. */
static void waking_preempts(void)
{
	volatile int *count = shared_ints();
	int st;

	if (child(&st) == 0) {
		bind_to_first_cpu();
		set_policy(0, SCHED_FIFO, 50);
		pid_t fair = start_burner(SCHED_OTHER, 0, &count[0]);
		wait_until(count[0] > 0);
		int bad = 0;
		for (int i = 0; i < 20; i++) {
			sleep_ms(2);
			int before = count[0];
			for (volatile int j = 0; j < 1000; j++)
				;
			bad += count[0] != before;
		}
		is(bad, 0, "nobody else runs on the CPU while a real-time task does");
		stop(fair);
		_exit(0);
	}
	is(st, 0, "it was done");
}

/* Who lowers its priority goes before those that have waited with the lower one. */
static void lowering_goes_to_the_front(void)
{
	volatile int *count = shared_ints();
	int st;

	if (child(&st) == 0) {
		bind_to_first_cpu();
		set_policy(0, SCHED_FIFO, 50);
		pid_t one = start_burner(SCHED_FIFO, 10, &count[0]);
		pid_t two = start_burner(SCHED_FIFO, 10, &count[1]);
		set_policy(two, SCHED_FIFO, 20);
		set_policy(two, SCHED_FIFO, 10);
		wait_until(count[1] > 0);
		sleep_ms(50);
		is(count[0], 0, "the one that had a higher priority runs");
		stop(two);
		stop(one);
		_exit(0);
	}
	is(st, 0, "it was done");
}

static int allowed_cpus(void)
{
	unsigned long mask[16] = {0};
	int count = 0;

	syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	for (int i = 0; i < 16; i++)
		count += __builtin_popcountl(mask[i]);
	return count;
}

/* A real-time task whose CPU has more urgent work runs on another, as soon as it may. */
static void it_goes_where_it_can_run(void)
{
	volatile int *shared = shared_ints();
	unsigned long all[16] = {0};
	int ends[2], st;

	if (allowed_cpus() < 2) {
		skip(9, "one CPU");
		return;
	}
	if (child(&st) == 0) {
		syscall(SYS_sched_getaffinity, 0, sizeof(all), all);
		is(pipe(ends), 0, "a pipe");
		is(set_policy(0, SCHED_FIFO, 60), 0, "most urgent");
		pid_t guest = spawn();
		if (guest == 0) {
			char byte;
			bind_to_first_cpu();
			set_policy(0, SCHED_FIFO, 20);
			shared[1] = 1;
			shared[2] = (int)read(ends[0], &byte, 1);
			_exit(0);
		}
		wait_until(shared[1]);
		pid_t busy = spawn();
		if (busy == 0) {
			bind_to_first_cpu();
			set_policy(0, SCHED_FIFO, 50);
			for (;;)
				shared[0]++;
		}
		wait_until(shared[0] > 0);
		is(syscall(SYS_sched_setaffinity, guest, sizeof(all), all), 0, "may go anywhere");
		is(write(ends[1], "", 1), 1, "is woken on a CPU with more urgent work");
		wait_until(shared[2]);
		is(shared[2], 1, "and runs");
		is(reap(guest), 0, "to its end");
		int before = shared[0];
		wait_until(shared[0] != before);
		ok(shared[0] != before, "while that goes on");
		stop(busy);
		_exit(0);
	}
	is(st, 0, "it was done");
}

static void intervals_are_told(void)
{
	struct timespec turn = {7, 7};
	int st;

	if (child(&st) == 0) {
		is(set_policy(0, SCHED_RR, 1), 0, "SCHED_RR");
		is(syscall(SYS_sched_rr_get_interval, 0, &turn), 0, "sched_rr_get_interval");
		ok(turn.tv_sec == 0 && turn.tv_nsec == 100000000, "its turn is 100 ms");
		is(set_policy(0, SCHED_FIFO, 1), 0, "SCHED_FIFO");
		is(syscall(SYS_sched_rr_get_interval, 0, &turn), 0, "sched_rr_get_interval");
		ok(turn.tv_sec == 0 && turn.tv_nsec == 0, "has no turns");
		_exit(0);
	}
	is(st, 0, "it was done");
}

int main(void)
{
	settings_are_read_and_checked();
	others_are_not_starved();
	higher_priorities_go_first();
	equals_take_turns_with_round_robin_only();
	waking_preempts();
	lowering_goes_to_the_front();
	it_goes_where_it_can_run();
	intervals_are_told();
	return done();
}

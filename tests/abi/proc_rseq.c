/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rseq: a thread's area knows its CPU, and a sequence is abandoned when the thread is interrupted;
 * membarrier: who may, and that it abandons sequences on other CPUs.
 */
#include "abi.h"

#include <pthread.h>
#include <sys/time.h>

#define SIGNATURE  0x53053053u
#define UNREGISTER 1
#define LONG       (1UL << 33)

struct area {
	uint32_t cpu_id_start, cpu_id;
	uint64_t section;
	uint32_t flags, reserved[3];
} __attribute__((aligned(32)));

static struct area area;

static long rseq(void *where, unsigned size, int flags, unsigned signature)
{
	return syscall(SYS_rseq, where, size, flags, signature);
}

static int cpu_now(void)
{
	unsigned cpu = ~0u;

	syscall(SYS_getcpu, &cpu, NULL, NULL);
	return (int)cpu;
}

/* Counts down in a sequence.  Whether it was abandoned. */
static bool __attribute__((noinline)) count_down(struct area *where, unsigned long rounds)
{
	int aborted;

	__asm__ volatile(
		".pushsection .data\n"
		"	.balign 32\n"
		"3:	.long 0, 0\n"
		"	.quad 1f, 2f - 1f, 4f\n"
		".popsection\n"
		"	leaq 3b(%%rip), %%rax\n"
		"	movq %%rax, %[section]\n"
		"1:	decq %[rounds]\n"
		"	jnz 1b\n"
		"2:	xorl %[aborted], %[aborted]\n"
		"	jmp 5f\n"
		"	.byte 0x0f, 0xb9, 0x3d\n"
		"	.long 0x53053053\n"
		"4:	movl $1, %[aborted]\n"
		"5:\n"
		: [aborted] "=&r"(aborted), [rounds] "+r"(rounds), [section] "=m"(where->section)
		:
		: "rax", "cc", "memory");
	return aborted != 0;
}

static volatile sig_atomic_t handled;
static uint64_t section_in_handler;

static void on_alarm(int sig)
{
	(void)sig;
	handled++;
	section_in_handler = area.section;
}

static void registration(void)
{
	static struct area other;

	fails(rseq((char *)&area + 8, 32, 0, SIGNATURE), EINVAL, "the area is aligned");
	fails(rseq(&area, 16, 0, SIGNATURE), EINVAL, "and has its size");
	fails(rseq(&area, 32, 2, SIGNATURE), EINVAL, "unknown flags");
	fails(rseq(&area, 32, UNREGISTER, SIGNATURE), EINVAL, "nothing is registered yet");
	fails(rseq(KERNEL_POINTER, 32, 0, SIGNATURE), EFAULT, "not in the kernel");
	area.cpu_id = ~0u;
	is(rseq(&area, 32, 0, SIGNATURE), 0, "registered");
	ok(area.cpu_id < 1024 && area.cpu_id_start == area.cpu_id, "the CPU is there at once");
	fails(rseq(&area, 32, 0, SIGNATURE), EBUSY, "registered twice");
	fails(rseq(&area, 32, 0, 1), EPERM, "with another signature");
	fails(rseq(&other, 32, 0, SIGNATURE), EINVAL, "or another area");
	fails(rseq(&area, 32, UNREGISTER | 2, SIGNATURE), EINVAL, "unknown flags beside");
	fails(rseq(&other, 32, UNREGISTER, SIGNATURE), EINVAL, "the other area is not it");
	fails(rseq(&area, 32, UNREGISTER, 1), EPERM, "nor the other signature");
	is(rseq(&area, 32, UNREGISTER, SIGNATURE), 0, "unregistered");
	ok(area.cpu_id == ~0u && area.cpu_id_start == 0, "the area says so");
	fails(rseq(&area, 32, UNREGISTER, SIGNATURE), EINVAL, "only once");
	is(rseq(&area, 32, 0, SIGNATURE), 0, "registered again");
}

static void cpu_is_right(void)
{
	cpu_set_t before, one;
	int right = 0, wrong = 0;

	sched_getaffinity(0, sizeof(before), &before);
	for (int round = 0; round < 20; round++) {
		for (int cpu = 0; cpu < 64; cpu++) {
			if (!CPU_ISSET(cpu, &before))
				continue;
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			if (sched_setaffinity(0, sizeof(one), &one))
				continue;
			if ((int)*(volatile uint32_t *)&area.cpu_id == cpu &&
			    (int)*(volatile uint32_t *)&area.cpu_id_start == cpu &&
			    cpu_now() == cpu)
				right++;
			else
				wrong++;
		}
	}
	sched_setaffinity(0, sizeof(before), &before);
	ok(right > 0 && wrong == 0, "the area follows the thread from CPU to CPU");
}

static void start_alarm(long us)
{
	struct itimerval timer = {{0, 0}, {0, us}};

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void signals_abort(void)
{
	struct sigaction act = {.sa_handler = on_alarm};

	sigaction(SIGALRM, &act, NULL);
	ok(!count_down(&area, 1), "a short sequence completes");
	area.section = 0;
	handled = 0;
	start_alarm(20000);
	/* Losing the CPU ends it, too. */
	bool aborted_here = true;
	while (!handled && aborted_here)
		aborted_here = count_down(&area, LONG);
	ok(aborted_here, "a signal ends a long one");
	is(handled, 1, "the handler has run");
	ok(section_in_handler == 0 && area.section == 0, "the descriptor is cleared before that");

	/* Outside of any sequence, nothing moves; a stale descriptor goes. */
	count_down(&area, 1);
	handled = 0;
	start_alarm(1000);
	while (!handled)
		;
	is(area.section, 0, "a stale descriptor is cleared");
}

static void preemption_aborts(void)
{
	cpu_set_t before, one;

	sched_getaffinity(0, sizeof(before), &before);
	CPU_ZERO(&one);
	CPU_SET(cpu_now(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	pid_t pid = spawn();
	if (pid == 0)
		for (;;)
			;
	ok(count_down(&area, LONG), "another process on the CPU ends a sequence");
	kill(pid, SIGKILL);
	reap(pid);
	sched_setaffinity(0, sizeof(before), &before);
}

static void *in_thread(void *result)
{
	static struct area own;

	errno = 0;
	*(long *)result = rseq(&area, 32, UNREGISTER, SIGNATURE) == -1 ? errno : 0;
	if (rseq(&own, 32, 0, SIGNATURE) || own.cpu_id > 1024)
		*(long *)result = -1;
	rseq(&own, 32, UNREGISTER, SIGNATURE);
	return NULL;
}

static void inheritance(void)
{
	pthread_t thread;
	long result = 0;
	int status;

	if (child(&status) == 0) {
		ok((int)area.cpu_id == cpu_now() || area.cpu_id < 1024, "a child's area is right");
		fails(rseq(&area, 32, 0, SIGNATURE), EBUSY, "it is still registered");
		is(rseq(&area, 32, UNREGISTER, SIGNATURE), 0, "and can be unregistered");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends well");
	pthread_create(&thread, NULL, in_thread, &result);
	pthread_join(thread, NULL);
	is(result, EINVAL, "a thread begins without");
}

/* What the child stores as its section kills it at the next interruption. */
static int fate_of(uint64_t section)
{
	int status;

	if (child(&status) == 0) {
		leave_counters();
		signal(SIGSEGV, SIG_DFL);
		signal(SIGALRM, on_alarm);
		*(volatile uint64_t *)&area.section = section;
		start_alarm(1000);
		for (;;)
			;
	}
	return status;
}

static void bad_descriptors_kill(void)
{
	static struct {
		uint32_t version, flags;
		uint64_t start, offset, abort;
	} bad __attribute__((aligned(32)));

	bad.start = (uint64_t)(uintptr_t)count_down;
	bad.offset = 4;
	bad.abort = (uint64_t)(uintptr_t)map_pages(1) + 64;
	is(fate_of((uintptr_t)KERNEL_POINTER), KILLED(SIGSEGV), "a descriptor in the kernel");
	is(fate_of((uintptr_t)BAD_POINTER), KILLED(SIGSEGV), "nowhere");
	is(fate_of((uintptr_t)&bad), KILLED(SIGSEGV), "without a signature");
	bad.abort = bad.start + 1;
	is(fate_of((uintptr_t)&bad), KILLED(SIGSEGV), "an abort address inside the sequence");
}

enum {
	QUERY = 0,
	GLOBAL = 1,
	GLOBAL_EXPEDITED = 2,
	REGISTER_GLOBAL = 4,
	PRIVATE = 8,
	REGISTER_PRIVATE = 16,
	SYNC_CORE = 32,
	REGISTER_SYNC_CORE = 64,
	RSEQ = 128,
	REGISTER_RSEQ = 256,
};

static long membarrier(int command, unsigned flags, int cpu)
{
	return syscall(SYS_membarrier, command, flags, cpu);
}

static volatile bool counting, aborted;

static void *count_in_thread(void *unused)
{
	static struct area own;

	(void)unused;
	rseq(&own, 32, 0, SIGNATURE);
	counting = true;
	aborted = count_down(&own, LONG);
	counting = false;
	rseq(&own, 32, UNREGISTER, SIGNATURE);
	return NULL;
}

static void barriers(void)
{
	pthread_t thread;
	int status;

	is(membarrier(QUERY, 0, 0) & 0x1ff, 0x1ff, "all commands of Linux 6.1 are there");
	fails(membarrier(QUERY, 1, 0), EINVAL, "without flags");
	fails(membarrier(3, 0, 0), EINVAL, "one at a time");
	fails(membarrier(-1, 0, 0), EINVAL, "an unknown one");
	is(membarrier(GLOBAL, 0, 0), 0, "global");
	is(membarrier(GLOBAL_EXPEDITED, 0, 0), 0, "global, fast, unregistered");
	is(membarrier(REGISTER_GLOBAL, 0, 0), 0, "registered");
	is(membarrier(GLOBAL_EXPEDITED, 0, 0), 0, "again");
	fails(membarrier(PRIVATE, 0, 0), EPERM, "private needs registration");
	fails(membarrier(SYNC_CORE, 0, 0), EPERM, "so does the one for code");
	fails(membarrier(RSEQ, 0, 0), EPERM, "and the one for sequences");
	is(membarrier(REGISTER_PRIVATE, 0, 0), 0, "registered");
	is(membarrier(REGISTER_PRIVATE, 0, 0), 0, "twice is fine");
	is(membarrier(PRIVATE, 0, 0), 0, "private");
	fails(membarrier(SYNC_CORE, 0, 0), EPERM, "each for itself");
	is(membarrier(REGISTER_SYNC_CORE, 0, 0), 0, "registered");
	is(membarrier(SYNC_CORE, 0, 0), 0, "for code");
	fails(membarrier(PRIVATE, 1, 0), EINVAL, "a CPU is named for sequences only");
	is(membarrier(REGISTER_RSEQ, 0, 0), 0, "registered");
	is(membarrier(RSEQ, 1, cpu_now()), 0, "a CPU");
	is(membarrier(RSEQ, 1, 100000), 0, "a CPU that is not there");
	if (child(&status) == 0) {
		is(membarrier(PRIVATE, 0, 0), 0, "a child has its parent's registration");
		_exit(0);
	}
	pthread_create(&thread, NULL, count_in_thread, NULL);
	wait_until(counting);
	sleep_ms(5);
	for (int i = 0; i < 1000 && counting; i++) {
		membarrier(RSEQ, 0, 0);
		sleep_ms(1);
	}
	pthread_join(thread, NULL);
	ok(aborted, "the barrier for sequences ends those of other threads");
}

int main(void)
{
	registration();
	cpu_is_right();
	signals_abort();
	preemption_aborts();
	inheritance();
	bad_descriptors_kill();
	barriers();
	return done();
}

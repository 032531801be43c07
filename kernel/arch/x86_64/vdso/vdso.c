/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO (vdso(7)): time without entering the kernel.  Runs in the program, in user mode,
 * wherever it was mapped; the page of struct vdso_data lies right below it.  Whatever it cannot
 * answer goes to the system call.
 */
#include <stdint.h>

#include "arch/x86_64/vdso_data.h"
#include <machine/layout.h>

enum {
	CLOCK_REALTIME = 0,
	CLOCK_MONOTONIC = 1,
	CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5,
	CLOCK_MONOTONIC_COARSE = 6,
	CLOCK_BOOTTIME = 7,
	CALL_GETTIMEOFDAY = 96,
	CALL_TIME = 201,
	CALL_CLOCK_GETTIME = 228,
	CALL_CLOCK_GETRES = 229,
};

struct timespec {
	int64_t seconds, nanoseconds;
};

struct timeval {
	int64_t seconds, microseconds;
};

struct timezone {
	int minutes_west, dst;
};

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

static long call2(long number, long first, long second)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(first), "S"(second)
			 : "rcx", "r11", "memory");
	return result;
}

/* Nanoseconds since boot, and what to add for the time of day.  False while the kernel has no
 * clock. */
static int read_clock(uint64_t *monotonic, int64_t *wall_offset)
{
	const volatile struct vdso_data *data = &vdso_data;
	uint32_t sequence;

	do {
		uint32_t low, high;
		sequence = __atomic_load_n(&vdso_data.sequence, __ATOMIC_ACQUIRE);
		if (!data->ready)
			return 0;
		__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
		*monotonic = (uint64_t)(((unsigned __int128)(((uint64_t)high << 32 | low) -
							     data->tsc_base) *
					 data->multiplier) >>
					32);
		*wall_offset = data->wall_offset;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((sequence & 1) || data->sequence != sequence);
	return 1;
}

static int clock_time(int clock, uint64_t *time)
{
	int64_t wall_offset;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		if (!read_clock(time, &wall_offset))
			return 0;
		*time += (uint64_t)wall_offset;
		return 1;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		return read_clock(time, &wall_offset);
	default:
		return 0;
	}
}

int __vdso_clock_gettime(int clock, struct timespec *result);
int __vdso_clock_gettime(int clock, struct timespec *result)
{
	uint64_t time;

	if (!clock_time(clock, &time))
		return (int)call2(CALL_CLOCK_GETTIME, clock, (long)result);
	result->seconds = (int64_t)(time / 1000000000);
	result->nanoseconds = (int64_t)(time % 1000000000);
	return 0;
}

int __vdso_gettimeofday(struct timeval *result, struct timezone *zone);
int __vdso_gettimeofday(struct timeval *result, struct timezone *zone)
{
	uint64_t time;

	if (zone != (void *)0 || !clock_time(CLOCK_REALTIME, &time))
		return (int)call2(CALL_GETTIMEOFDAY, (long)result, (long)zone);
	if (result != (void *)0) {
		result->seconds = (int64_t)(time / 1000000000);
		result->microseconds = (int64_t)(time % 1000000000 / 1000);
	}
	return 0;
}

long __vdso_time(int64_t *result);
long __vdso_time(int64_t *result)
{
	uint64_t time;

	if (!clock_time(CLOCK_REALTIME, &time))
		return call2(CALL_TIME, (long)result, 0);
	if (result != (void *)0)
		*result = (int64_t)(time / 1000000000);
	return (long)(time / 1000000000);
}

int __vdso_clock_getres(int clock, struct timespec *result);
int __vdso_clock_getres(int clock, struct timespec *result)
{
	return (int)call2(CALL_CLOCK_GETRES, clock, (long)result);
}

/* The kernel keeps the CPU's number in the limit of a segment.  One memory node. */
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused __attribute__((unused)))
{
	unsigned number;

	__asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(SEGMENT_CPU_NUMBER));
	if (cpu != (void *)0)
		*cpu = number;
	if (node != (void *)0)
		*node = 0;
	return 0;
}

#define ALIAS(name) __attribute__((weak, alias("__vdso_" #name)))
int clock_gettime(int clock, struct timespec *result) ALIAS(clock_gettime);
int gettimeofday(struct timeval *result, struct timezone *zone) ALIAS(gettimeofday);
long time(int64_t *result) ALIAS(time);
int clock_getres(int clock, struct timespec *result) ALIAS(clock_getres);
long getcpu(unsigned *cpu, unsigned *node, void *unused) ALIAS(getcpu);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the scheduler's settings in /proc/sys/kernel (proc_sys_kernel(5), sched(7)).
 *
 * Each is a signed number, read and written as a word in the scheduler.
 */
#include "fs/procfs/procfs.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "proc/sched.h"

struct setting {
	const char *name;
	s64 (*get)(void);
	int (*set)(s64 value); /* 0 or -EINVAL */
};

static s64 get_period(void)
{
	return scheduler_rt_period() / (s64)NSEC_PER_USEC;
}

static int set_period(s64 value)
{
	return scheduler_set_rt_limit(value * (s64)NSEC_PER_USEC, scheduler_rt_runtime());
}

static s64 get_runtime(void)
{
	s64 runtime = scheduler_rt_runtime();

	return runtime < 0 ? -1 : runtime / (s64)NSEC_PER_USEC;
}

static int set_runtime(s64 value)
{
	if (value < -1)
		return -EINVAL;
	return scheduler_set_rt_limit(scheduler_rt_period(),
				      value < 0 ? -1 : value * (s64)NSEC_PER_USEC);
}

static s64 get_turn(void)
{
	return (s64)(scheduler_rr_slice() / NSEC_PER_MSEC);
}

static int set_turn(s64 value)
{
	scheduler_set_rr_slice(value <= 0 ? 0 : (nsec_t)value * NSEC_PER_MSEC);
	return 0;
}

static s64 get_least_period(void)
{
	return (s64)(scheduler_deadline_period(false) / NSEC_PER_USEC);
}

static int set_least_period(s64 value)
{
	return value < 0 ? -EINVAL
			 : scheduler_set_deadline_period(false, (nsec_t)value * NSEC_PER_USEC);
}

static s64 get_greatest_period(void)
{
	return (s64)(scheduler_deadline_period(true) / NSEC_PER_USEC);
}

static int set_greatest_period(s64 value)
{
	return value < 0 ? -EINVAL
			 : scheduler_set_deadline_period(true, (nsec_t)value * NSEC_PER_USEC);
}

static const struct setting settings[] = {
	{"sched_deadline_period_max_us", get_greatest_period, set_greatest_period},
	{"sched_deadline_period_min_us", get_least_period, set_least_period},
	{"sched_rr_timeslice_ms", get_turn, set_turn},
	{"sched_rt_period_us", get_period, set_period},
	{"sched_rt_runtime_us", get_runtime, set_runtime},
};

static const struct setting *setting_of(const struct proc_node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].name, node->entry->name) == 0)
			return &settings[i];
	return NULL;
}

int proc_show_sched_setting(const struct proc_node *node, struct text *text)
{
	const struct setting *setting = setting_of(node);

	if (setting == NULL)
		return -EINVAL;
	text_printf(text, "%ld\n", (long)setting->get());
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

int proc_store_sched_setting(const struct proc_node *node, char *value, size_t size)
{
	const struct setting *setting = setting_of(node);
	s64 number;

	while (size > 0 && is_space(value[size - 1]))
		value[--size] = '\0';
	while (is_space(*value))
		value++;
	if (setting == NULL || parse_s64(value, 10, &number) != 0 || number < INT_MIN ||
	    number > INT_MAX)
		return -EINVAL;
	return setting->set(number);
}

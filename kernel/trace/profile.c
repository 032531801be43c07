/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The profile: where the CPUs are, so many times a second.
 *
 * A timer of each CPU looks at what it interrupted: in the kernel at the chain of return addresses,
 * and for a program's thread where the program entered the kernel; in a program at the instruction.
 * Equal samples are one: each CPU has a table of them with how often each was seen, which only the
 * CPU itself writes, from its timer's interrupt.  A sample that finds no room is counted as lost.
 *
 * /proc/trace_profile has them in the folded format: name of the thread and functions, the outermost
 * first, with semicolons between them, then the number.  Addresses of programs are shown as numbers;
 * tools/flamegraph knows how to name them.
 *
 * trace_lock guards what is switched on and off.  `tables` are freed when no timer can run.
 */
#include "arch/clock.h"
#include "arch/machine.h"
#include "arch/mmu.h"
#include "arch/probe.h"
#include "arch/trap.h"
#include "fs/procfs/procfs.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/module.h"
#include "lib/sort.h"
#include "lib/string.h"
#include "mm/vmalloc.h"
#include "proc/timer.h"
#include "trace/trace_internal.h"

enum { DEPTH = 24, SLOTS = 4096, TRIES = 32, HERTZ_MAX = 10000 };

struct sample {
	u64 count; /* 0: free; atomic, as others read it */
	u32 depth;
	char comm[TASK_COMM_LENGTH];
	vaddr_t addresses[DEPTH + 1]; /* the innermost first */
};

struct profile_cpu {
	struct timer timer;
	struct sample *samples; /* SLOTS of them */
	u64 lost;               /* atomic */
} __cacheline;

static struct profile_cpu profiles[MAX_CPUS];
static u32 hertz;     /* trace_lock */
static nsec_t period; /* constant while timers run */

/* --- Sampling --- */

static u64 hash_of(const struct sample *sample)
{
	u64 hash = trace_name_word(sample->comm, 0) + sample->depth;

	for (u32 i = 0; i < sample->depth; i++)
		hash = hash_u64(hash ^ sample->addresses[i]);
	return hash;
}

static bool is_same(const struct sample *a, const struct sample *b)
{
	return a->depth == b->depth && memcmp(a->comm, b->comm, sizeof(a->comm)) == 0 &&
	       memcmp(a->addresses, b->addresses, a->depth * sizeof(a->addresses[0])) == 0;
}

static void take(struct sample *sample)
{
	const struct task *task = current;

	sample->depth = (u32)backtrace_interrupted(sample->addresses, DEPTH);
	memcpy(sample->comm, task->comm, sizeof(sample->comm));
	if (sample->depth > 0 && sample->addresses[0] >= KERNEL_BASE &&
	    !(task->flags & (TASK_KERNEL | TASK_IDLE)))
		sample->addresses[sample->depth++] = trap_ip(task_frame());
}

static void note(struct profile_cpu *profile)
{
	struct sample sample = {0};

	take(&sample);
	u64 slot = hash_of(&sample);
	for (u32 i = 0; i < TRIES; i++) {
		struct sample *known = &profile->samples[(slot + i) % SLOTS];

		if (known->count != 0 && !is_same(known, &sample))
			continue;
		if (known->count == 0) {
			sample.count = 0;
			*known = sample;
		}
		__atomic_store_n(&known->count, known->count + 1, __ATOMIC_RELEASE);
		return;
	}
	WRITE_ONCE(profile->lost, profile->lost + 1);
}

static void tick(struct timer *timer)
{
	note(&profiles[cpu_id()]);
	timer_start(timer, MAX(timer->deadline + period, clock_monotonic() + period / 2));
}

/* --- Switching on and off --- */

static void start_here(void *argument __unused)
{
	struct profile_cpu *profile = &profiles[cpu_id()];

	timer_init(&profile->timer, tick);
	profile->timer.cpu = cpu_id();
	timer_start(&profile->timer, clock_monotonic() + period);
}

static void start(void)
{
	preempt_disable();
	unsigned long flags = irq_save();
	start_here(NULL);
	irq_restore(flags);
	cpus_call(cpus_online(), start_here, NULL);
	preempt_enable();
}

static void stop(void)
{
	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		if (hertz != 0)
			timer_cancel_sync(&profiles[cpu].timer);
	hertz = 0;
}

static int make_tables(void)
{
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		if (profiles[cpu].samples == NULL)
			profiles[cpu].samples = vzalloc(SLOTS * sizeof(struct sample));
		if (profiles[cpu].samples == NULL)
			return -ENOMEM;
	}
	return 0;
}

int profile_set_locked(u64 wanted)
{
	int error;

	if (wanted > HERTZ_MAX)
		return -EINVAL;
	stop();
	if (wanted == 0)
		return 0;
	error = make_tables();
	if (error != 0)
		return error;
	hertz = (u32)wanted;
	period = NSEC_PER_SEC / hertz;
	start();
	return 0;
}

u32 profile_hertz_locked(void)
{
	return hertz;
}

void profile_clear_locked(void)
{
	u32 before = hertz;

	stop();
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		profiles[cpu].lost = 0;
		if (profiles[cpu].samples != NULL)
			memset(profiles[cpu].samples, 0, SLOTS * sizeof(struct sample));
	}
	hertz = before;
	if (hertz != 0)
		start();
}

/* --- Showing --- */

static int compare(const void *left, const void *right, void *context __unused)
{
	const struct sample *a = *(const struct sample *const *)left;
	const struct sample *b = *(const struct sample *const *)right;
	int order = memcmp(a->comm, b->comm, sizeof(a->comm));

	if (order == 0)
		order = a->depth < b->depth ? -1 : a->depth > b->depth;
	return order != 0 ? order
			  : memcmp(a->addresses, b->addresses, a->depth * sizeof(a->addresses[0]));
}

static void show_address(vaddr_t address, struct text *text)
{
	const char *module, *name;
	size_t offset;

	if (address < KERNEL_BASE) {
		text_printf(text, ";0x%lx", (unsigned long)address);
		return;
	}
	name = symbol_lookup(address, &offset);
	if (name == NULL)
		name = module_symbol_lookup(address, &offset, &module);
	text_printf(text, ";%s", name != NULL ? name : "unknown");
}

static void show_sample(const struct sample *sample, u64 count, struct text *text)
{
	char comm[TASK_COMM_LENGTH + 1];

	/* What stands between the parts must not stand in one. */
	strscpy(comm, sample->comm, sizeof(comm));
	for (char *at = comm; *at != '\0'; at++)
		if (*at == ';' || *at <= ' ')
			*at = '_';
	text_printf(text, "%s", comm);
	for (u32 i = sample->depth; i > 0; i--)
		show_address(sample->addresses[i - 1], text);
	text_printf(text, " %lu\n", (unsigned long)count);
}

static size_t collect(const struct sample **samples)
{
	size_t used = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		for (u32 i = 0; profiles[cpu].samples != NULL && i < SLOTS; i++)
			if (__atomic_load_n(&profiles[cpu].samples[i].count, __ATOMIC_ACQUIRE) != 0)
				samples[used++] = &profiles[cpu].samples[i];
	sort(samples, used, sizeof(*samples), compare, NULL);
	return used;
}

int trace_show_profile(const struct proc_node *node __unused, struct text *text)
{
	const struct sample **samples;
	u64 lost = 0;

	mutex_lock(&trace_lock);
	samples = vmalloc((size_t)cpu_count() * SLOTS * sizeof(*samples));
	size_t used = samples != NULL ? collect(samples) : 0;
	for (size_t i = 0, next; i < used; i = next) {
		u64 count = 0;

		for (next = i; next < used && is_same(samples[i], samples[next]); next++)
			count += READ_ONCE(samples[next]->count);
		show_sample(samples[i], count, text);
	}
	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		lost += READ_ONCE(profiles[cpu].lost);
	if (lost > 0)
		text_printf(text, "[lost] %lu\n", (unsigned long)lost);
	vfree(samples);
	mutex_unlock(&trace_lock);
	return samples != NULL ? 0 : -ENOMEM;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers.
 *
 * The generator cannot be predicted once 128 bits of surprise have been mixed in.  The processor's
 * instruction gives these at once where there is one.  Without it, what start-up offers is the
 * jitter of the cycle counter against the work between two readings, taken many times over, and the
 * battery clock.
 */
#include "proc/random.h"

#include "arch/clock.h"
#include "arch/cpu.h"
#include "lib/crng.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/vmm.h"

#define PROCESSOR_WORDS 8
#define JITTER_ROUNDS   256
#define DIRECT_SIZE     256 /* requests beyond it draw from a fork, outside the lock */
#define SMALL_SIZE      32  /* requests up to it come out of the pool */

/*
 * Small numbers, made ahead: a block of key stream for each would cost more than the rest of an
 * exec's layout.  What was given out is wiped, so the pool betrays nothing of the past.
 */
static struct {
	u8 bytes[256];
	size_t left;          /* not given out yet: the first ones */
} pool;                       /* generator_lock */
static struct crng generator; /* generator_lock */
static spinlock_t generator_lock;
static bool seeded;

void random_mix(const void *data, size_t size)
{
	u64 now = cpu_cycles();

	unsigned long flags = spin_lock_irqsave(&generator_lock);
	crng_mix(&generator, data, size);
	crng_mix(&generator, &now, sizeof(now));
	pool.left = 0;
	spin_unlock_irqrestore(&generator_lock, flags);
}

static void mix_jitter(void)
{
	u64 samples[JITTER_ROUNDS];

	for (size_t i = 0; i < JITTER_ROUNDS; i++) {
		for (u64 spins = cpu_cycles() & 15; spins; spins--)
			cpu_relax();
		samples[i] = cpu_cycles();
	}
	random_mix(samples, sizeof(samples));
}

void random_init(void)
{
	u64 words[PROCESSOR_WORDS];
	size_t count = 0;

	crng_init(&generator);
	while (count < PROCESSOR_WORDS && cpu_random(&words[count]))
		count++;
	random_mix(words, count * sizeof(words[0]));
	time_t rtc = clock_read_rtc();
	nsec_t now = clock_monotonic();
	random_mix(&rtc, sizeof(rtc));
	random_mix(&now, sizeof(now));
	mix_jitter();
	seeded = true;
	vmm_set_random_source(random_u64);
}

bool random_is_seeded(void)
{
	return READ_ONCE(seeded);
}

static void take_from_pool(void *buffer, size_t size)
{
	if (pool.left < size) {
		crng_generate(&generator, pool.bytes, sizeof(pool.bytes));
		pool.left = sizeof(pool.bytes);
	}
	pool.left -= size;
	memcpy(buffer, pool.bytes + pool.left, size);
	memset(pool.bytes + pool.left, 0, size);
}

void random_bytes(void *buffer, size_t size)
{
	struct crng own;

	unsigned long flags = spin_lock_irqsave(&generator_lock);
	if (size <= SMALL_SIZE)
		take_from_pool(buffer, size);
	else if (size <= DIRECT_SIZE)
		crng_generate(&generator, buffer, size);
	else
		crng_fork(&generator, &own);
	spin_unlock_irqrestore(&generator_lock, flags);
	if (size > DIRECT_SIZE)
		crng_generate(&own, buffer, size);
}

u64 random_u64(void)
{
	u64 value;

	random_bytes(&value, sizeof(value));
	return value;
}

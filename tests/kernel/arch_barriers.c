/* SPDX-License-Identifier: BSD-2-Clause */
/* Barriers: mb, rmb and wmb between CPUs. */
#include "arch/cpu.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

enum { ROUNDS = 4000 };

/* One side of a game: each round it raises its flag and looks at the other's. */
static struct {
	u32 round[2] __cacheline; /* atomic: that a side has begun, and */
	u32 done[2];              /* finished */
	u32 flag[2];
	u32 seen[2];
	u32 data, ready; /* what one side publishes */
	u32 stale;       /* times that the other saw it ready, and not there */
} game;

static void meet(u32 *rounds, u32 side, u32 round)
{
	__atomic_store_n(&rounds[side], round, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&rounds[1 - side], __ATOMIC_SEQ_CST) < round)
		cpu_relax();
}

static void play(u32 side)
{
	for (u32 round = 1; round <= ROUNDS; round++) {
		meet(game.round, side, round);
		WRITE_ONCE(game.flag[side], round);
		mb();
		WRITE_ONCE(game.seen[side], READ_ONCE(game.flag[1 - side]));
		if (side == 0) {
			WRITE_ONCE(game.data, round);
			wmb();
			WRITE_ONCE(game.ready, round);
		} else {
			u32 ready = READ_ONCE(game.ready);
			rmb();
			game.stale += READ_ONCE(game.data) < ready;
		}
		meet(game.done, side, round);
		/* Both flags were raised before either side looked twice: one must have seen. */
		if (side == 0 && READ_ONCE(game.seen[0]) != round)
			KEXPECT(READ_ONCE(game.seen[1]) == round);
	}
}

static u32 partner_finished;

static void partner(void *argument __unused)
{
	play(1);
	__atomic_store_n(&partner_finished, 1, __ATOMIC_RELEASE);
}

KTEST(arch_barriers_order_what_two_cpus_write_and_read)
{
	if (cpumask_count(cpus_online()) < 2)
		KSKIP("one CPU alone");
	KREQUIRE(!IS_ERR(kernel_thread_create(partner, NULL, "partner")));
	play(0);
	while (!__atomic_load_n(&partner_finished, __ATOMIC_ACQUIRE))
		task_yield();
	KEXPECT(game.stale == 0);
}

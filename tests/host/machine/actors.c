/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Actors: see actors.h.  Each is a thread of the host; a baton, one semaphore an actor, lets one of
 * them run.
 */
#include "machine/actors.h"

#include <pthread.h>
#include <semaphore.h>

#include "lib/panic.h"
#include "machine/cpu.h"
#include "machine/machine.h"

enum { PAUSE_ONE_IN = 4, WAIT_LIMIT = 1000000 };

struct player {
	const struct actor *actor;
	pthread_t thread;
	sem_t baton;
	bool ended;
};

static struct player players[MACHINE_CPUS];
static sem_t finished;
static u32 player_count; /* 0: there are no actors */
static u32 alive;
static u32 waits; /* in a row, with no pause between */
static bool held;
static u64 random_state;

static u64 random_below(u64 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % limit;
}

/* The baton goes to a random player but this one; who has ended does not wait for it again. */
static void pass_on(u32 self)
{
	u32 next;

	do {
		next = (u32)random_below(player_count);
	} while (next == self || players[next].ended);
	machine_cpu = next;
	sem_post(&players[next].baton);
	if (!players[self].ended)
		sem_wait(&players[self].baton);
}

void machine_pause(void)
{
	if (player_count == 0 || held)
		return;
	waits = 0;
	if (alive > 1 && random_below(PAUSE_ONE_IN) == 0)
		pass_on(machine_cpu);
}

void machine_wait(const char *what)
{
	if (player_count == 0 || held || alive == 1 || ++waits > WAIT_LIMIT)
		panic("%s", what);
	pass_on(machine_cpu);
}

void machine_hold(bool hold)
{
	held = hold;
}

static void *play(void *argument)
{
	struct player *self = argument;

	sem_wait(&self->baton);
	self->actor->run(self->actor->argument);
	self->ended = true;
	if (--alive > 0)
		pass_on((u32)(self - players));
	else
		sem_post(&finished);
	return NULL;
}

void machine_interleave(u64 seed, const struct actor *actors, u32 count)
{
	random_state = (seed + 1) * 0x9e3779b97f4a7c15;
	sem_init(&finished, 0, 0);
	alive = count;
	player_count = count;
	for (u32 i = 0; i < count; i++) {
		players[i] = (struct player){.actor = &actors[i]};
		sem_init(&players[i].baton, 0, 0);
		if (pthread_create(&players[i].thread, NULL, play, &players[i]) != 0)
			panic("the host has no thread for an actor");
	}
	machine_cpu = (u32)random_below(count);
	sem_post(&players[machine_cpu].baton);
	sem_wait(&finished);
	for (u32 i = 0; i < count; i++)
		pthread_join(players[i].thread, NULL);
	player_count = 0;
	machine_cpu = 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the workload of the power cuts (powercut.c) writes, and its judge (tests/host/fs/powercut.c)
 * expects.
 *
 * Files are rows of records that say what they belong to.  On a partition of its own each worker
 * keeps a row of notes, a sector each, past every cache: what it is going to do, and what it was
 * told is safe.  A note that is on the disk was written before whatever the worker did next.
 */
#ifndef TESTS_SYSTEM_POWERCUT_H
#define TESTS_SYSTEM_POWERCUT_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	WORKERS = 8,
	SLOTS = 12,        /* files of a worker */
	NOTE_SIZE = 512,   /* bytes */
	NOTES = 8192,      /* of a worker at most */
	RECORD_SIZE = 512, /* bytes */
	PAGES = 32,        /* of the file that is mapped */
	SIDES = 2, /* processes that write to it: they are workers WORKERS and WORKERS + 1 */
	WRITERS = WORKERS + SIDES,
	NAME_SIZE = 32,
	MAPPED_PAGE = 4096,
};

#define NOTE_MAGIC   0x6e6f74652d637574ull
#define RECORD_MAGIC 0x7265632d2d637574ull

enum note_kind {
	NOTE_SAFE = 1,  /* the file is there as the note says, with at least as many records; with
			  generation 0 it is gone */
	NOTE_CHANGING,  /* from now on it may be anything, but of whole records */
	NOTE_REPLACING, /* … it is what was safe, or as the note says */
	NOTE_MAPPED,    /* word `slot` of the mapped file is `generation` at least */
};

struct note {
	uint64_t magic;
	uint32_t worker, sequence, kind;
	uint32_t slot, name, generation, records;
};

/* A file's name below the mounted folder; it alternates between two. */
static inline void slot_name(char *to, uint32_t worker, uint32_t slot, uint32_t name)
{
	snprintf(to, NAME_SIZE, "w%u/%s%u", worker, name ? "other-name-" : "f", slot);
}

static inline void record_make(uint8_t *to, uint32_t worker, uint32_t slot, uint32_t generation,
			       uint32_t index)
{
	uint64_t words[RECORD_SIZE / 8];
	uint64_t seed = ((uint64_t)worker << 56) ^ ((uint64_t)slot << 48) ^
			((uint64_t)generation << 24) ^ index;

	words[0] = RECORD_MAGIC;
	words[1] = ((uint64_t)worker << 32) | slot;
	words[2] = ((uint64_t)generation << 32) | index;
	for (uint32_t i = 3; i < RECORD_SIZE / 8; i++)
		words[i] = seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	memcpy(to, words, sizeof(words));
}

/* The generation that a record says it is of. */
static inline uint32_t record_generation(const uint8_t *record)
{
	uint64_t word;

	memcpy(&word, record + 16, sizeof(word));
	return (uint32_t)(word >> 32);
}

#endif

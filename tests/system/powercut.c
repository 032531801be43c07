/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work for a disk that will lose power: processes that create, append to, rename, replace, shorten and
 * delete files, and two that write to a mapping that they share, from before the one forked the
 * other.  What they are told is safe they note (powercut.h).
 *
 *	powercut FOLDER NOTES-DEVICE SEED STEPS
 */
#include "powercut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORDS_MOST = 24, LENGTH_MOST = 400 };

static const char *folder;
static int device;
static uint64_t seed;
static uint32_t worker, sequence;
static uint8_t *sector; /* of the notes, aligned */

static struct slot {
	uint32_t name, generation, records;
} slots[SLOTS];
static uint32_t generation;
static int directory;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "powercut: worker %u: %s: %s\n", worker, what, strerror(errno));
	_exit(1);
}

static uint32_t roll(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % below;
}

static void note(enum note_kind kind, uint32_t slot, struct slot state)
{
	struct note *to = (struct note *)sector;
	off_t place = ((off_t)worker * NOTES + sequence) * NOTE_SIZE;

	must(sequence < NOTES, "too many notes");
	memset(sector, 0, NOTE_SIZE);
	*to = (struct note){NOTE_MAGIC, worker,     sequence++,       kind,
			    slot,       state.name, state.generation, state.records};
	must(pwrite(device, sector, NOTE_SIZE, place) == NOTE_SIZE, "note");
}

/* --- Files --- */

static void path_of(char *path, uint32_t slot, uint32_t name)
{
	char file[NAME_SIZE];

	slot_name(file, worker, slot, name);
	snprintf(path, 2 * NAME_SIZE, "%s/%s", folder, file);
}

static void append(int file, uint32_t slot, struct slot *state, uint32_t count)
{
	static uint8_t records[RECORDS_MOST * RECORD_SIZE];

	for (uint32_t i = 0; i < count; i++)
		record_make(records + i * RECORD_SIZE, worker, slot, state->generation,
			    state->records + i);
	must(write(file, records, count * RECORD_SIZE) == (ssize_t)(count * RECORD_SIZE), "write");
	state->records += count;
}

/* A new file of some records. */
static struct slot make(const char *path, uint32_t slot, uint32_t name, bool sync)
{
	struct slot state = {name, ++generation, 0};
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0644);

	must(file >= 0, path);
	append(file, slot, &state, 1 + roll(RECORDS_MOST));
	must(!sync || fsync(file) == 0, "fsync of a new file");
	close(file);
	return state;
}

static void create(uint32_t slot)
{
	char path[2 * NAME_SIZE];

	path_of(path, slot, 0);
	note(NOTE_CHANGING, slot, slots[slot]);
	slots[slot] = make(path, slot, 0, true);
	note(NOTE_SAFE, slot, slots[slot]);
}

static void grow(uint32_t slot)
{
	char path[2 * NAME_SIZE];
	int file;

	path_of(path, slot, slots[slot].name);
	file = open(path, O_WRONLY | O_APPEND);
	must(file >= 0, path);
	append(file, slot, &slots[slot], 1 + roll(RECORDS_MOST));
	if (roll(2)) {
		must((roll(2) ? fsync(file) : fdatasync(file)) == 0, "fsync");
		note(NOTE_SAFE, slot, slots[slot]);
	}
	close(file);
}

static void change_name(uint32_t slot)
{
	char from[2 * NAME_SIZE], to[2 * NAME_SIZE];
	struct slot *state = &slots[slot];
	int file;

	path_of(from, slot, state->name);
	path_of(to, slot, !state->name);
	note(NOTE_CHANGING, slot, *state);
	must(rename(from, to) == 0, "rename");
	state->name = !state->name;
	file = open(to, O_RDONLY);
	must(file >= 0 && fsync(file) == 0 && fsync(directory) == 0, "fsync after rename");
	close(file);
	note(NOTE_SAFE, slot, *state);
}

/* As editors save: another file takes the name.  It is there whole then, with or without fsync. */
static void replace(uint32_t slot)
{
	char path[2 * NAME_SIZE], other[2 * NAME_SIZE];
	struct slot fresh;
	int file;

	path_of(path, slot, slots[slot].name);
	file = open(path, O_RDONLY);
	must(file >= 0 && fsync(file) == 0, "fsync");
	close(file);
	note(NOTE_SAFE, slot, slots[slot]);
	snprintf(other, sizeof(other), "%s/w%u/new", folder, worker);
	fresh = make(other, slot, slots[slot].name, roll(2));
	note(NOTE_REPLACING, slot, fresh);
	must(rename(other, path) == 0, "rename over a file");
	slots[slot] = fresh;
	must(fsync(directory) == 0, "fsync of a folder");
	note(NOTE_SAFE, slot, fresh);
}

static void shorten(uint32_t slot)
{
	char path[2 * NAME_SIZE];
	struct slot *state = &slots[slot];
	int file;

	path_of(path, slot, state->name);
	file = open(path, O_WRONLY);
	must(file >= 0, path);
	note(NOTE_CHANGING, slot, *state);
	state->records = roll(state->records + 1);
	must(ftruncate(file, (off_t)state->records * RECORD_SIZE) == 0, "ftruncate");
	must(fsync(file) == 0, "fsync after ftruncate");
	close(file);
	note(NOTE_SAFE, slot, *state);
}

static void delete (uint32_t slot)
{
	char path[2 * NAME_SIZE];
	int file = -1;

	path_of(path, slot, slots[slot].name);
	note(NOTE_CHANGING, slot, slots[slot]);
	if (roll(4) == 0)
		file = open(path, O_RDONLY);
	must(unlink(path) == 0, "unlink");
	if (roll(2)) {
		slots[slot] = (struct slot){0};
		must(fsync(directory) == 0, "fsync of a folder");
		note(NOTE_SAFE, slot, slots[slot]);
	}
	slots[slot] = (struct slot){0};
	if (file >= 0)
		close(file);
}

/* Folders come and go beside the files. */
static void folders(void)
{
	char path[2 * NAME_SIZE];

	snprintf(path, sizeof(path), "%s/w%u/d%u", folder, worker, roll(4));
	if (mkdir(path, 0755) != 0)
		must(errno == EEXIST && rmdir(path) == 0, "rmdir");
}

static void step(void)
{
	uint32_t slot = roll(SLOTS), dice = roll(16);

	if (slots[slot].generation == 0)
		create(slot);
	else if (dice < 6 && slots[slot].records < LENGTH_MOST)
		grow(slot);
	else if (dice < 8)
		change_name(slot);
	else if (dice < 10)
		replace(slot);
	else if (dice < 12)
		shorten(slot);
	else if (dice < 14)
		delete (slot);
	else
		folders();
}

static void work(uint32_t steps)
{
	char path[2 * NAME_SIZE];

	snprintf(path, sizeof(path), "%s/w%u", folder, worker);
	must(mkdir(path, 0755) == 0, path);
	directory = open(path, O_RDONLY | O_DIRECTORY);
	must(directory >= 0, path);
	for (uint32_t i = 0; i < steps; i++)
		step();
}

/* --- The mapping --- */

/* One side counts its words up, a page after the other, at random. */
static void count_up(volatile uint64_t *words, uint32_t side, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		uint32_t page = roll(PAGES);
		uint32_t word = page * SIDES + side;
		volatile uint64_t *at = words + page * (MAPPED_PAGE / 8) + side;

		*at = *at + 1;
		if (roll(3) == 0) {
			must(msync((void *)(words + page * (MAPPED_PAGE / 8)), MAPPED_PAGE,
				   MS_SYNC) == 0,
			     "msync");
			note(NOTE_MAPPED, word, (struct slot){0, (uint32_t)*at, 0});
		}
	}
}

static void map(uint32_t steps)
{
	char path[2 * NAME_SIZE];
	uint64_t *words;
	pid_t child;
	int file, status = 0;

	snprintf(path, sizeof(path), "%s/mapped", folder);
	file = open(path, O_RDWR | O_CREAT, 0644);
	must(file >= 0 && ftruncate(file, PAGES * MAPPED_PAGE) == 0 && fsync(file) == 0, path);
	words = mmap(NULL, PAGES * MAPPED_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	must(words != MAP_FAILED, "mmap");
	count_up(words, 0, steps / 4);
	child = fork();
	must(child >= 0, "fork");
	if (child == 0) {
		worker++;
		sequence = 0;
		seed += 99;
	}
	count_up(words, child == 0, steps);
	if (child == 0)
		_exit(0);
	must(waitpid(child, &status, 0) == child && status == 0, "the child");
}

int main(int count, char **arguments)
{
	uint32_t steps;
	int failed = 0, status;

	if (count != 5)
		return 2;
	folder = arguments[1];
	device = open(arguments[2], O_WRONLY | O_DIRECT);
	must(device >= 0, arguments[2]);
	steps = (uint32_t)atoi(arguments[4]);
	must(posix_memalign((void **)&sector, MAPPED_PAGE, MAPPED_PAGE) == 0, "memory");
	for (worker = 0; worker <= WORKERS; worker++) {
		seed = strtoull(arguments[3], NULL, 0) * 1000003 + worker * 7919 + 1;
		if (fork() != 0)
			continue;
		if (worker == WORKERS)
			map(steps);
		else
			work(steps);
		_exit(0);
	}
	for (uint32_t i = 0; i <= WORKERS; i++)
		failed |= wait(&status) < 0 || status != 0;
	puts(failed ? "powercut: failed" : "powercut: done");
	return failed;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations in an overlay and, step by step, in an ordinary directory that began as a copy of
 * what the overlay shows: each is answered alike, and both trees stay the same, also after the overlay
 * was mounted again.  Then several processes at once in one overlay, which must hold together.
 *
 *	overlay_random [SEED [STEPS]]
 *
 * What differs by design is not compared: sizes and links of directories, and renames of directories
 * that lower layers have (EXDEV).
 */
#include "overlay_model.h"

enum { STEPS = 1000, REMOUNT_EACH = 250, WORKERS = 4, DEPTH = 3, NAMES = 5 };

static uint64_t state;
static int step;

static unsigned pick(unsigned below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)((state >> 33) % below);
}

/* A path of one to DEPTH short names. */
static void pick_path(char *path)
{
	unsigned depth = 1 + pick(DEPTH);

	*path = '\0';
	for (unsigned i = 0; i < depth; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%s%c", i ? "/" : "", 'a' + (int)pick(NAMES));
		strcat(path, name);
	}
}

static struct operation pick_operation(void)
{
	struct operation o = {.kind = (int)pick(KINDS), .number = pick(100000)};

	pick_path(o.path);
	pick_path(o.other);
	return o;
}

/* --- The layers --- */

static void grow(const char *tree, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		static const int kinds[] = {CREATE, MKDIR, MKDIR, CREATE, SYMLINK, CHMOD, XATTR};
		struct operation o = pick_operation();

		o.kind = kinds[pick(ARRAY_LEN(kinds))];
		act_in(&o, tree);
	}
}

/* --- One after the other --- */

static bool both(void)
{
	struct operation o = pick_operation();
	long got = act_in(&o, "m"), wanted;

	/* Directories of lower layers stay where they are. */
	if (got == -EXDEV && (o.kind == RENAME || o.kind == NOREPLACE || o.kind == EXCHANGE))
		return true;
	wanted = act_in(&o, "plain");
	if (got == wanted)
		return true;
	printf("# step %d: operation %d on %s and %s, %u: %ld, but %ld in an ordinary directory\n",
	       step, o.kind, o.path, o.other, o.number, got, wanted);
	return false;
}

static void run_model(uint64_t seed, int steps)
{
	bool same = true;

	if (!overlay_fresh())
		return;
	state = seed;
	mkdir("plain", 0755);
	grow("low2", 60);
	grow("low", 40);
	grow("up", 20);
	if (!mount_overlay(0))
		return;
	ok(copy_tree("m", "plain") && same_tree("m", "plain"), "a copy of all of it");
	for (step = 0; step < steps && same; step++) {
		same = both();
		if (same && step % REMOUNT_EACH == REMOUNT_EACH - 1) {
			same = same_tree("m", "plain") && umount("m") == 0 &&
			       mount("overlay", "m", "overlay", 0,
				     "lowerdir=low:low2,upperdir=up,workdir=work") == 0;
			same = same && same_tree("m", "plain");
		}
	}
	ok(same, "seed %lu: %d random operations", (unsigned long)seed, step);
	unmount_overlay();
}

/* --- At once --- */

static void run_workers(void)
{
	pid_t workers[WORKERS];
	char text[64];
	struct dirent **list;
	int status = 0, count;

	if (!overlay_fresh())
		return;
	state = 99;
	grow("low2", 60);
	grow("low", 40);
	if (!mount_overlay(0))
		return;
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = spawn();
		if (workers[i] == 0) {
			state = 1000 + i;
			for (step = 0; step < STEPS / 4; step++) {
				struct operation o = pick_operation();

				act_in(&o, "m");
			}
			_exit(0);
		}
	}
	for (unsigned i = 0; i < WORKERS; i++)
		status |= reap(workers[i]);
	is(status, 0, "all are done");
	ok(same_tree("m", "m"), "the tree can be read");
	unmount_overlay();
	count = scandir("work/work", &list, NULL, NULL);
	ok(count <= 3, "and nothing but a whiteout at most was left in the work directory");
	for (int i = 0; i < count; i++)
		free(list[i]);
	if (count >= 0)
		free(list);
	ok(mount_overlay(0) && same_tree("m", "m"), "it can be mounted again");
	ok(put("m/end", "end") == 0 && get_file("m/end", text, sizeof(text)) == 3, "and written");
	unmount_overlay();
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	int steps = argc > 2 ? atoi(argv[2]) : STEPS;

	if (!overlay_begin())
		return done();
	for (uint64_t i = 0; i < 3; i++)
		run_model(seed + i, steps);
	run_workers();
	overlay_end();
	return done();
}

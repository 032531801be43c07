/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every operation on a name in every state that layers can have it in, and, of those with two names, on
 * every two states, beside an ordinary directory that began with what is seen: each is answered alike, and
 * what is there afterwards is the same, also after the overlay was mounted again.
 *
 * RENAME_NOREPLACE has a second name that is free.  Directories that a lower layer has are not renamed
 * (EXDEV), and not compared then.
 */
#include "overlay_model.h"

/* What the layers have of a name. */
static const struct state {
	const char *name;
	char low,
		up; /* f: file, d: directory with a file, e: empty directory, w: whiteout, o: opaque
			 directory with a file, s: link, 0: nothing */
} states[] = {
	{"nothing", 0, 0},
	{"lower file", 'f', 0},
	{"upper file", 0, 'f'},
	{"both files", 'f', 'f'},
	{"whiteout", 'f', 'w'},
	{"whiteout of a directory", 'd', 'w'},
	{"lower directory", 'd', 0},
	{"empty lower directory", 'e', 0},
	{"upper directory", 0, 'd'},
	{"merged directory", 'd', 'd'},
	{"opaque directory", 'd', 'o'},
	{"file on a directory", 'd', 'f'},
	{"directory on a file", 'f', 'd'},
	{"lower link", 's', 0},
};

static void make(const char *layer, char what, const char *name)
{
	char path[PATH_SIZE], inside[PATH_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%s", layer, name);
	snprintf(inside, sizeof(inside), "%s/in %s", path, layer);
	switch (what) {
	case 'f':
		put(path, layer);
		break;
	case 's':
		symlink(layer, path);
		break;
	case 'w':
		mknod(path, S_IFCHR, 0);
		break;
	case 'd':
	case 'e':
	case 'o':
		mkdir(path, 0755);
		if (what != 'e')
			put(inside, "inside");
		if (what == 'o')
			setxattr(path, "trusted.overlay.opaque", "y", 1, 0);
		break;
	default:
		break;
	}
}

/* The names of a cell of the matrix. */
static void names_of(struct operation *o, size_t first, size_t second)
{
	snprintf(o->path, sizeof(o->path), "%d.%zu.%zu.a", o->kind, first, second);
	snprintf(o->other, sizeof(o->other), "%d.%zu.%zu.b", o->kind, first, second);
}

static bool has_two(int kind)
{
	return kind == RENAME || kind == EXCHANGE || kind == LINK;
}

static void make_cell(struct operation *o, size_t first, size_t second)
{
	names_of(o, first, second);
	make("low", states[first].low, o->path);
	make("up", states[first].up, o->path);
	if (!has_two(o->kind))
		return;
	make("low", states[second].low, o->other);
	make("up", states[second].up, o->other);
}

static void run_cell(struct operation *o, size_t first, size_t second)
{
	long got, wanted;

	names_of(o, first, second);
	got = act_in(o, "m");
	if (got == -EXDEV)
		return;
	wanted = act_in(o, "plain");
	if (got != wanted)
		ok(false, "operation %d on %s and %s: %ld, and %ld in an ordinary directory",
		   o->kind, states[first].name, states[second].name, got, wanted);
}

static void for_each(void (*function)(struct operation *o, size_t first, size_t second))
{
	for (int kind = 0; kind < KINDS; kind++) {
		struct operation o = {.kind = kind, .number = 4321};

		for (size_t i = 0; i < ARRAY_LEN(states); i++)
			for (size_t j = 0; j < (has_two(kind) ? ARRAY_LEN(states) : 1); j++)
				function(&o, i, j);
	}
}

int main(void)
{
	if (!overlay_begin() || !overlay_fresh())
		return done();
	mkdir("plain", 0755);
	for_each(make_cell);
	if (mount_overlay(0)) {
		ok(copy_tree("m", "plain") && same_tree("m", "plain"), "a copy of all of it");
		for_each(run_cell);
		ok(same_tree("m", "plain"), "the same in the end");
		unmount_overlay();
	}
	if (mount_overlay(0)) {
		ok(same_tree("m", "plain"), "and when it is mounted again");
		unmount_overlay();
	}
	overlay_end();
	return done();
}

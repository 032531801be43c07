/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clusters of a file: a list in the table, kept in memory as runs as far as it has been looked
 * at.
 *
 * A chain that comes back to itself is found by a mark that it is compared with, which is set anew
 * at each power of two (R. P. Brent, An improved Monte Carlo factorization algorithm, 1980).
 */
#include "fs/fat/fat_parts.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { ROOM_FIRST = 8 };

/* --- Runs --- */

static int make_room(struct fat_volume *volume, struct fat_chain *chain)
{
	u32 room = chain->run_room ? 2 * chain->run_room : ROOM_FIRST;
	struct fat_run *runs;

	if (chain->run_count < chain->run_room)
		return 0;
	runs = volume->ops->allocate(room * sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	if (chain->run_count > 0)
		memcpy(runs, chain->runs, chain->run_count * sizeof(*runs));
	volume->ops->release(chain->runs);
	chain->runs = runs;
	chain->run_room = room;
	return 0;
}

/* There is room. */
static void append(struct fat_chain *chain, u32 start, u32 count)
{
	struct fat_run *last = chain->run_count ? &chain->runs[chain->run_count - 1] : NULL;

	if (last && last->start + last->count == start)
		last->count += count;
	else
		chain->runs[chain->run_count++] = (struct fat_run){chain->known, start, count};
	chain->known += count;
}

static u32 tail_of(const struct fat_chain *chain)
{
	const struct fat_run *last = &chain->runs[chain->run_count - 1];

	return last->start + last->count - 1;
}

void fat_chain_forget(struct fat_volume *volume, struct fat_chain *chain)
{
	volume->ops->release(chain->runs);
	*chain = (struct fat_chain){.start = chain->start};
}

/* --- Reading --- */

/* One cluster more is known, or the chain is complete. */
static int look_further(struct fat_volume *volume, struct fat_chain *chain)
{
	u32 next = chain->start;
	int error = make_room(volume, chain);

	if (!error && chain->known > 0)
		error = fat_table_get(volume, tail_of(chain), &next);
	if (error)
		return error;
	if (chain->known == 0 ? next == 0 : fat_is_end(volume, next)) {
		chain->complete = true;
		return 0;
	}
	if (!fat_is_cluster(volume, next))
		return fat_fail(volume, "a chain leaves the volume, or leads to a free cluster",
				next);
	if (next == chain->mark || chain->known >= volume->clusters)
		return fat_fail(volume, "a chain runs in circles", next);
	if (chain->known + 1 >= 2 * chain->mark_at) {
		chain->mark = next;
		chain->mark_at = chain->known + 1;
	}
	append(chain, next, 1);
	return 0;
}

static int look_up_to(struct fat_volume *volume, struct fat_chain *chain, u32 index)
{
	int error = 0;

	while (chain->known <= index && !chain->complete && !error)
		error = look_further(volume, chain);
	return error;
}

static const struct fat_run *find_run(const struct fat_chain *chain, u32 index)
{
	u32 low = 0, high = chain->run_count;

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (chain->runs[middle].index <= index)
			low = middle;
		else
			high = middle;
	}
	return &chain->runs[low];
}

int fat_chain_map(struct fat_volume *volume, struct fat_chain *chain, u32 index, u32 *cluster,
		  u32 *count)
{
	const struct fat_run *run;
	int error = look_up_to(volume, chain, index);

	if (error)
		return error;
	if (index >= chain->known)
		return -ENOENT;
	run = find_run(chain, index);
	*cluster = run->start + (index - run->index);
	*count = run->count - (index - run->index);
	return 0;
}

int fat_chain_length(struct fat_volume *volume, struct fat_chain *chain, u32 *length)
{
	int error = look_up_to(volume, chain, UINT32_MAX - 1);

	*length = chain->known;
	return error;
}

/* --- Changing --- */

/* Some clusters more at the end. */
static int append_some(struct fat_volume *volume, struct fat_chain *chain, u32 wanted,
		       bool promised)
{
	u32 tail = chain->known > 0 ? tail_of(chain) : 0, start, count;
	int error = make_room(volume, chain);

	if (!error)
		error = fat_table_take(volume, tail ? tail + 1 : 0, wanted, promised, &start,
				       &count);
	if (error)
		return error;
	if (tail) {
		error = fat_table_touch(volume, tail);
		if (error) {
			for (u32 i = 0; i < count; i++)
				fat_table_free(volume, start + i);
			return error;
		}
		fat_table_set(volume, tail, start);
	} else {
		chain->start = start;
	}
	append(chain, start, count);
	return 0;
}

int fat_chain_append(struct fat_volume *volume, struct fat_chain *chain, u32 length, bool promised)
{
	u32 before;
	int error = fat_chain_length(volume, chain, &before), undone;

	while (!error && chain->known < length)
		error = append_some(volume, chain, length - chain->known, promised);
	if (error && chain->known > before) {
		undone = fat_chain_cut(volume, chain, before);
		error = undone ? undone : error;
	}
	return error;
}

int fat_chain_extend(struct fat_volume *volume, struct fat_chain *chain, u32 length)
{
	return fat_chain_append(volume, chain, length, true);
}

static int touch_from(struct fat_volume *volume, const struct fat_chain *chain, u32 index)
{
	int error = 0;

	for (u32 i = 0; i < chain->run_count && !error; i++) {
		const struct fat_run *run = &chain->runs[i];

		for (u32 at = 0; at < run->count && !error; at++)
			if (run->index + at >= index)
				error = fat_table_touch(volume, run->start + at);
	}
	return error;
}

static void free_from(struct fat_volume *volume, struct fat_chain *chain, u32 length)
{
	while (chain->run_count > 0) {
		struct fat_run *run = &chain->runs[chain->run_count - 1];

		if (run->index + run->count <= length)
			break;
		fat_table_free(volume, run->start + --run->count);
		if (run->count == 0)
			chain->run_count--;
	}
	chain->known = length;
}

int fat_chain_cut(struct fat_volume *volume, struct fat_chain *chain, u32 length)
{
	u32 known;
	int error = volume->failed ? -EIO : fat_chain_length(volume, chain, &known);

	if (!error)
		error = fat_table_load(volume);
	if (error || length >= known)
		return error;
	/* The one that becomes the last, too. */
	error = touch_from(volume, chain, length > 0 ? length - 1 : 0);
	if (error)
		return error;
	free_from(volume, chain, length);
	if (length > 0)
		fat_table_set(volume, tail_of(chain), fat_entry_mask(volume));
	else
		chain->start = 0;
	/* Where the mark was may be gone. */
	chain->mark = 0;
	chain->mark_at = chain->known;
	return 0;
}

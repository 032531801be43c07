/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware, and the invariants.
 *
 * A CPU may walk its tables at any time and keep what it finds for as long as nobody flushes it.  Instead of choosing when
 * it does, the model keeps for each CPU the set of all that it could have kept: every link and every entry that a walk,
 * begun at any link of the set, could have met since the flush.  A read or a write may use any member.  That is the worst
 * CPU that the architecture permits, it needs no step of its own, and it makes the invariant about releasing (8) a plain
 * assertion: what is freed is in no set.
 *
 * A walk's W is the AND of the links' W, and so is that of a cached link: of all links on the way to it, as they were read
 * (the rule accumulate is the machine's; regain without a flush relies on it).  settle() completes the sets and then checks the whole state; every step that
 * changes anything ends with it.
 */
c_decl {
\#include <stdio.h>
\#include <stdlib.h>
\#include <string.h>

/* The rules.  BREAK=name+name in the environment takes rules out; nothing of it is in the state. */
#define RULES \
	RULE(gate) RULE(fork_flush) RULE(run_late) RULE(fork_clears) RULE(read_only_first) RULE(flush_space) RULE(flush_walks) \
	RULE(node_late) RULE(reap_locks) RULE(frame_late) RULE(clear_leaf) RULE(clear_links) RULE(count_refs) RULE(regain_alone) RULE(map_alone) \
	RULE(family) RULE(write_late) RULE(lock_new) RULE(grace) RULE(stray_check) RULE(seq_fast) RULE(seq_slow) RULE(exit_moves) \
	RULE(unmap_unshares) RULE(unmap_late) RULE(leaf_flush_all) RULE(leaf_late) RULE(leaf_locked) RULE(protect_flush) \
	RULE(pin_path) RULE(pin_late_copy) RULE(pin_reclaim) RULE(pin_unshares) RULE(dirty_late) RULE(dirty_harvest) RULE(clean_flush) \
	RULE(accumulate)
#define RULE(name) R_##name,
enum { RULES R_COUNT };
#undef RULE
static const char *const rule_names[] = {
#define RULE(name) #name,
RULES
#undef RULE
};
static int rule[R_COUNT];

/* Who may do what: masks of CPUs, and switches, from the environment. */
static int can_write, can_exit, can_fork, can_unmap, can_leaf, can_protect, can_pin, with_file, narrow;
static const char *bad;
}

c_code {
static void violation(const char *what)
{
	if (!bad)
		printf("# violation: %s\n", what);
	bad = what;
}

#define CHECK(condition, what) do { if (!(condition)) violation(what); } while (0)

static int setting(const char *name, int otherwise)
{
	const char *value = getenv(name);

	return value ? atoi(value) : otherwise;
}

/* Says whether a list of names joined by + has this one. */
static int named(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (; list; list = strchr(list, '+')) {
		list += *list == '+';
		if (!strncmp(list, name, length) && (!list[length] || list[length] == '+'))
			return 1;
	}
	return 0;
}

static void read_settings(void)
{
	const char *broken = getenv("BREAK");
	int i;

	for (i = 0; i < R_COUNT; i++)
		rule[i] = !broken || !named(broken, rule_names[i]);
	can_write = setting("WRITE", 7);
	can_exit = setting("EXIT", 4);
	can_fork = setting("FORK", 1);
	can_unmap = setting("UNMAP", 0);
	can_leaf = setting("LEAF", 0);
	can_protect = setting("PROTECT", 0);
	can_pin = setting("PIN", 0);
	with_file = setting("FILEPAGE", 0);
	narrow = setting("NARROW", 0);
}

static int is_file(int frame)
{
	return with_file && frame == FILE_FRAME;
}

/* --- The caches -------------------------------------------------------------------------------------------------- */

/* Adds to CPU c's sets all that walks can find now. */
static void complete(int c)
{
	int link = now.root[SPACE(c)], node, bit, i, j, e;

	if (link)
		now.cached2[c] |= 1 << (link - 2);
	for (bit = 0; bit < 2 * M2; bit++) {
		if (!(now.cached2[c] >> bit & 1))
			continue;
		node = bit / 2;
		CHECK(now.state2[node] != FREE, "8, 10: a CPU can walk through a freed level-2 node");
		for (i = 0; i < N2; i++) {
			e = now.l2[node * N2 + i];
			if (e)
				now.cachedl[c * N2 + i] |= 1 << (((e & ~W) | (e & (rule[R_accumulate] ? bit : W) & W)) - 2);
		}
	}
	for (i = 0; i < N2; i++) {
		for (bit = 0; bit < 2 * ML; bit++) {
			if (!(now.cachedl[c * N2 + i] >> bit & 1))
				continue;
			CHECK(now.statel[bit / 2] != FREE, "8, 10: a CPU can walk through a freed leaf");
			for (j = 0; j < N1; j++) {
				e = now.leaf[bit / 2 * N1 + j];
				if (PRESENT(e))
					now.tlb[c * NVA + i * N1 + j] |= 1 << (FRAME(e) * 2 + (e & bit & W));
			}
		}
	}
}

/* Empties CPU c's caches, as a write to CR3 does. */
static void flush_all(int c)
{
	now.cached2[c] = 0;
	memset(&now.cachedl[c * N2], 0, N2 * sizeof(now.cachedl[0]));
	memset(&now.tlb[c * NVA], 0, NVA * sizeof(now.tlb[0]));
	now.dirty_known[c] = 0;
}

/*
 * Drops one page from CPU c's caches: its TLB entry, and of the cached links all (x86 INVLPG) or, with NARROW, only those
 * that lead to the page (AArch64 TLBI VAE1IS).
 */
static void flush_page(int c, int va)
{
	now.tlb[c * NVA + va] = 0;
	if (va == FILE_PAGE)
		now.dirty_known[c] = 0;
	if (!rule[R_flush_walks])
		return;
	now.cached2[c] = 0;
	now.cachedl[c * N2 + PATH2(va)] = 0;
	if (!narrow)
		memset(&now.cachedl[c * N2], 0, N2 * sizeof(now.cachedl[0]));
}

/* --- The invariants ---------------------------------------------------------------------------------------------- */

/* Isolation, coherence and release: what any CPU could read or write now is what it should. */
static void check_caches(int c)
{
	int va, bit, s = SPACE(c);

	for (va = 0; va < NVA; va++) {
		for (bit = 0; bit < 2 * MF; bit++) {
			if (!(now.tlb[c * NVA + va] >> bit & 1))
				continue;
			CHECK(now.map[bit / 2] || now.extra[bit / 2], "8: a CPU can reach a freed frame");
			CHECK(now.gone[s * NVA + va] != 2, "a page can be reached after its munmap");
			CHECK(now.fixed[s * NVA + va] != 2 || !(bit & W), "a page can be written after its mprotect");
			CHECK(now.data[bit / 2] == now.spec[s * NVA + va],
			      "isolation or coherence: a CPU can read wrong bytes");
		}
	}
}

/* Contents in swap are right too, seen along each space's own path. */
static void check_swapped(int s)
{
	int va, e;

	for (va = 0; va < NVA && now.root[s] && now.threads[s]; va++) {
		e = now.l2[NODE(now.root[s]) * N2 + PATH2(va)];
		e = e ? now.leaf[NODE(e) * N1 + PATH1(va)] : 0;
		if (e & SWAPPED && !now.gone[s * NVA + va])
			CHECK((e & ~SWAPPED) == now.spec[s * NVA + va], "isolation or coherence: wrong bytes in swap");
	}
}

static void check_link(int link, const unsigned char *refs, const unsigned char *state, int *links)
{
	if (!link)
		return;
	CHECK(state[NODE(link)] != FREE, "a link to a freed node");
	CHECK(!(link & W) || refs[NODE(link)] == 1, "1: a writable link to a shared node");
	links[NODE(link)]++;
}

/* Invariant 7 of the leaf that maps the pinned frame by entry e. */
static void check_pinned(int leaf, int e)
{
	int i;

	CHECK(e & EXCL && now.refsl[leaf] == 1 && now.pinnedl[leaf], "7: a pinned frame is not EXCL, or its leaf is shared");
	for (i = 0; i < M2 * N2; i++)
		if (now.state2[i / N2] != FREE && now.l2[i] && NODE(now.l2[i]) == leaf)
			CHECK(now.refs2[i / N2] == 1 && now.pinned2[i / N2], "7: a pinned frame's level-2 node is shared");
}

/* Counts: 1, 2, 5, 6, 7, 11. */
static void check_tables(void)
{
	int links2[M2] = {0}, linksl[ML] = {0}, maps[MF] = {0}, i, e, used = 0, stray = 0;

	check_link(now.root[0], now.refs2, now.state2, links2);
	check_link(now.root[1], now.refs2, now.state2, links2);
	for (i = 0; i < M2 * N2; i++)
		if (now.state2[i / N2] != FREE)
			check_link(now.l2[i], now.refsl, now.statel, linksl);
	for (i = 0; i < ML * N1; i++) {
		e = now.leaf[i];
		if (now.statel[i / N1] == FREE || !PRESENT(e))
			continue;
		maps[FRAME(e)]++;
		CHECK(!(e & EXCL) || now.map[FRAME(e)] == 1, "5: EXCL on a frame that is mapped twice");
		CHECK(is_file(FRAME(e)) || !(e & W) || e & EXCL, "6: an anonymous entry is writable without EXCL");
		if (now.pin_mapped && now.pin_frame == FRAME(e) + 1)
			check_pinned(i / N1, e);
	}
	for (i = 0; i < M2; i++) {
		used |= now.state2[i];
		stray |= now.state2[i] == STRAY;
		CHECK(now.refs2[i] >= links2[i], "2: a level-2 node has more links than refs");
		CHECK(now.inflight || now.state2[i] == STRAY || now.refs2[i] == links2[i], "2: refs of a level-2 node");
	}
	for (i = 0; i < ML; i++) {
		used |= now.statel[i];
		stray |= now.statel[i] == STRAY;
		CHECK(now.refsl[i] >= linksl[i], "2: a leaf has more links than refs");
		CHECK(now.inflight || now.statel[i] == STRAY || now.refsl[i] == linksl[i], "2: refs of a leaf");
	}
	for (i = 0; i < MF; i++) {
		used |= now.map[i] | (now.extra[i] && !is_file(i));
		CHECK(now.map[i] >= maps[i], "8: a frame has more entries than its map count");
		CHECK(now.inflight || now.map[i] == maps[i], "map count of a frame");
	}
	CHECK(now.threads[0] || now.threads[1] || now.inflight || now.pin_frame || stray || !used, "something leaked");
}

/* The file page's newest bytes are on the disk, or something says that they are not yet: invariant 14. */
static void check_dirty(void)
{
	int i, known = now.page_dirty || now.cleaning || now.harvested || now.data[FILE_FRAME] == now.disk;

	for (i = 0; i < ML * N1; i++)
		known |= now.statel[i / N1] != FREE && PRESENT(now.leaf[i]) && is_file(FRAME(now.leaf[i])) && now.leaf[i] & D;
	CHECK(known, "14: a write to the file page will never reach the disk");
}

/*
 * Which numbers the bytes are does not matter, only which are equal: numbers them in the order of their first appearance, so
 * that states that differ in nothing else are one.
 */
static void rename_bytes(void)
{
	unsigned char names[128] = {0}, next = 0, *b;
	int i;

#define RENAME(place) do { b = (place); if (!names[*b & 127]) names[*b & 127] = ++next; *b = (*b & 128) | (names[*b & 127] - 1); } while (0)
	for (i = 0; i < 2 * NVA; i++)
		RENAME(&now.spec[i]);
	for (i = 0; i < MF; i++)
		if (now.map[i] || now.extra[i])
			RENAME(&now.data[i]);
	for (i = 0; i < ML * N1; i++)
		if (now.statel[i / N1] != FREE && now.leaf[i] & SWAPPED)
			RENAME(&now.leaf[i]);
	if (with_file)
		RENAME(&now.disk);
#undef RENAME
}

static void settle(void)
{
	int c;

	rename_bytes();

	for (c = 0; c < CPUS; c++) {
		if (now.on[c]) {
			complete(c);
			check_caches(c);
		}
	}
	check_swapped(0);
	check_swapped(1);
	check_tables();
	if (with_file)
		check_dirty();
}
}

/* Ends every step. */
#define SETTLE c_code { settle(); }; c_code [!bad] { ; }

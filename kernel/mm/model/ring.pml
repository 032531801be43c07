/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings: leaves that were copied from one another, whose entries of one index hold one reference to a frame together
 * (kernel/mm/node.c).  A model beside that of fork.pml, with one leaf a space and one entry a leaf: what is above a leaf is
 * a link with W, and a count of links.
 *
 * Three spaces on a CPU each, whose caches are sets as in caches.pml: all that they could have kept since the last flush.
 * They write this page or another of their leaf, read a page of a file, fork, drop the page, and exit; reclaim takes the page of any leaf.  RING_LIMIT leaves
 * are in a ring; a copy beyond that counts a reference of its own.
 *
 * Encodings: link (leaf + 1) << 1 | W; entry (frame + 1) << 2 | EXCL << 1 | W, or STORED | bytes.
 */
#ifndef RING_LIMIT
#define RING_LIMIT 2
#endif
#define SPACES 3
#define ML 4		/* leaves: one more than spaces, for a copy under way */
#define MF 6		/* frames; the file's page is the last */
#define FILE_FRAME (MF - 1)
#define W 1
#define EXCL 2
#define STORED 128
#define FRAME(entry) (((entry) >> 2) - 1)
#define ENTRY(frame, bits) ((((frame) + 1) << 2) | (bits))
#define NAMES(entry) ((entry) && !((entry) & STORED))
#define LEAF(link) (((link) >> 1) - 1)

byte link[SPACES];	/* 0: the space is not there */
byte refs[ML];		/* links that name the leaf, and references that are still to be dropped; 0: free */
byte entry[ML];
byte ring[ML];		/* of one number: one ring */
bool locked[ML];
bool ring_locked[ML];	/* by number */
byte holders[MF];	/* references to the frame */
byte data[MF];		/* its bytes, as one small number */
short tlb[SPACES];	/* bit frame * 2 + W */
byte spec[SPACES];	/* what the space must read */
byte inflight;		/* operations that have begun */
byte forks, reclaims, operations;	/* that may still happen; operations: 255: any number */

c_decl {
\#include <stdio.h>
\#include <stdlib.h>
\#include <string.h>

#define RULES \
	RULE(reference) RULE(owner) RULE(beyond) RULE(free) RULE(clear) RULE(ring_lock) RULE(fill) RULE(late) RULE(flush) \
	RULE(family) RULE(regain_alone) RULE(fork_flush) RULE(limit)
#define RULE(name) R_##name,
enum { RULES R_COUNT };
#undef RULE
static const char *const rule_names[] = {
#define RULE(name) #name,
RULES
#undef RULE
};
static int rule[R_COUNT];
static int with_file, tracing;
static const char *bad;
}

c_code {
#define TRACE(...) do { if (tracing) { printf("  "); printf(__VA_ARGS__); printf("\n"); } } while (0)
#define CHECK(condition, what) do { if (!(condition)) violation(what); } while (0)

static void violation(const char *what)
{
	if (!bad)
		printf("# violation: %s\n", what);
	bad = what;
}

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

/* --- Rings --- */

static int ring_members(int leaf)
{
	int i, members = 0;

	for (i = 0; i < ML; i++)
		members += now.refs[i] && now.ring[i] == now.ring[leaf];
	return members;
}

/* Does another leaf of the ring name the same frame? */
static int ring_shares(int leaf, int e)
{
	int i;

	for (i = 0; i < ML; i++)
		if (i != leaf && now.refs[i] && now.ring[i] == now.ring[leaf] && NAMES(now.entry[i]) &&
		    FRAME(now.entry[i]) == FRAME(e))
			return 1;
	return 0;
}

/* May somebody who holds the leaf's lock go on to the ring's?  Alone, there is none to take. */
static int ring_free(int leaf)
{
	return !rule[R_ring_lock] || ring_members(leaf) == 1 || !now.ring_locked[now.ring[leaf]];
}

/* A number that no ring has. */
static int new_ring(void)
{
	int used = 0, i, n;

	for (i = 0; i < ML; i++)
		if (now.refs[i])
			used |= 1 << now.ring[i];
	for (n = 0; used >> n & 1; n++)
		;
	return n;
}

/* --- Frames and leaves --- */

static int fresh_bytes(void)
{
	int used = 0, i, v;

	for (i = 0; i < MF; i++)
		used |= now.holders[i] ? 1 << now.data[i] : 0;
	for (i = 0; i < ML; i++)
		used |= now.refs[i] && now.entry[i] & STORED ? 1 << (now.entry[i] & ~STORED) : 0;
	for (i = 0; i < SPACES; i++)
		used |= 1 << now.spec[i];
	for (v = 0; used >> v & 1; v++)
		;
	return v;
}

static int alloc_frame(int bytes)
{
	int f;

	for (f = 0; f < FILE_FRAME && now.holders[f]; f++)
		;
	if (f == FILE_FRAME) {
		violation("the model has too few frames");
		f = 0;
	}
	now.holders[f] = 1;
	now.data[f] = bytes;
	return f;
}

static void drop_frame(int f)
{
	CHECK(now.holders[f], "a frame's references underflow");
	if (now.holders[f] && !--now.holders[f])
		now.data[f] = 0;
}

/* The last link goes: what no other leaf of the ring names is let go of.  One step, under the ring's lock. */
static void drop_leaf(int leaf)
{
	int e = now.entry[leaf];

	if (--now.refs[leaf])
		return;
	now.refs[leaf] = 1;
	if (NAMES(e) && !(rule[R_free] && ring_shares(leaf, e)))
		drop_frame(FRAME(e));
	now.refs[leaf] = now.entry[leaf] = now.ring[leaf] = 0;
}

/* The leaf, which others have too, as a leaf of one's own: locked, with one link. */
static int copy_leaf(int from)
{
	int to, e = now.entry[from];

	for (to = 0; to < ML && now.refs[to]; to++)
		;
	if (to == ML) {
		violation("the model has too few leaves");
		return from;
	}
	if (NAMES(e) && rule[R_clear])
		now.entry[from] = e & ~(W | EXCL);
	now.entry[to] = NAMES(e) ? e & ~(W | EXCL) : e;
	if (ring_members(from) < RING_LIMIT || !rule[R_limit]) {
		now.ring[to] = now.ring[from];
	} else {
		now.ring[to] = new_ring();
		if (NAMES(e) && rule[R_beyond])
			now.holders[FRAME(e)]++;
	}
	now.refs[to] = 1;
	now.locked[to] = 1;
	return to;
}

/* --- The invariants --- */

static void complete(int s)
{
	int link = now.link[s], e = link ? now.entry[LEAF(link)] : 0;

	if (NAMES(e))
		now.tlb[s] |= 1 << (FRAME(e) * 2 + (e & link & W));
}

static void check_caches(int s)
{
	int bit, link = now.link[s], e = link ? now.entry[LEAF(link)] : 0;

	for (bit = 0; bit < 2 * MF; bit++) {
		if (!(now.tlb[s] >> bit & 1))
			continue;
		CHECK(now.holders[bit / 2], "8: a CPU can reach a freed frame");
		CHECK(now.data[bit / 2] == now.spec[s], "isolation or coherence: a CPU can read wrong bytes");
		CHECK(!(bit & W) || bit / 2 != FILE_FRAME, "a private mapping can write to the file");
	}
	CHECK(!link || !(e & STORED) || now.locked[LEAF(link)] || (e & ~STORED) == now.spec[s], "isolation or coherence: wrong bytes in swap");
}

static void check_leaves(void)
{
	int links[ML] = {0}, groups[MF] = {0}, i, j, e, counted, alive = 0;

	for (i = 0; i < SPACES; i++)
		if (now.link[i]) {
			alive = 1;
			links[LEAF(now.link[i])]++;
			CHECK(!(now.link[i] & W) || now.refs[LEAF(now.link[i])] == 1, "1: a writable link to a shared leaf");
		}
	for (i = 0; i < ML; i++) {
		CHECK(now.refs[i] >= links[i] && (now.inflight || now.refs[i] == links[i]), "2: refs of a leaf");
		e = now.entry[i];
		if (!now.refs[i] || !NAMES(e))
			continue;
		CHECK(ring_members(i) <= RING_LIMIT, "15: a ring is too large");
		CHECK(!(e & W) || e & EXCL, "6: writable without EXCL");
		for (counted = j = 0; j < i; j++)
			counted |= now.refs[j] && now.ring[j] == now.ring[i] && NAMES(now.entry[j]) &&
				   FRAME(now.entry[j]) == FRAME(e);
		groups[FRAME(e)] += !counted;
		for (j = 0; j < ML; j++)
			CHECK(j == i || !(e & EXCL) || !now.refs[j] || !NAMES(now.entry[j]) || FRAME(now.entry[j]) != FRAME(e),
			      "5: EXCL on a frame that another entry names");
	}
	if (with_file)
		groups[FILE_FRAME]++;
	for (i = 0; i < MF; i++) {
		CHECK(now.holders[i] >= groups[i], "8: a frame has more holders than references");
		CHECK(now.inflight || now.holders[i] == groups[i], "2: references of a frame");
	}
	for (i = 0; i < ML; i++)
		CHECK(alive || now.inflight || !now.refs[i], "a leaf leaked");
}

/* Which numbers the bytes are does not matter, only which are equal. */
static void rename_bytes(void)
{
	unsigned char names[128] = {0}, next = 0, *b;
	int i;

#define RENAME(place) do { b = (place); if (!names[*b & 127]) names[*b & 127] = ++next; *b = (*b & 128) | (names[*b & 127] - 1); } while (0)
	RENAME(&now.data[FILE_FRAME]);
	for (i = 0; i < SPACES; i++)
		RENAME(&now.spec[i]);
	for (i = 0; i < FILE_FRAME; i++)
		if (now.holders[i])
			RENAME(&now.data[i]);
	for (i = 0; i < ML; i++)
		if (now.refs[i] && now.entry[i] & STORED)
			RENAME(&now.entry[i]);
#undef RENAME
}

static void settle(void)
{
	int s;

	rename_bytes();
	for (s = 0; s < SPACES; s++) {
		complete(s);
		check_caches(s);
	}
	check_leaves();
}

/* --- Guards --- */

static int can_store(int s, int frame)
{
	return now.link[s] && now.tlb[s] >> (frame * 2 + W) & 1;
}

static int may_begin(int s)
{
	return now.link[s] && now.operations;
}

static void begin(void)
{
	now.operations -= now.operations != 255;
	now.inflight++;
}

/* A write fault: the program cannot write as things are. */
static int may_write(int s)
{
	return may_begin(s) && !(now.link[s] & W && now.entry[LEAF(now.link[s])] & W);
}

static int free_space(void)
{
	int s;

	for (s = 0; s < SPACES && now.link[s]; s++)
		;
	return s;
}

/* Reclaim takes anonymous frames. */
static int may_reclaim(int leaf)
{
	return now.reclaims && now.refs[leaf] && !now.locked[leaf] && NAMES(now.entry[leaf]) &&
	       FRAME(now.entry[leaf]) != FILE_FRAME && ring_free(leaf);
}

static void start(void)
{
	const char *broken = getenv("BREAK");
	int i;

	for (i = 0; i < R_COUNT; i++)
		rule[i] = !broken || !named(broken, rule_names[i]);
	tracing = getenv("TRACE") != NULL;
	with_file = setting("FILEPAGE", 0);
	now.forks = setting("FORKS", 2);
	now.reclaims = setting("RECLAIM", 0);
	now.operations = setting("OPERATIONS", 255);
	now.link[0] = 1 << 1 | W;
	now.refs[0] = 1;
	if (with_file) {
		now.holders[FILE_FRAME] = 1;
	} else {
		now.holders[0] = 1;
		now.entry[0] = ENTRY(0, W | EXCL);
	}
}
}

#define SETTLE c_code { settle(); }; c_code [!bad] { ; }
#define STEP(guard, ...) atomic { guard -> c_code { __VA_ARGS__ }; SETTLE }
#define ME PSpace
#define STORE(frame) :: STEP(c_expr { (can_store(PSpace->s, frame)) }, \
	now.data[frame] = fresh_bytes(); now.spec[ME->s] = now.data[frame]; \
	TRACE("space %d writes %d to frame %d", ME->s, now.data[frame], frame);)

#define WRITE 1
#define DROP 2
#define COPY 3	/* of the leaf, for the sake of another page */

proctype Space(byte s)
{
	byte what, leaf, old, frame;	/* the operation; its locked leaf, a leaf and a frame to be dropped; + 1 */
	bool shared;			/* the ring has the frame, too */

end_running:
	do
	STORE(0) STORE(1) STORE(2) STORE(3) STORE(4) STORE(5)
	:: STEP(c_expr { (may_write(PSpace->s)) }, ME->what = WRITE; begin();
		TRACE("space %d begins a write fault", ME->s);); goto own
	:: STEP(c_expr { (may_begin(PSpace->s) && now.entry[LEAF(now.link[PSpace->s])]) }, ME->what = DROP; begin();
		TRACE("space %d begins to drop its page", ME->s);); goto own
	:: STEP(c_expr { (may_begin(PSpace->s) && !(now.link[PSpace->s] & W)) }, ME->what = COPY; begin();
		TRACE("space %d begins a write fault of another page", ME->s);); goto own
	:: STEP(c_expr { (may_begin(PSpace->s) && with_file && !now.entry[LEAF(now.link[PSpace->s])] &&
			  now.spec[PSpace->s] == now.data[FILE_FRAME]) },
		begin(); now.holders[FILE_FRAME]++;
		TRACE("space %d begins a read fault", ME->s);); goto fill
	:: STEP(c_expr { (now.link[PSpace->s] && now.forks && free_space() < SPACES) },
		int child = free_space();
		now.forks--;
		now.refs[LEAF(now.link[ME->s])]++;
		now.link[child] = now.link[ME->s] &= ~W;
		now.spec[child] = now.spec[ME->s];
		now.tlb[child] = 0;
		if (rule[R_fork_flush])
			now.tlb[ME->s] = 0;
		TRACE("space %d forks space %d", ME->s, child););
	:: STEP(c_expr { (now.link[PSpace->s]) },
		ME->old = LEAF(now.link[ME->s]) + 1;
		now.inflight++;
		now.link[ME->s] = 0;
		now.tlb[ME->s] = 0;
		TRACE("space %d exits", ME->s);); goto exit
	od;

	/* The leaf becomes the space's own: regain, or a copy. */
own:
	STEP(c_expr { (!now.locked[LEAF(now.link[PSpace->s])]) },
		int from = LEAF(now.link[ME->s]);
		if (now.refs[from] > 1 && rule[R_regain_alone]) {
			ME->old = from + 1;
			ME->leaf = copy_leaf(from) + 1;
			TRACE("space %d copies leaf %d to %d, ring %d", ME->s, from, ME->leaf - 1, now.ring[ME->leaf - 1]);
		} else {
			ME->leaf = from + 1;
			now.locked[from] = 1;
		}
		now.link[ME->s] = ME->leaf << 1 | W;);
	STEP(c_expr { (ring_free(PSpace->leaf - 1)) },
		if (ME->old && rule[R_flush])
			now.tlb[ME->s] = 0;
		now.ring_locked[now.ring[ME->leaf - 1]] = 1;
		ME->shared = NAMES(now.entry[ME->leaf - 1]) && ring_shares(ME->leaf - 1, now.entry[ME->leaf - 1]););

	/* What the ring said holds while it is locked. */
	STEP(true,
		unsigned char *e = &now.entry[ME->leaf - 1];
		int sole = NAMES(*e) && FRAME(*e) != FILE_FRAME &&
			   (*e & EXCL || (now.holders[FRAME(*e)] == 1 && !(ME->shared && rule[R_owner])));
		if (ME->what == COPY) {
			TRACE("space %d leaves entry %#x", ME->s, *e);
		} else if (ME->what == WRITE && sole) {
			*e |= W | EXCL;
			TRACE("space %d is the owner of frame %d", ME->s, FRAME(*e));
		} else {
			int bytes = *e & STORED ? *e & ~STORED : NAMES(*e) ? now.data[FRAME(*e)] : now.spec[ME->s];
			if (NAMES(*e)) {
				ME->frame = FRAME(*e) + 1;
				if (ME->shared && rule[R_reference])
					now.holders[FRAME(*e)]++;
			}
			*e = ME->what == DROP ? 0 : ENTRY(alloc_frame(bytes), EXCL);
			TRACE("space %d: entry %#x in leaf %d", ME->s, *e, ME->leaf - 1);
			if (ME->frame && !rule[R_late]) {
				drop_frame(ME->frame - 1);
				ME->frame = 0;
			}
		}
		now.ring_locked[now.ring[ME->leaf - 1]] = 0;);
	STEP(true,
		if (rule[R_flush])
			now.tlb[ME->s] = 0;
		if (ME->what == DROP)
			now.spec[ME->s] = with_file ? now.data[FILE_FRAME] : fresh_bytes();
		else if (ME->what == WRITE)
			now.entry[ME->leaf - 1] |= W;);
	STEP(true,
		if (ME->frame)
			drop_frame(ME->frame - 1);
		now.locked[ME->leaf - 1] = 0;
		ME->frame = ME->leaf = ME->shared = ME->what = 0;);
	if
	:: old -> goto exit
	:: else -> STEP(true, now.inflight--;); goto end_running
	fi;

	/* A read fault fills, in a shared leaf too; the ring may have had a reference already. */
fill:
	STEP(c_expr { (!now.locked[LEAF(now.link[PSpace->s])] && ring_free(LEAF(now.link[PSpace->s]))) },
		int to = LEAF(now.link[ME->s]);
		int keeps = 0;
		if (!now.entry[to]) {
			now.entry[to] = ENTRY(FILE_FRAME, 0);
			keeps = !(ring_shares(to, now.entry[to]) && rule[R_fill]);
			TRACE("space %d fills leaf %d", ME->s, to);
		}
		if (!keeps)
			drop_frame(FILE_FRAME);
		now.inflight--;);
	goto end_running;

	/* A link goes, after the flush; the last one frees the leaf, under the ring's lock.  Whoever has the leaf locked came by
	 * a link that stays meanwhile (the map lock of that space). */
exit:
	STEP(c_expr { (!now.locked[PSpace->old - 1] && ring_free(PSpace->old - 1)) },
		drop_leaf(ME->old - 1);
		ME->old = 0;
		now.inflight--;);
	goto end_running
}

/* Takes the page of a leaf for all who share it; those of other leaves of the ring stay. */
active proctype Reclaimer()
{
	byte leaf, frame, s;

end:	do
#define RECLAIM(n) :: STEP(c_expr { (may_reclaim(n)) }, \
	int e = now.entry[n]; \
	PReclaimer->leaf = n + 1; PReclaimer->frame = FRAME(e) + 1; \
	now.reclaims--; now.inflight++; now.locked[n] = 1; \
	if (ring_shares(n, e) && rule[R_reference]) \
		now.holders[FRAME(e)]++; \
	now.entry[n] = STORED | now.data[FRAME(e)]; \
	TRACE("reclaim takes frame %d from leaf %d", FRAME(e), n);); goto flush
	RECLAIM(0) RECLAIM(1) RECLAIM(2) RECLAIM(3)
	od;
flush:	do
	:: atomic { s < SPACES -> c_code {
			if (rule[R_family] || (now.link[PReclaimer->s] && PReclaimer->s == 0))
				now.tlb[PReclaimer->s] = 0;
			if (PReclaimer->s == SPACES - 1) {
				now.entry[PReclaimer->leaf - 1] = STORED | now.data[PReclaimer->frame - 1];
				drop_frame(PReclaimer->frame - 1);
			}
			PReclaimer->s++; }; SETTLE }
	:: else -> break
	od;
	STEP(true, now.locked[PReclaimer->leaf - 1] = 0; now.inflight--;
		PReclaimer->leaf = PReclaimer->frame = PReclaimer->s = 0;);
	goto end
}

init {
	STEP(true, start(););
	atomic {
		run Space(0);
		run Space(1);
		run Space(2)
	}
}

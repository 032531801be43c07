/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guards and the bodies of the steps that are not the walk of path.pml: the programs' stores, the beginning of
 * operations, the reaper, reclaim, write-back, the device, and the state at the start.
 */
#define TRACE(...) do { if (tracing) { printf("  "); printf(__VA_ARGS__); printf("\n"); } } while (0)

c_decl {
static int tracing;	/* a trail is being replayed */
static const char *const operation_names[] = {"", "read fault", "write fault", "pin", "munmap", "mprotect", "munmap of the leaf"};
}

c_code {
/* --- Programs ---------------------------------------------------------------------------------------------------- */

static int can_store(int c, int va, int frame)
{
	return can_write >> c & 1 && va < NVA && now.on[c] && !is_file(frame) &&
	       now.tlb[c * NVA + va] >> (frame * 2 + W) & 1;
}

static void store(int c, int va, int frame)
{
	now.data[frame] = fresh_bytes();
	now.spec[SPACE(c) * NVA + va] = now.data[frame];
	TRACE("cpu %d writes %d to page %d, frame %d", c, now.data[frame], va, frame);
}

static int can_store_file(int c, int n)
{
	int e;

	if (!with_file || !(can_write >> c & 1) || !now.on[c])
		return 0;
	if (n == ML)
		return now.dirty_known[c] && now.tlb[c * NVA + FILE_PAGE] >> (FILE_FRAME * 2 + W) & 1;
	e = now.leaf[n * N1 + PATH1(FILE_PAGE)];
	return now.cachedl[c * N2 + PATH2(FILE_PAGE)] >> (n * 2 + W) & 1 && PRESENT(e) && is_file(FRAME(e)) && e & W;
}

static void store_file(int c, int n)
{
	if (n < ML)
		now.leaf[n * N1 + PATH1(FILE_PAGE)] |= D;
	now.dirty_known[c] = 1;
	now.data[FILE_FRAME] = fresh_bytes();
	now.spec[FILE_PAGE] = now.spec[NVA + FILE_PAGE] = now.data[FILE_FRAME];
	TRACE("cpu %d writes %d to the file page, D in leaf %d", c, now.data[FILE_FRAME], n);
}

/* Each operation starts where it has something to do; faults where the tables now say so. */
static int may_begin(int c, int va, int what)
{
	int s = SPACE(c), n, e;

	if (va >= NVA || !now.on[c] || now.gone[s * NVA + va])
		return 0;
	n = find_leaf(s, va);
	e = n < 0 ? 0 : now.leaf[n * N1 + PATH1(va)];
	switch (what) {
	case READ:
		return e & SWAPPED;
	case WRITE:
		return can_write >> c & 1 && !now.fixed[s * NVA + va] && !(now.forking[s] && rule[R_gate]) &&
		       !(PRESENT(e) && e & W && path_exclusive(s, va));
	case PIN_PAGE:
		return can_pin >> c & 1 && now.pins && !now.pin_frame && !now.fixed[s * NVA + va] && !is_file(FRAME(e)) &&
		       !(with_file && va == FILE_PAGE) && !(now.forking[s] && rule[R_gate]);
	case UNMAP_PAGE:
		return can_unmap >> c & 1 && now.unmaps && !now.lock_map[s];
	case PROTECT_PAGE:
		return can_protect >> c & 1 && now.protects && !now.lock_map[s] && !now.fixed[s * NVA + va];
	case UNMAP_LEAF:
		return can_leaf >> c & 1 && now.unmap_leaves && !now.lock_map[s] && PATH1(va) == 0;
	}
	return 0;
}

/* Own operations enter the gate; remap takes the map lock and publishes the new regions. */
static void begin(int c, int va, int what)
{
	int s = SPACE(c);

	now.inflight++;
	switch (what) {
	case PIN_PAGE:
		now.pins--;
		/* fall through */
	case WRITE:
		now.own[s]++;
		break;
	case UNMAP_PAGE:
		now.unmaps--;
		now.gone[s * NVA + va] = 1;
		break;
	case PROTECT_PAGE:
		now.protects--;
		now.fixed[s * NVA + va] = 1;
		break;
	case UNMAP_LEAF:
		now.unmap_leaves--;
		memset(&now.gone[s * NVA + va], 1, N1);
		break;
	}
	if (what >= UNMAP_PAGE) {
		now.lock_map[s] = 1;
		now.seq[s]++;
	}
}

/* fork of a pinned path also takes the locks of its nodes. */
static int may_share(void)
{
	int n = NODE(now.root[0]), i, link;

	if (!now.pinned2[n])
		return 1;
	if (now.lock2[n])
		return 0;
	for (i = 0; i < N2; i++) {
		link = now.l2[n * N2 + i];
		if (link && now.lockl[NODE(link)])
			return 0;
	}
	return 1;
}

/* --- The reaper -------------------------------------------------------------------------------------------------- */

/* The next node to free: a level-2 node, or M2 + a leaf; -1 for none. */
static int next_stray(void)
{
	int i;

	if (now.walking[0] || now.walking[1] || now.walking[2])
		return -1;
	for (i = 0; i < M2; i++)
		if (now.state2[i] == STRAY && !(now.lock2[i] && rule[R_reap_locks]))
			return i;
	for (i = 0; i < ML; i++)
		if (now.statel[i] == STRAY && !(now.lockl[i] && rule[R_reap_locks]))
			return M2 + i;
	return -1;
}

static int may_reap(void)
{
	return next_stray() >= 0;
}

static void reap(void)
{
	int n = next_stray();

	TRACE("the reaper frees %s %d", n < M2 ? "level-2 node" : "leaf", n < M2 ? n : n - M2);
	if (n < M2)
		free_level2(n);
	else
		free_leaf(n - M2);
}

/* --- Reclaim ----------------------------------------------------------------------------------------------------- */

/* All the frame's entries must be found (15), and their leaves' locks be free; a pinned frame stays. */
static int may_reclaim(int frame)
{
	int i, e, found = 0;

	if (!now.reclaims || is_file(frame) || !now.map[frame] || (now.extra[frame] && rule[R_pin_reclaim]))
		return 0;
	for (i = 0; i < ML * N1; i++) {
		e = now.leaf[i];
		if (now.statel[i / N1] == FREE || !PRESENT(e) || FRAME(e) != frame)
			continue;
		if (now.lockl[i / N1])
			return 0;
		found++;
	}
	return found == now.map[frame];
}

static void revoke_frame(int frame)
{
	int i, e;

	for (i = 0; i < ML * N1; i++) {
		e = now.leaf[i];
		if (now.statel[i / N1] == FREE || !PRESENT(e) || FRAME(e) != frame)
			continue;
		now.lockl[i / N1] = 1;
		now.leaf[i] = rule[R_write_late] ? BUSY : SWAPPED | now.data[frame];
		TRACE("reclaim takes frame %d from leaf %d", frame, i / N1);
	}
	now.inflight++;
	now.reclaims--;
}

static void write_out(int frame)
{
	int i;

	for (i = 0; i < ML * N1; i++) {
		if (now.leaf[i] == BUSY || (now.leaf[i] & SWAPPED && now.lockl[i / N1] && !rule[R_write_late])) {
			if (now.leaf[i] == BUSY)
				now.leaf[i] = SWAPPED | now.data[frame];
			now.lockl[i / N1] = 0;
		}
	}
	now.map[frame] = 0;
	if (!now.extra[frame])
		now.data[frame] = 0;
	now.inflight--;
	TRACE("reclaim frees frame %d", frame);
}

/* --- Write-back -------------------------------------------------------------------------------------------------- */

static int may_clean(void)
{
	int i, e, found = now.page_dirty;

	for (i = 0; with_file && i < ML * N1; i++) {
		e = now.leaf[i];
		if (now.statel[i / N1] == FREE || !PRESENT(e) || !is_file(FRAME(e)))
			continue;
		if (now.lockl[i / N1])
			return 0;
		found |= e & D;
	}
	return with_file && found;
}

static int protect_file(void)
{
	int i, e, mapped = 0;

	for (i = 0; i < ML * N1; i++) {
		e = now.leaf[i];
		if (now.statel[i / N1] == FREE || !PRESENT(e) || !is_file(FRAME(e)))
			continue;
		mapped = 1;
		now.lockl[i / N1] = 1;
		now.leaf[i] = e & ~(W | D);
	}
	now.cleaning = 1;
	TRACE("write-back begins, %s", mapped ? "mapped" : "not mapped");
	return mapped;
}

static void finish_clean(int mapped)
{
	int i, e;

	for (i = 0; mapped && i < ML * N1; i++) {
		e = now.leaf[i];
		if (now.statel[i / N1] != FREE && PRESENT(e) && is_file(FRAME(e)))
			now.lockl[i / N1] = 0;
	}
	now.cleaning = now.page_dirty = 0;
	now.disk = now.data[FILE_FRAME];
	TRACE("write-back has written %d", now.disk);
}

/* --- The device -------------------------------------------------------------------------------------------------- */

static void device_store(void)
{
	now.data[now.pin_frame - 1] = fresh_bytes();
	if (now.pin_mapped || now.gone[now.pin_page] == 1)
		now.spec[now.pin_page] = now.data[now.pin_frame - 1];
	TRACE("the device writes %d to frame %d", now.data[now.pin_frame - 1], now.pin_frame - 1);
}

static void unpin(void)
{
	int frame = now.pin_frame - 1;

	now.extra[frame]--;
	if (!now.map[frame])
		now.data[frame] = 0;
	now.pin_frame = now.pin_page = now.pin_mapped = 0;
	TRACE("the device is done");
}

/* --- The start --------------------------------------------------------------------------------------------------- */

/* The parent runs on CPUs 0 and 1, alone; every page is mapped, written and its own. */
static void start(void)
{
	int i, va;

	tracing = getenv("TRACE") != NULL;
	now.root[0] = LINK(0, W);
	now.refs2[0] = 1;
	now.state2[0] = LIVE;
	for (i = 0; i < N2; i++) {
		now.l2[i] = LINK(i, W);
		now.refsl[i] = 1;
		now.statel[i] = LIVE;
	}
	for (va = 0; va < NVA; va++) {
		now.leaf[va] = ENTRY(va, W | EXCL);
		now.map[va] = 1;
	}
	if (with_file) {
		now.map[FILE_PAGE] = 0;
		now.map[FILE_FRAME] = now.extra[FILE_FRAME] = 1;
		now.leaf[FILE_PAGE] = ENTRY(FILE_FRAME, 0);
	}
	now.on[0] = now.on[1] = 1;
	now.threads[0] = 2;
	now.forks = setting("FORKS", 1);
	now.unmaps = setting("UNMAPS", 1);
	now.unmap_leaves = setting("LEAVES", 1);
	now.protects = setting("PROTECTS", 1);
	now.pins = setting("PINS", 1);
	now.reclaims = setting("RECLAIM", 0);
}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk of an operation that needs the path to itself: unshare and regain from the root, then the act on the leaf.
 * Each function is what happens in one step, under the locks that operations.pml holds.  Numbers of nodes and frames
 * that an operation keeps are one too high, so that 0 says none.
 */
#define READ 1
#define WRITE 2
#define PIN_PAGE 3
#define UNMAP_PAGE 4
#define PROTECT_PAGE 5
#define UNMAP_LEAF 6

c_code {
static int path_exclusive(int s, int va)
{
	int link = now.root[s];

	if (!link || !(link & W))
		return 0;
	return now.l2[NODE(link) * N2 + PATH2(va)] & W;
}

/* Decides at the root: regain (the only reference: set W, no flush), or copy the level-2 node (returned). */
static int step_root(int s)
{
	int link = now.root[s];

	if (link & W)
		return 0;
	if (now.refs2[NODE(link)] > 1 && rule[R_regain_alone])
		return NODE(link) + 1;
	now.root[s] |= W;
	return 0;
}

/* Decides at the level-2 node to_level2, locked: regain the leaf's link, or copy the leaf (returned). */
static int step_level2(int level2, int va)
{
	unsigned char *link = &now.l2[level2 * N2 + PATH2(va)];

	if (*link & W)
		return 0;
	if (now.refsl[NODE(*link)] > 1 && rule[R_regain_alone])
		return NODE(*link) + 1;
	*link |= W;
	return 0;
}

/* Grants W of the entry, or gives it a frame of its own, read-only (9); returns the old frame. */
static int grant(unsigned char *entry, int published)
{
	int frame = FRAME(*entry), old = 0;

	if (*entry & SWAPPED) {
		*entry = ENTRY(alloc_frame(*entry & ~SWAPPED), published ? W | EXCL : 0);
	} else if (is_file(frame)) {
		*entry |= W;
	} else if (*entry & EXCL || (now.map[frame] == 1 && !now.extra[frame]) || !rule[R_map_alone]) {
		*entry |= W | EXCL;
	} else {
		old = frame + 1;
		*entry = ENTRY(alloc_frame(now.data[frame]), rule[R_read_only_first] ? 0 : W | EXCL);
	}
	return old;
}

/* Clears the entry; returns the old frame.  A dirty bit is passed on now, or kept for after the flush (14). */
static int clear_entry(unsigned char *entry, unsigned char *dirty)
{
	int e = *entry;

	*entry = 0;
	if (!PRESENT(e))
		return 0;
	if (now.pin_frame == FRAME(e) + 1)
		now.pin_mapped = 0;
	if (is_file(FRAME(e)) && e & D) {
		if (rule[R_dirty_late]) {
			*dirty = 1;
			now.harvested++;
		} else {
			harvest(e);
		}
	}
	return FRAME(e) + 1;
}

static void take_pin(int va, int n2, int nl)
{
	int e = now.leaf[nl * N1 + PATH1(va)];

	now.pin_frame = FRAME(e) + 1;
	now.extra[FRAME(e)]++;
	now.pin_page = va;
	now.pin_mapped = 1;
	now.pinned2[n2] = 1;
	now.pinnedl[nl] = 1;
}

/* The end of a pin or a write fault, after the flush: W and EXCL of what was published read-only. */
static void step_finish(int s, int what, int va, int nl)
{
	unsigned char *entry = &now.leaf[nl * N1 + PATH1(va)];

	if (what == WRITE || what == PIN_PAGE) {
		if (PRESENT(*entry) && (now.map[FRAME(*entry)] == 1 || is_file(FRAME(*entry))))
			*entry |= is_file(FRAME(*entry)) ? W : W | EXCL;
		if (what == PIN_PAGE && PRESENT(*entry))
			take_pin(va, NODE(now.root[s]), nl);
	}
	if (what == UNMAP_PAGE)
		now.gone[s * NVA + va] = 2;
	if (what == PROTECT_PAGE)
		now.fixed[s * NVA + va] = 2;
}

/* A step for each CPU: flushes it if it is one that the operation must flush. */
static void flush_for(int c, int what, int va, int cpu)
{
	if (!now.on[cpu] || SPACE(cpu) != SPACE(c))
		return;
	if (cpu != c && !rule[R_flush_space])
		return;
	if (what == PROTECT_PAGE && !rule[R_protect_flush])
		return;
	if (what == UNMAP_LEAF && rule[R_leaf_flush_all])
		flush_all(cpu);
	else
		flush_page(cpu, va);
}

/* The CPU after this one that the space runs on: others are not flushed, and would only be steps without effect. */
static int next_cpu(int s, int cpu)
{
	return s == 0 && cpu == 0 ? 1 : CPUS;
}

/* fork's first half: the top is shared, or with a pin below, cloned. */
static void share_top(void)
{
	int link = now.root[0], n = find_leaf(0, now.pin_page);

	if (now.pinned2[NODE(link)] && rule[R_pin_path]) {
		clone_pinned();
		if (!rule[R_pin_late_copy])
			clone_pinned_frame();
		else if (now.pin_mapped)
			now.leaf[n * N1 + PATH1(now.pin_page)] &= ~W;
		return;
	}
	now.refs2[NODE(link)]++;
	now.root[1] = link & ~W;
	if (rule[R_fork_clears])
		now.root[0] = link & ~W;
}

/* The child may run: its contents are the parent's of now. */
static void start_child(void)
{
	memcpy(&now.spec[NVA], &now.spec[0], NVA);
	memcpy(&now.gone[NVA], &now.gone[0], NVA);
	memcpy(&now.fixed[NVA], &now.fixed[0], NVA);
	now.on[2] = 1;
	now.threads[1] = 1;
}

/* fork's second half, after the flush. */
static void finish_fork(void)
{
	int n = find_leaf(0, now.pin_page);

	clone_pinned_frame();
	if (now.pin_mapped && now.pinned2[NODE(now.root[0])] && rule[R_pin_path])
		now.leaf[n * N1 + PATH1(now.pin_page)] |= W;
	if (rule[R_run_late])
		start_child();
}
}

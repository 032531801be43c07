/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel does to tables and frames while it holds the locks: allocate, copy a node, drop a reference.
 * The steps of operations.pml call these; each is a few stores under locks, so none is a step by itself.
 */
c_code {
static int alloc_frame(int bytes)
{
	int f;

	for (f = 0; f < MF; f++)
		if (!now.map[f] && !now.extra[f] && !is_file(f))
			break;
	if (f == MF) {
		violation("the model has too few frames");
		f = 0;
	}
	now.map[f] = 1;
	now.data[f] = bytes;
	return f;
}

static int alloc_node(unsigned char *state, unsigned char *refs, int count)
{
	int n;

	for (n = 0; n < count && state[n] != FREE; n++)
		;
	if (n == count) {
		violation("the model has too few nodes");
		n = 0;
	}
	state[n] = LIVE;
	refs[n] = 1;
	return n;
}

/* A number that nothing in the model holds: the bytes of a new write. */
static int fresh_bytes(void)
{
	int used = 0, i, v;

	for (i = 0; i < MF; i++)
		if (now.map[i] || now.extra[i])
			used |= 1 << now.data[i];
	for (i = 0; i < ML * N1; i++)
		if (now.statel[i / N1] != FREE && now.leaf[i] & SWAPPED)
			used |= 1 << (now.leaf[i] & ~SWAPPED);
	for (i = 0; i < 2 * NVA; i++)
		used |= 1 << now.spec[i];
	used |= 1 << now.disk;
	for (v = 0; used >> v & 1; v++)
		;
	return v;
}

/* Copies a level-2 node: refs++ of each child, W=0 in both copies (1, 2).  The copy's refs is the link to come. */
static int copy_level2(int from)
{
	int to = alloc_node(now.state2, now.refs2, M2), i, link;

	for (i = 0; i < N2; i++) {
		link = now.l2[from * N2 + i];
		now.l2[to * N2 + i] = link & ~W;
		if (!link)
			continue;
		if (rule[R_count_refs])
			now.refsl[NODE(link)]++;
		if (rule[R_clear_links])
			now.l2[from * N2 + i] = link & ~W;
	}
	return to;
}

/*
 * Copies a leaf: map++, W=0 and EXCL=0 of anonymous entries in both copies (5).  A pinned frame stays with the old leaf,
 * and the new one gets no entry for it.  A file page's entry is the same in both, with its dirty bit.
 */
static int copy_leaf(int from)
{
	int to = alloc_node(now.statel, now.refsl, ML), i, e;

	for (i = 0; i < N1; i++) {
		e = now.leaf[from * N1 + i];
		now.leaf[to * N1 + i] = 0;
		if (PRESENT(e) && rule[R_pin_path] && now.pin_mapped && FRAME(e) + 1 == now.pin_frame)
			continue;
		now.leaf[to * N1 + i] = e;
		if (!PRESENT(e))
			continue;
		now.map[FRAME(e)]++;
		if (is_file(FRAME(e)))
			continue;
		now.leaf[to * N1 + i] = e & ~(W | EXCL);
		if (rule[R_clear_leaf])
			now.leaf[from * N1 + i] = e & ~(W | EXCL);
	}
	return to;
}

static void drop_frame(int frame)
{
	if (!now.map[frame])
		violation("8: a frame's map count underflows");
	else
		now.map[frame]--;
	if (!now.map[frame] && !now.extra[frame])
		now.data[frame] = 0;
}

/* Takes back a leaf entry's dirty bit when the entry goes (14). */
static void harvest(int e)
{
	if (PRESENT(e) && is_file(FRAME(e)) && e & D && rule[R_dirty_harvest])
		now.page_dirty = 1;
}

/* Frees a leaf that is STRAY. */
static void free_leaf(int n)
{
	int i, e;

	now.statel[n] = FREE;
	now.pinnedl[n] = 0;
	for (i = 0; i < N1; i++) {
		e = now.leaf[n * N1 + i];
		now.leaf[n * N1 + i] = 0;
		harvest(e);
		if (PRESENT(e)) {
			if (now.pin_frame == FRAME(e) + 1)
				now.pin_mapped = 0;
			drop_frame(FRAME(e));
		}
	}
}

/* Drops a reference of a node; the last makes it STRAY, for the reaper; without the rule of grace it is freed at once (10). */
static void drop_leaf(int n)
{
	if (!now.refsl[n]) {
		violation("2: refs of a leaf underflow");
		return;
	}
	if (--now.refsl[n])
		return;
	now.statel[n] = STRAY;
	if (!rule[R_grace])
		free_leaf(n);
}

static void free_level2(int n)
{
	int i;

	now.state2[n] = FREE;
	now.pinned2[n] = 0;
	for (i = 0; i < N2; i++) {
		if (now.l2[n * N2 + i])
			drop_leaf(NODE(now.l2[n * N2 + i]));
		now.l2[n * N2 + i] = 0;
	}
}

static void drop_level2(int n)
{
	if (!now.refs2[n]) {
		violation("2: refs of a level-2 node underflow");
		return;
	}
	if (--now.refs2[n])
		return;
	now.state2[n] = STRAY;
	if (!rule[R_grace])
		free_level2(n);
}

/* The entry of the space's page, and where it is; -1 without a path. */
static int find_leaf(int s, int va)
{
	int link = now.root[s] ? now.l2[NODE(now.root[s]) * N2 + PATH2(va)] : 0;

	return link ? NODE(link) : -1;
}

/* fork's share of a path with a pinned frame: the child gets copies of the nodes of the path, the rest is shared below them. */
static void clone_pinned(void)
{
	int from = NODE(now.root[0]), to = copy_level2(from), i, link, copy;

	for (i = 0; i < N2; i++) {
		link = now.l2[from * N2 + i];
		if (!link || !now.pinnedl[NODE(link)])
			continue;
		copy = copy_leaf(NODE(link));
		now.refsl[NODE(link)]--;
		now.l2[from * N2 + i] = link | W;
		now.l2[to * N2 + i] = LINK(copy, W);
	}
	now.root[1] = LINK(to, W);
}

/* The second half, after the flush: the child's copy of the pinned frame's bytes. */
static void clone_pinned_frame(void)
{
	int n, e;

	if (!now.pin_mapped || !now.root[1])
		return;
	n = find_leaf(1, now.pin_page);
	e = n < 0 ? 0 : now.leaf[n * N1 + PATH1(now.pin_page)];
	if (n >= 0 && !e)
		now.leaf[n * N1 + PATH1(now.pin_page)] = ENTRY(alloc_frame(now.data[now.pin_frame - 1]), W | EXCL);
}
}

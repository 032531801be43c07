/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork, unshare, regain, reclaim, exit, munmap, mprotect, pins and dirty bits on page tables of two levels that spaces
 * share.  README.md says what is modelled, which rules can be taken out, and how to run it.
 *
 * state.pml   what is kept        caches.pml  the hardware, and the invariants
 * tables.pml  nodes and frames    path.pml    unshare, regain, act
 * actors.pml  everyone else
 *
 * A step is one atomic: a guard (a lock to wait for) and what happens under it.  Between steps anyone else may act.
 */
#include "state.pml"
#include "caches.pml"
#include "tables.pml"
#include "path.pml"
#include "actors.pml"

#define STEP(guard, ...) atomic { guard -> c_code { __VA_ARGS__ }; SETTLE }
#define ME PThread

/* A write by the program through any translation that CPU c may hold: bytes that were never there before. */
#define WRITE_FRAME(page, frame) \
	:: STEP(c_expr { (can_store(PThread->c, page, frame)) }, store(ME->c, page, frame);)
#define WRITE_PAGE(page) \
	WRITE_FRAME(page, 0) WRITE_FRAME(page, 1) WRITE_FRAME(page, 2) WRITE_FRAME(page, 3) WRITE_FRAME(page, 4) \
	WRITE_FRAME(page, 5) WRITE_FRAME(page, 6)

/* A write to the file page: the CPU sets D in a leaf that it may have cached the link to, or knows that D is set (leaf ML). */
#define WRITE_FILE(leaf) :: STEP(c_expr { (can_store_file(PThread->c, leaf)) }, store_file(ME->c, leaf);)

/* The beginning of an operation on a page. */
#define BEGIN(page, operation) \
	:: STEP(c_expr { (may_begin(PThread->c, page, operation)) }, \
		TRACE("cpu %d begins %s of page %d", ME->c, operation_names[operation], page); \
		ME->what = operation; ME->va = page; begin(ME->c, page, operation); \
		ME->q = now.seq[SPACE(ME->c)];); goto dispatch
#define BEGIN_PAGE(page) \
	BEGIN(page, READ) BEGIN(page, WRITE) BEGIN(page, PIN_PAGE) BEGIN(page, UNMAP_PAGE) BEGIN(page, PROTECT_PAGE) \
	BEGIN(page, UNMAP_LEAF)

/* A thread of a program, alone on CPU c. */
proctype Thread(byte c; byte s)
{
	byte what, va, q, cpu;		/* the operation, its page, the sequence number it began with, the next CPU to flush */
	byte n2, nl;			/* the nodes of the path it acts on, the locked ones; + 1, as all of these */
	byte old2, oldl, oldf;		/* what it replaced: a reference of each is dropped at the end */
	byte new2, held, dirty;		/* the level-2 node that it made; the locked leaf that is not nl; a harvested dirty bit */
	bool slow, flush;	/* root and level 2 are locked; CPUs must be flushed */

end_running:
	do
	WRITE_PAGE(0) WRITE_PAGE(1)
	WRITE_FILE(0) WRITE_FILE(1) WRITE_FILE(2) WRITE_FILE(3) WRITE_FILE(4) WRITE_FILE(5) WRITE_FILE(6) WRITE_FILE(ML)
	BEGIN_PAGE(0)
	BEGIN_PAGE(1)
	:: STEP(c_expr { (now.on[PThread->c] && can_fork >> PThread->c & 1 && now.forks && !now.threads[1] && !now.root[1] && \
			  !now.lock_map[0]) },
		TRACE("cpu %d: fork", ME->c);
		now.forks--; now.lock_map[0] = 1; now.inflight++;
		if (rule[R_gate])
			now.forking[0] = 1;); goto fork
	:: STEP(c_expr { (now.on[PThread->c] && can_exit >> PThread->c & 1) },
		TRACE("cpu %d: exit", ME->c);
		now.inflight++;
		if (rule[R_exit_moves]) {
			now.on[ME->c] = 0;
			flush_all(ME->c);
		}); goto exit
	od;

dispatch:
	if
	:: what == READ -> goto fill
	:: what == PIN_PAGE && c_expr { (!rule[R_pin_unshares]) } -> goto pin_shared
	:: else
	fi;

	/* Own and remap.  Without locks down to the leaf if every link has W, else from the root with all locks. */
	if
	:: STEP(c_expr { (PThread->what != UNMAP_LEAF && path_exclusive(PThread->s, PThread->va)) },
		now.walking[ME->c] = 1;
		ME->nl = find_leaf(ME->s, ME->va) + 1;)
	:: STEP(c_expr { ((PThread->what == UNMAP_LEAF || !path_exclusive(PThread->s, PThread->va)) && !now.lock_root[PThread->s]) },
		if (find_leaf(ME->s, ME->va) < 0) {
			TRACE("cpu %d: the leaf is gone", ME->c);
		} else {
			now.lock_root[ME->s] = ME->slow = 1;
			ME->old2 = step_root(ME->s);
			ME->n2 = NODE(now.root[ME->s]) + 1;
			TRACE("cpu %d: %s level-2 node %d", ME->c, ME->old2 ? "must copy" : "has or regains", ME->n2 - 1);
		}); goto from_root
	:: STEP(c_expr { (PThread->what == UNMAP_PAGE && !rule[R_unmap_unshares] && !path_exclusive(PThread->s, PThread->va)) },
		now.walking[ME->c] = 1;
		ME->nl = find_leaf(ME->s, ME->va) + 1;)
	fi;
	STEP(!lockl[nl - 1],
		CHECK(now.statel[ME->nl - 1] != FREE, "10: the kernel locks a freed leaf");
		now.walking[ME->c] = 0;
		if ((now.statel[ME->nl - 1] == STRAY && rule[R_stray_check]) || (ME->q != now.seq[ME->s] && rule[R_seq_fast]))
			ME->nl = 0;
		else
			now.lockl[ME->nl - 1] = 1;);
	if
	:: nl -> goto act
	:: else -> goto finish
	fi;

from_root:
	if
	:: !slow -> goto finish
	:: else
	fi;
	STEP(!lock2[n2 - 1],
		now.lock2[ME->n2 - 1] = 1;
		if (ME->old2)
			ME->new2 = copy_level2(ME->n2 - 1) + 1;
		ME->oldl = step_level2((ME->new2 ? ME->new2 : ME->n2) - 1, ME->va);
		ME->nl = find_leaf(ME->s, ME->va) + 1;
		TRACE("cpu %d: %s leaf %d", ME->c, ME->oldl ? "must copy" : "has or regains", ME->nl - 1););
	if
	:: what == UNMAP_LEAF -> goto unlink
	:: else
	fi;
	STEP(!lockl[nl - 1], now.lockl[ME->nl - 1] = 1;);

	/* A fast path may have overtaken this one until here: the regions are checked again, and a copy that is not published goes. */
	if
	:: c_expr { (PThread->q != now.seq[PThread->s] && rule[R_seq_slow]) } ->
		STEP(true,
			TRACE("cpu %d: the regions changed", ME->c);
			ME->held = ME->nl;
			if (ME->new2)
				drop_level2(ME->new2 - 1);
			ME->nl = ME->new2 = ME->old2 = ME->oldl = 0;);
		goto finish
	:: else
	fi;

	/* The leaf nl is locked.  Copy it if it is shared, act on the entry, publish with one store. */
act:
	STEP(true,
		unsigned char *entry;
		if (ME->oldl) {
			ME->held = ME->nl;
			ME->nl = copy_leaf(ME->oldl - 1) + 1;
			now.lockl[ME->nl - 1] = rule[R_lock_new];
		}
		entry = &now.leaf[(ME->nl - 1) * N1 + PATH1(ME->va)];
		ME->flush = ME->old2 || ME->oldl;
		ME->cpu = 2 * ME->s;
		if (ME->what == WRITE || ME->what == PIN_PAGE) {
			if (*entry)
				ME->oldf = grant(entry, !ME->flush);
			ME->flush |= ME->oldf != 0;
		} else if (ME->what == UNMAP_PAGE) {
			ME->oldf = clear_entry(entry, &ME->dirty);
			ME->flush = 1;
		} else {
			if (PRESENT(*entry))
				*entry &= ~W;
			ME->flush = 1;
		}
		if (ME->flush && ME->what <= PIN_PAGE && !rule[R_read_only_first] && PRESENT(*entry) && !is_file(FRAME(*entry)) &&
		    now.map[FRAME(*entry)] == 1)
			*entry |= W | EXCL;
		if (ME->oldl)
			now.l2[((ME->new2 ? ME->new2 : ME->n2) - 1) * N2 + PATH2(ME->va)] = LINK(ME->nl - 1, W);
		if (ME->new2)
			now.root[ME->s] = LINK(ME->new2 - 1, W);
		TRACE("cpu %d: publishes leaf %d, entry %#x", ME->c, ME->nl - 1, *entry);
		if (ME->oldf && !rule[R_frame_late] && ME->what != UNMAP_PAGE) {
			drop_frame(ME->oldf - 1);
			ME->oldf = 0;
		}
		if (ME->oldf && !rule[R_unmap_late] && ME->what == UNMAP_PAGE) {
			drop_frame(ME->oldf - 1);
			ME->oldf = 0;
		}
		if (!rule[R_node_late]) {
			if (ME->oldl)
				drop_leaf(ME->oldl - 1);
			if (ME->old2)
				drop_level2(ME->old2 - 1);
			ME->oldl = ME->old2 = 0;
		});
	goto shoot;

	/* munmap of a whole leaf: unlinked, never copied. */
unlink:
	STEP(c_expr { (!now.lockl[PThread->nl - 1] || !rule[R_leaf_locked]) },
		now.lockl[ME->nl - 1] = 1;
		ME->held = ME->oldl = ME->nl;
		now.l2[((ME->new2 ? ME->new2 : ME->n2) - 1) * N2 + PATH2(ME->va)] = 0;
		if (ME->new2)
			now.root[ME->s] = LINK(ME->new2 - 1, W);
		TRACE("cpu %d: unlinks leaf %d", ME->c, ME->nl - 1);
		if (ME->s == 0 && PATH2(now.pin_page) == PATH2(ME->va))
			now.pin_mapped = 0;
		ME->nl = 0;
		if (!rule[R_leaf_late]) {
			drop_leaf(ME->oldl - 1);
			ME->oldl = 0;
		}
		ME->flush = 1;
		ME->cpu = 2 * ME->s;);

	/* One CPU a step: its interrupts are on. */
shoot:
	do
	:: atomic { flush && cpu < CPUS -> c_code {
			TRACE("cpu %d: flushes cpu %d", ME->c, ME->cpu);
			flush_for(ME->c, ME->what, ME->va, ME->cpu);
			ME->cpu = next_cpu(ME->s, ME->cpu); }; SETTLE }
	:: else -> break
	od;

	/* Grant, unlock, then drop what was replaced. */
finish:
	STEP(true,
		if (ME->nl)
			step_finish(ME->s, ME->what, ME->va, ME->nl - 1);
		else if (ME->what == UNMAP_LEAF)
			memset(&now.gone[ME->s * NVA + PATH2(ME->va) * N1], 2, N1);
		else if (ME->what == UNMAP_PAGE)
			now.gone[ME->s * NVA + ME->va] = 2;
		flush_page(ME->c, ME->va);
		TRACE("cpu %d: finishes", ME->c);
		if (ME->nl)
			now.lockl[ME->nl - 1] = 0;
		if (ME->held)
			now.lockl[ME->held - 1] = 0;
		if (ME->slow)
			now.lock2[ME->n2 - 1] = now.lock_root[ME->s] = 0;
		if (ME->what == WRITE || ME->what == PIN_PAGE)
			now.own[ME->s]--;
		else
			now.lock_map[ME->s] = 0;
		if (ME->dirty) {
			now.page_dirty = 1;
			now.harvested--;
		});
	STEP(true,
		if (ME->oldf)
			drop_frame(ME->oldf - 1);
		if (ME->oldl)
			drop_leaf(ME->oldl - 1);
		if (ME->old2)
			drop_level2(ME->old2 - 1);
		now.inflight--;
		ME->what = ME->va = ME->q = ME->cpu = ME->n2 = ME->nl = ME->old2 = ME->oldl = ME->oldf = 0;
		ME->new2 = ME->held = ME->slow = ME->flush = ME->dirty = 0;);
	goto end_running;

	/* A read fault fills, in a shared leaf too: W=0, and one sharer's fill serves all. */
fill:
	STEP(true,
		now.walking[ME->c] = 1;
		ME->nl = find_leaf(ME->s, ME->va) + 1;);
	STEP(c_expr { (!PThread->nl || !now.lockl[PThread->nl - 1]) },
		if (ME->nl) {
			unsigned char *entry = &now.leaf[(ME->nl - 1) * N1 + PATH1(ME->va)];
			CHECK(now.statel[ME->nl - 1] != FREE, "10: the kernel locks a freed leaf");
			if ((now.statel[ME->nl - 1] == LIVE || !rule[R_stray_check]) &&
			    (ME->q == now.seq[ME->s] || !rule[R_seq_fast]) && *entry & SWAPPED) {
				*entry = ENTRY(alloc_frame(*entry & ~SWAPPED), 0);
				TRACE("cpu %d: fills leaf %d, entry %#x", ME->c, ME->nl - 1, *entry);
			}
		}
		now.walking[ME->c] = 0;
		now.inflight--;
		flush_page(ME->c, ME->va);
		ME->what = ME->va = ME->q = ME->nl = 0;);
	goto end_running;

	/* Only with the rule pin_unshares taken out: a pin of whatever is mapped. */
pin_shared:
	STEP(true,
		int n = find_leaf(ME->s, ME->va);
		int link = now.root[ME->s];
		if (n >= 0 && PRESENT(now.leaf[n * N1 + PATH1(ME->va)]))
			take_pin(ME->va, NODE(link), n);
		now.own[ME->s]--;
		now.inflight--;
		ME->what = ME->va = ME->q = 0;);
	goto end_running;

	/* fork: keep own operations out, share the top, flush, let the child run. */
fork:
	STEP(c_expr { ((!now.own[0] || !rule[R_gate]) && !now.lock_root[0] && may_share()) },
		share_top();
		TRACE("cpu %d: fork shares level-2 node %d", ME->c, NODE(now.root[0]));
		if (!rule[R_run_late])
			start_child(););
	do
	:: atomic { cpu < 2 -> c_code {
			TRACE("cpu %d: fork flushes cpu %d", ME->c, ME->cpu);
			if (rule[R_fork_flush] || ME->cpu == ME->c)
				flush_all(ME->cpu);
			ME->cpu++; }; SETTLE }
	:: else -> break
	od;
	STEP(true,
		finish_fork();
		now.forking[0] = now.lock_map[0] = 0;
		now.inflight--;
		TRACE("cpu %d: fork is done", ME->c);
		ME->cpu = 0;);
	goto end_running;

	/* exit: the CPU leaves the root; the last thread drops the root's link. */
exit:
	STEP(c_expr { (!now.lock_root[PThread->s] && !now.lock_map[PThread->s]) },
		if (!--now.threads[ME->s] && now.root[ME->s]) {
			int link = now.root[ME->s];
			now.root[ME->s] = 0;
			drop_level2(NODE(link));
			memset(&now.spec[ME->s * NVA], 0, NVA);
			memset(&now.gone[ME->s * NVA], 0, NVA);
			memset(&now.fixed[ME->s * NVA], 0, NVA);
			now.seq[ME->s] = 0;
		});
	STEP(true, now.on[ME->c] = 0; flush_all(ME->c); now.inflight--;);
	goto end_running
}

/* Frees STRAY nodes when nobody holds them locked and every lockless walk that could have found them is over. */
active proctype Reaper()
{
end:	do
	:: STEP(c_expr { (may_reap()) }, reap(););
	od
}

/* Reclaim of any frame: revoke all its entries, flush the family, then write out and free. */
active proctype Reclaimer()
{
	byte frame, cpu;

end:	do
#define RECLAIM(f) :: STEP(c_expr { (may_reclaim(f)) }, PReclaimer->frame = f + 1; revoke_frame(f);); goto flush
	RECLAIM(0) RECLAIM(1) RECLAIM(2) RECLAIM(3) RECLAIM(4) RECLAIM(5) RECLAIM(6)
	od;
flush:	do
	:: atomic { cpu < CPUS -> c_code {
			TRACE("reclaim flushes cpu %d", PReclaimer->cpu);
			if (rule[R_family] || PReclaimer->cpu < 2)
				flush_all(PReclaimer->cpu);
			PReclaimer->cpu++; }; SETTLE }
	:: else -> break
	od;
	STEP(true, write_out(PReclaimer->frame - 1); PReclaimer->frame = PReclaimer->cpu = 0;);
	goto end
}

/* Write-back of the file page: take its dirty bits and W, flush the family if it was mapped, then write. */
active proctype Cleaner()
{
	byte cpu;
	bool mapped;

end:	do
	:: STEP(c_expr { (may_clean()) }, PCleaner->mapped = protect_file();); break
	od;
	do
	:: atomic { mapped && cpu < CPUS -> c_code {
			if (rule[R_clean_flush])
				flush_all(PCleaner->cpu);
			PCleaner->cpu++; }; SETTLE }
	:: else -> break
	od;
	STEP(true, finish_clean(PCleaner->mapped); PCleaner->cpu = PCleaner->mapped = 0;);
	goto end
}

/* A device that writes to the pinned frame, and in the end releases it. */
active proctype Device()
{
end:	do
	:: STEP(c_expr { (now.pin_frame && !now.cleaning) }, device_store(););
	:: STEP(c_expr { (now.pin_frame) }, unpin(););
	od
}

init {
	STEP(true, read_settings(); start(););
	atomic {
		run Thread(0, 0);
		run Thread(1, 0);
		run Thread(2, 1)
	}
}

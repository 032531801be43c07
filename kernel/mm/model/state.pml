/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the model keeps: two spaces, their page tables of two levels, the frames, the locks, and the three CPUs' caches.
 *
 *	root slot of a space -> level-2 node (N2 links) -> leaf (N1 entries) -> frame
 *
 * A page number va (0 .. NVA - 1) is link va / N1 of the level-2 node, then entry va % N1 of the leaf.  CPU 0 and 1 run the
 * parent, space 0; CPU 2 runs the child, space 1.  Objects are small numbers, taken lowest free first and used again at
 * once, so a forgotten reference meets another object soon; the checks of caches.pml come sooner still.
 *
 * Encodings, all in one byte:
 *	link	0 none, else (node + 1) << 1 | W
 *	entry	0 absent, else (frame + 1) << 3 | D << 2 | EXCL << 1 | W; 0x80 | value in swap; BUSY being reclaimed
 */
#ifndef N2
#define N2 2		/* links of a level-2 node */
#define N1 1		/* entries of a leaf */
#endif
#define NVA (N2 * N1)	/* pages of a space */
#define M2 6		/* level-2 nodes */
#define ML 7		/* leaves */
#define MF 7		/* frames */
#define CPUS 3

#define SPACE(c) ((c) / 2)
#define LINK(node, w) ((((node) + 1) << 1) | (w))
#define NODE(link) (((link) >> 1) - 1)
#define ENTRY(frame, bits) ((((frame) + 1) << 3) | (bits))
#define FRAME(entry) (((entry) >> 3) - 1)
#define PRESENT(entry) ((entry) >= 8 && (entry) < 64)
#define W 1
#define EXCL 2
#define D 4
#define BUSY 64
#define SWAPPED 128
#define PATH2(va) ((va) / N1)
#define PATH1(va) ((va) % N1)

/* States of a node.  STRAY: unlinked for good, freed by the reaper after a grace period. */
#define FREE 0
#define LIVE 1
#define STRAY 2

/* The page tables. */
byte root[2];		/* link of the root's one used slot */
byte l2[M2 * N2];	/* links */
byte leaf[ML * N1];	/* entries */
byte refs2[M2];		/* refs of level-2 nodes */
byte refsl[ML];		/* refs of leaves */
byte state2[M2];
byte statel[ML];
bool pinned2[M2];	/* MAYPIN */
bool pinnedl[ML];

/* The frames. */
byte map[MF];		/* leaf entries that name the frame */
byte extra[MF];		/* references besides: pins, the page cache */
byte data[MF];		/* the page's bytes, as one small number */

/* Locks: of a space's map, its root, a level-2 node, a leaf.  Always taken in this order. */
bool lock_map[2];
bool lock_root[2];
bool lock2[M2];
bool lockl[ML];

/* Per space. */
bool forking[2];	/* the writer of the gate that own operations read: invariant 3 */
byte own[2];		/* its readers */
byte seq[2];		/* the region sequence number */
byte threads[2];	/* threads that have not exited */

/* Per CPU.  The caches are sets: see caches.pml. */
bool on[CPUS];		/* the space's root is loaded */
bool walking[CPUS];	/* the kernel walks tables without locks: nodes may not be freed */
short cached2[CPUS];	/* links to level-2 nodes; bit node * 2 + W */
short cachedl[CPUS * N2];	/* links to leaves; bit leaf * 2 + W */
short tlb[CPUS * NVA];	/* pages; bit frame * 2 + W */
bool dirty_known[CPUS];	/* the TLB may hold the file page's entry with W=1 and D=1 */

/* Ghosts: what ought to be. */
byte spec[2 * NVA];	/* what a space must read at a page */
byte gone[2 * NVA];	/* 1: munmap has begun; 2: done, nothing may be reachable */
byte fixed[2 * NVA];	/* 1: mprotect to read-only has begun; 2: done, nothing may be writable */
byte inflight;		/* operations that have begun: references may exceed links by what these hold */

/* The one pin: frame + 1, and the page it was taken at (when still mapped there). */
byte pin_frame;
byte pin_page;
bool pin_mapped;

/* The one file page, mapped shared at the last page of both spaces: frame FILE, if the configuration has it. */
#define FILE_FRAME (MF - 1)
#define FILE_PAGE (NVA - 1)
bool page_dirty;	/* the page cache knows that the page is dirty */
byte disk;		/* the page's bytes on the disk */
byte harvested;		/* munmaps that hold a harvested dirty bit */
bool cleaning;		/* write-back of the page is under way */

/* What may still happen, counted down: it bounds the search where the state alone does not. */
byte forks, unmaps, unmap_leaves, protects, pins, reclaims;

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving pages from node to node: what move_pages(2), migrate_pages(2) and mbind(2) ask for; see
 * migrate.h and mempolicy.h.
 *
 * A range is worked off in pieces, each of one region and one leaf, so that the map lock is held
 * for a short time.  Anonymous pages move under it; for the pages of a file it is given up, with a
 * reference to the file, as they are unmapped from all processes.
 */
#include "lib/errno.h"
#include "mm/mempolicy.h"
#include "mm/migrate.h"
#include "mm/space.h"
#include "mm/tree.h"

/* The piece of a file that is mapped somewhere. */
struct file_piece {
	struct backing *backing; /* a reference; NULL: none */
	u64 first, last;
	vaddr_t base;
};

/* The pages of a region from *at on, up to the end of the leaf; *at moves behind them.  Map lock
 * held for reading. */
static void move_piece(struct address_space *space, const struct region *region, vaddr_t *at,
		       vaddr_t end, struct migration *migration, struct file_piece *piece)
{
	vaddr_t start = *at;
	vaddr_t stop = MIN(MIN(region->end, end), ALIGN_DOWN(start, pt_span(2)) + pt_span(2));

	while (*at < stop)
		migrate_anonymous(space, region, at, stop, migration);
	if (region_cache(region) == NULL || region->flags & REGION_SPECIAL)
		return;
	region->backing->ops->get(region->backing);
	*piece = (struct file_piece){
		.backing = region->backing,
		.first = region_index(region, start),
		.last = region_index(region, stop) - 1,
		.base = start,
	};
}

/* Whoever may use the next piece of [*at, end); false when there is none. */
static bool next_piece(struct address_space *space, vaddr_t *at, vaddr_t end,
		       struct migration *migration)
{
	struct file_piece piece = {.backing = NULL};

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find_first(space, *at);
	bool found = region != NULL && region->start < end;
	if (found) {
		*at = MAX(*at, region->start);
		move_piece(space, region, at, end, migration, &piece);
	}
	rwlock_read_unlock(&space->map_lock);
	if (piece.backing != NULL) {
		migrate_file(piece.backing->cache, piece.first, piece.last, piece.base, migration);
		piece.backing->ops->put(piece.backing);
	}
	return found;
}

void migrate_range(struct address_space *space, vaddr_t start, vaddr_t end,
		   struct migration *migration)
{
	while (start < end && next_piece(space, &start, end, migration))
		continue;
}

static struct frame_placement place_on(u32 node)
{
	return (struct frame_placement){
		.nodes = BIT(node), .first = (u8)node, .strict = true, .moving = true};
}

/* --- move_pages --- */

struct to_node {
	struct migration migration;
	u32 node;
};

static bool is_elsewhere(struct migration *migration, phys_t frame, vaddr_t page __unused,
			 struct frame_placement *to)
{
	u32 node = container_of(migration, struct to_node, migration)->node;

	*to = place_on(node);
	return frame_node_of(frame) != node;
}

int vmm_move_page(struct address_space *space, vaddr_t address, u32 node, bool shared)
{
	struct to_node to = {.migration = {.wanted = is_elsewhere, .shared = shared}, .node = node};
	const struct migration *migration = &to.migration;
	vaddr_t page = ALIGN_DOWN(address, PAGE_SIZE);
	int now = vmm_page_node(space, page);

	if (now < 0 || (u32)now == node)
		return now;
	migrate_range(space, page, page + PAGE_SIZE, &to.migration);
	if (migration->left_shared != 0)
		return -EACCES;
	if (migration->left_without_room != 0)
		return -ENOMEM;
	if (migration->left_busy != 0)
		return -EBUSY;
	now = vmm_page_node(space, page);
	/* A page of a file may be unmapped now. */
	return migration->moved != 0 && now == -ENOENT ? (int)node : now;
}

/* --- migrate_pages --- */

struct from_nodes {
	struct migration migration;
	u64 from, to;
};

/* The node for what is on another, as the nth of the new ones stands for the nth of the old ones.
 */
static bool has_new_node(struct migration *migration, phys_t frame, vaddr_t page __unused,
			 struct frame_placement *to)
{
	const struct from_nodes *map = container_of(migration, struct from_nodes, migration);
	u32 node = frame_node_of(frame);
	u32 old = cpumask_count(map->from), new = cpumask_count(map->to);

	if (!(map->from & BIT(node)) || (old != new && (map->to & BIT(node))))
		return false;
	u32 place = cpumask_count(map->from & (BIT(node) - 1)) % new;
	u64 nodes = map->to;
	while (place-- > 0)
		nodes &= nodes - 1;
	*to = place_on((u32)__builtin_ctzll(nodes));
	return to->first != node;
}

size_t vmm_migrate_nodes(struct address_space *space, u64 from, u64 to, bool shared)
{
	struct from_nodes map = {
		.migration = {.wanted = has_new_node, .shared = shared}, .from = from, .to = to};

	if (from != 0 && to != 0)
		migrate_range(space, 0, USER_TOP, &map.migration);
	return migration_left(&map.migration);
}

/* --- mbind --- */

struct by_policy {
	struct migration migration;
	const struct mempolicy *policy;
	bool move;
	size_t misplaced;
};

static bool is_misplaced(struct migration *migration, phys_t frame, vaddr_t page,
			 struct frame_placement *to)
{
	struct by_policy *by = container_of(migration, struct by_policy, migration);

	if (mempolicy_nodes(by->policy) & BIT(frame_node_of(frame)) ||
	    !mempolicy_place(by->policy, page, to))
		return false;
	by->misplaced++;
	to->moving = true;
	return by->move;
}

int vmm_apply_policy(struct address_space *space, vaddr_t start, vaddr_t end,
		     const struct mempolicy *policy, u32 flags)
{
	struct by_policy by = {
		.migration = {.wanted = is_misplaced, .shared = flags & MPOL_MF_MOVE_ALL},
		.policy = policy,
		.move = flags & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL),
	};

	if (frame_nodes() == 1 || mempolicy_nodes(policy) == 0)
		return 0;
	migrate_range(space, start, end, &by.migration);
	size_t left = by.move ? migration_left(&by.migration) : by.misplaced;
	return (flags & MPOL_MF_STRICT) && left != 0 ? -EIO : 0;
}

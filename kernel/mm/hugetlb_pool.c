/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pools of huge pages; see hugetlb.h.
 *
 * Each node has a part of each pool: its free blocks, linked through the descriptors of their first
 * frames, and how many it shall have (`wanted`).  A node that has more has *surplus*: blocks that
 * were in use when the pool was made smaller, or that were taken because it had too few
 * (`overcommit`).  They go as soon as they are free, and promises do not need them.
 *
 * How many frames of a block are in use is counted beside, for memory may be handed back one frame
 * at a time, in any order.  The lock is taken with interrupts off and inside of all others but the
 * allocator's: frames become free anywhere.
 */
#include "lib/errno.h"
#include "mm/hugetlb_internal.h"
#include "mm/kmalloc.h"
#include "mm/mempolicy.h"

struct pool_node {
	u64 first; /* a free block; 0: none */
	size_t wanted, total, free;
};

struct pool {
	struct pool_node nodes[MAX_NODES];
	size_t wanted, total, free; /* sums */
	size_t reserved, overcommit;
	u32 *used; /* by block: frames in use; set once */
	size_t blocks;
};

static struct pool pools[HUGETLB_SIZES]; /* pool_lock */
static u64 gigantic[16]; /* pool_lock: a bit for each GiB that is a block of the pool */
static spinlock_t pool_lock = SPINLOCK_INIT;
static mutex_t resize_lock = MUTEX_INIT(resize_lock); /* one resizes at a time */

enum { GIGANTIC_MOST = 16 * 64 };

static struct pool_node *node_of_block(struct pool *pool, phys_t block)
{
	return &pool->nodes[frame_has_nodes ? frame_node_of(block) : 0];
}

static void push(struct pool *pool, phys_t block)
{
	struct pool_node *node = node_of_block(pool, block);

	frame_of(block)->owner = node->first;
	node->first = block;
	node->free++;
	pool->free++;
}

static phys_t pop(struct pool *pool, struct pool_node *node)
{
	phys_t block = node->first;

	node->first = frame_of(block)->owner;
	node->free--;
	pool->free--;
	return block;
}

static size_t surplus(const struct pool_node *node)
{
	return node->total - MIN(node->total, node->wanted);
}

static size_t surplus_of_all(const struct pool *pool)
{
	size_t sum = 0;

	for (u32 i = 0; i < frame_nodes(); i++)
		sum += surplus(&pool->nodes[i]);
	return sum;
}

static void mark_gigantic(phys_t block, bool owned)
{
	u64 index = block >> GIGANTIC_SHIFT, bit = BIT(index % 64);

	gigantic[index / 64] = owned ? gigantic[index / 64] | bit : gigantic[index / 64] & ~bit;
}

/* A free block of the node goes back to the allocator. */
static void give_back(enum hugetlb_size size, struct pool_node *node)
{
	struct pool *pool = &pools[size];
	phys_t block = pop(pool, node);

	pool->total--;
	node->total--;
	if (size == HUGETLB_1G)
		mark_gigantic(block, false);
	hugetlb_block_release(size, block);
}

/* Gives surplus blocks back that are free and not promised. */
static void trim(enum hugetlb_size size)
{
	struct pool *pool = &pools[size];

	for (u32 i = 0; i < frame_nodes(); i++) {
		struct pool_node *node = &pool->nodes[i];
		while (surplus(node) != 0 && node->free != 0 && pool->free > pool->reserved)
			give_back(size, node);
	}
}

void hugetlb_get_stats(enum hugetlb_size size, u64 nodes, struct hugetlb_stats *stats)
{
	const struct pool *pool = &pools[size];
	unsigned long flags = spin_lock_irqsave(&pool_lock);

	*stats =
		(struct hugetlb_stats){.reserved = nodes == HUGETLB_ALL_NODES ? pool->reserved : 0};
	for (u32 i = 0; i < frame_nodes(); i++) {
		if (!(nodes & BIT(i)))
			continue;
		stats->total += pool->nodes[i].total;
		stats->free += pool->nodes[i].free;
		stats->surplus += surplus(&pool->nodes[i]);
	}
	spin_unlock_irqrestore(&pool_lock, flags);
}

size_t hugetlb_overcommit(enum hugetlb_size size)
{
	return READ_ONCE(pools[size].overcommit);
}

void hugetlb_set_overcommit(enum hugetlb_size size, size_t blocks)
{
	WRITE_ONCE(pools[size].overcommit, blocks);
}

/* --- Blocks that come --- */

/* The counts, when they are needed first. */
static bool prepare(enum hugetlb_size size)
{
	struct pool *pool = &pools[size];
	size_t blocks = DIV_ROUND_UP(frame_limit(), (size_t)hugetlb_frames(size));
	u32 *used, *none = NULL;

	if (size == HUGETLB_1G)
		blocks = MIN(blocks, (size_t)GIGANTIC_MOST);
	if (__atomic_load_n(&pool->used, __ATOMIC_ACQUIRE) != NULL)
		return true;
	used = kzalloc(blocks * sizeof(*used));
	if (used == NULL)
		return false;
	WRITE_ONCE(pool->blocks, blocks);
	if (!__atomic_compare_exchange_n(&pool->used, &none, used, false, __ATOMIC_RELEASE,
					 __ATOMIC_RELAXED))
		kfree(used);
	return true;
}

enum add_how { ADD_WANTED, ADD_SURPLUS };

static bool add_block(enum hugetlb_size size, u32 at_node, enum add_how how)
{
	struct pool *pool = &pools[size];
	phys_t block = prepare(size) ? hugetlb_block_alloc(size, at_node, how == ADD_WANTED) : 0;

	if (block == 0)
		return false;
	/* Memory that was plugged in later is not counted. */
	if (block >> hugetlb_shift(size) >= READ_ONCE(pool->blocks)) {
		hugetlb_block_release(size, block);
		return false;
	}
	unsigned long flags = spin_lock_irqsave(&pool_lock);
	struct pool_node *node = node_of_block(pool, block);
	bool fits = how == ADD_WANTED || surplus_of_all(pool) < pool->overcommit;
	if (fits) {
		push(pool, block);
		pool->total++;
		node->total++;
		if (how == ADD_WANTED) {
			pool->wanted++;
			node->wanted++;
		}
		if (size == HUGETLB_1G)
			mark_gigantic(block, true);
	}
	spin_unlock_irqrestore(&pool_lock, flags);
	if (!fits)
		hugetlb_block_release(size, block);
	return fits;
}

/* One more, although the pool shall not have it, if it may. */
static bool add_surplus(enum hugetlb_size size)
{
	if (READ_ONCE(pools[size].overcommit) == 0)
		return false;
	for (u32 i = 0, node = frame_node_of_cpu(cpu_id()); i < frame_nodes(); i++)
		if (add_block(size, (node + i) % frame_nodes(), ADD_SURPLUS))
			return true;
	return false;
}

/* --- Its size --- */

/* The node of the set that best does with one less: the one with most that are free. */
static struct pool_node *richest(struct pool *pool, u64 nodes)
{
	struct pool_node *found = NULL;

	for (u32 i = 0; i < frame_nodes(); i++) {
		struct pool_node *node = &pool->nodes[i];
		if (!(nodes & BIT(i)) || node->wanted == 0)
			continue;
		if (found == NULL || node->free > found->free)
			found = node;
	}
	return found;
}

static void shrink_locked(enum hugetlb_size size, u64 nodes, size_t blocks)
{
	struct pool *pool = &pools[size];
	struct pool_node *node;

	while (pool->wanted > blocks && (node = richest(pool, nodes)) != NULL) {
		node->wanted--;
		pool->wanted--;
		if (node->free != 0 && surplus(node) != 0 && pool->free > pool->reserved)
			give_back(size, node);
	}
}

/* What is surplus is wanted from now on. */
static void adopt_surplus_locked(struct pool *pool, u64 nodes, size_t blocks)
{
	for (u32 i = 0; i < frame_nodes(); i++) {
		struct pool_node *node = &pool->nodes[i];
		while ((nodes & BIT(i)) && surplus(node) != 0 && pool->wanted < blocks) {
			node->wanted++;
			pool->wanted++;
		}
	}
}

/* Node by node, one block each, until there are enough or none has another. */
static void grow(enum hugetlb_size size, u64 nodes, size_t blocks)
{
	bool more = true;

	while (more) {
		more = false;
		for (u32 i = 0; i < frame_nodes(); i++) {
			if (READ_ONCE(pools[size].wanted) >= blocks)
				return;
			if ((nodes & BIT(i)) && add_block(size, i, ADD_WANTED))
				more = true;
		}
	}
}

static void resize_locked(enum hugetlb_size size, u64 nodes, size_t blocks)
{
	unsigned long flags = spin_lock_irqsave(&pool_lock);

	shrink_locked(size, nodes, blocks);
	adopt_surplus_locked(&pools[size], nodes, blocks);
	spin_unlock_irqrestore(&pool_lock, flags);
	grow(size, nodes, blocks);
}

void hugetlb_resize(enum hugetlb_size size, u64 nodes, size_t blocks)
{
	mutex_lock(&resize_lock);
	resize_locked(size, nodes, blocks);
	mutex_unlock(&resize_lock);
}

void hugetlb_resize_node(enum hugetlb_size size, u32 node, size_t blocks)
{
	mutex_lock(&resize_lock);
	size_t others = READ_ONCE(pools[size].wanted) - READ_ONCE(pools[size].nodes[node].wanted);
	resize_locked(size, BIT(node), blocks > SIZE_MAX - others ? SIZE_MAX : others + blocks);
	mutex_unlock(&resize_lock);
}

/* --- Reservations --- */

bool hugetlb_pool_reserve(enum hugetlb_size size, size_t blocks)
{
	struct pool *pool = &pools[size];
	bool enough, may;

	do {
		unsigned long flags = spin_lock_irqsave(&pool_lock);
		size_t available = pool->free - pool->reserved;
		enough = available >= blocks;
		may = !enough && blocks - available <= pool->overcommit - MIN(pool->overcommit,
									      surplus_of_all(pool));
		if (enough)
			pool->reserved += blocks;
		spin_unlock_irqrestore(&pool_lock, flags);
	} while (!enough && may && add_surplus(size));
	if (!enough)
		hugetlb_pool_unreserve(size, 0);
	return enough;
}

void hugetlb_pool_unreserve(enum hugetlb_size size, size_t blocks)
{
	unsigned long flags = spin_lock_irqsave(&pool_lock);

	pools[size].reserved -= blocks;
	trim(size);
	spin_unlock_irqrestore(&pool_lock, flags);
}

/* --- Blocks in use --- */

/* A node with a free block: those of the placement first, then, unless it is strict or the block is
 * promised, any. */
static struct pool_node *choose(struct pool *pool, const struct frame_placement *placement,
				bool reserved)
{
	u32 count = frame_nodes();
	u32 first = placement->first == FRAME_NODE_LOCAL ? frame_node_of_cpu(cpu_id())
							 : placement->first;

	for (u32 i = 0; i < count; i++) {
		u32 node = (first + i) % count;
		if ((placement->nodes & BIT(node)) && pool->nodes[node].free != 0)
			return &pool->nodes[node];
	}
	for (u32 i = 0; i < count && (reserved || !placement->strict); i++)
		if (pool->nodes[i].free != 0)
			return &pool->nodes[i];
	return NULL;
}

static phys_t take(enum hugetlb_size size, bool reserved, const struct frame_placement *placement)
{
	struct pool *pool = &pools[size];
	struct pool_node *node = NULL;
	phys_t block = 0;
	unsigned long flags = spin_lock_irqsave(&pool_lock);

	if (pool->free > (reserved ? 0 : pool->reserved))
		node = choose(pool, placement, reserved);
	if (node != NULL) {
		block = pop(pool, node);
		pool->reserved -= reserved;
		pool->used[block >> hugetlb_shift(size)] = hugetlb_frames(size);
	}
	spin_unlock_irqrestore(&pool_lock, flags);
	return block;
}

phys_t hugetlb_pool_take(enum hugetlb_size size, bool reserved, enum frame_kind kind,
			 const struct mempolicy *policy, vaddr_t address)
{
	struct frame_placement placement = {.nodes = ~(u64)0, .first = FRAME_NODE_LOCAL};

	if (policy != NULL && frame_has_nodes)
		(void)mempolicy_place_for_task(
			policy, address >> (hugetlb_shift(size) - PAGE_SHIFT), &placement);
	phys_t block = take(size, reserved, &placement);
	if (block == 0 && !reserved && add_surplus(size))
		block = take(size, false, &placement);
	if (block != 0)
		hugetlb_block_begin(size, block, kind);
	return block;
}

void hugetlb_frame_freed(phys_t address)
{
	unsigned long flags = spin_lock_irqsave(&pool_lock);
	u64 index = address >> GIGANTIC_SHIFT;
	bool large = index < GIGANTIC_MOST && (gigantic[index / 64] & BIT(index % 64));
	enum hugetlb_size size = large ? HUGETLB_1G : HUGETLB_2M;
	struct pool *pool = &pools[size];

	hugetlb_block_frame_end(frame_of(address));
	if (--pool->used[address >> hugetlb_shift(size)] == 0) {
		phys_t block = ALIGN_DOWN(address, hugetlb_bytes(size));
		struct pool_node *node = node_of_block(pool, block);
		push(pool, block);
		if (surplus(node) != 0 && pool->free > pool->reserved)
			give_back(size, node);
	}
	spin_unlock_irqrestore(&pool_lock, flags);
}

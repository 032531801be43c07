/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes: which zone serves a request.
 *
 * The machine starts as one node.  frame_init_nodes then takes all free blocks off the lists, notes
 * in each descriptor the zone of its place, and gives the blocks to their own zones; what is in use
 * finds its zone when it comes back.
 *
 * Each node has an order of search: its own zones, then those of the other nodes by distance, high
 * memory before low.  The search is made twice: first only nodes that have more than their `low`
 * mark are asked, so that a node whose memory is used up takes from a neighbour before it takes its
 * own last frames; then all.
 */
#include "mm/frame_internal.h"

#include "lib/assert.h"
#include "lib/log.h"
#include "mm/checking.h"

enum { PLACED_BATCH = 32 };

/* All is set at start-up; the marks change with the memory, and may be read at any time. */
static struct memory_node {
	u8 search[ALL_ZONES]; /* zones, the nearest first */
	u32 search_length;
	struct frame_watermarks marks;
} nodes[MAX_NODES];

struct zone zones[ALL_ZONES];
u32 zone_count = ZONES;
bool frame_has_nodes;

static const struct machine_topology *topology; /* NULL: not known yet, one node */
static u64 nodes_with_memory = 1;
static void (*pressure_hook)(u32 node); /* set once */

static const struct frame_placement anywhere = {.nodes = ~(u64)0, .first = FRAME_NODE_LOCAL};

void frame_set_pressure_hook(void (*hook)(u32 node))
{
	pressure_hook = hook;
}

/* --- Setting up --- */

u32 zone_at(pfn_t pfn, pfn_t *end)
{
	const pfn_t border = (4 * GIB) >> PAGE_SHIFT;
	u32 high = pfn >= border ? ZONE_NORMAL : ZONE_DMA32, node = 0;

	*end = high ? frame_array_length : MIN(frame_array_length, border);
	for (u32 i = 0; topology != NULL && i < topology->spans; i++) {
		const struct node_span *span = &topology->span[i];
		pfn_t first = span->start >> PAGE_SHIFT, behind = span->end >> PAGE_SHIFT;
		if (pfn >= first && pfn < behind) {
			*end = MIN(*end, behind);
			node = span->node;
		} else if (pfn < first) {
			*end = MIN(*end, first);
		}
	}
	return node * ZONES + high;
}

static bool searched(const struct memory_node *node, u32 other)
{
	for (u32 i = 0; i < node->search_length; i++)
		if (node->search[i] / ZONES == other)
			return true;
	return false;
}

/* The nearest node that the search does not have yet; of equals the next higher number, in turn,
 * so that the neighbours of a node that is full share its load. */
static u32 nearest(u32 from, u32 count)
{
	u32 best = from;

	for (u32 i = 1; i < count; i++) {
		u32 other = (from + i) % count;
		if (searched(&nodes[from], other))
			continue;
		if (best == from ||
		    topology->distance[from][other] < topology->distance[from][best])
			best = other;
	}
	return best;
}

static void build_search(u32 from, u32 count)
{
	nodes[from].search_length = 0;
	for (u32 i = 0; i < count; i++) {
		u32 next = i == 0 ? from : nearest(from, count);
		for (int z = ZONES - 1; z >= 0; z--)
			nodes[from].search[nodes[from].search_length++] =
				(u8)(next * ZONES + (u32)z);
	}
}

static void zones_describe(u32 count)
{
	zone_count = count * ZONES;
	for (u32 i = 0; i < zone_count; i++)
		zones[i].lists = (struct block_lists){
			.descriptors = frame_array,
			.end = frame_array_length,
			.zone = (u8)i,
			.groups = frame_groups,
		};
	for (u32 node = 0; node < count; node++)
		build_search(node, count);
}

void zones_init(void)
{
	zones_describe(1);
}

/* The blocks of lists that nobody uses any more: nothing shall join with them … */
static void hide_blocks(const struct block_lists *lists)
{
	for (u32 set = 0; set < BLOCK_SETS; set++)
		for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
			for (pfn_t head = lists->heads[set][order]; head != 0;
			     head = frame_array[head].next)
				frame_array[head].kind = FRAME_RESERVED;
}

static void give_list(pfn_t head, u32 order)
{
	for (pfn_t next; head != 0; head = next) {
		pfn_t last = head + ((pfn_t)1 << order), end;
		next = frame_array[head].next;
		frame_array[head].order = 0;
		frame_array[head].owner = 0;
		for (pfn_t at = head; at < last; at = end) {
			(void)zone_at(at, &end);
			end = MIN(end, last);
			buddy_give_range(at, end);
		}
	}
}

/* … until they are given to the zones that their frames name. */
static void give_blocks(const struct block_lists *lists)
{
	for (u32 set = 0; set < BLOCK_SETS; set++)
		for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
			give_list(lists->heads[set][order], order);
}

static void mark_frames(void)
{
	pfn_t end;

	for (pfn_t at = 0; at < frame_array_length; at = end) {
		u8 zone = (u8)zone_at(at, &end);
		for (pfn_t pfn = at; pfn < end; pfn++)
			frame_array[pfn].zone = zone;
	}
}

void nodes_note_memory(void)
{
	u64 nodes = 0;

	for (u32 i = 0; i < zone_count; i++)
		if (READ_ONCE(zones[i].managed) != 0)
			nodes |= BIT(i / ZONES);
	WRITE_ONCE(nodes_with_memory, nodes);
}

/* Behind the last place where memory is or may be. */
static pfn_t highest_place(void)
{
	phys_t end = 0;

	for (u32 i = 0; i < topology->spans; i++)
		end = MAX(end, topology->span[i].end);
	return end >> PAGE_SHIFT;
}

void frame_init_nodes(void)
{
	struct block_lists old[ZONES];

	topology = machine_topology();
	frame_array_grow(highest_place());
	if (topology->nodes == 1)
		return;
	unsigned long flags = irq_save();
	frame_drain();
	for (u32 z = 0; z < ZONES; z++) {
		old[z] = zones[z].lists;
		hide_blocks(&old[z]);
	}
	zones_describe(topology->nodes);
	frame_has_nodes = true;
	mark_frames();
	for (u32 z = 0; z < ZONES; z++)
		give_blocks(&old[z]);
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		frame_cpus[cpu].node = topology->cpu_node[cpu];
	frame_init_count_zones();
	irq_restore(flags);
	nodes_note_memory();
	nodes_set_watermarks();
	for (u32 node = 0; node < topology->nodes; node++)
		log_info("memory: node %u has %zu KiB", node,
			 (zones[node * ZONES].present + zones[node * ZONES + 1].present) *
				 PAGE_SIZE / KIB);
}

void nodes_set_watermarks(void)
{
	size_t managed = MAX(READ_ONCE(frame_managed), (size_t)1);

	for (u32 i = 0; i < zone_count / ZONES; i++) {
		size_t mine = READ_ONCE(zones[i * ZONES].managed) +
			      READ_ONCE(zones[i * ZONES + 1].managed);
		size_t min = READ_ONCE(frame_reserve) * mine / managed;
		WRITE_ONCE(nodes[i].marks.min, min);
		WRITE_ONCE(nodes[i].marks.low, min + min / 4);
		WRITE_ONCE(nodes[i].marks.high, min + min / 2);
	}
}

/* --- Serving --- */

static bool has_plenty(u32 node)
{
	return frame_node_free(node) > READ_ONCE(nodes[node].marks.low);
}

static void count_taken_locked(struct zone *zone, u32 wanted, size_t frames, bool interleaved)
{
	u32 node = (u32)(zone - zones) / ZONES;

	if (node == wanted) {
		zone->stats.hit += frames;
		zone->stats.interleave += interleaved ? frames : 0;
	} else {
		zone->stats.miss += frames;
		__atomic_fetch_add(&zones[wanted * ZONES].stats.foreign, frames, __ATOMIC_RELAXED);
	}
	if (node == frame_cpus[cpu_id()].node)
		zone->stats.local += frames;
	else
		zone->stats.other += frames;
}

struct search {
	const struct frame_placement *placement;
	u32 wanted;  /* the node where the search begins */
	u32 counted; /* the one that the request is for, for the statistics */
	u64 allowed;
	enum zone_id highest;
	enum frame_use use;
	/* What is taken: single frames, or a block. */
	u32 *pfns;
	size_t count;
	u32 order;
};

/* Takes from one zone; how many single frames, or the number of a block; 0 for none. */
static size_t take_from(struct zone *zone, const struct search *search)
{
	size_t result, frames;

	spin_lock(&zone->lock);
	if (search->pfns != NULL) {
		result = buddy_take_singles_locked(zone, search->pfns, search->count, search->use);
		frames = result;
	} else {
		result = buddy_take_locked(zone, search->order, search->use);
		frames = result != 0 ? (size_t)1 << search->order : 0;
	}
	if (frames != 0)
		count_taken_locked(zone, search->counted, frames, search->placement->interleaved);
	spin_unlock(&zone->lock);
	return result;
}

static size_t walk(const struct search *search, bool plenty)
{
	const struct memory_node *from = &nodes[search->wanted];
	size_t result = 0;

	for (u32 i = 0; i < from->search_length && result == 0; i++) {
		u32 index = from->search[i];
		if (READ_ONCE(zones[index].lists.free) == 0 || index % ZONES > search->highest ||
		    !(search->allowed & BIT(index / ZONES)))
			continue;
		if (!plenty || has_plenty(index / ZONES))
			result = take_from(&zones[index], search);
	}
	return result;
}

/* The nearest node that is allowed, where the search by distance begins at `from`. */
static u32 first_allowed(u32 from, u64 allowed)
{
	for (u32 i = 0; i < nodes[from].search_length; i++)
		if (allowed & BIT(nodes[from].search[i] / ZONES))
			return nodes[from].search[i] / ZONES;
	return from;
}

/* The node that was asked is short of memory: reclaim hears of it when all that may serve are. */
static void tell_of_shortage(const struct frame_placement *placement)
{
	u64 set = (placement->strict ? placement->nodes : ~(u64)0) & frame_nodes_with_memory();

	for (u32 node = 0; node < frame_nodes(); node++)
		if (set & BIT(node) && has_plenty(node))
			return;
	for (u32 node = 0; node < frame_nodes(); node++)
		if (set & BIT(node))
			pressure_hook(node);
}

static size_t take(struct search *search)
{
	const struct frame_placement *placement =
		search->placement != NULL ? search->placement : &anywhere;
	bool many = zone_count > ZONES;

	search->placement = placement;
	if (placement->moving)
		search->use = USE_MOVING;
	search->wanted =
		placement->first == FRAME_NODE_LOCAL ? frame_cpus[cpu_id()].node : placement->first;
	search->allowed = placement->nodes;
	search->counted = many ? first_allowed(search->wanted, search->allowed) : search->wanted;
	size_t result = many ? walk(search, true) : 0;
	if (result == 0)
		result = walk(search, false);
	if (result == 0 && !placement->strict && ~placement->nodes != 0) {
		search->allowed = ~(u64)0;
		result = walk(search, false);
	}
	if (unlikely(!has_plenty(search->counted)) && pressure_hook != NULL)
		tell_of_shortage(placement);
	return result;
}

size_t nodes_take_singles(const struct frame_placement *placement, u32 *pfns, size_t wanted,
			  enum frame_use use)
{
	struct search search = {.placement = placement,
				.highest = ZONE_NORMAL,
				.use = use,
				.pfns = pfns,
				.count = wanted};

	return take(&search);
}

pfn_t nodes_take_block(const struct frame_placement *placement, u32 order, enum zone_id highest,
		       enum frame_use use)
{
	struct search search = {
		.placement = placement, .highest = highest, .use = use, .order = order};

	return take(&search);
}

/* Past the stock, whose frames are of any node.  How many of `count`. */
static size_t take_placed(enum frame_kind kind, const struct frame_placement *placement,
			  phys_t *frames, size_t count)
{
	u32 pfns[PLACED_BATCH];
	size_t got = frame_may_take(kind)
			     ? nodes_take_singles(placement, pfns, MIN(count, (size_t)PLACED_BATCH),
						  use_of_kind(kind))
			     : 0;

	for (size_t i = 0; i < got; i++) {
		pfn_t pfn = pfns[got - 1 - i];
		frame_begin(&frame_array[pfn], kind, 0);
		frames[i] = pfn << PAGE_SHIFT;
	}
	frame_account(kind, (s64)got);
	return got;
}

size_t frame_alloc_batch_placed(enum frame_kind kind, const struct frame_placement *placement,
				phys_t *frames, size_t count)
{
	size_t got = 0, some;

	if (placement == NULL)
		return frame_alloc_batch(kind, frames, count);
	if (checking_must_fail())
		return 0;
	do {
		unsigned long flags = irq_save();
		do {
			some = take_placed(kind, placement, frames + got, count - got);
			got += some;
		} while (some != 0 && got < count);
		irq_restore(flags);
	} while (got < count && frame_reclaim());
	return got;
}

/* --- Asking --- */

u32 frame_nodes(void)
{
	return zone_count / ZONES;
}

u64 frame_nodes_with_memory(void)
{
	return READ_ONCE(nodes_with_memory);
}

u32 frame_node_of(phys_t frame)
{
	return frame_of(frame)->zone / ZONES;
}

u32 frame_node_of_cpu(u32 cpu)
{
	return frame_cpus[cpu].node;
}

size_t frame_node_free(u32 node)
{
	return READ_ONCE(zones[node * ZONES + ZONE_DMA32].lists.free) +
	       READ_ONCE(zones[node * ZONES + ZONE_NORMAL].lists.free);
}

void frame_node_watermarks(u32 node, struct frame_watermarks *marks)
{
	*marks = nodes[node].marks;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages on their way out and in; see swap.h.
 *
 * Packing and unpacking a page takes microseconds and needs no sleep; unpacking is done under the
 * chunk's lock.  What a device is needed for happens without: the slot says `reading` or `writing`
 * meanwhile, and whoever has to wait sleeps on one of a few queues, chosen by the entry.
 */
#include "mm/swap.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/compress.h"
#include "mm/frame.h"
#include "mm/pressure.h"
#include "mm/swap_internal.h"
#include "mm/workingset.h"

enum { QUEUES = 16, CLUSTER_MOST = 5 };

struct swap_settings swap_settings = {.swappiness = 60, .page_cluster = 3};

static wait_queue_t queues[QUEUES];
static u64 events[SWAP_EVENTS];       /* atomic */
static void (*write_back_hook)(void); /* set once */

void swap_init(void)
{
	compress_init();
	for (u32 i = 0; i < QUEUES; i++)
		wait_queue_init(&queues[i]);
}

void swap_set_write_back_hook(void (*wake)(void))
{
	__atomic_store_n(&write_back_hook, wake, __ATOMIC_RELEASE);
}

void swap_note(enum swap_event event, u64 pages)
{
	__atomic_fetch_add(&events[event], pages, __ATOMIC_RELAXED);
}

/* --- Waiting --- */

static bool is_busy(swap_entry_t entry)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);
	bool busy = slot->reading || slot->writing;

	slot_unlock(chunk);
	return busy;
}

void slot_wait(swap_entry_t entry)
{
	wait_event(&queues[entry % QUEUES], !is_busy(entry));
}

void slot_wake(swap_entry_t entry)
{
	wake_up_all(&queues[entry % QUEUES]);
}

/* --- Counts --- */

void swap_dup(swap_entry_t entry)
{
	struct chunk *chunk;

	slot_hold_locked(slot_lock(entry, &chunk));
	slot_unlock(chunk);
}

void swap_free(swap_entry_t entry)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);

	slot_drop_unlock(slot, chunk);
}

u32 swap_count(swap_entry_t entry)
{
	struct chunk *chunk;
	u32 count = slot_lock(entry, &chunk)->count;

	slot_unlock(chunk);
	return count;
}

/* --- Out --- */

bool swap_has_room(void)
{
	return compress_has_room() || area_has_room();
}

/* The slot that the frame was brought in from, with a count more, if it is still its own. */
static swap_entry_t slot_again(phys_t frame)
{
	swap_entry_t entry = slot_of_frame(frame);
	struct chunk *chunk;
	struct slot *slot = entry != 0 ? slot_try_lock(entry, &chunk) : NULL;

	if (slot == NULL)
		return 0;
	bool same = slot->frame == frame >> PAGE_SHIFT && !slot->reading;
	if (same) {
		slot_hold_locked(slot);
		slot->refused = 0;
	}
	slot_unlock(chunk);
	return same ? entry : 0;
}

int swap_reserve(phys_t frame, swap_entry_t *entry)
{
	*entry = slot_again(frame);
	if (*entry != 0)
		return 0;
	if (!swap_has_room())
		return -ENOMEM;
	frame_get(frame);
	*entry = slot_make(frame);
	if (*entry != 0)
		return 0;
	frame_free(frame);
	return -ENOMEM;
}

void swap_make_known(swap_entry_t entry)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);

	if (slot->frame != 0)
		slot_make_known_locked(slot, entry);
	slot_unlock(chunk);
}

/* The frame of a slot that is nowhere else, with a reference and a count for the writer, and
 * `writing` set; 0 when there is nothing to write. */
static phys_t begin_write(swap_entry_t entry)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);
	phys_t frame = 0, unused = 0;

	if (slot->kind == SLOT_FRAME && slot->frame != 0 && !slot->writing) {
		frame = (phys_t)slot->frame << PAGE_SHIFT;
		frame_get(frame);
		slot->writing = 1;
		slot_hold_locked(slot);
	} else if (slot->kind != SLOT_FRAME && slot->frame != 0 && !slot->reading &&
		   !slot->writing && frame_refs((phys_t)slot->frame << PAGE_SHIFT) == 1) {
		unused = slot_uncache_locked(slot);
	}
	slot_unlock(chunk);
	if (unused != 0)
		frame_free(unused);
	return frame;
}

void slot_end_write(swap_entry_t entry, enum slot_kind kind, u64 value)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);
	phys_t frame = (phys_t)slot->frame << PAGE_SHIFT;

	ASSERT(slot->writing && frame != 0);
	slot->writing = 0;
	slot->refused = kind == SLOT_FRAME && value != 0;
	if (kind != SLOT_FRAME) {
		slot_forget_locked(slot);
		slot->kind = kind;
		slot->value = value;
	}
	/* The slot's reference and the writer's: nobody else can get one but through the slot. */
	if (slot->kind != SLOT_FRAME && frame_refs(frame) == 2)
		frame_free(slot_uncache_locked(slot));
	slot_drop_unlock(slot, chunk);
	frame_free(frame);
	slot_wake(entry);
}

/* Puts the page into the pool, if it can, and ends the writing.  0, or as compress_store. */
static int write_to_pool(swap_entry_t entry, phys_t frame)
{
	struct compressed object;
	int result = compress_store(phys_to_virt(frame), &object);

	if (result != 0)
		return result;
	swap_note(SWAP_PACKED, 1);
	slot_end_write(entry, object.kind == COMPRESSED_WORD ? SLOT_WORD : SLOT_PACKED,
		       object.value);
	return 0;
}

static void wake_write_back(void)
{
	void (*wake)(void) = __atomic_load_n(&write_back_hook, __ATOMIC_ACQUIRE);

	if (wake != NULL && compress_excess() != 0 && area_has_room())
		wake();
}

/* At most AREA_BATCH entries.  *error says why not all could be stored. */
static size_t write_batch(const swap_entry_t *entries, size_t count, int *error)
{
	struct area_write writes[AREA_BATCH];
	bool refused[AREA_BATCH];
	size_t stored = 0, left = 0;

	for (size_t i = 0; i < count; i++) {
		phys_t frame = begin_write(entries[i]);
		int result = frame == 0 ? 0 : write_to_pool(entries[i], frame);
		if (result == 0) {
			stored++;
			continue;
		}
		refused[left] = result == -E2BIG;
		writes[left++] = (struct area_write){entries[i], frame, 0};
	}
	int result = area_write(writes, left);
	for (size_t i = 0; i < left; i++) {
		bool written = writes[i].place != 0;
		stored += written;
		if (!written && (*error == 0 || !refused[i]))
			*error = refused[i] && result == -ENOMEM ? -E2BIG : result;
		slot_end_write(writes[i].entry, written ? SLOT_AREA : SLOT_FRAME,
			       written ? writes[i].place : refused[i]);
	}
	return stored;
}

size_t swap_write_many(const swap_entry_t *entries, size_t count, int *error)
{
	size_t stored = 0;

	*error = 0;
	for (size_t done = 0; done < count; done += AREA_BATCH)
		stored += write_batch(entries + done, MIN(count - done, (size_t)AREA_BATCH), error);
	wake_write_back();
	return stored;
}

int swap_write(swap_entry_t entry)
{
	int error;

	return swap_write_many(&entry, 1, &error) == 1 ? 0 : error;
}

int swap_alloc(phys_t frame, swap_entry_t *entry)
{
	int result = swap_reserve(frame, entry);

	if (result != 0)
		return result;
	result = swap_write(*entry);
	if (result != 0) {
		swap_free(*entry);
		return result;
	}
	/* The caller's own reference has kept it there, and nobody else knows the slot yet. */
	struct chunk *chunk;
	struct slot *slot = slot_lock(*entry, &chunk);
	if (slot->frame != 0)
		frame_free(slot_uncache_locked(slot));
	slot_unlock(chunk);
	return 0;
}

/* --- In --- */

/* The chunk is locked. */
static int bring_in_locked(struct slot *slot, swap_entry_t entry, phys_t *frame)
{
	struct compressed object = {slot->value, COMPRESSED_PACKED};

	if (slot->frame != 0 && !slot->reading) {
		*frame = (phys_t)slot->frame << PAGE_SHIFT;
		frame_get(*frame);
		if (slot->count > 1)
			slot_make_known_locked(slot, entry);
		return 0;
	}
	if (slot->reading || slot->kind == SLOT_AREA)
		return -EAGAIN;
	if (slot->kind == SLOT_FRAME)
		return -ENOENT;
	if (slot->kind == SLOT_WORD)
		object.kind = COMPRESSED_WORD;
	*frame = frame_alloc_kind(FRAME_USER);
	if (*frame == 0)
		return -ENOMEM;
	int result = compress_load(&object, phys_to_virt(*frame));
	if (result != 0) {
		frame_free(*frame);
		return result;
	}
	swap_note(SWAP_UNPACKED, 1);
	workingset_refaulted(RECLAIM_ANONYMOUS, entry, *frame);
	/* If others name the slot they shall find the same frame. */
	if (slot->count > 1) {
		frame_get(*frame);
		slot_cache_locked(slot, *frame);
		slot_make_known_locked(slot, entry);
	}
	return 0;
}

int swap_try_in(swap_entry_t entry, phys_t *frame)
{
	struct chunk *chunk;
	int result = bring_in_locked(slot_lock(entry, &chunk), entry, frame);

	slot_unlock(chunk);
	return result;
}

bool swap_detach(swap_entry_t entry, phys_t frame)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);
	bool idle = !slot->reading && !slot->writing;
	bool has_it = slot->frame == frame >> PAGE_SHIFT;

	if (idle && has_it)
		(void)!slot_uncache_locked(slot);
	slot_unlock(chunk);
	if (idle && has_it)
		frame_free(frame);
	return idle;
}

bool swap_is_on_area(swap_entry_t entry)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);
	bool on_area = slot->kind == SLOT_AREA && slot->frame == 0;

	slot_unlock(chunk);
	return on_area;
}

void swap_wait(swap_entry_t entry)
{
	slot_wait(entry);
}

phys_t swap_cache_lookup(swap_entry_t entry)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);
	phys_t frame = 0;

	if (slot->frame != 0 && !slot->reading) {
		frame = (phys_t)slot->frame << PAGE_SHIFT;
		frame_get(frame);
	}
	slot_unlock(chunk);
	return frame;
}

/* Pages that lie side by side on an area, and the frames that they are read into. */
struct run {
	swap_entry_t entries[1 << CLUSTER_MOST];
	phys_t frames[1 << CLUSTER_MOST];
	size_t first, end; /* those in use */
};

/* Gives the slot a frame to be read into, if it is at `place` and has none; the chunk is locked.
 * 0, -EAGAIN: it is not, -ENOMEM. */
static int claim_locked(struct slot *slot, u64 place, phys_t *frame)
{
	if (slot->kind != SLOT_AREA || slot->value != place || slot->frame != 0 || slot->writing)
		return -EAGAIN;
	*frame = frame_alloc_kind(FRAME_USER);
	if (*frame == 0)
		return -ENOMEM;
	slot_cache_locked(slot, *frame);
	slot->reading = 1;
	slot_hold_locked(slot);
	return 0;
}

/* Claims the neighbour at `place` for place `at` of the run. */
static bool claim_neighbour(struct run *run, size_t at, u64 place)
{
	swap_entry_t entry = area_entry(place);
	struct chunk *chunk;
	struct slot *slot = entry != 0 ? slot_try_lock(entry, &chunk) : NULL;

	if (slot == NULL)
		return false;
	int result = claim_locked(slot, place, &run->frames[at]);
	slot_unlock(chunk);
	run->entries[at] = entry;
	return result == 0;
}

static void end_read(swap_entry_t entry, bool failed)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);

	slot->reading = 0;
	if (failed)
		frame_free(slot_uncache_locked(slot));
	slot_drop_unlock(slot, chunk);
	slot_wake(entry);
}

/* Reads the page of the entry, which is at `place` and claimed for `frame`, and those around it. */
static int read_run(swap_entry_t entry, u64 place, phys_t frame)
{
	u32 window = 1u << MIN(READ_ONCE(swap_settings.page_cluster), (u32)CLUSTER_MOST);
	struct run run;
	size_t at = place % window;

	run.entries[at] = entry;
	run.frames[at] = frame;
	u64 base = place - at;
	for (run.first = at; run.first > 0; run.first--)
		if (!claim_neighbour(&run, run.first - 1, base + run.first - 1))
			break;
	for (run.end = at + 1; run.end < window; run.end++)
		if (!claim_neighbour(&run, run.end, base + run.end))
			break;
	size_t count = run.end - run.first;
	int result = area_transfer(base + run.first, &run.frames[run.first], count, false);
	if (result == 0) {
		swap_note(SWAP_READ, count);
		swap_note(SWAP_AHEAD, count - 1);
		workingset_refaulted(RECLAIM_ANONYMOUS, entry, frame);
		frame_get(frame);
	}
	for (size_t i = run.first; i < run.end; i++)
		end_read(run.entries[i], result != 0);
	return result;
}

/* One try: the frame with a reference, 0; -EAGAIN: things have changed, try again. */
static int read_or_wait(swap_entry_t entry, phys_t *frame)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);
	bool reading = slot->reading;
	u64 place = slot->value;
	int result = reading ? -EAGAIN : claim_locked(slot, place, frame);

	slot_unlock(chunk);
	if (reading)
		slot_wait(entry);
	return result == 0 ? read_run(entry, place, *frame) : result;
}

int swap_in(swap_entry_t entry, phys_t *frame)
{
	int result = swap_try_in(entry, frame);

	if (result != -EAGAIN)
		return result;
	bool begun = pressure_enter(PRESSURE_MEMORY);
	while (result == -EAGAIN) {
		result = read_or_wait(entry, frame);
		if (result == -EAGAIN)
			result = swap_try_in(entry, frame);
	}
	pressure_leave(PRESSURE_MEMORY, begun);
	return result == 0 ? 1 : result;
}

/* --- Figures --- */

void swap_get_stats(struct swap_stats *stats)
{
	area_count(&stats->total, &stats->free);
	stats->cached = slots_cached();
	stats->slots = slots_in_use();
	stats->in = READ_ONCE(events[SWAP_READ]);
	stats->out = READ_ONCE(events[SWAP_WRITTEN]);
	stats->pool_in = READ_ONCE(events[SWAP_UNPACKED]);
	stats->pool_out = READ_ONCE(events[SWAP_PACKED]);
	stats->ahead = READ_ONCE(events[SWAP_AHEAD]);
}

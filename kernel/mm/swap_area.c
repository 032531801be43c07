/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap areas: devices and files with room for pages.
 *
 * An area knows of each of its pages which slot has it, which is both the map of what is free and
 * the way from a page to its neighbours' slots.  Pages are given out one behind the other, from
 * where the last one was found on, so what leaves memory together lies together.
 *
 * Areas are tried by priority.  Those without a wish get -2, -3, … as they come, and move up when
 * one before them goes; equals take turns after some pages.
 *
 * Locks: areas_lock, which spins, inside of a chunk's lock, guards the list, and the areas' owners
 * and counts.  change_lock sleeps and is held while an area comes or goes.  An area that
 * pages are on, or are on the way to, stays; so transfers need no lock.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/compress.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/swap_internal.h"

#define OWNER_BAD UINT32_MAX

/* POOL_GAIN: what packing pages gains at most, for a first guess. */
enum { FRAME_OWNERS = PAGE_SIZE / sizeof(u32), EQUALS_RUN = 32, POOL_GAIN = 4 };

struct area {
	struct list_head link; /* areas_lock */
	const struct swap_area_ops *ops;
	void *device;
	const void *key;  /* const */
	u32 number;       /* const: in `areas` */
	u32 pages;        /* const: with the header */
	u32 good;         /* const: that may be used */
	u32 used, cursor; /* areas_lock */
	phys_t *owners;   /* const: frames of owner_at */
	int priority;     /* areas_lock */
	bool closing;     /* areas_lock: takes no pages any more */
	bool is_file;     /* const */
	char name[sizeof(((struct swap_area_info *)NULL)->name)]; /* const */
};

static spinlock_t areas_lock;
static struct list_head by_priority = LIST_INIT(by_priority); /* areas_lock */
static struct area *areas[SWAP_AREAS];                        /* areas_lock */
static mutex_t change_lock = MUTEX_INIT(change_lock);
static int next_default = -2;          /* change_lock */
static size_t total_pages, free_pages; /* areas_lock; read without */

static struct area *area_of(u64 place)
{
	return areas[place >> 32];
}

/* --- Pages --- */

/* Who has a page: an entry, 0 (nobody) or OWNER_BAD.  areas_lock held, or nobody knows the area. */
static u32 *owner_at(const struct area *area, u32 page)
{
	return (u32 *)phys_to_virt(area->owners[page / FRAME_OWNERS]) + page % FRAME_OWNERS;
}

/* areas_lock held. */
static bool take_page_locked(struct area *area, swap_entry_t entry, u64 *place)
{
	if (area->closing || area->used == area->good)
		return false;
	while (*owner_at(area, area->cursor) != 0)
		area->cursor = area->cursor + 1 < area->pages ? area->cursor + 1 : 1;
	*owner_at(area, area->cursor) = (u32)entry;
	area->used++;
	free_pages--;
	*place = area_place(area->number, area->cursor);
	return true;
}

/* It goes behind its equals, when it has given a run of pages.  areas_lock held. */
static void requeue_locked(struct area *area)
{
	if (area->cursor % EQUALS_RUN != EQUALS_RUN - 1)
		return;
	struct list_head *at = &area->link;

	while (at->next != &by_priority &&
	       list_entry(at->next, struct area, link)->priority == area->priority)
		at = at->next;
	if (at != &area->link)
		list_move(&area->link, at);
}

bool area_alloc(swap_entry_t entry, u64 *place)
{
	struct area *area;
	bool found = false;

	spin_lock(&areas_lock);
	list_for_each_entry (area, &by_priority, link) {
		found = take_page_locked(area, entry, place);
		if (found) {
			requeue_locked(area);
			break;
		}
	}
	spin_unlock(&areas_lock);
	return found;
}

void area_free(u64 place)
{
	spin_lock(&areas_lock);
	struct area *area = area_of(place);
	ASSERT(area != NULL && *owner_at(area, (u32)place) != 0);
	*owner_at(area, (u32)place) = 0;
	area->used--;
	if (!area->closing)
		free_pages++;
	spin_unlock(&areas_lock);
}

bool area_has_room(void)
{
	return READ_ONCE(free_pages) != 0;
}

swap_entry_t area_entry(u64 place)
{
	u32 owner = 0;

	spin_lock(&areas_lock);
	struct area *area = area_of(place);
	if (area != NULL && (u32)place < area->pages)
		owner = *owner_at(area, (u32)place);
	spin_unlock(&areas_lock);
	return owner != OWNER_BAD ? owner : 0;
}

int area_transfer(u64 place, const phys_t *frames, size_t count, bool write)
{
	struct area *area = READ_ONCE(areas[place >> 32]);

	return area->ops->transfer(area->device, (u32)place, frames, count, write);
}

/* Writes the first of the pages, and those that lie behind it.  How many they were. */
static size_t write_run(struct area_write *writes, size_t count, int *error)
{
	phys_t frames[AREA_BATCH];
	size_t length = 0;

	while (length < count && writes[length].place == writes[0].place + length) {
		frames[length] = writes[length].frame;
		length++;
	}
	int result = area_transfer(writes[0].place, frames, length, true);
	if (result == 0) {
		swap_note(SWAP_WRITTEN, length);
		return length;
	}
	*error = result;
	for (size_t i = 0; i < length; i++) {
		area_free(writes[i].place);
		writes[i].place = 0;
	}
	return length;
}

int area_write(struct area_write *writes, size_t count)
{
	int error = 0;

	ASSERT(count <= AREA_BATCH);
	for (size_t i = 0; i < count; i++) {
		if (area_alloc(writes[i].entry, &writes[i].place))
			continue;
		writes[i].place = 0;
		error = -ENOMEM;
	}
	for (size_t done = 0; done < count;)
		done += writes[done].place != 0 ? write_run(&writes[done], count - done, &error)
						: 1;
	return error;
}

void area_count(size_t *total, size_t *free)
{
	spin_lock(&areas_lock);
	*total = total_pages;
	*free = free_pages;
	spin_unlock(&areas_lock);
}

size_t swap_total_pages(void)
{
	return READ_ONCE(total_pages);
}

/* --- Coming --- */

static void destroy(struct area *area)
{
	size_t frames = DIV_ROUND_UP(area->pages, (u32)FRAME_OWNERS);

	for (size_t i = 0; area->owners != NULL && i < frames; i++)
		if (area->owners[i] != 0)
			frame_free(area->owners[i]);
	kfree(area->owners);
	kfree(area);
}

static bool make_owners(struct area *area)
{
	size_t frames = DIV_ROUND_UP(area->pages, (u32)FRAME_OWNERS);

	area->owners = kcalloc(frames, sizeof(area->owners[0]));
	for (size_t i = 0; area->owners != NULL && i < frames; i++) {
		area->owners[i] = frame_alloc_zeroed();
		if (area->owners[i] == 0)
			return false;
	}
	return area->owners != NULL;
}

static struct area *create(const struct swap_area_description *description)
{
	struct area *area = kzalloc(sizeof(*area));

	if (area == NULL)
		return NULL;
	area->ops = description->ops;
	area->device = description->device;
	area->key = description->key != NULL ? description->key : description->device;
	area->pages = description->pages;
	area->good = description->pages - 1;
	area->cursor = 1;
	area->is_file = description->is_file;
	area->priority = description->priority;
	strscpy(area->name, description->name, sizeof(area->name));
	list_init(&area->link);
	if (!make_owners(area)) {
		destroy(area);
		return NULL;
	}
	*owner_at(area, 0) = OWNER_BAD;
	for (u32 i = 0; i < description->bad_count; i++) {
		u32 page = description->bad[i];
		if (page < area->pages && *owner_at(area, page) == 0) {
			*owner_at(area, page) = OWNER_BAD;
			area->good--;
		}
	}
	return area;
}

/* Behind those of higher and equal priority.  areas_lock held. */
static void enlist_locked(struct area *area)
{
	struct list_head *at = &by_priority;

	while (at->next != &by_priority &&
	       list_entry(at->next, struct area, link)->priority >= area->priority)
		at = at->next;
	list_add(&area->link, at);
	total_pages += area->good;
	free_pages += area->good;
}

static int find_number(void)
{
	for (int i = 0; i < SWAP_AREAS; i++)
		if (areas[i] == NULL)
			return i;
	return -EPERM;
}

int swap_area_add(const struct swap_area_description *description)
{
	if (description->pages < 2)
		return -EINVAL;
	struct area *area = create(description);
	if (area == NULL)
		return -ENOMEM;
	int number = -EINVAL;
	if (area->good == 0)
		goto failed;
	mutex_lock(&change_lock);
	number = find_number();
	if (number >= 0) {
		area->number = (u32)number;
		if (area->priority < 0)
			area->priority = next_default--;
		spin_lock(&areas_lock);
		areas[number] = area;
		enlist_locked(area);
		spin_unlock(&areas_lock);
	}
	mutex_unlock(&change_lock);
	if (number >= 0)
		return number;
failed:
	destroy(area);
	return number;
}

/* --- Going --- */

/* change_lock held. */
static struct area *find_area(const void *key)
{
	for (int i = 0; i < SWAP_AREAS; i++)
		if (areas[i] != NULL && areas[i]->key == key)
			return areas[i];
	return NULL;
}

bool swap_area_exists(const void *key)
{
	mutex_lock(&change_lock);
	bool exists = find_area(key) != NULL;
	mutex_unlock(&change_lock);
	return exists;
}

static void set_closing(struct area *area, bool closing)
{
	spin_lock(&areas_lock);
	area->closing = closing;
	size_t unused = area->good - area->used;
	if (closing) {
		total_pages -= area->good;
		free_pages -= unused;
	} else {
		total_pages += area->good;
		free_pages += unused;
	}
	spin_unlock(&areas_lock);
}

/* The page that an entry of which the caller has a count has on the area is in memory from now on.
 */
static int bring_back(swap_entry_t entry, u64 place)
{
	struct chunk *chunk;
	phys_t frame;
	int result = swap_in(entry, &frame);

	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return result;
	slot_wait(entry);
	struct slot *slot = slot_lock(entry, &chunk);
	if (slot->kind == SLOT_AREA && slot->value == place && slot->frame != 0)
		slot_forget_locked(slot);
	slot_unlock(chunk);
	frame_free(frame);
	/* Where it goes now, if anywhere, is not this one's concern. */
	if (compress_has_room())
		(void)!swap_write(entry);
	return 0;
}

/* The page is free or about to be, or comes to memory. */
static int empty_page(u64 place)
{
	swap_entry_t entry = area_entry(place);
	struct chunk *chunk;
	struct slot *slot = entry != 0 ? slot_try_lock(entry, &chunk) : NULL;

	if (slot == NULL)
		return 0;
	bool here = slot->kind == SLOT_AREA && slot->value == place;
	bool coming = slot->writing;
	slot_hold_locked(slot);
	slot_unlock(chunk);
	int result = 0;
	if (here)
		result = bring_back(entry, place);
	else if (coming)
		slot_wait(entry);
	swap_free(entry);
	return result;
}

static int empty_area(struct area *area, bool (*interrupted)(void))
{
	while (READ_ONCE(area->used) != 0) {
		for (u32 page = 1; page < area->pages && READ_ONCE(area->used) != 0; page++) {
			int result = empty_page(area_place(area->number, page));
			if (result != 0)
				return result;
			if (interrupted != NULL && interrupted())
				return -EINTR;
		}
	}
	return 0;
}

/*
 * The area's pages count no more.  May what is promised be kept without them, and is there room for
 * what it has: other areas, frames that are free or a file's, and what the pool makes of it?
 */
static int check_room(const struct area *area)
{
	size_t room = READ_ONCE(free_pages) + frame_get_free_memory() / PAGE_SIZE +
		      frame_count_kind(FRAME_CACHE);

	if (compress_has_room())
		room *= POOL_GAIN;
	if (READ_ONCE(area->used) > room)
		return -ENOMEM;
	return commit_check(NULL, 0);
}

/* An area without a wish goes: those behind it move up by one, and the next one comes behind them.
 * areas_lock held. */
static void move_up(struct area *gone)
{
	struct list_head *at = &gone->link;

	if (gone->priority >= 0)
		return;
	while ((at = at->next) != &by_priority)
		list_entry(at, struct area, link)->priority++;
	next_default++;
}

int swap_area_remove(const void *key, bool (*interrupted)(void))
{
	mutex_lock(&change_lock);
	struct area *area = find_area(key);
	int result = area != NULL ? 0 : -EINVAL;
	if (area != NULL) {
		set_closing(area, true);
		result = check_room(area);
		if (result == 0)
			result = empty_area(area, interrupted);
		if (result != 0)
			set_closing(area, false);
	}
	if (result == 0) {
		spin_lock(&areas_lock);
		areas[area->number] = NULL;
		move_up(area);
		list_remove(&area->link);
		spin_unlock(&areas_lock);
	}
	mutex_unlock(&change_lock);
	if (result != 0)
		return result;
	area->ops->release(area->device);
	destroy(area);
	return 0;
}

bool swap_area_info(size_t index, struct swap_area_info *info)
{
	struct area *area;
	bool found = false;

	spin_lock(&areas_lock);
	list_for_each_entry (area, &by_priority, link) {
		if (index-- != 0)
			continue;
		*info = (struct swap_area_info){
			.is_file = area->is_file,
			.pages = area->good,
			.used = area->used,
			.priority = area->priority,
		};
		strscpy(info->name, area->name, sizeof(info->name));
		found = true;
		break;
	}
	spin_unlock(&areas_lock);
	return found;
}

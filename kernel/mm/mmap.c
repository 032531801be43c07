/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap(2) and munmap(2).
 *
 * All checks come first, then what can fail, then the new region goes in, in the place of what was
 * there.  Pages come by faults, or right away for MAP_POPULATE and
 * locked memory.
 */
#include "lib/errno.h"
#include "mm/commit.h"
#include "mm/hugetlb.h"
#include "mm/space.h"
#include "mm/tree.h"
#include "mm/userfault.h"

/* Everything that mmap was asked for. */
struct request {
	vaddr_t address;
	size_t length; /* whole pages */
	u32 prot, flags, access;
	u32 region_flags;
	struct backing *backing;
	u64 offset;
};

/* --- Places --- */

enum { LOW_32BIT_GIB = 1, TOP_32BIT_GIB = 2 };

long space_find_place(struct address_space *space, vaddr_t hint, size_t length, u32 flags)
{
	vaddr_t top = space->layout.mmap_base;
	vaddr_t found;

	if (length > USER_TOP - MMAP_MINIMUM)
		return -ENOMEM;
	hint = ALIGN_DOWN(hint, PAGE_SIZE);
	if (hint != 0 && hint < MMAP_MINIMUM)
		hint = MMAP_MINIMUM;
	if (flags & MAP_32BIT) {
		found = region_find_hole(space, length, LOW_32BIT_GIB * GIB, TOP_32BIT_GIB * GIB);
		return found != 0 ? (long)found : -ENOMEM;
	}
	if (hint != 0 && hint <= USER_TOP - length &&
	    region_range_is_free(space, hint, hint + length)) {
		struct region *next = region_find_first(space, hint);
		if (next == NULL || !(next->flags & REGION_GROWS_DOWN) ||
		    next->start - (hint + length) >= STACK_GUARD_GAP)
			return (long)hint;
	}
	found = region_find_hole(space, length, MMAP_MINIMUM, top);
	if (found == 0)
		found = region_find_hole(space, length, MMAP_MINIMUM, USER_TOP);
	return found != 0 ? (long)found : -ENOMEM;
}

static bool (*low_address_hook)(void); /* set once */

void vmm_set_low_address_hook(bool (*hook)(void))
{
	low_address_hook = hook;
}

bool space_may_map(vaddr_t address)
{
	return address >= MMAP_MINIMUM || (low_address_hook != NULL && low_address_hook());
}

/* --- Checks --- */

enum {
	/* What MAP_SHARED_VALIDATE knows; the other kinds ignore what they do not know, as on
	   Linux. */
	KNOWN_FLAGS = MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN |
		      MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |
		      MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_FIXED_NOREPLACE |
		      MAP_UNINITIALIZED,
};

/* What a mapping of a file may do, and may come to do by mprotect.  -EACCES, -EPERM, -EOPNOTSUPP,
 * -EINVAL, -EOVERFLOW. */
static int check_file(struct request *request)
{
	u32 flags = REGION_MAY_READ | REGION_MAY_WRITE | REGION_MAY_EXECUTE;

	if (request->offset + request->length < request->offset)
		return -EOVERFLOW;
	switch (request->flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (request->flags & ~(u32)KNOWN_FLAGS)
			return -EOPNOTSUPP;
		/* fall through */
	case MAP_SHARED:
		if ((request->prot & PROT_WRITE) && !(request->access & VM_ACCESS_WRITE))
			return -EACCES;
		flags |= REGION_SHARED;
		if (!(request->access & VM_ACCESS_WRITE))
			flags &= ~(u32)REGION_MAY_WRITE;
		/* fall through */
	case MAP_PRIVATE:
		if (!(request->access & VM_ACCESS_READ))
			return -EACCES;
		break;
	default:
		return -EINVAL;
	}
	if (request->access & VM_ACCESS_NOEXEC) {
		if (request->prot & PROT_EXEC)
			return -EPERM;
		flags &= ~(u32)REGION_MAY_EXECUTE;
	}
	if (request->flags & MAP_GROWSDOWN)
		return -EINVAL;
	request->region_flags |= flags;
	return 0;
}

static int check_anonymous(struct request *request)
{
	request->region_flags |= REGION_MAY_READ | REGION_MAY_WRITE | REGION_MAY_EXECUTE;
	switch (request->flags & MAP_TYPE) {
	case MAP_SHARED:
		if (request->flags & MAP_GROWSDOWN)
			return -EINVAL;
		request->region_flags |= REGION_SHARED;
		return 0;
	case MAP_PRIVATE:
		if (request->flags & MAP_GROWSDOWN)
			request->region_flags |= REGION_GROWS_DOWN;
		return 0;
	default:
		return -EINVAL;
	}
}

/* Huge pages from the pools: the size says MAP_HUGETLB's argument, or the file. */
static int check_huge(struct request *request)
{
	const struct page_cache *cache = request->backing != NULL ? request->backing->cache : NULL;
	u32 shift = request->flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
	enum hugetlb_size size;

	if (cache != NULL && cache->huge != NULL)
		size = cache->huge->size;
	else if (cache != NULL || !hugetlb_size_of_shift(shift, &size))
		return -EINVAL;
	request->length = ALIGN_UP(request->length, hugetlb_bytes(size));
	if (request->length == 0 || request->length > USER_TOP)
		return -ENOMEM;
	if (cache != NULL && request->offset % hugetlb_bytes(size) != 0)
		return -EINVAL;
	request->region_flags |= REGION_HUGETLB | (size == HUGETLB_1G ? REGION_GIGANTIC : 0) |
				 (request->flags & MAP_NORESERVE ? REGION_NO_RESERVE : 0);
	return 0;
}

static int check_request(struct address_space *space, struct request *request)
{
	const struct backing *backing = request->backing;

	if (request->length == 0)
		return -EINVAL;
	request->length = ALIGN_UP(request->length, PAGE_SIZE);
	if (request->length == 0 || request->length > USER_TOP)
		return -ENOMEM;
	if (request->offset % PAGE_SIZE != 0)
		return -EINVAL;
	if (space->regions.count > REGION_LIMIT)
		return -ENOMEM;
	request->region_flags = request->prot & REGION_ACCESS;
	if ((request->flags & MAP_HUGETLB) || (backing != NULL && backing->cache->huge != NULL)) {
		int result = check_huge(request);
		if (result != 0)
			return result;
	}
	if ((request->flags & MAP_NORESERVE) && commit_heeds_noreserve())
		request->region_flags |= REGION_NO_RESERVE;
	if ((request->flags & MAP_LOCKED) || space->lock_future)
		request->region_flags |= REGION_LOCKED;
	if (!(request->flags & MAP_LOCKED) && space->lock_on_fault && space->lock_future)
		request->region_flags |= REGION_LOCK_ON_FAULT;
	return backing != NULL ? check_file(request) : check_anonymous(request);
}

/* The size of the pages that the mapping is to have. */
static u64 page_size_of(const struct request *request)
{
	if (!(request->region_flags & REGION_HUGETLB))
		return PAGE_SIZE;
	return hugetlb_bytes(request->region_flags & REGION_GIGANTIC ? HUGETLB_1G : HUGETLB_2M);
}

/* An aligned place: the hint, or within a hole that is larger. */
static long find_huge_place(struct address_space *space, const struct request *request)
{
	u64 align = page_size_of(request);
	vaddr_t hint = ALIGN_UP(request->address, align);
	long place = space_find_place(space, hint, request->length, request->flags);

	if (place < 0 || (vaddr_t)place % align == 0)
		return place;
	place = space_find_place(space, 0, request->length + align - PAGE_SIZE, request->flags);
	return place < 0 ? place : (long)ALIGN_UP((vaddr_t)place, align);
}

/* The address: fixed, or found. */
static long choose_address(struct address_space *space, const struct request *request)
{
	if (request->region_flags & REGION_HUGETLB) {
		if (!(request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
			return find_huge_place(space, request);
		if (request->address % page_size_of(request) != 0)
			return -EINVAL;
	}
	if (!(request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return space_find_place(space, request->address, request->length, request->flags);
	if (request->address > USER_TOP - request->length)
		return -ENOMEM;
	if (request->address % PAGE_SIZE != 0)
		return -EINVAL;
	if (!space_may_map(request->address))
		return -EPERM;
	if ((request->flags & MAP_FIXED_NOREPLACE) &&
	    !region_range_is_free(space, request->address, request->address + request->length))
		return -EEXIST;
	return (long)request->address;
}

static bool (*lock_hook)(void); /* set once */

void vmm_set_lock_hook(bool (*hook)(void))
{
	lock_hook = hook;
}

int space_check_locked(struct address_space *space, size_t pages, int error)
{
	u64 limit = READ_ONCE(space->limits.locked);

	if (limit == VM_UNLIMITED ||
	    (limit != 0 && space->locked_pages + pages <= limit >> PAGE_SHIFT))
		return 0;
	if (lock_hook != NULL && lock_hook())
		return 0;
	return limit == 0 ? -EPERM : error;
}

/* --- The call --- */

static enum region_kind kind_of(const struct request *request)
{
	if (request->region_flags & REGION_GROWS_DOWN)
		return KIND_STACK;
	if (request->region_flags & REGION_SHARED)
		return KIND_SHARED;
	if (request->backing == NULL)
		return KIND_MMAP;
	return request->region_flags & REGION_EXECUTE ? KIND_CODE : KIND_DATA;
}

/* Puts a new region into the map, and with MAP_FIXED takes out what was there, with its pages.  Map
 * lock held for writing. */
static int place_locked(struct address_space *space, const struct region *wanted, bool fixed)
{
	vaddr_t start = wanted->start, end = wanted->end;
	bool replaces = fixed && !region_range_is_free(space, start, end);
	int result = tree_isolate(space, start, end, replaces ? COVERED_STAYS : COVERED_GOES);

	if (result == 0 && replaces && hugetlb_check_cut(space, start, end) != 0)
		result = -ENOMEM;
	if (result == 0 && replaces && unlikely(!list_empty(&space->userfaults)))
		result = userfault_note_unmap(space, start, end);
	struct hugetlb_promise promise;
	bool promised = replaces && unlikely(space->hugetlb_pages != 0);
	if (promised)
		hugetlb_count_promised(space, start, end, &promise);
	if (result == 0)
		result = region_add(space, wanted);
	if (result == 0 && promised)
		hugetlb_unreserve(space, &promise);
	if (result == 0 && replaces)
		zap_nodes(space, start, end, start, end);
	return result;
}

/* Reserves what a mapping of huge pages may need; a file that may be written is so large then. */
static int reserve_huge(struct address_space *space, const struct request *request,
			struct hugetlb_promise *promise)
{
	struct hugetlb_file *file = request->backing != NULL ? request->backing->cache->huge : NULL;
	u64 size = page_size_of(request), end = request->offset + request->length;
	enum hugetlb_size which = size == hugetlb_bytes(HUGETLB_2M) ? HUGETLB_2M : HUGETLB_1G;
	int result = 0;

	space->has_hugetlb = true;
	if (!(request->flags & MAP_NORESERVE)) {
		if (request->region_flags & REGION_SHARED)
			result = hugetlb_file_reserve(file, request->offset, end);
		else
			result = hugetlb_reserve(space, which, request->length);
		if (result == 0 && !(request->region_flags & REGION_SHARED))
			promise->blocks[which] = request->length / size;
	}
	if (result == 0 && file != NULL && (request->region_flags & REGION_WRITE))
		hugetlb_file_extend(file, end);
	return result;
}

/* Map lock held for writing. */
static long map_locked(struct address_space *space, struct request *request)
{
	long address = choose_address(space, request);
	size_t pages = request->length >> PAGE_SHIFT;

	if (address < 0)
		return address;
	if (request->region_flags & REGION_LOCKED) {
		int result = space_check_locked(space, pages, -EAGAIN);
		if (result != 0)
			return result;
	}
	int result = region_check_limits(space, pages, request->region_flags);
	if (result != 0)
		return result;
	struct region wanted = {
		.start = (vaddr_t)address,
		.end = (vaddr_t)address + request->length,
		.flags = request->region_flags,
		.kind = (u8)kind_of(request),
		.backing = request->backing,
		.offset = request->backing != NULL ? request->offset : 0,
	};
	struct hugetlb_promise promise = {.blocks = {0}};
	bool huge = request->region_flags & REGION_HUGETLB;
	if (huge && request->backing == NULL)
		wanted.name = "/anon_hugepage (deleted)";
	if (huge && (result = reserve_huge(space, request, &promise)) != 0)
		return result;
	result = place_locked(space, &wanted, request->flags & MAP_FIXED);
	if (result != 0 && huge)
		hugetlb_unreserve(space, &promise);
	return result != 0 ? result : address;
}

/* The nameless file behind MAP_SHARED | MAP_ANONYMOUS. */
static int make_shared_memory(struct address_space *space, struct request *request)
{
	bool huge = request->region_flags & REGION_HUGETLB;
	bool promised = !huge && !(request->region_flags & REGION_NO_RESERVE);

	if (promised && commit_check(space, request->length >> PAGE_SHIFT) != 0)
		return -ENOMEM;
	if (huge)
		request->backing = huge_memory_create(
			request->length,
			request->region_flags & REGION_GIGANTIC ? HUGETLB_1G : HUGETLB_2M);
	else
		request->backing = shared_memory_create(request->length, promised);
	request->offset = 0;
	return request->backing != NULL ? 0 : -ENOMEM;
}

long vmm_mmap_file(struct address_space *space, vaddr_t address, size_t length, u32 prot, u32 flags,
		   struct backing *backing, u64 offset, u32 access)
{
	struct request request = {
		.address = address,
		.length = length,
		.prot = prot,
		.flags = flags,
		.access = access,
		.backing = backing,
		.offset = offset,
	};
	long result = check_request(space, &request);

	if (result != 0)
		return result;
	if (backing == NULL && (request.region_flags & REGION_SHARED)) {
		result = make_shared_memory(space, &request);
		if (result != 0)
			return result;
	}
	rwlock_write_lock(&space->map_lock);
	result = map_locked(space, &request);
	space_write_unlock(space);
	/* The map has its own. */
	if (request.backing != backing)
		request.backing->ops->put(request.backing);
	if (result < 0)
		return result;
	bool locked =
		(request.region_flags & (REGION_LOCKED | REGION_LOCK_ON_FAULT)) == REGION_LOCKED;
	bool populate = (flags & MAP_POPULATE) && !(flags & MAP_NONBLOCK);
	if (locked || populate)
		/* The mapping stands whatever comes of this, as on Linux. */
		(void)!populate_range(space, (vaddr_t)result, (vaddr_t)result + request.length,
				      false);
	return result;
}

long vmm_mmap(struct address_space *space, vaddr_t address, size_t length, u32 prot, u32 flags,
	      struct backing *backing, u64 offset)
{
	return vmm_mmap_file(space, address, length, prot, flags, backing, offset,
			     VM_ACCESS_READ | VM_ACCESS_WRITE);
}

/* --- munmap --- */

int space_unmap_locked(struct address_space *space, vaddr_t start, vaddr_t end)
{
	if (region_range_is_free(space, start, end))
		return 0;
	int result = 0;
	struct node *leaf = tree_exclusive_leaf(space, start, end);
	struct hugetlb_promise promise;
	bool promised = unlikely(space->hugetlb_pages != 0);
	if (promised) {
		result = hugetlb_check_cut(space, start, end);
		hugetlb_count_promised(space, start, end, &promise);
	}
	if (result == 0 && leaf == TREE_WALK)
		result = tree_isolate(space, start, end, COVERED_STAYS);
	if (result == 0 && unlikely(!list_empty(&space->userfaults)))
		result = userfault_note_unmap(space, start, end);
	if (result == 0)
		result = region_remove(space, start, end);
	if (result != 0) {
		userfault_forget(userfault_take_notices(space));
		return result;
	}
	if (promised)
		hugetlb_unreserve(space, &promise);
	/* Nothing was touched. */
	if (leaf == NULL)
		return 0;
	struct region *below, *above;
	region_tree_find_around(&space->regions, start, end, &below, &above);
	zap_nodes(space, start, end, below != NULL ? below->end : 0,
		  above != NULL ? above->start : USER_TABLES_TOP);
	return 0;
}

int vmm_munmap(struct address_space *space, vaddr_t address, size_t length)
{
	if (address % PAGE_SIZE != 0 || address > USER_TOP || length > USER_TOP - address)
		return -EINVAL;
	length = ALIGN_UP(length, PAGE_SIZE);
	if (length == 0)
		return -EINVAL;
	rwlock_write_lock(&space->map_lock);
	int result = space_unmap_locked(space, address, address + length);
	space_write_unlock(space);
	return result;
}

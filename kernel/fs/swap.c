/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap on block devices and in files: from a name to an area that mm uses (mm/swap.h), and the
 * thread that moves pages there when the pool of compressed pages has too many.
 *
 * An area's device is opened for itself alone, for as long as it is one; the file by which it was
 * found is closed again.  A file of a file system stays open (swap_file.c).  The header is
 * mkswap(8)'s, in the first page:
 *
 *	0      1024      1028        1032        1036   1052    1068     1536             4086
 *	| boot | version | last page | bad pages | UUID | label | unused | the bad ones … | SWAPSPACE2 |
 */
#include "fs/swap.h"

#include "fs/swap_internal.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/compress.h"
#include "mm/frame.h"
#include "proc/task.h"

enum { BAD_MOST = 637, SIGNATURE_SIZE = 10, NAME_SIZE = 128 };

struct swap_header {
	u8 boot[1024];
	u32 version, last_page, bad_count;
	u8 uuid[16];
	char label[16];
	u32 unused[117];
	u32 bad[BAD_MOST];
	u8 rest[2];
	char signature[SIGNATURE_SIZE];
};
_Static_assert(sizeof(struct swap_header) == 4096, "the header is a page");

static const char owner[] = "swap"; /* its address stands for us */

static mutex_t on_lock = MUTEX_INIT(on_lock); /* one swapon at a time; outermost */

/* --- Transfers --- */

static int transfer(void *device, u64 page, const phys_t *frames, size_t count, bool write)
{
	int error = block_transfer(device, write ? BLOCK_WRITE : BLOCK_READ,
				   page * SECTORS_PER_PAGE, frames, (u32)count, 0);

	if (error != 0)
		log_error("swap: %s of page %lu: error %d", write ? "write" : "read",
			  (unsigned long)page, -error);
	return error != 0 ? -EIO : 0;
}

static void release(void *device)
{
	block_close(device, owner);
	block_put(device);
}

static const struct swap_area_ops operations = {.transfer = transfer, .release = release};

/* --- The thread --- */

static wait_queue_t wanted_queue = WAIT_QUEUE_INIT(wanted_queue);
static bool wanted; /* atomic: there is something to do */

static void wake_thread(void)
{
	__atomic_store_n(&wanted, true, __ATOMIC_SEQ_CST);
	wake_up_all(&wanted_queue);
}

static void write_back_thread(void *argument __unused)
{
	for (;;) {
		wait_event(&wanted_queue, __atomic_exchange_n(&wanted, false, __ATOMIC_SEQ_CST));
		size_t excess;
		while ((excess = compress_excess()) != 0 && swap_write_back(excess) != 0)
			;
	}
}

/* Starts the thread, if it does not run yet.  on_lock held.  0, -ENOMEM, -EAGAIN. */
static int start_thread(void)
{
	static bool runs; /* on_lock */

	if (runs)
		return 0;
	struct task *thread = kernel_thread_create(write_back_thread, NULL, "swap_write_back");
	if (IS_ERR(thread))
		return (int)PTR_ERR(thread);
	task_put(thread);
	runs = true;
	swap_set_write_back_hook(wake_thread);
	return 0;
}

/* --- swapon --- */

/* What a name leads to, open; *shown is what /proc/swaps calls it. */
static struct file *open_name(const char *name, char *shown)
{
	struct file *file = file_open_walk(AT_FDCWD, name, O_RDWR | O_LARGEFILE, 0, 0, false);

	if (IS_ERR(file))
		return file;
	char *path = path_name(&file->path, shown, NAME_SIZE);
	if (IS_ERR(path))
		strscpy(shown, "?", NAME_SIZE);
	else
		memmove(shown, path, strlen(path) + 1);
	return file;
}

/* 0, or -EINVAL: not the header of an area of so many pages. */
static int check_header(const struct swap_header *header, u64 pages)
{
	if (memcmp(header->signature, "SWAPSPACE2", SIGNATURE_SIZE) != 0 || header->version != 1)
		return -EINVAL;
	if (header->last_page == 0 || header->last_page == UINT_MAX ||
	    header->bad_count > BAD_MOST || header->last_page >= pages)
		return -EINVAL;
	for (u32 i = 0; i < header->bad_count; i++)
		if (header->bad[i] == 0 || header->bad[i] > header->last_page)
			return -EINVAL;
	return 0;
}

/* Adds an area whose header is right, and whose pages `bad` are not to be used. */
static int add_area(struct swap_area_description *description, const struct swap_header *header,
		    u32 flags)
{
	description->pages = header->last_page + 1;
	description->priority = flags & SWAP_FLAG_PREFER ? (int)(flags & SWAP_FLAG_PRIO_MASK)
							 : SWAP_PRIORITY_DEFAULT;
	int result = start_thread();
	if (result == 0)
		result = swap_area_add(description);
	return MIN(result, 0);
}

/* Reads the header to `frame` and adds the area.  on_lock held. */
static int use_device(struct block_device *device, phys_t frame, u32 flags, const char *shown)
{
	const struct swap_header *header = phys_to_virt(frame);
	/* Another owner is told so by block_open; we are told by this. */
	int error = swap_area_exists(device) ? -EBUSY : block_open(device, true, owner);

	if (error != 0)
		return error;
	/* What mkswap wrote may still be on its way. */
	error = block_sync(device, 0, PAGE_SIZE);
	if (error == 0)
		error = block_transfer(device, BLOCK_READ, 0, &frame, 1, 0);
	if (error == 0)
		error = check_header(header, block_size_bytes(device) / PAGE_SIZE);
	struct swap_area_description description = {
		.ops = &operations,
		.device = device,
		.bad = header->bad,
		.bad_count = header->bad_count,
		.name = shown,
	};
	if (error == 0)
		error = add_area(&description, header, flags);
	if (error != 0)
		block_close(device, owner);
	else
		block_get(device);
	return error;
}

/* The bad pages of the header, and those that are scattered: *count of them; NULL: no memory. */
static u32 *collect_bad(const struct swap_file *area, const struct swap_header *header, u32 *count)
{
	u32 pages = header->last_page + 1, scattered = swap_file_scattered(area, pages, NULL, 0);
	u32 *bad = kmalloc((header->bad_count + (size_t)scattered + 1) * sizeof(u32));

	if (bad == NULL)
		return NULL;
	memcpy(bad, header->bad, header->bad_count * sizeof(u32));
	(void)swap_file_scattered(area, pages, bad + header->bad_count, scattered);
	*count = header->bad_count + scattered;
	return bad;
}

/* on_lock held. */
static int add_file(struct swap_file *area, const struct inode *inode, phys_t frame, u32 flags,
		    const char *shown)
{
	const struct swap_header *header = phys_to_virt(frame);
	struct swap_area_description description = {
		.ops = &swap_file_operations,
		.device = area,
		.key = inode,
		.name = shown,
		.is_file = true,
	};
	int error = swap_file_operations.transfer(area, 0, &frame, 1, false);

	if (error == 0)
		error = check_header(header, swap_file_pages(area));
	if (error != 0)
		return error;
	u32 *bad = collect_bad(area, header, &description.bad_count);
	if (bad == NULL)
		return -ENOMEM;
	description.bad = bad;
	error = add_area(&description, header, flags);
	kfree(bad);
	return error;
}

/* on_lock held. */
static int use_file(struct file *file, phys_t frame, u32 flags, const char *shown)
{
	struct swap_file *area = swap_file_open(file);

	if (IS_ERR(area))
		return (int)PTR_ERR(area);
	int error = add_file(area, file->inode, frame, flags, shown);
	if (error != 0)
		swap_file_close(area);
	return error;
}

int swap_on(const char *name, u32 flags)
{
	char shown[NAME_SIZE];
	struct file *file = open_name(name, shown);

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	struct block_device *device = block_of_file(file);
	phys_t frame = frame_alloc();
	int error = -ENOMEM;
	if (frame != 0) {
		mutex_lock(&on_lock);
		error = device != NULL ? use_device(device, frame, flags, shown)
				       : use_file(file, frame, flags, shown);
		mutex_unlock(&on_lock);
		frame_free(frame);
	}
	file_put(file);
	return error;
}

/* --- swapoff --- */

static bool is_interrupted(void)
{
	return task_signal_pending(current);
}

int swap_off(const char *name)
{
	char shown[NAME_SIZE];
	struct file *file = open_name(name, shown);

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	const struct block_device *device = block_of_file(file);
	const void *key = device != NULL ? (const void *)device : file->inode;
	int error = swap_area_remove(key, is_interrupted);
	file_put(file);
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of swapping share: a disk in memory, pages that know what is in them. */
#ifndef TESTS_HOST_MM_SWAP_PAGES_H
#define TESTS_HOST_MM_SWAP_PAGES_H

#include "tests/host/mm/support.h"

#include "mm/swap.h"

enum { MEMORY = 32 * 1024 * 1024, AREA_PAGES = 600, PAGES = 500 };

/* How much of a page is noise, in pieces of 16 bytes: all, so that it cannot be compressed; some.
 */
enum { NOISE = 256, HALF = 100 };

struct device {
	u8 *bytes;
	size_t transfers, written; /* calls; pages */
	bool fails;
	bool released;
};

extern const struct swap_area_ops device_operations;

u32 draw(u32 limit); /* below it, at random */

void device_init(struct device *disk);
/* The disk becomes an area for swapping: as swap_area_add. */
int add(struct device *disk, int priority);
void device_remove(struct device *disk);
/* A frame whose content says the number. */
phys_t make_page(u64 number, u32 noise);
void check_page(phys_t frame, u64 number, u32 noise);
/* A new page, swapped out, as reclaim does. */
swap_entry_t swap_out(u64 number, u32 noise);
/* Swapped in and let go of, as a fault and an exit do. */
void bring_and_free(swap_entry_t entry, u64 number, u32 noise);
struct swap_stats stats(void);

#endif

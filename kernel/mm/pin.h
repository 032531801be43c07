/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: frames of programs that devices and pipes hold, whatever the programs do meanwhile.
 *
 * A pin is a reference to a frame.  What makes it more than that is where it is taken: an anonymous
 * frame is made the entry's own first (PAGE_EXCL, on an exclusive path), also for reading.  So the
 * program that pinned it and the device go on with the same frame, no other program ever sees the
 * frame again, and fork gives the child a copy (pin.c).  munmap, exec and exit leave the frame to
 * those who have pinned it.
 *
 * Pages of files are pinned as they are.  Only shared anonymous memory can be pinned for writing:
 * other files have to notice changes, which a device makes unseen.
 */
#ifndef MM_PIN_H
#define MM_PIN_H

#include "mm/vmm.h"

/*
 * Brings in and pins the pages from the one with `address` on, `count` of them: to be read by the
 * holder of the pins, or with `write` to be read and written.  frames[i] gets the frame of page i.
 * Returns how many, which is less than `count` when a page is bad; if it is the first: -EFAULT (not
 * mapped, or not with this access, or a device's), -ENOMEM, -EOPNOTSUPP (a page of a file that
 * cannot be pinned for writing).  Takes the map lock; may sleep.
 */
ssize_t __must_check vmm_pin(struct address_space *space, vaddr_t address, size_t count, bool write,
			     phys_t *frames);
/* Drops the pins.  Any context. */
void vmm_unpin(const phys_t *frames, size_t count);

/* Pins since boot. */
struct pin_stats {
	u64 acquired, released;
};
void vmm_get_pin_stats(struct pin_stats *stats);

#endif

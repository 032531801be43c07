/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is cleared when it changes hands: init_on_alloc= and init_on_free=. */
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/wipe.h"
#include "tests/kernel/ktest.h"

static bool is_zero(const void *start, size_t size)
{
	const u8 *bytes = start;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

KTEST(mm_wipe_reads_the_words_as_linux_does)
{
	struct wipe before = wipe;

	wipe_init("quiet init_on_alloc=1 init_on_free=on");
	KEXPECT(wipe.on_alloc && wipe.on_free);
	wipe_init("init_on_alloc=0 init_on_free=off");
	KEXPECT(!wipe.on_alloc && !wipe.on_free);
	wipe_init("init_on_alloc init_on_free=maybe");
	KEXPECT(!wipe.on_alloc && !wipe.on_free);
	wipe = before;
}

KTEST(mm_wipe_on_free_leaves_nothing_in_a_frame)
{
	struct wipe before = wipe;
	phys_t frame = frame_alloc();

	KREQUIRE(frame != 0);
	memset(phys_to_virt(frame), 0xa5, PAGE_SIZE);
	wipe.on_free = true;
	/* Nobody else takes it before we have looked. */
	unsigned long flags = irq_save();
	frame_free(frame);
	KEXPECT(is_zero(phys_to_virt(frame), PAGE_SIZE));
	irq_restore(flags);
	wipe = before;
}

KTEST(mm_wipe_on_alloc_hands_out_zeros)
{
	struct wipe before = wipe;

	wipe.on_alloc = true;
	for (u32 order = 0; order < 4; order++) {
		phys_t block = frames_alloc(order);
		KREQUIRE(block != 0);
		KEXPECT(is_zero(phys_to_virt(block), PAGE_SIZE << order));
		memset(phys_to_virt(block), 0xa5, PAGE_SIZE << order);
		frames_free(block, order);
	}
	for (size_t size = 8; size <= 4096; size *= 2) {
		u8 *object = kmalloc(size);
		KREQUIRE(object != NULL);
		KEXPECT(is_zero(object, size));
		memset(object, 0xa5, size);
		kfree(object);
	}
	wipe = before;
}

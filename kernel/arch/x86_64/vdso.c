/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO's two parts: its code, an ELF shared object that the build puts into the image (vdso/),
 * and the page of data that it reads, which the kernel writes here.
 *
 * Locks: publish_lock, for writers; readers follow the sequence number.
 */
#include "vdso_data.h"
#include "arch/clock.h"
#include "boot/x86_64/start.h"
#include "lib/spinlock.h"
#include "machine_internal.h"

static union {
	struct vdso_data data;
	u8 page[PAGE_SIZE];
} vdso_page __attribute__((aligned(4096)));

static spinlock_t publish_lock = SPINLOCK_INIT;

static struct vdso_data *publish_begin(void)
{
	struct vdso_data *data = &vdso_page.data;

	WRITE_ONCE(data->sequence, data->sequence + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return data;
}

static void publish_end(struct vdso_data *data)
{
	__atomic_store_n(&data->sequence, data->sequence + 1, __ATOMIC_RELEASE);
}

void vdso_publish_clock(u64 tsc_base, u64 multiplier)
{
	unsigned long flags = spin_lock_irqsave(&publish_lock);
	struct vdso_data *data = publish_begin();

	data->tsc_base = tsc_base;
	data->multiplier = multiplier;
	data->ready = 1;
	publish_end(data);
	spin_unlock_irqrestore(&publish_lock, flags);
}

void clock_publish_wall(s64 offset_nsec)
{
	unsigned long flags = spin_lock_irqsave(&publish_lock);
	struct vdso_data *data = publish_begin();

	data->wall_offset = offset_nsec;
	publish_end(data);
	spin_unlock_irqrestore(&publish_lock, flags);
}

const struct vdso_image *arch_vdso(void)
{
	static struct vdso_image image;

	image = (struct vdso_image){
		.code = (phys_t)vdso_image_start - KERNEL_IMAGE_BASE,
		.code_size = (size_t)(vdso_image_end - vdso_image_start),
		.data = (phys_t)&vdso_page - KERNEL_IMAGE_BASE,
	};
	return &image;
}

/* Programs bring their own (SA_RESTORER is required on x86-64). */
size_t arch_vdso_sigreturn(void)
{
	return 0;
}

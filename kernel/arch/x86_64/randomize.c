/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel addresses that differ from boot to boot, so that knowing the kernel's file is not enough
 * to know where anything is.
 *
 * Three things are drawn: by how many times 2 MiB the image moves up (about 500 places); where the
 * direct map begins, in steps of 1 GiB (32067 places); and the same for vmalloc (16384 places).
 * They are drawn from the processor's random numbers where it has them, and its cycle counter.
 *
 * The image is linked for one address.  To move it, every address of its own that stands in it is
 * changed in place: tools/kaddrs lists where they stand, in the section .kaddrs, as the linker saw
 * them.  Only its virtual addresses change; where it lies in memory stays.  While that happens the
 * image is mapped at both addresses, as the code that does it is changed as well.
 *
 * Runs first of all, on the bootstrap tables, with nothing set up but a stack: no per-CPU data, no
 * console.
 */
#include "arch/mmu.h"
#include "boot/x86_64/start.h"
#include "machine_internal.h"
#include "x86.h"

uintptr_t direct_map_base = DIRECT_MAP_AREA;
uintptr_t vmalloc_start = VMALLOC_AREA;
uintptr_t vmalloc_end = VMALLOC_AREA + ((u64)512 * GIB);
uintptr_t kernel_image_base = KERNEL_LINK_BASE;

enum {
	DELTA_SKIP = 0xff, /* goes on by 255 bytes, without an address there */
	CPUID_RDRAND = 30, /* bit of leaf 1's ECX */
	BOOT_GIB = 4,      /* what the bootstrap tables map of the direct map */
};

/* The lists of places: four-byte addresses, then eight-byte ones.  Each byte is the distance from
 * the place before, from the start of the image on. */
struct address_list {
	u32 short_bytes, long_bytes;
	u8 deltas[];
};
extern const struct address_list image_addresses;

struct unaligned32 {
	u32 value;
} __packed;

struct unaligned64 {
	u64 value;
} __packed;

static u64 draw(u64 limit)
{
	u64 random = cpu_cycles(), bits;
	u8 good = 0;

	if (cpuid(1, 0).ecx & BIT(CPUID_RDRAND)) {
		__asm__ volatile("rdrand %0; setc %1" : "=r"(bits), "=qm"(good) : : "cc");
		random ^= good ? bits : 0;
	}
	/* The finalizer of MurmurHash3: each bit of the result depends on each of the counter's. */
	random = (random ^ random >> 33) * 0xff51afd7ed558ccd;
	random = (random ^ random >> 33) * 0xc4ceb9fe1a85ec53;
	return (random ^ random >> 33) % limit;
}

static phys_t boot_phys(const char *address)
{
	return (phys_t)address - KERNEL_LINK_BASE;
}

/* --- The image --- */

static u64 image_pages(void)
{
	return DIV_ROUND_UP(boot_phys(image_end), pt_span(2));
}

static void map_image_at(u64 shift_pages)
{
	u64 *moved = (u64 *)boot_moved_directory, *pointers = (u64 *)boot_pointers;
	const u64 *directory = (const u64 *)boot_directories;

	for (u64 page = 0; page < image_pages(); page++) {
		moved[page] = directory[page];
		moved[page + shift_pages] = directory[page];
	}
	pointers[PTES_PER_TABLE + pt_index(KERNEL_LINK_BASE, 3)] =
		boot_phys(boot_moved_directory) | PAGE_PRESENT | PAGE_WRITABLE;
	cr3_write(boot_phys(boot_root));
}

static void shift_addresses(u64 shift)
{
	const struct address_list *list = &image_addresses;
	const u8 *delta = list->deltas;
	uintptr_t at = KERNEL_LINK_BASE + KERNEL_LOAD_PHYS;

	for (u32 i = 0; i < list->short_bytes; i++, delta++) {
		at += *delta;
		if (*delta != DELTA_SKIP)
			((struct unaligned32 *)at)->value += (u32)shift;
	}
	at = KERNEL_LINK_BASE + KERNEL_LOAD_PHYS;
	for (u32 i = 0; i < list->long_bytes; i++, delta++) {
		at += *delta;
		if (*delta != DELTA_SKIP)
			((struct unaligned64 *)at)->value += shift;
	}
}

/* The two places of the image must not overlap. */
static void move_image(void)
{
	u64 pages = image_pages(), places = KERNEL_IMAGE_AREA / pt_span(2) - 2 * pages;
	u64 shift_pages = pages + draw(places);

	map_image_at(shift_pages);
	shift_addresses(shift_pages * pt_span(2));
	kernel_image_base = KERNEL_LINK_BASE + shift_pages * pt_span(2);
}

/* --- The other areas --- */

/* A base in an area, in steps of 1 GiB; `room` GiB from it on lie in the same root entry, which is
 * none of the first. */
static uintptr_t draw_base(uintptr_t area, u64 roots, u64 room)
{
	u64 root = 1 + draw(roots - 1), gib = draw(PTES_PER_TABLE + 1 - room);

	return area + root * pt_span(4) + gib * pt_span(3);
}

static void move_direct_map(void)
{
	u64 *root = (u64 *)boot_root, *pointers = (u64 *)boot_moved_pointers;
	uintptr_t base = draw_base(DIRECT_MAP_AREA, DIRECT_MAP_SIZE / pt_span(4), BOOT_GIB);

	for (u32 gib = 0; gib < BOOT_GIB; gib++)
		pointers[pt_index(base, 3) + gib] =
			(boot_phys(boot_directories) + gib * PAGE_SIZE) | PAGE_PRESENT |
			PAGE_WRITABLE;
	root[pt_index(base, 4)] = boot_phys(boot_moved_pointers) | PAGE_PRESENT | PAGE_WRITABLE;
	direct_map_base = base;
}

static void move_vmalloc(void)
{
	u64 roots = VMALLOC_AREA_SIZE / pt_span(4);

	vmalloc_start = draw_base(VMALLOC_AREA, roots, PTES_PER_TABLE / 2);
	vmalloc_end = ALIGN_DOWN(vmalloc_start, pt_span(4)) + pt_span(4);
}

void image_randomize(void)
{
	move_direct_map();
	move_vmalloc();
	move_image();
}

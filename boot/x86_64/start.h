/* SPDX-License-Identifier: BSD-2-Clause */
/* What the x86-64 entry code shares with the machine's part of the kernel. */
#ifndef BOOT_X86_64_START_H
#define BOOT_X86_64_START_H

#include "boot/boot_info.h"
#include "lib/types.h"

/* Called by entry.S, with the protocol's information and magic number. */
void boot_start(phys_t information, u32 magic) __noreturn;

/*
 * Takes `size` bytes, aligned, out of the usable memory between `above` and `below`, away from the
 * kernel and the initramfs; they are reserved from then on.  0 when there are none.  Before
 * frame_init only.
 */
phys_t __must_check boot_memory_carve(struct boot_info *info, u64 size, u64 align, phys_t above,
				      phys_t below);

/* From kernel.ld: the image's parts, each page-aligned; addresses in the higher half. */
extern char image_text_start[], image_text_end[], image_rodata_end[], image_load_end[], image_end[];
extern char noprobe_text_start[], noprobe_text_end[];
/*
 * Called by entry.S before anything else, with the same: moves the kernel to addresses that were
 * drawn for this run, unless the command line says nokaslr.  The caller goes on where it was, with
 * what it knows of addresses outdated.
 */
void boot_randomize(phys_t information, u32 magic);
/* The machine's part of it; randomize.c. */
void image_randomize(void);

/* From entry.S: the bootstrap tree, and the page below the boot CPU's stack. */
extern char boot_root[], boot_stack_guard[], boot_stack_top[];
/* Its tables: two of the third level, for the low half and for the image; the second level of the
 * first 4 GiB; and two more for what image_randomize moves. */
extern char boot_pointers[], boot_directories[], boot_moved_directory[], boot_moved_pointers[];
/* Where further CPUs enter long mode: 32-bit code, EAX = the root's physical address, ESI = 0. */
extern char boot_enter_long_mode[];

#endif

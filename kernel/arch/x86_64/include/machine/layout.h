/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things are in the virtual address space.
 *
 *	0000000000000000 .. 00007ffffffff000  the program's
 *	ffff800000000000 .. ffffbfffffffffff  direct map: all memory, not executable
 *	ffffc00000000000 .. ffffdfffffffffff  vmalloc: kernel stacks, large blocks
 *	ffffe00000000000 .. ffffe07fffffffff  the machine's own: per-CPU stacks, device registers
 *	ffffffff80000000 .. ffffffffbfffffff  the kernel image: linked for the start of it, loaded
 *	                                      at 1 MiB
 *	ffffffffc0000000 .. fffffffffeffffff  loadable modules, so near that code reaches both ways
 *
 * Where within these areas the direct map, vmalloc and the image begin is drawn at each boot
 * (randomize.c), and where the first module goes (module/area.c), unless the command line says nokaslr; then they begin where the areas do.
 *
 * The last page of the program's half stays empty: a SYSCALL there would leave a return address
 * that is not canonical, on which SYSRET faults in kernel mode (Intel SDM vol. 2, SYSRET).
 *
 * Assembly includes this file too.
 */
#ifndef MACHINE_LAYOUT_H
#define MACHINE_LAYOUT_H

#ifdef __ASSEMBLER__
#define LAYOUT_ADDRESS(n) n
#else
#define LAYOUT_ADDRESS(n) ((uintptr_t)n)
#endif

#define USER_TOP          LAYOUT_ADDRESS(0x00007ffffffff000)
#define KERNEL_BASE       LAYOUT_ADDRESS(0xffff800000000000)
#define DIRECT_MAP_AREA   LAYOUT_ADDRESS(0xffff800000000000)
#define DIRECT_MAP_SIZE   LAYOUT_ADDRESS(0x0000200000000000) /* the most memory; half of its area */
#define VMALLOC_AREA      LAYOUT_ADDRESS(0xffffc00000000000)
#define VMALLOC_AREA_SIZE LAYOUT_ADDRESS(0x0000200000000000)
#define CPU_AREA_BASE     LAYOUT_ADDRESS(0xffffe00000000000)
#define DEVICE_AREA_BASE  LAYOUT_ADDRESS(0xffffe00040000000)
#define DEVICE_AREA_SIZE  LAYOUT_ADDRESS(0x0000000040000000)
#define KERNEL_LINK_BASE  LAYOUT_ADDRESS(0xffffffff80000000)
#define KERNEL_IMAGE_AREA LAYOUT_ADDRESS(0x0000000040000000) /* how far the image may move up */
#define MODULE_AREA       LAYOUT_ADDRESS(0xffffffffc0000000)
#define MODULE_AREA_SIZE  LAYOUT_ADDRESS(0x000000003f000000)
#define KERNEL_LOAD_PHYS  LAYOUT_ADDRESS(0x0000000000100000)

/*
 * Segment selectors, the numbers of Linux, which programs see in their CS and SS.  SYSRET wants
 * user data right above 32-bit user code and below user code; SYSCALL kernel data right above
 * kernel code.
 */
#define SEGMENT_KERNEL_CODE 0x10
#define SEGMENT_KERNEL_DATA 0x18
#define SEGMENT_USER_CODE32 0x23
#define SEGMENT_USER_DATA   0x2b
#define SEGMENT_USER_CODE   0x33
#define SEGMENT_TSS         0x40
#define SEGMENT_CPU_NUMBER  0x7b /* its limit is the CPU's number: for getcpu in the vDSO */

/* Exception stacks: each is aligned to its size and lies above a guard of the same size. */
#define CPU_STACK_SIZE 8192

#ifndef __ASSEMBLER__
/* Where the parts are in this run; written once, before the kernel's own page tables are built. */
extern uintptr_t direct_map_base, vmalloc_start, vmalloc_end, kernel_image_base;

#define DIRECT_MAP_BASE   direct_map_base
#define VMALLOC_START     vmalloc_start
#define VMALLOC_END       vmalloc_end
#define KERNEL_IMAGE_BASE kernel_image_base /* of physical address 0, as the image sees it */
#endif

#endif

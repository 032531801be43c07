/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things are in the virtual address space.
 *
 *	0000000000000000 .. 00007ffffffff000  the program's
 *	ffff800000000000 .. ffffbfffffffffff  direct map: all memory, not executable
 *	ffffc00000000000 .. ffffc07fffffffff  vmalloc: kernel stacks, large blocks, device registers
 *	ffffe00000000000 .. ffffe07fffffffff  the machine's own: per-CPU stacks, interrupt
 *controllers ffffffff80000000 .. ffffffffffffffff  the kernel image (linked for this, loaded at 1
 *MiB)
 *
 * The last page of the program's half stays empty: a SYSCALL there would leave a return address
 *that is not canonical, on which SYSRET faults in kernel mode (Intel SDM vol. 2, SYSRET).
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
#define DIRECT_MAP_BASE   LAYOUT_ADDRESS(0xffff800000000000)
#define DIRECT_MAP_SIZE   LAYOUT_ADDRESS(0x0000400000000000)
#define VMALLOC_START     LAYOUT_ADDRESS(0xffffc00000000000)
#define VMALLOC_END       LAYOUT_ADDRESS(0xffffc08000000000)
#define CPU_AREA_BASE     LAYOUT_ADDRESS(0xffffe00000000000)
#define DEVICE_AREA_BASE  LAYOUT_ADDRESS(0xffffe00040000000)
#define DEVICE_AREA_SIZE  LAYOUT_ADDRESS(0x0000000040000000)
#define KERNEL_IMAGE_BASE LAYOUT_ADDRESS(0xffffffff80000000)
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

#endif

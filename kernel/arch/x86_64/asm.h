/* SPDX-License-Identifier: BSD-2-Clause */
/* For assembly: offsets in the C structures (asserted in x86.h and machine/trap.h), and SMAP's
 * switches. */
#ifndef ARCH_X86_64_ASM_H
#define ARCH_X86_64_ASM_H

#include <machine/layout.h>

#define CPU_TASK         8
#define CPU_NEED_RESCHED 28
#define CPU_KERNEL_SP    32
#define CPU_USER_SP      40

#define FRAME_RAX      80
#define FRAME_ORIG_RAX 120
#define FRAME_RIP      128
#define FRAME_CS       136
#define FRAME_RFLAGS   144
#define FRAME_RSP      152

#define RFLAGS_RF_TF 0x10100

#define ENOSYS 38

#define MSR_GS_BASE 0xc0000101

/* clang-format off */
/*
 * STAC and CLAC exist only where SMAP does; elsewhere they are undefined.  The image holds no-ops of their length, listed in
 * .smap_sites, and cpu.c writes the instructions over them before the text becomes read-only.
 */
.macro USER_ACCESS_BEGIN
771:	.byte	0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a"
	.quad	771b
	.quad	0xcb
	.popsection
.endm

.macro USER_ACCESS_END
772:	.byte	0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a"
	.quad	772b
	.quad	0xca
	.popsection
.endm

/* If the instruction at `from` faults, go on at `to`. */
.macro FIXUP from, to
	.pushsection .ex_table, "a"
	.quad	\from, \to
	.popsection
.endm
/* clang-format on */

#endif

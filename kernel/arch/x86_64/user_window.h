/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single words of a program's memory, straight from C: for a structure whose fields come from many
 * places, where building it first and copying it then would move everything twice.
 *
 *	user_window_open();
 *	user_window_put(&there->field, value, fault);
 *	user_window_close();
 *	return 0;
 * fault:
 *	user_window_close();
 *	return -EFAULT;
 *
 * The caller has checked the range.  The window is open for the function that opens it alone: what
 * it calls, and tasks that run while a fault is resolved, have it shut (entry.S closes it, and the
 * return from the trap opens it again).  A fault that cannot be resolved goes on at the label.
 */
#ifndef ARCH_X86_64_USER_WINDOW_H
#define ARCH_X86_64_USER_WINDOW_H

#include "lib/types.h"

/* See USER_ACCESS_BEGIN and USER_ACCESS_END of asm.h. */
#define USER_WINDOW_SITE(opcode)                              \
	__asm__ volatile("771:	.byte 0x0f, 0x1f, 0x00\n"      \
			 "	.pushsection .smap_sites, \"a\"\n" \
			 "	.quad 771b, " #opcode "\n"    \
			 "	.popsection"                       \
			 :                                    \
			 :                                    \
			 : "memory")

static inline void user_window_open(void)
{
	USER_WINDOW_SITE(0xcb);
}

static inline void user_window_close(void)
{
	USER_WINDOW_SITE(0xca);
}

#define USER_WINDOW_FIXUP(label)              \
	"	.pushsection .ex_table, \"a\"\n"    \
	"	.quad 771b, %l[" #label "]\n" \
	"	.popsection"

/* *address = value, both u64. */
#define user_window_put(address, value, fault)                                     \
	__asm__ goto("771:	movq %[word], %[there]\n" USER_WINDOW_FIXUP(fault) \
		     :                                                             \
		     : [there] "m"(*(u64 *)(address)), [word] "er"((u64)(value))   \
		     : "memory"                                                    \
		     : fault)

/* to = *address, both u64.  After a fault `to` is undefined. */
#define user_window_get(to, address, fault)                                        \
	__asm__ goto("771:	movq %[there], %[word]\n" USER_WINDOW_FIXUP(fault) \
		     : [word] "=r"(to)                                             \
		     : [there] "m"(*(const u64 *)(address))                        \
		     :                                                             \
		     : fault)

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A further CPU's first instructions.  It starts in real mode at the page whose number the start-up message carries, at
 * which smp.c has put a copy of smp_trampoline; from there it goes the boot CPU's way (boot/x86_64/entry.S), with the same
 * bootstrap tables, and ends in smp_start.
 */
#include "asm.h"

	.section .rodata, "a"
	.code16
	.global smp_trampoline, smp_trampoline_end
smp_trampoline:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	smp_gdt_pointer - smp_trampoline
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$0x08, $smp_protected
	.align 4
smp_gdt_pointer:
	.word	23
	.long	smp_gdt
smp_trampoline_end:

	/* In the part of the image that runs where it is loaded, so that real mode's 24-bit addresses reach it. */
	.section .boot.text, "ax"
	.code32
smp_protected:
	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%esi, %esi
	movl	$boot_root - KERNEL_LINK_BASE, %eax
	jmp	boot_enter_long_mode

	.align 8
smp_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff

	.text
	.code64
	.global smp_enter_high
smp_enter_high:
	movq	smp_starting, %rax
	movl	$MSR_GS_BASE, %ecx
	movq	%rax, %rdx
	shrq	$32, %rdx
	wrmsr
	/* The stack is not in the bootstrap tables. */
	movq	smp_kernel_root, %rax
	movq	%rax, %cr3
	movq	smp_start_stack, %rsp
	xorl	%ebp, %ebp
	call	smp_start
	ud2

	.section .bss, "aw", @nobits
	.align 8
	.global smp_start_stack, smp_kernel_root
smp_start_stack:
	.skip 8
smp_kernel_root:
	.skip 8

	.section .note.GNU-stack, "", @progbits

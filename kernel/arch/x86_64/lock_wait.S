/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From cpu_lock_wait (machine/cpu.h) to spin_lock_wait: rax is the address of the lock's word, with
 * bit 0 for the second argument; all registers but rax stay as they are.
 */
	.text
	.align 16
	.global cpu_lock_wait_entry
cpu_lock_wait_entry:
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	movl	%eax, %esi
	andl	$1, %esi
	movq	%rax, %rdi
	andq	$-2, %rdi
	call	spin_lock_wait
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rbp
	ret

	.section .note.GNU-stack, "", @progbits

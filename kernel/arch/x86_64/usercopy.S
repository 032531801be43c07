/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instructions that touch a program's memory.  Arguments and results as C has them (rdi, rsi, rdx, rcx, r8; rax); see
 * arch/usercopy.h.  Each access that may fault has an entry in .ex_table.
 */
#include "asm.h"

#define EFAULT     14
#define PAGE_BYTES 4096

	.macro FUNCTION name
	.align 16
	.global \name
\name:
	.endm

	.text

	/*
	 * Copies rdx bytes from rsi to rdi, eight at a time and then the rest; returns the bytes not copied.
	 * A fault in the first loop leaves rcx words and r8d bytes, one in the second rcx bytes.
	 */
FUNCTION arch_copy_from_user
FUNCTION arch_copy_to_user
	USER_ACCESS_BEGIN
	movq	%rdx, %rcx
	movl	%edx, %r8d
	shrq	$3, %rcx
	andl	$7, %r8d
1:	rep movsq
	movl	%r8d, %ecx
2:	rep movsb
	movq	%rcx, %rax
	USER_ACCESS_END
	ret
	/* A word that straddles a page's end may have bytes on the good page: go on byte by byte. */
3:	leaq	(%r8,%rcx,8), %rcx
4:	rep movsb
5:	movq	%rcx, %rax
	USER_ACCESS_END
	ret
	FIXUP 1b, 3b
	FIXUP 2b, 5b
	FIXUP 4b, 5b

	/* Clears rsi bytes at rdi. */
FUNCTION arch_clear_user
	USER_ACCESS_BEGIN
	movq	%rsi, %rcx
	movl	%esi, %r8d
	shrq	$3, %rcx
	andl	$7, %r8d
	xorl	%eax, %eax
1:	rep stosq
	movl	%r8d, %ecx
2:	rep stosb
	movq	%rcx, %rax
	USER_ACCESS_END
	ret
3:	leaq	(%r8,%rcx,8), %rcx
4:	rep stosb
5:	movq	%rcx, %rax
	USER_ACCESS_END
	ret
	FIXUP 1b, 3b
	FIXUP 2b, 5b
	FIXUP 4b, 5b

	/* Length of the string at rdi, at most rsi. */
FUNCTION arch_strnlen_user
	USER_ACCESS_BEGIN
	xorl	%eax, %eax
1:	cmpq	%rsi, %rax
	je	3f
2:	cmpb	$0, (%rdi,%rax)
	je	3f
	incq	%rax
	jmp	1b
3:	USER_ACCESS_END
	ret
	FIXUP 2b, user_fault

	/*
	 * Copies the string at rsi to rdi, at most rdx bytes with the NUL: eight at a time, but for the end of the buffer
	 * and of a page.  (word - 0x01…) & ~word & 0x80… has its lowest bit in the first byte that is zero.
	 */
FUNCTION arch_strncpy_from_user
	USER_ACCESS_BEGIN
	xorl	%eax, %eax
	movabsq	$0x0101010101010101, %r8
	movabsq	$0x8080808080808080, %r9
1:	leaq	8(%rax), %rcx
	cmpq	%rdx, %rcx
	ja	4f
	leal	(%rsi,%rax), %r10d
	andl	$PAGE_BYTES - 1, %r10d
	cmpl	$PAGE_BYTES - 8, %r10d
	ja	4f
2:	movq	(%rsi,%rax), %r10
	movq	%r10, (%rdi,%rax)
	movq	%r10, %r11
	subq	%r8, %r11
	notq	%r10
	andq	%r9, %r11
	andq	%r10, %r11
	jnz	3f
	movq	%rcx, %rax
	jmp	1b
3:	bsfq	%r11, %rcx
	shrl	$3, %ecx
	addq	%rcx, %rax
	USER_ACCESS_END
	ret
4:	cmpq	%rdx, %rax
	je	6f
5:	movb	(%rsi,%rax), %cl
	movb	%cl, (%rdi,%rax)
	testb	%cl, %cl
	jz	6f
	incq	%rax
	jmp	1b
6:	USER_ACCESS_END
	ret
	FIXUP 2b, user_fault
	FIXUP 5b, user_fault

FUNCTION arch_get_user_u32
	USER_ACCESS_BEGIN
1:	movl	(%rsi), %eax
	USER_ACCESS_END
	movl	%eax, (%rdi)
	xorl	%eax, %eax
	ret
	FIXUP 1b, user_fault

FUNCTION arch_get_user_u64
	USER_ACCESS_BEGIN
1:	movq	(%rsi), %rax
	USER_ACCESS_END
	movq	%rax, (%rdi)
	xorl	%eax, %eax
	ret
	FIXUP 1b, user_fault

FUNCTION arch_put_user_u32
	USER_ACCESS_BEGIN
1:	movl	%esi, (%rdi)
	USER_ACCESS_END
	xorl	%eax, %eax
	ret
	FIXUP 1b, user_fault

FUNCTION arch_put_user_u64
	USER_ACCESS_BEGIN
1:	movq	%rsi, (%rdi)
	USER_ACCESS_END
	xorl	%eax, %eax
	ret
	FIXUP 1b, user_fault

	/* edi = address, esi = expected, edx = desired, rcx = where the old value goes. */
FUNCTION arch_user_compare_exchange_u32
	USER_ACCESS_BEGIN
	movl	%esi, %eax
1:	lock cmpxchgl %edx, (%rdi)
	USER_ACCESS_END
	movl	%eax, (%rcx)
	xorl	%eax, %eax
	ret
	FIXUP 1b, user_fault

	/* int user_exchange_u32(vaddr_t address, u32 operand, u32 *old), and the same that adds */
FUNCTION user_exchange_u32
	USER_ACCESS_BEGIN
1:	xchgl	%esi, (%rdi)
	USER_ACCESS_END
	movl	%esi, (%rdx)
	xorl	%eax, %eax
	ret
	FIXUP 1b, user_fault

FUNCTION user_add_u32
	USER_ACCESS_BEGIN
1:	lock xaddl %esi, (%rdi)
	USER_ACCESS_END
	movl	%esi, (%rdx)
	xorl	%eax, %eax
	ret
	FIXUP 1b, user_fault

	/* edx = whether there is XSAVE, rsi = the components: which instruction on (%rdi), and EDX:EAX for it. */
	.macro VECTOR_FUNCTION name, with_xsave, without
FUNCTION \name
	USER_ACCESS_BEGIN
	movl	%edx, %ecx
	movl	%esi, %eax
	movq	%rsi, %rdx
	shrq	$32, %rdx
	testb	%cl, %cl
	jz	2f
1:	\with_xsave	(%rdi)
	jmp	3f
2:	\without	(%rdi)
3:	USER_ACCESS_END
	xorl	%eax, %eax
	ret
	FIXUP 1b, user_fault
	FIXUP 2b, user_fault
	.endm

	/* int user_vector_save(vaddr_t area, u64 mask, bool xsave), and the same that restores */
	VECTOR_FUNCTION user_vector_save, xsave64, fxsave64
	VECTOR_FUNCTION user_vector_restore, xrstor64, fxrstor64

user_fault:
	USER_ACCESS_END
	movq	$-EFAULT, %rax
	ret

	/* bool probe_read_u64(u64 *value, vaddr_t address): a kernel address that may not be mapped */
FUNCTION probe_read_u64
1:	movq	(%rsi), %rax
	movq	%rax, (%rdi)
	movl	$1, %eax
	ret
2:	xorl	%eax, %eax
	ret
	FIXUP 1b, 2b

	.section .note.GNU-stack, "", @progbits

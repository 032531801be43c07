/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into the kernel and out again.
 *
 * Every way in leaves a struct trap_frame at the top of the kernel stack (from user mode: the task's; from the kernel:
 * wherever it was), with the general registers in Linux's order, and GS pointing at the CPU's data.
 *
 * Three ways in:
 *	syscall_enter	SYSCALL.  RSP is still the program's for two instructions, which is why NMI, double fault and machine
 *			check have stacks of their own.
 *	trap_common	interrupts and exceptions.  The saved CS tells whether GS must be swapped.
 *	special_common	those on stacks of their own, which may hit the entry and exit code itself, where CS does not tell
 *			whose GS base is loaded.  They save it and load the CPU's, which lies at the top of their stack.
 *
 * The stack below a frame is 8 away from the alignment to 16 that the ABI wants at a call, hence the subq $8.
 */
#include "asm.h"

	.macro PUSH_FROM_RSI
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	.endm

	.macro PUSH_FROM_R8
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.endm

	.macro POP_ALL
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	.endm

	.text
	.align 64
	.global syscall_enter, user_return
syscall_enter:
	swapgs
	movq	%rsp, %gs:CPU_USER_SP
	movq	%gs:CPU_KERNEL_SP, %rsp
	pushq	$SEGMENT_USER_DATA
	pushq	%gs:CPU_USER_SP
	pushq	%r11
	pushq	$SEGMENT_USER_CODE
	pushq	%rcx
	pushq	%rax
	pushq	%rdi
	PUSH_FROM_RSI
	pushq	$-ENOSYS
	PUSH_FROM_R8
	movq	%r10, %rcx
	pushq	%rax
	sti
	call	syscall_entry
	addq	$8, %rsp
	movq	%rax, FRAME_RAX(%rsp)

	/*
	 * RSP = the frame.  Also where a new task arrives, and a kernel thread that becomes a program.  The two tests are
	 * user_return_work_pending() by hand: struct task begins with its work flags.
	 */
user_return:
	cli
	movq	%gs:CPU_TASK, %rax
	cmpl	$0, %gs:CPU_NEED_RESCHED
	jne	user_return_slowly
	cmpl	$0, (%rax)
	jne	user_return_slowly

	/*
	 * A frame that is still a system call's goes back by SYSRET, which takes RIP from RCX and the flags from R11; the
	 * program expects to lose these two.  RIP is canonical, trap_set_ip sees to it: SYSRET would fault in the kernel.
	 */
user_return_now:
	cmpq	$0, FRAME_ORIG_RAX(%rsp)
	jl	trap_return
	testl	$RFLAGS_RF_TF, FRAME_RFLAGS(%rsp)
	jnz	trap_return
	POP_ALL
	movq	FRAME_RIP - FRAME_ORIG_RAX(%rsp), %rcx
	movq	FRAME_RFLAGS - FRAME_ORIG_RAX(%rsp), %r11
	movq	FRAME_RSP - FRAME_ORIG_RAX(%rsp), %rsp
	swapgs
	sysretq

user_return_slowly:
	movq	%rsp, %rdi
	subq	$8, %rsp
	call	user_return_work
	addq	$8, %rsp
	jmp	user_return_now

	/* On the stack, from RSP up: vector, error code, and what the CPU pushed. */
	.align 16
trap_common:
	testb	$3, 24(%rsp)
	jz	1f
	swapgs
1:	USER_ACCESS_END
	cld
	xchgq	%rdi, (%rsp)
	PUSH_FROM_RSI
	pushq	%rax
	PUSH_FROM_R8
	movl	%edi, %esi
	movq	FRAME_ORIG_RAX(%rsp), %rdx
	movq	$-1, FRAME_ORIG_RAX(%rsp)
	movq	%rsp, %rdi
	subq	$8, %rsp
	call	trap_dispatch
	addq	$8, %rsp

trap_return:
	POP_ALL
	addq	$8, %rsp
	testb	$3, 8(%rsp)
	jz	1f
	swapgs
1:	iretq

	.align 16
special_common:
	USER_ACCESS_END
	cld
	xchgq	%rdi, (%rsp)
	PUSH_FROM_RSI
	pushq	%rax
	PUSH_FROM_R8
	movl	%edi, %r12d
	movl	$MSR_GS_BASE, %ecx
	rdmsr
	movl	%eax, %r13d
	movl	%edx, %r14d
	movq	%rsp, %rdx
	orq	$CPU_STACK_SIZE - 1, %rdx
	movq	-15(%rdx), %rdx
	movl	%edx, %eax
	shrq	$32, %rdx
	wrmsr
	movl	%r12d, %esi
	movq	FRAME_ORIG_RAX(%rsp), %rdx
	movq	$-1, FRAME_ORIG_RAX(%rsp)
	movq	%rsp, %rdi
	subq	$8, %rsp
	call	special_dispatch
	addq	$8, %rsp
	movl	$MSR_GS_BASE, %ecx
	movl	%r13d, %eax
	movl	%r14d, %edx
	wrmsr
	POP_ALL
	addq	$8, %rsp
	iretq

	/*
	 * A debug exception has a stack of its own, too: a program can put one off to the first instruction of syscall_enter, where
	 * RSP is still the program's (MOV SS, then SYSCALL).  From user mode it moves to the task's stack, and is like any other.
	 */
	.align 16
debug_common:
	testb	$3, 24(%rsp)
	jz	special_common
	swapgs
	movq	%rdi, %gs:CPU_USER_SP
	movq	%rsp, %rdi
	movq	%gs:CPU_KERNEL_SP, %rsp
	pushq	48(%rdi)
	pushq	40(%rdi)
	pushq	32(%rdi)
	pushq	24(%rdi)
	pushq	16(%rdi)
	pushq	8(%rdi)
	pushq	0(%rdi)
	movq	%gs:CPU_USER_SP, %rdi
	swapgs
	jmp	trap_common

	/* One stub a vector, TRAP_STUB_SIZE bytes each, so that tables.c can compute their addresses. */
	.align 16
	.global trap_stubs
trap_stubs:
	vector = 0
	.rept 256
	.balign 16
	.if vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 && vector != 14 && vector != 17 && vector != 21 && vector != 29 && vector != 30
	pushq	$0
	.endif
	pushq	$vector
	.if vector == 2 || vector == 8 || vector == 18
	jmp	special_common
	.elseif vector == 1
	jmp	debug_common
	.else
	jmp	trap_common
	.endif
	vector = vector + 1
	.endr

	/*
	 * struct task *context_switch(u64 *from_sp, u64 to_sp, struct task *from)
	 * Leaves the running context's stack pointer in *from_sp and goes on where to_sp was left.  Returns `from` there.
	 */
	.align 16
	.global context_switch, kernel_thread_begin, fork_begin, arch_enter_user
context_switch:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	movq	%rdx, %rax
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

	/* The first switch to a kernel thread ends here: RAX = task that was left, R12 = entry, R13 = its argument. */
kernel_thread_begin:
	movq	%rax, %rdi
	call	finish_switch
	sti
	movq	%r13, %rdi
	call	*%r12
	ud2

	/* The first switch to a forked task ends here: RAX = task that was left, RSP = its frame. */
fork_begin:
	movq	%rax, %rdi
	subq	$8, %rsp
	call	finish_switch
	addq	$8, %rsp
	jmp	user_return

	/* void arch_enter_user(struct trap_frame *frame) */
arch_enter_user:
	cli
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
	jmp	user_return

	.section .note.GNU-stack, "", @progbits

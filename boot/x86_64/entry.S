/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions on x86-64: from 32-bit protected mode without paging, where PVH and Multiboot leave us, to C in
 * the higher half.
 *
 * Both protocols come with EBX = physical address of their information, flat segments, interrupts off.  Multiboot says
 * EAX = 0x2badb002; the PVH entry loads ESI with its structure's magic number instead, so the rest is common.
 *
 * The bootstrap tables map the first 4 GiB with 2 MiB pages three times: one to one, at DIRECT_MAP_AREA, and (the first
 * GiB) at KERNEL_LINK_BASE.  There the kernel starts; boot_randomize may move it, and the direct map, elsewhere.
 * arch_init_early replaces the tables; they stay for the other CPUs' way up, see smp_entry.S.
 */
#include <machine/layout.h>

#define PHYS(symbol)         ((symbol) - KERNEL_LINK_BASE)
#define MULTIBOOT_MAGIC      0x1badb002
#define MULTIBOOT_FLAGS      0x00010003 /* page-aligned modules, memory map, address fields */
#define PVH_MAGIC            0x336ec578
#define XEN_NOTE_PHYS32_ENTRY 18

#define PTE_PRESENT_WRITABLE 0x03
#define PTE_LARGE            0x83

#define CR0_BOOT 0x80010033 /* PG, WP, NE, ET, MP, PE */
#define CR4_BOOT 0x000000a0 /* PGE, PAE */
#define MSR_EFER 0xc0000080
#define EFER_BOOT 0x901     /* NXE, LME, SCE */
#define MSR_GS_BASE 0xc0000101

	.section .boot.note, "a", @note
	.align 4
	.long 4, 8, XEN_NOTE_PHYS32_ENTRY
	.asciz "Xen"
	.quad pvh_entry

	.section .boot.multiboot, "a"
	.align 4
multiboot_header:
	.long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
	.long multiboot_header, image_load_start, image_phys_load_end, image_phys_end, multiboot_entry

	.section .boot.text, "ax"
	.code32
	.global multiboot_entry, pvh_entry
pvh_entry:
	movl	$PVH_MAGIC, %esi
	jmp	1f
multiboot_entry:
	movl	%eax, %esi
1:	cli
	cld
	movl	$PHYS(boot_stack_top), %esp
	movl	%ebx, %edi

	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	no_long_mode
	movl	$0x80000001, %eax
	cpuid
	andl	$0x20100000, %edx		/* long mode, no-execute */
	cmpl	$0x20100000, %edx
	jne	no_long_mode

	/* Four page directories, one after the other: 2048 entries of 2 MiB. */
	movl	$PHYS(boot_directories), %ecx
	movl	$PTE_LARGE, %eax
	xorl	%edx, %edx
2:	movl	%eax, (%ecx,%edx,8)
	addl	$0x200000, %eax
	incl	%edx
	cmpl	$2048, %edx
	jne	2b

	movl	$PHYS(boot_directories) + PTE_PRESENT_WRITABLE, %eax
	movl	$PHYS(boot_pointers), %ecx
	movl	%eax, (%ecx)
	movl	%eax, 4096 + 510 * 8(%ecx)	/* the image's table of pointers follows */
	addl	$4096, %eax
	movl	%eax, 8(%ecx)
	addl	$4096, %eax
	movl	%eax, 16(%ecx)
	addl	$4096, %eax
	movl	%eax, 24(%ecx)
	movl	$PHYS(boot_root), %eax
	movl	$PHYS(boot_pointers) + PTE_PRESENT_WRITABLE, (%eax)
	movl	$PHYS(boot_pointers) + PTE_PRESENT_WRITABLE, 256 * 8(%eax)
	movl	$PHYS(boot_pointers) + 4096 + PTE_PRESENT_WRITABLE, 511 * 8(%eax)

	.global boot_enter_long_mode
	/* EAX = physical address of the root; also the other CPUs' way, with ESI = 0. */
boot_enter_long_mode:
	movl	%eax, %cr3
	movl	$CR4_BOOT, %eax
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	movl	$EFER_BOOT, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_BOOT, %eax
	movl	%eax, %cr0
	lgdt	boot_gdt_pointer
	ljmp	$SEGMENT_KERNEL_CODE, $3f

	.code64
3:	movl	$SEGMENT_KERNEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	testl	%esi, %esi
	jz	4f
	movq	$boot_enter_high, %rax
	jmp	*%rax
4:	movq	$smp_enter_high, %rax
	jmp	*%rax

	.code32
no_long_mode:
	movl	$no_long_mode_text, %esi
	movw	$0x3f8, %dx
	movl	$0xb8000, %edi
	movb	$0x4f, %ah
5:	lodsb
	testb	%al, %al
	jz	6f
	outb	%al, %dx
	stosw
	jmp	5b
6:	hlt
	jmp	6b
no_long_mode_text:
	.asciz "Cowslip needs a 64-bit x86 processor with no-execute pages.\r\n"

	.align 8
boot_gdt:
	.quad 0, 0
	.quad 0x00af9b000000ffff		/* SEGMENT_KERNEL_CODE */
	.quad 0x00cf93000000ffff		/* SEGMENT_KERNEL_DATA */
boot_gdt_pointer:
	.word . - boot_gdt - 1
	.long boot_gdt

	.section .text.entry, "ax"
	.code64
	/* EDI = the protocol's information, ESI = its magic number. */
boot_enter_high:
	movq	$boot_stack_top, %rsp
	movl	%edi, %r12d
	movl	%esi, %r13d
	movl	%edi, %edi
	movl	%esi, %esi
	xorl	%ebp, %ebp
	call	boot_randomize
	/* What the addresses below say may have changed meanwhile. */
	movq	$boot_enter_moved, %rax
	jmp	*%rax
boot_enter_moved:
	movq	$boot_stack_top, %rsp
	movl	$MSR_GS_BASE, %ecx
	movq	$cpu_locals, %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	wrmsr
	movl	%r12d, %edi
	movl	%r13d, %esi
	xorl	%ebp, %ebp
	call	boot_start
	ud2

	.section .bss.page_aligned, "aw", @nobits
	.align 4096
	.global boot_root, boot_pointers, boot_directories, boot_moved_directory, boot_moved_pointers
	.global boot_stack_guard, boot_stack_top
boot_root:
	.skip 4096
boot_pointers:
	.skip 2 * 4096
boot_directories:
	.skip 4 * 4096
boot_moved_directory:
	.skip 4096
boot_moved_pointers:
	.skip 4096
boot_stack_guard:
	.skip 4096
boot_stack:
	.skip 16384
boot_stack_top:

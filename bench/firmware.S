/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel that does nothing: it prints the time stamp counter at its first instruction on the serial port, as sixteen
 * hexadecimal digits and a newline, and powers the machine off.  Under -icount that is what the firmware took; the
 * benchmark subtracts it from the boot time.  QEMU starts it at `start` through the PVH note: 32-bit, flat segments.
 */
	.section .note.pvh, "a"
	.balign 4
	.long 4				/* length of the name */
	.long 4				/* length of the value */
	.long 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long start

	.text
	.code32
	.globl start
start:
	rdtsc
	mov	%eax, %edi
	mov	%edx, %esi
	mov	$16, %ecx
next_digit:
	/* The highest four bits of esi:edi are the next digit. */
	mov	%esi, %eax
	shr	$28, %eax
	shld	$4, %edi, %esi
	shl	$4, %edi
	add	$'0', %al
	cmp	$'9', %al
	jbe	print_digit
	add	$('a' - '9' - 1), %al
print_digit:
	mov	$0x3f8, %dx
	out	%al, %dx
	loop	next_digit
	mov	$'\n', %al
	out	%al, %dx
	/* ACPI's sleep register, where SeaBIOS puts it on QEMU's "pc" machine. */
	mov	$0x604, %dx
	mov	$0x2000, %ax
	out	%ax, %dx
	cli
	hlt

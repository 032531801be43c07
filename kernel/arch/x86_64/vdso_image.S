/* SPDX-License-Identifier: BSD-2-Clause */
/* The vDSO as the build linked it (VDSO_IMAGE names the file), in whole pages. */
	.section .vdso, "a"
	.balign 4096
	.global vdso_image_start, vdso_image_end
vdso_image_start:
	.incbin VDSO_IMAGE
	.balign 4096
vdso_image_end:

	.section .note.GNU-stack, "", @progbits

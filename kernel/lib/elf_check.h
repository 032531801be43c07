/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is this a program that can be loaded?  Pure functions over bytes that came from a file, for
 * execve and for its fuzzer.  They look at headers only; what must be mapped where is in the layout
 * that they fill in.
 *
 * Errors as Linux: -ENOEXEC for what is not a program for this machine, -EINVAL for one whose
 * segments cannot be mapped. Linux notices some of the latter only after the point of no return and
 * kills the process; here execve fails.
 */
#ifndef LIB_ELF_CHECK_H
#define LIB_ELF_CHECK_H

#include "lib/elf.h"

/* The program headers of one image fit a page. */
enum { ELF_PHDRS_MAX = 4096 / sizeof(struct elf64_phdr) };

/* What the loader has to know of an image.  Addresses are as in the file: for ET_DYN, relative to
 * the load address. */
struct elf_layout {
	bool is_fixed;   /* ET_EXEC: must be where it says */
	bool has_phdr;   /* phdr is valid: the program headers lie in a segment */
	bool has_stack;  /* there is a PT_GNU_STACK */
	bool exec_stack; /* the stack is executable: PT_GNU_STACK says so, or there is none */
	u16 loads;       /* PT_LOAD segments, at least 1 */
	u16 phdr_count;
	vaddr_t low, high; /* page-aligned range that all PT_LOAD lie in */
	vaddr_t entry;
	vaddr_t phdr; /* for AT_PHDR */
	vaddr_t brk;  /* the greatest p_vaddr + p_memsz: where the heap may start */
	u64 align;    /* the greatest p_align of a PT_LOAD, at least PAGE_SIZE, a power of two */
	u64 interpreter_offset, interpreter_size; /* of PT_INTERP's path in the file, with
						     terminator; size 0: none */
};

/*
 * Checks the first @size bytes of a file: an ET_EXEC or ET_DYN for @machine (EM_…), with 1 to
 * ELF_PHDRS_MAX program headers.  They are e_phnum * sizeof(struct elf64_phdr) bytes at e_phoff,
 * which the caller reads next. Returns 0 or -ENOEXEC.
 */
int __must_check elf_check_header(const void *file, size_t size, u16 machine,
				  struct elf64_header *header);

/*
 * Checks the program headers, @header->e_phnum of them, for user addresses below @limit, and fills
 * in @layout. Returns 0, -ENOEXEC (no segment, a bad PT_INTERP) or -EINVAL (a segment that cannot
 * be mapped).
 *
 * Afterwards holds for every PT_LOAD: p_memsz > 0 or it is skipped, p_filesz <= p_memsz,
 * p_vaddr + p_memsz <= @limit, p_offset + p_filesz fits an off_t, p_vaddr and p_offset agree modulo
 * PAGE_SIZE. Segments may come in any order and overlap; later ones are mapped over earlier ones.
 */
int __must_check elf_check_program_headers(const struct elf64_header *header,
					   const struct elf64_phdr *phdrs, vaddr_t limit,
					   struct elf_layout *layout);

/* Checks the path that was read from PT_INTERP: @size bytes, terminated.  Returns 0 or -ENOEXEC. */
int __must_check elf_check_interpreter(const char *path, u64 size);

#endif

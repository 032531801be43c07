/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of ELF headers.  Each number is bounded before it takes part in a sum.
 */
#include "lib/elf_check.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { PATH_LIMIT = 4096 };

int elf_check_header(const void *file, size_t size, u16 machine, struct elf64_header *header)
{
	if (size < sizeof(*header))
		return -ENOEXEC;
	memcpy(header, file, sizeof(*header));
	if (memcmp(header->e_ident, ELF_MAGIC, 4) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return -ENOEXEC;
	if (header->e_machine != machine || header->e_phentsize != sizeof(struct elf64_phdr))
		return -ENOEXEC;
	if (header->e_phnum == 0 || header->e_phnum > ELF_PHDRS_MAX)
		return -ENOEXEC;
	if (header->e_phoff > (u64)INT64_MAX - PAGE_SIZE)
		return -ENOEXEC;
	return 0;
}

static int check_load(const struct elf64_phdr *phdr, vaddr_t limit)
{
	if (phdr->p_filesz > phdr->p_memsz || phdr->p_memsz > limit ||
	    phdr->p_vaddr > limit - phdr->p_memsz)
		return -EINVAL;
	if ((phdr->p_vaddr ^ phdr->p_offset) % PAGE_SIZE != 0)
		return -EINVAL;
	if (phdr->p_offset > (u64)INT64_MAX - PAGE_SIZE ||
	    phdr->p_filesz > (u64)INT64_MAX - PAGE_SIZE - phdr->p_offset)
		return -EINVAL;
	return 0;
}

static int add_load(struct elf_layout *layout, const struct elf64_header *header,
		    const struct elf64_phdr *phdr, vaddr_t limit)
{
	u64 phdrs_size = header->e_phnum * sizeof(*phdr);
	int error = check_load(phdr, limit);

	if (error)
		return error;
	if (phdr->p_memsz == 0)
		return 0;
	if (!layout->has_phdr && header->e_phoff >= phdr->p_offset &&
	    header->e_phoff - phdr->p_offset + phdrs_size <= phdr->p_filesz) {
		layout->has_phdr = true;
		layout->phdr = phdr->p_vaddr + (header->e_phoff - phdr->p_offset);
	}
	layout->loads++;
	layout->low = MIN(layout->low, ALIGN_DOWN(phdr->p_vaddr, PAGE_SIZE));
	layout->high = MAX(layout->high, ALIGN_UP(phdr->p_vaddr + phdr->p_memsz, PAGE_SIZE));
	layout->brk = MAX(layout->brk, phdr->p_vaddr + phdr->p_memsz);
	if (phdr->p_align && (phdr->p_align & (phdr->p_align - 1)) == 0)
		layout->align = MAX(layout->align, phdr->p_align);
	return 0;
}

static int add_interpreter(struct elf_layout *layout, const struct elf64_phdr *phdr)
{
	if (layout->interpreter_size)
		return 0; /* the first one counts */
	if (phdr->p_filesz < 2 || phdr->p_filesz > PATH_LIMIT ||
	    phdr->p_offset > (u64)INT64_MAX - PATH_LIMIT)
		return -ENOEXEC;
	layout->interpreter_offset = phdr->p_offset;
	layout->interpreter_size = phdr->p_filesz;
	return 0;
}

int elf_check_program_headers(const struct elf64_header *header, const struct elf64_phdr *phdrs,
			      vaddr_t limit, struct elf_layout *layout)
{
	*layout = (struct elf_layout){
		.is_fixed = header->e_type == ET_EXEC,
		.exec_stack = true,
		.phdr_count = header->e_phnum,
		.low = limit,
		.entry = header->e_entry,
		.align = PAGE_SIZE,
	};
	for (unsigned int i = 0; i < header->e_phnum; i++) {
		const struct elf64_phdr *phdr = &phdrs[i];
		int error = 0;

		if (phdr->p_type == PT_LOAD) {
			error = add_load(layout, header, phdr, limit);
		} else if (phdr->p_type == PT_INTERP) {
			error = add_interpreter(layout, phdr);
		} else if (phdr->p_type == PT_GNU_STACK) {
			layout->has_stack = true;
			layout->exec_stack = (phdr->p_flags & PF_X) != 0;
		}
		if (error)
			return error;
	}
	if (!layout->loads)
		return -ENOEXEC;
	return layout->align > limit ? -EINVAL : 0;
}

int elf_check_interpreter(const char *path, u64 size)
{
	if (size < 2 || path[size - 1] != '\0' || path[0] == '\0')
		return -ENOEXEC;
	return 0;
}

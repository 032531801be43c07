/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the checks of ELF headers: what they accept must be what the header file promises to the
 * loader.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/elf_check.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define LIMIT ((vaddr_t)0x7ffffffff000)

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_promises(const struct elf64_header *header, const struct elf64_phdr *phdrs,
			   const struct elf_layout *layout)
{
	require(layout->loads > 0 && layout->low < layout->high && layout->high <= LIMIT);
	require(layout->align >= PAGE_SIZE && (layout->align & (layout->align - 1)) == 0);
	require(layout->low % PAGE_SIZE == 0 && layout->high % PAGE_SIZE == 0);
	require(layout->brk > layout->low && layout->brk <= layout->high);
	require(layout->interpreter_size == 0 ||
		(layout->interpreter_size >= 2 && layout->interpreter_size <= 4096));
	require(!layout->has_phdr || (layout->phdr >= layout->low && layout->phdr < layout->high));
	for (unsigned int i = 0; i < header->e_phnum; i++) {
		const struct elf64_phdr *phdr = &phdrs[i];

		if (phdr->p_type != PT_LOAD || phdr->p_memsz == 0)
			continue;
		require(phdr->p_filesz <= phdr->p_memsz);
		require(phdr->p_vaddr >= layout->low &&
			phdr->p_memsz <= layout->high - phdr->p_vaddr);
		require(phdr->p_vaddr % PAGE_SIZE == phdr->p_offset % PAGE_SIZE);
		require(phdr->p_offset + phdr->p_filesz <= (u64)INT64_MAX - PAGE_SIZE);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct elf64_phdr phdrs[ELF_PHDRS_MAX];
	struct elf64_header header;
	struct elf_layout layout;
	size_t phdrs_size;

	if (elf_check_header(data, size, EM_X86_64, &header))
		return 0;
	/* The program headers are taken from behind the header, wherever it says they are. */
	phdrs_size = header.e_phnum * sizeof(phdrs[0]);
	memset(phdrs, 0, sizeof(phdrs));
	memcpy(phdrs, data + sizeof(header), MIN(phdrs_size, size - sizeof(header)));
	if (elf_check_program_headers(&header, phdrs, LIMIT, &layout) == 0)
		check_promises(&header, phdrs, &layout);
	return 0;
}

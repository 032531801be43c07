/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object files: checking and laying out.  See object.h.
 *
 * object_open makes sure, once, of all that the other functions rely on: every section's bytes lie
 * in the file, tables of names are terminated, tables of structures are aligned and whole, and
 * sections that are named by number are there.
 */
#include "module/object.h"

#include "lib/errno.h"
#include "lib/string.h"

static bool in_file(u64 offset, u64 length, u64 size)
{
	return offset <= size && length <= size - offset;
}

static bool header_ok(const struct elf64_header *header, u64 size, u16 machine)
{
	return memcmp(header->e_ident, ELF_MAGIC, 4) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_ident[EI_VERSION] == EV_CURRENT && header->e_type == ET_REL &&
	       header->e_machine == machine && header->e_version == EV_CURRENT &&
	       header->e_shentsize == sizeof(struct elf64_shdr) && header->e_shnum > 0 &&
	       header->e_shnum <= OBJECT_SECTIONS_MAX && IS_ALIGNED(header->e_shoff, 8) &&
	       in_file(header->e_shoff, header->e_shnum * sizeof(struct elf64_shdr), size) &&
	       header->e_shstrndx > 0 && header->e_shstrndx < header->e_shnum;
}

/* Names follow each other, each with a terminator. */
static bool names_ok(const struct object *object, const struct elf64_shdr *section)
{
	return section->sh_type == SHT_STRTAB && section->sh_size > 0 &&
	       object->bytes[section->sh_offset + section->sh_size - 1] == '\0';
}

static bool table_ok(const struct elf64_shdr *section, u64 entry_size)
{
	return section->sh_entsize == entry_size && IS_ALIGNED(section->sh_offset, 8) &&
	       section->sh_size % entry_size == 0 && section->sh_size / entry_size <= UINT32_MAX;
}

/* What a section says of itself; the tables that it may hold come later. */
static bool section_ok(const struct object *object, const struct elf64_shdr *section)
{
	u64 align = section->sh_addralign;
	bool loaded = section->sh_flags & SHF_ALLOC;

	if (section->sh_type != SHT_NOBITS &&
	    !in_file(section->sh_offset, section->sh_size, object->size))
		return false;
	if (section->sh_size > OBJECT_SIZE_MAX || (align & (align - 1)) != 0)
		return false;
	if (section->sh_name >= object->section_names_size)
		return false;
	if (!loaded)
		return true;
	if (align > OBJECT_ALIGN_MAX || section->sh_flags & (SHF_TLS | SHF_COMPRESSED))
		return false;
	return !((section->sh_flags & SHF_WRITE) && (section->sh_flags & SHF_EXECINSTR));
}

static bool find_symbols(struct object *object)
{
	for (u32 i = 1; i < object->section_count; i++) {
		const struct elf64_shdr *section = &object->sections[i];

		if (section->sh_type != SHT_SYMTAB)
			continue;
		if (object->symbols != NULL || !table_ok(section, sizeof(struct elf64_sym)) ||
		    section->sh_link >= object->section_count ||
		    !names_ok(object, &object->sections[section->sh_link]))
			return false;
		object->symbols = (const struct elf64_sym *)(object->bytes + section->sh_offset);
		object->symbol_count = (u32)(section->sh_size / sizeof(struct elf64_sym));
		object->strings =
			(const char *)object->bytes + object->sections[section->sh_link].sh_offset;
		object->strings_size = object->sections[section->sh_link].sh_size;
	}
	return object->symbols != NULL;
}

static bool symbol_ok(const struct object *object, const struct elf64_sym *symbol)
{
	if (symbol->st_name >= object->strings_size)
		return false;
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS)
		return true;
	/* Common symbols: -fno-common makes none. */
	return symbol->st_shndx < object->section_count &&
	       elf64_st_type(symbol->st_info) != STT_TLS &&
	       symbol->st_value <= object->sections[symbol->st_shndx].sh_size;
}

int object_open(const void *bytes, size_t size, u16 machine, struct object *object)
{
	const struct elf64_header *header = bytes;
	const struct elf64_shdr *names;

	if (size < sizeof(*header) || !header_ok(header, size, machine))
		return -ENOEXEC;
	*object = (struct object){
		.bytes = bytes,
		.size = size,
		.sections = (const struct elf64_shdr *)((const u8 *)bytes + header->e_shoff),
		.section_count = header->e_shnum,
	};
	names = &object->sections[header->e_shstrndx];
	if (names->sh_type == SHT_NOBITS || !in_file(names->sh_offset, names->sh_size, size) ||
	    !names_ok(object, names))
		return -ENOEXEC;
	object->section_names = (const char *)bytes + names->sh_offset;
	object->section_names_size = names->sh_size;
	for (u32 i = 1; i < object->section_count; i++)
		if (!section_ok(object, &object->sections[i]))
			return -ENOEXEC;
	if (!find_symbols(object))
		return -ENOEXEC;
	for (u32 i = 0; i < object->symbol_count; i++)
		if (!symbol_ok(object, &object->symbols[i]))
			return -ENOEXEC;
	return 0;
}

const char *object_section_name(const struct object *object, u32 section)
{
	return section != 0 ? object->section_names + object->sections[section].sh_name : "";
}

const char *object_symbol_name(const struct object *object, u32 symbol)
{
	return object->strings + object->symbols[symbol].st_name;
}

u32 object_find_section(const struct object *object, const char *name)
{
	for (u32 i = 1; i < object->section_count; i++)
		if (strcmp(object_section_name(object, i), name) == 0)
			return i;
	return 0;
}

const void *object_section_bytes(const struct object *object, u32 section, u64 *size)
{
	if (section == 0 || object->sections[section].sh_type == SHT_NOBITS)
		return NULL;
	*size = object->sections[section].sh_size;
	return object->bytes + object->sections[section].sh_offset;
}

static enum object_part part_of(const struct elf64_shdr *section)
{
	if (!(section->sh_flags & SHF_ALLOC) || section->sh_size == 0)
		return OBJECT_NOWHERE;
	if (section->sh_flags & SHF_EXECINSTR)
		return OBJECT_TEXT;
	return section->sh_flags & SHF_WRITE ? OBJECT_DATA : OBJECT_RODATA;
}

int object_place(const struct object *object, struct object_place *places, u64 sizes[OBJECT_PARTS])
{
	for (u32 part = 0; part < OBJECT_PARTS; part++)
		sizes[part] = 0;
	for (u32 i = 0; i < object->section_count; i++) {
		const struct elf64_shdr *section = &object->sections[i];
		enum object_part part = i != 0 ? part_of(section) : OBJECT_NOWHERE;

		places[i] = (struct object_place){.part = part};
		if (part == OBJECT_NOWHERE)
			continue;
		places[i].offset = ALIGN_UP(sizes[part], MAX(section->sh_addralign, (u64)1));
		sizes[part] = places[i].offset + section->sh_size;
		if (sizes[part] > OBJECT_SIZE_MAX)
			return -ENOEXEC;
	}
	return 0;
}

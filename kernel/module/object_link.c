/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object files: from the file into memory, with the addresses of symbols put in.  See object.h.
 */
#include "arch/relocate.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "module/object.h"

bool object_symbol_address(const struct object *object, const struct object_place *places,
			   const struct object_memory memory[OBJECT_PARTS], u32 index,
			   vaddr_t *address)
{
	const struct elf64_sym *symbol = &object->symbols[index];
	const struct object_place *place;

	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= object->section_count)
		return false;
	place = &places[symbol->st_shndx];
	if (place->part == OBJECT_NOWHERE)
		return false;
	*address = memory[place->part].address + place->offset + symbol->st_value;
	return true;
}

struct linking {
	const struct object *object;
	const struct object_place *places;
	const struct object_memory *memory;
	const struct object_resolver *resolver;
};

static int symbol_value(const struct linking *linking, u32 index, u64 *value, const char **missing)
{
	const struct object *object = linking->object;
	const struct elf64_sym *symbol;
	const char *name;
	u64 found;

	if (index >= object->symbol_count)
		return -ENOEXEC;
	*value = 0;
	if (index == 0)
		return 0;
	symbol = &object->symbols[index];
	name = object_symbol_name(object, index);
	if (symbol->st_shndx == SHN_ABS) {
		*value = symbol->st_value;
		return 0;
	}
	if (symbol->st_shndx != SHN_UNDEF)
		return object_symbol_address(object, linking->places, linking->memory, index, value)
			       ? 0
			       : -ENOEXEC;
	if (linking->resolver->resolve(linking->resolver, name, &found)) {
		*value = found;
		return 0;
	}
	if (elf64_st_bind(symbol->st_info) == STB_WEAK)
		return 0;
	*missing = name;
	return -ENOENT;
}

/* One table of relocations, of a section that is in memory. */
static int relocate_section(const struct linking *linking, const struct elf64_shdr *table,
			    const char **missing)
{
	const struct object *object = linking->object;
	const struct object_place *place = &linking->places[table->sh_info];
	const struct object_memory *memory = &linking->memory[place->part];
	u64 size = object->sections[table->sh_info].sh_size;
	const struct elf64_rela *entry = (const void *)(object->bytes + table->sh_offset);

	for (u64 i = 0; i < table->sh_size / sizeof(*entry); i++, entry++) {
		int bytes = arch_relocation_size(elf64_r_type(entry->r_info));
		u64 at = place->offset + entry->r_offset, value;
		int error;

		if (bytes < 0)
			return bytes;
		if (entry->r_offset > size || (u64)bytes > size - entry->r_offset)
			return -ENOEXEC;
		error = symbol_value(linking, elf64_r_sym(entry->r_info), &value, missing);
		if (error == 0)
			error = arch_relocate(memory->bytes + at, memory->address + at,
					      elf64_r_type(entry->r_info),
					      value + (u64)entry->r_addend);
		if (error != 0)
			return error;
	}
	return 0;
}

static void copy_sections(const struct linking *linking)
{
	const struct object *object = linking->object;

	for (u32 i = 1; i < object->section_count; i++) {
		const struct elf64_shdr *section = &object->sections[i];
		const struct object_place *place = &linking->places[i];

		if (place->part == OBJECT_NOWHERE)
			continue;
		u8 *to = linking->memory[place->part].bytes + place->offset;
		if (section->sh_type == SHT_NOBITS)
			memset(to, 0, section->sh_size);
		else
			memcpy(to, object->bytes + section->sh_offset, section->sh_size);
	}
}

/* Is there anything to do with this section's relocations?  -ENOEXEC when they are of a kind that
 * nobody makes. */
static int wants_relocation(const struct linking *linking, const struct elf64_shdr *table)
{
	const struct object *object = linking->object;

	if (table->sh_type != SHT_RELA && table->sh_type != SHT_REL)
		return 0;
	if (table->sh_info == 0 || table->sh_info >= object->section_count)
		return -ENOEXEC;
	if (linking->places[table->sh_info].part == OBJECT_NOWHERE)
		return 0;
	if (table->sh_type == SHT_REL || table->sh_entsize != sizeof(struct elf64_rela) ||
	    !IS_ALIGNED(table->sh_offset, 8) || table->sh_size % sizeof(struct elf64_rela) != 0)
		return -ENOEXEC;
	return 1;
}

int object_link(const struct object *object, const struct object_place *places,
		const struct object_memory memory[OBJECT_PARTS],
		const struct object_resolver *resolver, const char **missing)
{
	const struct linking linking = {object, places, memory, resolver};

	copy_sections(&linking);
	for (u32 i = 1; i < object->section_count; i++) {
		int result = wants_relocation(&linking, &object->sections[i]);

		if (result > 0)
			result = relocate_section(&linking, &object->sections[i], missing);
		if (result != 0)
			return result;
	}
	return 0;
}

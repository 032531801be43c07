/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the loader of modules as far as it looks at bytes: whatever they are, it reads nothing
 * outside of the file and writes nothing outside of the parts' memory, whose edges the sanitizer
 * watches.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/errno.h"
#include "module/object.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define BASE ((vaddr_t)0xffffffffc0000000)

enum { MEMORY_LIMIT = 1 << 20 };

/* Knows some names, by their first letter. */
static bool resolve(const struct object_resolver *resolver, const char *name, u64 *value)
{
	(void)resolver;
	*value = BASE - 4096 + (u8)name[0];
	return name[0] != 'n';
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_places(const struct object *object, const struct object_place *places,
			 const u64 sizes[OBJECT_PARTS])
{
	for (u32 i = 1; i < object->section_count; i++) {
		const struct elf64_shdr *section = &object->sections[i];

		if (places[i].part == OBJECT_NOWHERE)
			continue;
		require(places[i].part < OBJECT_PARTS);
		require(section->sh_addralign <= 1 ||
			places[i].offset % section->sh_addralign == 0);
		require(places[i].offset + section->sh_size <= sizes[places[i].part]);
		require(!(section->sh_flags & SHF_WRITE) || places[i].part == OBJECT_DATA);
		require(!(section->sh_flags & SHF_EXECINSTR) || places[i].part == OBJECT_TEXT);
	}
}

static void link(const struct object *object, const struct object_place *places,
		 const u64 sizes[OBJECT_PARTS])
{
	static const struct object_resolver resolver = {.resolve = resolve};
	struct object_memory memory[OBJECT_PARTS];
	const char *missing = NULL;
	vaddr_t address;
	int error;

	for (u32 part = 0; part < OBJECT_PARTS; part++) {
		memory[part].bytes = malloc(sizes[part] > 0 ? sizes[part] : 1);
		memory[part].address = BASE + part * (u64)0x1000000;
		require(memory[part].bytes != NULL);
	}
	error = object_link(object, places, memory, &resolver, &missing);
	require(error == 0 || error == -ENOEXEC || (error == -ENOENT && missing[0] == 'n'));
	for (u32 i = 0; i < object->symbol_count; i++)
		if (object_symbol_address(object, places, memory, i, &address))
			require(strlen(object_symbol_name(object, i)) < object->strings_size &&
				address >= BASE);
	for (u32 part = 0; part < OBJECT_PARTS; part++)
		free(memory[part].bytes);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct object_place *places;
	u64 sizes[OBJECT_PARTS], information;
	struct object object;
	/* A copy of just that size, so that the sanitizer sees what lies behind. */
	void *copy = malloc(size > 0 ? size : 1);

	require(copy != NULL);
	memcpy(copy, data, size);
	if (object_open(copy, size, EM_X86_64, &object) == 0) {
		places = calloc(object.section_count, sizeof(*places));
		require(places != NULL);
		for (u32 i = 0; i < object.section_count; i++)
			require(strlen(object_section_name(&object, i)) < size);
		object_section_bytes(&object, object_find_section(&object, ".modinfo"),
				     &information);
		if (object_place(&object, places, sizes) == 0) {
			check_places(&object, places, sizes);
			if (sizes[0] + sizes[1] + sizes[2] <= MEMORY_LIMIT)
				link(&object, places, sizes);
		}
		free(places);
	}
	free(copy);
	return 0;
}

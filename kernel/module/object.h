/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object files (ELF, ET_REL), as the compiler and `ld -r` make them: checking, laying out, linking
 * into place.
 *
 * Pure functions over bytes that nobody vouches for, for the module loader and for its fuzzer.
 * Whatever the bytes are, nothing is read outside of them and nothing is written outside of the
 * memory that object_place asked for.  What the bytes mean once they run is another matter: who may
 * load modules may do anything.
 */
#ifndef MODULE_OBJECT_H
#define MODULE_OBJECT_H

#include "lib/elf.h"
#include "lib/types.h"

/* Sections are put together by what the memory permits. */
enum object_part { OBJECT_TEXT, OBJECT_RODATA, OBJECT_DATA, OBJECT_PARTS, OBJECT_NOWHERE };

enum { OBJECT_SECTIONS_MAX = 4096, OBJECT_SIZE_MAX = 64 << 20, OBJECT_ALIGN_MAX = 4096 };

struct object {
	const u8 *bytes;
	u64 size;
	const struct elf64_shdr *sections;
	u32 section_count;
	const char *section_names; /* terminated */
	u64 section_names_size;
	const struct elf64_sym *symbols;
	u32 symbol_count;
	const char *strings; /* the symbols' names; terminated */
	u64 strings_size;
};

/* Where a section goes: `offset` bytes into a part, or nowhere. */
struct object_place {
	enum object_part part;
	u64 offset;
};

/* A part's memory while it is filled, of the size that was asked for, and where it will be. */
struct object_memory {
	u8 *bytes;
	vaddr_t address;
};

struct object_resolver {
	/* The address of a symbol that others have; false: nobody has it. */
	bool (*resolve)(const struct object_resolver *resolver, const char *name, u64 *value);
};

/*
 * Checks all headers of a file for `machine` (EM_…), at `bytes`, which is aligned to 8.  0 and
 * *object, which points into the bytes; -ENOEXEC.
 */
int __must_check object_open(const void *bytes, size_t size, u16 machine, struct object *object);

/* The name of a section below section_count, or of a symbol below symbol_count. */
const char *object_section_name(const struct object *object, u32 section);
const char *object_symbol_name(const struct object *object, u32 symbol);
/* The first section of that name, 0 when there is none; its contents in the file, NULL for one
 * without. */
u32 object_find_section(const struct object *object, const char *name);
const void *object_section_bytes(const struct object *object, u32 section, u64 *size);

/* Lays out the sections that need memory: fills in section_count places, and each part's size.
 * 0, -ENOEXEC. */
int __must_check object_place(const struct object *object, struct object_place *places,
			      u64 sizes[OBJECT_PARTS]);

/*
 * Copies the sections to their places, and relocates them.  0, -ENOEXEC, or -ENOENT when a symbol
 * is unknown: then *missing is its name.
 */
int __must_check object_link(const struct object *object, const struct object_place *places,
			     const struct object_memory memory[OBJECT_PARTS],
			     const struct object_resolver *resolver, const char **missing);

/* The address of a symbol that the object itself defines in memory; false for others. */
bool object_symbol_address(const struct object *object, const struct object_place *places,
			   const struct object_memory memory[OBJECT_PARTS], u32 symbol,
			   vaddr_t *address);

#endif

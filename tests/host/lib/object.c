/* SPDX-License-Identifier: BSD-2-Clause */
/* Object files: what may be loaded, where it goes, and what relocations make of it. */
#include "test.h"

#include <string.h>

#include "arch/relocate.h"
#include "lib/errno.h"
#include "module/object.h"

#define TEXT_AT ((vaddr_t)0xffffffffc0001000)
#define DATA_AT ((vaddr_t)0xffffffffc0003000)
#define FAR_AT  ((u64)0xffffffff81234560)

/* Sections of the file. */
enum { S_NONE, S_TEXT, S_DATA, S_BSS, S_RELA, S_SYMTAB, S_STRTAB, S_NAMES, SECTIONS };
enum { Y_NONE, Y_FUNCTION, Y_VARIABLE, Y_FOREIGN, Y_WEAK, SYMBOLS };

static struct {
	struct elf64_header header;
	struct elf64_shdr sections[SECTIONS];
	struct elf64_sym symbols[SYMBOLS];
	struct elf64_rela rela[2];
	u8 text[32];
	u8 data[16];
	char strings[40];
	char names[64];
} file __attribute__((aligned(8)));

static struct object object;
static struct object_place places[SECTIONS];
static u64 sizes[OBJECT_PARTS];
static u8 text[64], data[64], rodata[64];
static const struct object_memory memory[OBJECT_PARTS] = {
	[OBJECT_TEXT] = {text, TEXT_AT},
	[OBJECT_RODATA] = {rodata, 0xffffffffc0002000},
	[OBJECT_DATA] = {data, DATA_AT},
};
static const char *missing;

static void section(int index, const char *name, u32 type, u64 flags, void *bytes, u64 size,
		    u64 entry_size)
{
	static size_t names_used;

	if (index == S_TEXT)
		names_used = 1;
	strcpy(file.names + names_used, name);
	file.sections[index] = (struct elf64_shdr){
		.sh_name = (u32)names_used,
		.sh_type = type,
		.sh_flags = flags,
		.sh_offset = bytes != NULL ? (u64)((u8 *)bytes - (u8 *)&file) : 0,
		.sh_size = size,
		.sh_addralign = 8,
		.sh_entsize = entry_size,
	};
	names_used += strlen(name) + 1;
}

static struct elf64_sym symbol(u32 name, u8 info, u16 where, u64 value)
{
	return (struct elf64_sym){
		.st_name = name, .st_info = info, .st_shndx = where, .st_value = value};
}

/* Text of 32 bytes, a call in it to a foreign function and an address of a variable. */
static int make_object(void **state)
{
	(void)state;
	memset(&file, 0, sizeof(file));
	file.header = (struct elf64_header){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_REL,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = sizeof(file.header),
		.e_shentsize = sizeof(struct elf64_shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = S_NAMES,
	};
	memcpy(file.strings, "\0function\0variable\0foreign\0weak", 32);
	section(S_TEXT, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, file.text,
		sizeof(file.text), 0);
	section(S_DATA, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, file.data, sizeof(file.data),
		0);
	section(S_BSS, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, NULL, 24, 0);
	section(S_RELA, ".rela.text", SHT_RELA, 0, file.rela, sizeof(file.rela),
		sizeof(file.rela[0]));
	section(S_SYMTAB, ".symtab", SHT_SYMTAB, 0, file.symbols, sizeof(file.symbols),
		sizeof(file.symbols[0]));
	section(S_STRTAB, ".strtab", SHT_STRTAB, 0, file.strings, sizeof(file.strings), 0);
	section(S_NAMES, ".shstrtab", SHT_STRTAB, 0, file.names, sizeof(file.names), 0);
	file.sections[S_SYMTAB].sh_link = S_STRTAB;
	file.sections[S_RELA].sh_info = S_TEXT;
	file.symbols[Y_FUNCTION] = symbol(1, STB_GLOBAL << 4 | STT_FUNC, S_TEXT, 4);
	file.symbols[Y_VARIABLE] = symbol(10, STB_GLOBAL << 4 | STT_OBJECT, S_BSS, 8);
	file.symbols[Y_FOREIGN] = symbol(19, STB_GLOBAL << 4, SHN_UNDEF, 0);
	file.symbols[Y_WEAK] = symbol(27, STB_WEAK << 4, SHN_UNDEF, 0);
	file.rela[0] = (struct elf64_rela){8, (u64)Y_FOREIGN << 32 | R_X86_64_PLT32, -4};
	file.rela[1] = (struct elf64_rela){16, (u64)Y_VARIABLE << 32 | R_X86_64_64, 3};
	memset(file.text, 0x90, sizeof(file.text));
	memset(file.data, 0x11, sizeof(file.data));
	memset(data, 0xff, sizeof(data));
	missing = NULL;
	return 0;
}

static bool resolve(const struct object_resolver *resolver, const char *name, u64 *value)
{
	(void)resolver;
	*value = FAR_AT;
	return strcmp(name, "foreign") == 0;
}

static const struct object_resolver resolver = {.resolve = resolve};

static int open_object(void)
{
	return object_open(&file, sizeof(file), EM_X86_64, &object);
}

/* All the steps: the first error. */
static int load(void)
{
	int error = open_object();

	if (error == 0)
		error = object_place(&object, places, sizes);
	return error != 0 ? error : object_link(&object, places, memory, &resolver, &missing);
}

static void sections_go_to_their_parts(void **state)
{
	vaddr_t address;

	(void)state;
	assert_int_equal(load(), 0);
	assert_int_equal(sizes[OBJECT_TEXT], 32);
	assert_int_equal(sizes[OBJECT_RODATA], 0);
	assert_int_equal(sizes[OBJECT_DATA], 16 + 24);
	assert_int_equal(places[S_BSS].part, OBJECT_DATA);
	assert_int_equal(places[S_BSS].offset, 16);
	assert_int_equal(places[S_SYMTAB].part, OBJECT_NOWHERE);
	assert_int_equal(data[0], 0x11);
	assert_int_equal(data[16], 0);
	assert_int_equal(data[39], 0);
	assert_int_equal(data[40], 0xff);
	assert_true(object_symbol_address(&object, places, memory, Y_FUNCTION, &address));
	assert_true(address == TEXT_AT + 4);
	assert_false(object_symbol_address(&object, places, memory, Y_FOREIGN, &address));
}

static void relocations_put_addresses_in(void **state)
{
	u32 distance;
	u64 address;

	(void)state;
	assert_int_equal(load(), 0);
	memcpy(&distance, text + 8, 4);
	memcpy(&address, text + 16, 8);
	assert_true((u64)(TEXT_AT + 12 + (s64)(s32)distance) == FAR_AT);
	assert_true(address == DATA_AT + 16 + 8 + 3);
	assert_int_equal(text[7], 0x90);
	assert_int_equal(text[24], 0x90);
}

static void unknown_symbols_are_named_weak_ones_are_zero(void **state)
{
	u64 address;

	(void)state;
	memcpy(file.strings + 19, "nothing", 7);
	assert_int_equal(load(), -ENOENT);
	assert_string_equal(missing, "nothing");
	make_object(NULL);
	file.rela[1].r_info = (u64)Y_WEAK << 32 | R_X86_64_64;
	assert_int_equal(load(), 0);
	memcpy(&address, text + 16, 8);
	assert_true(address == 3);
}

/* Each changes one thing of a good file, which is then refused. */
static void malformed_files_are_refused(void **state)
{
#define REFUSED(change)                             \
	do {                                        \
		make_object(state);                 \
		change;                             \
		assert_int_equal(load(), -ENOEXEC); \
	} while (0)
	REFUSED(file.header.e_ident[0] = 0);
	REFUSED(file.header.e_type = ET_DYN);
	REFUSED(file.header.e_machine = EM_AARCH64);
	REFUSED(file.header.e_shoff = sizeof(file));
	REFUSED(file.header.e_shoff = UINT64_MAX - 7);
	REFUSED(file.header.e_shoff += 4);
	REFUSED(file.header.e_shnum = 5000);
	REFUSED(file.header.e_shnum = 0);
	REFUSED(file.header.e_shentsize = 40);
	REFUSED(file.header.e_shstrndx = SECTIONS);
	REFUSED(file.names[sizeof(file.names) - 1] = 'x');
	REFUSED(file.strings[sizeof(file.strings) - 1] = 'x');
	REFUSED(file.sections[S_TEXT].sh_name = sizeof(file.names));
	REFUSED(file.sections[S_TEXT].sh_offset = UINT64_MAX - 8);
	REFUSED(file.sections[S_TEXT].sh_size = UINT64_MAX - 8);
	REFUSED(file.sections[S_TEXT].sh_addralign = 24);
	REFUSED(file.sections[S_TEXT].sh_addralign = 8192);
	REFUSED(file.sections[S_TEXT].sh_flags |= SHF_WRITE);
	REFUSED(file.sections[S_DATA].sh_flags |= SHF_TLS);
	REFUSED(file.sections[S_BSS].sh_size = (u64)1 << 40);
	REFUSED(file.sections[S_SYMTAB].sh_link = SECTIONS);
	REFUSED(file.sections[S_SYMTAB].sh_link = S_TEXT);
	REFUSED(file.sections[S_SYMTAB].sh_entsize = 0);
	REFUSED(file.sections[S_SYMTAB].sh_size -= 1);
	REFUSED(file.sections[S_SYMTAB].sh_type = SHT_PROGBITS);
	REFUSED(file.sections[S_RELA].sh_type = SHT_REL);
	REFUSED(file.sections[S_RELA].sh_info = SECTIONS);
	REFUSED(file.sections[S_RELA].sh_entsize = 0);
	REFUSED(file.symbols[Y_FUNCTION].st_shndx = SECTIONS);
	REFUSED(file.symbols[Y_FUNCTION].st_shndx = SHN_COMMON);
	REFUSED(file.symbols[Y_FUNCTION].st_value = 33);
	REFUSED(file.symbols[Y_FUNCTION].st_name = sizeof(file.strings));
	REFUSED(file.symbols[Y_FUNCTION].st_info = STT_TLS);
	REFUSED(file.rela[0].r_offset = 29);
	REFUSED(file.rela[0].r_offset = UINT64_MAX - 2);
	REFUSED(file.rela[1].r_offset = 25);
	REFUSED(file.rela[0].r_info = (u64)SYMBOLS << 32 | R_X86_64_PLT32);
	REFUSED(file.rela[0].r_info = (u64)Y_FOREIGN << 32 | R_X86_64_GOTPCREL);
	REFUSED(file.rela[0].r_info = (u64)Y_FOREIGN << 32 | R_X86_64_32);
	REFUSED(file.rela[0].r_addend = (s64)1 << 33);
#undef REFUSED
}

static void cut_files_are_refused(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(file.header); size++)
		assert_int_equal(object_open(&file, size, EM_X86_64, &object), -ENOEXEC);
	assert_int_equal(object_open(&file, sizeof(file) - 1, EM_X86_64, &object), -ENOEXEC);
}

static void relocations_fit_or_fail(void **state)
{
	u8 place[8] = {0};

	(void)state;
	assert_int_equal(arch_relocate(place, TEXT_AT, R_X86_64_32S, FAR_AT), 0);
	assert_int_equal(arch_relocate(place, TEXT_AT, R_X86_64_32S, (u64)1 << 31), -ENOEXEC);
	assert_int_equal(arch_relocate(place, TEXT_AT, R_X86_64_32, 0xffffffff), 0);
	assert_int_equal(arch_relocate(place, TEXT_AT, R_X86_64_32, FAR_AT), -ENOEXEC);
	assert_int_equal(arch_relocate(place, TEXT_AT, R_X86_64_PC32, TEXT_AT - 0x80000000), 0);
	assert_int_equal(arch_relocate(place, TEXT_AT, R_X86_64_PC32, TEXT_AT - 0x80000001),
			 -ENOEXEC);
	assert_int_equal(arch_relocate(place, TEXT_AT, R_X86_64_PC64, 0), 0);
	assert_int_equal(arch_relocate(place, TEXT_AT, R_X86_64_COPY, 0), -ENOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sections_go_to_their_parts, make_object),
		cmocka_unit_test_setup(relocations_put_addresses_in, make_object),
		cmocka_unit_test_setup(unknown_symbols_are_named_weak_ones_are_zero, make_object),
		cmocka_unit_test_setup(malformed_files_are_refused, make_object),
		cmocka_unit_test_setup(cut_files_are_refused, make_object),
		cmocka_unit_test_setup(relocations_fit_or_fail, make_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF for 64-bit machines: the structures and numbers of the System V ABI's object files, and the
 * entries of the auxiliary vector that a program gets at its start (getauxval(3)).  Names as in
 * elf(5).
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include "lib/types.h"

/* e_ident: the places and what stands there. */
enum {
	EI_CLASS = 4,
	EI_DATA = 5,
	EI_VERSION = 6,
	EI_OSABI = 7,
	EI_NIDENT = 16,

	ELFCLASS32 = 1,
	ELFCLASS64 = 2,
	ELFDATA2LSB = 1,
	EV_CURRENT = 1,
};
#define ELF_MAGIC "\177ELF"

enum { ET_NONE, ET_REL, ET_EXEC, ET_DYN, ET_CORE };
enum { EM_386 = 3, EM_X86_64 = 62, EM_AARCH64 = 183 };

struct elf64_header {
	u8 e_ident[EI_NIDENT];
	u16 e_type;
	u16 e_machine;
	u32 e_version;
	u64 e_entry;
	u64 e_phoff;
	u64 e_shoff;
	u32 e_flags;
	u16 e_ehsize;
	u16 e_phentsize;
	u16 e_phnum;
	u16 e_shentsize;
	u16 e_shnum;
	u16 e_shstrndx;
};

/* Program headers. */
enum {
	PT_NULL,
	PT_LOAD,
	PT_DYNAMIC,
	PT_INTERP,
	PT_NOTE,
	PT_SHLIB,
	PT_PHDR,
	PT_TLS,
};
#define PT_GNU_EH_FRAME 0x6474e550u
#define PT_GNU_STACK    0x6474e551u
#define PT_GNU_RELRO    0x6474e552u
#define PT_GNU_PROPERTY 0x6474e553u

enum { PF_X = 1, PF_W = 2, PF_R = 4 };

struct elf64_phdr {
	u32 p_type;
	u32 p_flags;
	u64 p_offset;
	u64 p_vaddr;
	u64 p_paddr;
	u64 p_filesz;
	u64 p_memsz;
	u64 p_align;
};

/* Sections. */
enum {
	SHT_NULL,
	SHT_PROGBITS,
	SHT_SYMTAB,
	SHT_STRTAB,
	SHT_RELA,
	SHT_HASH,
	SHT_DYNAMIC,
	SHT_NOTE,
	SHT_NOBITS,
	SHT_REL,
	SHT_SHLIB,
	SHT_DYNSYM,
};
enum { SHF_WRITE = 1, SHF_ALLOC = 2, SHF_EXECINSTR = 4, SHF_TLS = 0x400, SHF_COMPRESSED = 0x800 };
enum { SHN_UNDEF = 0, SHN_ABS = 0xfff1, SHN_COMMON = 0xfff2 };

struct elf64_shdr {
	u32 sh_name;
	u32 sh_type;
	u64 sh_flags;
	u64 sh_addr;
	u64 sh_offset;
	u64 sh_size;
	u32 sh_link;
	u32 sh_info;
	u64 sh_addralign;
	u64 sh_entsize;
};

/* Symbols. */
enum { STB_LOCAL, STB_GLOBAL, STB_WEAK };
enum { STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE, STT_COMMON, STT_TLS };
enum { STV_DEFAULT, STV_INTERNAL, STV_HIDDEN, STV_PROTECTED };

struct elf64_sym {
	u32 st_name;
	u8 st_info;
	u8 st_other;
	u16 st_shndx;
	u64 st_value;
	u64 st_size;
};

static inline unsigned int elf64_st_bind(u8 info)
{
	return info >> 4;
}

static inline unsigned int elf64_st_type(u8 info)
{
	return info & 15;
}

/* Relocations. */
struct elf64_rela {
	u64 r_offset;
	u64 r_info;
	s64 r_addend;
};

static inline u32 elf64_r_sym(u64 info)
{
	return (u32)(info >> 32);
}

static inline u32 elf64_r_type(u64 info)
{
	return (u32)info;
}

enum {
	R_X86_64_NONE,
	R_X86_64_64,
	R_X86_64_PC32,
	R_X86_64_GOT32,
	R_X86_64_PLT32,
	R_X86_64_COPY,
	R_X86_64_GLOB_DAT,
	R_X86_64_JUMP_SLOT,
	R_X86_64_RELATIVE,
	R_X86_64_GOTPCREL,
	R_X86_64_32,
	R_X86_64_32S,
	R_X86_64_PC64 = 24,
};

/* The dynamic section. */
enum {
	DT_NULL,
	DT_NEEDED,
	DT_PLTRELSZ,
	DT_PLTGOT,
	DT_HASH,
	DT_STRTAB,
	DT_SYMTAB,
	DT_RELA,
	DT_RELASZ,
	DT_RELAENT,
	DT_STRSZ,
	DT_SYMENT,
	DT_INIT,
	DT_FINI,
	DT_SONAME,
};

struct elf64_dyn {
	s64 d_tag;
	u64 d_val; /* or an address */
};

/* Notes: this, then the name and the descriptor, each padded to a multiple of 4. */
struct elf64_note {
	u32 n_namesz;
	u32 n_descsz;
	u32 n_type;
};

enum { NT_PRSTATUS = 1, NT_PRFPREG = 2, NT_PRPSINFO = 3, NT_AUXV = 6 };

/* The auxiliary vector. */
enum {
	AT_NULL = 0,
	AT_IGNORE = 1,
	AT_EXECFD = 2,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_NOTELF = 10,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_BASE_PLATFORM = 24,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_RSEQ_FEATURE_SIZE = 27,
	AT_RSEQ_ALIGN = 28,
	AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
};

struct elf64_auxv {
	u64 a_type;
	u64 a_val;
};

_Static_assert(sizeof(struct elf64_header) == 64, "ELF header");
_Static_assert(sizeof(struct elf64_phdr) == 56, "program header");
_Static_assert(sizeof(struct elf64_shdr) == 64, "section header");
_Static_assert(sizeof(struct elf64_sym) == 24, "symbol");
_Static_assert(sizeof(struct elf64_rela) == 24, "relocation");

#endif

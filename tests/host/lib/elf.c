/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks of ELF headers: what may be loaded, what not, and what the loader is told. */
#include "test.h"

#include <string.h>

#include "lib/elf_check.h"
#include "lib/errno.h"

#define LIMIT ((vaddr_t)0x7ffffffff000)

static struct elf64_header header;
static struct elf64_phdr phdrs[ELF_PHDRS_MAX];
static struct elf_layout layout;

/* An ET_EXEC as a linker makes it: text with the headers at 0x400000, data with bss at 0x602010. */
static int make_program(void **state)
{
	(void)state;
	header = (struct elf64_header){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = 0x400100,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(struct elf64_phdr),
		.e_phnum = 3,
	};
	memset(phdrs, 0, sizeof(phdrs));
	phdrs[0] =
		(struct elf64_phdr){PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 0x1234, 0x1234, 0x1000};
	phdrs[1] = (struct elf64_phdr){PT_LOAD, PF_R | PF_W, 0x2010, 0x602010,
				       0,       0x100,       0x5000, 0x200000};
	phdrs[2] = (struct elf64_phdr){PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16};
	return 0;
}

static int check_header(size_t size)
{
	struct elf64_header copy;

	return elf_check_header(&header, size, EM_X86_64, &copy);
}

static int check_phdrs(void)
{
	return elf_check_program_headers(&header, phdrs, LIMIT, &layout);
}

static void a_good_program_is_accepted_and_described(void **state)
{
	(void)state;
	assert_int_equal(check_header(sizeof(header)), 0);
	assert_int_equal(check_phdrs(), 0);
	assert_true(layout.is_fixed);
	assert_int_equal(layout.loads, 2);
	assert_int_equal(layout.phdr_count, 3);
	assert_int_equal(layout.low, 0x400000);
	assert_int_equal(layout.high, 0x608000);
	assert_int_equal(layout.brk, 0x607010);
	assert_int_equal(layout.entry, 0x400100);
	assert_true(layout.has_phdr);
	assert_int_equal(layout.phdr, 0x400040);
	assert_int_equal(layout.align, 0x200000);
	assert_true(layout.has_stack && !layout.exec_stack);
	assert_int_equal(layout.interpreter_size, 0);
}

static void without_a_stack_header_the_stack_is_executable(void **state)
{
	(void)state;
	header.e_phnum = 2;
	assert_int_equal(check_phdrs(), 0);
	assert_true(!layout.has_stack && layout.exec_stack);
}

#define REFUSES_HEADER(change)                                            \
	do {                                                              \
		make_program(NULL);                                       \
		change;                                                   \
		assert_int_equal(check_header(sizeof(header)), -ENOEXEC); \
	} while (0)

static void headers_of_other_things_are_refused(void **state)
{
	(void)state;
	assert_int_equal(check_header(sizeof(header) - 1), -ENOEXEC);
	assert_int_equal(check_header(0), -ENOEXEC);
	REFUSES_HEADER(header.e_ident[0] = '#');
	REFUSES_HEADER(header.e_ident[3] = 'G');
	REFUSES_HEADER(header.e_ident[EI_CLASS] = ELFCLASS32);
	REFUSES_HEADER(header.e_ident[EI_DATA] = 2);
	REFUSES_HEADER(header.e_type = ET_REL);
	REFUSES_HEADER(header.e_type = ET_CORE);
	REFUSES_HEADER(header.e_machine = EM_AARCH64);
	REFUSES_HEADER(header.e_machine = EM_386);
	REFUSES_HEADER(header.e_phentsize = 32);
	REFUSES_HEADER(header.e_phnum = 0);
	REFUSES_HEADER(header.e_phnum = ELF_PHDRS_MAX + 1);
	REFUSES_HEADER(header.e_phnum = 0xffff);
	REFUSES_HEADER(header.e_phoff = UINT64_MAX - 10);
	make_program(NULL);
	header.e_phnum = ELF_PHDRS_MAX;
	assert_int_equal(check_header(sizeof(header)), 0);
	header.e_type = ET_DYN;
	assert_int_equal(check_header(sizeof(header)), 0);
}

#define REFUSES_SEGMENT(error, change)                  \
	do {                                            \
		make_program(NULL);                     \
		change;                                 \
		assert_int_equal(check_phdrs(), error); \
	} while (0)

static void segments_that_cannot_be_mapped_are_refused(void **state)
{
	(void)state;
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_filesz = phdrs[0].p_memsz + 1);
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_memsz = UINT64_MAX);
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_memsz = LIMIT - 0x400000 + 1);
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_vaddr = UINT64_MAX - 0xfff);
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_vaddr = (vaddr_t)0xffff800000000000);
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_vaddr = LIMIT - 0x1000);
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_offset = 1);
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_offset = UINT64_MAX & ~(u64)0xfff);
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_offset = (u64)INT64_MAX & ~(u64)0xfff);
	REFUSES_SEGMENT(-ENOEXEC, phdrs[0].p_type = phdrs[1].p_type = PT_NOTE);
	REFUSES_SEGMENT(-EINVAL, phdrs[0].p_align = (u64)1 << 60);
	REFUSES_SEGMENT(0, phdrs[0].p_memsz = LIMIT - 0x400000);
	REFUSES_SEGMENT(0, phdrs[0].p_align = 3);
}

static void an_empty_segment_is_skipped(void **state)
{
	(void)state;
	phdrs[0].p_filesz = phdrs[0].p_memsz = 0;
	assert_int_equal(check_phdrs(), 0);
	assert_int_equal(layout.loads, 1);
	assert_int_equal(layout.low, 0x602000);
	assert_false(layout.has_phdr);
	phdrs[1].p_filesz = phdrs[1].p_memsz = 0;
	assert_int_equal(check_phdrs(), -ENOEXEC);
}

static void program_headers_outside_of_all_segments_have_no_address(void **state)
{
	(void)state;
	header.e_phoff = 0x1230;
	assert_int_equal(check_phdrs(), 0);
	assert_false(layout.has_phdr);
	header.e_phoff = UINT64_MAX / 2 - 0x2000;
	assert_int_equal(check_phdrs(), 0);
	assert_false(layout.has_phdr);
}

static void the_interpreter_is_found(void **state)
{
	(void)state;
	phdrs[2] = (struct elf64_phdr){PT_INTERP, PF_R, 0x200, 0x400200, 0, 28, 28, 1};
	assert_int_equal(check_phdrs(), 0);
	assert_int_equal(layout.interpreter_offset, 0x200);
	assert_int_equal(layout.interpreter_size, 28);
	phdrs[2].p_filesz = 1;
	assert_int_equal(check_phdrs(), -ENOEXEC);
	phdrs[2].p_filesz = 4097;
	assert_int_equal(check_phdrs(), -ENOEXEC);
	phdrs[2].p_filesz = 28;
	phdrs[2].p_offset = UINT64_MAX;
	assert_int_equal(check_phdrs(), -ENOEXEC);
	assert_int_equal(elf_check_interpreter("/lib/ld", 8), 0);
	assert_int_equal(elf_check_interpreter("/lib/ld", 7), -ENOEXEC);
	assert_int_equal(elf_check_interpreter("\0", 2), -ENOEXEC);
	assert_int_equal(elf_check_interpreter("", 1), -ENOEXEC);
}

static void this_very_test_is_accepted(void **state)
{
	static u8 file[sizeof(header) + sizeof(phdrs)];
	FILE *self = fopen("/proc/self/exe", "rb");

	(void)state;
	assert_non_null(self);
	assert_int_equal(fread(file, 1, sizeof(file), self), sizeof(file));
	fclose(self);
	assert_int_equal(elf_check_header(file, sizeof(file), EM_X86_64, &header), 0);
	memcpy(phdrs, file + header.e_phoff, header.e_phnum * sizeof(phdrs[0]));
	assert_int_equal(check_phdrs(), 0);
	assert_true(layout.has_phdr && layout.interpreter_size > 2 && !layout.exec_stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_good_program_is_accepted_and_described, make_program),
		cmocka_unit_test_setup(without_a_stack_header_the_stack_is_executable,
				       make_program),
		cmocka_unit_test_setup(headers_of_other_things_are_refused, make_program),
		cmocka_unit_test_setup(segments_that_cannot_be_mapped_are_refused, make_program),
		cmocka_unit_test_setup(an_empty_segment_is_skipped, make_program),
		cmocka_unit_test_setup(program_headers_outside_of_all_segments_have_no_address,
				       make_program),
		cmocka_unit_test_setup(the_interpreter_is_found, make_program),
		cmocka_unit_test_setup(this_very_test_is_accepted, make_program),
	};

	return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}

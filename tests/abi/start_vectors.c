/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel leaves on the stack of a new program: arguments, environment and the auxiliary
 * vector.
 */
#include "abi.h"

#include <elf.h>
#include <sys/auxv.h>

extern char **environ;

static const Elf64_auxv_t *find_auxv(void)
{
	char **p = environ;

	while (*p)
		p++;
	return (const Elf64_auxv_t *)(p + 1);
}

static const Elf64_auxv_t *entry(unsigned long type)
{
	const Elf64_auxv_t *a = find_auxv();

	while (a->a_type != AT_NULL && a->a_type != type)
		a++;
	return a->a_type == type ? a : NULL;
}

static unsigned long value(unsigned long type)
{
	const Elf64_auxv_t *a = entry(type);

	return a ? a->a_un.a_val : 0;
}

static void program_headers_are_told(void)
{
	const Elf64_Phdr *ph = (const Elf64_Phdr *)value(AT_PHDR);
	int loads = 0;

	ok(ph != NULL, "AT_PHDR");
	is(value(AT_PHENT), sizeof(Elf64_Phdr), "AT_PHENT is the size of a program header");
	ok(value(AT_PHNUM) > 0 && value(AT_PHNUM) < 32, "AT_PHNUM");
	for (unsigned long i = 0; ph && i < value(AT_PHNUM); i++)
		loads += ph[i].p_type == PT_LOAD;
	ok(loads > 0, "AT_PHDR points to the program headers in memory");
	ok(value(AT_ENTRY) != 0 && readable((void *)value(AT_ENTRY)), "AT_ENTRY is mapped");
	ok(entry(AT_BASE) != NULL, "AT_BASE is there");
}

static void identity_is_told(void)
{
	is(value(AT_PAGESZ), PAGE, "AT_PAGESZ");
	is(value(AT_UID), 0, "AT_UID");
	is(value(AT_EUID), 0, "AT_EUID");
	is(value(AT_GID), 0, "AT_GID");
	is(value(AT_EGID), 0, "AT_EGID");
	ok(entry(AT_SECURE) && value(AT_SECURE) == 0, "AT_SECURE is 0");
	is(value(AT_CLKTCK), 100, "AT_CLKTCK is 100");
	ok(entry(AT_FLAGS) && value(AT_FLAGS) == 0, "AT_FLAGS is 0");
	ok(entry(AT_HWCAP) != NULL, "AT_HWCAP is there");
}

static void names_are_told(const char *name)
{
	const char *platform = (const char *)value(AT_PLATFORM);
	const char *executable = (const char *)value(AT_EXECFN);

	is_str(platform, "x86_64", "AT_PLATFORM");
	is_str(executable, name, "AT_EXECFN is the path given to execve");
}

static void random_bytes_are_given(void)
{
	const unsigned char *r = (const unsigned char *)value(AT_RANDOM);
	int zeros = 0;

	if (!ok(r != NULL, "AT_RANDOM"))
		return;
	for (int i = 0; i < 16; i++)
		zeros += r[i] == 0;
	ok(zeros < 8, "the 16 bytes look random");
}

static void vdso_is_mapped(void)
{
	const unsigned char *v = (const unsigned char *)value(AT_SYSINFO_EHDR);

	if (!ok(v != NULL, "AT_SYSINFO_EHDR"))
		return;
	ok(readable(v) && memcmp(v, ELFMAG, SELFMAG) == 0, "it points to an ELF header");
	is((uintptr_t)v % PAGE, 0, "on a page boundary");
	is(((const Elf64_Ehdr *)v)->e_type, ET_DYN, "of a shared object");
}

/* argv lies directly below the environment, argc below it, 16-byte aligned. */
static void stack_layout_is_the_abi(int argc, char **argv)
{
	const long *sp = (const long *)argv - 1;

	is(*sp, argc, "argc lies below argv");
	is((uintptr_t)sp % 16, 0, "the initial stack pointer is 16-byte aligned");
	ok(argv + argc + 1 == environ, "the environment follows argv");
	ok((char *)argv < argv[0], "the strings lie above the vectors");
	is(argv[0] + strlen(argv[0]) + 1 - environ[0], 0, "the first variable follows argv[0]");
}

static void auxv_file_matches(void)
{
	char buf[1024];
	size_t size = (size_t)((const char *)(entry(AT_PAGESZ)) - (const char *)find_auxv());
	ssize_t n = get_file("/proc/self/auxv", buf, sizeof(buf));

	ok(n > (ssize_t)size && n % (ssize_t)sizeof(Elf64_auxv_t) == 0,
	   "/proc/self/auxv holds whole entries");
	ok(n > 0 && memcmp(buf, find_auxv(), (size_t)n) == 0, "the same as those on the stack");
}

int main(int argc, char **argv)
{
	program_headers_are_told();
	identity_is_told();
	names_are_told(argv[0]);
	random_bytes_are_given();
	vdso_is_mapped();
	stack_layout_is_the_abi(argc, argv);
	is_str(getenv("HOME"), "/", "the environment arrives");
	ok(getenv("NOSUCH") == NULL, "and nothing that was not given");
	auxv_file_matches();
	return done();
}

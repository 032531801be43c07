/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core dumps: when there is one, and what is in it.  Where cores go to a program or another folder
 * the assertions on the file are left out.
 */
#include "abi.h"

#include <elf.h>
#include <pthread.h>
#include <sys/procfs.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define MARK 0x436f77736c697021

static bool cores_here;

static void limit_cores(rlim_t limit)
{
	struct rlimit rlimit = {limit, RLIM_INFINITY};

	setrlimit(RLIMIT_CORE, &rlimit);
}

static volatile long *marked, *hidden;

__attribute__((noreturn)) static void *sleep_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void crash_with_threads(void)
{
	pthread_t thread;

	limit_cores(RLIM_INFINITY);
	pthread_create(&thread, NULL, sleep_for_ever, NULL);
	pthread_create(&thread, NULL, sleep_for_ever, NULL);
	sleep_ms(20);
	*(volatile int *)BAD_POINTER = 1;
}

static char *file;
static size_t file_size;

static bool load(const char *name)
{
	struct stat st;
	int fd = open(name, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) != 0)
		return false;
	file_size = (size_t)st.st_size;
	file = mmap(NULL, file_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return file != MAP_FAILED;
}

/* The bytes of the core for an address; NULL when there are none. */
static const void *content_of(uintptr_t address)
{
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Phdr *ph = (const void *)(file + header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && address - ph[i].p_vaddr < ph[i].p_filesz &&
		    address >= ph[i].p_vaddr)
			return file + ph[i].p_offset + (address - ph[i].p_vaddr);
	return NULL;
}

/* How many notes of a type there are; the first one's content in *content. */
static int notes_of(unsigned type, const void **content)
{
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Phdr *ph = (const void *)(file + header->e_phoff);
	int count = 0;

	for (int i = 0; i < header->e_phnum; i++) {
		if (ph[i].p_type != PT_NOTE)
			continue;
		for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= ph[i].p_filesz;) {
			const Elf64_Nhdr *note = (const void *)(file + ph[i].p_offset + at);
			size_t name = (note->n_namesz + 3) & ~3u;
			if (note->n_type == type && count++ == 0 && content)
				*content = (const char *)(note + 1) + name;
			at += sizeof(*note) + name + ((note->n_descsz + 3) & ~3u);
		}
	}
	return count;
}

static void crashes_leave_cores(void)
{
	int st;

	marked = (volatile long *)map_pages(1);
	hidden = (volatile long *)map_pages(1);
	*marked = *hidden = MARK;
	madvise((void *)hidden, PAGE, MADV_DONTDUMP);
	if (child(&st) == 0) {
		leave_counters();
		crash_with_threads();
	}
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV, "a crash with threads ends by its signal");
	if (!cores_here) {
		skip(13, "cores do not go to the current folder");
		return;
	}
	ok(WCOREDUMP(st), "the status says that there is a core");
	if (!ok(load("core"), "which is there")) {
		skip(11, "no core");
		return;
	}
	const Elf64_Ehdr *header = (const void *)file;
	ok(memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_type == ET_CORE,
	   "an ELF core");
	is(header->e_machine, EM_X86_64, "of this machine");
	const long *word = content_of((uintptr_t)marked);
	ok(word && *word == MARK, "memory is in it");
	ok(!content_of((uintptr_t)hidden), "but for what MADV_DONTDUMP names");
	const void *note = NULL;
	is(notes_of(NT_PRSTATUS, &note), 3, "registers of three threads");
	const struct elf_prstatus *status = note;
	is(status ? status->pr_cursig : 0, SIGSEGV, "the first one's signal");
	ok(status && content_of(status->pr_reg[19]), "whose stack is there");
	is(notes_of(NT_PRFPREG, NULL), 3, "floating-point registers");
	const struct elf_prpsinfo *info = NULL;
	is(notes_of(NT_PRPSINFO, (const void **)&info), 1, "the process");
	ok(info && strstr(info->pr_fname, "core_dumps"), "by its name");
	ok(notes_of(NT_AUXV, NULL) == 1 && notes_of(0x46494c45, NULL) == 1,
	   "the auxiliary vector and the files");
	unlink("core");
}

static void limits_count(void)
{
	int st;

	if (child(&st) == 0) {
		leave_counters();
		limit_cores(0);
		abort();
	}
	is(st, KILLED(SIGABRT), "no core with a limit of 0");
	if (child(&st) == 0) {
		leave_counters();
		limit_cores(RLIM_INFINITY);
		prctl(PR_SET_DUMPABLE, 0);
		kill(getpid(), SIGQUIT);
		pause();
	}
	is(st, KILLED(SIGQUIT), "nor of a process that is not dumpable");
	if (child(&st) == 0) {
		leave_counters();
		limit_cores(RLIM_INFINITY);
		kill(getpid(), SIGTERM);
		pause();
	}
	is(st, KILLED(SIGTERM), "nor for other signals");
	ok(!cores_here || access("core", F_OK) != 0, "there is none");
	if (child(&st) == 0) {
		leave_counters();
		limit_cores(RLIM_INFINITY);
		raise(SIGQUIT);
	}
	ok(WTERMSIG(st) == SIGQUIT && (!cores_here || WCOREDUMP(st)), "SIGQUIT leaves one");
}

int main(void)
{
	char pattern[256] = "";

	get_file("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern));
	cores_here = strcmp(pattern, "core\n") == 0;
	scratch();
	crashes_leave_cores();
	limits_count();
	return done();
}

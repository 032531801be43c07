/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve: which files it takes. Scripts, their interpreters and nesting; broken, forbidden and
 * missing files.
 */
#include "abi.h"

#include <elf.h>

static const char *self;

/* As an interpreter: exits with 100 + number of arguments when they are those of the test. */
static int play(int argc, char **argv)
{
	if (strcmp(argv[1], "-x a b") == 0) /* all words behind #! are one argument */
		return argc == 4 && strcmp(argv[2], "./script") == 0 && strcmp(argv[3], "arg") == 0
			       ? 50
			       : 51;
	if (strcmp(argv[1], "./plain") == 0)
		return argc == 3 && strcmp(argv[2], "arg") == 0 && strcmp(argv[0], self) == 0 ? 52
											      : 53;
	if (strncmp(argv[1], "./nest", 6) == 0)
		return 54;
	return atoi(argv[1]);
}

static int run(const char *path, const char *arg)
{
	int st;

	if (child(&st) == 0) {
		execl(path, "ignored", arg, (char *)NULL);
		_exit(errno);
	}
	return st;
}

static void put_script(const char *name, const char *fmt, const char *a, const char *b)
{
	char text[512];

	snprintf(text, sizeof(text), fmt, a, b);
	put_file(name, text, strlen(text), 0755);
}

static void scripts_run_their_interpreter(void)
{
	put_script("script", "#!%s -x a b\nrest\n", self, "");
	is(run("./script", "arg"), EXITED(50), "#! with words: one argument, then the path");
	put_script("script", "#!  \t%s   -x a b  \t\nrest\n", self, "");
	is(run("./script", "arg"), EXITED(50), "blanks around are dropped");
	put_script("plain", "#!%s\n", self, "");
	is(run("./plain", "arg"), EXITED(52), "#! without words: the path is argv[1]");
	put_script("plain", "#!%s", self, "");
	is(run("./plain", "arg"), EXITED(52), "a script without a newline");
}

static void scripts_nest(void)
{
	char name[16], line[64];
	put_script("nest1", "#!%s\n", self, "");
	for (int i = 2; i <= 6; i++) {
		snprintf(name, sizeof(name), "nest%d", i);
		snprintf(line, sizeof(line), "./nest%d", i - 1);
		put_script(name, "#!%s\n", line, "");
	}
	is(run("./nest2", "arg"), EXITED(54), "a script may be the interpreter of a script");
	is(run("./nest5", "arg"), EXITED(54), "five deep");
	is(run("./nest6", "arg"), EXITED(ELOOP), "six deep is ELOOP");
	put_script("self", "#!./self\n", "", "");
	is(run("./self", "arg"), EXITED(ELOOP), "a script that names itself is ELOOP");
}

static void broken_scripts_are_refused(void)
{
	put_script("script", "#!/no/such/interpreter\n", "", "");
	is(run("./script", "x"), EXITED(ENOENT), "a missing interpreter is ENOENT");
	put_script("script", "#!\n", "", "");
	is(run("./script", "x"), EXITED(ENOEXEC), "an empty #! line is ENOEXEC");
	put_script("script", "#!   \n", "", "");
	is(run("./script", "x"), EXITED(ENOEXEC), "a blank one as well");
	put_script("script", "#!/tmp\n", "", "");
	is(run("./script", "x"), EXITED(EACCES), "a directory as interpreter is EACCES");
}

static void files_that_are_no_programs(void)
{
	put_file("empty", "", 0, 0755);
	is(run("./empty", "x"), EXITED(ENOEXEC), "an empty file is ENOEXEC");
	put_file("text", "echo hello\n", 11, 0755);
	is(run("./text", "x"), EXITED(ENOEXEC), "a text file is ENOEXEC");
	put_file("noexec", "#!/bin/sh\n", 10, 0644);
	is(run("./noexec", "x"), EXITED(EACCES), "a file without x is EACCES, for root too");
	is(run("/tmp", "x"), EXITED(EACCES), "a directory is EACCES");
	is(run("./missing", "x"), EXITED(ENOENT), "a missing file is ENOENT");
	is(run("", "x"), EXITED(ENOENT), "an empty path is ENOENT");
	is(run("./text/x", "x"), EXITED(ENOTDIR), "a file as a directory is ENOTDIR");
	symlink("loop", "loop");
	is(run("./loop", "x"), EXITED(ELOOP), "a link to itself is ELOOP");
	is(run("/dev/null", "x"), EXITED(EACCES), "a device is EACCES");
	mkfifo("fifo", 0755);
	is(run("./fifo", "x"), EXITED(EACCES), "a fifo is EACCES");
}

static void bad_pointers_are_refused(void)
{
	char *argv[] = {(char *)self, NULL};
	char *bad[] = {(char *)self, BAD_POINTER, NULL};

	fails(syscall(SYS_execve, BAD_POINTER, argv, argv), EFAULT, "a bad path");
	fails(syscall(SYS_execve, self, BAD_POINTER, argv), EFAULT, "a bad argv");
	fails(syscall(SYS_execve, self, argv, BAD_POINTER), EFAULT, "a bad envp");
	fails(syscall(SYS_execve, self, bad, argv), EFAULT, "a bad argument");
	fails(syscall(SYS_execve, self, argv, bad), EFAULT, "a bad variable");
	fails(syscall(SYS_execve, KERNEL_POINTER, argv, argv), EFAULT, "a path in the kernel");
}

/* Writes a copy of this program's header, changed by `change`. */
static int run_changed(void (*change)(Elf64_Ehdr *, Elf64_Phdr *))
{
	static char image[8192];
	int fd = open(self, O_RDONLY);

	if (fd < 0 || read(fd, image, sizeof(image)) != sizeof(image))
		return -1;
	close(fd);
	Elf64_Ehdr *header = (Elf64_Ehdr *)image;
	change(header, (Elf64_Phdr *)(image + header->e_phoff));
	put_file("broken", image, sizeof(image), 0755);
	return run("./broken", "0");
}

static void wrong_class(Elf64_Ehdr *e, Elf64_Phdr *p)
{
	(void)p;
	e->e_type = ET_REL;
}

static void wrong_machine(Elf64_Ehdr *e, Elf64_Phdr *p)
{
	(void)p;
	e->e_machine = EM_AARCH64;
}

static void wrong_entry_size(Elf64_Ehdr *e, Elf64_Phdr *p)
{
	(void)p;
	e->e_phentsize = 12;
}

static void no_headers(Elf64_Ehdr *e, Elf64_Phdr *p)
{
	(void)p;
	e->e_phnum = 0;
}

static void headers_beyond_the_end(Elf64_Ehdr *e, Elf64_Phdr *p)
{
	(void)p;
	e->e_phoff = 1UL << 40;
}

static void missing_loader(Elf64_Ehdr *e, Elf64_Phdr *p)
{
	p[e->e_phnum - 1] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 8, .p_filesz = 2};
}

static void broken_programs_are_refused(void)
{
	is(run_changed(wrong_class), EXITED(ENOEXEC), "a relocatable object is ENOEXEC");
	is(run_changed(wrong_machine), EXITED(ENOEXEC), "another machine's program is ENOEXEC");
	is(run_changed(wrong_entry_size), EXITED(ENOEXEC), "a wrong header size is ENOEXEC");
	is(run_changed(no_headers), EXITED(ENOEXEC), "no program headers is ENOEXEC");
	int st = run_changed(headers_beyond_the_end);
	ok(st != 0, "headers beyond the end of the file do not run");
	st = run_changed(missing_loader);
	ok(st != 0, "a loader of a strange name does not run");
	put_file("short", "\177ELF\2\1\1", 7, 0755);
	is(run("./short", "x"), EXITED(ENOEXEC), "an ELF file of seven bytes is ENOEXEC");
}

static void running_programs_are_not_written(void)
{
	copy_file(self, "running", 0755);
	int fd = open("running", O_WRONLY);

	ok(fd >= 0, "a program open for writing");
	is(run("./running", "5"), EXITED(ETXTBSY), "does not run: ETXTBSY");
	close(fd);
	is(run("./running", "5"), EXITED(5), "closed, it runs");
	fails(open(self, O_WRONLY), ETXTBSY, "and a running program is not opened for writing");
}

static void users_need_execute_permission(void)
{
	int st;

	copy_file(self, "private", 0700);
	copy_file(self, "xonly", 0711);
	if (child(&st) == 0) {
		if (become(1000, 1000) < 0)
			_exit(1);
		execl("./private", "x", "5", (char *)NULL);
		_exit(errno);
	}
	is(st, EXITED(EACCES), "a user may not run root's private program");
	if (child(&st) == 0) {
		if (become(1000, 1000) < 0)
			_exit(1);
		execl("./xonly", "x", "5", (char *)NULL);
		_exit(errno);
	}
	is(st, EXITED(5), "execute permission without read is enough");
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 1)
		return play(argc, argv);
	scratch();
	scripts_run_their_interpreter();
	scripts_nest();
	broken_scripts_are_refused();
	files_that_are_no_programs();
	bad_pointers_are_refused();
	broken_programs_are_refused();
	running_programs_are_not_written();
	users_need_execute_permission();
	return done();
}

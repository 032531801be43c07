/* SPDX-License-Identifier: BSD-2-Clause */
/* init_module(2), finit_module(2), delete_module(2): who may, and what is refused.  What is let in
 * is for tests/system/modules.t: it differs from kernel to kernel. */
#include <sys/syscall.h>

#include "abi.h"

static long init_module(const void *image, size_t size, const char *arguments)
{
	return syscall(SYS_init_module, image, size, arguments);
}

static long finit_module(int fd, const char *arguments, int flags)
{
	return syscall(SYS_finit_module, fd, arguments, flags);
}

static long delete_module(const char *name, unsigned flags)
{
	return syscall(SYS_delete_module, name, flags);
}

/* A kernel may be built without modules. */
static bool has_modules(void)
{
	errno = 0;
	return delete_module("none_of_that_name", O_NONBLOCK) != -1 || errno != ENOSYS;
}

static bool may_load(void)
{
	errno = 0;
	return delete_module("none_of_that_name", O_NONBLOCK) == -1 && errno == ENOENT;
}

static void test_who_may(void)
{
	pid_t child = fork();

	if (child == 0) {
		char byte = 0;

		become(1000, 1000);
		fails(init_module(&byte, 1, ""), EPERM, "init_module by an ordinary user");
		fails(finit_module(-1, "", 0), EPERM, "finit_module by an ordinary user");
		fails(finit_module(-1, "", 64), EPERM, "… before flags are looked at");
		fails(delete_module("none_of_that_name", 0), EPERM,
		      "delete_module by an ordinary user");
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void test_bytes(void)
{
	static char zeros[8192], header[64] = "\177ELF\2\1\1";

	fails(init_module(zeros, 10, ""), ENOEXEC, "fewer bytes than a header");
	fails(init_module(zeros, 0, ""), ENOEXEC, "no bytes");
	fails(init_module(zeros, sizeof(zeros), ""), ENOEXEC, "zeros");
	fails(init_module(header, sizeof(header), ""), ENOEXEC, "a header that says nothing");
	fails(init_module(BAD_POINTER, 4096, ""), EFAULT, "bytes that cannot be read");
	fails(init_module(zeros, (size_t)1 << 40, ""), ENOMEM, "more bytes than there is memory");
}

static void test_files(void)
{
	int fds[2], fd;

	put_file("empty", "", 0, 0644);
	put_file("text", "not a module", 12, 0644);
	fails(finit_module(-1, "", 0), EBADF, "no file");
	fails(finit_module(0, "", 64), EINVAL, "an unknown flag");
	fd = open("empty", O_RDONLY);
	fails(finit_module(fd, "", 0), EINVAL, "an empty file");
	close(fd);
	fd = open("text", O_RDONLY);
	fails(finit_module(fd, "", 0), ENOEXEC, "a text");
	close(fd);
	fd = open("text", O_WRONLY);
	fails(finit_module(fd, "", 0), EBADF, "a file that is open for writing");
	close(fd);
	fd = open(".", O_RDONLY);
	fails(finit_module(fd, "", 0), EINVAL, "a directory");
	close(fd);
	if (pipe(fds) == 0)
		fails(finit_module(fds[0], "", 0), EINVAL, "a pipe");
	fd = open("text", O_PATH);
	fails(finit_module(fd, "", 0), EBADF, "a file that is only named");
	close(fd);
}

static void test_names(void)
{
	char name[200];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	fails(delete_module("none_of_that_name", 0), ENOENT, "a name that nothing has");
	fails(delete_module("", 0), ENOENT, "no name");
	fails(delete_module(name, O_NONBLOCK), ENOENT, "a name that is too long");
	fails(delete_module(BAD_POINTER, 0), EFAULT, "a name that cannot be read");
}

static void test_texts(void)
{
	char text[256];

	ok(get_file("/proc/modules", text, sizeof(text)) >= 0, "/proc/modules can be read");
	ok(get_file("/proc/sys/kernel/modules_disabled", text, sizeof(text)) == 2 && text[0] == '0',
	   "modules are not disabled");
	ok(put_file("/proc/sys/kernel/modules_disabled", "2\n", 2, 0644) == -1 && errno == EINVAL,
	   "modules_disabled takes nothing but 1");
}

int main(void)
{
	scratch();
	if (!has_modules()) {
		skip(1, "a kernel without modules");
		return done();
	}
	test_who_may();
	if (!may_load()) {
		skip(1, "modules may not be loaded here");
		return done();
	}
	test_bytes();
	test_files();
	test_names();
	test_texts();
	return done();
}

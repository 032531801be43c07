/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd_create: names, flags, and what each seal forbids.
 */
#include "abi.h"

#ifndef F_ADD_SEALS
#define F_ADD_SEALS   1033
#define F_GET_SEALS   1034
#define F_SEAL_SEAL   1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW   4
#define F_SEAL_WRITE  8
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC       1u
#define MFD_ALLOW_SEALING 2u
#endif

#define RW (PROT_READ | PROT_WRITE)

static int make(const char *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}

/* Two pages of 'm'. */
static int sealable(void)
{
	int fd = make("sealed", MFD_ALLOW_SEALING);
	char page[2 * PAGE];

	memset(page, 'm', sizeof(page));
	if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
		return -1;
	return fd;
}

static void creation(void)
{
	char name[300], link[64], text[300] = "";
	int fd = make("a name", MFD_CLOEXEC);

	ok(fd >= 0, "a file in memory");
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "closed by exec");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	readlink(link, text, sizeof(text) - 1);
	is_str(text, "/memfd:a name (deleted)", "its name");
	struct stat status;
	fstat(fd, &status);
	ok(S_ISREG(status.st_mode) && status.st_size == 0 && status.st_nlink == 0, "its status");
	is(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR, "open for both");
	is(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL, "sealed against seals");
	fails(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM, "so it takes none");
	close(fd);
	fails(make("x", 0x80000000u), EINVAL, "an unknown flag");
	fails(make(BAD_POINTER, 0), EFAULT, "a bad name");
	memset(name, 'n', sizeof(name));
	name[249] = '\0';
	fd = make(name, 0);
	ok(fd >= 0, "a name of 249 bytes");
	is(fcntl(fd, F_GETFD), 0, "not closed by exec");
	close(fd);
	name[249] = 'n';
	name[250] = '\0';
	fails(make(name, 0), EINVAL, "of 250");
}

static void size_seals(void)
{
	int fd = sealable();
	char c = 'x';

	is(fcntl(fd, F_GET_SEALS), 0, "no seals at first");
	is(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0, "F_SEAL_SHRINK");
	fails(ftruncate(fd, (off_t)PAGE), EPERM, "no shrinking");
	is(ftruncate(fd, (off_t)(3 * PAGE)), 0, "but growing");
	is(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0, "F_SEAL_GROW");
	is(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW, "both");
	fails(ftruncate(fd, (off_t)(4 * PAGE)), EPERM, "no growing");
	fails(pwrite(fd, &c, 1, (off_t)(3 * PAGE)), EPERM, "by writing neither");
	fails(fallocate(fd, 0, 0, (off_t)(4 * PAGE)), EPERM, "nor by fallocate");
	is(pwrite(fd, &c, 1, (off_t)(3 * PAGE - 1)), 1, "inside, writing goes on");
	is(ftruncate(fd, (off_t)(3 * PAGE)), 0, "the same size is fine");
	fails(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL, "an unknown seal");
	is(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0, "F_SEAL_SEAL");
	fails(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM, "no more seals");
	fails(fcntl(fd, F_ADD_SEALS, 0), EPERM, "not even none");
	close(fd);
}

static void write_seal(void)
{
	int fd = sealable();
	char *p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), c = 'x';

	fails(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "mapped for writing");
	mprotect(p, PAGE, PROT_READ);
	fails(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "it could be again");
	munmap(p, PAGE);
	char *private = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	is(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0, "a private mapping does not matter");
	fails(pwrite(fd, &c, 1, 0), EPERM, "no writing");
	fails(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)PAGE), EPERM,
	      "no holes");
	ok(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM,
	   "no shared mapping that writes");
	private[0] = 'p';
	is(pread(fd, &c, 1, 0), 1, "reading goes on");
	is(c, 'm', "unchanged");
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	ok(p != MAP_FAILED, "a private mapping is still possible");
	is(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0, "sealing again is fine");
	close(fd);
}

static void future_write_seal(void)
{
	int fd = sealable();
	char *p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), c = 'x';

	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE)) {
		skip(9, "no F_SEAL_FUTURE_WRITE");
		return;
	}
	p[0] = 'f';
	is(pread(fd, &c, 1, 0), 1, "a mapping from before");
	is(c, 'f', "writes on");
	fails(pwrite(fd, &c, 1, 0), EPERM, "no other writing");
	ok(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM,
	   "no new mapping that writes");
	char *view = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ok(view != MAP_FAILED, "one that reads");
	is(view[0], 'f', "sees it");
	fails(mprotect(view, PAGE, RW), EACCES, "and cannot become writable");
	fails(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)PAGE), EPERM,
	      "no holes");
	fails(madvise(p, PAGE, MADV_REMOVE), EPERM, "by madvise neither");
	close(fd);
}

static void other_files(void)
{
	int fds[2], fd = sealable();
	char link[64];

	scratch();
	put_file("plain", "x", 1, 0600);
	int plain = open("plain", O_RDWR);
	errno = 0;
	ok(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE) == -1 && (errno == EINVAL || errno == EPERM),
	   "a file of /tmp takes no seals");
	if (pipe(fds))
		return;
	fails(fcntl(fds[0], F_GET_SEALS), EINVAL, "a pipe has none");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	int reader = open(link, O_RDONLY);
	ok(reader >= 0, "opened again, for reading");
	fails(fcntl(reader, F_ADD_SEALS, F_SEAL_WRITE), EPERM, "it cannot seal");
	is(fcntl(reader, F_GET_SEALS), 0, "only look");
}

int main(void)
{
	creation();
	size_seals();
	write_seal();
	future_write_seal();
	other_files();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files in memory: private and shared mappings, coherent with read and write; msync, truncation,
 * memfd.
 */
#include "abi.h"

enum { RW = PROT_READ | PROT_WRITE };

static int fresh(const char *name, size_t pages)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char block[PAGE];

	for (size_t i = 0; i < pages; i++) {
		memset(block, 'a' + (int)i, PAGE);
		(void)!write(fd, block, PAGE);
	}
	return fd;
}

static void private_mappings(void)
{
	int fd = fresh("f", 3);
	char *p = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0), c;

	ok(p != MAP_FAILED, "a private mapping");
	ok(p[0] == 'a' && p[PAGE] == 'b' && p[3 * PAGE - 1] == 'c', "shows the file");
	p[PAGE] = 'X';
	pread(fd, &c, 1, (off_t)PAGE);
	ok(c == 'b', "a write to it does not reach the file");
	ok(p[PAGE + 1] == 'b', "the rest of the page was copied");
	pwrite(fd, "Y", 1, 0);
	ok(p[0] == 'Y', "a write to the file shows where the mapping was not written");
	pwrite(fd, "Y", 1, (off_t)PAGE + 1);
	ok(p[PAGE + 1] == 'b', "but not where it was");
	is(madvise(p, 3 * PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
	ok(p[PAGE] == 'b' && p[PAGE + 1] == 'Y', "brings the file's content back");
	close(fd);
	ok(p[2 * PAGE] == 'c', "the mapping outlives the descriptor");
	unlink("f");
	ok(p[2 * PAGE + 5] == 'c', "and the name");
	munmap(p, 3 * PAGE);
}

static void shared_mappings(void)
{
	int fd = fresh("g", 3), st;
	char *p = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)PAGE), buf[4] = "";

	ok(p != MAP_FAILED && q != MAP_FAILED, "two shared mappings");
	ok(q[0] == 'b', "one with an offset");
	p[PAGE] = 'X';
	ok(q[0] == 'X', "a write shows in the other");
	pread(fd, buf, 1, (off_t)PAGE);
	ok(buf[0] == 'X', "and to read");
	pwrite(fd, "Z", 1, (off_t)PAGE + 7);
	ok(p[PAGE + 7] == 'Z' && q[7] == 'Z', "a write to the file shows in both");
	if (child(&st) == 0) {
		p[0] = 'K';
		_exit(0);
	}
	ok(st == 0 && p[0] == 'K', "a child's write shows in the parent");
	pid_t pid = spawn();
	if (pid == 0) {
		int other = open("g", O_RDWR);
		char *mine = mmap(NULL, PAGE, RW, MAP_SHARED, other, 0);
		mine[1] = 'O';
		_exit(mine[0] == 'K' ? 0 : 1);
	}
	ok(reap(pid) == 0 && p[1] == 'O', "so does another process's mapping of the same file");
	is(msync(p, 3 * PAGE, MS_SYNC), 0, "msync");
	is(msync(p, 3 * PAGE, MS_ASYNC), 0, "MS_ASYNC");
	fails(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL, "both");
	fails(msync(p + 1, PAGE, MS_SYNC), EINVAL, "at an odd address");
	munmap(q, PAGE);
	fails(msync(q, PAGE, MS_SYNC), ENOMEM, "of unmapped memory");
	munmap(p, 3 * PAGE);
	pread(fd, buf, 2, 0);
	ok(memcmp(buf, "KO", 2) == 0, "after munmap the file has it all");
	close(fd);
}

static void permissions_of_the_descriptor(void)
{
	int fd = open("g", O_RDONLY), wo = open("g", O_WRONLY), ends[2];

	ok(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0) != MAP_FAILED,
	   "a read-only file can be mapped private and writable");
	ok(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES,
	   "shared and writable it is EACCES");
	ok(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0) == MAP_FAILED && errno == EACCES,
	   "a write-only one not at all");
	ok(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100) == -1 && errno == EINVAL,
	   "an odd offset is EINVAL");
	pipe(ends);
	ok(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0) == MAP_FAILED && errno == ENODEV,
	   "a pipe is ENODEV");
	int dir = open(".", O_RDONLY);
	ok(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0) == MAP_FAILED && errno == ENODEV,
	   "a directory as well");
	close(dir);
	close(fd);
	close(wo);
}

static void truncation_cuts_mappings(void)
{
	int fd = fresh("t", 3), st;
	char *p = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	char *private = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);

	private[2 * PAGE] = 'P';
	p[PAGE + 50] = 'S';
	ftruncate(fd, (off_t)PAGE + 10);
	ok(p[PAGE + 9] == 'b' && p[PAGE + 10] == 0 && p[PAGE + 50] == 0,
	   "ftruncate clears the rest of the last page");
	if (child(&st) == 0) {
		p[2 * PAGE] = 1;
		_exit(0);
	}
	is(st & 0x7f, SIGBUS, "the pages behind raise SIGBUS");
	if (child(&st) == 0) {
		private[2 * PAGE] = 1;
		_exit(0);
	}
	is(st & 0x7f, SIGBUS, "private copies behind the end are gone too");
	ftruncate(fd, (off_t)(3 * PAGE));
	ok(p[2 * PAGE] == 0, "extended, they are zero");
	p[2 * PAGE] = 'n';
	char c;
	ok(pread(fd, &c, 1, (off_t)(2 * PAGE)) == 1 && c == 'n', "and part of the file");
	munmap(p, 3 * PAGE);
	munmap(private, 3 * PAGE);
	close(fd);
}

static void reading_a_file_into_its_own_mapping(void)
{
	int fd = fresh("s", 2);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	is(pread(fd, p + PAGE, PAGE, 0), (long)PAGE, "read of a file into its own mapping");
	ok(p[PAGE] == 'a' && p[2 * PAGE - 1] == 'a', "copies");
	is(pwrite(fd, p, PAGE, (off_t)PAGE), (long)PAGE, "write from its own mapping");
	is(pwrite(fd, p + 100, 2000, 0), 2000, "even onto itself");
	munmap(p, 2 * PAGE);
	close(fd);
}

static void nameless_memory(void)
{
	int fd = (int)syscall(SYS_memfd_create, "mine", 1U | 2U);
	struct stat st;
	char target[64] = "";

	if (!ok(fd >= 0, "memfd_create"))
		return;
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "with close-on-exec");
	ok(ftruncate(fd, (off_t)(2 * PAGE)) == 0 && fstat(fd, &st) == 0 &&
		   st.st_size == (off_t)(2 * PAGE),
	   "has a size");
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	ok(p != MAP_FAILED && p[PAGE] == 0, "and can be mapped");
	readlink("/proc/self/fd/9999", target, sizeof(target));
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	ok(n > 0 && strncmp(target, "/memfd:mine", 11) == 0, "its link in /proc says what it is");
	munmap(p, 2 * PAGE);
	is(fcntl(fd, 1033, 2 | 4), 0, "F_ADD_SEALS against shrinking and growing");
	is(fcntl(fd, 1034), 6, "F_GET_SEALS");
	fails(ftruncate(fd, 0), EPERM, "holds");
	fails(syscall(SYS_memfd_create, "x", 0x100U), EINVAL, "unknown flags");
	close(fd);
}

static void zero_device(void)
{
	int fd = open("/dev/zero", O_RDWR), st;
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	char *s = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);

	ok(p != MAP_FAILED && p[0] == 0 && p[2 * PAGE - 1] == 0, "/dev/zero mapped private");
	p[0] = 'p';
	ok(p[0] == 'p', "is ordinary memory");
	ok(s != MAP_FAILED, "mapped shared");
	if (child(&st) == 0) {
		s[0] = 's';
		_exit(0);
	}
	ok(st == 0 && s[0] == 's', "it is shared with children");
	munmap(p, 2 * PAGE);
	munmap(s, PAGE);
	close(fd);
}

int main(void)
{
	scratch();
	private_mappings();
	shared_mappings();
	permissions_of_the_descriptor();
	truncation_cuts_mappings();
	reading_a_file_into_its_own_mapping();
	nameless_memory();
	zero_device();
	return done();
}

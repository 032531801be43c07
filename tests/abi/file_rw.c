/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing: offsets, vectors, holes, lseek, truncation, and copying inside the kernel.
 */
#include "abi.h"

#include <limits.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static int fresh(const char *text)
{
	put_file("f", text, strlen(text), 0644);
	return open("f", O_RDWR);
}

static void offsets_move(void)
{
	char buf[16] = "";
	int fd = fresh("0123456789");

	is(read(fd, buf, 4), 4, "read");
	is(lseek(fd, 0, SEEK_CUR), 4, "moves the offset");
	is(pread(fd, buf, 3, 7), 3, "pread");
	ok(memcmp(buf, "789", 3) == 0, "reads at its offset");
	is(lseek(fd, 0, SEEK_CUR), 4, "and leaves the file's");
	is(write(fd, "AB", 2), 2, "write");
	is(pwrite(fd, "Z", 1, 0), 1, "pwrite");
	is(lseek(fd, 0, SEEK_CUR), 6, "only write moves the offset");
	is(pread(fd, buf, 16, 0), 10, "a read is cut at the end");
	buf[10] = '\0';
	is_str(buf, "Z123AB6789", "with everything in its place");
	is(pread(fd, buf, 16, 10), 0, "at the end a read returns 0");
	is(pread(fd, buf, 16, 1000), 0, "and beyond");
	fails(pread(fd, buf, 1, -1), EINVAL, "a negative offset");
	fails(pwrite(fd, buf, 1, -1), EINVAL, "for pwrite as well");
	is(read(fd, buf, 0), 0, "a read of nothing");
	fails(read(fd, BAD_POINTER, 1), EFAULT, "into a bad pointer");
	fails(write(fd, BAD_POINTER, 1), EFAULT, "and from one");
	fails(read(fd, KERNEL_POINTER, 1), EFAULT, "into the kernel");
	close(fd);
}

static void seeking(void)
{
	int fd = fresh("0123456789"), ends[2];

	is(lseek(fd, 3, SEEK_SET), 3, "SEEK_SET");
	is(lseek(fd, 2, SEEK_CUR), 5, "SEEK_CUR");
	is(lseek(fd, -1, SEEK_END), 9, "SEEK_END");
	is(lseek(fd, 100, SEEK_END), 110, "beyond the end");
	fails(lseek(fd, -1, SEEK_SET), EINVAL, "before the start");
	fails(lseek(fd, 0, 99), EINVAL, "an unknown way");
	is(lseek(fd, 0, SEEK_CUR), 110, "errors leave the offset");
	is(lseek(fd, 3, SEEK_DATA), 3, "SEEK_DATA in data");
	is(lseek(fd, 3, SEEK_HOLE), 10, "SEEK_HOLE finds the end");
	fails(lseek(fd, 10, SEEK_DATA), ENXIO, "SEEK_DATA at the end");
	fails(lseek(fd, 11, SEEK_HOLE), ENXIO, "SEEK_HOLE beyond it");
	pipe(ends);
	fails(lseek(ends[0], 0, SEEK_SET), ESPIPE, "a pipe has no offset");
	fails(pread(ends[0], ends, 1, 0), ESPIPE, "nor a position to read at");
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

static void holes_are_zero(void)
{
	static char buf[3 * 4096];
	struct stat st;
	int fd = fresh("");
	bool zero = true;

	is(pwrite(fd, "x", 1, 1 << 20), 1, "a write far beyond the end");
	fstat(fd, &st);
	is(st.st_size, (1 << 20) + 1, "sets the size");
	ok(st.st_blocks * 512 < 1 << 20, "but takes little space");
	is(pread(fd, buf, sizeof(buf), 4096), (long)sizeof(buf), "the hole is read");
	for (size_t i = 0; i < sizeof(buf); i++)
		zero = zero && buf[i] == 0;
	ok(zero, "as zeros");
	is(lseek(fd, 0, SEEK_DATA), 1 << 20, "SEEK_DATA finds the byte's page");
	is(lseek(fd, 0, SEEK_HOLE), 0, "SEEK_HOLE the hole");
	close(fd);
}

static void truncation_cuts_and_extends(void)
{
	char buf[16] = "";
	int fd = fresh("0123456789"), ro;

	is(ftruncate(fd, 4), 0, "ftruncate cuts");
	is(ftruncate(fd, 8), 0, "and extends");
	is(pread(fd, buf, 16, 0), 8, "to the size asked for");
	ok(memcmp(buf, "0123\0\0\0\0", 8) == 0, "what was cut comes back as zeros");
	is(truncate("f", 2), 0, "truncate by name");
	is(lseek(fd, 0, SEEK_END), 2, "shows in open files");
	fails(ftruncate(fd, -1), EINVAL, "a negative size");
	fails(truncate("f", -1), EINVAL, "by name as well");
	fails(truncate("none", 0), ENOENT, "a missing file");
	fails(truncate(".", 0), EISDIR, "a directory");
	ro = open("f", O_RDONLY);
	fails(ftruncate(ro, 0), EINVAL, "a read-only descriptor");
	close(ro);
	fails(ftruncate(-1, 0), EBADF, "no descriptor");
	close(fd);
}

static void vectors_gather_and_scatter(void)
{
	char a[4] = "", b[8] = "", c[4] = "";
	struct iovec out[3] = {{"abc", 3}, {"", 0}, {"defgh", 5}};
	struct iovec in[3] = {{a, 3}, {b, 4}, {c, 4}};
	int fd = fresh("");

	is(writev(fd, out, 3), 8, "writev");
	lseek(fd, 0, SEEK_SET);
	is(readv(fd, in, 3), 8, "readv");
	ok(!strcmp(a, "abc") && !strcmp(b, "defg") && !strcmp(c, "h"), "fills its buffers in turn");
	is(pwritev(fd, out, 1, 100), 3, "pwritev");
	is(preadv(fd, in, 1, 101), 2, "preadv");
	is(syscall(SYS_preadv2, fd, in, 1, 0L, 0L, 0), 3, "preadv2");
	fails(syscall(SYS_preadv2, fd, in, 1, 0L, 0L, 0x8000), EOPNOTSUPP, "an unknown flag");
	is(writev(fd, out, 0), 0, "a vector of nothing");
	fails(writev(fd, out, -1), EINVAL, "a negative count");
	fails(syscall(SYS_writev, fd, out, 1025), EINVAL, "more than IOV_MAX");
	fails(syscall(SYS_writev, fd, BAD_POINTER, 1), EFAULT, "a bad vector");
	out[1].iov_base = BAD_POINTER;
	out[1].iov_len = 5;
	lseek(fd, 0, SEEK_SET);
	ssize_t n = writev(fd, out, 2);
	ok(n == 3 || (n == -1 && errno == EFAULT), "a bad buffer ends the write before it");
	out[0].iov_len = (size_t)-1;
	fails(writev(fd, out, 1), EINVAL, "a length that is negative");
	close(fd);
}

static void big_transfers(void)
{
	size_t size = 1 << 20;
	char *p = map_pages(size / PAGE), *q = map_pages(size / PAGE);
	int fd = fresh("");

	for (size_t i = 0; i < size; i++)
		p[i] = (char)(i * 31 >> 3);
	is(write(fd, p, size), (long)size, "a write of 1 MiB");
	is(pread(fd, q, size, 0), (long)size, "a read of 1 MiB");
	ok(memcmp(p, q, size) == 0, "the same bytes come back");
	is(pwrite(fd, p + 1, 5000, 4095), 5000, "a write across pages");
	is(pread(fd, q, 5002, 4094), 5002, "read back");
	ok(q[0] == p[4094] && memcmp(q + 1, p + 1, 5000) == 0 && q[5001] == p[9095],
	   "byte by byte");
	munmap(q + PAGE, PAGE);
	is(pread(fd, q, 2 * PAGE, 0), (long)PAGE, "a read is cut where its buffer ends");
	munmap(p, size);
	munmap(q, size);
	close(fd);
}

static void kernel_copies(void)
{
	char buf[32] = "";
	int in = fresh("0123456789"), out, ends[2];
	off_t at = 2, to = 1;

	out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	is(sendfile(out, in, &at, 4), 4, "sendfile");
	is(at, 6, "moves the given offset");
	is(lseek(in, 0, SEEK_CUR), 0, "not the file's");
	is(sendfile(out, in, NULL, 100), 10, "without an offset the file's");
	is(lseek(in, 0, SEEK_CUR), 10, "moves");
	is(sendfile(out, in, NULL, 100), 0, "at the end it returns 0");
	is(pread(out, buf, 32, 0), 14, "fourteen bytes arrived");
	ok(memcmp(buf, "23450123456789", 14) == 0, "the right ones");
	pipe(ends);
	at = 0;
	is(sendfile(ends[1], in, &at, 10), 10, "sendfile to a pipe");
	is(read(ends[0], buf, 32), 10, "which holds the bytes");
	fails(sendfile(out, ends[0], NULL, 1), EINVAL, "but not from a pipe");
	fails(sendfile(out, -1, NULL, 1), EBADF, "nor from nothing");
	at = 0;
	is(copy_file_range(in, &at, out, &to, 5, 0), 5, "copy_file_range");
	ok(at == 5 && to == 6, "moves both offsets");
	is(pread(out, buf, 6, 0), 6, "and copies");
	ok(memcmp(buf, "201234", 6) == 0, "the bytes");
	fails(copy_file_range(in, NULL, out, NULL, 5, 1), EINVAL, "with unknown flags");
	close(ends[0]);
	close(ends[1]);
	close(in);
	close(out);
}

static void space_is_allocated(void)
{
	struct stat st;
	char c = 1;
	int fd = fresh("data");

	is(fallocate(fd, 0, 0, 10000), 0, "fallocate");
	fstat(fd, &st);
	is(st.st_size, 10000, "extends the file");
	is(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000), 0, "with FALLOC_FL_KEEP_SIZE");
	fstat(fd, &st);
	is(st.st_size, 10000, "it does not");
	is(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0, "a hole");
	is(pread(fd, &c, 1, 0), 1, "is read");
	is(c, 0, "as zero");
	fails(fallocate(fd, 0, 0, 0), EINVAL, "of no size");
	fails(fallocate(fd, 0, -1, 5), EINVAL, "at a negative offset");
	fails(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 5), EOPNOTSUPP,
	      "a hole that changes the size");
	is(fsync(fd), 0, "fsync");
	is(fdatasync(fd), 0, "fdatasync");
	is(syscall(SYS_fadvise64, fd, 0L, 0L, 0), 0, "fadvise");
	fails(fsync(-1), EBADF, "fsync of nothing");
	close(fd);
}

int main(void)
{
	scratch();
	offsets_move();
	seeking();
	holes_are_zero();
	truncation_cuts_and_extends();
	vectors_gather_and_scatter();
	big_transfers();
	kernel_copies();
	space_is_allocated();
	return done();
}

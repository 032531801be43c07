/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files on disks: where their blocks are (FIEMAP), the flags of chattr(1), ranges that are cut out and put in, and mappings
 * that find no room.  In memory there is nothing of this: all of it is skipped where /tmp is no ext4.
 */
#include "abi.h"

#include <sys/ioctl.h>
#include <sys/vfs.h>

#define FS_IOC_FIEMAP    0xc020660b
#define FS_IOC_GETFLAGS  0x80086601
#define FS_IOC_SETFLAGS  0x40086602
#define COLLAPSE         8
#define INSERT           32
#define EXTENT_LAST      1
#define EXTENT_UNWRITTEN 0x800

enum { BLOCK = 4096, EXTENTS = 16, IMMUTABLE = 0x10, APPEND = 0x20 };

struct extent {
	uint64_t logical, physical, length, reserved64[2];
	uint32_t flags, reserved[3];
};

static struct {
	uint64_t start, length;
	uint32_t flags, mapped, count, reserved;
	struct extent extents[EXTENTS];
} map;

static char bytes[64 * BLOCK], other[64 * BLOCK];

static int ask(int fd, uint64_t start, uint64_t length, uint32_t count)
{
	memset(&map, 0, sizeof(map));
	map.start = start;
	map.length = length;
	map.flags = 1;
	map.count = count;
	return ioctl(fd, FS_IOC_FIEMAP, &map);
}

static int fresh(const char *name, size_t blocks)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i / BLOCK * 3 + i % 251 + 1);
	is(pwrite(fd, bytes, blocks * BLOCK, 0), blocks * BLOCK, "a file of %zu blocks", blocks);
	return fd;
}

static void extents_are_told(void)
{
	int fd = fresh("extents", 4);

	is(pwrite(fd, bytes, BLOCK, 10 * BLOCK), BLOCK, "a block behind a hole");
	is(fallocate(fd, FALLOC_FL_KEEP_SIZE, 20 * BLOCK, 4 * BLOCK), 0, "and some ahead");
	is(ask(fd, 0, UINT64_MAX, 0), 0, "how many extents");
	is(map.mapped, 3, "three");
	is(ask(fd, 0, UINT64_MAX, EXTENTS), 0, "which");
	is(map.mapped, 3, "as many");
	is(map.extents[0].logical, 0, "the first begins at the beginning");
	is(map.extents[0].length, 4 * BLOCK, "with four blocks");
	ok(map.extents[0].physical != 0 && map.extents[0].physical % BLOCK == 0, "somewhere");
	is(map.extents[0].flags, 0, "of data");
	is(map.extents[1].logical, 10 * BLOCK, "the second is behind the hole");
	is(map.extents[2].flags, EXTENT_UNWRITTEN | EXTENT_LAST, "the last is unwritten");
	is(ask(fd, 0, UINT64_MAX, 2), 0, "with room for two");
	is(map.mapped, 2, "two are told");
	is(map.extents[1].flags, 0, "and neither is the last");
	is(ask(fd, 2 * BLOCK, 2 * BLOCK, EXTENTS), 0, "a range");
	is(map.mapped, 1, "has one");
	fails(ask(fd, 0, 0, EXTENTS), EINVAL, "no length");
	map.flags = 0x80;
	map.length = BLOCK;
	fails(ioctl(fd, FS_IOC_FIEMAP, &map), EBADR, "a flag that nobody knows");
	fails(ioctl(fd, FS_IOC_FIEMAP, BAD_POINTER), EFAULT, "a bad pointer");
	close(fd);
}

static void flags_are_kept(void)
{
	int fd = fresh("flags", 1), old = 0, flags, again;

	is(ioctl(fd, FS_IOC_GETFLAGS, &old), 0, "flags");
	flags = old | APPEND;
	is(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0, "append only");
	fails(open("flags", O_RDWR), EPERM, "is not opened to be overwritten");
	fails(truncate("flags", 0), EPERM, "nor cut");
	again = open("flags", O_WRONLY | O_APPEND);
	ok(again >= 0 && write(again, "x", 1) == 1, "but appended to");
	close(again);
	flags = old | IMMUTABLE;
	is(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0, "immutable");
	flags = 0;
	is(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0, "is told");
	is(flags & (IMMUTABLE | APPEND), IMMUTABLE, "and the other one is gone");
	fails(open("flags", O_WRONLY | O_APPEND), EPERM, "it is not opened for writing");
	fails(chmod("flags", 0600), EPERM, "its mode stays");
	fails(rename("flags", "other"), EPERM, "its name stays");
	fails(unlink("flags"), EPERM, "it stays");
	fails(link("flags", "other"), EPERM, "and gets no other name");
	is(ioctl(fd, FS_IOC_SETFLAGS, &old), 0, "as before");
	is(unlink("flags"), 0, "it can go");
	close(fd);
}

static void ranges_are_cut_out_and_put_in(void)
{
	int fd = fresh("ranges", 32);
	struct stat st;

	is(fallocate(fd, COLLAPSE, 8 * BLOCK, 4 * BLOCK), 0, "four blocks are cut out");
	is(fstat(fd, &st), 0, "then");
	is(st.st_size, 28 * BLOCK, "the file is shorter");
	is(pread(fd, other, sizeof(other), 0), 28 * BLOCK, "and");
	ok(memcmp(other, bytes, 8 * BLOCK) == 0, "what was before is there");
	ok(memcmp(other + 8 * BLOCK, bytes + 12 * BLOCK, 20 * BLOCK) == 0, "what was behind, too");
	is(fallocate(fd, INSERT, 8 * BLOCK, 4 * BLOCK), 0, "four are put in");
	is(pread(fd, other, sizeof(other), 0), 32 * BLOCK, "it is as long as it was");
	ok(memcmp(other, bytes, 8 * BLOCK) == 0 &&
		   memcmp(other + 12 * BLOCK, bytes + 12 * BLOCK, 20 * BLOCK) == 0,
	   "all else is where it was");
	memset(bytes + 8 * BLOCK, 0, 4 * BLOCK);
	ok(memcmp(other, bytes, 32 * BLOCK) == 0, "with zeros between");
	is(lseek(fd, 0, SEEK_HOLE), 8 * BLOCK, "which are a hole");
	fails(fallocate(fd, COLLAPSE, BLOCK + 1, BLOCK), EINVAL, "not at a block");
	fails(fallocate(fd, COLLAPSE, 31 * BLOCK, BLOCK), EINVAL, "the end cannot be cut out");
	fails(fallocate(fd, INSERT, 32 * BLOCK, BLOCK), EINVAL, "nothing is put in at the end");
	ok(fallocate(fd, COLLAPSE | INSERT, 0, BLOCK) == -1 &&
		   (errno == EINVAL || errno == EOPNOTSUPP),
	   "not both");
	ok(fallocate(fd, COLLAPSE | FALLOC_FL_KEEP_SIZE, 0, BLOCK) == -1 &&
		   (errno == EINVAL || errno == EOPNOTSUPP),
	   "not with the size kept");
	close(fd);
}

static void a_file_of_many_pieces_is_shifted(void)
{
	enum { PIECES = 900 };
	int fd = open("pieces", O_RDWR | O_CREAT | O_TRUNC, 0644), wrong = 0;

	for (uint64_t i = 0; i < PIECES; i++)
		wrong += pwrite(fd, &i, sizeof(i), (off_t)(2 * i * BLOCK)) != sizeof(i);
	is(wrong, 0, "%d pieces", PIECES);
	is(fsync(fd), 0, "on the disk");
	is(fallocate(fd, INSERT, 100 * BLOCK, 7 * BLOCK), 0, "seven blocks in the midst of them");
	is(fallocate(fd, COLLAPSE, 0, 2 * BLOCK), 0, "two less at the beginning");
	for (uint64_t i = 1, got; i < PIECES; i++) {
		uint64_t at = 2 * i - 2 + (i >= 50 ? 7 : 0);

		wrong += pread(fd, &got, sizeof(got), (off_t)(at * BLOCK)) != sizeof(got) ||
			 got != i;
	}
	is(wrong, 0, "all are where they should be");
	close(fd);
}

/* The disk is full: a child writes to a hole through a mapping. */
static void a_mapping_without_room_is_told_at_once(void)
{
	int fd = open("hole", O_RDWR | O_CREAT | O_TRUNC, 0644);
	int full = open("full", O_RDWR | O_CREAT | O_TRUNC, 0644), status;
	struct statfs fs;
	char *at;

	is(ftruncate(fd, 64 * BLOCK), 0, "a hole");
	is(statfs(".", &fs), 0, "how much room there is");
	if (fallocate(full, 0, 0, (off_t)(fs.f_bavail * (uint64_t)fs.f_bsize)) != 0)
		for (off_t end = lseek(full, 0, SEEK_END); write(full, bytes, BLOCK) == BLOCK;
		     end += BLOCK)
			;
	while (write(full, bytes, sizeof(bytes)) > 0)
		lseek(full, 0, SEEK_END);
	fsync(full);
	at = mmap(NULL, 64 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(at != MAP_FAILED, "a mapping");
	pid_t pid = fork();
	if (pid == 0) {
		if (become(1000, 1000) != 0)
			_exit(9);
		for (int i = 0; i < 64; i++)
			at[i * BLOCK] = 1;
		_exit(0);
	}
	is(waitpid(pid, &status, 0), pid, "who writes to it");
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "gets SIGBUS");
	is(msync(at, 64 * BLOCK, MS_SYNC), 0, "and what was written is safe");
	munmap(at, 64 * BLOCK);
	close(full);
	unlink("full");
	close(fd);
}

static void what_is_behind_the_end_is_nobodys(void)
{
	int fd = fresh("end", 1);
	char *at;

	is(ftruncate(fd, 100), 0, "a short file");
	at = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(at != MAP_FAILED, "a mapping");
	memset(at, 'x', BLOCK);
	munmap(at, BLOCK);
	is(fsync(fd), 0, "it goes to the disk");
	is(ftruncate(fd, BLOCK), 0, "and becomes longer");
	is(pread(fd, other, BLOCK, 0), BLOCK, "what it has then");
	ok(other[99] == 'x' && other[100] == 0, "is what was written in it");
	is(memcmp(other + 100, other + 101, BLOCK - 101), 0, "and zeros");
	close(fd);
}

int main(void)
{
	struct statfs fs;

	scratch();
	if (statfs(".", &fs) != 0 || fs.f_type != 0xef53 || fs.f_bsize != BLOCK) {
		skip(1, "not on an ext4 with blocks of 4 KiB");
		return done();
	}
	extents_are_told();
	flags_are_kept();
	ranges_are_cut_out_and_put_in();
	a_file_of_many_pieces_is_shifted();
	what_is_behind_the_end_is_nobodys();
	/* Not on somebody's own disk. */
	if (fs.f_blocks * (uint64_t)fs.f_bsize < (1ull << 30))
		a_mapping_without_room_is_told_at_once();
	return done();
}

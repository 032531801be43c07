/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices every program expects: null, zero, full, random, urandom, tty.
 */
#include "abi.h"

#include <sys/sysmacros.h>

static void nodes_are_there(void)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} nodes[] = {{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
		     {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
		     {"/dev/ptmx", 5, 2},   {"/dev/console", 5, 1}};
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		is(stat(nodes[i].path, &st), 0, "%s is there", nodes[i].path);
		ok(S_ISCHR(st.st_mode) && major(st.st_rdev) == nodes[i].major &&
			   minor(st.st_rdev) == nodes[i].minor,
		   "a character device, %u:%u", nodes[i].major, nodes[i].minor);
	}
	stat("/dev/null", &st);
	is(st.st_mode & 0777, 0666, "/dev/null is everybody's");
}

static void null_swallows(void)
{
	char buf[16];
	int fd = open("/dev/null", O_RDWR | O_CREAT | O_TRUNC, 0666);

	ok(fd >= 0, "/dev/null opens, O_CREAT and O_TRUNC or not");
	is(write(fd, buf, 16), 16, "a write succeeds");
	is(write(fd, BAD_POINTER, 16), 16, "and does not look at its buffer");
	is(read(fd, buf, 16), 0, "a read is at the end");
	is(lseek(fd, 100, SEEK_SET), 0, "lseek stays at 0");
	close(fd);
}

static void zero_gives_zeros(void)
{
	char buf[5000];
	bool zero = true;
	int fd = open("/dev/zero", O_RDWR);

	memset(buf, 1, sizeof(buf));
	is(read(fd, buf, sizeof(buf)), (long)sizeof(buf), "/dev/zero fills a buffer");
	for (size_t i = 0; i < sizeof(buf); i++)
		zero = zero && buf[i] == 0;
	ok(zero, "with zeros");
	is(write(fd, buf, 10), 10, "a write is swallowed");
	fails(read(fd, BAD_POINTER, 10), EFAULT, "a bad buffer is seen");
	close(fd);
	fd = open("/dev/full", O_RDWR);
	is(read(fd, buf, 10), 10, "/dev/full is read as zeros");
	fails(write(fd, buf, 10), ENOSPC, "and is full");
	close(fd);
}

static void random_is_random(const char *path)
{
	unsigned char a[4096], b[4096];
	int counts[256] = {0}, same = 0;
	int fd = open(path, O_RDWR);

	is(read(fd, a, sizeof(a)), (long)sizeof(a), "%s fills a buffer", path);
	is(read(fd, b, sizeof(b)), (long)sizeof(b), "and again");
	bool even = true;
	for (size_t i = 0; i < sizeof(a); i++) {
		counts[a[i]]++;
		same += a[i] == b[i];
	}
	for (int i = 0; i < 256; i++)
		even = even && counts[i] > 0 && counts[i] < 64;
	ok(even, "every byte comes about as often");
	ok(same < 100, "two reads differ");
	is(write(fd, a, 10), 10, "anybody may write to it");
	fails(read(fd, BAD_POINTER, 10), EFAULT, "a bad buffer is seen");
	close(fd);
}

static void there_is_no_terminal(void)
{
	int st;

	fails(open("/dev/tty", O_RDWR), ENXIO, "/dev/tty without a controlling terminal");
	fails(open("/dev/nosuch", O_RDWR), ENOENT, "a device that does not exist");
	mknod("odd", S_IFCHR | 0600, (dev_t)makedev(250, 77));
	fails(open("odd", O_RDWR), ENXIO, "a node without a driver");
	if (child(&st) == 0) {
		become(1000, 1000);
		int fd = open("/dev/null", O_RDWR);
		_exit(fd >= 0 ? 0 : 1);
	}
	is(st, 0, "a user opens /dev/null");
}

int main(void)
{
	scratch();
	nodes_are_there();
	null_swallows();
	zero_gives_zeros();
	random_is_random("/dev/urandom");
	random_is_random("/dev/random");
	there_is_no_terminal();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files on ext4, on a RAM disk: what the file system, the page cache and the block layer cost, without a disk's time.
 *
 * The image comes along as the pages of it that are not zeros.  Reads are cold: the file system is
 * unmounted and mounted again before them.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FILES = 10000,
	DATA = 64 * MIB,
	PIECE = 128 * 1024,
	BLOCK = 4096,
	RANDOM = 4000,
	SYNCS = 1000
};

static const char *const device = "/ram0", *const image = "/image", *const big = "/m/data";
static char *buffer;

/* --- The disk --- */

static void load_driver(void)
{
	int fd = open("/brd.ko", O_RDONLY);

	if (fd >= 0)
		syscall(SYS_finit_module, fd, "rd_nr=1 rd_size=393216", 0);
	close(fd);
	mknod(device, S_IFBLK | 0600, makedev(1, 0));
}

static void fill_disk(void)
{
	int from = open(image, O_RDONLY), to = open(device, O_WRONLY);
	uint64_t at;

	if (from < 0 || to < 0)
		unsupported("the disk");
	while (read(from, &at, sizeof(at)) == sizeof(at))
		if (read(from, buffer, BLOCK) != BLOCK ||
		    pwrite(to, buffer, BLOCK, (off_t)at) != BLOCK)
			unsupported("the image");
	close(from);
	if (fsync(to) != 0 || close(to) != 0)
		unsupported("the disk");
}

static void attach(void)
{
	if (mount(device, "/m", "ext4", 0, NULL) != 0)
		unsupported("mount");
}

static void attach_again(void)
{
	if (umount("/m") != 0)
		unsupported("umount");
	attach();
}

static int open_data(int flags)
{
	int fd = open(big, flags | O_CREAT, 0644);

	if (fd < 0)
		unsupported("open");
	return fd;
}

/* --- Names --- */

static const char *name_of(int number)
{
	static char name[64];

	snprintf(name, sizeof(name), "/m/files/file%d", number);
	return name;
}

static double files_created(void)
{
	double start = now();

	mkdir("/m/files", 0755);
	for (int i = 0; i < FILES; i++)
		if (close(open(name_of(i), O_CREAT | O_EXCL | O_WRONLY, 0644)) != 0)
			unsupported("create");
	sync();
	return per(start, FILES);
}

static double files_found(void)
{
	struct stat status;
	double start;

	attach_again();
	start = now();
	for (int i = 0; i < FILES; i++)
		if (stat(name_of(i), &status) != 0)
			unsupported("stat");
	return per(start, FILES);
}

static double files_removed(void)
{
	double start = now();

	for (int i = 0; i < FILES; i++)
		if (unlink(name_of(i)) != 0)
			unsupported("unlink");
	sync();
	return per(start, FILES);
}

static double unpacked(void)
{
	double start = now();
	pid_t pid = fork_child();
	int status;

	if (pid == 0) {
		execl("/busybox", "tar", "xf", "/source.tar", "-C", "/m", NULL);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		unsupported("tar");
	sync();
	return per(start, 1);
}

/* --- Data --- */

static off_t a_block(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (off_t)((state >> 33) % (DATA / BLOCK) * BLOCK);
}

static double in_order(int flags, bool writes)
{
	int fd = open_data(flags);
	double start = now();

	for (off_t at = 0; at < DATA; at += PIECE)
		if ((writes ? pwrite(fd, buffer, PIECE, at) : pread(fd, buffer, PIECE, at)) !=
		    PIECE)
			unsupported("transfer");
	if (writes && fsync(fd) != 0)
		unsupported("fsync");
	close(fd);
	return per(start, DATA / 1024);
}

static double anywhere(int flags, bool writes)
{
	int fd = open_data(flags);
	double start = now();

	for (int i = 0; i < RANDOM; i++)
		if ((writes ? pwrite(fd, buffer, BLOCK, a_block())
			    : pread(fd, buffer, BLOCK, a_block())) != BLOCK)
			unsupported("transfer");
	if (writes && fsync(fd) != 0)
		unsupported("fsync");
	close(fd);
	return per(start, RANDOM);
}

static double written(void)
{
	return in_order(O_WRONLY, true);
}

static double overwritten(void)
{
	return in_order(O_WRONLY, true);
}

static double read_back(void)
{
	attach_again();
	return in_order(O_RDONLY, false);
}

static double written_directly(void)
{
	return in_order(O_WRONLY | O_DIRECT, true);
}

static double read_directly(void)
{
	return in_order(O_RDONLY | O_DIRECT, false);
}

static double written_anywhere(void)
{
	return anywhere(O_WRONLY, true);
}

static double read_anywhere(void)
{
	attach_again();
	return anywhere(O_RDONLY, false);
}

static double written_anywhere_directly(void)
{
	return anywhere(O_WRONLY | O_DIRECT, true);
}

static double read_anywhere_directly(void)
{
	return anywhere(O_RDONLY | O_DIRECT, false);
}

static double mapped(void)
{
	volatile char *map;
	double start;
	int fd;

	attach_again();
	fd = open_data(O_RDONLY);
	map = mmap(NULL, DATA, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		unsupported("mmap");
	start = now();
	for (size_t at = 0; at < DATA; at += PAGE)
		(void)map[at];
	return per(start, DATA / PAGE);
}

static double synced(void)
{
	int fd = open("/m/log", O_CREAT | O_WRONLY | O_APPEND, 0644);
	double start = now();

	for (int i = 0; i < SYNCS; i++)
		if (write(fd, buffer, 200) != 200 || fsync(fd) != 0)
			unsupported("fsync");
	close(fd);
	return per(start, SYNCS);
}

static const struct row rows[] = {
	{"create, a file of 10,000", files_created},
	{"stat, cold, a file of 10,000", files_found},
	{"unlink, a file of 10,000", files_removed},
	{"untar of Lua's source, and sync", unpacked},
	{"write in order and fsync, a KiB", written},
	{"overwrite in order and fsync, a KiB", overwritten},
	{"read in order, cold, a KiB", read_back},
	{"write 4 KiB anywhere, and one fsync", written_anywhere},
	{"read 4 KiB anywhere, cold", read_anywhere},
	{"write in order, O_DIRECT, a KiB", written_directly},
	{"read in order, O_DIRECT, a KiB", read_directly},
	{"write 4 KiB anywhere, O_DIRECT", written_anywhere_directly},
	{"read 4 KiB anywhere, O_DIRECT", read_anywhere_directly},
	{"mapped file, cold, a page", mapped},
	{"append 200 bytes and fsync", synced},
};

int main(void)
{
	machine_begin(NULL);
	buffer = map_memory(PIECE, false);
	load_driver();
	fill_disk();
	memset(buffer, 0x5a, PIECE);
	mkdir("/m", 0755);
	attach();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		printf("row\t%s\t%.1f\n", rows[i].name, rows[i].measure());
		fflush(stdout);
	}
	machine_end();
	return 0;
}

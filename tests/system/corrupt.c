/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks with some words changed, mounted, read and changed further.  Whatever the kernel makes of
 * them, it lives, and each run comes to its end.
 *
 *	corrupt TYPE RUNS SEED IMAGE	mounts copies of the image as that type
 *	corrupt partitions RUNS SEED DISK	has tables of partitions on it read
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* As in linux/loop.h, which musl lacks. */
enum { LOOP_SET_FD = 0x4c00, LOOP_CLR_FD = 0x4c01, LOOP_CTL_GET_FREE = 0x4c82 };

enum {
	WORDS_MOST = 24,
	DEPTH_MOST = 6,
	ENTRIES_MOST = 300,
	RUN_SECONDS = 60,
	LINE = 16,
	SECTOR = 512
};

static uint64_t state;
static unsigned char *image;
static size_t image_size, *lines, line_count; /* places of 16 bytes that are not all zeros */
static int disk = -1;
static unsigned entries;

static uint64_t pick(uint64_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % below;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void load(const char *path)
{
	static const unsigned char none[LINE];
	struct stat status;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &status) != 0)
		fail(path);
	image_size = (size_t)status.st_size;
	image = malloc(image_size);
	lines = calloc(image_size / LINE, sizeof(*lines));
	if (!image || !lines || read(fd, image, image_size) != (ssize_t)image_size)
		fail(path);
	close(fd);
	for (size_t at = 0; at + LINE <= image_size; at += LINE)
		if (memcmp(image + at, none, LINE) != 0)
			lines[line_count++] = at;
}

/* --- One run's disk --- */

static void write_at(const void *bytes, size_t size, size_t at)
{
	if (pwrite(disk, bytes, size, (off_t)at) != (ssize_t)size)
		fail("image");
}

/* Small numbers, large ones, others' words and single bits: what a check could have forgotten. */
static void change_word(void)
{
	/* What describes the rest comes first. */
	size_t at = lines[pick(pick(2) ? line_count : line_count / 4 + 1)] + pick(4) * 4;
	uint32_t word;

	memcpy(&word, image + at, sizeof(word));
	switch (pick(5)) {
	case 0:
		word = (uint32_t)pick(64);
		break;
	case 1:
		word = ~(uint32_t)pick(64);
		break;
	case 2:
		memcpy(&word, image + lines[pick(line_count)], sizeof(word));
		break;
	case 3:
		word ^= (uint32_t)1 << pick(32);
		break;
	default:
		word += (uint32_t)pick(512) - 256;
	}
	write_at(&word, sizeof(word), at);
}

static void make_disk(void)
{
	write_at(image, image_size, 0);
	for (uint64_t words = 1 + pick(WORDS_MOST); words > 0; words--)
		change_word();
}

static int attach(char *device, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR), number, fd;

	number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	if (number < 0)
		fail("loop-control");
	close(control);
	snprintf(device, size, "/dev/loop%d", number);
	fd = open(device, O_RDWR);
	if (fd < 0 || ioctl(fd, LOOP_SET_FD, disk) != 0)
		fail(device);
	return fd;
}

/* --- What is done with it --- */

static void read_file(const char *path)
{
	static char bytes[16384];
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return;
	for (int i = 0; i < 4 && read(fd, bytes, sizeof(bytes)) > 0; i++)
		;
	close(fd);
}

static void walk(const char *path, int depth)
{
	char name[4096], text[4096];
	DIR *directory = opendir(path);
	struct dirent *entry;
	struct stat status;

	if (!directory)
		return;
	while (entries < ENTRIES_MOST && (entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) >= (int)sizeof(name))
			break;
		entries++;
		(void)!llistxattr(name, text, sizeof(text));
		(void)!lgetxattr(name, "user.color", text, sizeof(text));
		if (lstat(name, &status) != 0)
			continue;
		if (S_ISLNK(status.st_mode))
			(void)!readlink(name, text, sizeof(text));
		else if (S_ISREG(status.st_mode))
			read_file(name);
		else if (S_ISDIR(status.st_mode) && depth < DEPTH_MOST)
			walk(name, depth + 1);
	}
	closedir(directory);
}

static void change_file(const char *path, off_t at)
{
	static char bytes[20000];
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);

	if (fd < 0)
		return;
	(void)!pwrite(fd, bytes, sizeof(bytes), at);
	(void)!ftruncate(fd, (off_t)pick(9000));
	if (pick(2))
		(void)!fsync(fd);
	close(fd);
}

static void change_names(const char *path)
{
	char name[4096], other[4096];
	DIR *directory = opendir(path);
	struct dirent *entry;

	snprintf(other, sizeof(other), "%s/new directory", path);
	(void)!mkdir(other, 0755);
	for (int i = 0; directory && i < 12 && (entry = readdir(directory)); i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		switch (pick(4)) {
		case 0:
			(void)!unlink(name);
			break;
		case 1:
			snprintf(other, sizeof(other), "%s/new directory/a longer name %d", path,
				 i);
			(void)!rename(name, other);
			break;
		case 2:
			change_file(name, (off_t)pick(40000));
			break;
		default:
			(void)!rmdir(name);
		}
	}
	if (directory)
		closedir(directory);
	snprintf(name, sizeof(name), "%s/new file", path);
	change_file(name, 0);
}

static bool use(const char *device, const char *type)
{
	unsigned long flags = pick(4) == 0 || strcmp(type, "iso9660") == 0 ? MS_RDONLY : 0;

	if (mount(device, "/mounted", type, flags, NULL) != 0)
		return false;
	entries = 0;
	walk("/mounted", 0);
	if (!(flags & MS_RDONLY)) {
		change_names("/mounted");
		change_names("/mounted/tree");
		entries = 0;
		walk("/mounted", 0);
	}
	if (umount("/mounted") != 0)
		fail("umount");
	return true;
}

static void file_systems(const char *type, unsigned runs)
{
	unsigned mounted = 0;
	char device[32];

	for (unsigned run = 0; run < runs; run++) {
		int fd;

		alarm(RUN_SECONDS);
		make_disk();
		fd = attach(device, sizeof(device));
		mounted += use(device, type);
		if (ioctl(fd, LOOP_CLR_FD) != 0)
			fail("LOOP_CLR_FD");
		close(fd);
	}
	printf("corrupt: %s: %u runs, %u mounted\n", type, runs, mounted);
}

/* --- Tables of partitions --- */

static void put32(unsigned char *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* A sector like those of an MBR and of the tables in extended partitions. */
static void fill_table(unsigned char *sector)
{
	static const unsigned char types[] = {0, 5, 0x0f, 0x85, 0x83, 0x0c, 0xee};

	for (int i = 0; i < 4; i++) {
		unsigned char *entry = sector + 446 + i * 16;

		entry[4] = types[pick(sizeof(types))];
		put32(entry + 8, pick(8) ? (uint32_t)pick(200) : ~(uint32_t)pick(9));
		put32(entry + 12, pick(8) ? (uint32_t)pick(300) : ~(uint32_t)pick(9));
	}
	sector[510] = 0x55;
	sector[511] = pick(16) ? 0xaa : 0;
}

static void partitions(const char *device, unsigned runs)
{
	enum { SECTORS = 256 };
	static unsigned char tables[SECTORS * SECTOR];
	unsigned read_again = 0;
	int fd = open(device, O_RDWR);

	if (fd < 0)
		fail(device);
	for (unsigned run = 0; run < runs; run++) {
		alarm(RUN_SECONDS);
		for (int i = 0; i < SECTORS; i++)
			fill_table(tables + i * SECTOR);
		if (pick(3) == 0)
			memcpy(tables + SECTOR, "EFI PART\0\0\1\0\x5c\0\0", 16);
		if (pwrite(fd, tables, sizeof(tables), 0) != (ssize_t)sizeof(tables))
			fail(device);
		read_again += ioctl(fd, BLKRRPART) == 0;
	}
	close(fd);
	printf("corrupt: partitions: %u runs, %u read\n", runs, read_again);
}

int main(int argc, char **argv)
{
	unsigned runs = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

	state = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	klogctl(8, NULL, 1);
	mkdir("/mounted", 0755);
	disk = open("/corrupt.img", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (argc < 5 || disk < 0)
		return 1;
	if (strcmp(argv[1], "partitions") == 0) {
		partitions(argv[4], runs);
		return 0;
	}
	load(argv[4]);
	file_systems(argv[1], runs);
	return 0;
}

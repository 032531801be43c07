/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree of files that one kernel makes and another reads.
 *
 *	tree make DIR		everything that a file system can keep: types, modes, owners, times,
 *				attributes, holes, long and many names
 *	tree change DIR SEED N	N random changes of it
 *	tree noise DIR N	files that come, go and are synced, so that a journal has something in it
 *	tree show DIR		a line a file with all that another kernel has to find again
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { EXCHANGE = 2 }; /* RENAME_EXCHANGE */
enum { NAMES = 700, FOLDERS = 8, FILES = 96, PIECE = 40000, VALUE_MAX = 2000 };

static uint64_t state = 1;
static unsigned char bytes[1 << 18];

static uint32_t pick(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % below;
}

static void must(int good, const char *what)
{
	if (good)
		return;
	printf("wrong: %s (errno %d)\n", what, errno);
	exit(1);
}

static void fill(size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)pick(256);
}

static void write_at(int fd, size_t size, off_t at)
{
	fill(size);
	must(pwrite(fd, bytes, size, at) == (ssize_t)size, "write");
}

static int create(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR, 0644);

	must(fd >= 0, name);
	return fd;
}

static void put(const char *name, size_t size)
{
	int fd = create(name);

	write_at(fd, size, 0);
	close(fd);
}

static void set_attribute(const char *path, const char *name, size_t size)
{
	fill(size);
	must(lsetxattr(path, name, bytes, size, 0) == 0, name);
}

/* --- make --- */

static void make_data(void)
{
	int fd;

	close(create("empty"));
	put("small", 7);
	put("large", 200000);
	fd = create("holes");
	for (int i = 0; i < 12; i++)
		write_at(fd, 5000, (off_t)i * 333333);
	must(ftruncate(fd, 70000001) == 0, "truncate");
	close(fd);
	fd = create("far");
	write_at(fd, 100, 0x3fff00000ll);
	close(fd);
	fd = create("ahead");
	write_at(fd, 10000, 0);
	if (fallocate(fd, 0, 0, 300000) == 0)
		write_at(fd, 9000, 100000);
	close(fd);
	fd = create("punched");
	write_at(fd, 200000, 0);
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50000, 70000) == 0, "punch");
	close(fd);
	fd = create("mapped");
	must(ftruncate(fd, 100000) == 0, "truncate");
	unsigned char *map = mmap(NULL, 100000, PROT_WRITE, MAP_SHARED, fd, 0);
	must(map != MAP_FAILED, "mmap");
	for (size_t i = 0; i < 100000; i += 3000)
		map[i] = (unsigned char)i | 1;
	munmap(map, 100000);
	close(fd);
}

static void make_times(void)
{
	static const int64_t seconds[] = {-1000000000, 0, 1, 2147483647, 2147483648, 4102444800};
	char name[32];

	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		struct timespec times[2] = {{seconds[i], 1}, {seconds[i], 999999999}};

		snprintf(name, sizeof(name), "time%zu", i);
		put(name, 1);
		/* Small inodes have 32 bits, and no nanoseconds. */
		must(utimensat(AT_FDCWD, name, times, 0) == 0, name);
	}
}

static void make_names(void)
{
	char name[256], target[1200];

	must(mkdir("many", 0755) == 0 && mkdir("deep", 01777) == 0, "mkdir");
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "many/a name of some length, number %d", i);
		close(create(name));
	}
	for (int i = 0; i < NAMES; i += 3) {
		snprintf(name, sizeof(name), "many/a name of some length, number %d", i);
		must(unlink(name) == 0, "unlink");
	}
	strcpy(name, "deep");
	for (int i = 0; i < 30; i++) {
		strcat(name, "/d");
		must(mkdir(name, 0700) == 0, "mkdir");
	}
	memset(name, 'n', 255);
	name[255] = '\0';
	put(name, 10);
	put("\xc3\xa4\xe6\x97\xa5 \t*", 20);
	memset(target, 't', sizeof(target));
	target[59] = '\0';
	must(symlink(target, "link59") == 0, "symlink");
	target[59] = 't';
	target[60] = '\0';
	must(symlink(target, "link60") == 0, "symlink");
	target[60] = 't';
	target[1000] = '\0'; /* fits into a block of 1 KiB */
	must(symlink(target, "link1000") == 0, "symlink");
	must(link("large", "deep/second") == 0 && link("large", "third") == 0, "link");
	must(mkfifo("fifo", 0600) == 0, "mkfifo");
	must(mknod("small-device", S_IFCHR | 0660, makedev(1, 3)) == 0, "mknod");
	must(mknod("large-device", S_IFBLK | 0660, makedev(300, 70000)) == 0, "mknod");
	must(mknod("socket", S_IFSOCK | 0644, 0) == 0, "mknod");
}

static void make_attributes(void)
{
	char name[32];

	put("owned", 5);
	must(chown("owned", 70000, 4000000000u) == 0 && chmod("owned", 06755) == 0, "chown");
	must(lchown("link59", 1, 2) == 0, "lchown");
	put("attributes", 5);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "user.name%d", i);
		set_attribute("attributes", name, (size_t)i * 7);
	}
	set_attribute("attributes", "trusted.one", 100);
	set_attribute("attributes", "security.two", 33);
	must(removexattr("attributes", "user.name4") == 0, "removexattr");
	put("one-attribute", 5);
	set_attribute("one-attribute", "user.x", 700);
	must(mkdir("folder", 0751) == 0, "mkdir");
	set_attribute("folder", "trusted.of a folder", 40);
	set_attribute("link60", "trusted.link", 40);
}

static void make_folders(void)
{
	char name[32];

	for (int i = 0; i < FOLDERS; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		must(mkdir(name, 0755) == 0, "mkdir");
	}
}

/* --- change --- */

static const char *a_name(void)
{
	static char names[2][32];
	static int turn;

	turn = !turn;
	snprintf(names[turn], sizeof(names[turn]), "f%u/%u", pick(FOLDERS), pick(FILES));
	return names[turn];
}

static void change_map(int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || status.st_size == 0)
		return;
	unsigned char *map =
		mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(map != MAP_FAILED, "mmap");
	for (int i = 0; i < 10; i++)
		map[pick((uint32_t)status.st_size)] = (unsigned char)pick(256);
	munmap(map, (size_t)status.st_size);
}

static void change_data(const char *name)
{
	int fd = create(name), mode = 0;

	switch (pick(6)) {
	case 0:
		must(ftruncate(fd, pick(5 * PIECE)) == 0, "truncate");
		break;
	case 1:
		mode = pick(4) == 0 ? (pick(2) ? 0x08 : 0x20)
		       : pick(2)    ? FALLOC_FL_KEEP_SIZE
				    : FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
		if (mode & (0x08 | 0x20)) /* FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE */
			(void)!fallocate(fd, mode, pick(20) * 4096, (1 + pick(5)) * 4096);
		else if (fallocate(fd, mode, pick(4 * PIECE), 1 + pick(PIECE)) != 0)
			must(errno == EOPNOTSUPP, "fallocate");
		break;
	case 2:
		change_map(fd);
		break;
	default:
		write_at(fd, 1 + pick(PIECE), pick(4 * PIECE));
	}
	close(fd);
}

static void change_attribute(const char *name)
{
	char attribute[32];

	close(create(name));
	snprintf(attribute, sizeof(attribute), "user.%u", pick(6));
	if (pick(3) == 0 && removexattr(name, attribute) == 0)
		return;
	fill(VALUE_MAX);
	if (setxattr(name, attribute, bytes, pick(8) == 0 ? pick(VALUE_MAX) : pick(40), 0) != 0)
		must(errno == ENOSPC, "setxattr");
}

static void change(void)
{
	const char *name = a_name();

	switch (pick(12)) {
	case 0:
		unlink(name);
		break;
	case 1:
		if (link(name, a_name()) != 0)
			must(errno == ENOENT || errno == EEXIST, "link");
		break;
	case 2:
	case 3:
		if (rename(name, a_name()) != 0)
			must(errno == ENOENT, "rename");
		break;
	case 4:
		if (syscall(SYS_renameat2, AT_FDCWD, name, AT_FDCWD, a_name(), EXCHANGE) != 0)
			must(errno == ENOENT, "exchange");
		break;
	case 5:
		if (chmod(name, 0600 + pick(0200)) != 0 ||
		    chown(name, pick(100000), pick(100000)) != 0)
			must(errno == ENOENT, "chmod");
		break;
	case 6:
	case 7:
		change_attribute(name);
		break;
	default:
		change_data(name);
	}
}

static void noise(int count)
{
	char name[32], other[32];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "noise%d", pick(40));
		snprintf(other, sizeof(other), "noise%d", pick(40));
		int fd = create(name);
		write_at(fd, 1 + pick(PIECE), pick(PIECE));
		if (pick(4) == 0)
			must(fsync(fd) == 0, "fsync");
		if (pick(3) == 0)
			must(rename(name, other) == 0, "rename");
		if (pick(5) == 0)
			unlink(other);
		close(fd);
	}
}

/* --- show --- */

static uint64_t hash;

static void hash_bytes(const unsigned char *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ from[i]) * 1099511628211ull;
}

/* The data with where it lies: reading all of the holes would take long. */
static void hash_data(const char *path, off_t size)
{
	static unsigned char buffer[1 << 16];
	int fd = open(path, O_RDONLY);
	off_t at = 0;

	must(fd >= 0, path);
	while (at < size && (at = lseek(fd, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(fd, at, SEEK_HOLE);

		for (ssize_t got; at < end; at += got) {
			got = pread(fd, buffer, sizeof(buffer), at);
			must(got > 0, "read");
			/* What was written as zeros may be a hole or not. */
			for (ssize_t i = 0; i < got; i++) {
				uint64_t place = (uint64_t)(at + i);

				if (buffer[i] == 0)
					continue;
				hash_bytes((const unsigned char *)&place, sizeof(place));
				hash_bytes(buffer + i, 1);
			}
		}
	}
	close(fd);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_attributes(const char *path)
{
	static char list[65536];
	static unsigned char value[65536];
	char *names[256];
	ssize_t size = llistxattr(path, list, sizeof(list)), length;
	int count = 0;

	must(size >= 0, "listxattr");
	for (char *name = list; name < list + size && count < 256; name += strlen(name) + 1)
		names[count++] = name;
	qsort(names, (size_t)count, sizeof(*names), by_text);
	for (int i = 0; i < count; i++) {
		length = lgetxattr(path, names[i], value, sizeof(value));
		must(length >= 0, "getxattr");
		hash = 14695981039346656037ull;
		hash_bytes(value, (size_t)length);
		printf(" %s=%zd,%llx", names[i], length, (unsigned long long)hash);
	}
}

static void show(const char *path);

static void show_below(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	must(count >= 0, path);
	for (int i = 0; i < count; i++) {
		char below[4096];

		if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0) {
			snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
			show(below);
		}
		free(entries[i]);
	}
	free(entries);
}

static void show(const char *path)
{
	struct stat st;
	char target[4096];
	ssize_t length;

	must(lstat(path, &st) == 0, path);
	hash = 14695981039346656037ull;
	if (S_ISREG(st.st_mode))
		hash_data(path, st.st_size);
	if (S_ISLNK(st.st_mode) && (length = readlink(path, target, sizeof(target))) > 0)
		hash_bytes((unsigned char *)target, (size_t)length);
	printf("tree %s %o %u:%u %lu %lld %lld %u,%u %lld.%09ld %lld.%09ld %llx", path, st.st_mode,
	       st.st_uid, st.st_gid, (unsigned long)st.st_nlink, (long long)st.st_size,
	       (long long)st.st_blocks, major(st.st_rdev), minor(st.st_rdev),
	       (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec,
	       st.st_ctim.tv_nsec, (unsigned long long)hash);
	show_attributes(path);
	printf("\n");
	if (S_ISDIR(st.st_mode))
		show_below(path);
}

int main(int argc, char **argv)
{
	umask(0);
	must(argc >= 3 && chdir(argv[2]) == 0, "usage: tree make|change|noise|show DIR …");
	if (strcmp(argv[1], "make") == 0) {
		make_data();
		make_times();
		make_names();
		make_attributes();
		make_folders();
	} else if (strcmp(argv[1], "change") == 0 && argc == 5) {
		state = strtoull(argv[3], NULL, 0);
		for (int i = atoi(argv[4]); i > 0; i--)
			change();
	} else if (strcmp(argv[1], "noise") == 0 && argc == 4) {
		noise(atoi(argv[3]));
	} else {
		show(".");
	}
	return 0;
}

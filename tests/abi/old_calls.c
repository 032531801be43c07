/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that only old programs make: ustat, sysfs, remap_file_pages.
 */
#include "abi.h"

#include <sys/statfs.h>
#include <sys/sysmacros.h>

struct ustat {
	int blocks;
	unsigned long files;
	char name[6], pack[6];
};

/* As the kernel wants numbers of devices. */
static unsigned number_of(dev_t device)
{
	return (minor(device) & 0xffu) | major(device) << 8 | (minor(device) & ~0xffu) << 12;
}

static void statistics(void)
{
	struct ustat figures;
	struct stat status;

	memset(&figures, 0xff, sizeof(figures));
	is(stat("/dev/shm", &status) == 0 || stat("/dev", &status) == 0, 1, "a file system");
	is(syscall(SYS_ustat, number_of(status.st_dev), &figures), 0, "has figures");
	is(figures.name[0], 0, "no name");
	is(figures.pack[0], 0, "and no pack");
	fails(syscall(SYS_ustat, 0xfff0ffu, &figures), EINVAL, "no such device");
	fails(syscall(SYS_ustat, number_of(status.st_dev), BAD_POINTER), EFAULT, "no memory");
}

static void types(void)
{
	char name[64] = "";
	long count = syscall(SYS_sysfs, 3);

	if (count < 0 && errno == ENOSYS) {
		skip(9, "this kernel is made without sysfs(2)");
		return;
	}
	ok(count > 2, "there are types of file systems");
	long index = syscall(SYS_sysfs, 1, "proc");
	ok(index >= 0 && index < count, "one has a number");
	is(syscall(SYS_sysfs, 2, index, name), 0, "and the number a name");
	is_str(name, "proc", "the same");
	fails(syscall(SYS_sysfs, 1, "no such type"), EINVAL, "no such type");
	fails(syscall(SYS_sysfs, 1, BAD_POINTER), EFAULT, "no name");
	fails(syscall(SYS_sysfs, 2, count, name), EINVAL, "no such number");
	fails(syscall(SYS_sysfs, 2, 0, BAD_POINTER), EFAULT, "no memory for the name");
	fails(syscall(SYS_sysfs, 4), EINVAL, "no such question");
}

static long remap(void *start, size_t size, long prot, size_t index, int flags)
{
	return syscall(SYS_remap_file_pages, start, size, prot, index, flags);
}

static void parts_of_files(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char page[PAGE];

	for (int i = 0; i < 8; i++) {
		memset(page, 'a' + i, sizeof(page));
		is(write(fd, page, sizeof(page)), sizeof(page), "page %d", i);
	}
	char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(map != MAP_FAILED, "mapped");
	is(remap(map, PAGE, 0, 5, 0), 0, "another part at the beginning");
	is(map[0], 'f', "is seen");
	is(map[PAGE], 'b', "the rest stays");
	is(remap(map + PAGE + 7, 2 * PAGE + 100, 0, 6, 0), 0, "bounds are rounded down");
	ok(map[PAGE] == 'g' && map[2 * PAGE] == 'h' && map[3 * PAGE] == 'd', "two pages");
	map[PAGE] = 'X';
	is(pread(fd, page, 1, 6 * PAGE), 1, "a write");
	is(page[0], 'X', "goes to the right page");
	is(remap(map, 4 * PAGE, 0, 0, MAP_NONBLOCK), 0, "all of it back again");
	ok(map[0] == 'a' && map[PAGE] == 'b' && map[3 * PAGE] == 'd', "as at first");
	is(mprotect(map, PAGE, PROT_READ), 0, "one page read-only");
	is(remap(map, PAGE, 0, 3, 0), 0, "shows another");
	is(map[0], 'd', "read");
	fails(remap(map, 4 * PAGE, 0, 0, 0), EINVAL, "not two protections at once");
	fails(remap(map, PAGE, PROT_READ, 0, 0), EINVAL, "a protection is not given");
	fails(remap(map, 100, 0, 0, 0), EINVAL, "less than a page");
	fails(remap(map, -PAGE, 0, 0, 0), EINVAL, "more than there is");
	fails(remap(map, 2 * PAGE, 0, -1UL, 0), EINVAL, "behind the end of all files");
	munmap(map, 4 * PAGE);
	fails(remap(map, PAGE, 0, 0, 0), EINVAL, "nothing there");
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	fails(remap(map, PAGE, 0, 1, 0), EINVAL, "not of private mappings");
	munmap(map, PAGE);
	close(fd);
}

int main(void)
{
	scratch();
	statistics();
	types();
	parts_of_files();
	return done();
}

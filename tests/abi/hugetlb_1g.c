/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages of 1 GiB: private and shared.  Skips where no GiB of memory is to be had for one.
 */
#include "abi.h"
#include "hugetlb.h"
#include <sys/mount.h>

#define ONE_GIB ((unsigned)SHIFT_1G << MAP_HUGE_SHIFT)

static long free_pages(void)
{
	return number_in(POOL_1G "free_hugepages");
}

static long promised(void)
{
	return number_in(POOL_1G "resv_hugepages");
}

static char *map(size_t length, int flags)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE,
		    MAP_ANONYMOUS | MAP_HUGETLB | (int)ONE_GIB | flags, -1, 0);
}

static void private_memory(void)
{
	int status;
	char *p = map(GIGANTIC, MAP_PRIVATE);

	ok(p != MAP_FAILED, "a page of 1 GiB");
	is((uintptr_t)p % GIGANTIC, 0, "aligned");
	is(free_pages(), 1, "not taken yet");
	is(promised(), 1, "but promised");
	ok(map(GIGANTIC, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM, "and no other");
	p[GIGANTIC / 2] = 1;
	is(free_pages() + promised(), 0, "a touch takes it");
	is(p[0] | p[GIGANTIC - 1], 0, "of zeros");
	p[GIGANTIC - 1] = 2;
	is(smaps_of(p, "KernelPageSize"), 1L << 20, "its size in smaps");
	/* Linux counts it as the one or the other, as it finds its references just then. */
	is(smaps_of(p, "Private_Hugetlb") + smaps_of(p, "Shared_Hugetlb"), 1L << 20,
	   "what is there");
	fails(munmap(p, HUGE_PAGE), EINVAL, "munmap of a part");
	fails(mprotect(p + HUGE_PAGE, GIGANTIC, PROT_READ), EINVAL, "mprotect that is not aligned");
	if (child(&status) == 0) {
		is(p[GIGANTIC / 2], 1, "a child sees it");
		_exit(0);
	}
	/* Only its parent has been promised the page: now and then Linux refuses it to the child. */
	ok(status == EXITED(0) || status == KILLED(SIGBUS), "the child ends");
	p[GIGANTIC / 2] = 3;
	is(p[GIGANTIC / 2] + p[GIGANTIC - 1], 5, "it is the parent's");
	is(mprotect(p, GIGANTIC, PROT_READ), 0, "mprotect of the whole");
	ok(WIFSIGNALED(writes_end(p)), "it cannot be written");
	is(mprotect(p, GIGANTIC, PROT_READ | PROT_WRITE), 0, "and back");
	p[7] = 1;
	is(madvise(p, GIGANTIC, MADV_DONTNEED), 0, "MADV_DONTNEED");
	is(free_pages(), 1, "gives it back");
	is(p[7], 0, "until it is touched");
	is(free_pages(), 0, "again");
	is(munmap(p, GIGANTIC), 0, "munmap");
	is(free_pages(), 1, "and it is free");
	is(promised(), 0, "and promised to nobody");
}

static void shared_memory(void)
{
	int status, fd;
	char *p = map(GIGANTIC, MAP_SHARED), buffer[4];

	ok(p != MAP_FAILED, "a shared one");
	p[5] = 1;
	if (child(&status) == 0) {
		p[GIGANTIC - 5] = p[5] + 1;
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(p[GIGANTIC - 5], 2, "and has written for both");
	is(munmap(p, GIGANTIC), 0, "munmap");
	is(free_pages(), 1, "and it is free");

	fd = memfd_create("gigantic", MFD_HUGETLB | ONE_GIB);
	ok(fd >= 0, "memfd_create");
	fails(ftruncate(fd, HUGE_PAGE), EINVAL, "a size that is not whole");
	is(ftruncate(fd, GIGANTIC), 0, "ftruncate");
	p = mmap(NULL, GIGANTIC, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[GIGANTIC / 2] = 4;
	is(pread(fd, buffer, 1, GIGANTIC / 2), 1, "read");
	is(buffer[0], 4, "what was written");
	is(ftruncate(fd, 0), 0, "nothing is left");
	is(free_pages(), 1, "and it is free");
	ok(is_bus_error(writes_end(p)), "who maps it gets SIGBUS");
	munmap(p, GIGANTIC);
	close(fd);
}

static void mounted(void)
{
	char *p;
	int fd;

	scratch();
	mkdir("huge", 0755);
	if (mount("none", "huge", "hugetlbfs", 0, "pagesize=1G") != 0) {
		skip(1, "hugetlbfs cannot be mounted here");
		return;
	}
	fd = open("huge/file", O_CREAT | O_RDWR, 0600);
	p = mmap(NULL, GIGANTIC, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(p != MAP_FAILED, "a file of hugetlbfs");
	p[0] = 1;
	is(free_pages(), 0, "has it");
	munmap(p, GIGANTIC);
	close(fd);
	is(free_pages(), 0, "and keeps it");
	is(unlink("huge/file"), 0, "unlink");
	is(free_pages(), 1, "until it is gone");
	is(umount("huge"), 0, "umount");
}

int main(void)
{
	long before = number_in(POOL_1G "nr_hugepages");

	if (before == 0)
		set_number(POOL_1G "nr_hugepages", 1);
	if (before > 1 || free_pages() != 1) {
		skip(1, "no page of 1 GiB of our own");
		return done();
	}
	private_memory();
	shared_memory();
	mounted();
	fails(set_number(POOL_1G "nr_overcommit_hugepages", 1) ? 0 : -1, EINVAL, "none beyond");
	ok(set_number(POOL_1G "nr_hugepages", 0), "the pool is emptied");
	is(number_in(POOL_1G "nr_hugepages"), 0, "wholly");
	if (before != 0)
		set_number(POOL_1G "nr_hugepages", before);
	return done();
}

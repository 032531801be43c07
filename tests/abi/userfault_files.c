/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * userfaultfd where a file is mapped, and for huge pages of the pool: pages that are write-protected
 * whether they are there or not, and stay so while they come and go; huge pages that are missing,
 * brought and protected whole.
 */
#include "userfault.h"

#include "hugetlb.h"

enum {
	UFFD_FEATURE_MISSING_HUGETLBFS = 1 << 4,
	UFFD_FEATURE_MINOR_HUGETLBFS = 1 << 9,
	UFFD_FEATURE_WP_HUGETLBFS_SHMEM = 1 << 12,
};

static const unsigned long wp_fault = UFFD_PAGEFAULT_FLAG_WP | UFFD_PAGEFAULT_FLAG_WRITE;

/* A write at `at` is held up, and succeeds when `unit` bytes around it are no longer protected. */
static void write_is_asked(int fd, char *at, size_t unit, const char *what)
{
	char *page = (char *)((uintptr_t)at & ~(unit - 1));
	struct toucher toucher;
	struct uffd_msg got;

	begin(&toucher, at, true);
	ok(message(fd, &got) && got.arg.pagefault.flags == wp_fault, "%s: a write is a message",
	   what);
	is(got.arg.pagefault.address, (unsigned long)page, "%s: of that page", what);
	ok(!toucher.finished, "%s: and waits", what);
	is(protect(fd, page, unit, false), 0, "%s: permitted", what);
	is(end(&toucher), 'w', "%s: it is written", what);
}

/* --- Shared memory --- */

static void protected_shared_memory(void)
{
	int fd = ready_fd(UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
	int file = memfd_create("watched", MFD_CLOEXEC);
	char *source = map_pages(1);

	memset(source, 's', PAGE);
	ftruncate(file, 8 * PAGE);
	char *pages = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	char *view = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	memset(pages, 'a', 4 * PAGE);
	struct uffdio_register call = {.range = {(unsigned long)pages, 8 * PAGE},
				       .mode = UFFDIO_REGISTER_MODE_WP};
	if (!ok(ioctl(fd, UFFDIO_REGISTER, &call) == 0, "a memfd is registered for writes"))
		return;
	ok(call.ioctls & 1ul << _UFFDIO_WRITEPROTECT, "which can be protected");
	is(protect(fd, pages, 8 * PAGE, true), 0, "protected, there or not");
	is(pages[0], 'a', "what is there is read");
	write_is_asked(fd, pages + 5, PAGE, "a page that is mapped");
	is(view[5], 'w', "the file has it");
	pages[6] = 'x';
	view[PAGE] = 'v';
	ok(is_quiet(fd), "another mapping is not asked about");
	is(pages[PAGE], 'v', "and seen through this one");
	write_is_asked(fd, pages + 4 * PAGE, PAGE, "a page that is not there");
	is(pages[5 * PAGE], 0, "a hole is read");
	write_is_asked(fd, pages + 5 * PAGE, PAGE, "a page that was read");
	madvise(pages + PAGE, PAGE, MADV_DONTNEED);
	is(pages[PAGE], 'v', "what was dropped comes again");
	write_is_asked(fd, pages + PAGE, PAGE, "a page that was dropped");
	madvise(pages + 2 * PAGE, PAGE, MADV_DONTNEED);
	write_is_asked(fd, pages + 2 * PAGE, PAGE, "a page that was dropped and not read");
	mprotect(pages + 3 * PAGE, PAGE, PROT_NONE);
	mprotect(pages + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	write_is_asked(fd, pages + 3 * PAGE, PAGE, "a page that was hidden");
	mprotect(pages + 6 * PAGE, PAGE, PROT_NONE);
	mprotect(pages + 6 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	is(pages[6 * PAGE], 0, "a hole that was hidden");
	write_is_asked(fd, pages + 6 * PAGE, PAGE, "a hole that was hidden");

	is(protect(fd, pages + 7 * PAGE, PAGE, false), 0, "a page that is not there, permitted");
	pages[7 * PAGE] = 'z';
	ok(is_quiet(fd), "nobody is asked");
	protect(fd, pages, 8 * PAGE, true);
	withdraw(fd, pages, 8 * PAGE);
	pages[0] = 'c';
	madvise(pages, PAGE, MADV_DONTNEED);
	is(enroll(fd, pages, 8 * PAGE, UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MISSING), 0,
	   "registered anew");
	pages[0] = 'd';
	pages[PAGE] = 'd';
	ok(is_quiet(fd), "nothing is protected then");
	fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4 * PAGE, 2 * PAGE);
	is(bring(fd, pages + 4 * PAGE, source, PAGE, UFFDIO_COPY_MODE_WP), PAGE,
	   "a hole is filled, protected");
	is(view[4 * PAGE], 's', "the file has it");
	write_is_asked(fd, pages + 4 * PAGE, PAGE, "a page that was brought");
	protect(fd, pages, PAGE, true);
	close(fd);
	pages[0] = 'e';
	is(pages[0], 'e', "closing permits all");
	munmap(pages, 8 * PAGE);
	munmap(view, 8 * PAGE);
	munmap(source, PAGE);
	close(file);
}

/* What is protected stays so while its pages are swapped, perhaps. */
static void protected_while_it_comes_and_goes(void)
{
	int fd = ready_fd(UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
	char *pages =
		mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(pages, 'a', 4 * PAGE);
	enroll(fd, pages, 4 * PAGE, UFFDIO_REGISTER_MODE_WP);
	protect(fd, pages, 4 * PAGE, true);
	madvise(pages, 4 * PAGE, MADV_PAGEOUT);
	write_is_asked(fd, pages, PAGE, "shared memory that was paged out");
	is(pages[PAGE], 'a', "its neighbour is read");
	write_is_asked(fd, pages + PAGE, PAGE, "what was read");
	close(fd);
	pages[3 * PAGE] = 'b';
	is(pages[3 * PAGE], 'b', "closing permits all");
	munmap(pages, 4 * PAGE);
}

static void protected_private_mapping(void)
{
	int fd = ready_fd(UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
	int file = memfd_create("private", MFD_CLOEXEC);
	char byte = 'f';

	ftruncate(file, 2 * PAGE);
	pwrite(file, &byte, 1, 0);
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	is(enroll(fd, pages, 2 * PAGE, UFFDIO_REGISTER_MODE_WP), 0, "a private mapping of a memfd");
	protect(fd, pages, 2 * PAGE, true);
	write_is_asked(fd, pages + 1, PAGE, "a page to be copied");
	is(pages[0], 'f', "the copy has the file's bytes");
	pread(file, &byte, 1, 1);
	is(byte, 0, "and the file not the copy's");
	close(fd);
	munmap(pages, 2 * PAGE);
	close(file);
}

/* --- Huge pages --- */

static char *map_huge(unsigned flags, int file)
{
	return mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE, flags, file, 0);
}

static void missing_huge_pages(bool shared)
{
	const char *kind = shared ? "shared" : "private";
	int fd = ready_fd(UFFD_FEATURE_MISSING_HUGETLBFS);
	char *pages =
		map_huge(MAP_ANONYMOUS | MAP_HUGETLB | (shared ? MAP_SHARED : MAP_PRIVATE), -1);
	char *source =
		mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct toucher toucher;
	struct uffd_msg got;

	memset(source, 's', HUGE_PAGE);
	source[HUGE_PAGE - 1] = 'e';
	struct uffdio_register call = {.range = {(unsigned long)pages, 2 * HUGE_PAGE},
				       .mode = UFFDIO_REGISTER_MODE_MISSING};
	is(ioctl(fd, UFFDIO_REGISTER, &call), 0, "%s huge pages are registered", kind);
	is(call.ioctls & 1ul << _UFFDIO_ZEROPAGE, 0, "%s: there is no huge page of zeros", kind);
	fails(enroll(fd, pages + PAGE, HUGE_PAGE, UFFDIO_REGISTER_MODE_MISSING), EINVAL,
	      "not from the middle of one");
	fails(enroll(fd, pages, HUGE_PAGE + PAGE, UFFDIO_REGISTER_MODE_MISSING), EINVAL,
	      "nor to it");
	begin(&toucher, pages + HUGE_PAGE + 5 * PAGE, false);
	ok(message(fd, &got) && got.arg.pagefault.flags == 0, "%s: a missing one", kind);
	is(got.arg.pagefault.address, (unsigned long)pages + HUGE_PAGE, "%s: all of it", kind);
	is(bring(fd, pages + HUGE_PAGE, source, PAGE, 0), -EINVAL, "%s: a part is too little",
	   kind);
	is(bring_zeros(fd, pages + HUGE_PAGE, HUGE_PAGE), -EINVAL, "%s: zeros", kind);
	is(bring(fd, pages + HUGE_PAGE, source, HUGE_PAGE, 0), HUGE_PAGE, "%s: brought", kind);
	is(end(&toucher), 's', "%s: and read", kind);
	is(pages[2 * HUGE_PAGE - 1], 'e', "%s: to its end", kind);
	is(bring(fd, pages + HUGE_PAGE, source, HUGE_PAGE, 0), -EEXIST, "%s: once", kind);
	is(bring(fd, pages, BAD_POINTER, HUGE_PAGE, 0), -EFAULT, "%s: from nowhere", kind);
	pages[HUGE_PAGE] = 'w';
	is(pages[HUGE_PAGE + 1], 's', "%s: it is memory as any other", kind);
	close(fd);
	is(pages[0], 0, "%s: without a reader nobody waits", kind);
	munmap(pages, 2 * HUGE_PAGE);
	munmap(source, HUGE_PAGE);
}

static void minor_faults_of_huge_pages(void)
{
	int fd = ready_fd(UFFD_FEATURE_MINOR_HUGETLBFS);
	int file = (int)syscall(SYS_memfd_create, "minor", MFD_HUGETLB);
	struct toucher toucher;
	struct uffd_msg got;

	ftruncate(file, 2 * HUGE_PAGE);
	char *view = map_huge(MAP_SHARED, file), *pages = map_huge(MAP_SHARED, file);
	view[3] = 'v';
	is(enroll(fd, pages, 2 * HUGE_PAGE, UFFDIO_REGISTER_MODE_MINOR), 0, "minor faults");
	begin(&toucher, pages + 3, false);
	ok(message(fd, &got) && got.arg.pagefault.flags == UFFD_PAGEFAULT_FLAG_MINOR,
	   "a huge page that the file has, and we do not");
	view[3] = 'n';
	struct uffdio_continue call = {.range = {(unsigned long)pages, HUGE_PAGE}};
	is(ioctl(fd, UFFDIO_CONTINUE, &call), 0, "goes on");
	is(call.mapped, HUGE_PAGE, "with all of it");
	is(end(&toucher), 'n', "as it is then");
	call.range.start += HUGE_PAGE;
	fails(ioctl(fd, UFFDIO_CONTINUE, &call), EFAULT, "not with what the file does not have");
	close(fd);
	munmap(view, 2 * HUGE_PAGE);
	munmap(pages, 2 * HUGE_PAGE);
	close(file);
}

static void protected_huge_pages(bool shared)
{
	const char *kind = shared ? "a shared huge page" : "a huge page";
	int fd = ready_fd(UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
	char *pages =
		map_huge(MAP_ANONYMOUS | MAP_HUGETLB | (shared ? MAP_SHARED : MAP_PRIVATE), -1);
	char *source =
		mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(source, 's', HUGE_PAGE);
	pages[7] = 'a';
	is(enroll(fd, pages, 2 * HUGE_PAGE, UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MISSING),
	   0, "%s for writes", kind);
	is(protect(fd, pages, PAGE, true), -1, "%s: a part of it cannot be protected", kind);
	is(errno, EINVAL, "EINVAL");
	is(protect(fd, pages, HUGE_PAGE, true), 0, "%s is protected", kind);
	is(pages[7], 'a', "%s can be read", kind);
	write_is_asked(fd, pages + 9 * PAGE, HUGE_PAGE, kind);
	pages[100 * PAGE] = 'b';
	ok(is_quiet(fd), "%s is writable as a whole", kind);
	is(pages[7], 'a', "%s has what it had", kind);
	is(bring(fd, pages + HUGE_PAGE, source, HUGE_PAGE, UFFDIO_COPY_MODE_WP), HUGE_PAGE,
	   "%s is brought, protected", kind);
	is(pages[HUGE_PAGE + 3 * PAGE], 's', "%s that was brought", kind);
	write_is_asked(fd, pages + HUGE_PAGE + 3 * PAGE, HUGE_PAGE, kind);
	is(pages[HUGE_PAGE], 's', "%s keeps the rest", kind);
	close(fd);
	pages[0] = 'c';
	munmap(pages, 2 * HUGE_PAGE);
	munmap(source, HUGE_PAGE);
}

static void huge_pages_protected_before_they_come(void)
{
	int fd = ready_fd(UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
	char *pages = map_huge(MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1);

	enroll(fd, pages, 2 * HUGE_PAGE, UFFDIO_REGISTER_MODE_WP);
	is(protect(fd, pages, 2 * HUGE_PAGE, true), 0, "huge pages that are not there");
	is(pages[5], 0, "are read");
	write_is_asked(fd, pages + 5, HUGE_PAGE, "a huge page that was read");
	write_is_asked(fd, pages + HUGE_PAGE, HUGE_PAGE, "a huge page that has not been there");
	close(fd);
	munmap(pages, 2 * HUGE_PAGE);
}

int main(void)
{
	protected_shared_memory();
	protected_while_it_comes_and_goes();
	protected_private_mapping();
	if (!make_pool())
		return done();
	missing_huge_pages(false);
	missing_huge_pages(true);
	minor_faults_of_huge_pages();
	protected_huge_pages(false);
	protected_huge_pages(true);
	huge_pages_protected_before_they_come();
	pool_is(BLOCKS, 0, "at the end");
	set_pool(0);
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared huge pages: MAP_SHARED | MAP_HUGETLB, memfd_create(MFD_HUGETLB), shmget(SHM_HUGETLB) and
 * hugetlbfs; whose promises are the file's.
 */
#include "abi.h"
#include "hugetlb.h"
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/statfs.h>

static char *map_shared(size_t length, int fd, off_t offset)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

static void anonymous(void)
{
	int status;
	char *p = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	ok(p != MAP_FAILED, "two shared huge pages");
	is((uintptr_t)p % HUGE_PAGE, 0, "aligned");
	pool_is(BLOCKS, 2, "mapped");
	p[0] = 1;
	pool_is(BLOCKS - 1, 1, "one touched");
	if (child(&status) == 0) {
		is(p[0], 1, "a child sees it");
		p[1] = 2;
		p[HUGE_PAGE + 5] = 3;
		pool_is(BLOCKS - 2, 0, "it takes what was promised");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(p[1] + p[HUGE_PAGE + 5], 5, "and has written for both");
	is(smaps_of(p, "Private_Hugetlb") + smaps_of(p, "Shared_Hugetlb"), 4096, "smaps: both");
	is(smaps_of(p, "KernelPageSize"), 2048, "smaps: their size");
	fails(munmap(p, PAGE), EINVAL, "munmap of a part");
	fails(mprotect(p + PAGE, HUGE_PAGE, PROT_READ), EINVAL, "mprotect that is not aligned");
	is(mprotect(p, HUGE_PAGE, PROT_READ), 0, "mprotect of one");
	ok(WIFSIGNALED(writes_end(p)), "it cannot be written");
	is(p[1], 2, "but read");
	is(mprotect(p, HUGE_PAGE, PROT_READ | PROT_WRITE), 0, "and back");
	p[PAGE] = 9;
	is(p[PAGE] + p[1], 11, "it can be written");
	is(munmap(p, HUGE_PAGE), 0, "munmap of the first");
	is(p[HUGE_PAGE + 5], 3, "the second is there");
	is(munmap(p + HUGE_PAGE, HUGE_PAGE), 0, "munmap of it");
	pool_is(BLOCKS, 0, "unmapped");
	p = mmap(NULL, (BLOCKS + 1) * HUGE_PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ok(p == MAP_FAILED && errno == ENOMEM, "not more than there are");
	pool_is(BLOCKS, 0, "nothing is kept of that");
}

static void moving(void)
{
	char *p = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	char *place = mmap(NULL, 4 * HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	place += HUGE_PAGE - (uintptr_t)place % HUGE_PAGE;
	p[0] = 1;
	p[HUGE_PAGE] = 2;
	ok(mremap(p, 2 * HUGE_PAGE, 2 * HUGE_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place,
	   "mremap to a place");
	is(place[0] + place[HUGE_PAGE], 3, "with what is there");
	ok(!readable(p), "and nothing left");
	is(mremap(place, 2 * HUGE_PAGE, 3 * HUGE_PAGE, MREMAP_MAYMOVE) == MAP_FAILED, 1,
	   "not larger");
	pool_is(BLOCKS - 2, 0, "moved");
	is(munmap(place, 2 * HUGE_PAGE), 0, "munmap");
	pool_is(BLOCKS, 0, "unmapped");
}

static void nameless_files(void)
{
	int fd = memfd_create("large", MFD_HUGETLB | MFD_ALLOW_SEALING), other;
	struct stat status;
	char buffer[16];

	ok(fd >= 0, "memfd_create(MFD_HUGETLB)");
	fstat(fd, &status);
	is(status.st_blksize, HUGE_PAGE, "its blocks are huge pages");
	fails(write(fd, "x", 1), EINVAL, "write");
	fails(ftruncate(fd, PAGE), EINVAL, "a size that is not whole");
	is(ftruncate(fd, 3 * HUGE_PAGE), 0, "ftruncate");
	pool_is(BLOCKS, 0, "a file of holes");
	is(pread(fd, buffer, 4, 17), 4, "holes can be read");
	is(buffer[0] | buffer[3], 0, "as zeros");
	pool_is(BLOCKS, 0, "which brings nothing");
	char *p = map_shared(2 * HUGE_PAGE, fd, HUGE_PAGE);
	ok(p != MAP_FAILED, "a mapping");
	pool_is(BLOCKS, 2, "its pages are promised");
	char *again = map_shared(3 * HUGE_PAGE, fd, 0);
	pool_is(BLOCKS, 3, "each of them once");
	fails((long)map_shared(HUGE_PAGE, fd, PAGE), EINVAL, "an offset that is not whole");
	strcpy(p + 5, "hello");
	is(pread(fd, buffer, 6, HUGE_PAGE + 5), 6, "what is written there");
	is_str(buffer, "hello", "is the file's");
	is_str(again + HUGE_PAGE + 5, "hello", "and every mapping's");
	pool_is(BLOCKS - 1, 2, "one page");
	munmap(p, 2 * HUGE_PAGE);
	munmap(again, 3 * HUGE_PAGE);
	pool_is(BLOCKS - 1, 2, "promises stay with the file");
	fstat(fd, &status);
	is(status.st_blocks, (long)(HUGE_PAGE / 512), "st_blocks");

	is(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0, "a seal");
	fails(ftruncate(fd, HUGE_PAGE), EPERM, "that forbids a smaller size");
	close(fd);
	pool_is(BLOCKS, 0, "closed");
	other = memfd_create("by size", MFD_HUGETLB | (unsigned)SHIFT_2M << MAP_HUGE_SHIFT);
	ok(other >= 0, "of 2 MiB by name");
	close(other);
	fails(memfd_create("none", MFD_HUGETLB | 12u << MAP_HUGE_SHIFT), ENODEV, "none of 4 KiB");
	fails(memfd_create("none", (unsigned)SHIFT_2M << MAP_HUGE_SHIFT), EINVAL,
	      "no size without MFD_HUGETLB");
}

/* Truncation and holes: who maps what has gone gets SIGBUS, or a page anew. */
static void sizes_and_holes(void)
{
	int fd = memfd_create("holes", MFD_HUGETLB);
	char *p;

	is(fallocate(fd, 0, 0, 3 * HUGE_PAGE), 0, "fallocate");
	pool_is(BLOCKS - 3, 0, "brings pages");
	p = map_shared(3 * HUGE_PAGE, fd, 0);
	pool_is(BLOCKS - 3, 0, "a mapping needs no others");
	p[0] = 1;
	p[HUGE_PAGE] = 2;
	p[2 * HUGE_PAGE] = 3;
	p[2 * HUGE_PAGE + 1] = 4;
	is(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, HUGE_PAGE, HUGE_PAGE), 0,
	   "a hole");
	pool_is(BLOCKS - 2, 0, "gives a page back");
	is(p[HUGE_PAGE], 0, "which is anew when it is read");
	pool_is(BLOCKS - 3, 0, "from the pool");
	is(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * HUGE_PAGE, 1), 0,
	   "a hole of one byte");
	is(p[2 * HUGE_PAGE], 0, "clears it");
	is(p[2 * HUGE_PAGE + 1], 4, "and no more");
	is(madvise(p, HUGE_PAGE, MADV_REMOVE), 0, "MADV_REMOVE");
	pool_is(BLOCKS - 2, 0, "the same");
	is(p[0], 0, "zeros");
	is(madvise(p, HUGE_PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
	pool_is(BLOCKS - 3, 0, "takes nothing from the file");
	is(ftruncate(fd, HUGE_PAGE), 0, "ftruncate");
	pool_is(BLOCKS - 1, 0, "takes all that is beyond");
	is(p[0], 0, "what is left can be read");
	ok(is_bus_error(writes_end(p + HUGE_PAGE)), "what is not is SIGBUS");
	munmap(p, 3 * HUGE_PAGE);
	close(fd);
	pool_is(BLOCKS, 0, "closed");

	fd = memfd_create("grows", MFD_HUGETLB);
	struct stat status;
	p = map_shared(2 * HUGE_PAGE, fd, 0);
	fstat(fd, &status);
	is(status.st_size, (long)(2 * HUGE_PAGE), "a mapping that may write makes it larger");
	is(ftruncate(fd, 0), 0, "nothing is left");
	pool_is(BLOCKS, 0, "not even promises");
	munmap(p, 2 * HUGE_PAGE);
	close(fd);
}

static void private_mappings(void)
{
	int fd = memfd_create("own", MFD_HUGETLB), status;
	char *shared = map_shared(HUGE_PAGE, fd, 0), *own;

	shared[0] = 1;
	own = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ok(own != MAP_FAILED, "a private mapping of the file");
	is(own[0], 1, "shows it");
	own[0] = 2;
	is(shared[0], 1, "and is written for itself");
	is(own[0], 2, "it alone");
	if (child(&status) == 0) {
		is(own[0], 2, "a child has it, too");
		shared[0] = 3;
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(shared[0] + own[0], 5, "having written to the file");
	munmap(own, HUGE_PAGE);
	munmap(shared, HUGE_PAGE);
	close(fd);
	pool_is(BLOCKS, 0, "closed");
}

static void nothing_is_left(void)
{
	int fd = memfd_create("none", MFD_HUGETLB);
	char *all, *p;

	ftruncate(fd, HUGE_PAGE);
	p = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	pool_is(BLOCKS, 0, "MAP_NORESERVE promises nothing");
	all = mmap(NULL, BLOCKS * HUGE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ok(all != MAP_FAILED, "somebody else has all");
	ok(is_bus_error(writes_end(p)), "then there is SIGBUS");
	fails(fallocate(fd, 0, 0, HUGE_PAGE), ENOSPC, "and ENOSPC");
	munmap(all, BLOCKS * HUGE_PAGE);
	is(writes_end(p), EXITED(0), "then there is one");
	munmap(p, HUGE_PAGE);
	close(fd);
	pool_is(BLOCKS, 0, "closed");
}

static void segments(void)
{
	int id = shmget(IPC_PRIVATE, HUGE_PAGE + PAGE, SHM_HUGETLB | IPC_CREAT | 0600), status;
	struct shmid_ds about;

	ok(id >= 0, "shmget(SHM_HUGETLB)");
	pool_is(BLOCKS, 2, "its pages are promised");
	shmctl(id, IPC_STAT, &about);
	is(about.shm_segsz, HUGE_PAGE + PAGE, "its size is as was asked for");
	char *p = shmat(id, NULL, 0);
	ok(p != (void *)-1, "shmat");
	is((uintptr_t)p % HUGE_PAGE, 0, "aligned");
	p[0] = 1;
	p[2 * HUGE_PAGE - 1] = 2;
	pool_is(BLOCKS - 2, 0, "touched");
	if (child(&status) == 0) {
		char *q = shmat(id, NULL, SHM_RDONLY);
		is(q[0] + q[2 * HUGE_PAGE - 1], 3, "a child attaches it");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(shmctl(id, IPC_RMID, NULL), 0, "removed");
	is(p[0], 1, "but there");
	is(shmdt(p), 0, "shmdt");
	pool_is(BLOCKS, 0, "gone");
	fails(shmget(IPC_PRIVATE, (BLOCKS + 1) * HUGE_PAGE, SHM_HUGETLB | IPC_CREAT | 0600), ENOMEM,
	      "not more than there are");
	if (child(&status) == 0) {
		become(1000, 1000);
		fails(shmget(IPC_PRIVATE, HUGE_PAGE, SHM_HUGETLB | IPC_CREAT | 0600), EPERM,
		      "not for everybody");
		_exit(0);
	}
	is(status, EXITED(0), "the other user ends");
	long group = number_in("/proc/sys/vm/hugetlb_shm_group");
	ok(set_number("/proc/sys/vm/hugetlb_shm_group", 1000), "hugetlb_shm_group");
	if (child(&status) == 0) {
		become(1000, 1000);
		id = shmget(IPC_PRIVATE, HUGE_PAGE, SHM_HUGETLB | IPC_CREAT | 0600);
		ok(id >= 0, "for the members of a group");
		is(shmctl(id, IPC_RMID, NULL), 0, "who remove it");
		_exit(0);
	}
	is(status, EXITED(0), "the member ends");
	set_number("/proc/sys/vm/hugetlb_shm_group", group);
	pool_is(BLOCKS, 0, "gone");
}

static void file_system(void)
{
	struct statfs about;
	struct stat status;
	int fd;
	char *p;

	mkdir("huge", 0755);
	fails(mount("none", "huge", "hugetlbfs", 0, "pagesize=4M"), EINVAL, "no such pages");
	if (mount("none", "huge", "hugetlbfs", 0, "pagesize=2M,size=8M,min_size=4M,mode=0700") !=
	    0) {
		skip(1, "hugetlbfs cannot be mounted here");
		return;
	}
	pool_is(BLOCKS, 2, "min_size is reserved");
	is(statfs("huge", &about), 0, "statfs");
	is(about.f_type, 0x958458f6, "its type");
	is(about.f_bsize, HUGE_PAGE, "its blocks");
	is(about.f_blocks, 4, "how many");
	is(about.f_bfree, 4, "all are free");
	stat("huge", &status);
	is(status.st_mode & 07777, 0700, "mode=");
	mkdir("huge/folder", 0755);
	fd = open("huge/folder/file", O_CREAT | O_RDWR, 0600);
	ok(fd >= 0, "a file");
	p = map_shared(3 * HUGE_PAGE, fd, 0);
	ok(p != MAP_FAILED, "mapped");
	pool_is(BLOCKS, 3, "beyond min_size it is promised from the pool");
	p[HUGE_PAGE] = 7;
	pool_is(BLOCKS - 1, 2, "touched");
	statfs("huge", &about);
	is(about.f_bfree, 1, "what is promised is not free");
	ok(map_shared(5 * HUGE_PAGE, fd, 0) == MAP_FAILED && errno == ENOMEM,
	   "not more than size=");
	munmap(p, 3 * HUGE_PAGE);
	close(fd);
	fd = open("huge/folder/file", O_RDWR);
	p = map_shared(3 * HUGE_PAGE, fd, 0);
	is(p[HUGE_PAGE], 7, "a file keeps what it has");
	munmap(p, 3 * HUGE_PAGE);
	close(fd);
	is(rename("huge/folder/file", "huge/file"), 0, "rename");
	is(truncate("huge/file", HUGE_PAGE), 0, "truncate");
	pool_is(BLOCKS, 2, "the least is reserved again");
	is(unlink("huge/file"), 0, "unlink");
	is(umount("huge"), 0, "umount");
	pool_is(BLOCKS, 0, "nothing is kept");
}

/* More than there are, for a while. */
static void surplus(void)
{
	char *p;

	ok(set_number("/proc/sys/vm/nr_overcommit_hugepages", 2), "two more when needed");
	is(number_in(POOL_2M "nr_overcommit_hugepages"), 2, "in sysfs as well");
	p = mmap(NULL, (BLOCKS + 2) * HUGE_PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ok(p != MAP_FAILED, "are had");
	is(figure("HugePages_Total"), BLOCKS + 2, "the pool is larger");
	is(figure("HugePages_Surp"), 2, "by surplus pages");
	is(number_in("/sys/devices/system/node/node0/hugepages/hugepages-2048kB/surplus_hugepages"),
	   2, "the node's");
	ok(mmap(NULL, HUGE_PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) ==
		   MAP_FAILED,
	   "and no more");
	for (size_t i = 0; i < BLOCKS + 2; i++)
		p[i * HUGE_PAGE] = 1;
	is(figure("HugePages_Free"), 0, "all in use");
	munmap(p, (BLOCKS + 2) * HUGE_PAGE);
	is(figure("HugePages_Total"), BLOCKS, "they go again");
	is(figure("HugePages_Surp"), 0, "all of them");
	set_number("/proc/sys/vm/nr_overcommit_hugepages", 0);
}

static void nodes(void)
{
	const char *node = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages";

	if (access("/sys/devices/system/node/node1", F_OK) == 0 || number_in(node) != BLOCKS) {
		skip(1, "several nodes");
		return;
	}
	ok(set_number(node, BLOCKS + 1), "one more of node 0");
	is(figure("HugePages_Total"), BLOCKS + 1, "is one more");
	ok(set_number("/proc/sys/vm/nr_hugepages_mempolicy", BLOCKS), "by policy");
	is(number_in(node), BLOCKS, "one less");
	is(number_in("/proc/sys/vm/nr_hugepages_mempolicy"), BLOCKS, "is told");
}

int main(void)
{
	if (!make_pool())
		return done();
	scratch();
	anonymous();
	moving();
	nameless_files();
	sizes_and_holes();
	private_mappings();
	nothing_is_left();
	segments();
	file_system();
	surplus();
	nodes();
	set_pool(0);
	return done();
}

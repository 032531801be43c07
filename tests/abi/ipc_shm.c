/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory: keys, rights, attaching, counting, removal.
 *
 * Other programs may use segments at the same time: nothing here counts them all.
 */
#include "abi.h"

#include <limits.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#ifndef SHM_EXEC
#define SHM_EXEC 0100000
#endif
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

#define FAILED ((void *)-1)

static struct shmid_ds status_of(int id)
{
	struct shmid_ds status = {.shm_nattch = 99};

	shmctl(id, IPC_STAT, &status);
	return status;
}

static unsigned long attached(int id)
{
	return status_of(id).shm_nattch;
}

static void fresh_segment(void)
{
	time_t before = stamp_now();
	int id = shmget(IPC_PRIVATE, 3 * PAGE + 5, IPC_CREAT | 0640);

	ok(id >= 0, "a private segment");
	struct shmid_ds status = status_of(id);
	is(status.shm_segsz, 3 * PAGE + 5, "has its size");
	is(status.shm_perm.mode, 0640, "its mode");
	ok(status.shm_perm.uid == geteuid() && status.shm_perm.cuid == geteuid() &&
		   status.shm_perm.gid == getegid() && status.shm_perm.cgid == getegid(),
	   "its owner");
	is(status.shm_cpid, getpid(), "its creator");
	ok(status.shm_lpid == 0 && status.shm_atime == 0 && status.shm_dtime == 0,
	   "nobody has attached it yet");
	ok(status.shm_ctime >= before && status.shm_ctime <= time(NULL), "it was made now");

	char *p = shmat(id, NULL, 0);
	ok(p != FAILED, "attached");
	ok(p[0] == 0 && p[3 * PAGE] == 0 && p[4 * PAGE - 1] == 0, "it is zero to the page's end");
	status = status_of(id);
	ok(status.shm_nattch == 1 && status.shm_lpid == getpid() && status.shm_atime >= before,
	   "counted");
	p[0] = 'x';
	char *q = shmat(id, NULL, 0);
	ok(q != FAILED && q != p && q[0] == 'x', "attached again, elsewhere, the same memory");
	is(attached(id), 2, "two now");
	is(shmdt(p), 0, "detached");
	ok(!readable(p) && readable(q), "only there");
	status = status_of(id);
	ok(status.shm_nattch == 1 && status.shm_dtime >= before, "counted");
	fails(shmdt(p), EINVAL, "not twice");
	fails(shmdt(q + 1), EINVAL, "an odd address");
	fails(shmdt(q + PAGE), EINVAL, "nor the middle");
	shmdt(q);
	p = shmat(id, NULL, 0);
	is(p[0], 'x', "the data stays while nobody is attached");
	shmdt(p);
	is(shmctl(id, IPC_RMID, NULL), 0, "removed");
	errno = 0;
	ok(shmctl(id, IPC_STAT, &status) == -1 && (errno == EINVAL || errno == EIDRM), "gone");
	ok(shmat(id, NULL, 0) == FAILED && (errno == EINVAL || errno == EIDRM), "for shmat, too");
}

static void keys(void)
{
	key_t key = 0x5c0051 + getpid();

	fails(shmget(key, PAGE, 0600), ENOENT, "nothing has the key");
	int id = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
	ok(id >= 0, "made");
	is(shmget(key, PAGE, 0600), id, "found");
	is(shmget(key, 0, 0), id, "found without a size");
	is(shmget(key, PAGE, IPC_CREAT | 0600), id, "found rather than made");
	fails(shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600), EEXIST, "there already");
	fails(shmget(key, PAGE + 1, 0600), EINVAL, "it is not that big");
	is(status_of(id).shm_perm.__key, key, "the status knows the key");
	ok(shmget(IPC_PRIVATE, PAGE, 0600) != id, "the private key is nobody's");
	fails(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL, "none of size zero");
	fails(shmget(key + 1, (size_t)-1, IPC_CREAT | 0600), EINVAL, "nor one too big");
	char *p = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	fails(shmget(key, PAGE, 0600), ENOENT, "a removed segment has no key");
	ok((status_of(id).shm_perm.mode & 01000) != 0, "but is there while attached");
	is(status_of(id).shm_perm.__key, IPC_PRIVATE, "with the private key");
	p[5] = 'k';
	char *q = shmat(id, NULL, 0);
	ok(q != FAILED && q[5] == 'k', "and can still be attached by number");
	shmdt(p);
	is(attached(id), 1, "one left");
	shmdt(q);
	struct shmid_ds status;
	ok(shmctl(id, IPC_STAT, &status) == -1, "the last one takes it along");
}

static void places(void)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
	char *room = map_pages(8);

	ok(shmat(id, room, 0) == FAILED && errno == EINVAL, "not over what is there");
	munmap(room + 2 * PAGE, 4 * PAGE);
	ok(shmat(id, room + 2 * PAGE, 0) == room + 2 * PAGE, "where it was asked for");
	ok(shmat(id, room + 3 * PAGE, 0) == FAILED && errno == EINVAL, "not over itself");
	ok(shmat(id, room + 3 * PAGE, SHM_REMAP) == room + 3 * PAGE, "unless told so");
	is(attached(id), 2, "both count");
	ok(shmat(id, room + 4 * PAGE + 1, 0) == FAILED && errno == EINVAL, "an odd address");
	ok(shmat(id, room + 1, SHM_RND | SHM_REMAP) == room, "is rounded down when asked");
	ok(shmat(id, NULL, SHM_REMAP) == FAILED && errno == EINVAL, "over what?");
	is(attached(id), 3, "three");
	munmap(room, 8 * PAGE);
	is(attached(id), 0, "munmap counts");
	ok(shmat(-1, NULL, 0) == FAILED && errno == EINVAL, "a negative number");
	shmctl(id, IPC_RMID, NULL);
}

static void pieces(void)
{
	int id = shmget(IPC_PRIVATE, 4 * PAGE, 0600);
	char *p = shmat(id, NULL, 0);

	munmap(p + PAGE, PAGE);
	is(attached(id), 2, "a segment cut in two counts twice");
	mprotect(p + 3 * PAGE, PAGE, PROT_READ);
	is(attached(id), 3, "and thrice");
	is(shmdt(p), 0, "detached as a whole");
	ok(!readable(p) && !readable(p + 2 * PAGE) && !readable(p + 3 * PAGE), "no piece is left");
	is(attached(id), 0, "nor counted");
	p = shmat(id, NULL, 0);
	munmap(p, PAGE);
	is(shmdt(p), 0, "even when the first piece is gone");
	is(attached(id), 0, "nothing left");
	shmctl(id, IPC_RMID, NULL);
}

static void families(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600), status;
	volatile char *p = shmat(id, NULL, 0);

	if (child(&status) == 0) {
		is(attached(id), 2, "a child is attached");
		p[0] = 'c';
		is(shmdt((void *)p), 0, "and may detach");
		is(attached(id), 1, "for itself");
		_exit(0);
	}
	is(p[0], 'c', "both see the same");
	if (child(&status) == 0)
		_exit(0);
	is(attached(id), 1, "exit detaches");
	is(status_of(id).shm_cpid, getpid(), "the creator stays");
	ok(status_of(id).shm_lpid != getpid(), "the last was the child");
	shmctl(id, IPC_RMID, NULL);
	if (child(&status) == 0) {
		p[0] = 'd';
		_exit(0);
	}
	is(p[0], 'd', "removed, but shared still");
	shmdt((void *)p);
}

static void rights(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600), status;
	char *p = shmat(id, NULL, SHM_RDONLY);

	ok(p != FAILED && readable(p), "attached for reading");
	fails(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES, "it cannot become writable");
	shmdt(p);
	if (getuid() != 0) {
		skip(12, "not root");
		return;
	}
	int open = shmget(IPC_PRIVATE, PAGE, 0604);
	int key_id = shmget(0x77aa00 + getpid(), PAGE, IPC_CREAT | 0600);
	if (child(&status) == 0) {
		struct shmid_ds ds;
		become(1000, 1000);
		ok(shmat(id, NULL, 0) == FAILED && errno == EACCES, "another's is closed");
		fails(shmctl(id, IPC_STAT, &ds), EACCES, "to looks, too");
		ok(shmat(open, NULL, 0) == FAILED && errno == EACCES, "a readable one to writers");
		char *r = shmat(open, NULL, SHM_RDONLY);
		ok(r != FAILED, "readers may");
		ok(shmat(open, NULL, SHM_RDONLY | SHM_EXEC) == FAILED && errno == EACCES,
		   "but not execute");
		is(shmctl(open, IPC_STAT, &ds), 0, "and look");
		fails(shmctl(open, IPC_RMID, NULL), EPERM, "not remove");
		fails(shmctl(open, IPC_SET, &ds), EPERM, "nor change");
		fails(shmctl(open, SHM_LOCK, NULL), EPERM, "nor lock");
		fails(shmget(0x77aa00 + getppid(), PAGE, 0600), EACCES, "nor find by key");
		ok(shmget(0x77aa00 + getppid(), PAGE, 0) == key_id, "unless it wants nothing");
		_exit(0);
	}
	is(status, EXITED(0), "the user's process ends well");
	struct shmid_ds ds = status_of(id);
	ds.shm_perm.uid = 1000;
	ds.shm_perm.mode = 07666;
	is(shmctl(id, IPC_SET, &ds), 0, "root gives it away");
	ds = status_of(id);
	ok(ds.shm_perm.uid == 1000 && ds.shm_perm.cuid == 0 && ds.shm_perm.mode == 0666,
	   "owner and mode have changed");
	if (child(&status) == 0) {
		become(1000, 1000);
		ok(shmat(id, NULL, 0) != FAILED, "the new owner attaches");
		is(shmctl(id, IPC_RMID, NULL), 0, "and removes it");
		_exit(0);
	}
	is(status, EXITED(0), "the owner's process ends well");
	shmctl(open, IPC_RMID, NULL);
	shmctl(key_id, IPC_RMID, NULL);
}

static void control(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);
	struct shmid_ds ds;
	struct shminfo limits;
	struct shm_info usage;

	int highest = shmctl(0, IPC_INFO, (struct shmid_ds *)&limits);
	ok(highest >= 0, "the limits");
	ok(limits.shmmin == 1 && limits.shmmni == 4096 && limits.shmseg == 4096 &&
		   limits.shmmax == ULONG_MAX - (1UL << 24) &&
		   limits.shmall == ULONG_MAX - (1UL << 24),
	   "are Linux's");
	is(shmctl(0, SHM_INFO, (struct shmid_ds *)&usage), highest, "the use");
	ok(usage.used_ids >= 1 && usage.shm_tot >= 1, "counts ours");
	bool found = false;
	for (int i = 0; i <= highest; i++)
		found = found || (shmctl(i, SHM_STAT, &ds) == id && ds.shm_cpid == getpid() &&
				  shmctl(i, SHM_STAT_ANY, &ds) == id);
	ok(found, "SHM_STAT finds it by index");
	is(shmctl(id, SHM_LOCK, NULL), 0, "locked");
	is(status_of(id).shm_perm.mode, 02600, "the mode says so");
	is(shmctl(id, SHM_UNLOCK, NULL), 0, "unlocked");
	is(status_of(id).shm_perm.mode, 0600, "as before");
	fails(shmctl(id, 77, &ds), EINVAL, "an unknown command");
	fails(shmctl(-1, IPC_STAT, &ds), EINVAL, "a negative number");
	fails(shmctl(id, -1, &ds), EINVAL, "a negative command");
	fails(shmctl(id, IPC_STAT, BAD_POINTER), EFAULT, "a bad buffer");
	fails(shmctl(id, IPC_SET, BAD_POINTER), EFAULT, "a bad buffer to set");
	fails(shmctl(4095, SHM_STAT, &ds), EINVAL, "an index that is not used");

	char line[256], *text = calloc(1, 1 << 16);
	snprintf(line, sizeof(line), "%10d %10d  %4o %21lu %5u", 0, id, 0600, PAGE,
		 (unsigned)getpid());
	ok(get_file("/proc/sysvipc/shm", text, 1 << 16) > 0 && strstr(text, line),
	   "/proc/sysvipc/shm lists it");
	char *p = shmat(id, NULL, 0);
	get_file("/proc/self/maps", text, 1 << 16);
	ok(strstr(text, "/SYSV00000000 (deleted)"), "/proc/self/maps names it");
	shmdt(p);
	get_file("/proc/sys/kernel/shmmax", text, 1 << 16);
	is(strtoul(text, NULL, 10), limits.shmmax, "/proc/sys/kernel/shmmax");
	get_file("/proc/sys/kernel/shmmni", text, 1 << 16);
	is(strtoul(text, NULL, 10), limits.shmmni, "/proc/sys/kernel/shmmni");
	free(text);
	shmctl(id, IPC_RMID, NULL);
}

int main(void)
{
	fresh_segment();
	keys();
	places();
	pieces();
	families();
	rights();
	control();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a file: stat, statx, statfs, times, modes and owners, and the permissions that
 * follow.
 */
#include "abi.h"

#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

/* The kernel's structure; not every C library has it. */
struct statx_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};

struct statx_result {
	uint32_t stx_mask, stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink, stx_uid, stx_gid;
	uint16_t stx_mode, pad;
	uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct statx_time stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	uint64_t spare[14];
};

enum { BASIC_STATS = 0x7ff };

static struct stat look(const char *path)
{
	struct stat st = {0};

	lstat(path, &st);
	return st;
}

static void stat_tells(void)
{
	struct stat st, other;

	put_file("f", "12345", 5, 0640);
	is(stat("f", &st), 0, "stat");
	is(st.st_mode, S_IFREG | 0640, "the mode");
	ok(st.st_size == 5 && st.st_nlink == 1 && st.st_uid == 0 && st.st_gid == 0,
	   "size, links and owner");
	is(st.st_blksize, 4096, "the block size");
	ok(st.st_ino != 0 && st.st_dev != 0, "inode and device numbers");
	int fd = open("f", O_RDONLY);
	is(fstat(fd, &other), 0, "fstat");
	ok(other.st_ino == st.st_ino && other.st_dev == st.st_dev, "the same file");
	is(fstatat(fd, "", &other, AT_EMPTY_PATH), 0, "fstatat with AT_EMPTY_PATH");
	is(other.st_ino, st.st_ino, "as well");
	fails(fstatat(fd, "", &other, 0), ENOENT, "not without");
	fails(fstatat(AT_FDCWD, "f", &other, 0x4000000), EINVAL, "an unknown flag");
	close(fd);
	fails(stat("none", &st), ENOENT, "a missing file");
	fails(stat("f/x", &st), ENOTDIR, "a file as directory");
	fails(fstat(-1, &st), EBADF, "no descriptor");
	fails(syscall(SYS_stat, "f", BAD_POINTER), EFAULT, "a bad pointer");
	fails(syscall(SYS_fstat, 1, BAD_POINTER), EFAULT, "for fstat");
	is(stat("/dev/null", &st), 0, "a device");
	ok(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3), "with its number");
}

static void statx_tells(void)
{
	struct statx_result x;

	memset(&x, 0xff, sizeof(x));
	is(syscall(SYS_statx, AT_FDCWD, "f", 0, BASIC_STATS, &x), 0, "statx");
	ok((x.stx_mask & BASIC_STATS) == BASIC_STATS, "gives the basic fields");
	ok(x.stx_mode == (S_IFREG | 0640) && x.stx_size == 5 && x.stx_nlink == 1, "as stat does");
	struct stat st = look("f");
	ok(x.stx_ino == st.st_ino && x.stx_dev_major == major(st.st_dev) &&
		   x.stx_dev_minor == minor(st.st_dev),
	   "the same file");
	ok(x.stx_mtime.tv_sec == st.st_mtim.tv_sec, "the same time");
	fails(syscall(SYS_statx, AT_FDCWD, "none", 0, BASIC_STATS, &x), ENOENT, "of nothing");
	fails(syscall(SYS_statx, AT_FDCWD, "f", 0x1000000, 0x7ff, &x), EINVAL, "an unknown flag");
	fails(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000U, &x), EINVAL, "a reserved mask");
	fails(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, BAD_POINTER), EFAULT, "a bad pointer");
}

/* The flags of chattr(1) have the numbers of statx's attributes. */
enum {
	IMMUTABLE = 0x10,
	APPEND = 0x20,
	NODUMP = 0x40,
	AUTOMOUNT = 0x1000,
	MOUNT_ROOT = 0x2000,
	DAX = 0x200000
};
#define FS_IOC_GETFLAGS 0x80086601
#define FS_IOC_SETFLAGS 0x40086602

static struct statx_result attributes(const char *path)
{
	struct statx_result x;

	memset(&x, 0xff, sizeof(x));
	is(syscall(SYS_statx, AT_FDCWD, path, 0, BASIC_STATS, &x), 0, "statx of %s", path);
	return x;
}

static long flags_of(const char *path)
{
	int fd = open(path, O_RDONLY), flags = 0;
	long result = fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 ? flags : -1;

	close(fd);
	return result;
}

static int set_flags(const char *path, int flags)
{
	int fd = open(path, O_RDONLY), result = fd >= 0 ? ioctl(fd, FS_IOC_SETFLAGS, &flags) : -1,
	    error = errno;

	close(fd);
	errno = error;
	return result;
}

static void attributes_are_the_flags(void)
{
	static const int all[] = {IMMUTABLE, APPEND, NODUMP};
	const uint64_t always = AUTOMOUNT | MOUNT_ROOT | DAX;
	struct statx_result x;
	int old, status;

	put_file("flags", "x", 1, 0644);
	x = attributes("flags");
	is(x.stx_attributes_mask & always, always, "what is known of all files");
	is(x.stx_attributes & always, 0, "and this is none of");
	is(attributes("/proc").stx_attributes & MOUNT_ROOT, MOUNT_ROOT, "the root of a mount");
	old = (int)flags_of("flags");
	if (old < 0) {
		skip(1, "files have no flags here");
		unlink("flags");
		return;
	}
	is(x.stx_attributes_mask & (IMMUTABLE | APPEND | NODUMP), IMMUTABLE | APPEND | NODUMP,
	   "what is known of those with flags");
	for (int i = 0; i < 3; i++) {
		is(set_flags("flags", old | all[i]), 0, "flag %x", all[i]);
		is(flags_of("flags"), old | all[i], "is set");
		is(attributes("flags").stx_attributes & (IMMUTABLE | APPEND | NODUMP), all[i],
		   "and an attribute");
		if (all[i] != NODUMP)
			fails(unlink("flags"), EPERM, "that counts");
	}
	fails(set_flags("flags", old | 0x1000000), EOPNOTSUPP, "a flag that nobody knows");
	is(chown("flags", 1000, 1000), 0, "somebody's");
	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "the owner");
		is(set_flags("flags", old), 0, "may change some");
		fails(set_flags("flags", old | IMMUTABLE), EPERM, "not all");
		_exit(0);
	}
	if (child(&status) == 0) {
		is(become(1001, 1001), 0, "somebody else");
		fails(set_flags("flags", old | NODUMP), EPERM, "may not");
		_exit(0);
	}
	is(attributes("flags").stx_attributes & NODUMP, 0, "it was changed");
	is(mkdir("flagged", 0755), 0, "a directory");
	is(set_flags("flagged", (int)flags_of("flagged") | NODUMP), 0, "gets one");
	put_file("flagged/f", "x", 1, 0644);
	is(attributes("flagged/f").stx_attributes & NODUMP, NODUMP, "and hands it down");
	is(set_flags("flagged", (int)flags_of("flagged") | IMMUTABLE), 0, "an immutable directory");
	fails(unlink("flagged/f"), EPERM, "keeps its names");
	fails(open("flagged/g", O_CREAT | O_WRONLY, 0644), EPERM, "and gets none");
	ok(put_file("flagged/f", "yz", 2, 0644) == 0, "its files may change");
	is(set_flags("flagged", (int)flags_of("flagged") & ~IMMUTABLE), 0, "as before");
	is(unlink("flagged/f") | rmdir("flagged") | unlink("flags"), 0, "all goes");
}

static void statfs_tells(void)
{
	struct statfs fs = {0};

	is(statfs("/tmp", &fs), 0, "statfs");
	ok(fs.f_type == 0x01021994 || fs.f_type == 0xef53, "/tmp is a tmpfs, or an ext4");
	is(fs.f_bsize, 4096, "with blocks of 4096 bytes");
	ok(fs.f_blocks > 0 && fs.f_bfree <= fs.f_blocks, "some of them free");
	is(fs.f_namelen, 255, "names have up to 255 bytes");
	is(statfs("/proc", &fs), 0, "of /proc");
	is(fs.f_type, 0x9fa0, "which is a proc");
	fails(statfs("none", &fs), ENOENT, "of nothing");
	fails(syscall(SYS_statfs, "/tmp", BAD_POINTER), EFAULT, "a bad pointer");
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void times_move(void)
{
	struct stat before, after;

	put_file("t", "x", 1, 0644);
	before = look("t");
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	ok(labs(now.tv_sec - before.st_mtim.tv_sec) < 5, "a new file has the time of day");
	struct stat dir = look(".");
	sleep_ms(30);
	int fd = open("t", O_WRONLY);
	(void)!write(fd, "y", 1);
	after = look("t");
	ok(later(after.st_mtim, before.st_mtim), "a write moves mtime");
	ok(later(after.st_ctim, before.st_ctim), "and ctime");
	close(fd);
	before = after;
	sleep_ms(30);
	chmod("t", 0600);
	after = look("t");
	ok(later(after.st_ctim, before.st_ctim), "chmod moves ctime");
	ok(!later(after.st_mtim, before.st_mtim), "and not mtime");
	before = after;
	sleep_ms(30);
	link("t", "t2");
	after = look("t");
	ok(later(after.st_ctim, before.st_ctim), "link moves the file's ctime");
	ok(later(look(".").st_mtim, dir.st_mtim), "and the directory's mtime");
	unlink("t2");
}

static void times_are_set(void)
{
	struct timespec set[2] = {{1000000000, 5}, {1234567890, 999999999}};
	struct stat st;

	is(utimensat(AT_FDCWD, "t", set, 0), 0, "utimensat");
	st = look("t");
	ok(st.st_atim.tv_sec == 1000000000 && st.st_atim.tv_nsec == 5, "sets atime");
	ok(st.st_mtim.tv_sec == 1234567890 && st.st_mtim.tv_nsec == 999999999, "and mtime");
	set[0].tv_nsec = UTIME_OMIT;
	set[1].tv_nsec = UTIME_NOW;
	is(utimensat(AT_FDCWD, "t", set, 0), 0, "with UTIME_OMIT and UTIME_NOW");
	st = look("t");
	is(st.st_atim.tv_sec, 1000000000, "one is left");
	ok(labs(time(NULL) - st.st_mtim.tv_sec) < 5, "the other is now");
	set[0].tv_nsec = 1000000000;
	fails(utimensat(AT_FDCWD, "t", set, 0), EINVAL, "too many nanoseconds");
	fails(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT, "of nothing");
	symlink("t", "tl");
	set[0] = set[1] = (struct timespec){77, 0};
	is(utimensat(AT_FDCWD, "tl", set, AT_SYMLINK_NOFOLLOW), 0, "of a link");
	ok(look("tl").st_mtim.tv_sec == 77 && look("t").st_mtim.tv_sec != 77, "itself");
	int fd = open("t", O_RDONLY);
	is(futimens(fd, set), 0, "futimens");
	is(look("t").st_mtim.tv_sec, 77, "of an open file");
	close(fd);
}

static void modes_and_owners_change(void)
{
	is(chmod("f", 07777), 0, "chmod");
	is(look("f").st_mode, S_IFREG | 07777, "sets all twelve bits");
	is(chown("f", 1000, 2000), 0, "chown");
	ok(look("f").st_uid == 1000 && look("f").st_gid == 2000, "sets both owners");
	is(look("f").st_mode & 07777, 01777, "and clears set-user-id and set-group-id");
	is(chown("f", -1, 3000), 0, "-1 leaves an owner");
	ok(look("f").st_uid == 1000 && look("f").st_gid == 3000, "as it was");
	symlink("f", "fl");
	is(lchown("fl", 5, 6), 0, "lchown");
	ok(look("fl").st_uid == 5 && look("f").st_uid == 1000, "changes the link");
	is(fchownat(AT_FDCWD, "fl", 7, -1, 0), 0, "fchownat");
	is(look("f").st_uid, 7, "follows it");
	int fd = open("f", O_RDONLY);
	is(fchown(fd, 0, 0), 0, "fchown");
	is(fchmod(fd, 0604), 0, "fchmod");
	is(look("f").st_mode & 07777, 0604, "of an open file");
	close(fd);
	fails(chmod("none", 0), ENOENT, "chmod of nothing");
	fails(chown("none", 0, 0), ENOENT, "chown of nothing");
	fails(fchmod(-1, 0), EBADF, "fchmod of nothing");
	is(umask(027), 022, "umask returns the old mask");
	is(umask(022), 027, "and sets the new");
}

static int as_user(int (*fn)(void))
{
	int st;

	if (child(&st) == 0) {
		if (become(1000, 1000) < 0)
			_exit(200);
		errno = 0;
		_exit(fn() < 0 ? errno : 0);
	}
	return st >> 8;
}

static int read_private(void)
{
	return open("private", O_RDONLY);
}
static int read_public(void)
{
	return open("public", O_RDONLY);
}
static int write_public(void)
{
	return open("public", O_WRONLY);
}
static int read_in_closed(void)
{
	return open("closed/x", O_RDONLY);
}
static int list_closed(void)
{
	return open("closed", O_RDONLY);
}
static int search_only(void)
{
	return open("search/x", O_RDONLY);
}
static int list_search(void)
{
	return open("search", O_RDONLY);
}
static int create_here(void)
{
	return open("new", O_CREAT | O_WRONLY, 0600);
}
static int unlink_here(void)
{
	return unlink("public");
}
static int own_no_bits(void)
{
	return open("own", O_RDONLY);
}
static int chmod_public(void)
{
	return chmod("public", 0777);
}
static int chown_own(void)
{
	return chown("own", 2000, -1);
}
static int chmod_own(void)
{
	return chmod("own", 0600);
}
static int sticky_unlink(void)
{
	return unlink("sticky/root");
}
static int sticky_own(void)
{
	return unlink("sticky/own");
}
static int link_private(void)
{
	return link("private", "sticky/link");
}

static void users_meet_permissions(void)
{
	umask(0);
	put_file("private", "x", 1, 0600);
	put_file("public", "x", 1, 0644);
	put_file("own", "x", 1, 0077);
	chown("own", 1000, 1000);
	mkdir("closed", 0700);
	put_file("closed/x", "x", 1, 0666);
	mkdir("search", 0711);
	put_file("search/x", "x", 1, 0666);
	mkdir("sticky", 01777);
	put_file("sticky/root", "x", 1, 0666);
	put_file("sticky/own", "x", 1, 0666);
	chown("sticky/own", 1000, 1000);
	is(as_user(read_private), EACCES, "a user does not read root's private file");
	is(as_user(read_public), 0, "but a public one");
	is(as_user(write_public), EACCES, "which it does not write");
	is(as_user(read_in_closed), EACCES, "a closed directory is not walked");
	is(as_user(list_closed), EACCES, "nor listed");
	is(as_user(search_only), 0, "one with x only is walked");
	is(as_user(list_search), EACCES, "but not listed");
	is(as_user(create_here), EACCES, "no file is made in root's directory");
	is(as_user(unlink_here), EACCES, "and none removed");
	is(as_user(own_no_bits), EACCES, "the owner's bits count for the owner, not the others'");
	is(as_user(chmod_public), EPERM, "only the owner changes the mode");
	is(as_user(chown_own), EPERM, "and not even it gives a file away");
	is(as_user(chmod_own), 0, "its own mode it changes");
	is(as_user(sticky_unlink), EPERM, "in a sticky directory others' files stay");
	is(as_user(sticky_own), 0, "one's own go");
	ok(as_user(link_private) == 0 || as_user(link_private) == EPERM,
	   "a link needs no permission on the file, unless links are protected");
	umask(022);
}

static int access_real(void)
{
	return syscall(SYS_access, "private", R_OK);
}

static void access_asks(void)
{
	int st;

	is(access("f", F_OK), 0, "access F_OK");
	is(access("f", R_OK | W_OK), 0, "root reads and writes everything");
	fails(access("f", X_OK), EACCES, "but executes only what someone may");
	fails(access("none", F_OK), ENOENT, "of nothing");
	fails(access("f", 99), EINVAL, "an unknown mode");
	is(as_user(access_real), EACCES, "a user is told");
	if (child(&st) == 0) {
		setresuid(1000, 0, 0);
		bool real = syscall(SYS_access, "private", R_OK) == -1;
		bool effective =
			syscall(SYS_faccessat2, AT_FDCWD, "private", R_OK, AT_EACCESS) == 0;
		_exit(real && effective ? 0 : 1);
	}
	is(st, 0, "access asks for the real user, AT_EACCESS for the effective");
	fails(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0x4000000), EINVAL, "an unknown flag");
}

static void writes_clear_set_user_id(void)
{
	int st;

	put_file("suid", "x", 1, 06777);
	if (child(&st) == 0) {
		become(1000, 1000);
		int fd = open("suid", O_WRONLY);
		_exit(write(fd, "y", 1) == 1 ? 0 : 1);
	}
	is(st, 0, "a user writes to a set-user-id file");
	is(look("suid").st_mode & 07777, 0777, "which clears the bits");
	mkdir("group", 02777);
	chmod("group", 02777);
	chown("group", 0, 4000);
	put_file("group/x", "x", 1, 0644);
	mkdir("group/d", 0755);
	is(look("group/x").st_gid, 4000, "files of a set-group-id directory get its group");
	ok(look("group/d").st_gid == 4000 && (look("group/d").st_mode & S_ISGID),
	   "directories the bit as well");
}

int main(void)
{
	scratch();
	stat_tells();
	statx_tells();
	attributes_are_the_flags();
	statfs_tells();
	times_move();
	times_are_set();
	modes_and_owners_change();
	users_meet_permissions();
	access_asks();
	writes_clear_set_user_id();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting through files: open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr.
 */
#include "ns.h"

#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#undef OPEN_TREE_CLONE
#undef AT_RECURSIVE

enum { OPEN_TREE_CLONE = 1, AT_RECURSIVE = 0x8000 };
enum { MOVE_F_EMPTY_PATH = 4, MOVE_T_EMPTY_PATH = 0x40 };
enum { SET_FLAG, SET_STRING, SET_BINARY, SET_PATH, SET_PATH_EMPTY, SET_FD, CREATE, RECONFIGURE };
enum { RDONLY = 1, NOSUID = 2, NODEV = 4, NOEXEC = 8, ATIME = 0x70, NOATIME = 0x10 };

struct attributes {
	uint64_t set, clear, propagation, userns;
};

static long open_tree(int directory, const char *name, unsigned flags)
{
	return syscall(SYS_open_tree, directory, name, flags);
}

static long move_mount(int from, const char *from_name, int to, const char *to_name, unsigned flags)
{
	return syscall(SYS_move_mount, from, from_name, to, to_name, flags);
}

static long fsopen(const char *type, unsigned flags)
{
	return syscall(SYS_fsopen, type, flags);
}

static long config(long fd, unsigned command, const void *key, const void *value, int number)
{
	return syscall(SYS_fsconfig, fd, command, key, value, number);
}

static long fsmount(long fd, unsigned flags, unsigned attributes)
{
	return syscall(SYS_fsmount, fd, flags, attributes);
}

static long setattr(int directory, const char *name, unsigned flags, struct attributes *attributes)
{
	return syscall(SYS_mount_setattr, directory, name, flags, attributes, sizeof(*attributes));
}

static unsigned long flags_of(const char *path)
{
	struct statvfs figures;

	return statvfs(path, &figures) == 0 ? figures.f_flag : ~0UL;
}

static void prepare(void)
{
	char cwd[256];

	scratch();
	is(unshare(CLONE_NEWNS), 0, "mounts of one's own");
	is(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0, "private ones");
	is(mount("none", ".", "tmpfs", 0, "size=1m"), 0, "a file system to play in");
	ok(getcwd(cwd, sizeof(cwd)) != NULL && chdir(cwd) == 0, "entered");
	is(mkdir("a", 0755) | mkdir("b", 0755) | mkdir("c", 0755) | mkdir("d", 0755), 0, "folders");
}

static void new_file_system(void)
{
	char text[8];
	struct statfs figures;

	long context = fsopen("tmpfs", 1);
	ok(context >= 0, "a context for a tmpfs");
	is(fcntl((int)context, F_GETFD), FD_CLOEXEC, "closed on exec");
	is(config(context, SET_STRING, "size", "64k", 0), 0, "a size");
	is(config(context, SET_STRING, "source", "mine", 0), 0, "a source");
	fails(config(context, SET_STRING, "source", "yours", 0), EINVAL, "but not two");
	is(config(context, SET_FLAG, "rw", NULL, 0), 0, "a flag");
	fails(fsmount(context, 0, 0), EINVAL, "no mount of what is not made");
	is(config(context, CREATE, NULL, NULL, 0), 0, "it is made");
	fails(config(context, CREATE, NULL, NULL, 0), EBUSY, "once");
	fails(config(context, SET_FLAG, "ro", NULL, 0), EBUSY, "and takes no more parameters");
	fails(config(context, RECONFIGURE, NULL, NULL, 0), EBUSY, "nor changes, before its mount");
	long tree = fsmount(context, 1, NOSUID | NOEXEC);
	ok(tree >= 0, "its mount");
	is(fcntl((int)tree, F_GETFD), FD_CLOEXEC, "is a file");
	fails(fsmount(context, 0, 0), EBUSY, "there is one");
	int fd = openat((int)tree, "before", O_CREAT | O_WRONLY, 0600);
	ok(fd >= 0, "a file in what is nowhere yet");
	close(fd);
	is(move_mount((int)tree, "", AT_FDCWD, "a", MOVE_F_EMPTY_PATH), 0, "now it is somewhere");
	is(access("a/before", F_OK), 0, "with its file");
	is(statfs("a", &figures), 0, "and figures");
	is(figures.f_blocks * (unsigned long)figures.f_bsize, 65536, "of the size given");
	is(flags_of("a") & (ST_NOSUID | ST_NOEXEC | ST_NODEV | ST_RDONLY), ST_NOSUID | ST_NOEXEC,
	   "and the attributes");
	is(config(context, SET_FLAG, "ro", NULL, 0), 0, "the context goes on for changes");
	is(config(context, RECONFIGURE, NULL, NULL, 0), 0, "read-only now");
	fails(open("a/after", O_CREAT | O_WRONLY, 0600), EROFS, "which it is");
	is(read((int)context, text, sizeof(text)), -1, "no messages");
	ok(errno == ENODATA || errno == EMSGSIZE, "are there, or none that short");
	close((int)context);
	close((int)tree);
	is(access("a/before", F_OK), 0, "the mount stays when the files are closed");
	is(umount("a"), 0, "until it is unmounted");
}

static void picked(void)
{
	is(mount("none", "a", "tmpfs", 0, "size=64k"), 0, "a tmpfs");
	long context = syscall(SYS_fspick, AT_FDCWD, "a", 1);
	ok(context >= 0, "is picked");
	is(config(context, SET_FLAG, "ro", NULL, 0), 0, "to be");
	is(config(context, RECONFIGURE, NULL, NULL, 0), 0, "read-only");
	ok(flags_of("a") & ST_RDONLY, "it is");
	fails(config(context, CREATE, NULL, NULL, 0), EBUSY, "it is made already");
	fails(fsmount(context, 0, 0), EBUSY, "and mounted");
	close((int)context);
	fails(syscall(SYS_fspick, AT_FDCWD, "b", 0), EINVAL, "no mount's root");
	fails(syscall(SYS_fspick, AT_FDCWD, "a", 0x100), EINVAL, "no such flag");
	fails(syscall(SYS_fspick, AT_FDCWD, "nothing", 0), ENOENT, "nothing there");
	fails(syscall(SYS_fspick, -1, "", 8), EBADF, "no such file");
	fails(syscall(SYS_fspick, AT_FDCWD, BAD_POINTER, 0), EFAULT, "no name");
	is(umount("a"), 0, "unmounted");
}

static void refused_contexts(void)
{
	char longer[300];

	memset(longer, 'k', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	fails(fsopen("no such type", 0), ENODEV, "no such type");
	fails(fsopen("tmpfs", 2), EINVAL, "no such flag");
	fails(fsopen(BAD_POINTER, 0), EFAULT, "no type");
	long context = fsopen("tmpfs", 0);
	int other = open("file", O_RDWR | O_CREAT, 0600);
	fails(config(-1, CREATE, NULL, NULL, 0), EINVAL, "a negative descriptor");
	fails(config(999, CREATE, NULL, NULL, 0), EBADF, "none");
	fails(config(other, CREATE, NULL, NULL, 0), EINVAL, "an ordinary file");
	fails(config(context, 99, NULL, NULL, 0), EOPNOTSUPP, "no such command");
	fails(config(context, SET_FLAG, NULL, NULL, 0), EINVAL, "a flag without a name");
	fails(config(context, SET_FLAG, "ro", "x", 0), EINVAL, "a flag with a value");
	fails(config(context, SET_FLAG, "ro", NULL, 1), EINVAL, "and with a number");
	fails(config(context, SET_STRING, "size", NULL, 0), EINVAL, "a string without a value");
	fails(config(context, SET_STRING, BAD_POINTER, "1", 0), EFAULT, "a bad name");
	fails(config(context, SET_STRING, "size", BAD_POINTER, 0), EFAULT, "a bad value");
	fails(config(context, SET_STRING, longer, "1", 0), EINVAL, "a name that is too long");
	fails(config(context, SET_BINARY, "size", "1", 0), EINVAL, "nothing binary");
	fails(config(context, SET_PATH, "size", "1", -5), EINVAL, "a path from nowhere");
	fails(config(context, SET_FD, "size", NULL, -1), EINVAL, "no descriptor");
	fails(config(context, CREATE, "size", NULL, 0), EINVAL, "a command with a name");
	fails(config(context, RECONFIGURE, NULL, NULL, 0), EBUSY, "nothing to change yet");
	fails(fsmount(context, 2, 0), EINVAL, "fsmount: no such flag");
	fails(fsmount(context, 0, 0x1000), EINVAL, "no such attribute");
	fails(fsmount(context, 0, 0x30), EINVAL, "two kinds of access times");
	fails(fsmount(-1, 0, 0), EBADF, "no descriptor");
	fails(fsmount(other, 0, 0), EINVAL, "an ordinary file");
	close((int)context);
	close(other);
}

static void copies(void)
{
	is(mount("none", "a", "tmpfs", 0, "size=64k"), 0, "a tmpfs");
	is(mkdir("a/in", 0755), 0, "with a folder");
	is(mount("none", "a/in", "tmpfs", 0, "size=64k"), 0, "where another is");
	is(put_file("a/in/deep", "x", 1, 0600), 0, "with a file");
	long alone = open_tree(AT_FDCWD, "a", OPEN_TREE_CLONE | O_CLOEXEC);
	long tree = open_tree(AT_FDCWD, "a", OPEN_TREE_CLONE | AT_RECURSIVE);
	long place = open_tree(AT_FDCWD, "a", 0);
	ok(alone >= 0 && tree >= 0 && place >= 0, "copies, and a place");
	is(fcntl((int)alone, F_GETFD), FD_CLOEXEC, "closed on exec");
	is(faccessat((int)alone, "in/deep", F_OK, 0), -1, "one mount alone");
	is(faccessat((int)tree, "in/deep", F_OK, 0), 0, "the whole tree");
	is(faccessat((int)place, "in/deep", F_OK, 0), 0, "what is there");
	char text[4];
	fails(read((int)tree, text, 1), EBADF, "they are not for reading");
	is(move_mount((int)tree, "", AT_FDCWD, "b", MOVE_F_EMPTY_PATH), 0, "the tree is put up");
	is(access("b/in/deep", F_OK), 0, "as a whole");
	is(move_mount((int)tree, "", AT_FDCWD, "c", MOVE_F_EMPTY_PATH), 0, "and moved on");
	is(access("c/in/deep", F_OK), 0, "there it is");
	is(access("b/in", F_OK), -1, "and no longer there");
	close((int)tree);
	close((int)alone);
	is(access("c/in/deep", F_OK), 0, "closing changes nothing of what was put up");
	is(move_mount(AT_FDCWD, "c", AT_FDCWD, "d", 0), 0, "moving by names");
	is(access("d/in/deep", F_OK), 0, "is the same");
	close((int)place);
	is(umount2("d", MNT_DETACH), 0, "gone");
	is(umount2("a", MNT_DETACH), 0, "the original as well");
}

static void refused_trees(void)
{
	is(mount("none", "a", "tmpfs", 0, "size=64k"), 0, "a tmpfs");
	is(put_file("plain", "", 0, 0600), 0, "and a file");
	is(mkdir("a/in", 0755), 0, "a folder in it");
	fails(open_tree(AT_FDCWD, "a", AT_RECURSIVE), EINVAL, "recursive, but no copy");
	fails(open_tree(AT_FDCWD, "a", 2), EINVAL, "no such flag");
	fails(open_tree(AT_FDCWD, "nothing", OPEN_TREE_CLONE), ENOENT, "nothing there");
	fails(open_tree(AT_FDCWD, "", 0), ENOENT, "no name");
	fails(open_tree(-1, "a", 0), EBADF, "no folder");
	fails(open_tree(AT_FDCWD, "plain/a", 0), ENOTDIR, "a file is no folder");
	fails(open_tree(AT_FDCWD, BAD_POINTER, 0), EFAULT, "a bad name");
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", 0x8000), EINVAL, "no such flag");
	fails(move_mount(AT_FDCWD, "b", AT_FDCWD, "c", 0), EINVAL, "no mount's root");
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "plain", 0), EINVAL, "a folder on a file");
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "nothing", 0), ENOENT, "no place");
	fails(move_mount(AT_FDCWD, "nothing", AT_FDCWD, "a", 0), ENOENT, "no mount");
	fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "a/in", 0), ELOOP, "into itself");
	fails(move_mount(AT_FDCWD, BAD_POINTER, AT_FDCWD, "b", 0), EFAULT, "a bad name");
	fails(move_mount(AT_FDCWD, "a", -1, "b", 0), EBADF, "a bad folder");
	is(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL), 0, "unbindable");
	fails(open_tree(AT_FDCWD, "a", OPEN_TREE_CLONE), EINVAL, "is not copied");
	is(umount("a"), 0, "unmounted");
}

static void attributes(void)
{
	struct attributes change = {.set = RDONLY | NODEV};
	struct {
		struct attributes known;
		uint64_t more;
	} longer = {.more = 0};

	is(mount("none", "a", "tmpfs", 0, "size=64k"), 0, "a tmpfs");
	is(mkdir("a/in", 0755), 0, "a folder");
	is(mount("none", "a/in", "tmpfs", 0, "size=64k"), 0, "and one below");
	is(setattr(AT_FDCWD, "a", 0, &change), 0, "attributes for one");
	is(flags_of("a") & (ST_RDONLY | ST_NODEV), ST_RDONLY | ST_NODEV, "are set");
	is(flags_of("a/in") & (ST_RDONLY | ST_NODEV), 0, "there alone");
	change = (struct attributes){.set = NOEXEC, .clear = RDONLY | NODEV};
	is(setattr(AT_FDCWD, "a", AT_RECURSIVE, &change), 0, "others for all");
	is(flags_of("a") & (ST_RDONLY | ST_NODEV | ST_NOEXEC), ST_NOEXEC, "above");
	is(flags_of("a/in") & (ST_RDONLY | ST_NODEV | ST_NOEXEC), ST_NOEXEC, "and below");
	change = (struct attributes){.set = NOATIME, .clear = ATIME};
	is(setattr(AT_FDCWD, "a", 0, &change), 0, "no access times");
	ok(flags_of("a") & ST_NOATIME, "are kept");
	change = (struct attributes){.clear = ATIME};
	is(setattr(AT_FDCWD, "a", 0, &change), 0, "the usual ones");
	ok(!(flags_of("a") & ST_NOATIME), "again");
	int fd = open("a/in/file", O_CREAT | O_WRONLY, 0600);
	change = (struct attributes){.set = RDONLY};
	fails(setattr(AT_FDCWD, "a", AT_RECURSIVE, &change), EBUSY, "somebody writes below");
	ok(!(flags_of("a") & ST_RDONLY), "nothing has changed");
	is(setattr(AT_FDCWD, "a", 0, &change), 0, "above nobody does");
	close(fd);
	is(setattr(AT_FDCWD, "a", AT_RECURSIVE, &change), 0, "nor below any more");
	longer.known = (struct attributes){.clear = RDONLY};
	is(syscall(SYS_mount_setattr, AT_FDCWD, "a", AT_RECURSIVE, &longer, sizeof(longer)), 0,
	   "a longer structure of zeros is fine");
	longer.more = 1;
	fails(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, &longer, sizeof(longer)), E2BIG,
	      "but not of more");
	change = (struct attributes){.propagation = MS_SHARED};
	is(setattr(AT_FDCWD, "a", 0, &change), 0, "shared");
	is(umount2("a", MNT_DETACH), 0, "gone");
}

static void refused_attributes(void)
{
	struct attributes change = {.set = RDONLY};

	is(mount("none", "a", "tmpfs", 0, "size=64k"), 0, "a tmpfs");
	fails(setattr(AT_FDCWD, "a", 1, &change), EINVAL, "no such flag");
	fails(setattr(AT_FDCWD, "b", 0, &change), EINVAL, "no mount's root");
	fails(setattr(AT_FDCWD, "nothing", 0, &change), ENOENT, "nothing there");
	fails(setattr(AT_FDCWD, BAD_POINTER, 0, &change), EFAULT, "no name");
	fails(setattr(AT_FDCWD, "a", 0, BAD_POINTER), EFAULT, "no structure");
	fails(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, &change, 8), EINVAL, "one too short");
	fails(syscall(SYS_mount_setattr, AT_FDCWD, "a", 0, &change, 5000), E2BIG, "too long");
	change = (struct attributes){.set = 1UL << 40};
	fails(setattr(AT_FDCWD, "a", 0, &change), EINVAL, "no such attribute");
	change = (struct attributes){.set = NOATIME};
	fails(setattr(AT_FDCWD, "a", 0, &change), EINVAL, "one kind of times over another");
	change = (struct attributes){.set = NOATIME, .clear = 0x20};
	fails(setattr(AT_FDCWD, "a", 0, &change), EINVAL, "half of the kinds cleared");
	change = (struct attributes){.propagation = MS_SHARED | MS_PRIVATE};
	fails(setattr(AT_FDCWD, "a", 0, &change), EINVAL, "two kinds of propagation");
	change = (struct attributes){0};
	is(setattr(AT_FDCWD, "b", 0, &change), 0, "no change is none");
	is(umount("a"), 0, "unmounted");
}

static void without_privilege(void)
{
	struct attributes change = {.set = RDONLY};
	int status;

	if (child(&status) == 0) {
		is(become(1000, 1000), 0, "an ordinary user");
		fails(fsopen("tmpfs", 0), EPERM, "no context");
		fails(syscall(SYS_fspick, AT_FDCWD, "a", 0), EPERM, "nor of a mount");
		fails(fsmount(0, 0, 0), EPERM, "no mount");
		fails(open_tree(AT_FDCWD, "a", OPEN_TREE_CLONE), EPERM, "no copy");
		fails(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", 0), EPERM, "no move");
		fails(setattr(AT_FDCWD, "a", 0, &change), EPERM, "no attributes");
		long place = open_tree(AT_FDCWD, "/", 0);
		ok(place >= 0, "but a place");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

/* What is left behind ends with its file, also that of a process that is killed. */
static void left_behind(void)
{
	int status;

	if (child(&status) == 0) {
		long context = fsopen("tmpfs", 0);
		config(context, CREATE, NULL, NULL, 0);
		long tree = fsmount(context, 0, 0);
		long copy = open_tree((int)tree, "", AT_EMPTY_PATH);
		int fd = openat((int)tree, "file", O_CREAT | O_RDWR, 0600);
		close((int)tree);
		is(write(fd, "x", 1), 1, "a file lives on when its tree is undone");
		fails(move_mount((int)copy, "", AT_FDCWD, "a", MOVE_F_EMPTY_PATH), EINVAL,
		      "which cannot be put up any more");
		raise(SIGKILL);
	}
	is(status, KILLED(SIGKILL), "killed with trees in its hands");
	long context = fsopen("tmpfs", 0);
	is(config(context, SET_FLAG, "nonsense", NULL, 0) == 0
		   ? config(context, CREATE, NULL, NULL, 0)
		   : -1,
	   -1, "an unknown parameter");
	is(errno, EINVAL, "is refused");
	close((int)context);
}

int main(void)
{
	prepare();
	new_file_system();
	picked();
	refused_contexts();
	copies();
	refused_trees();
	attributes();
	refused_attributes();
	without_privilege();
	left_behind();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of mounts: what is seen where, shared, slave, private and unbindable mounts, what is
 * locked for those with less privilege, moving, and pivot_root.
 */
#include "ns.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>

static int tmpfs(const char *path)
{
	return mount("none", path, "tmpfs", 0, "size=1m");
}

/* Is something mounted there? */
static bool mounted(const char *path)
{
	struct stat here, above;
	char parent[256];

	snprintf(parent, sizeof(parent), "%s/..", path);
	return stat(path, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev;
}

/* The optional fields of mountinfo for that mount point (below the working directory). */
static const char *relations(const char *name)
{
	static char text[65536];
	char place[512], cwd[256];
	char *line;

	if (getcwd(cwd, sizeof(cwd)) == NULL ||
	    get_file("/proc/self/mountinfo", text, sizeof(text)) <= 0)
		return "";
	snprintf(place, sizeof(place), " %s/%s ", cwd, name);
	line = strstr(text, place);
	if (line == NULL)
		return "";
	line = strchr(line + strlen(place), ' ');
	char *end = line != NULL ? strstr(line, " - ") : NULL;
	if (end == NULL)
		return "";
	*end = '\0';
	return line;
}

/* A folder with a tmpfs of its own, in a namespace of its own, private; folders a, b, c in it. */
static void prepare(void)
{
	scratch();
	is(unshare(CLONE_NEWNS), 0, "mounts of one's own");
	is(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0, "private ones");
	is(tmpfs("."), 0, "a file system to play in");
	char cwd[256];
	is(getcwd(cwd, sizeof(cwd)) != NULL && chdir(cwd) == 0, 1, "entered");
	is(mkdir("a", 0755) | mkdir("b", 0755) | mkdir("c", 0755) | mkdir("d", 0755), 0, "folders");
}

static void apart(void)
{
	int status;
	pid_t pid;

	if (child(&status) == 0) {
		prepare();
		is(tmpfs("a"), 0, "a mount");
		pid = spawn();
		if (pid == 0) {
			is(unshare(CLONE_NEWNS), 0, "another namespace");
			ok(mounted("a"), "has what was there");
			is(umount("a"), 0, "takes it away");
			ok(!mounted("a"), "so that it is gone");
			is(tmpfs("b"), 0, "and mounts something else");
			_exit(0);
		}
		is(reap(pid), 0, "the child is done");
		ok(mounted("a"), "here it is still there");
		ok(!mounted("b"), "and nothing else is");
		int fd = open("/proc/self/ns/mnt", O_RDONLY);
		is(unshare(CLONE_NEWNS), 0, "a third one");
		is(tmpfs("c"), 0, "with a mount");
		is(setns(fd, CLONE_NEWNS), 0, "and back");
		char cwd[256];
		is_str(getcwd(cwd, sizeof(cwd)), "/", "setns goes to the root");
		_exit(0);
	}
	is(status, 0, "the child is done");
	ok(!mounted("/tmp/a"), "nothing is left outside");
}

static void shared_mounts(void)
{
	int status;

	if (child(&status) == 0) {
		prepare();
		is(tmpfs("a"), 0, "a mount");
		is_str(relations("a"), "", "is private");
		fails(mount(NULL, "a", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL,
		      "two kinds at once");
		fails(mount(NULL, "b", NULL, MS_SHARED, NULL), EINVAL, "what is no mount");
		is(mount(NULL, "a", NULL, MS_SHARED, NULL), 0, "is made shared");
		ok(strstr(relations("a"), " shared:") != NULL, "and shows it");
		is(mount("a", "b", NULL, MS_BIND, NULL), 0, "is bound elsewhere");
		is(mkdir("a/x", 0755) | mkdir("a/y", 0755), 0, "a folder in both");
		is(tmpfs("a/x"), 0, "what is mounted on one");
		ok(mounted("b/x"), "is on the other");
		put_file("b/x/file", "", 0, 0600);
		is(access("a/x/file", F_OK), 0, "the same");
		is(tmpfs("b/x"), 0, "the other way round, on top");
		fails(access("a/x/file", F_OK), ENOENT, "too");
		is(umount("a/x"), 0, "what goes from one");
		is(access("b/x/file", F_OK), 0, "goes from the other");
		pid_t pid = spawn();
		if (pid == 0) {
			is(unshare(CLONE_NEWNS), 0, "another namespace");
			is(tmpfs("a/y"), 0, "mounts on a shared mount");
			_exit(0);
		}
		is(reap(pid), 0, "is done");
		ok(mounted("a/y") && mounted("b/y"), "which is seen here");
		is(umount2("a", MNT_DETACH), 0, "all of it goes");
		ok(!mounted("a") && mounted("b") && !mounted("b/y"), "but for the copy");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

static void slaves(void)
{
	int status;

	if (child(&status) == 0) {
		prepare();
		tmpfs("a");
		mkdir("a/x", 0755);
		mkdir("a/y", 0755);
		mkdir("a/z", 0755);
		is(mount(NULL, "a", NULL, MS_SHARED, NULL), 0, "a master");
		is(mount("a", "b", NULL, MS_BIND, NULL), 0, "a copy");
		is(mount(NULL, "b", NULL, MS_SLAVE, NULL), 0, "that follows");
		ok(strstr(relations("b"), " master:") != NULL, "and shows it");
		is(mount("a", "c", NULL, MS_BIND, NULL), 0, "another");
		is(mount(NULL, "c", NULL, MS_PRIVATE, NULL), 0, "that does not");
		is(mount("b", "d", NULL, MS_BIND, NULL), 0, "a copy of the slave");
		is(mount(NULL, "d", NULL, MS_SHARED, NULL), 0, "which is a master too");
		ok(strstr(relations("d"), " shared:") != NULL &&
			   strstr(relations("d"), " master:") != NULL,
		   "and shows both");
		is(tmpfs("a/x"), 0, "what the master gets");
		ok(mounted("b/x"), "the slave gets");
		ok(mounted("d/x"), "and its copy");
		ok(!mounted("c/x"), "but nobody else");
		is(tmpfs("b/y"), 0, "what the slave gets");
		ok(!mounted("a/y"), "the master does not");
		is(umount("a/x"), 0, "what goes");
		ok(!mounted("b/x") && !mounted("d/x"), "goes everywhere");
		is(mount(NULL, "b", NULL, MS_PRIVATE, NULL), 0, "it follows no more");
		is(tmpfs("a/z"), 0, "another");
		ok(!mounted("b/z") && mounted("d/z"), "is seen by the other only");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

static void unbindable(void)
{
	int status;

	if (child(&status) == 0) {
		prepare();
		tmpfs("a");
		is(mkdir("a/x", 0755), 0, "a folder");
		is(tmpfs("a/x"), 0, "a mount in a mount");
		is(mount(NULL, "a/x", NULL, MS_UNBINDABLE, NULL), 0, "that is not copied");
		ok(strstr(relations("a/x"), " unbindable") != NULL, "and shows it");
		fails(mount("a/x", "b", NULL, MS_BIND, NULL), EINVAL, "by itself");
		is(mount("a", "b", NULL, MS_BIND | MS_REC, NULL), 0, "or with others");
		ok(mounted("b") && !mounted("b/x"), "which are");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

static void trees(void)
{
	int status;

	if (child(&status) == 0) {
		prepare();
		tmpfs("a");
		mkdir("a/x", 0755);
		tmpfs("a/x");
		mkdir("a/x/y", 0755);
		tmpfs("a/x/y");
		tmpfs("c");
		mkdir("c/in", 0755);
		is(mount(NULL, "c", NULL, MS_SHARED, NULL), 0, "a shared place");
		is(mount("c", "d", NULL, MS_BIND, NULL), 0, "and its copy");
		is(mount("a", "c/in", NULL, MS_BIND | MS_REC, NULL), 0, "get a tree");
		ok(mounted("c/in/x/y") && mounted("d/in/x/y"), "as a whole");
		is(umount2("c/in", MNT_DETACH), 0, "lose it");
		ok(!mounted("c/in") && !mounted("d/in"), "as a whole");
		is(mount("a", "c/in", NULL, MS_MOVE, NULL), 0, "it may be moved there");
		ok(mounted("d/in/x/y") && !mounted("a"), "for all");
		fails(mount("c/in", "b", NULL, MS_MOVE, NULL), EINVAL,
		      "but not away from where it is shared");
		fails(mount("c", "c/in/x", NULL, MS_MOVE, NULL), ELOOP, "nor into itself");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

/* What is below a user namespace cannot look behind what it was given. */
static void locked(void)
{
	int status;

	if (child(&status) == 0) {
		prepare();
		put_file("a/secret", "s", 1, 0644);
		is(tmpfs("a"), 0, "something is hidden by a mount");
		is(mount("b", "b", NULL, MS_BIND, NULL), 0, "something is bound");
		is(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL), 0,
		   "read-only");
		is(mount(NULL, ".", NULL, MS_SHARED, NULL), 0, "all is shared");
		pid_t pid = spawn();
		if (pid == 0) {
			is(unshare(CLONE_NEWUSER | CLONE_NEWNS), 0, "below");
			ns_write("/proc/self/uid_map", "0 0 1\n");
			ns_write("/proc/self/gid_map", "0 0 1\n");
			fails(umount("a"), EINVAL, "the mount stays");
			fails(mount(".", "c", NULL, MS_BIND, NULL), EINVAL,
			      "and cannot be looked behind");
			is(mount(".", "c", NULL, MS_BIND | MS_REC, NULL), 0,
			   "with all it is bound");
			fails(umount("c/a"), EINVAL, "and then as well");
			fails(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM,
			      "read-only stays read-only");
			is(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID,
				 NULL),
			   0, "the same may be said again");
			ok(strstr(relations("."), "shared") == NULL, "nothing is shared upwards");
			is(tmpfs("d"), 0, "one's own mounts");
			is(umount("d"), 0, "go again");
			_exit(0);
		}
		is(reap(pid), 0, "is done");
		ok(!mounted("d") && !mounted("c"), "nothing has come up here");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

static void pivot(void)
{
	int status;

	if (child(&status) == 0) {
		prepare();
		struct stat old_root, root;
		char cwd[256];
		/* A root that has something above it. */
		is(mount("/", "a", NULL, MS_BIND | MS_REC, NULL), 0, "the whole tree once more");
		is(chroot("a"), 0, "as root");
		is(chdir("/"), 0, "entered");
		stat("/", &old_root);
		is(tmpfs("/tmp"), 0, "a new root");
		is(mkdir("/tmp/old", 0755), 0, "with a place for the old one");
		fails(syscall(SYS_pivot_root, "/tmp/old", "/tmp"), EINVAL, "what is no mount");
		fails(syscall(SYS_pivot_root, "/tmp", "/"), EBUSY, "the old one where it is");
		is(syscall(SYS_pivot_root, "/tmp", "/tmp/old"), 0, "they change places");
		is_str(getcwd(cwd, sizeof(cwd)), "/", "who was at the root is at the new one");
		is(stat("/", &root), 0, "which is");
		ok(root.st_dev != old_root.st_dev, "another");
		is(stat("/old", &root), 0, "the old one");
		is((long)root.st_ino, (long)old_root.st_ino, "is where it was put");
		is(umount2("/old", MNT_DETACH), 0, "and can go");
		ok(stat("/old/proc", &root) < 0, "altogether");
		_exit(0);
	}
	is(status, 0, "the child is done");
	if (child(&status) == 0) {
		prepare();
		is(mount("/", "a", NULL, MS_BIND | MS_REC, NULL), 0, "the whole tree once more");
		is(chroot("a"), 0, "as root");
		is(tmpfs("/tmp"), 0, "a new root");
		is(chdir("/tmp"), 0, "entered");
		is(syscall(SYS_pivot_root, ".", "."), 0, "the old one on top of it");
		is(umount2(".", MNT_DETACH), 0, "goes");
		struct stat st;
		is(chdir("/"), 0, "the new one is empty");
		ok(stat("proc", &st) < 0, "indeed");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

/* A namespace goes with its last process, and its mounts with it. */
static void gone(void)
{
	int status, i;

	scratch();
	for (i = 0; i < 20; i++) {
		pid_t pid = (pid_t)ns_clone(CLONE_NEWNS);
		if (pid == 0) {
			alarm(10);
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
			_exit(tmpfs("."));
		}
		waitpid(pid, &status, 0);
		if (status != 0)
			break;
	}
	is(i, 20, "twenty namespaces come and go");
	put_file("file", "", 0, 0600);
	is(unlink("file"), 0, "and leave nothing");
}

int main(void)
{
	apart();
	shared_mounts();
	slaves();
	unbindable();
	trees();
	locked();
	pivot();
	gone();
	return done();
}

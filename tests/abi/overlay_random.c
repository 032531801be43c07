/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations in an overlay and, step by step, in an ordinary directory that began as a copy of
 * what the overlay shows: each is answered alike, and both trees stay the same, also after the overlay
 * was mounted again.  Then several processes at once in one overlay, which must hold together.
 *
 *	overlay_random [SEED [STEPS]]
 *
 * What differs by design is not compared: sizes and links of directories, and renames of directories
 * that lower layers have (EXDEV).
 */
#include "overlay.h"

#include <dirent.h>
#include <sys/xattr.h>

enum { STEPS = 1500, REMOUNT_EACH = 250, WORKERS = 4, DEPTH = 3, NAMES = 5, PATH_SIZE = 64 };

static uint64_t state;
static int step;

static unsigned pick(unsigned below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)((state >> 33) % below);
}

/* A path of one to DEPTH short names. */
static void pick_path(char *path)
{
	unsigned depth = 1 + pick(DEPTH);

	*path = '\0';
	for (unsigned i = 0; i < depth; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%s%c", i ? "/" : "", 'a' + (int)pick(NAMES));
		strcat(path, name);
	}
}

/* --- Both trees --- */

/* An operation in one of them: what came of it, or a negative errno. */
struct operation {
	int kind;
	char path[PATH_SIZE], other[PATH_SIZE];
	unsigned number;
};

enum {
	CREATE,
	WRITE,
	APPEND,
	TRUNCATE,
	MKDIR,
	UNLINK,
	RMDIR,
	RENAME,
	NOREPLACE,
	EXCHANGE,
	LINK,
	SYMLINK,
	CHMOD,
	CHOWN,
	XATTR,
	UNXATTR,
	FIFO,
	READ,
	KINDS
};

static long write_file(const char *path, int flags, unsigned number)
{
	char text[64];
	int fd = open(path, flags, 0644);
	long result;

	if (fd < 0)
		return -1;
	snprintf(text, sizeof(text), "%u ", number);
	result = write(fd, text, strlen(text));
	close(fd);
	return result;
}

static long act(const struct operation *o, const char *path, const char *other)
{
	char value[32];

	snprintf(value, sizeof(value), "v%u", o->number);
	switch (o->kind) {
	case CREATE:
		return write_file(path, O_WRONLY | O_CREAT | O_EXCL, o->number);
	case WRITE:
		return write_file(path,
				  O_WRONLY | O_CREAT | (o->number & 1 ? O_TRUNC : 0) | O_NONBLOCK,
				  o->number);
	case APPEND:
		return write_file(path, O_WRONLY | O_APPEND | O_NONBLOCK, o->number);
	case TRUNCATE:
		return truncate(path, o->number % 5000);
	case MKDIR:
		return mkdir(path, 0700 | o->number % 64);
	case UNLINK:
		return unlink(path);
	case RMDIR:
		return rmdir(path);
	case RENAME:
		return rename(path, other);
	case NOREPLACE:
		return syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 1);
	case EXCHANGE:
		return syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 2);
	case LINK:
		return link(path, other);
	case SYMLINK:
		return symlink(value, path);
	case CHMOD:
		return fchmodat(AT_FDCWD, path, 0400 | o->number % 256, 0);
	case CHOWN:
		return lchown(path, o->number % 10, o->number % 7);
	case XATTR:
		return lsetxattr(path, "trusted.t", value, strlen(value), 0);
	case UNXATTR:
		return lremovexattr(path, "trusted.t");
	case FIFO:
		return mkfifo(path, 0600);
	default: {
		char buffer[8192];
		int fd = open(path, O_RDONLY | O_NONBLOCK);
		long size = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer));

		if (fd >= 0)
			close(fd);
		return size;
	}
	}
}

static long act_in(const struct operation *o, const char *tree)
{
	char path[PATH_SIZE + 8], other[PATH_SIZE + 8];
	long result;

	snprintf(path, sizeof(path), "%s/%s", tree, o->path);
	snprintf(other, sizeof(other), "%s/%s", tree, o->other);
	errno = 0;
	result = act(o, path, other);
	return result < 0 ? -errno : result;
}

static struct operation pick_operation(void)
{
	struct operation o = {.kind = (int)pick(KINDS), .number = pick(100000)};

	pick_path(o.path);
	pick_path(o.other);
	return o;
}

/* --- Comparing --- */

static bool same_file(const char *one, const char *other, const struct stat *a)
{
	static char left[65536], right[65536];

	if (S_ISREG(a->st_mode)) {
		ssize_t size = get_file(one, left, sizeof(left));

		return size == get_file(other, right, sizeof(right)) &&
		       memcmp(left, right, (size_t)size) == 0;
	}
	if (S_ISLNK(a->st_mode)) {
		ssize_t size = readlink(one, left, sizeof(left));

		return size == readlink(other, right, sizeof(right)) &&
		       memcmp(left, right, (size_t)size) == 0;
	}
	return true;
}

static bool same_attributes(const char *one, const char *other, const struct stat *a,
			    const struct stat *b)
{
	char left[64] = "", right[64] = "";
	ssize_t size = lgetxattr(one, "trusted.t", left, sizeof(left));

	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       (S_ISDIR(a->st_mode) || (a->st_nlink == b->st_nlink && a->st_size == b->st_size)) &&
	       size == lgetxattr(other, "trusted.t", right, sizeof(right)) &&
	       strcmp(left, right) == 0;
}

static bool same_tree(const char *one, const char *other)
{
	struct dirent **left, **right;
	int count = scandir(one, &left, NULL, alphasort);
	int other_count = scandir(other, &right, NULL, alphasort);
	bool same = count == other_count && count >= 0;

	if (!same)
		printf("# %s has %d names, %s %d\n", one, count, other, other_count);
	for (int i = 0; i < count; i++) {
		char a_path[300], b_path[300];
		struct stat a, b;

		if (i < other_count && same && left[i]->d_name[0] != '.') {
			snprintf(a_path, sizeof(a_path), "%s/%s", one, left[i]->d_name);
			snprintf(b_path, sizeof(b_path), "%s/%s", other, right[i]->d_name);
			same = strcmp(left[i]->d_name, right[i]->d_name) == 0 &&
			       lstat(a_path, &a) == 0 && lstat(b_path, &b) == 0 &&
			       same_attributes(a_path, b_path, &a, &b) &&
			       same_file(a_path, b_path, &a) && a.st_ino == left[i]->d_ino;
			if (!same)
				printf("# %s and %s are not the same\n", a_path, b_path);
			if (same && S_ISDIR(a.st_mode))
				same = same_tree(a_path, b_path);
		}
	}
	for (int i = 0; i < count; i++)
		free(left[i]);
	for (int i = 0; i < other_count; i++)
		free(right[i]);
	if (count >= 0)
		free(left);
	if (other_count >= 0)
		free(right);
	return same;
}

/* --- The layers --- */

static void grow(const char *tree, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		static const int kinds[] = {CREATE, MKDIR, MKDIR, CREATE, SYMLINK, CHMOD, XATTR};
		struct operation o = pick_operation();

		o.kind = kinds[pick(ARRAY_LEN(kinds))];
		act_in(&o, tree);
	}
}

/* What the overlay shows, in an ordinary directory. */
static bool copy_tree(const char *from, const char *to)
{
	struct dirent **list;
	int count = scandir(from, &list, NULL, alphasort);
	bool good = count >= 0;

	for (int i = 0; i < count; i++) {
		char a[300], b[300], value[64];
		struct stat st;
		ssize_t size;

		snprintf(a, sizeof(a), "%s/%s", from, list[i]->d_name);
		snprintf(b, sizeof(b), "%s/%s", to, list[i]->d_name);
		if (list[i]->d_name[0] != '.' && lstat(a, &st) == 0) {
			if (S_ISDIR(st.st_mode)) {
				good &= mkdir(b, 0700) == 0 && copy_tree(a, b);
			} else if (S_ISLNK(st.st_mode)) {
				size = readlink(a, value, sizeof(value) - 1);
				value[size] = '\0';
				good &= symlink(value, b) == 0;
			} else {
				good &= copy_file(a, b, 0600) == 0;
			}
			if (!S_ISLNK(st.st_mode))
				good &= chmod(b, st.st_mode & 07777) == 0;
			size = lgetxattr(a, "trusted.t", value, sizeof(value));
			if (size >= 0)
				good &= lsetxattr(b, "trusted.t", value, (size_t)size, 0) == 0;
		}
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return good;
}

/* --- One after the other --- */

static bool both(void)
{
	struct operation o = pick_operation();
	long got = act_in(&o, "m"), wanted;

	/* Directories of lower layers stay where they are. */
	if (got == -EXDEV && (o.kind == RENAME || o.kind == NOREPLACE || o.kind == EXCHANGE))
		return true;
	wanted = act_in(&o, "plain");
	if (got == wanted)
		return true;
	printf("# step %d: operation %d on %s and %s, %u: %ld, but %ld in an ordinary directory\n",
	       step, o.kind, o.path, o.other, o.number, got, wanted);
	return false;
}

static void run_model(uint64_t seed, int steps)
{
	bool same = true;

	if (!overlay_fresh())
		return;
	state = seed;
	mkdir("plain", 0755);
	grow("low2", 60);
	grow("low", 40);
	grow("up", 20);
	if (!mount_overlay(0))
		return;
	ok(copy_tree("m", "plain") && same_tree("m", "plain"), "a copy of all of it");
	for (step = 0; step < steps && same; step++) {
		same = both();
		if (same && step % REMOUNT_EACH == REMOUNT_EACH - 1) {
			same = same_tree("m", "plain") && umount("m") == 0 &&
			       mount("overlay", "m", "overlay", 0,
				     "lowerdir=low:low2,upperdir=up,workdir=work") == 0;
			same = same && same_tree("m", "plain");
		}
	}
	ok(same, "seed %lu: %d random operations", (unsigned long)seed, step);
	unmount_overlay();
}

/* --- At once --- */

static void run_workers(void)
{
	pid_t workers[WORKERS];
	char text[64];
	struct dirent **list;
	int status = 0, count;

	if (!overlay_fresh())
		return;
	state = 99;
	grow("low2", 60);
	grow("low", 40);
	if (!mount_overlay(0))
		return;
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = spawn();
		if (workers[i] == 0) {
			state = 1000 + i;
			for (step = 0; step < STEPS / 4; step++) {
				struct operation o = pick_operation();

				act_in(&o, "m");
			}
			_exit(0);
		}
	}
	for (unsigned i = 0; i < WORKERS; i++)
		status |= reap(workers[i]);
	is(status, 0, "all are done");
	ok(same_tree("m", "m"), "the tree can be read");
	unmount_overlay();
	count = scandir("work/work", &list, NULL, NULL);
	ok(count <= 3, "and nothing but a whiteout at most was left in the work directory");
	for (int i = 0; i < count; i++)
		free(list[i]);
	if (count >= 0)
		free(list);
	ok(mount_overlay(0) && same_tree("m", "m"), "it can be mounted again");
	ok(put("m/end", "end") == 0 && get_file("m/end", text, sizeof(text)) == 3, "and written");
	unmount_overlay();
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	int steps = argc > 2 ? atoi(argv[2]) : STEPS;

	if (!overlay_begin())
		return done();
	for (uint64_t i = 0; i < 3; i++)
		run_model(seed + i, steps);
	run_workers();
	overlay_end();
	return done();
}

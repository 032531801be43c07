/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanotify: events with descriptors and with handles, marks on files, directories, mounts and file
 * systems, what is ignored, and permission.
 */
#include "abi.h"

#include <poll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#define DFID_NAME 2
#define DFID      3
#define FID       1

struct record {
	uint8_t type, pad;
	uint16_t length;
	int fsid[2];
	struct {
		unsigned bytes;
		int type;
		unsigned char data[];
	} handle;
};

static char buffer[65536];
static ssize_t filled, at;

static int make(unsigned flags)
{
	filled = at = 0;
	return (int)syscall(SYS_fanotify_init, flags | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY);
}

static int mark(int fd, unsigned flags, uint64_t mask, const char *path)
{
	return (int)syscall(SYS_fanotify_mark, fd, flags, mask, AT_FDCWD, path);
}

/* The next event, or NULL when there is none. */
static const struct fanotify_event_metadata *next(int fd)
{
	if (at >= filled) {
		filled = read(fd, buffer, sizeof(buffer));
		at = 0;
	}
	if (filled <= 0)
		return NULL;
	const struct fanotify_event_metadata *event = (const void *)(buffer + at);
	at += event->event_len;
	return event;
}

/* The last part of the name of an event's file, which is closed. */
static const char *name_of(int fd)
{
	static char path[300];
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	close(fd);
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

/* Asserts what the next event is; no name: that there is none. */
static void expect(int fd, uint64_t mask, const char *name, const char *what)
{
	const struct fanotify_event_metadata *event = next(fd);

	if (name == NULL) {
		ok(event == NULL, "%s: no more events", what);
		return;
	}
	if (!ok(event != NULL, "%s: an event", what))
		return;
	is(event->mask, mask, "%s: of that kind", what);
	is_str(name_of(event->fd), name, "%s: about that file", what);
}

static void use(const char *path, int flags)
{
	char c = 'x';
	int fd = open(path, flags, 0600);

	if (fd < 0)
		return;
	if ((flags & O_ACCMODE) == O_RDONLY)
		(void)!read(fd, &c, 1);
	else
		(void)!write(fd, &c, 1);
	close(fd);
}

static void arguments(void)
{
	int fd = make(0);

	ok(fd >= 0, "a group");
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "closed by exec");
	is(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "that does not wait");
	fails(read(fd, buffer, sizeof(buffer)), EAGAIN, "and has nothing to tell");
	fails(syscall(SYS_fanotify_init, 0x80000000u, 0), EINVAL, "unknown flags");
	fails(syscall(SYS_fanotify_init, 0, O_CREAT), EINVAL, "a wrong way of opening");
	fails(syscall(SYS_fanotify_init, 0, O_ACCMODE), EINVAL, "another");
	fails(make(FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT), EINVAL, "two classes");
	fails(make(FAN_REPORT_NAME), EINVAL, "names without directories");
	fails(mark(fd, 0, FAN_OPEN, "file"), EINVAL, "a mark that does nothing");
	fails(mark(fd, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_OPEN, "file"), EINVAL, "or too much");
	fails(mark(fd, FAN_MARK_ADD, 0, "file"), EINVAL, "or wants nothing");
	fails(mark(fd, FAN_MARK_ADD, 1ull << 40, "file"), EINVAL, "or what there is not");
	fails(mark(fd, FAN_MARK_FLUSH | FAN_MARK_ONLYDIR, 0, "file"), EINVAL, "flush and more");
	fails(mark(fd, FAN_MARK_ADD, FAN_CREATE, "folder"), EINVAL, "names without handles");
	fails(mark(-1, FAN_MARK_ADD, FAN_OPEN, "file"), EBADF, "no group");
	fails(mark(1, FAN_MARK_ADD, FAN_OPEN, "file"), EINVAL, "another file");
	fails(mark(fd, FAN_MARK_ADD, FAN_OPEN, "none"), ENOENT, "on nothing");
	fails(mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, "file"), ENOTDIR, "no folder");
	fails(mark(fd, FAN_MARK_REMOVE, FAN_OPEN, "file"), ENOENT, "no mark to remove");
	fails(mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, "file"), EINVAL,
	      "who only hears does not permit");
	close(fd);
}

static void files(void)
{
	int fd = make(0);
	unsigned bytes = 0;
	struct pollfd poll_fd = {fd, POLLIN, 0};

	is(mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_ACCESS | FAN_MODIFY, "file"), 0, "a mark");
	is(mark(fd, FAN_MARK_ADD, FAN_CLOSE, "file"), 0, "that grows");
	is(poll(&poll_fd, 1, 0), 0, "nothing to read");
	use("file", O_RDONLY);
	is(poll(&poll_fd, 1, 0), 1, "something to read");
	is(ioctl(fd, FIONREAD, &bytes), 0, "how much");
	is(bytes, 24, "one event");
	const struct fanotify_event_metadata *event = next(fd);
	if (ok(event != NULL, "it is read")) {
		is(event->vers, 3, "version");
		is(event->metadata_len, 24, "size of the head");
		is(event->event_len, 24, "and of all");
		is(event->pid, getpid(), "who it was");
		is(event->mask, FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE, "what was done, joined");
		is_str(name_of(event->fd), "file", "to which file");
	}
	use("file", O_WRONLY);
	expect(fd, FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE, "file", "writing");
	use("other", O_RDONLY);
	expect(fd, 0, NULL, "another file");
	is(mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD, "folder"), 0, "a folder's files");
	use("folder/in", O_RDONLY);
	use("folder/sub/deep", O_RDONLY);
	close(open("folder", O_RDONLY));
	expect(fd, FAN_OPEN, "in", "in a folder");
	expect(fd, 0, NULL, "neither itself nor below");
	is(mark(fd, FAN_MARK_ADD, FAN_ONDIR, "folder"), 0, "with folders");
	close(open("folder", O_RDONLY));
	expect(fd, FAN_OPEN, "folder", "itself");
	is(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "folder/in"), 0, "ignored");
	use("folder/in", O_RDONLY);
	expect(fd, 0, NULL, "what is ignored");
	use("folder/in", O_WRONLY);
	use("folder/in", O_RDONLY);
	expect(fd, FAN_OPEN, "in", "until it is changed");
	is(mark(fd, FAN_MARK_REMOVE, FAN_OPEN | FAN_ONDIR | FAN_EVENT_ON_CHILD, "folder"), 0,
	   "no more of it");
	use("folder/in", O_RDONLY);
	expect(fd, 0, NULL, "none");
	is(mark(fd, FAN_MARK_FLUSH, 0, NULL), 0, "all marks go");
	use("file", O_RDONLY);
	expect(fd, 0, NULL, "none at all");
	close(fd);
}

static void programs(void)
{
	int fd = make(0), st;

	is(mark(fd, FAN_MARK_ADD, FAN_OPEN_EXEC, "script"), 0, "a program's mark");
	close(open("script", O_RDONLY));
	expect(fd, 0, NULL, "opened only");
	if (child(&st) == 0) {
		execl("script", "script", NULL);
		_exit(1);
	}
	expect(fd, FAN_OPEN_EXEC, "script", "run");
	close(fd);
}

static void wide(void)
{
	int fd = make(FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS);

	is(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, "."), 0, "a mount's mark");
	use("folder/sub/deep", O_RDONLY);
	expect(fd, FAN_OPEN, "deep", "anywhere on a mount");
	close(open("/proc/self/stat", O_RDONLY));
	expect(fd, 0, NULL, "but not elsewhere");
	is(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN,
		"file"),
	   0, "but for one file");
	use("file", O_WRONLY);
	use("file", O_RDONLY);
	expect(fd, 0, NULL, "ignored for good");
	is(mark(fd, FAN_MARK_FLUSH | FAN_MARK_MOUNT, 0, "."), 0, "the mount's go");
	is(mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_CLOSE_WRITE, "."), 0,
	   "a file system's mark");
	use("folder/in", O_WRONLY);
	expect(fd, FAN_CLOSE_WRITE, "in", "anywhere on a file system");
	close(fd);
}

/* Asserts that a record leads to `path`, and has that name (NULL: none).  What follows it. */
static const struct record *check_record(const struct record *record, int type, const char *path,
					 const char *name, const char *what)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char data[128];
	} handle = {.bytes = 128};
	struct statfs status;
	int id;

	is(record->type, type, "%s: type of the record", what);
	syscall(SYS_name_to_handle_at, AT_FDCWD, path, &handle, &id, 0);
	ok(record->handle.bytes == handle.bytes && record->handle.type == handle.type &&
		   memcmp(record->handle.data, handle.data, handle.bytes) == 0,
	   "%s: the handle is that of %s", what, path);
	statfs(path, &status);
	is(memcmp(record->fsid, &status.f_fsid, 8), 0, "%s: so is the file system", what);
	if (name != NULL)
		is_str((const char *)record->handle.data + handle.bytes, name, "%s: name", what);
	return (const void *)((const char *)record + record->length);
}

static void handles(void)
{
	const struct fanotify_event_metadata *event;
	int fd = make(FAN_REPORT_FID);

	is(mark(fd, FAN_MARK_ADD, FAN_CREATE | FAN_DELETE | FAN_ONDIR, "folder"), 0, "names");
	is(mark(fd, FAN_MARK_ADD, FAN_ATTRIB | FAN_MODIFY, "file"), 0, "attributes");
	mkdir("folder/new", 0700);
	event = next(fd);
	if (ok(event != NULL, "an event")) {
		is(event->fd, -1, "without a descriptor");
		is(event->mask, FAN_CREATE | FAN_ONDIR, "a folder was made");
		check_record((const void *)(event + 1), FID, "folder", NULL, "made");
	}
	rmdir("folder/new");
	event = next(fd);
	ok(event != NULL && event->mask == (FAN_DELETE | FAN_ONDIR), "and removed");
	chmod("file", 0640);
	event = next(fd);
	if (ok(event != NULL && event->mask == FAN_ATTRIB, "its mode was changed"))
		check_record((const void *)(event + 1), FID, "file", NULL, "changed");
	expect(fd, 0, NULL, "handles");
	fails(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_CREATE, "."), EINVAL,
	      "mounts know no names");
	close(fd);
}

static void names(void)
{
	const struct fanotify_event_metadata *event;
	const struct record *record;
	int fd = make(FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME);

	is(mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
		FAN_CREATE | FAN_MOVE | FAN_DELETE | FAN_CLOSE_WRITE | FAN_ONDIR, "."),
	   0, "a whole file system by names");
	use("folder/fresh", O_CREAT | O_WRONLY);
	event = next(fd);
	if (ok(event != NULL && event->mask == FAN_CREATE, "a name was made"))
		check_record((const void *)(event + 1), DFID_NAME, "folder", "fresh", "made");
	event = next(fd);
	if (ok(event != NULL && event->mask == FAN_CLOSE_WRITE, "and written")) {
		record = check_record((const void *)(event + 1), DFID_NAME, "folder", "fresh",
				      "written");
		check_record(record, FID, "folder/fresh", NULL, "itself");
	}
	rename("folder/fresh", "moved");
	event = next(fd);
	if (ok(event != NULL && event->mask == FAN_MOVED_FROM, "moved from"))
		check_record((const void *)(event + 1), DFID_NAME, "folder", "fresh", "from");
	event = next(fd);
	if (ok(event != NULL && event->mask == FAN_MOVED_TO, "moved to"))
		check_record((const void *)(event + 1), DFID_NAME, ".", "moved", "to");
	unlink("moved");
	event = next(fd);
	if (ok(event != NULL && event->mask == FAN_DELETE, "removed"))
		check_record((const void *)(event + 1), DFID_NAME, ".", "moved", "gone");
	expect(fd, 0, NULL, "names");
	close(fd);
	fd = make(FAN_REPORT_DIR_FID);
	is(mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_ONDIR, "folder"), 0, "directories alone");
	close(open("folder", O_RDONLY));
	event = next(fd);
	if (ok(event != NULL && event->mask == (FAN_OPEN | FAN_ONDIR), "a folder was opened"))
		check_record((const void *)(event + 1), DFID, "folder", NULL, "opened");
	close(fd);
}

/* Answers questions about `file` with `answer` until it has answered `count`. */
static void answer(int fd, int count, unsigned reply)
{
	while (count > 0) {
		struct pollfd poll_fd = {fd, POLLIN, 0};
		poll(&poll_fd, 1, 5000);
		const struct fanotify_event_metadata *event = next(fd);
		if (event == NULL)
			break;
		struct fanotify_response response = {event->fd, reply};
		is(write(fd, &response, sizeof(response)), sizeof(response), "an answer");
		close(event->fd);
		count--;
	}
}

static void permission(void)
{
	struct fanotify_response response = {12345, FAN_ALLOW};
	int fd = make(FAN_CLASS_CONTENT), st;
	pid_t pid;

	if (mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, "file")) {
		skip(1, "this kernel asks nobody for permission");
		close(fd);
		return;
	}
	fails(write(fd, &response, sizeof(response)), ENOENT, "nothing to answer");
	fails(write(fd, &response, 4), EINVAL, "half an answer");
	response.fd = -1;
	fails(write(fd, &response, sizeof(response)), EINVAL, "about nothing");
	if ((pid = spawn()) == 0)
		_exit(open("file", O_RDONLY) >= 0 ? 0 : 1);
	answer(fd, 1, FAN_ALLOW);
	is(reap(pid), 0, "what is allowed is opened");
	if ((pid = spawn()) == 0)
		_exit(open("file", O_RDONLY) == -1 && errno == EPERM ? 0 : 1);
	answer(fd, 1, FAN_DENY);
	is(reap(pid), 0, "what is denied is not");
	is(mark(fd, FAN_MARK_ADD, FAN_ACCESS_PERM, "other"), 0, "reading");
	if ((pid = spawn()) == 0) {
		char c;
		int other = open("other", O_RDONLY);
		_exit(read(other, &c, 1) == -1 && errno == EPERM ? 0 : 1);
	}
	answer(fd, 1, FAN_DENY);
	is(reap(pid), 0, "is denied, too");
	is(mark(fd, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, "script"), 0, "running");
	if ((pid = spawn()) == 0) {
		execl("script", "script", NULL);
		_exit(errno == EPERM ? 0 : 1);
	}
	answer(fd, 1, FAN_DENY);
	is(reap(pid), 0, "as well");
	/* Who is killed asks no more. */
	if ((pid = spawn()) == 0)
		_exit(open("file", O_RDONLY) >= 0 ? 0 : 1);
	struct pollfd poll_fd = {fd, POLLIN, 0};
	is(poll(&poll_fd, 1, 5000), 1, "a question");
	kill(pid, SIGKILL);
	is(reap(pid), KILLED(SIGKILL), "whose asker dies");
	expect(fd, 0, NULL, "of the dead");
	/* A group that goes permits all. */
	volatile int *told = shared_ints();
	if ((pid = spawn()) == 0) {
		close(fd);
		told[0] = 1;
		_exit(open("file", O_RDONLY) >= 0 ? 0 : 1);
	}
	wait_until(told[0]);
	is(poll(&poll_fd, 1, 5000), 1, "the last question");
	close(fd);
	is(reap(pid), 0, "is never answered, and so allowed");
	(void)st;
}

/* Everybody may watch by handles, but not whole mounts; and hears not who did it. */
static void ordinary_users(void)
{
	int st;

	chmod(".", 0755);
	chmod("file", 0644);
	if (child(&st) == 0) {
		become(1000, 1000);
		fails(make(0), EPERM, "descriptors are for the privileged");
		int fd = make(FAN_REPORT_FID);
		if (fd < 0) {
			skip(1, "this kernel lets the privileged alone watch");
			_exit(0);
		}
		is(mark(fd, FAN_MARK_ADD, FAN_OPEN, "file"), 0, "handles are for all");
		fails(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, "."), EPERM, "mounts not");
		fails(mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, "."), EPERM,
		      "file systems neither");
		close(open("file", O_RDONLY));
		const struct fanotify_event_metadata *event = next(fd);
		ok(event != NULL && event->pid == getpid(), "who opens it himself hears so");
		int inner;
		if (child(&inner) == 0) {
			close(open("file", O_RDONLY));
			_exit(0);
		}
		event = next(fd);
		ok(event != NULL && event->pid == 0, "but not who else did");
		_exit(0);
	}
	is(st, 0, "ordinary users");
}

int main(void)
{
	scratch();
	int fd = make(0);
	if (fd < 0) {
		skip(1, "fanotify_init: %s", strerror(errno));
		return done();
	}
	close(fd);
	mkdir("disk", 0700);
	if (mount("none", "disk", "tmpfs", 0, NULL) || chdir("disk")) {
		skip(1, "no tmpfs can be mounted");
		return done();
	}
	mkdir("folder", 0700);
	mkdir("folder/sub", 0700);
	put_file("file", "text", 4, 0600);
	put_file("other", "text", 4, 0600);
	put_file("folder/in", "text", 4, 0600);
	put_file("folder/sub/deep", "text", 4, 0600);
	put_file("script", "#!/none\n", 8, 0700);
	arguments();
	files();
	programs();
	wide();
	handles();
	names();
	permission();
	chmod("..", 0755);
	ordinary_users();
	chdir("..");
	umount2("disk", MNT_DETACH);
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors: dup and its kin, fcntl, and the three kinds of file locks.
 */
#include "abi.h"

#include <sys/file.h>

static void duplicates(void)
{
	put_file("f", "0123456789", 10, 0644);
	int fd = open("f", O_RDWR | O_CLOEXEC), copy = dup(fd);

	ok(copy >= 0 && copy != fd, "dup");
	lseek(fd, 5, SEEK_SET);
	is(lseek(copy, 0, SEEK_CUR), 5, "shares the file offset");
	is(fcntl(copy, F_GETFD), 0, "not the close-on-exec flag");
	fcntl(copy, F_SETFL, O_APPEND);
	ok(fcntl(fd, F_GETFL) & O_APPEND, "but the status flags");
	is(dup2(fd, 50), 50, "dup2 to a number");
	is(dup2(fd, 50), 50, "which is closed first when it is open");
	is(dup2(fd, fd), fd, "dup2 to itself");
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "changes nothing");
	fails(dup2(99, 99), EBADF, "dup2 of a closed one to itself");
	fails(dup2(-1, 5), EBADF, "of nothing");
	fails(dup2(fd, -1), EBADF, "to nothing");
	fails(dup(-1), EBADF, "dup of nothing");
	is(syscall(SYS_dup3, fd, 51, O_CLOEXEC), 51, "dup3");
	is(fcntl(51, F_GETFD), FD_CLOEXEC, "with O_CLOEXEC");
	fails(syscall(SYS_dup3, fd, fd, 0), EINVAL, "dup3 to itself");
	fails(syscall(SYS_dup3, fd, 52, 1), EINVAL, "with unknown flags");
	is(fcntl(fd, F_DUPFD, 60), 60, "F_DUPFD from a number up");
	is(fcntl(fd, F_DUPFD, 60), 61, "takes the next free one");
	is(fcntl(fd, F_DUPFD_CLOEXEC, 70), 70, "F_DUPFD_CLOEXEC");
	is(fcntl(70, F_GETFD), FD_CLOEXEC, "sets the flag");
	fails(fcntl(fd, F_DUPFD, -1), EINVAL, "a negative start");
	is(syscall(SYS_close_range, 50U, 70U, 0), 0, "close_range");
	fails(fcntl(61, F_GETFD), EBADF, "closes them all");
	fails(syscall(SYS_close_range, 5U, 4U, 0), EINVAL, "a range backwards");
	close(copy);
	close(fd);
}

static void flags_are_changed(void)
{
	int fd = open("f", O_RDWR);

	is(fcntl(fd, F_SETFD, FD_CLOEXEC), 0, "F_SETFD");
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "F_GETFD");
	is(fcntl(fd, F_SETFL, O_NONBLOCK | O_RDONLY | O_CREAT), 0, "F_SETFL");
	is(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_CREAT), O_RDWR | O_NONBLOCK,
	   "changes status flags, not the access mode");
	fails(fcntl(fd, 9999), EINVAL, "an unknown command");
	fails(fcntl(-1, F_GETFD), EBADF, "of nothing");
	fails(syscall(SYS_ioctl, fd, 0x12345, 0), ENOTTY, "an unknown ioctl of a file");
	fails(syscall(SYS_ioctl, -1, 0x5401, 0), EBADF, "an ioctl of nothing");
	close(fd);
}

static struct flock range(short type, off_t start, off_t length)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

/* Tries to lock in a child; returns its errno or 0. */
static int other_lock(int command, short type, off_t start, off_t length)
{
	int st;

	if (child(&st) == 0) {
		int fd = open("f", O_RDWR);
		struct flock l = range(type, start, length);
		_exit(fcntl(fd, command, &l) == 0 ? 0 : errno);
	}
	return st >> 8;
}

static void process_locks(void)
{
	struct flock l = range(F_WRLCK, 2, 3);
	int fd = open("f", O_RDWR), st;

	is(fcntl(fd, F_SETLK, &l), 0, "a write lock of three bytes");
	is(fcntl(fd, F_SETLK, &l), 0, "its owner may lock again");
	is(other_lock(F_SETLK, F_RDLCK, 4, 1), EAGAIN, "another process may not");
	is(other_lock(F_SETLK, F_WRLCK, 5, 1), 0, "but the byte behind");
	is(other_lock(F_SETLK, F_WRLCK, 0, 2), 0, "and those before");
	is(other_lock(F_SETLK, F_RDLCK, 0, 0), EAGAIN, "length 0 is to the end");
	pid_t me = getpid();
	if (child(&st) == 0) {
		int other = open("f", O_RDWR);
		l = range(F_RDLCK, 0, 100);
		fcntl(other, F_GETLK, &l);
		_exit(l.l_type == F_WRLCK && l.l_start == 2 && l.l_len == 3 && l.l_pid == me ? 0
											     : 1);
	}
	is(st, 0, "F_GETLK names the lock and its owner");
	l = range(F_UNLCK, 3, 1);
	is(fcntl(fd, F_SETLK, &l), 0, "the middle byte is unlocked");
	is(other_lock(F_SETLK, F_WRLCK, 3, 1), 0, "and can be locked by others");
	is(other_lock(F_SETLK, F_WRLCK, 2, 1), EAGAIN, "the first stays locked");
	is(other_lock(F_SETLK, F_WRLCK, 4, 1), EAGAIN, "the last as well");
	close(open("f", O_RDONLY));
	is(other_lock(F_SETLK, F_WRLCK, 2, 3), 0, "closing any descriptor of the file unlocks");
	l = range(F_RDLCK, 0, 10);
	is(fcntl(fd, F_SETLK, &l), 0, "a read lock");
	is(other_lock(F_SETLK, F_RDLCK, 0, 10), 0, "is shared");
	is(other_lock(F_SETLK, F_WRLCK, 0, 10), EAGAIN, "but not with a writer");
	l = range(99, 0, 1);
	fails(fcntl(fd, F_SETLK, &l), EINVAL, "an unknown kind");
	fails(fcntl(fd, F_SETLK, BAD_POINTER), EFAULT, "a bad pointer");
	int ro = open("f", O_RDONLY);
	l = range(F_WRLCK, 0, 1);
	fails(fcntl(ro, F_SETLK, &l), EBADF, "a write lock of a read-only descriptor");
	close(ro);
	close(fd);
}

static void waiting_for_a_lock(void)
{
	volatile int *state = shared_ints();
	struct flock l = range(F_WRLCK, 0, 1);
	int fd = open("f", O_RDWR);

	pid_t pid = spawn();
	if (pid == 0) {
		int mine = open("f", O_RDWR);
		fcntl(mine, F_SETLK, &l);
		state[0] = 1;
		sleep_ms(80);
		state[0] = 2;
		_exit(0);
	}
	wait_until(state[0]);
	is(fcntl(fd, F_SETLKW, &l), 0, "F_SETLKW waits for a lock");
	is(state[0], 2, "until its owner has ended");
	reap(pid);
	close(fd);
}

static void deadlocks_are_found(void)
{
	volatile int *state = shared_ints();
	struct flock first = range(F_WRLCK, 0, 1), second = range(F_WRLCK, 1, 1);
	int fd = open("f", O_RDWR);

	fcntl(fd, F_SETLK, &first);
	pid_t pid = spawn();
	if (pid == 0) {
		fcntl(fd, F_SETLK, &second);
		state[0] = 1;
		_exit(fcntl(fd, F_SETLKW, &first) == 0 ? 0 : errno);
	}
	wait_until(state[0]);
	sleep_ms(50);
	fails(fcntl(fd, F_SETLKW, &second), EDEADLK, "two that wait for each other: EDEADLK");
	close(fd);
	is(reap(pid), 0, "the other gets its lock then");
}

static void description_locks(void)
{
	struct flock l = range(F_WRLCK, 0, 10);
	int fd = open("f", O_RDWR), other = open("f", O_RDWR), copy = dup(fd);

	is(fcntl(fd, F_OFD_SETLK, &l), 0, "an open-file-description lock");
	l.l_pid = 0;
	fails(fcntl(other, F_OFD_SETLK, &l), EAGAIN, "another open file of the process conflicts");
	is(fcntl(copy, F_OFD_SETLK, &l), 0, "a duplicate does not");
	close(copy);
	fails(fcntl(other, F_OFD_SETLK, &l), EAGAIN, "closing the duplicate keeps the lock");
	close(fd);
	is(fcntl(other, F_OFD_SETLK, &l), 0, "closing the last one frees it");
	l.l_pid = 5;
	fails(fcntl(other, F_OFD_SETLK, &l), EINVAL, "l_pid must be 0");
	close(other);
}

/* Has /proc/locks a line with this kind of lock of ours, ending so? */
static bool is_shown(const char *kind, const char *end)
{
	static char text[1 << 18];
	char start[64];

	if (get_file("/proc/locks", text, sizeof(text)) < 0)
		return false;
	snprintf(start, sizeof(start), ": %s %d ", kind, getpid());
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		size_t length = strlen(line);

		if (strstr(line, start) != NULL && length > strlen(end) &&
		    strcmp(line + length - strlen(end), end) == 0)
			return true;
	}
	return false;
}

static void locks_are_shown(void)
{
	struct flock l = {.l_type = F_RDLCK, .l_start = 1000, .l_len = 24};
	int fd = open("f", O_RDWR);

	ok(!is_shown("FLOCK  ADVISORY  WRITE", " 0 EOF"), "there is no lock to be shown");
	is(flock(fd, LOCK_EX), 0, "flock");
	is(fcntl(fd, F_SETLK, &l), 0, "and a record");
	ok(is_shown("FLOCK  ADVISORY  WRITE", " 0 EOF"), "/proc/locks has the first");
	ok(is_shown("POSIX  ADVISORY  READ", " 1000 1023"), "and the second");
	close(fd);
	ok(!is_shown("POSIX  ADVISORY  READ", " 1000 1023"), "as long as they are there");
}

static void whole_file_locks(void)
{
	int fd = open("f", O_RDWR), other = open("f", O_RDONLY), st;

	is(flock(fd, LOCK_EX), 0, "flock");
	fails(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK, "another open file must wait");
	is(flock(fd, LOCK_SH), 0, "it is made shared");
	is(flock(other, LOCK_SH | LOCK_NB), 0, "then the other gets it as well");
	is(flock(fd, LOCK_UN), 0, "unlocked");
	is(flock(other, LOCK_EX | LOCK_NB), 0, "the other takes it alone");
	if (child(&st) == 0)
		_exit(flock(fd, LOCK_EX | LOCK_NB) == -1 && flock(other, LOCK_UN) == 0 ? 0 : 1);
	is(st, 0, "a child shares the locks of inherited descriptors");
	is(flock(fd, LOCK_EX | LOCK_NB), 0, "so the child's unlock counts");
	fails(flock(fd, 16), EINVAL, "an unknown operation");
	fails(flock(-1, LOCK_EX), EBADF, "of nothing");
	close(fd);
	close(other);
}

int main(void)
{
	scratch();
	duplicates();
	flags_are_changed();
	process_locks();
	waiting_for_a_lock();
	deadlocks_are_found();
	description_locks();
	whole_file_locks();
	locks_are_shown();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes and fifos: blocking and not, ends that close, atomic writes, capacity.
 */
#include "abi.h"

#include <limits.h>
#include <sys/ioctl.h>

enum { SET_SIZE = 1031, GET_SIZE = 1032 };

static void bytes_flow(void)
{
	char buf[16] = "";
	struct stat st;
	int ends[2];

	is(pipe(ends), 0, "pipe");
	ok(ends[1] == ends[0] + 1, "gives two descriptors");
	is(write(ends[1], "hello", 5), 5, "write");
	int waiting = 0;
	is(ioctl(ends[0], FIONREAD, &waiting), 0, "FIONREAD");
	is(waiting, 5, "tells what waits");
	is(read(ends[0], buf, 3), 3, "a short read");
	is(read(ends[0], buf + 3, 13), 2, "then the rest");
	is_str(buf, "hello", "in order");
	fstat(ends[0], &st);
	ok(S_ISFIFO(st.st_mode), "stat calls it a fifo");
	fails(write(ends[0], "x", 1), EBADF, "the reading end is not written");
	fails(read(ends[1], buf, 1), EBADF, "the writing end is not read");
	is(write(ends[1], "", 0), 0, "a write of nothing");
	close(ends[1]);
	is(read(ends[0], buf, 1), 0, "without writers a read returns 0");
	close(ends[0]);
	fails(syscall(SYS_pipe, BAD_POINTER), EFAULT, "a bad pointer");
	fails(pipe2(ends, 0x10), EINVAL, "unknown flags");
}

static void writers_without_readers(void)
{
	int ends[2], st;

	pipe(ends);
	close(ends[0]);
	if (child(&st) == 0) {
		(void)!write(ends[1], "x", 1);
		_exit(0);
	}
	is(st, KILLED(SIGPIPE), "SIGPIPE kills a writer without readers");
	signal(SIGPIPE, SIG_IGN);
	fails(write(ends[1], "x", 1), EPIPE, "with SIGPIPE ignored it is EPIPE");
	signal(SIGPIPE, SIG_DFL);
	close(ends[1]);
}

static void nonblocking_ends(void)
{
	static char block[65536];
	char c;
	int ends[2];

	is(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0, "pipe2");
	ok((fcntl(ends[0], F_GETFL) & O_NONBLOCK) && (fcntl(ends[1], F_GETFL) & O_NONBLOCK),
	   "sets O_NONBLOCK on both ends");
	is(fcntl(ends[1], F_GETFD), FD_CLOEXEC, "and FD_CLOEXEC");
	fails(read(ends[0], &c, 1), EAGAIN, "an empty pipe is EAGAIN");
	is(fcntl(ends[0], GET_SIZE), 65536, "a pipe holds 64 KiB");
	is(write(ends[1], block, 65536), 65536, "which can be written at once");
	fails(write(ends[1], &c, 1), EAGAIN, "a full pipe is EAGAIN");
	is(read(ends[0], block, 100), 100, "reading a little");
	fails(write(ends[1], block, PIPE_BUF), EAGAIN, "makes no room for PIPE_BUF bytes");
	is(read(ends[0], block, 3996), 3996, "a page's worth");
	is(write(ends[1], block, PIPE_BUF), PIPE_BUF, "does");
	read(ends[0], block, 8192);
	is(write(ends[1], block, 65536), 8192, "a larger write is cut to the room there is");
	close(ends[0]);
	close(ends[1]);
}

static void capacity_is_set(void)
{
	static char block[8192];
	int ends[2];

	pipe2(ends, O_NONBLOCK);
	is(fcntl(ends[0], SET_SIZE, 4096), 4096, "F_SETPIPE_SZ");
	is(fcntl(ends[1], GET_SIZE), 4096, "counts for both ends");
	is(write(ends[1], block, 8192), 4096, "a page fits");
	is(fcntl(ends[0], SET_SIZE, 70000), 131072, "sizes are rounded up to a power of two");
	is(write(ends[1], block, 8192), 8192, "then there is more room");
	fails(fcntl(ends[0], SET_SIZE, 4096), EBUSY, "but not less than what waits");
	fails(fcntl(1, GET_SIZE, 0) >= 0 ? (errno = EBADF, -1) : -1, EBADF,
	      "another file has no pipe size");
	close(ends[0]);
	close(ends[1]);
}

static void small_writes_are_atomic(void)
{
	enum { WRITERS = 4, RECORDS = 100, SIZE = 1000 };
	char record[SIZE];
	int ends[2], whole = 0, got = 0;
	pid_t pids[WRITERS];

	pipe(ends);
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = spawn();
		if (pids[i] == 0) {
			memset(record, 'a' + i, SIZE);
			for (int n = 0; n < RECORDS; n++)
				if (write(ends[1], record, SIZE) != SIZE)
					_exit(1);
			_exit(0);
		}
	}
	close(ends[1]);
	for (;;) {
		size_t have = 0;
		ssize_t n = 0;
		while (have < SIZE && (n = read(ends[0], record + have, SIZE - have)) > 0)
			have += (size_t)n;
		if (have < SIZE)
			break;
		bool same = true;
		for (int i = 1; i < SIZE; i++)
			same = same && record[i] == record[0];
		whole += same;
		got++;
	}
	is(got, WRITERS * RECORDS, "four writers: all records arrive");
	is(whole, WRITERS * RECORDS, "none is torn");
	for (int i = 0; i < WRITERS; i++)
		is(reap(pids[i]), 0, "writer %d ended", i);
	close(ends[0]);
}

static void large_flows(void)
{
	enum { TOTAL = 4 << 20 };
	static unsigned char buf[50000];
	int ends[2];
	long got = 0;
	bool right = true;
	ssize_t n;

	pipe(ends);
	pid_t pid = spawn();
	if (pid == 0) {
		long sent = 0;
		while (sent < TOTAL) {
			size_t want = (size_t)(sent % 30000 + 1);
			if (want > (size_t)(TOTAL - sent))
				want = (size_t)(TOTAL - sent);
			for (size_t i = 0; i < want; i++)
				buf[i] = (unsigned char)((sent + (long)i) * 7 >> 2);
			if (write(ends[1], buf, want) != (ssize_t)want)
				_exit(1);
			sent += (long)want;
		}
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			right = right && buf[i] == (unsigned char)((got + i) * 7 >> 2);
		got += n;
	}
	is(got, TOTAL, "4 MiB flow through a pipe");
	ok(right, "every byte is right");
	is(reap(pid), 0, "the writer ended");
	close(ends[0]);
}

static void chains_of_processes(void)
{
	enum { LENGTH = 20 };
	int in, first[2];
	char text[32] = "";

	pipe(first);
	in = first[0];
	for (int i = 0; i < LENGTH; i++) {
		int next[2];
		pipe(next);
		if (spawn() == 0) {
			char c;
			close(first[1]);
			while (read(in, &c, 1) == 1) {
				c++;
				(void)!write(next[1], &c, 1);
			}
			_exit(0);
		}
		close(in);
		close(next[1]);
		in = next[0];
	}
	(void)!write(first[1], "ABC", 3);
	close(first[1]);
	size_t have = 0;
	ssize_t n;
	while (have < 31 && (n = read(in, text + have, 31 - have)) > 0)
		have += (size_t)n;
	is_str(text, "UVW", "twenty processes in a pipeline");
	close(in);
	int ended = 0;
	while (wait(NULL) > 0)
		ended++;
	is(ended, LENGTH, "all of which end");
}

static void fifos_wait_for_the_other_end(void)
{
	char c = 0;

	is(mkfifo("fifo", 0600), 0, "mkfifo");
	fails(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO, "no writer without a reader");
	int r = open("fifo", O_RDONLY | O_NONBLOCK);
	ok(r >= 0, "a non-blocking reader opens at once");
	is(read(r, &c, 1), 0, "without a writer it reads the end");
	int w = open("fifo", O_WRONLY | O_NONBLOCK);
	ok(w >= 0, "then a writer opens");
	fails(read(r, &c, 1), EAGAIN, "with a writer it waits");
	close(w);
	close(r);
	pid_t pid = spawn();
	if (pid == 0) {
		w = open("fifo", O_WRONLY);
		_exit(write(w, "!", 1) == 1 ? 0 : 1);
	}
	r = open("fifo", O_RDONLY);
	ok(r >= 0 && read(r, &c, 1) == 1 && c == '!', "two processes meet at a fifo");
	is(reap(pid), 0, "the writer ended");
	close(r);
	int both = open("fifo", O_RDWR);
	ok(both >= 0, "O_RDWR opens a fifo without waiting");
	close(both);
}

static void splicing(void)
{
	int a[2], b[2];
	char buf[8] = "";

	pipe(a);
	pipe(b);
	(void)!write(a[1], "abcdef", 6);
	long n = syscall(SYS_tee, a[0], b[1], 4, 0);
	if (n < 0 && errno == ENOSYS) {
		skip(5, "tee and splice are not there");
		return;
	}
	if (!is(n, 4, "tee copies"))
		return;
	is(read(b[0], buf, 8), 4, "to the other pipe");
	is(syscall(SYS_splice, a[0], NULL, b[1], NULL, 6, 0), 6, "splice moves");
	is(read(b[0], buf, 8), 6, "what tee left in place");
	fails(syscall(SYS_splice, 1, NULL, 1, NULL, 1, 0x100), EINVAL, "unknown flags");
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

int main(void)
{
	scratch();
	bytes_flow();
	writers_without_readers();
	nonblocking_ends();
	capacity_is_set();
	small_writes_are_atomic();
	large_flows();
	chains_of_processes();
	fifos_wait_for_the_other_end();
	splicing();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring, by hand: rings, requests that are done at once and requests that wait, chains, times,
 * calling off, registered files and buffers, overflow, and rings that lie.
 */
#include "abi.h"
#include "uring.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static void setup(void)
{
	struct ring ring;
	struct io_uring_params params = {0};

	fails(syscall(SYS_io_uring_setup, 0, &params), EINVAL, "no entries");
	fails(syscall(SYS_io_uring_setup, 4, BAD_POINTER), EFAULT, "no parameters");
	params.flags = 1u << 31;
	fails(syscall(SYS_io_uring_setup, 4, &params), EINVAL, "unknown flags");
	fails(syscall(SYS_io_uring_enter, 0x7fff, 0, 0, 0, NULL, 0), EBADF, "no descriptor");
	int null = open("/dev/null", O_RDWR);
	fails(syscall(SYS_io_uring_enter, null, 0, 0, 0, NULL, 0), EOPNOTSUPP, "no ring");
	close(null);
	ok(make(&ring, 5, 0, 0), "a ring");
	is(ring.p.sq_entries, 8, "its size is a power of two");
	is(ring.p.cq_entries, 16, "there is room for twice the answers");
	is(*word(ring.sq, ring.p.sq_off.ring_mask), 7, "the mask is in the ring");
	fails(syscall(SYS_io_uring_enter, ring.fd, 0, 0, 1u << 30, NULL, 0), EINVAL,
	      "unknown flags");
	is(enter(&ring, 1, 0), 0, "nothing is submitted when nothing is there");
	next(&ring, IORING_OP_NOP, -1, 77);
	is(enter(&ring, 1, 1), 1, "one that does nothing");
	struct io_uring_cqe cqe = answer(&ring);
	is(cqe.res, 0, "is done");
	is((long)cqe.user_data, 77, "and says which it was");
	next(&ring, 250, -1, 1);
	is(one(&ring), -EINVAL, "an unknown one");
	drop(&ring);
}

static void files(void)
{
	struct ring ring;
	char text[32] = "";
	struct iovec vector[2] = {{"one", 3}, {"two", 3}};

	scratch();
	make(&ring, 8, 0, 0);
	struct io_uring_sqe *sqe = next(&ring, IORING_OP_OPENAT, AT_FDCWD, 1);
	sqe->addr = (unsigned long)"file";
	sqe->len = 0600;
	sqe->open_flags = O_CREAT | O_RDWR;
	int fd = one(&ring);
	ok(fd >= 0, "a file is opened");
	sqe = next(&ring, IORING_OP_WRITEV, fd, 2);
	sqe->addr = (unsigned long)vector;
	sqe->len = 2;
	is(one(&ring), 6, "two buffers are written");
	sqe = next(&ring, IORING_OP_READ, fd, 3);
	sqe->addr = (unsigned long)text;
	sqe->len = sizeof(text);
	sqe->off = 2;
	is(one(&ring), 4, "a part is read");
	is_str(text, "etwo", "as it was written");
	sqe = next(&ring, IORING_OP_READ, fd, 3);
	sqe->addr = (unsigned long)BAD_POINTER;
	sqe->len = 4;
	is(one(&ring), -EFAULT, "not to nowhere");
	sqe = next(&ring, IORING_OP_FSYNC, fd, 4);
	is(one(&ring), 0, "it is brought to storage");
	sqe = next(&ring, IORING_OP_FALLOCATE, fd, 5);
	sqe->addr = 100;
	is(one(&ring), 0, "room is made");
	struct stat st;
	fstat(fd, &st);
	is(st.st_size, 100, "so it is longer");
	sqe = next(&ring, IORING_OP_MKDIRAT, AT_FDCWD, 6);
	sqe->addr = (unsigned long)"folder";
	sqe->len = 0755;
	is(one(&ring), 0, "a folder");
	sqe = next(&ring, IORING_OP_RENAMEAT, AT_FDCWD, 7);
	sqe->addr = (unsigned long)"file";
	sqe->len = (unsigned)AT_FDCWD;
	sqe->addr2 = (unsigned long)"folder/file";
	is(one(&ring), 0, "a new name");
	is(access("folder/file", F_OK), 0, "which it has");
	sqe = next(&ring, IORING_OP_UNLINKAT, AT_FDCWD, 8);
	sqe->addr = (unsigned long)"folder/file";
	is(one(&ring), 0, "no name");
	sqe = next(&ring, IORING_OP_UNLINKAT, AT_FDCWD, 8);
	sqe->addr = (unsigned long)"folder/file";
	is(one(&ring), -ENOENT, "once");
	next(&ring, IORING_OP_CLOSE, fd, 9);
	is(one(&ring), 0, "it is closed");
	fails(close(fd), EBADF, "for good");
	next(&ring, IORING_OP_CLOSE, ring.fd, 9);
	is(one(&ring), -EBADF, "the ring does not close itself");
	drop(&ring);
}

static void waiting(void)
{
	struct ring ring;
	int ends[2];
	char text[8] = "";

	make(&ring, 8, 0, 0);
	if (pipe(ends))
		return;
	struct io_uring_sqe *sqe = next(&ring, IORING_OP_READ, ends[0], 1);
	sqe->addr = (unsigned long)text;
	sqe->len = sizeof(text);
	is(enter(&ring, 1, 0), 1, "a read that has to wait");
	is(there(&ring), 0, "does");
	(void)!write(ends[1], "abc", 3);
	is(enter(&ring, 0, 1), 0, "and is done");
	is(answer(&ring).res, 3, "when there is something");
	is_str(text, "abc", "which is that");
	sqe = next(&ring, IORING_OP_POLL_ADD, ends[0], 2);
	sqe->poll32_events = POLLIN;
	enter(&ring, 1, 0);
	is(there(&ring), 0, "a poll waits");
	(void)!write(ends[1], "x", 1);
	enter(&ring, 0, 1);
	is(answer(&ring).res, POLLIN, "for an event");
	(void)!read(ends[0], text, 1);
	/* Without entering: the answer comes while the program does something else. */
	sqe = next(&ring, IORING_OP_READ, ends[0], 3);
	sqe->addr = (unsigned long)text;
	sqe->len = 1;
	enter(&ring, 1, 0);
	(void)!write(ends[1], "y", 1);
	wait_until(there(&ring) == 1);
	is(answer(&ring).res, 1, "nobody needs to ask");
	/* A child writes later. */
	sqe = next(&ring, IORING_OP_READ, ends[0], 4);
	sqe->addr = (unsigned long)text;
	sqe->len = 1;
	pid_t pid = spawn();
	if (pid == 0) {
		sleep_ms(20);
		(void)!write(ends[1], "z", 1);
		_exit(0);
	}
	is(enter(&ring, 1, 1), 1, "it waits for another process");
	is(answer(&ring).res, 1, "as well");
	reap(pid);
	close(ends[0]);
	close(ends[1]);
	drop(&ring);
}

static void sockets(void)
{
	struct ring ring;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[8] = "";

	make(&ring, 8, 0, 0);
	strcpy(address.sun_path + 1, "uring_calls");
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	is(bind(server, (struct sockaddr *)&address, sizeof(address)), 0, "a name");
	is(listen(server, 5), 0, "listens");
	next(&ring, IORING_OP_ACCEPT, server, 1);
	enter(&ring, 1, 0);
	is(there(&ring), 0, "nobody comes");
	struct io_uring_sqe *sqe = next(&ring, IORING_OP_CONNECT, client, 2);
	sqe->addr = (unsigned long)&address;
	sqe->off = sizeof(address);
	is(enter(&ring, 1, 2), 1, "until somebody does");
	int accepted = -1;
	for (int i = 0; i < 2; i++) {
		struct io_uring_cqe cqe = answer(&ring);
		if (cqe.user_data == 1)
			accepted = cqe.res;
		else
			is(cqe.res, 0, "the connection is made");
	}
	ok(accepted >= 0, "and accepted");
	sqe = next(&ring, IORING_OP_RECV, accepted, 3);
	sqe->addr = (unsigned long)text;
	sqe->len = sizeof(text);
	enter(&ring, 1, 0);
	sqe = next(&ring, IORING_OP_SEND, client, 4);
	sqe->addr = (unsigned long)"hello";
	sqe->len = 5;
	is(enter(&ring, 1, 2), 1, "what is sent");
	is(answer(&ring).res, 5, "is");
	is(answer(&ring).res, 5, "received");
	is_str(text, "hello", "as it was");
	close(accepted);
	close(client);
	close(server);
	drop(&ring);
}

static void chains(void)
{
	struct ring ring;
	struct io_uring_sqe *sqe;

	make(&ring, 16, 0, 0);
	for (int i = 0; i < 3; i++) {
		sqe = next(&ring, IORING_OP_NOP, -1, (unsigned long)i);
		sqe->flags = i < 2 ? IOSQE_IO_LINK : 0;
	}
	is(enter(&ring, 3, 3), 3, "a chain");
	bool ordered = true;
	for (unsigned i = 0; i < 3; i++)
		ordered &= answer(&ring).user_data == i;
	ok(ordered, "is done in order");
	sqe = next(&ring, IORING_OP_CLOSE, 0x7ffe, 1);
	sqe->flags = IOSQE_IO_LINK;
	next(&ring, IORING_OP_NOP, -1, 2);
	enter(&ring, 2, 2);
	is(answer(&ring).res, -EBADF, "one fails");
	is(answer(&ring).res, -ECANCELED, "and the rest is called off");
	sqe = next(&ring, IORING_OP_CLOSE, 0x7ffe, 1);
	sqe->flags = IOSQE_IO_HARDLINK;
	next(&ring, IORING_OP_NOP, -1, 2);
	enter(&ring, 2, 2);
	is(answer(&ring).res, -EBADF, "one fails");
	is(answer(&ring).res, 0, "a hard link holds");
	int ends[2];
	char text[4];
	if (pipe(ends))
		return;
	sqe = next(&ring, IORING_OP_READ, ends[0], 1);
	sqe->addr = (unsigned long)text;
	sqe->len = 1;
	sqe = next(&ring, IORING_OP_NOP, -1, 2);
	sqe->flags = IOSQE_IO_DRAIN;
	next(&ring, IORING_OP_NOP, -1, 3);
	is(enter(&ring, 3, 0), 3, "one that waits, one that drains, one behind that");
	is(there(&ring), 0, "nothing is done");
	(void)!write(ends[1], "x", 1);
	is(enter(&ring, 0, 3), 0, "until the first is");
	ordered = true;
	for (unsigned i = 1; i <= 3; i++)
		ordered &= answer(&ring).user_data == i;
	ok(ordered, "then all in order");
	close(ends[0]);
	close(ends[1]);
	drop(&ring);
}

static void times(void)
{
	struct ring ring;
	struct {
		long long sec, nsec;
	} soon = {0, 10000000}, late = {100, 0};
	struct io_uring_sqe *sqe;

	make(&ring, 8, 0, 0);
	long before = now_ms();
	sqe = next(&ring, IORING_OP_TIMEOUT, -1, 1);
	sqe->addr = (unsigned long)&soon;
	sqe->len = 1;
	is(one(&ring), -ETIME, "time goes by");
	ok(now_ms() - before >= 10, "all of it");
	sqe = next(&ring, IORING_OP_TIMEOUT, -1, 2);
	sqe->addr = (unsigned long)&late;
	sqe->len = 1;
	sqe->off = 1;
	enter(&ring, 1, 0);
	next(&ring, IORING_OP_NOP, -1, 3);
	is(enter(&ring, 1, 2), 1, "or a number of answers");
	struct io_uring_cqe first = answer(&ring), second = answer(&ring);
	is((long)(first.user_data + second.user_data), 5, "both come");
	is(first.res + second.res, 0, "without error");
	sqe = next(&ring, IORING_OP_TIMEOUT, -1, 4);
	sqe->addr = (unsigned long)&late;
	sqe->len = 1;
	enter(&ring, 1, 0);
	sqe = next(&ring, IORING_OP_TIMEOUT_REMOVE, -1, 5);
	sqe->addr = 4;
	is(enter(&ring, 1, 2), 1, "it is taken back");
	first = answer(&ring);
	second = answer(&ring);
	is(first.user_data == 4 ? first.res : second.res, -ECANCELED, "and says so");
	is(first.user_data == 5 ? first.res : second.res, 0, "as does who did it");
	int ends[2];
	char text[4];
	if (pipe(ends))
		return;
	sqe = next(&ring, IORING_OP_READ, ends[0], 6);
	sqe->addr = (unsigned long)text;
	sqe->len = 1;
	enter(&ring, 1, 0);
	sqe = next(&ring, IORING_OP_ASYNC_CANCEL, -1, 7);
	sqe->addr = 6;
	enter(&ring, 1, 2);
	first = answer(&ring);
	second = answer(&ring);
	is(first.user_data == 6 ? first.res : second.res, -ECANCELED, "a read is called off");
	sqe = next(&ring, IORING_OP_ASYNC_CANCEL, -1, 8);
	sqe->addr = 6;
	is(one(&ring), -ENOENT, "once");
	close(ends[0]);
	close(ends[1]);
	drop(&ring);
}

static void registered(void)
{
	struct ring ring;
	struct io_uring_sqe *sqe;
	static char buffer[2 * 4096];
	struct iovec vector = {buffer, sizeof(buffer)};
	uint64_t count = 0;

	scratch();
	make(&ring, 8, 0, 0);
	put_file("file", "content", 7, 0600);
	int fds[2] = {open("file", O_RDWR), -1}, event = eventfd(0, EFD_NONBLOCK);
	is(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, fds, 2), 0, "two files");
	fails(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, fds, 2), EBUSY,
	      "once");
	close(fds[0]);
	is(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &vector, 1), 0,
	   "a buffer");
	is(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_EVENTFD, &event, 1), 0,
	   "a counter");
	sqe = next(&ring, IORING_OP_READ_FIXED, 0, 1);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->addr = (unsigned long)(buffer + 100);
	sqe->len = 100;
	is(one(&ring), 7, "the file is read, though closed");
	is_str(buffer + 100, "content", "into the buffer");
	is(read(event, &count, 8), 8, "and counted");
	sqe = next(&ring, IORING_OP_READ_FIXED, 0, 1);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->addr = (unsigned long)(buffer + sizeof(buffer) - 10);
	sqe->len = 11;
	is(one(&ring), -EFAULT, "not beyond it");
	sqe = next(&ring, IORING_OP_READ, 1, 1);
	sqe->flags = IOSQE_FIXED_FILE;
	is(one(&ring), -EBADF, "an empty place");
	sqe = next(&ring, IORING_OP_READ, 1000, 1);
	sqe->flags = IOSQE_FIXED_FILE;
	is(one(&ring), -EBADF, "no place");
	is(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_FILES, NULL, 0), 0,
	   "given back");
	fails(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_FILES, NULL, 0), ENXIO,
	      "once");
	is(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_BUFFERS, NULL, 0), 0,
	   "the buffer, too");
	char memory[sizeof(struct io_uring_probe) + 256 * sizeof(struct io_uring_probe_op)] = {0};
	struct io_uring_probe *probe = (struct io_uring_probe *)memory;
	is(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PROBE, probe, 256), 0,
	   "what there is");
	ok(probe->ops[IORING_OP_READ].flags & IO_URING_OP_SUPPORTED, "reading is");
	fails(syscall(SYS_io_uring_register, ring.fd, 1000, NULL, 0), EINVAL, "nonsense");
	close(event);
	drop(&ring);
}

static void overflow(void)
{
	struct ring ring;

	make(&ring, 4, IORING_SETUP_CQSIZE, 4);
	for (unsigned long i = 0; i < 8; i++) {
		next(&ring, IORING_OP_NOP, -1, i);
		if (enter(&ring, 1, 0) != 1)
			break;
	}
	ok(*word(ring.sq, ring.p.sq_off.flags) & IORING_SQ_CQ_OVERFLOW, "too many answers");
	bool ordered = true;
	for (unsigned i = 0; i < 4; i++)
		ordered &= answer(&ring).user_data == i;
	ok(ordered, "the first are there");
	enter(&ring, 0, 1);
	is((long)answer(&ring).user_data, 4, "and the next come when there is room");
	drop(&ring);
}

/* Whatever a program writes into its rings, it gets errors, and answers to what it asked. */
static void lies(void)
{
	struct ring ring;
	int status;

	if (child(&status) == 0) {
		make(&ring, 8, 0, 0);
		*word(ring.sq, ring.p.sq_off.ring_mask) = 0xffffffff;
		*word(ring.sq, ring.p.sq_off.ring_entries) = 0xffffffff;
		*word(ring.cq, ring.p.cq_off.ring_mask) = 0xffffffff;
		*word(ring.cq, ring.p.cq_off.ring_entries) = 0xffffffff;
		for (unsigned i = 0; i < 8; i++)
			word(ring.sq, ring.p.sq_off.array)[i] = 0xfffffff0 + i;
		*word(ring.sq, ring.p.sq_off.tail) += 8;
		ok(enter(&ring, 8, 0) <= 8, "indices out of range");
		unsigned seed = 1;
		for (int round = 0; round < 300; round++) {
			unsigned char *raw = (unsigned char *)ring.sqes;
			for (size_t i = 0; i < 8 * sizeof(struct io_uring_sqe); i++)
				raw[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
			for (unsigned i = 0; i < 8; i++) {
				ring.sqes[i].opcode %= 42;
				ring.sqes[i].fd = -1;
				word(ring.sq, ring.p.sq_off.array)[i] = (seed >> i) % 12;
			}
			*word(ring.sq, ring.p.sq_off.tail) += 8;
			enter(&ring, 8, 0);
			*word(ring.cq, ring.p.cq_off.head) =
				round % 3 ? *word(ring.cq, ring.p.cq_off.tail) : seed;
		}
		*word(ring.sq, ring.p.sq_off.tail) = 0x80000000;
		enter(&ring, 0xffffffff, 0);
		_exit(0);
	}
	is(status, 0, "the child lives");
	/* With requests that wait, a program ends. */
	if (child(&status) == 0) {
		int ends[2];
		static char text[4];
		make(&ring, 8, 0, 0);
		if (pipe(ends))
			_exit(1);
		for (int i = 0; i < 6; i++) {
			struct io_uring_sqe *sqe = next(&ring, IORING_OP_READ, ends[0], 1);
			sqe->addr = (unsigned long)text;
			sqe->len = 1;
		}
		enter(&ring, 6, 0);
		_exit(0);
	}
	is(status, 0, "with requests that wait it ends");
}

int main(void)
{
	setup();
	files();
	waiting();
	sockets();
	chains();
	times();
	registered();
	overflow();
	lies();
	return done();
}

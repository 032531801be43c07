/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring: timeouts of single requests, requests with more than one answer, provided buffers.
 */
#include "abi.h"
#include "uring.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Waits until there is an answer, and takes it. */
static struct io_uring_cqe wait_answer(struct ring *ring)
{
	enter(ring, 0, 1);
	return answer(ring);
}

static struct io_uring_sqe *read_from(struct ring *ring, int fd, void *buffer, unsigned data)
{
	struct io_uring_sqe *sqe = next(ring, IORING_OP_READ, fd, data);

	sqe->addr = (unsigned long)buffer;
	sqe->len = 1;
	return sqe;
}

static void limit(struct ring *ring, long long *time, unsigned data)
{
	struct io_uring_sqe *sqe = next(ring, IORING_OP_LINK_TIMEOUT, -1, data);

	sqe->addr = (unsigned long)time;
	sqe->len = 1;
}

static void linked_timeouts(void)
{
	struct ring ring;
	long long soon[2] = {0, 10000000}, never[2] = {1000, 0};
	char c;
	int ends[2];

	is(pipe(ends), 0, "a pipe");
	make(&ring, 8, 0, 0);
	read_from(&ring, ends[0], &c, 1)->flags = IOSQE_IO_LINK;
	limit(&ring, soon, 2);
	is(enter(&ring, 2, 2), 2, "a read that must not take long");
	struct io_uring_cqe first = answer(&ring), second = answer(&ring);
	if (first.user_data == 2) {
		struct io_uring_cqe other = first;
		first = second;
		second = other;
	}
	is(first.res, -ECANCELED, "is called off");
	is(second.res, -ETIME, "for its time is over");
	is(write(ends[1], "xy", 2), 2, "data");
	read_from(&ring, ends[0], &c, 1)->flags = IOSQE_IO_LINK;
	limit(&ring, never, 2);
	is(enter(&ring, 2, 2), 2, "a read that has time");
	first = answer(&ring);
	second = answer(&ring);
	ok(first.user_data == 1 && first.res == 1, "is done");
	ok(second.user_data == 2 && second.res == -ECANCELED, "and its time is called off");
	read_from(&ring, ends[0], &c, 1)->flags = IOSQE_IO_LINK;
	limit(&ring, never, 2);
	is(enter(&ring, 2, 2), 2, "again");
	answer(&ring);
	answer(&ring);
	read_from(&ring, ends[0], &c, 1)->flags = IOSQE_IO_LINK;
	limit(&ring, never, 2);
	is(enter(&ring, 2, 0), 2, "one that waits");
	is(write(ends[1], "x", 1), 1, "until there is data");
	struct io_uring_cqe both[2] = {wait_answer(&ring), wait_answer(&ring)};
	ok(both[0].user_data == 1 && both[0].res == 1, "and then is done");
	ok(both[1].user_data == 2 && both[1].res == -ECANCELED, "in time");
	limit(&ring, never, 3);
	is(one(&ring), -EINVAL, "a time limits what is before it: nothing");
	drop(&ring);
	close(ends[0]);
	close(ends[1]);
}

static void many_events(void)
{
	struct ring ring;
	char c;
	int ends[2];

	is(pipe(ends), 0, "a pipe");
	make(&ring, 8, 0, 0);
	struct io_uring_sqe *sqe = next(&ring, IORING_OP_POLL_ADD, ends[0], 7);
	sqe->poll32_events = POLLIN;
	sqe->len = 1;
	is(enter(&ring, 1, 0), 1, "a poll for all that comes");
	for (int round = 0; round < 3; round++) {
		is(write(ends[1], "x", 1), 1, "data");
		struct io_uring_cqe cqe = wait_answer(&ring);
		ok(cqe.user_data == 7 && cqe.res == POLLIN, "is told of");
		is(cqe.flags & IORING_CQE_F_MORE, IORING_CQE_F_MORE, "and so will be more");
		is(read(ends[0], &c, 1), 1, "read");
	}
	sqe = next(&ring, IORING_OP_ASYNC_CANCEL, -1, 8);
	sqe->addr = 7;
	is(enter(&ring, 1, 2), 1, "called off");
	struct io_uring_cqe cqe = answer(&ring), other = answer(&ring);
	if (cqe.user_data == 8)
		cqe = other;
	is(cqe.res, -ECANCELED, "it ends");
	is(cqe.flags & IORING_CQE_F_MORE, 0, "for good");
	drop(&ring);
	close(ends[0]);
	close(ends[1]);
}

static void many_connections(void)
{
	struct ring ring;
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "many"};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), clients[3];

	is(bind(listener, (struct sockaddr *)&address, sizeof(address)) | listen(listener, 8), 0,
	   "a socket that listens");
	make(&ring, 8, 0, 0);
	next(&ring, IORING_OP_ACCEPT, listener, 9)->ioprio = 1;
	is(enter(&ring, 1, 0), 1, "whoever comes is accepted");
	for (int i = 0; i < 3; i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		is(connect(clients[i], (struct sockaddr *)&address, sizeof(address)), 0,
		   "one comes");
		struct io_uring_cqe cqe = wait_answer(&ring);
		ok(cqe.user_data == 9 && cqe.res > 2, "and is accepted");
		is(cqe.flags & IORING_CQE_F_MORE, IORING_CQE_F_MORE, "as others will be");
		close(cqe.res);
		close(clients[i]);
	}
	drop(&ring);
	close(listener);
}

static int provide(struct ring *ring, char *buffers, int count, unsigned first)
{
	struct io_uring_sqe *sqe = next(ring, IORING_OP_PROVIDE_BUFFERS, count, 1);

	sqe->addr = (unsigned long)buffers;
	sqe->len = 16;
	sqe->off = first;
	sqe->buf_index = 5;
	return one(ring);
}

static struct io_uring_cqe receive(struct ring *ring, int fd)
{
	struct io_uring_sqe *sqe = next(ring, IORING_OP_RECV, fd, 2);

	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_index = 5;
	enter(ring, 1, 1);
	return answer(ring);
}

static void buffers_by_request(void)
{
	static char buffers[4][16];
	struct ring ring;
	int ends[2];

	is(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0, "a pair");
	make(&ring, 8, 0, 0);
	ok(provide(&ring, buffers[0], 2, 10) >= 0, "two buffers");
	is(send(ends[1], "hello", 5, 0), 5, "data");
	struct io_uring_cqe cqe = receive(&ring, ends[0]);
	is(cqe.res, 5, "comes");
	is(cqe.flags & IORING_CQE_F_BUFFER, IORING_CQE_F_BUFFER, "in a buffer");
	ok(cqe.flags >> 16 == 10 || cqe.flags >> 16 == 11, "one of those");
	is(memcmp(buffers[(cqe.flags >> 16) - 10], "hello", 5), 0, "where it is said to be");
	is(send(ends[1], "again", 5, 0), 5, "more data");
	cqe = receive(&ring, ends[0]);
	ok(cqe.res == 5 && (cqe.flags >> 16 == 10 || cqe.flags >> 16 == 11), "in the other");
	is(send(ends[1], "third", 5, 0), 5, "and more");
	is(receive(&ring, ends[0]).res, -ENOBUFS, "there is no third");
	ok(provide(&ring, buffers[2], 2, 12) >= 0, "until some are given");
	cqe = receive(&ring, ends[0]);
	is(cqe.res, 5, "then it comes");
	struct io_uring_sqe *sqe = next(&ring, IORING_OP_REMOVE_BUFFERS, 7, 3);
	sqe->buf_index = 5;
	is(one(&ring), 1, "one is left to be taken back");
	sqe = next(&ring, IORING_OP_REMOVE_BUFFERS, 7, 3);
	sqe->buf_index = 77;
	is(one(&ring), -ENOENT, "no such group");
	sqe = next(&ring, IORING_OP_PROVIDE_BUFFERS, 0, 3);
	ok(one(&ring) < 0, "no buffers at all");
	sqe = next(&ring, IORING_OP_NOP, -1, 4);
	sqe->flags = IOSQE_BUFFER_SELECT;
	is(one(&ring), -EOPNOTSUPP, "nothing needs a buffer");
	drop(&ring);
	close(ends[0]);
	close(ends[1]);
}

struct entry {
	uint64_t addr;
	uint32_t len;
	uint16_t bid, tail;
};

static void buffers_in_a_ring(void)
{
	static char buffers[8][16];
	struct entry *entries = (struct entry *)map_pages(1);
	struct {
		uint64_t addr;
		uint32_t entries;
		uint16_t group, flags;
		uint64_t rest[3];
	} setting = {.addr = (uintptr_t)entries, .entries = 8, .group = 5};
	struct ring ring;
	int ends[2];

	make(&ring, 8, 0, 0);
	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &setting, 1) != 0) {
		skip(12, "this kernel has no rings of buffers");
		drop(&ring);
		return;
	}
	fails(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &setting, 1),
	      EEXIST, "the group is taken");
	is(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0, "a pair");
	is(send(ends[1], "hello", 5, 0), 5, "data");
	is(receive(&ring, ends[0]).res, -ENOBUFS, "no buffer yet");
	for (int i = 0; i < 3; i++) {
		entries[i].addr = (uintptr_t)buffers[i];
		entries[i].len = 16;
		entries[i].bid = (uint16_t)(100 + i);
	}
	__atomic_store_n(&entries[0].tail, 3, __ATOMIC_RELEASE);
	struct io_uring_cqe cqe = receive(&ring, ends[0]);
	is(cqe.res, 5, "with one it comes");
	is(cqe.flags >> 16, 100, "in the first");
	is(memcmp(buffers[0], "hello", 5), 0, "as it was sent");
	/* One receive for all that comes. */
	struct io_uring_sqe *sqe = next(&ring, IORING_OP_RECV, ends[0], 6);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_index = 5;
	sqe->ioprio = 2;
	is(enter(&ring, 1, 0), 1, "all that comes");
	for (int i = 1; i < 3; i++) {
		is(send(ends[1], "more", 4, 0), 4, "is sent");
		cqe = wait_answer(&ring);
		ok(cqe.res == 4 && cqe.flags & IORING_CQE_F_MORE, "and told of");
		is(cqe.flags >> 16, 100 + i, "each in the next");
	}
	is(send(ends[1], "last", 4, 0), 4, "one more");
	cqe = wait_answer(&ring);
	is(cqe.res, -ENOBUFS, "has no room");
	is(cqe.flags & IORING_CQE_F_MORE, 0, "so that ends it");
	is(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_PBUF_RING, &setting, 1), 0,
	   "the ring of buffers is taken back");
	fails(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_PBUF_RING, &setting, 1),
	      ENOENT, "once");
	setting.entries = 7;
	fails(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &setting, 1),
	      EINVAL, "its size is a power of two");
	drop(&ring);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	struct ring ring;

	scratch();
	if (!make(&ring, 2, 0, 0)) {
		skip(1, "this kernel has no io_uring");
		return done();
	}
	drop(&ring);
	linked_timeouts();
	many_events();
	many_connections();
	buffers_by_request();
	buffers_in_a_ring();
	return done();
}

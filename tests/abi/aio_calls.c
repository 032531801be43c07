/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Native asynchronous I/O: contexts, requests of each kind, answers through the calls and by hand
 * from the ring, eventfds, calling off, and what is refused.
 */
#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

struct iocb {
	uint64_t data;
	uint32_t key;
	int32_t rw_flags;
	uint16_t opcode;
	int16_t reqprio;
	uint32_t fd;
	uint64_t buf, nbytes;
	int64_t offset;
	uint64_t reserved2;
	uint32_t flags, resfd;
};

struct io_event {
	uint64_t data, obj;
	int64_t res, res2;
};

struct ring {
	unsigned id, nr, head, tail, magic, compat, incompat, header;
	struct io_event events[];
};

enum { PREAD, PWRITE, FSYNC, FDSYNC, POLL = 5, NOOP, PREADV, PWRITEV };
enum { RESFD = 1, IOPRIO = 2 };

typedef unsigned long context_t;

static long setup(unsigned count, context_t *context)
{
	return syscall(SYS_io_setup, count, context);
}

static long destroy(context_t context)
{
	return syscall(SYS_io_destroy, context);
}

static long submit(context_t context, long count, struct iocb **list)
{
	return syscall(SYS_io_submit, context, count, list);
}

static long submit_one(context_t context, struct iocb *request)
{
	return submit(context, 1, &request);
}

static long getevents(context_t context, long least, long most, struct io_event *events,
		      struct timespec *timeout)
{
	return syscall(SYS_io_getevents, context, least, most, events, timeout);
}

static struct iocb make(int opcode, int fd, void *buffer, size_t size, long offset)
{
	return (struct iocb){.data = 77,
			     .opcode = (uint16_t)opcode,
			     .fd = (uint32_t)fd,
			     .buf = (uintptr_t)buffer,
			     .nbytes = size,
			     .offset = offset};
}

/* Submits one request and gives its answer's result; -1000 when something is wrong with it. */
static long result_of(context_t context, struct iocb *request)
{
	struct io_event event = {0};

	if (submit_one(context, request) != 1 || getevents(context, 1, 1, &event, NULL) != 1)
		return -1000;
	return event.obj == (uintptr_t)request && event.data == request->data ? event.res : -1001;
}

static void contexts(void)
{
	context_t context = 0, other = 0;

	is(setup(8, &context), 0, "a context is made");
	ok(context != 0, "and has a number");
	const struct ring *ring = (const struct ring *)context;
	is(ring->magic, 0xa10a10a1, "which is the address of its ring");
	is(ring->header, 32, "the ring says how long its head is");
	ok(ring->nr >= 8 && ring->incompat == 0, "and how many answers it holds");
	is(setup(1, &other), 0, "there may be several");
	ok(other != context, "with numbers of their own");
	is(destroy(other), 0, "they end one by one");
	fails(destroy(other), EINVAL, "once");
	fails(getevents(other, 0, 1, NULL, NULL), EINVAL, "an ended context has no answers");
	fails(setup(8, &context), EINVAL, "the word must be zero before");
	other = 0;
	fails(setup(0, &other), EINVAL, "no requests at all");
	fails(setup(0x10000000, &other), EINVAL, "far too many");
	fails(setup(0x300000, &other), EAGAIN, "more than the limit");
	fails(setup(8, BAD_POINTER), EFAULT, "no memory for the number");
	is(destroy(context), 0, "the first one ends");
	fails(destroy(0), EINVAL, "no context");
	fails(submit(context, 0, NULL), EINVAL, "nothing goes into an ended one");
}

static void reads_and_writes(void)
{
	char text[] = "asynchronous", buffer[32] = "";
	struct iovec parts[2] = {{buffer, 4}, {buffer + 8, 4}};
	context_t context = 0;
	int fd = open("file", O_RDWR | O_CREAT, 0644);

	is(setup(8, &context), 0, "a context for files");
	struct iocb request = make(PWRITE, fd, text, 12, 3);
	is(result_of(context, &request), 12, "written");
	is(lseek(fd, 0, SEEK_CUR), 0, "the file's position stays");
	request = make(PREAD, fd, buffer, sizeof(buffer), 3);
	is(result_of(context, &request), 12, "read again");
	ok(memcmp(buffer, text, 12) == 0, "the same");
	memset(buffer, 0, sizeof(buffer));
	request = make(PREADV, fd, parts, 2, 3);
	is(result_of(context, &request), 8, "read into a list of buffers");
	ok(memcmp(buffer, "asyn", 4) == 0 && memcmp(buffer + 8, "chro", 4) == 0, "each its part");
	memcpy(buffer, "ABCD", 4);
	request = make(PWRITEV, fd, parts, 2, 0);
	is(result_of(context, &request), 8, "written from a list");
	request = make(PREAD, fd, buffer, 4, 1000);
	is(result_of(context, &request), 0, "nothing behind the end");
	request = make(FSYNC, fd, NULL, 0, 0);
	is(result_of(context, &request), 0, "synchronised");
	request = make(FDSYNC, fd, NULL, 0, 0);
	is(result_of(context, &request), 0, "its data alone");
	request = make(PREAD, fd, BAD_POINTER, 4, 0);
	is(result_of(context, &request), -EFAULT, "a bad buffer is the answer's matter");
	destroy(context);
	close(fd);
}

static void several(void)
{
	char a[4] = "", b[4] = "";
	context_t context = 0;
	struct io_event events[4] = {{0}};
	int fd = open("file", O_RDONLY);
	struct iocb first = make(PREAD, fd, a, 4, 0), second = make(PREAD, fd, b, 4, 4),
		    bad = make(PREAD, -1, a, 4, 0);
	struct iocb *list[] = {&first, &second, &bad, &first};

	is(setup(8, &context), 0, "a context for several");
	second.data = 78;
	is(submit(context, 4, list), 2, "those before a bad one are done");
	is(getevents(context, 1, 4, events, NULL), 2, "two answers at once");
	ok(events[0].data == 77 && events[1].data == 78, "in order");
	fails(submit(context, 1, list + 2), EBADF, "the bad one first");
	struct timespec none = {0, 0}, soon = {0, 1000000};
	is(getevents(context, 1, 4, events, &none), 0, "no answer, no time");
	is(getevents(context, 1, 4, events, &soon), 0, "no answer in a little time");
	is(getevents(context, 0, 4, events, NULL), 0, "none are asked for");
	is(submit(context, 0, list), 0, "nothing to submit");
	destroy(context);
	close(fd);
}

static void by_hand(void)
{
	char buffer[4];
	context_t context = 0;
	int fd = open("file", O_RDONLY);

	is(setup(2, &context), 0, "a small context");
	struct ring *ring = (struct ring *)context;
	struct iocb request = make(PREAD, fd, buffer, 4, 0);
	long done = 0, wrong = 0;
	for (unsigned i = 0; i < 3 * ring->nr; i++) {
		request.data = i;
		done += submit_one(context, &request) == 1;
		wrong += ring->head == ring->tail || ring->events[ring->head].data != i;
		__atomic_store_n(&ring->head, (ring->head + 1) % ring->nr, __ATOMIC_RELEASE);
	}
	is(done, 3 * (long)ring->nr, "answers taken out by hand make room");
	is(wrong, 0, "and are in order, around and around");
	for (done = 0; submit_one(context, &request) == 1; done++)
		;
	is(errno, EAGAIN, "a full ring takes no more");
	ok(done >= 2 && done < (long)ring->nr, "it has room for what was asked for");
	destroy(context);
	close(fd);
}

static void refused(void)
{
	char buffer[8];
	context_t context = 0;
	int fd = open("file", O_RDWR), reader = open("file", O_RDONLY);
	int writer = open("file", O_WRONLY), event = eventfd(0, 0);
	struct iocb request, *list = BAD_POINTER;

	is(setup(8, &context), 0, "a context for bad requests");
	fails(submit(context, -1, NULL), EINVAL, "fewer than none");
	fails(submit(context, 1, BAD_POINTER), EFAULT, "no list");
	fails(submit(context, 1, &list), EFAULT, "no request");
	request = make(PWRITE, reader, buffer, 4, 0);
	fails(submit_one(context, &request), EBADF, "not open for writing");
	request = make(PREAD, writer, buffer, 4, 0);
	fails(submit_one(context, &request), EBADF, "not open for reading");
	request = make(PREAD, fd, buffer, 4, -1);
	fails(submit_one(context, &request), EINVAL, "before the beginning");
	request = make(PREAD, fd, buffer, 4, 0);
	request.reserved2 = 1;
	fails(submit_one(context, &request), EINVAL, "words that mean nothing");
	request = make(PREAD, fd, buffer, (size_t)-1, 0);
	fails(submit_one(context, &request), EINVAL, "a negative length");
	request = make(99, fd, buffer, 4, 0);
	fails(submit_one(context, &request), EINVAL, "no such request");
	request = make(NOOP, fd, buffer, 4, 0);
	fails(submit_one(context, &request), EINVAL, "nothing is not to be done");
	request = make(PREAD, fd, buffer, 4, 0);
	request.rw_flags = 1 << 30;
	fails(submit_one(context, &request), EOPNOTSUPP, "flags that are none");
	request = make(FSYNC, fd, buffer, 4, 0);
	fails(submit_one(context, &request), EINVAL, "fsync with a buffer");
	request = make(FSYNC, event, NULL, 0, 0);
	fails(submit_one(context, &request), EINVAL, "fsync of what cannot");
	request = make(PREAD, fd, buffer, 4, 0);
	request.flags = RESFD;
	request.resfd = (uint32_t)-1;
	fails(submit_one(context, &request), EBADF, "no eventfd");
	request.resfd = (uint32_t)fd;
	fails(submit_one(context, &request), EINVAL, "a file is none");
	request = make(PREAD, fd, buffer, 4, 0);
	request.flags = IOPRIO;
	request.reqprio = -0x2000;
	fails(submit_one(context, &request), EINVAL, "a priority that is none");
	request = make(POLL, fd, NULL, 0, 0);
	request.buf = 1 << 16;
	fails(submit_one(context, &request), EINVAL, "events that are none");
	request = make(POLL, fd, (void *)POLLIN, 1, 0);
	fails(submit_one(context, &request), EINVAL, "poll with a length");
	struct io_event events[2];
	fails(getevents(context, 2, 1, events, NULL), EINVAL, "more than there may be");
	fails(getevents(context, -1, 1, events, NULL), EINVAL, "fewer than none are wanted");
	fails(getevents(context, 0, 1, events, BAD_POINTER), EFAULT, "no time");
	request = make(PREAD, fd, buffer, 4, 0);
	is(submit_one(context, &request), 1, "a good one at last");
	fails(getevents(context, 1, 1, BAD_POINTER, NULL), EFAULT, "no place for its answer");
	is(getevents(context, 1, 1, events, NULL), 1, "which is not lost");
	destroy(context);
	close(fd);
	close(reader);
	close(writer);
	close(event);
}

static void polls(void)
{
	context_t context = 0;
	struct io_event event = {0};
	uint64_t count = 0;
	int ends[2], counter = eventfd(0, 0);

	is(pipe(ends), 0, "a pipe");
	is(setup(8, &context), 0, "a context for polls");
	struct iocb request = make(POLL, ends[1], (void *)POLLOUT, 0, 0);
	is(result_of(context, &request), POLLOUT, "what holds already");
	request = make(POLL, ends[0], (void *)POLLIN, 0, 0);
	request.flags = RESFD;
	request.resfd = (uint32_t)counter;
	is(submit_one(context, &request), 1, "waiting for data");
	struct timespec none = {0, 0};
	is(getevents(context, 1, 1, &event, &none), 0, "there is none");
	is(write(ends[1], "x", 1), 1, "until it is written");
	is(read(counter, &count, sizeof(count)), sizeof(count), "the eventfd tells of it");
	is(count, 1, "once");
	is(getevents(context, 1, 1, &event, NULL), 1, "and the answer is there");
	ok(event.res & POLLIN && event.obj == (uintptr_t)&request, "with the event");
	is(read(ends[0], &count, 1), 1, "the pipe is empty again");
	request = make(POLL, ends[0], (void *)POLLIN, 0, 0);
	is(submit_one(context, &request), 1, "waiting again");
	close(ends[1]);
	is(getevents(context, 1, 1, &event, NULL), 1, "the other end's end is told, too");
	ok(event.res & POLLHUP, "as such");
	int file = open("file", O_RDONLY);
	request = make(POLL, file, (void *)POLLIN, 0, 0);
	is(result_of(context, &request), POLLIN, "files are always ready");
	request = make(POLL, file, (void *)POLLPRI, 0, 0);
	fails(submit_one(context, &request), EINVAL, "what never comes is not waited for");
	close(file);
	destroy(context);
	close(ends[0]);
	close(counter);
}

static void calling_off(void)
{
	context_t context = 0;
	struct io_event event = {0};
	int ends[2];

	is(pipe(ends), 0, "a pipe where nothing comes");
	is(setup(8, &context), 0, "a context to call off");
	struct iocb request = make(POLL, ends[0], (void *)POLLIN, 0, 0);
	is(submit_one(context, &request), 1, "what waits");
	fails(syscall(SYS_io_cancel, context, &request, &event), EINPROGRESS, "is called off");
	is(getevents(context, 1, 1, &event, NULL), 1, "its answer comes");
	is(event.res, 0, "without events");
	fails(syscall(SYS_io_cancel, context, &request, &event), EINVAL, "nothing is left");
	fails(syscall(SYS_io_cancel, context, BAD_POINTER, &event), EFAULT, "no request");
	request.key = 5;
	fails(syscall(SYS_io_cancel, context, &request, &event), EINVAL, "another key");
	request = make(POLL, ends[0], (void *)POLLIN, 0, 0);
	fails(syscall(SYS_io_cancel, 0, &request, &event), EINVAL, "no context");
	is(submit_one(context, &request), 1, "waiting once more");
	is(destroy(context), 0, "a context ends with what waits in it");
	close(ends[0]);
	is(write(ends[1], "x", 1), -1, "which lets go of its file");
	is(errno, EPIPE, "for good");
	close(ends[1]);
}

static void on_alarm(int number)
{
	(void)number;
}

static void interrupted(void)
{
	context_t context = 0;
	struct io_event event;
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	sigset_t set, none;
	struct {
		const sigset_t *set;
		size_t size;
	} mask = {&none, 8};

	is(setup(8, &context), 0, "a context to wait in");
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	fails(syscall(SYS_io_pgetevents, context, 1L, 1L, &event, NULL, &mask), EINTR,
	      "a signal that the mask lets in ends the wait");
	mask.size = 4;
	fails(syscall(SYS_io_pgetevents, context, 0L, 1L, &event, NULL, &mask), EINVAL,
	      "a mask of another size");
	fails(syscall(SYS_io_pgetevents, context, 0L, 1L, &event, NULL, BAD_POINTER), EFAULT,
	      "no mask at all");
	fails(syscall(SYS_io_pgetevents, context, 0L, 1L, &event, BAD_POINTER, NULL), EFAULT,
	      "no time");
	struct timespec soon = {0, 1000000};
	is(syscall(SYS_io_pgetevents, context, 1L, 1L, &event, &soon, NULL), 0, "a time that ends");
	fails(syscall(SYS_io_pgetevents, 0L, 1L, 1L, &event, &soon, NULL), EINVAL, "no context");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	destroy(context);
}

static void children(void)
{
	char buffer[4];
	context_t context = 0;
	int status, fd = open("file", O_RDONLY);
	struct iocb request = make(PREAD, fd, buffer, 4, 0);

	is(setup(8, &context), 0, "a context with a child");
	if (child(&status) == 0) {
		fails(submit_one(context, &request), EINVAL, "a child has none of its parent's");
		context_t own = 0;
		is(setup(8, &own), 0, "but may have its own");
		int ends[2];
		is(pipe(ends), 0, "where something");
		struct iocb waits = make(POLL, ends[0], (void *)POLLIN, 0, 0);
		is(submit_one(own, &waits), 1, "waits while it ends");
		_exit(0);
	}
	is(status, EXITED(0), "it ends");
	is(result_of(context, &request), 4, "the parent goes on");
	destroy(context);
	close(fd);
}

struct shared {
	context_t context;
	int fd;
	volatile long done;
};

static void *taker(void *argument)
{
	struct shared *shared = argument;
	struct io_event events[8];
	long got;

	while ((got = getevents(shared->context, 1, 8, events, NULL)) > 0) {
		for (long i = 0; i < got; i++)
			if (events[i].data == 0)
				return NULL;
		__atomic_add_fetch(&shared->done, got, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void *giver(void *argument)
{
	struct shared *shared = argument;
	char buffer[4];
	struct iocb request = make(PREAD, shared->fd, buffer, 4, 0);

	for (int i = 0; i < 500; i++)
		while (submit_one(shared->context, &request) != 1)
			sched_yield();
	return NULL;
}

static void threads(void)
{
	struct shared shared = {.fd = open("file", O_RDONLY)};
	pthread_t takers[1], givers[3];
	char buffer[4];

	is(setup(16, &shared.context), 0, "a context for threads");
	pthread_create(&takers[0], NULL, taker, &shared);
	for (int i = 0; i < 3; i++)
		pthread_create(&givers[i], NULL, giver, &shared);
	for (int i = 0; i < 3; i++)
		pthread_join(givers[i], NULL);
	wait_until(shared.done >= 1500);
	is(shared.done, 1500, "three submit, one takes: nothing is lost");
	struct iocb last = make(PREAD, shared.fd, buffer, 4, 0);
	last.data = 0;
	while (submit_one(shared.context, &last) != 1)
		sched_yield();
	pthread_join(takers[0], NULL);
	is(destroy(shared.context), 0, "and it ends");
	close(shared.fd);
}

static void limits(void)
{
	char text[32] = "";
	context_t context = 0;

	ok(get_file("/proc/sys/fs/aio-max-nr", text, sizeof(text)) > 0 && atol(text) >= 1024,
	   "the limit is shown");
	is(setup(100, &context), 0, "a context that counts");
	ok(get_file("/proc/sys/fs/aio-nr", text, sizeof(text)) > 0 && atol(text) >= 100,
	   "as is what there is");
	destroy(context);
}

int main(void)
{
	scratch();
	signal(SIGPIPE, SIG_IGN);
	contexts();
	reads_and_writes();
	several();
	by_hand();
	refused();
	polls();
	calling_off();
	interrupted();
	children();
	threads();
	limits();
	return done();
}

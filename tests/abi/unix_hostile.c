/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on unix sockets from several processes and threads that share names and
 * inherited sockets, with descriptors in flight in all directions: nothing breaks, and in the end
 * no socket and no memory is left.
 */
#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>

enum {
	PROCESSES = 4,
	POOL = 48,
	NAMES = 6,
	HUBS = 3,
	ROUND_MS = 1200,
	ROUNDS = 4,
	MAX_SENT = 3,
	BUFFER = 20000,
};

static volatile int pool[POOL]; /* of this process; its threads race for them on purpose */
static int hubs[HUBS][2];
static char buffer[BUFFER];

struct chance {
	uint64_t state;
};

static unsigned pick(struct chance *chance, unsigned limit)
{
	chance->state = chance->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(chance->state >> 33) % limit;
}

static int any_fd(struct chance *chance)
{
	if (pick(chance, 8) == 0)
		return hubs[pick(chance, HUBS)][pick(chance, 2)];
	return pool[pick(chance, POOL)];
}

static void keep(struct chance *chance, int fd)
{
	unsigned slot = pick(chance, POOL);
	int old = pool[slot];

	if (fd < 0)
		return;
	pool[slot] = fd;
	if (old >= 0)
		close(old);
}

static int any_type(struct chance *chance)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	return types[pick(chance, 3)] | SOCK_NONBLOCK;
}

static socklen_t any_name(struct chance *chance, struct sockaddr_un *name)
{
	unsigned number = pick(chance, NAMES);

	memset(name, 0, sizeof(*name));
	name->sun_family = pick(chance, 40) == 0 ? AF_UNSPEC : AF_UNIX;
	sprintf(name->sun_path, "xh%u", number);
	if (number % 2)
		name->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 4);
}

static void send_something(struct chance *chance)
{
	struct sockaddr_un name;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(MAX_SENT * sizeof(int))];
	} control;
	struct iovec part = {.iov_base = buffer, .iov_len = pick(chance, 4) ? 1 : BUFFER};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	int fds[MAX_SENT];
	unsigned count = pick(chance, MAX_SENT + 1);

	for (unsigned i = 0; i < count; i++)
		fds[i] = any_fd(chance);
	if (count > 0) {
		memset(&control, 0, sizeof(control));
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	if (pick(chance, 4) == 0) {
		header.msg_name = &name;
		header.msg_namelen = any_name(chance, &name);
	}
	syscall(SYS_sendmsg, any_fd(chance), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void receive_something(struct chance *chance)
{
	static const int flags[] = {0, MSG_PEEK, MSG_CMSG_CLOEXEC, MSG_TRUNC};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(MAX_SENT * sizeof(int))];
	} control;
	char text[BUFFER];
	struct iovec part = {.iov_base = text, .iov_len = pick(chance, BUFFER)};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
	int fds[MAX_SENT];

	header.msg_controllen = pick(chance, 2) ? sizeof(control) : pick(chance, sizeof(control));
	control.header.cmsg_len = 0;
	if (syscall(SYS_recvmsg, any_fd(chance), &header, MSG_DONTWAIT | flags[pick(chance, 4)]) <
		    0 ||
	    header.msg_controllen < CMSG_LEN(sizeof(int)) || control.header.cmsg_type != SCM_RIGHTS)
		return;
	size_t count = (control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(&control.header), count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		keep(chance, fds[i]);
}

static void ask_something(struct chance *chance)
{
	struct pollfd one = {.fd = any_fd(chance), .events = POLLIN | POLLOUT};
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
	struct sockaddr_un name;
	socklen_t length = sizeof(name);
	int value = (int)pick(chance, 100000);

	switch (pick(chance, 6)) {
	case 0:
		poll(&one, 1, 0);
		break;
	case 1:
		epoll_ctl(any_fd(chance), pick(chance, 2) ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, one.fd,
			  &event);
		break;
	case 2:
		getpeername(one.fd, (struct sockaddr *)&name, &length);
		break;
	case 3:
		setsockopt(one.fd, SOL_SOCKET, pick(chance, 2) ? SO_PASSCRED : SO_SNDBUF, &value,
			   sizeof(value));
		break;
	case 4:
		ioctl(one.fd, FIONREAD, &value);
		break;
	default:
		getsockopt(one.fd, SOL_SOCKET, SO_PEERCRED, &name, &length);
		break;
	}
}

static void do_something(struct chance *chance)
{
	struct sockaddr_un name;
	socklen_t length = any_name(chance, &name);
	int pair[2];

	switch (pick(chance, 16)) {
	case 0:
		keep(chance, socket(AF_UNIX, any_type(chance), 0));
		break;
	case 1:
		if (socketpair(AF_UNIX, any_type(chance), 0, pair) == 0) {
			keep(chance, pair[0]);
			keep(chance, pair[1]);
		}
		break;
	case 2:
		if (bind(any_fd(chance), (struct sockaddr *)&name, length) < 0 &&
		    pick(chance, 3) == 0)
			unlink(name.sun_path);
		break;
	case 3:
		listen(any_fd(chance), (int)pick(chance, 4));
		break;
	case 4:
	case 5:
		connect(any_fd(chance), (struct sockaddr *)&name, length);
		break;
	case 6:
		keep(chance, accept4(pool[pick(chance, POOL)], NULL, NULL, SOCK_NONBLOCK));
		break;
	case 7:
	case 8:
	case 9:
		send_something(chance);
		break;
	case 10:
	case 11:
		receive_something(chance);
		break;
	case 12: {
		unsigned slot = pick(chance, POOL);
		int old = pool[slot];

		pool[slot] = -1;
		if (old >= 0)
			close(old);
		break;
	}
	case 13:
		if (pick(chance, 4) == 0)
			shutdown(any_fd(chance), (int)pick(chance, 3));
		break;
	case 14:
		keep(chance, pick(chance, 3) ? dup(any_fd(chance)) : epoll_create1(0));
		break;
	default:
		ask_something(chance);
		break;
	}
}

struct worker {
	pthread_t thread;
	struct chance chance;
	long end;
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	while (now_ms() < worker->end)
		for (int i = 0; i < 50; i++)
			do_something(&worker->chance);
	return NULL;
}

static void be_hostile(uint64_t seed)
{
	struct rlimit limit = {256, 256};
	struct worker workers[2];

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < POOL; i++)
		pool[i] = -1;
	for (int i = 0; i < 2; i++) {
		workers[i].chance.state = seed * 2 + (uint64_t)i;
		workers[i].end = now_ms() + ROUND_MS;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(workers[i].thread, NULL);
	_exit(0);
}

/* How many sockets there are, but for the one that makes the kernel look for garbage. */
static int count_sockets(void)
{
	static char text[1 << 20];
	int lines = -1;

	close(socket(AF_UNIX, SOCK_STREAM, 0));
	if (get_file("/proc/net/unix", text, sizeof(text)) < 0)
		return -1;
	for (char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	return lines;
}

/* Bytes in use of the kernel's heap: where the file shows it as Cowslip does. */
static long heap_bytes(void)
{
	static char text[1 << 16];
	long total = 0, used, all, size;
	char name[64];

	if (get_file("/proc/slabinfo", text, sizeof(text)) < 0)
		return -1;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		if (sscanf(line, "%63s %ld %ld %ld", name, &used, &all, &size) == 4)
			total += used * size;
	return total;
}

static bool is_cowslip(void)
{
	struct utsname names;

	return uname(&names) == 0 && strstr(names.release, "cowslip") != NULL;
}

static bool round_of(int number)
{
	pid_t pids[PROCESSES];
	bool good = true;
	char path[8];

	for (int i = 0; i < HUBS; i++) {
		static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

		socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, hubs[i]);
	}
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = spawn();
		if (pids[i] == 0)
			be_hostile((uint64_t)(number * PROCESSES + i + 1));
	}
	for (int i = 0; i < PROCESSES; i++)
		good &= reap(pids[i]) == EXITED(0);
	for (int i = 0; i < HUBS; i++) {
		close(hubs[i][0]);
		close(hubs[i][1]);
	}
	for (int i = 0; i < NAMES; i++) {
		snprintf(path, sizeof(path), "xh%d", i);
		unlink(path);
	}
	return good;
}

int main(void)
{
	long heap = 0;

	scratch();
	signal(SIGPIPE, SIG_IGN);
	/* A network namespace of our own has no sockets but ours; where there are none, all are. */
	(void)!unshare(CLONE_NEWNET);
	int before = count_sockets();
	ok(before >= 0, "sockets can be counted");
	for (int i = 0; i < ROUNDS; i++) {
		ok(round_of(i), "round %d of random operations", i + 1);
		wait_until(count_sockets() == before);
		is(count_sockets(), before, "no socket is left");
		if (i == 0)
			heap = heap_bytes();
	}
	if (is_cowslip()) {
		long more = heap_bytes() - heap;

		note("the heap has grown by %ld bytes", more);
		ok(heap > 0 && more < 256 * 1024, "no memory is left");
	} else {
		skip(1, "the heap of this kernel tells too little");
	}
	return done();
}

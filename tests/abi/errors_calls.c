/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors of much used calls that other programs do not come by: each call and each error, by name.
 */
#include "abi.h"

#include <dirent.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#define REFUSES(call, error) fails(call, error, #call)

static char buffer[4096];

/* No descriptor is free: the next one would be beyond the limit. */
static void no_descriptors(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	struct rlimit old, limit;
	int ends[2];

	is(bind(listener, (struct sockaddr *)&address, sizeof(address)) | listen(listener, 4), 0,
	   "a socket that listens");
	is(connect(client, (struct sockaddr *)&address, sizeof(address)), 0, "and one that waits");
	getrlimit(RLIMIT_NOFILE, &old);
	int last = dup(0);
	limit = (struct rlimit){.rlim_cur = (rlim_t)last, .rlim_max = old.rlim_max};
	close(last);
	is(setrlimit(RLIMIT_NOFILE, &limit), 0, "a limit");
	REFUSES(dup(0), EMFILE);
	REFUSES(fcntl(0, F_DUPFD, 0), EMFILE);
	REFUSES(open("/", O_RDONLY), EMFILE);
	REFUSES(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
	REFUSES(accept(listener, NULL, NULL), EMFILE);
	REFUSES(pipe(ends), EMFILE);
	REFUSES(epoll_create1(0), EMFILE);
	is(setrlimit(RLIMIT_NOFILE, &old), 0, "the old limit");
	close(listener);
	close(client);
}

static void sockets(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "datagrams"};
	socklen_t size = sizeof(address);
	int ends[2], file = open("file", O_RDWR | O_CREAT, 0600), status;
	int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0),
	    packets = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	REFUSES(connect(999, (struct sockaddr *)&address, size), EBADF);
	REFUSES(connect(file, (struct sockaddr *)&address, size), ENOTSOCK);
	REFUSES(bind(999, (struct sockaddr *)&address, size), EBADF);
	REFUSES(listen(file, 1), ENOTSOCK);
	REFUSES(recvfrom(file, buffer, 1, 0, NULL, NULL), ENOTSOCK);
	REFUSES(sendto(datagrams, "x", 1, 0, NULL, 0), ENOTCONN);
	REFUSES(recvfrom(packets, buffer, 1, MSG_DONTWAIT, NULL, NULL), ENOTCONN);
	is(bind(datagrams, (struct sockaddr *)&address, size) | chmod("datagrams", 0600), 0,
	   "bound");
	is(chmod(".", 0755), 0, "to be seen");
	if (child(&status) == 0) {
		int mine = socket(AF_UNIX, SOCK_DGRAM, 0);
		is(become(1000, 1000), 0, "an ordinary user");
		REFUSES(connect(mine, (struct sockaddr *)&address, size), EACCES);
		REFUSES(sendto(mine, "x", 1, 0, (struct sockaddr *)&address, size), EACCES);
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0, "a pair");
	REFUSES(recvfrom(ends[0], buffer, 1, MSG_DONTWAIT, NULL, NULL), EAGAIN);
	while (send(ends[0], buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		;
	REFUSES(sendto(ends[0], buffer, 1, MSG_DONTWAIT, NULL, 0), EAGAIN);
	close(ends[1]);
	REFUSES(sendto(ends[0], buffer, 1, MSG_NOSIGNAL, NULL, 0), EPIPE);
	/* What it had not read is told once. */
	REFUSES(recvfrom(ends[0], buffer, 1, 0, NULL, NULL), ECONNRESET);
	close(ends[0]);
	close(file);
	close(datagrams);
	close(packets);
}

static void memory(void)
{
	int reader = open("file", O_RDONLY), folder = open(".", O_RDONLY);
	char *there = map_pages(1);

	REFUSES(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0), EACCES);
	REFUSES(mmap(there, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0),
		EEXIST);
	REFUSES(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, folder, 0), ENODEV);
	REFUSES(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, reader, 0x7ffffffffffff000),
		EOVERFLOW);
	REFUSES(mremap(there + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EINVAL);
	REFUSES(mremap(there, PAGE, 0, 0), EINVAL);
	REFUSES(getrandom(BAD_POINTER, 16, 0), EFAULT);
	munmap(there, PAGE);
	REFUSES(mremap(there, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	close(reader);
	close(folder);
}

static void files(void)
{
	int ends[2], sealed = memfd_create("sealed", MFD_ALLOW_SEALING), set = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLOUT};

	is(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), 0, "sealed");
	REFUSES(write(sealed, "x", 1), EPERM);
	REFUSES(lseek(999, 0, SEEK_SET), EBADF);
	is(pipe(ends), 0, "a pipe");
	REFUSES(fsync(ends[0]), EINVAL);
	REFUSES(dup3(ends[0], ends[0], 0), EINVAL);
	is(epoll_ctl(set, EPOLL_CTL_ADD, ends[1], &event), 0, "which can be written");
	REFUSES(epoll_wait(set, BAD_POINTER, 1, 0), EFAULT);
	REFUSES(open("/proc", O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
	is(mkdir("folder", 0700), 0, "a folder");
	int folder = open("folder", O_RDONLY | O_DIRECTORY);
	is(rmdir("folder"), 0, "that is removed");
	REFUSES(syscall(SYS_getdents64, folder, buffer, sizeof(buffer)), ENOENT);
	close(folder);
	close(ends[0]);
	close(ends[1]);
	close(set);
	close(sealed);
}

static char *const no_words[] = {NULL};

static void programs(void)
{
	static char word[200000];
	char *words[] = {word, NULL};

	memset(word, 'w', sizeof(word) - 1);
	is(put_file("text", "nothing", 7, 0755), 0, "no program");
	is(put_file("script", "#!/nothing/there\n", 17, 0755), 0,
	   "a script without an interpreter");
	is(copy_file("/proc/self/exe", "busy", 0755), 0, "a program");
	int writer = open("busy", O_WRONLY);
	REFUSES(execve("busy", no_words, no_words), ETXTBSY);
	close(writer);
	REFUSES(execve("text", no_words, no_words), ENOEXEC);
	REFUSES(execve("script", no_words, no_words), ENOENT);
	REFUSES(execve("busy", words, no_words), E2BIG);
	REFUSES(execve("/dev/null", no_words, no_words), EACCES);
	REFUSES(truncate("/proc/self/exe", 0), ETXTBSY);
}

static void processes(void)
{
	pid_t taken = 1;
	uint64_t words[11] = {[4] = SIGCHLD, [8] = (uintptr_t)&taken, [9] = 1};

	struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
	int status;

	REFUSES(syscall(SYS_clone3, words, sizeof(words)), EEXIST);
	if (child(&status) == 0) {
		is(become(54321, 54321), 0, "a user with no process");
		is(setrlimit(RLIMIT_NPROC, &limit), 0, "but this");
		REFUSES(fork(), EAGAIN);
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
}

int main(void)
{
	scratch();
	no_descriptors();
	sockets();
	memory();
	files();
	programs();
	processes();
	return done();
}

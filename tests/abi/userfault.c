/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * userfaultfd: pages that a program brings itself, in private and in shared memory; writes that it
 * is told of first; the calls with their errors (userfaultfd(2), ioctl_userfaultfd(2)).
 */
#include "userfault.h"

#include <sys/auxv.h>
#include <sys/uio.h>

/* --- The descriptor --- */

static void descriptors_and_api(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_range range = {.start = 0x10000000, .len = PAGE};
	struct uffd_msg got;
	struct pollfd p = {.events = POLLIN};

	fails(made(0x40), EINVAL, "an unknown flag");
	int fd = made(O_CLOEXEC | O_NONBLOCK);
	if (!ok(fd >= 0, "userfaultfd"))
		exit(done());
	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK), "its flags");
	fails(read(fd, &got, sizeof(got)), EINVAL, "reading before UFFDIO_API");
	fails(ioctl(fd, UFFDIO_WAKE, &range), EINVAL, "another call before it");
	p.fd = fd;
	ok(poll(&p, 1, 0) == 1 && p.revents == POLLERR, "polling before it is an error");
	api.api = 1;
	fails(ioctl(fd, UFFDIO_API, &api), EINVAL, "another version");
	is(api.api, 0, "is answered with zeros");
	api = (struct uffdio_api){.api = UFFD_API, .features = 1ul << 40};
	fails(ioctl(fd, UFFDIO_API, &api), EINVAL, "an unknown feature");
	api = (struct uffdio_api){.api = UFFD_API};
	is(ioctl(fd, UFFDIO_API, &api), 0, "UFFDIO_API");
	const unsigned long least = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_EVENT_FORK |
				    UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE |
				    UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_MISSING_SHMEM |
				    UFFD_FEATURE_SIGBUS | UFFD_FEATURE_THREAD_ID |
				    UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS;
	is(api.features & least, least, "says what there is");
	is(api.ioctls, 1ul << _UFFDIO_REGISTER | 1ul << _UFFDIO_UNREGISTER | 1ul << _UFFDIO_API,
	   "and which calls");
	fails(ioctl(fd, UFFDIO_API, &api), EINVAL, "only once");
	fails(read(fd, &got, sizeof(got)), EAGAIN, "nothing to read");
	fails(read(fd, &got, sizeof(got) - 1), EINVAL, "too little room");
	is(poll(&p, 1, 0), 0, "nothing to poll");
	fails(ioctl(fd, _IO(UFFDIO, 0x20), 0), EINVAL, "an unknown call");
	fails(ioctl(fd, UFFDIO_WAKE, BAD_POINTER), EFAULT, "a bad pointer");
	is(ioctl(fd, UFFDIO_WAKE, &range), 0, "waking nobody");
	range.start++;
	fails(ioctl(fd, UFFDIO_WAKE, &range), EINVAL, "not a page's address");
	range = (struct uffdio_range){.start = 0x10000000};
	fails(ioctl(fd, UFFDIO_WAKE, &range), EINVAL, "nothing at all");
	close(fd);
	fd = made(O_CLOEXEC);
	api = (struct uffdio_api){.api = UFFD_API};
	ioctl(fd, UFFDIO_API, &api);
	p.fd = fd;
	ok(poll(&p, 1, 0) == 1 && p.revents == POLLERR, "who waits in read may not poll");
	close(fd);
}

static void privileges(void)
{
	int status;

	int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	if (ok(device >= 0, "/dev/userfaultfd")) {
		int fd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
		ok(fd >= 0, "gives descriptors");
		close(fd);
		fails(ioctl(device, USERFAULTFD_IOC_NEW, 0x40), EINVAL, "not with unknown flags");
		fails(ioctl(device, UFFDIO_API, 0), EINVAL, "and nothing else");
		close(device);
	}
	if (child(&status) == 0) {
		become(1000, 1000);
		bool refused = made(0) == -1 && errno == EPERM;
		int fd = made(UFFD_USER_MODE_ONLY);
		struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_EVENT_FORK};
		bool no_fork = ioctl(fd, UFFDIO_API, &api) == -1 && errno == EPERM;
		_exit(refused ? fd >= 0 ? no_fork ? 0 : 3 : 2 : 1);
	}
	is(status, EXITED(0), "who is not privileged gets one for faults of its own only");
}

static void registering(void)
{
	int fd = ready_fd(0), other = ready_fd(0);
	char *pages = map_pages(4);
	struct uffdio_register call = {
		.range = {.start = (unsigned long)pages, .len = 4 * PAGE},
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
	};

	is(ioctl(fd, UFFDIO_REGISTER, &call), 0, "register");
	const unsigned long calls = 1ul << _UFFDIO_WAKE | 1ul << _UFFDIO_COPY |
				    1ul << _UFFDIO_ZEROPAGE | 1ul << _UFFDIO_WRITEPROTECT;
	is(call.ioctls & (calls | 1ul << _UFFDIO_CONTINUE), calls, "says what can be done");
	fails(enroll(other, pages, PAGE, UFFDIO_REGISTER_MODE_MISSING), EBUSY,
	      "another descriptor for the same memory");
	fails(enroll(fd, pages, PAGE, 0), EINVAL, "no mode");
	fails(enroll(fd, pages, PAGE, 8), EINVAL, "an unknown mode");
	fails(enroll(fd, pages + 1, PAGE, 1), EINVAL, "not a page");
	fails(enroll(fd, pages, 0, 1), EINVAL, "no length");
	fails(enroll(fd, pages, PAGE, UFFDIO_REGISTER_MODE_MINOR), EINVAL,
	      "minor faults of private memory");
	is(withdraw(fd, pages, 4 * PAGE), 0, "unregister");
	is(enroll(other, pages, PAGE, UFFDIO_REGISTER_MODE_MISSING), 0, "then another may");
	is(pages[PAGE], 0, "what is not registered is as ever");
	close(other);
	is(pages[0], 0, "and what was, when the descriptor is closed");
	munmap(pages, 4 * PAGE);
	fails(enroll(fd, pages, PAGE, UFFDIO_REGISTER_MODE_MISSING), EINVAL, "nothing there");
	char *vdso = (char *)getauxval(AT_SYSINFO_EHDR);
	fails(enroll(fd, vdso, PAGE, UFFDIO_REGISTER_MODE_MISSING), EINVAL, "what is not memory");
	pages = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	is(enroll(fd, pages, PAGE, UFFDIO_REGISTER_MODE_MISSING), 0,
	   "what can be read only, but might be written");
	munmap(pages, PAGE);
	close(fd);
}

/* --- Missing pages --- */

static void missing_pages(void)
{
	int fd = ready_fd(UFFD_FEATURE_THREAD_ID);
	char *pages = map_pages(8), *source = map_pages(2);
	struct toucher toucher;
	struct uffd_msg got;

	memset(source, 's', PAGE);
	memset(source + PAGE, 't', PAGE);
	enroll(fd, pages, 8 * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	begin(&toucher, pages + PAGE + 123, false);
	ok(message(fd, &got) && got.event == UFFD_EVENT_PAGEFAULT, "a read of what is missing");
	is(got.arg.pagefault.address, (unsigned long)pages + PAGE, "its page");
	is(got.arg.pagefault.flags, 0, "it is a read");
	is(got.arg.pagefault.feat.ptid, toucher.tid, "and whose");
	ok(!toucher.finished && is_quiet(fd), "who waits, waits");
	is(bring(fd, pages + PAGE, source, PAGE, 0), PAGE, "the page is brought");
	is(end(&toucher), 's', "and read");
	is(bring(fd, pages + PAGE, source, PAGE, 0), -EEXIST, "it cannot be brought again");
	is(bring(fd, pages, source, 2 * PAGE, 0), PAGE, "up to what is there already");
	begin(&toucher, pages + 2 * PAGE, true);
	ok(message(fd, &got) && got.arg.pagefault.flags == UFFD_PAGEFAULT_FLAG_WRITE, "a write");
	is(bring(fd, pages + 2 * PAGE, source + PAGE, PAGE, UFFDIO_COPY_MODE_DONTWAKE), PAGE,
	   "brought without waking");
	sleep_ms(20);
	ok(!toucher.finished, "nobody wakes");
	struct uffdio_range range = {.start = (unsigned long)pages + 2 * PAGE, .len = PAGE};
	ioctl(fd, UFFDIO_WAKE, &range);
	is(end(&toucher), 'w', "until he is woken");
	is(pages[2 * PAGE + 1], 't', "and the rest is what was brought");
	begin(&toucher, pages + 3 * PAGE, false);
	message(fd, &got);
	is(bring_zeros(fd, pages + 3 * PAGE, PAGE), PAGE, "a page of zeros");
	is(end(&toucher), 0, "is read as such");
	pages[3 * PAGE] = 'z';
	is(pages[3 * PAGE], 'z', "and written");
	is(bring_zeros(fd, pages + 3 * PAGE, PAGE), -EEXIST, "once");
	madvise(pages, PAGE, MADV_DONTNEED);
	begin(&toucher, pages, false);
	ok(message(fd, &got), "a page that was dropped is missing again");
	is(bring(fd, pages, source, PAGE, 0), PAGE, "and brought");
	is(end(&toucher), 's', "again");
	is(bring(fd, pages, BAD_POINTER, PAGE, 0), -EFAULT, "from nowhere");
	is(bring(fd, source, pages, PAGE, 0), -ENOENT, "to memory that is not registered");
	is(bring(fd, pages + 4 * PAGE, source, PAGE, UFFDIO_COPY_MODE_WP), -EINVAL,
	   "write-protected, where that is not registered");
	begin(&toucher, pages + 4 * PAGE, false);
	message(fd, &got);
	is(withdraw(fd, pages, 8 * PAGE), 0, "unregistering");
	is(end(&toucher), 0, "lets those go who wait");
	close(fd);
	munmap(pages, 8 * PAGE);
	munmap(source, 2 * PAGE);
}

static void closing_frees(void)
{
	int fd = ready_fd(0);
	char *pages = map_pages(1);
	struct toucher toucher;
	struct uffd_msg got;

	enroll(fd, pages, PAGE, UFFDIO_REGISTER_MODE_MISSING);
	begin(&toucher, pages, true);
	message(fd, &got);
	close(fd);
	is(end(&toucher), 'w', "closing the descriptor lets those go who wait");
	munmap(pages, PAGE);
}

/* The kernel's own accesses wait, too. */
static void *read_into(void *argument)
{
	int zero = open("/proc/version", O_RDONLY);
	ssize_t count = read(zero, argument, 16);

	close(zero);
	return (void *)count;
}

static void kernel_faults(void)
{
	int fd = ready_fd(UFFD_FEATURE_EXACT_ADDRESS);
	char *pages = map_pages(2), *source = map_pages(1);
	struct uffd_msg got;
	pthread_t thread;
	void *count;

	enroll(fd, pages, 2 * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	pthread_create(&thread, NULL, read_into, pages + 40);
	ok(message(fd, &got), "read(2) into a missing page");
	is(got.arg.pagefault.address, (unsigned long)pages + 40, "the exact address");
	bring(fd, pages, source, PAGE, 0);
	pthread_join(thread, &count);
	is((long)count, 16, "goes on when it is there");
	close(fd);

	struct uffdio_api api = {.api = UFFD_API};
	fd = made(O_NONBLOCK | UFFD_USER_MODE_ONLY);
	ioctl(fd, UFFDIO_API, &api);
	enroll(fd, pages + PAGE, PAGE, UFFDIO_REGISTER_MODE_MISSING);
	int file = open("/proc/version", O_RDONLY);
	fails(read(file, pages + PAGE, 16), EFAULT,
	      "with UFFD_USER_MODE_ONLY the kernel does not wait");
	close(file);
	close(fd);
	munmap(pages, 2 * PAGE);
	munmap(source, PAGE);
}

static volatile sig_atomic_t got_code;

static void on_bus(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	got_code = info->si_code;
	mmap((void *)((unsigned long)info->si_addr & ~(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void signals(void)
{
	int fd = ready_fd(UFFD_FEATURE_SIGBUS), status;
	volatile char *pages = map_pages(1);
	struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};

	sigaction(SIGBUS, &action, NULL);
	enroll(fd, (void *)pages, PAGE, UFFDIO_REGISTER_MODE_MISSING);
	got_code = 0;
	is(pages[0], 0, "with UFFD_FEATURE_SIGBUS the program gets a signal");
	is(got_code, BUS_ADRERR, "BUS_ADRERR");
	signal(SIGBUS, SIG_DFL);
	close(fd);

	fd = ready_fd(0);
	if (child(&status) == 0) {
		int own = ready_fd(0);
		char *page = map_pages(1);
		enroll(own, page, PAGE, UFFDIO_REGISTER_MODE_MISSING);
		alarm(1);
		signal(SIGALRM, SIG_DFL);
		_exit(page[0] + 5);
	}
	is(status, KILLED(SIGALRM), "who waits can be killed");
	close(fd);
	munmap((void *)pages, PAGE);
}

/* --- Shared memory --- */

static void shared_memory(void)
{
	int fd = ready_fd(0), file = memfd_create("userfault", MFD_CLOEXEC);
	char *source = map_pages(1);
	struct toucher toucher;
	struct uffd_msg got;

	memset(source, 's', PAGE);
	ftruncate(file, 3 * PAGE);
	char *pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	char *view = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	is(enroll(fd, pages, 4 * PAGE, UFFDIO_REGISTER_MODE_MISSING), 0, "a memfd");
	begin(&toucher, pages, false);
	ok(message(fd, &got) && got.arg.pagefault.flags == 0, "a page that the file does not have");
	is(bring(fd, pages, source, PAGE, 0), PAGE, "is brought");
	is(end(&toucher), 's', "and read");
	is(view[0], 's', "the file has it then");
	view[PAGE] = 'v';
	is(pages[PAGE], 'v', "what the file has is not missing");
	is(bring(fd, pages + PAGE, source, PAGE, 0), -EEXIST, "and cannot be brought");
	is(bring_zeros(fd, pages + 2 * PAGE, PAGE), PAGE, "zeros");
	is(pages[2 * PAGE], 0, "are there");
	is(bring(fd, pages + 3 * PAGE, source, PAGE, 0), -EFAULT, "nothing beyond its end");
	munmap(pages, 4 * PAGE);

	ftruncate(file, 0);
	ftruncate(file, 4 * PAGE);
	pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	memset(view, 'v', 2 * PAGE);
	is(enroll(fd, pages, 4 * PAGE, UFFDIO_REGISTER_MODE_MINOR), 0, "minor faults");
	begin(&toucher, pages + PAGE, false);
	ok(message(fd, &got) && got.arg.pagefault.flags == UFFD_PAGEFAULT_FLAG_MINOR,
	   "a page that the file has, and we do not");
	view[PAGE] = 'n';
	struct uffdio_continue call = {
		.range = {.start = (unsigned long)pages + PAGE, .len = PAGE}};
	is(ioctl(fd, UFFDIO_CONTINUE, &call), 0, "goes on");
	is(call.mapped, PAGE, "with the page");
	is(end(&toucher), 'n', "as it is then");
	begin(&toucher, pages, false);
	ok(message(fd, &got), "its neighbours are asked about, too");
	call.range.start = (unsigned long)pages;
	ioctl(fd, UFFDIO_CONTINUE, &call);
	end(&toucher);
	call.range.start = (unsigned long)pages + 3 * PAGE;
	fails(ioctl(fd, UFFDIO_CONTINUE, &call), EFAULT, "not with what the file does not have");
	is(pages[3 * PAGE], 0, "which comes as ever");
	munmap(pages, 4 * PAGE);
	munmap(view, 4 * PAGE);
	munmap(source, PAGE);
	close(file);
	close(fd);
}

/* --- Writes --- */

static void protected_pages(void)
{
	int fd = ready_fd(UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	char *pages = map_pages(8), *source = map_pages(1);
	struct toucher toucher;
	struct uffd_msg got;

	memset(pages, 'a', 4 * PAGE);
	is(protect(fd, pages, PAGE, true), -1, "protecting what is not registered");
	is(errno, ENOENT, "ENOENT");
	is(enroll(fd, pages, 8 * PAGE, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP), 0,
	   "registered for writes");
	is(protect(fd, pages, 2 * PAGE, true), 0, "protected");
	is(pages[PAGE], 'a', "it can be read");
	begin(&toucher, pages + 7, true);
	ok(message(fd, &got), "a write is a message");
	is(got.arg.pagefault.flags, UFFD_PAGEFAULT_FLAG_WP | UFFD_PAGEFAULT_FLAG_WRITE,
	   "of its own kind");
	is(pages[7], 'a', "nothing is written");
	is(protect(fd, pages, PAGE, false), 0, "permitted");
	is(end(&toucher), 'w', "it is");
	pages[0] = 'b';
	ok(is_quiet(fd), "once and for all");
	pages[2 * PAGE] = 'b';
	ok(is_quiet(fd), "what is not protected is written");

	is(mprotect(pages + PAGE, PAGE, PROT_READ), 0, "mprotect");
	is(mprotect(pages + PAGE, PAGE, PROT_NONE), 0, "twice");
	is(mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE), 0, "and back");
	begin(&toucher, pages + PAGE, true);
	ok(message(fd, &got) && (got.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP),
	   "the protection stays");
	protect(fd, pages + PAGE, PAGE, false);
	end(&toucher);

	is(bring(fd, pages + 4 * PAGE, source, PAGE, UFFDIO_COPY_MODE_WP), PAGE,
	   "brought write-protected");
	is(pages[4 * PAGE], 0, "it can be read");
	begin(&toucher, pages + 4 * PAGE, true);
	ok(message(fd, &got) && (got.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP),
	   "and not written");
	protect(fd, pages + 4 * PAGE, PAGE, false);
	is(end(&toucher), 'w', "until it may be");

	protect(fd, pages + 3 * PAGE, PAGE, true);
	madvise(pages + 3 * PAGE, PAGE, MADV_PAGEOUT);
	is(pages[3 * PAGE], 'a', "what was swapped, perhaps, is read");
	begin(&toucher, pages + 3 * PAGE, true);
	ok(message(fd, &got) && (got.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP),
	   "and still protected");
	protect(fd, pages + 3 * PAGE, PAGE, false);
	end(&toucher);

	protect(fd, pages, PAGE, true);
	withdraw(fd, pages, 8 * PAGE);
	pages[0] = 'c';
	is(pages[0], 'c', "without a registration there is no protection");
	enroll(fd, pages, 8 * PAGE, UFFDIO_REGISTER_MODE_WP);
	pages[0] = 'd';
	ok(is_quiet(fd), "nor after another one");
	struct uffdio_writeprotect call = {.range = {(unsigned long)pages, PAGE}, .mode = 3};
	fails(ioctl(fd, UFFDIO_WRITEPROTECT, &call), EINVAL, "protecting wakes nobody");
	close(fd);
	munmap(pages, 8 * PAGE);
	munmap(source, PAGE);
}

/* The kernel's writes are held up as well. */
static void *write_zeros(void *page)
{
	int zero = open("/dev/zero", O_RDONLY);
	long count = read(zero, page, 8);

	close(zero);
	return (void *)count;
}

static void protected_from_the_kernel(void)
{
	int fd = ready_fd(0);
	char *page = map_pages(1);
	struct uffd_msg got;
	pthread_t thread;
	void *count;

	memset(page, 'a', PAGE);
	enroll(fd, page, PAGE, UFFDIO_REGISTER_MODE_WP);
	protect(fd, page, PAGE, true);
	pthread_create(&thread, NULL, write_zeros, page);
	ok(message(fd, &got) && page[0] == 'a', "read(2) into a protected page waits");
	protect(fd, page, PAGE, false);
	pthread_join(thread, &count);
	ok((long)count == 8 && page[0] == 0, "and then writes");

	struct iovec from = {"xyz", 3}, to = {page, 3};
	protect(fd, page, PAGE, true);
	int status = -1;
	pid_t pid = spawn();
	if (pid == 0) {
		ssize_t moved = process_vm_writev(getppid(), &from, 1, &to, 1, 0);
		_exit(moved == 3 ? 0 : 1);
	}
	ok(message(fd, &got) && page[0] == 0, "another process's write waits, too");
	protect(fd, page, PAGE, false);
	status = reap(pid);
	is(status, EXITED(0), "and succeeds");
	is(page[0], 'x', "then");
	close(fd);
	munmap(page, PAGE);
}

int main(void)
{
	descriptors_and_api();
	privileges();
	registering();
	missing_pages();
	closing_frees();
	kernel_faults();
	signals();
	shared_memory();
	protected_pages();
	protected_from_the_kernel();
	return done();
}

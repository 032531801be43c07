/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protection keys (pkeys(7)): where the processor has them, what they forbid, to whom, and how that
 * is told; where it has none, all but pkey_mprotect with key -1 is an error.
 */
#include "abi.h"

#include <pthread.h>
#include <sys/uio.h>

#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif
enum { NO_ACCESS = 1, NO_WRITE = 2 };

static bool processor_has_keys(void)
{
	long key = syscall(SYS_pkey_alloc, 0UL, 0UL);

	if (key < 0)
		return false;
	syscall(SYS_pkey_free, (int)key);
	return true;
}

static long key_alloc(unsigned long rights)
{
	return syscall(SYS_pkey_alloc, 0UL, rights);
}

static long key_free(long key)
{
	return syscall(SYS_pkey_free, key);
}

static long key_protect(void *p, size_t length, int prot, long key)
{
	return syscall(SYS_pkey_mprotect, p, length, prot, key);
}

/* What this thread may do with memory by key, two bits each. */
static unsigned rights_now(void)
{
	unsigned rights, high;

	__asm__ volatile("rdpkru" : "=a"(rights), "=d"(high) : "c"(0));
	return rights;
}

static void set_rights(long key, unsigned rights)
{
	unsigned all = (rights_now() & ~(3u << 2 * key)) | rights << 2 * key;

	__asm__ volatile("wrpkru" : : "a"(all), "c"(0), "d"(0) : "memory");
}

/* --- Signals */

static volatile int code, said_key;
static volatile unsigned handler_rights;
static void *volatile where;

/* The handler has a fresh program's rights, and changes those that will be restored. */
static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	code = info->si_code;
	where = info->si_addr;
	memcpy((void *)&said_key, (char *)info + 32, sizeof(said_key));
	handler_rights = rights_now();
	syscall(SYS_pkey_mprotect, where, PAGE, PROT_READ | PROT_WRITE, 0);
}

/* Does a touch fault, with the key told? */
static bool is_refused(volatile char *p, bool write, long key)
{
	code = said_key = 0;
	where = NULL;
	if (write)
		*p = 'w';
	else
		(void)*p;
	return code == SEGV_PKUERR && said_key == key && where == p;
}

static void *look(void *argument)
{
	(void)argument;
	return (void *)(long)rights_now();
}

static void keys_protect(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	char *p = map_pages(8);
	int status;

	memset(p, 'a', 4 * PAGE);
	long key = key_alloc(0);
	is(key, 1, "the first key is the lowest");
	is(rights_now() >> 2 & 3, 0, "with the rights that were asked for");
	is(rights_now() >> 4 & 3, NO_ACCESS, "other keys forbid all");
	long second = key_alloc(NO_WRITE);
	is(second, 2, "the second");
	is(rights_now() >> 4 & 3, NO_WRITE, "which forbids writing");
	sigaction(SIGSEGV, &action, NULL);
	is(key_protect(p, PAGE, PROT_READ | PROT_WRITE, key), 0, "memory with a key");
	p[0] = 'b';
	is(p[0], 'b', "is used as ever");
	static char smaps[1 << 17];
	char start[40];
	snprintf(start, sizeof(start), "%08lx-", (unsigned long)p);
	get_file("/proc/self/smaps", smaps, sizeof(smaps));
	const char *entry = strstr(smaps, start);
	const char *line = entry ? strstr(entry, "ProtectionKey:") : NULL;
	is(line ? strtol(line + strlen("ProtectionKey:"), NULL, 10) : -1, key, "smaps tells it");
	set_rights(key, NO_WRITE);
	is(p[0], 'b', "if writing is forbidden it can be read");
	ok(is_refused(p, true, key), "and not written: SEGV_PKUERR, and the key");
	is(p[0], 'w', "the handler gave it another key");
	is(handler_rights, 0x55555554, "and had a fresh program's rights");
	is(rights_now() >> 2 & 3, NO_WRITE, "afterwards the rights are as they were");
	key_protect(p, PAGE, PROT_READ | PROT_WRITE, key);
	set_rights(key, NO_ACCESS);
	ok(is_refused(p, false, key), "if access is forbidden it cannot be read");
	key_protect(p, 2 * PAGE, PROT_READ | PROT_WRITE, key);
	madvise(p, PAGE, MADV_DONTNEED);
	ok(is_refused(p, false, key), "not even before it is there");
	key_protect(p, 2 * PAGE, PROT_READ | PROT_WRITE, key);
	is(mprotect(p + PAGE, PAGE, PROT_READ), 0, "mprotect");
	mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE);
	ok(is_refused(p + PAGE, false, key), "leaves the key");
	key_protect(p, 2 * PAGE, PROT_READ | PROT_WRITE, key);

	int ends[2];
	ok(pipe(ends) == 0, "pipe");
	fails(write(ends[1], p, 8), EFAULT, "the kernel may not read it for us");
	is(write(ends[1], p + 4 * PAGE, 8), 8, "what has no key it may");
	fails(read(ends[0], p, 8), EFAULT, "nor write it");
	struct iovec local = {p + 5 * PAGE, 8}, remote = {p, 8};
	is(syscall(SYS_process_vm_readv, getpid(), &local, 1UL, &remote, 1UL, 0UL), 8,
	   "who looks from outside is not bound by it");
	set_rights(key, 0);
	is(p[PAGE], 'a', "with the right everything is as before");

	set_rights(key, NO_WRITE);
	if (child(&status) == 0) {
		bool same = (rights_now() >> 2 & 3) == NO_WRITE;
		_exit(same && is_refused(p, true, key) && key_alloc(0) == 3 ? 0 : 1);
	}
	is(status, EXITED(0), "a child has keys and rights of its parent's");
	pthread_t thread;
	void *seen;
	pthread_create(&thread, NULL, look, NULL);
	pthread_join(thread, &seen);
	is((long)seen, rights_now(), "a thread has those of who made it");
	set_rights(key, 0);

	is(key_free(second), 0, "a key that is given back");
	fails(key_free(second), EINVAL, "once");
	fails(key_protect(p, PAGE, PROT_READ, second), EINVAL, "cannot be used");
	is(key_alloc(0), second, "until it is had again");
	int count = 0;
	while (key_alloc(0) > 0)
		count++;
	is(errno, ENOSPC, "there are not many");
	ok(count >= 10 && count <= 13, "about sixteen");
	signal(SIGSEGV, SIG_DFL);
}

/* Threads with different rights, on all CPUs. */
static char *common;
static long common_key;
static volatile int wrong;

static void *insist(void *argument)
{
	unsigned mine = (unsigned)(long)argument;

	set_rights(common_key, mine);
	for (int i = 0; i < 2000; i++) {
		if ((rights_now() >> 2 * common_key & 3) != mine)
			wrong = 1;
		if (mine == 0)
			((volatile char *)common)[i % PAGE]++;
		if (i % 50 == 0)
			sched_yield();
	}
	return NULL;
}

static void rights_are_each_threads(void)
{
	pthread_t threads[4];

	common = map_pages(1);
	common_key = 1;
	key_protect(common, PAGE, PROT_READ | PROT_WRITE, common_key);
	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, insist, (void *)(i % 3));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ok(!wrong, "each thread keeps its rights");
}

int main(void)
{
	char *p = map_pages(1);

	is(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1), 0, "without a key it is mprotect");
	ok(readable(p), "the page can be read");
	is(syscall(SYS_pkey_mprotect, p, PAGE, PROT_NONE, -1), 0, "and forbidden");
	ok(!readable(p), "then not");
	fails(syscall(SYS_pkey_mprotect, p + 1, PAGE, PROT_READ, -1), EINVAL, "an odd address");
	fails(syscall(SYS_pkey_mprotect, p, PAGE, 0x100, -1), EINVAL, "an unknown protection");
	fails(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 99), EINVAL, "no such key");
	fails(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -2), EINVAL, "a negative key");
	is(syscall(SYS_pkey_mprotect, p, 0UL, PROT_READ, 99), 0, "nobody looks at it for nothing");
	fails(syscall(SYS_pkey_alloc, 1UL, 0UL), EINVAL, "flags");
	fails(syscall(SYS_pkey_alloc, 0UL, 4UL), EINVAL, "unknown rights");
	fails(syscall(SYS_pkey_free, 99), EINVAL, "a key that nobody has");
	fails(syscall(SYS_pkey_free, -1), EINVAL, "a negative key");
	if (processor_has_keys()) {
		keys_protect();
		rights_are_each_threads();
		return done();
	}
	/* Linux, whose first answer to a process is EINVAL, has used up its one key after that. */
	fails(syscall(SYS_pkey_alloc, 0UL, 0UL), ENOSPC, "there are no keys");
	fails(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 0), EINVAL, "not even the first");
	return done();
}

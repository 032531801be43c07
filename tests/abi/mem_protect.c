/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mprotect: what is forbidden faults, what is allowed again works, and the errors.
 */
#include "abi.h"

#include <setjmp.h>

static sigjmp_buf back;
static siginfo_t seen;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	seen = *info;
	siglongjmp(back, sig);
}

/* Returns 0, or the signal that the access raised. */
static int try_read(volatile char *p)
{
	int sig = sigsetjmp(back, 1);

	if (sig == 0)
		(void)*p;
	return sig;
}

static int try_write(volatile char *p, char c)
{
	int sig = sigsetjmp(back, 1);

	if (sig == 0)
		*p = c;
	return sig;
}

static int try_call(void *p)
{
	int sig = sigsetjmp(back, 1);

	if (sig == 0)
		((void (*)(void))p)();
	return sig;
}

static void catch_faults(void)
{
	struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}

static void protection_is_enforced(void)
{
	char *p = map_pages(3);

	memset(p, 'x', 3 * PAGE);
	is(mprotect(p + PAGE, PAGE, PROT_READ), 0, "the middle page becomes read-only");
	is(try_read(p + PAGE), 0, "reading it works");
	is(try_write(p + PAGE + 5, 'y'), SIGSEGV, "writing it raises SIGSEGV");
	is(seen.si_code, SEGV_ACCERR, "with si_code SEGV_ACCERR");
	ok(seen.si_addr == p + PAGE + 5, "and si_addr at the byte");
	is(try_write(p, 'a'), 0, "the page before is still writable");
	is(try_write(p + 2 * PAGE, 'b'), 0, "and the page behind");
	is(mprotect(p + PAGE, PAGE, PROT_NONE), 0, "PROT_NONE");
	is(try_read(p + PAGE), SIGSEGV, "reading raises SIGSEGV");
	is(seen.si_code, SEGV_ACCERR, "with SEGV_ACCERR");
	fails(write(1, p + PAGE, 1), EFAULT, "the kernel cannot read it either");
	is(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE), 0, "writable again");
	ok(p[PAGE] == 'x', "the content was kept");
	is(try_write(p + PAGE, 'z'), 0, "and writing works");
	is(munmap(p, 3 * PAGE), 0, "munmap");
	is(try_read(p), SIGSEGV, "reading what is unmapped raises SIGSEGV");
	is(seen.si_code, SEGV_MAPERR, "with SEGV_MAPERR");
	ok(seen.si_addr == p, "and si_addr");
}

static void kernel_memory_is_out_of_reach(void)
{
	is(try_read(KERNEL_POINTER), SIGSEGV, "reading kernel memory raises SIGSEGV");
	ok(seen.si_addr == KERNEL_POINTER, "si_addr is the address");
	is(try_write(KERNEL_POINTER, 1), SIGSEGV, "and so does writing");
	is(try_read((char *)0x8000000000000000UL), SIGSEGV, "a non-canonical address as well");
	is(seen.si_code, SI_KERNEL, "with si_code SI_KERNEL");
	is(try_read(NULL), SIGSEGV, "and the null pointer");
	ok(seen.si_addr == NULL, "si_addr is null");
}

static void data_is_not_executable(void)
{
	unsigned char *p = (unsigned char *)map_pages(1);
	char on_stack = (char)0xc3;

	p[0] = 0xc3; /* ret */
	is(try_call(p), SIGSEGV, "calling into data raises SIGSEGV");
	ok(seen.si_addr == p, "si_addr is the instruction");
	is(seen.si_code, SEGV_ACCERR, "with SEGV_ACCERR");
	is(try_call(&on_stack), SIGSEGV, "calling into the stack as well");
	is(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0, "the page becomes executable");
	is(try_call(p), 0, "and the call works");
	is(try_write((char *)p, 0), SIGSEGV, "but no write");
	munmap(p, PAGE);
}

static void text_is_not_writable(void)
{
	is(try_write((char *)(uintptr_t)try_write, 0), SIGSEGV, "program text is not writable");
	is(try_write((char *)(uintptr_t) "constant", 0), SIGSEGV, "nor are constants");
}

static void bad_arguments_are_refused(void)
{
	char *p = map_pages(3);

	munmap(p + PAGE, PAGE);
	fails(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ), EINVAL, "an odd address");
	is(mprotect(p, 0, PROT_READ), 0, "length 0 is fine");
	fails(mprotect(p, PAGE, 0x1000), EINVAL, "unknown protection bits");
	fails(mprotect(p + PAGE, PAGE, PROT_READ), ENOMEM, "unmapped memory");
	fails(mprotect(p, 3 * PAGE, PROT_READ), ENOMEM, "a range with a hole");
	is(try_write(p, 1), SIGSEGV, "what lies before the hole was changed");
	fails(mprotect((void *)(1UL << 47), PAGE, PROT_READ), ENOMEM, "above the user half");
	munmap(p, 3 * PAGE);
}

static void read_only_file_stays_read_only(void)
{
	scratch();
	put_file("f", "data", 4, 0644);
	int fd = open("f", O_RDONLY);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	ok(p != MAP_FAILED && p[0] == 'd', "a shared mapping of a read-only descriptor");
	fails(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES, "cannot be made writable");
	ok(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
		   errno == EACCES,
	   "nor mapped writable");
	munmap(p, PAGE);
	close(fd);
}

static void many_changes_keep_contents(void)
{
	enum { COUNT = 64 };
	char *p = map_pages(COUNT);
	bool good = true;

	for (int i = 0; i < COUNT; i++)
		p[i * PAGE] = (char)i;
	for (int round = 0; round < 8; round++)
		for (int i = 0; i < COUNT; i++)
			if ((i * 7 + round) % 3 == 0)
				good = good && mprotect(p + i * PAGE, PAGE,
							round & 1 ? PROT_READ : PROT_NONE) == 0;
	good = good && mprotect(p, COUNT * PAGE, PROT_READ | PROT_WRITE) == 0;
	for (int i = 0; i < COUNT && good; i++)
		good = p[i * PAGE] == (char)i && try_write(p + i * PAGE, 1) == 0;
	ok(good, "hundreds of changes of protection lose nothing");
	munmap(p, COUNT * PAGE);
}

int main(void)
{
	catch_faults();
	protection_is_enforced();
	kernel_memory_is_out_of_reach();
	data_is_not_executable();
	text_is_not_writable();
	bad_arguments_are_refused();
	read_only_file_stays_read_only();
	many_changes_keep_contents();
	return done();
}

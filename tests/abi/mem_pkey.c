/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls for protection keys where the processor has no keys: all but pkey_mprotect with key -1
 * is an error.
 */
#include "abi.h"

static bool processor_has_keys(void)
{
	long key = syscall(SYS_pkey_alloc, 0UL, 0UL);

	if (key < 0)
		return false;
	syscall(SYS_pkey_free, (int)key);
	return true;
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
		skip(2, "this processor has keys");
		return done();
	}
	/* Linux, whose first answer to a process is EINVAL, has used up its one key after that. */
	fails(syscall(SYS_pkey_alloc, 0UL, 0UL), ENOSPC, "there are no keys");
	fails(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 0), EINVAL, "not even the first");
	return done();
}

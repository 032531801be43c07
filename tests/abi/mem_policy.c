/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policies and the places of pages, on a machine with one node.
 */
#include "abi.h"

enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL };
enum { BALANCING = 1 << 13, RELATIVE = 1 << 14, STATIC = 1 << 15 };
enum { F_NODE = 1, F_ADDR = 2, F_ALLOWED = 4 };
enum { STRICT = 1, MOVE = 2, MOVE_ALL = 4 };

static unsigned long mask[32];

static long set_policy(int mode, unsigned long first, unsigned long maximum)
{
	memset(mask, 0, sizeof(mask));
	mask[0] = first;
	return syscall(SYS_set_mempolicy, mode, mask, maximum);
}

static long bind_to(void *p, size_t length, int mode, unsigned long first, unsigned flags)
{
	memset(mask, 0, sizeof(mask));
	mask[0] = first;
	return syscall(SYS_mbind, p, length, (long)mode, mask, 64UL, flags);
}

static unsigned long got[32];

static int mode_of(void *p)
{
	int mode = -1;

	memset(got, 0xff, sizeof(got));
	if (syscall(SYS_get_mempolicy, &mode, got, 64UL, p, p ? (long)F_ADDR : 0L))
		return -errno;
	return mode;
}

static void of_a_thread(void)
{
	int status;

	is(mode_of(NULL), DEFAULT, "the default at first");
	is(got[0], 0, "without nodes");
	is(set_policy(BIND, 1, 64), 0, "MPOL_BIND");
	ok(mode_of(NULL) == BIND && got[0] == 1, "is kept");
	is(set_policy(BIND, 3, 64), 0, "with a node that is not there");
	ok(mode_of(NULL) == BIND && got[0] == 1, "that one falls away");
	fails(set_policy(BIND, 2, 64), EINVAL, "only such a node");
	is(set_policy(BIND | STATIC, 3, 64), 0, "static nodes");
	ok(mode_of(NULL) == (BIND | STATIC) && got[0] == 3, "are told as they were given");
	fails(set_policy(BIND | STATIC, 6, 64), EINVAL, "none of them there");
	is(set_policy(BIND | RELATIVE, 6, 64), 0, "relative ones wrap around");
	ok(mode_of(NULL) == (BIND | RELATIVE) && got[0] == 6, "and are told as given");
	fails(set_policy(BIND | STATIC | RELATIVE, 1, 64), EINVAL, "not both");
	is(set_policy(BIND | BALANCING, 1, 64), 0, "balancing");
	is(mode_of(NULL), BIND | BALANCING, "is kept");
	fails(set_policy(INTERLEAVE | BALANCING, 1, 64), EINVAL, "for MPOL_BIND only");
	is(set_policy(INTERLEAVE, 1, 64), 0, "MPOL_INTERLEAVE");
	int node = -1;
	is(syscall(SYS_get_mempolicy, &node, NULL, 0UL, NULL, (long)F_NODE), 0, "the next node");
	is(node, 0, "is the only one");
	if (child(&status) == 0) {
		is(mode_of(NULL), INTERLEAVE, "a child has the policy");
		_exit(0);
	}
	is(set_policy(PREFERRED, 1, 64), 0, "MPOL_PREFERRED");
	ok(mode_of(NULL) == PREFERRED && got[0] == 1, "is kept");
	is(set_policy(PREFERRED, 0, 64), 0, "without a node");
	ok(mode_of(NULL) == LOCAL && got[0] == 0, "is MPOL_LOCAL");
	fails(set_policy(PREFERRED | STATIC, 0, 64), EINVAL, "then without flags");
	is(set_policy(LOCAL, 0, 64), 0, "MPOL_LOCAL");
	fails(set_policy(LOCAL, 1, 64), EINVAL, "without nodes");
	fails(set_policy(BIND, 1, 1), EINVAL, "one bit is no bit");
	is(set_policy(BIND, 1, 2), 0, "two bits are one");
	fails(set_policy(DEFAULT, 1, 64), EINVAL, "the default without nodes");
	fails(set_policy(99, 1, 64), EINVAL, "an unknown mode");
	fails(set_policy(BIND, 1, 0), EINVAL, "no size");
	fails(set_policy(BIND, 1, 40000), EINVAL, "too large a size");
	fails(syscall(SYS_set_mempolicy, BIND, NULL, 64UL), EINVAL, "no nodes");
	fails(syscall(SYS_set_mempolicy, BIND, BAD_POINTER, 64UL), EFAULT, "a bad pointer");
	is(set_policy(DEFAULT, 0, 64), 0, "the default again");
	is(mode_of(NULL), DEFAULT, "as at first");
}

static void asking(void)
{
	char *p = map_pages(2);
	int mode = -1;

	memset(got, 0xff, sizeof(got));
	is(syscall(SYS_get_mempolicy, &mode, got, 1024UL, NULL, (long)F_ALLOWED), 0, "allowed");
	ok(mode == 0 && got[0] == 1 && got[1] == 0 && got[15] == 0, "is the one node");
	fails(syscall(SYS_get_mempolicy, NULL, NULL, 0UL, NULL, (long)(F_ALLOWED | F_NODE)), EINVAL,
	      "nothing beside");
	is(syscall(SYS_get_mempolicy, &mode, NULL, 0UL, p, (long)(F_ADDR | F_NODE)), 0,
	   "where is a page");
	is(mode, 0, "there");
	fails(syscall(SYS_get_mempolicy, &mode, NULL, 0UL, NULL, (long)F_NODE), EINVAL,
	      "the next node of one that does not interleave");
	fails(syscall(SYS_get_mempolicy, &mode, NULL, 0UL, p, 0L), EINVAL,
	      "an address for nothing");
	fails(syscall(SYS_get_mempolicy, &mode, NULL, 0UL, BAD_POINTER, (long)F_ADDR), EFAULT,
	      "nothing there");
	fails(syscall(SYS_get_mempolicy, &mode, got, 0UL, NULL, 0L), EINVAL, "no room for nodes");
	fails(syscall(SYS_get_mempolicy, &mode, NULL, 0UL, NULL, 8L), EINVAL, "unknown flags");
	fails(syscall(SYS_get_mempolicy, BAD_POINTER, NULL, 0UL, NULL, 0L), EFAULT, "bad pointer");
	is(syscall(SYS_get_mempolicy, NULL, NULL, 0UL, NULL, 0L), 0, "nothing asked");
}

static void of_memory(void)
{
	char *p = map_pages(6);
	int status;

	is(mode_of(p), DEFAULT, "memory has no policy at first");
	is(bind_to(p + PAGE, 2 * PAGE, BIND, 1, 0), 0, "mbind");
	ok(mode_of(p) == DEFAULT && mode_of(p + PAGE) == BIND && mode_of(p + 2 * PAGE) == BIND &&
		   mode_of(p + 3 * PAGE) == DEFAULT,
	   "for those pages");
	is(bind_to(p + 2 * PAGE, 2 * PAGE, INTERLEAVE, 1, STRICT | MOVE), 0, "another over it");
	ok(mode_of(p + PAGE) == BIND && mode_of(p + 2 * PAGE) == INTERLEAVE &&
		   mode_of(p + 3 * PAGE) == INTERLEAVE,
	   "takes its place");
	if (child(&status) == 0) {
		is(mode_of(p + PAGE), BIND, "a child's memory has it");
		_exit(0);
	}
	memset(p, 'b', 6 * PAGE);
	char *q = mremap(p + 2 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && mode_of(q) == INTERLEAVE && q[0] == 'b', "mremap takes it along");
	munmap(p + 2 * PAGE, 2 * PAGE);
	fails(bind_to(p + PAGE, 4 * PAGE, BIND, 1, 0), EFAULT, "a hole");
	is(bind_to(p + PAGE, 4 * PAGE, DEFAULT, 0, 0), 0, "does not matter to the default");
	is(mode_of(p + PAGE), DEFAULT, "which is set");
	fails(bind_to(p + 2 * PAGE, PAGE, DEFAULT, 0, 0), EFAULT, "nothing but hole");
	is(bind_to(p, 0, BIND, 1, 0), 0, "nothing at all");
	fails(bind_to(p + 1, PAGE, BIND, 1, 0), EINVAL, "an odd address");
	fails(bind_to(p, (size_t)0 - 2 * PAGE, BIND, 1, 0), EINVAL, "a length that wraps");
	fails(bind_to(p, PAGE, BIND, 1, 0x80), EINVAL, "unknown flags");
	fails(bind_to(p, PAGE, BIND, 2, 0), EINVAL, "no such node");
	fails(bind_to(p, PAGE, 77, 1, 0), EINVAL, "an unknown mode");

	if (syscall(450, p, PAGE, 0UL, 0UL) == -1 && errno == ENOSYS) {
		skip(4, "no set_mempolicy_home_node");
		return;
	}
	fails(syscall(450, p, PAGE, 0UL, 0UL), ENOENT, "a home for memory without policy");
	bind_to(p, PAGE, BIND, 1, 0);
	is(syscall(450, p, PAGE, 0UL, 0UL), 0, "for bound memory");
	fails(syscall(450, p, PAGE, 1UL, 0UL), EINVAL, "on a node that is not there");
	bind_to(p, PAGE, INTERLEAVE, 1, 0);
	fails(syscall(450, p, PAGE, 0UL, 0UL), EOPNOTSUPP, "not for interleaved memory");
}

static void places(void)
{
	char *p = map_pages(4);
	void *pages[4] = {p, p + PAGE + 5, p + 2 * PAGE, BAD_POINTER};
	int where[4] = {9, 9, 9, 9}, nodes[4] = {0};

	p[0] = 1;
	(void)*(volatile char *)(p + 2 * PAGE);
	is(syscall(SYS_move_pages, 0, 4UL, pages, NULL, where, 0), 0, "where are pages");
	ok(where[0] == 0 && where[1] == -ENOENT && where[2] == -EFAULT && where[3] == -EFAULT,
	   "here, not there, shared zeros, nowhere");
	memset(where, 9, sizeof(where));
	is(syscall(SYS_move_pages, getpid(), 4UL, pages, nodes, where, MOVE), 0, "move them here");
	is(where[0], 0, "done");
	nodes[0] = 1;
	fails(syscall(SYS_move_pages, 0, 4UL, pages, nodes, where, MOVE), ENODEV, "no such node");
	nodes[0] = -1;
	fails(syscall(SYS_move_pages, 0, 4UL, pages, nodes, where, MOVE), ENODEV, "nor that");
	fails(syscall(SYS_move_pages, 0, 4UL, pages, NULL, where, 1), EINVAL, "unknown flags");
	fails(syscall(SYS_move_pages, 0x3ffffff, 4UL, pages, NULL, where, 0), ESRCH, "nobody");
	fails(syscall(SYS_move_pages, 0, 1UL, BAD_POINTER, NULL, where, 0), EFAULT, "bad pages");
	fails(syscall(SYS_move_pages, 0, 1UL, pages, NULL, BAD_POINTER, 0), EFAULT, "bad status");
	is(syscall(SYS_move_pages, 0, 0UL, NULL, NULL, NULL, 0), 0, "nothing");

	unsigned long one = 1, two = 2;
	is(syscall(SYS_migrate_pages, 0, 64UL, &one, &one), 0, "migrate_pages leaves nothing");
	fails(syscall(SYS_migrate_pages, 0x3ffffff, 64UL, &one, &one), ESRCH, "nobody's");
	fails(syscall(SYS_migrate_pages, 0, 64UL, BAD_POINTER, &one), EFAULT, "a bad pointer");
	if (getuid() == 0)
		fails(syscall(SYS_migrate_pages, 0, 64UL, &one, &two), EINVAL, "to nowhere");
	else
		skip(1, "not root");
}

int main(void)
{
	if (syscall(SYS_get_mempolicy, NULL, NULL, 0UL, NULL, 0L) == -1 && errno == ENOSYS) {
		skip(1, "a kernel without policies");
		return done();
	}
	if (access("/sys/devices/system/node/node1", F_OK) == 0) {
		skip(1, "a machine with several nodes");
		return done();
	}
	of_a_thread();
	asking();
	of_memory();
	places();
	return done();
}

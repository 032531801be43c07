/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random programs: trees of processes that map, protect, move, drop, touch and fork, side by side.
 * Each process makes a hash of all that it sees: bytes, results, errno and signals. It depends on
 * nothing but the seed, so what Linux says is what every kernel has to say: the hashes below are
 * Linux's.
 *
 * `fork_random SEED` prints each step of one program instead, with the seed of the process, to find
 * the first that differs.
 */
#include "abi.h"
#include <setjmp.h>

enum { PAGES = 48, STEPS = 120, DEPTH = 3, CHILDREN = 3, FILE_PAGES = 8 };
#define BASE ((char *)0x40000000 - 20 * PAGE) /* across the boundary of a table */

struct process {
	uint64_t random, hash, seed;
	int depth, children;
	pid_t pids[CHILDREN];
	int results[CHILDREN]; /* pipes */
};

static bool verbose;
static int file, output;
static sigjmp_buf back;
static volatile int last_signal;

static uint64_t below(struct process *self, uint64_t limit)
{
	self->random ^= self->random << 13;
	self->random ^= self->random >> 7;
	self->random ^= self->random << 17;
	return (self->random >> 11) % limit;
}

static void see(struct process *self, const char *what, long value)
{
	self->hash = (self->hash ^ (uint64_t)value) * 0x100000001b3;
	if (verbose)
		printf("# %lx %s %ld\n", (unsigned long)self->seed, what, value);
}

static void caught(int sig, siginfo_t *info, void *context)
{
	(void)context;
	last_signal = sig * 100 + info->si_code;
	siglongjmp(back, 1);
}

static void touch(struct process *self, char *at, bool write, char value)
{
	if (sigsetjmp(back, 1) != 0) {
		see(self, "signal", last_signal);
		return;
	}
	if (write)
		*(volatile char *)at = value;
	see(self, write ? "write" : "read", *(volatile char *)at);
}

static void step_call(struct process *self, char *at, size_t size)
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE};
	int prot = prots[below(self, 4)];
	char *other = BASE + below(self, PAGES) * PAGE;
	void *mapped;

	errno = 0;
	switch (below(self, 6)) {
	case 0:
		mapped = mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		see(self, "mmap", mapped == at ? 0 : errno);
		break;
	case 1:
		mapped = mmap(at, size, prot, MAP_PRIVATE | MAP_FIXED, file,
			      (off_t)(below(self, FILE_PAGES) * PAGE));
		see(self, "mmap file", mapped == at ? 0 : errno);
		break;
	case 2:
		see(self, "munmap", munmap(at, size));
		break;
	case 3:
		see(self, "mprotect", mprotect(at, size, prot) == 0 ? 0 : errno);
		break;
	case 4:
		see(self, "madvise", madvise(at, size, MADV_DONTNEED) == 0 ? 0 : errno);
		break;
	default:
		/* Linux has changed its mind about which of two errors comes first. */
		if (other == at)
			break;
		mapped = mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other);
		see(self, "mremap", mapped == other ? 0 : errno);
	}
}

static void run(struct process *self);

static void step_fork(struct process *self)
{
	int ends[2];

	if (self->depth == DEPTH || self->children == CHILDREN || pipe(ends) != 0)
		return;
	uint64_t seed = below(self, UINT64_MAX >> 12) | 1;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		self->random = seed;
		self->hash = self->seed = seed;
		self->depth++;
		self->children = 0;
		alarm(60);
		run(self);
		fflush(stdout);
		_exit(write(ends[1], &self->hash, sizeof(self->hash)) == sizeof(self->hash) ? 0
											    : 1);
	}
	close(ends[1]);
	self->pids[self->children] = pid;
	self->results[self->children++] = ends[0];
}

static uint64_t few(struct process *self, uint64_t count)
{
	return count > 4 && below(self, 4) != 0 ? 4 : count;
}

static void step(struct process *self)
{
	uint64_t first = below(self, PAGES), count = few(self, 1 + below(self, PAGES - first));
	char *at = BASE + first * PAGE, buffer = (char)below(self, 128);

	switch (below(self, 10)) {
	case 0:
	case 1:
	case 2:
		step_call(self, at, count * PAGE);
		break;
	case 3:
		/* The kernel writes, and reads. */
		errno = 0;
		see(self, "pread", pread(file, at + 100, 2000, 10) + errno * 10000);
		errno = 0;
		see(self, "pwrite", pwrite(output, at + 5, 100, 0) + errno * 10000);
		break;
	case 4:
		if (below(self, 3) == 0)
			step_fork(self);
		break;
	default:
		for (uint64_t page = 0; page < count; page++)
			touch(self, at + page * PAGE, below(self, 2), (char)(buffer + (char)page));
	}
}

static void run(struct process *self)
{
	uint64_t hash;

	for (int i = 0; i < STEPS; i++)
		step(self);
	for (int page = 0; page < PAGES; page++)
		touch(self, BASE + page * PAGE, false, 0);
	for (int i = 0; i < self->children; i++) {
		int st = -1;
		if (read(self->results[i], &hash, sizeof(hash)) != sizeof(hash))
			hash = 0;
		close(self->results[i]);
		waitpid(self->pids[i], &st, 0);
		see(self, "child", (long)hash);
		see(self, "status", st);
	}
}

static uint64_t program(uint64_t seed)
{
	struct process self = {.random = seed * 0x9e3779b97f4a7c15, .hash = seed, .seed = seed};

	munmap(BASE, PAGES * PAGE);
	run(&self);
	return self.hash;
}

int main(int argc, char **argv)
{
	static const uint64_t linux_says[] = {
		0x6031f12d7f797aa1, 0xccf80fb19f0c9ae5, 0x631571d5c4507d7c, 0x24bec75eed40d2e5,
		0x2296336910e5cae0, 0x38ef93bdc6cb457b, 0x74616bb58edb91b,  0x34e71b1a2ca505c5,
		0x5d1b0073dea83b48, 0x305e3f04d7cee4e9, 0x97a0d0f32481b7fc, 0x5bd80fe7f77038be,
		0x950af63cf7df0abe, 0x59ea2325b28cd68d, 0xf46dd87bbfa457ae, 0xea037e12cbeafede,
		0x319b532144f595a3, 0x1925c169dc3e166f, 0xb4381da42b81dd52, 0xe59de5c8164bcb6a,
		0x4909b5d68ba5f9a0, 0x1e39c0edac7a9532, 0x77e571f5559b9090, 0x8ecdc3ce1ccdfe20};
	struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER};
	char content[FILE_PAGES * PAGE - 1000];

	scratch();
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i / PAGE * 7 + i % 101);
	put_file("file", content, sizeof(content), 0644);
	file = open("file", O_RDONLY);
	output = open("output", O_WRONLY | O_CREAT, 0644);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	if (argc > 1) {
		verbose = true;
		setvbuf(stdout, NULL, _IOLBF, 0);
		note("%#lx", (long)program(strtoul(argv[1], NULL, 0)));
		return 0;
	}
	for (uint64_t seed = 1; seed <= ARRAY_LEN(linux_says); seed++) {
		uint64_t hash = program(seed);
		ok(hash == linux_says[seed - 1], "random program %lu sees what it sees on Linux",
		   (long)seed);
		if (hash != linux_says[seed - 1])
			note("%#lx", (long)hash);
	}
	return done();
}

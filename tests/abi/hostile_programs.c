/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged executables: bytes of an ELF header and of the program headers are changed at random.
 * Each file runs, crashes or is refused; the system lives on.
 */
#include "abi.h"

#include <elf.h>
#include <sys/resource.h>

enum { ROUNDS = 60, PLAYED = 77 };

static uint64_t state = 88172645463325252;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static char *image;
static size_t image_size;

static bool load(const char *self)
{
	struct stat st;
	int fd = open(self, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	image_size = (size_t)st.st_size;
	image = map_pages(image_size / PAGE + 1);
	bool good = read(fd, image, image_size) == (ssize_t)image_size;
	close(fd);
	return good;
}

/* Runs ./damaged; returns whether its process ended within two seconds or could be killed then. */
static bool run(int *status)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit lim = {256UL << 20, 256UL << 20}, core = {0, 0};
		setrlimit(RLIMIT_AS, &lim);
		setrlimit(RLIMIT_CORE, &core);
		int null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		dup2(null, 2);
		become(65534, 65534);
		execl("./damaged", "damaged", "play", (char *)NULL);
		_exit(1);
	}
	for (int i = 0; i < 4000; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		if (i == 2000)
			kill(pid, SIGKILL);
		sleep_ms(1);
	}
	return false;
}

static void put_damaged(const char *data, size_t size)
{
	unlink("damaged");
	put_file("damaged", data, size, 0755);
}

static void random_damage(void)
{
	size_t headers = sizeof(Elf64_Ehdr) + ((Elf64_Ehdr *)image)->e_phnum * sizeof(Elf64_Phdr);
	char *saved = map_pages(1);
	int st, ended = 0, refused = 0, crashed = 0, ran = 0;

	memcpy(saved, image, headers);
	for (int round = 0; round < ROUNDS; round++) {
		int changes = 1 + (int)(next() % 4);
		for (int i = 0; i < changes; i++)
			image[4 + next() % (headers - 4)] = (char)(next() % 3 ? next() : 0xff);
		put_damaged(image, image_size);
		memcpy(image, saved, headers);
		if (!run(&st))
			continue;
		ended++;
		refused += st == EXITED(1);
		crashed += WIFSIGNALED(st);
		ran += st == EXITED(PLAYED);
	}
	note("%d refused, %d crashed, %d ran", refused, crashed, ran);
	is(ended, ROUNDS, "every damaged program ends");
	munmap(saved, PAGE);
}

static void truncated_programs(void)
{
	int st, ended = 0;

	for (size_t size = 1; size < image_size; size = size * 2 + 13) {
		put_damaged(image, size);
		if (run(&st) && (st == EXITED(1) || WIFSIGNALED(st)))
			ended++;
		else
			note("cut to %zu bytes: status %#x", size, st);
	}
	ok(ended >= 8, "programs cut short are refused or crash");
}

/* Changes every field of every program header to hard values. */
static void hard_values(void)
{
	static const uint64_t values[] = {0,    1,       0xfff,     0x7fffffffffff, 0x800000000000,
					  -1UL, -4096UL, 1UL << 63, 1UL << 32};
	Elf64_Ehdr *e = (Elf64_Ehdr *)image;
	int tries = 0, ended = 0, st;

	for (int i = 0; i < e->e_phnum; i++) {
		uint64_t *words = (uint64_t *)(image + e->e_phoff + (size_t)i * sizeof(Elf64_Phdr));
		if (((Elf64_Phdr *)words)->p_type != PT_LOAD)
			continue;
		for (int field = 1; field < 7; field++) {
			uint64_t saved = words[field];
			words[field] = values[next() % ARRAY_LEN(values)];
			put_damaged(image, image_size);
			words[field] = saved;
			tries++;
			ended += run(&st);
		}
	}
	is(ended, tries, "programs with hard values in their headers end");
}

int main(int argc, char **argv)
{
	int st = 0;

	if (argc > 1)
		return PLAYED;
	scratch();
	chmod(".", 0755);
	if (!ok(load(argv[0]), "the program reads itself"))
		return done();
	put_damaged(image, image_size);
	ok(run(&st) && st == EXITED(PLAYED), "undamaged it runs");
	random_damage();
	truncated_programs();
	hard_values();
	put_damaged(image, image_size);
	ok(run(&st) && st == EXITED(PLAYED), "the system still runs the undamaged one");
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO: its symbols are found through its own ELF tables, and answer as the system calls do.
 */
#include "abi.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/time.h>

struct vdso {
	const char *base; /* added to the addresses within */
	const Elf64_Sym *symbols;
	const char *names;
	const uint32_t *hash;
	uint32_t count;
};

static const void *at(const struct vdso *v, Elf64_Addr address)
{
	return v->base + address;
}

/* The number of symbols from the GNU hash table: the last of the longest chain. */
static uint32_t gnu_count(const uint32_t *h)
{
	const uint32_t *buckets = h + 4 + h[2] * 2, *chains = buckets + h[0];
	uint32_t last = 0;

	for (uint32_t i = 0; i < h[0]; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (last == 0)
		return h[1];
	while (!(chains[last - h[1]] & 1))
		last++;
	return last + 1;
}

static bool open_vdso(struct vdso *v)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Dyn *dynamic = NULL;

	memset(v, 0, sizeof(*v));
	if (!header)
		return false;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)((const char *)header + header->e_phoff);
	for (int i = 0; i < header->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && !v->base)
			v->base = (const char *)header + ph[i].p_offset - ph[i].p_vaddr;
		if (ph[i].p_type == PT_DYNAMIC)
			dynamic = (const Elf64_Dyn *)((const char *)header + ph[i].p_offset);
	}
	for (; v->base && dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		const void *p = at(v, dynamic->d_un.d_ptr);
		if (dynamic->d_tag == DT_SYMTAB)
			v->symbols = p;
		else if (dynamic->d_tag == DT_STRTAB)
			v->names = p;
		else if (dynamic->d_tag == DT_HASH)
			v->count = ((const uint32_t *)p)[1];
		else if (dynamic->d_tag == DT_GNU_HASH && !v->count)
			v->count = gnu_count(p);
	}
	return v->symbols && v->names && v->count;
}

static void *find(const struct vdso *v, const char *name)
{
	for (uint32_t i = 0; i < v->count; i++)
		if (v->symbols[i].st_shndx != SHN_UNDEF &&
		    strcmp(v->names + v->symbols[i].st_name, name) == 0)
			return (void *)at(v, v->symbols[i].st_value);
	return NULL;
}

static long to_ns(struct timespec t)
{
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void clock_gettime_answers(int (*get)(int, struct timespec *))
{
	static const int clocks[] = {CLOCK_REALTIME,        CLOCK_MONOTONIC,
				     CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
				     CLOCK_BOOTTIME,        CLOCK_PROCESS_CPUTIME_ID};
	struct timespec before, now, after;

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		syscall(SYS_clock_gettime, clocks[i], &before);
		is(get(clocks[i], &now), 0, "clock %d is read", clocks[i]);
		syscall(SYS_clock_gettime, clocks[i], &after);
		ok(to_ns(before) <= to_ns(now) && to_ns(now) <= to_ns(after),
		   "between two system calls");
	}
	is(get(55, &now), -EINVAL, "an unknown clock is -EINVAL");
}

static void others_answer(const struct vdso *v)
{
	int (*tod)(struct timeval *, void *) =
		(int (*)(struct timeval *, void *))find(v, "__vdso_gettimeofday");
	time_t (*seconds)(time_t *) = (time_t(*)(time_t *))find(v, "__vdso_time");
	int (*res)(int, struct timespec *) =
		(int (*)(int, struct timespec *))find(v, "__vdso_clock_getres");
	int (*cpu)(unsigned *, unsigned *, void *) =
		(int (*)(unsigned *, unsigned *, void *))find(v, "__vdso_getcpu");
	struct timeval tv = {0};
	struct timespec t = {0};
	unsigned n = 999;

	ok(tod && tod(&tv, NULL) == 0, "__vdso_gettimeofday");
	ok(labs(tv.tv_sec - syscall(SYS_time, NULL)) <= 1 && tv.tv_usec < 1000000,
	   "agrees with the system call");
	ok(seconds && labs(seconds(NULL) - syscall(SYS_time, NULL)) <= 1, "__vdso_time");
	ok(res && res(CLOCK_MONOTONIC, &t) == 0 && t.tv_nsec == 1, "__vdso_clock_getres");
	ok(cpu && cpu(&n, NULL, NULL) == 0 && n < 1024, "__vdso_getcpu");
}

static void it_takes_no_system_call(int (*get)(int, struct timespec *))
{
	enum { CALLS = 100000 };
	struct timespec a, b, c, t;

	get(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < CALLS; i++)
		get(CLOCK_MONOTONIC, &t);
	get(CLOCK_MONOTONIC, &b);
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	get(CLOCK_MONOTONIC, &c);
	note("a vDSO call takes %ld ns, a system call %ld ns", (to_ns(b) - to_ns(a)) / CALLS,
	     (to_ns(c) - to_ns(b)) / CALLS);
	ok(to_ns(c) >= to_ns(b) && to_ns(b) >= to_ns(a), "time goes on");
}

int main(void)
{
	struct vdso v;
	int st;

	if (!ok(open_vdso(&v), "the vDSO has dynamic symbols"))
		return done();
	int (*get)(int, struct timespec *) =
		(int (*)(int, struct timespec *))find(&v, "__vdso_clock_gettime");
	if (ok(get != NULL, "__vdso_clock_gettime")) {
		clock_gettime_answers(get);
		it_takes_no_system_call(get);
	}
	others_answer(&v);
	if (child(&st) == 0) {
		*(volatile char *)getauxval(AT_SYSINFO_EHDR) = 0;
		_exit(0);
	}
	is(st & 0x7f, SIGSEGV, "the vDSO is not writable");
	if (child(&st) == 0) {
		struct timespec t;
		_exit(get && get(CLOCK_MONOTONIC, &t) == 0 ? 0 : 1);
	}
	is(st, 0, "it works in a child");
	return done();
}

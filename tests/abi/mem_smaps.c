/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID/smaps and smaps_rollup: what is resident, shared and dirty.
 */
#include "abi.h"

static char text[1 << 17];

/* The figure of a name behind `from`, in KiB; -1 when it is missing. */
static long figure(const char *from, const char *name)
{
	char start[64];

	snprintf(start, sizeof(start), "\n%s:", name);
	const char *found = from ? strstr(from, start) : NULL;
	return found ? strtol(found + strlen(start), NULL, 10) : -1;
}

/* The entry of the region that starts at `p`, as it is now. */
static const char *entry_of(const void *p)
{
	char start[64];

	snprintf(start, sizeof(start), "%08lx-", (unsigned long)(uintptr_t)p);
	if (get_file("/proc/self/smaps", text, sizeof(text)) <= 0)
		return NULL;
	return strstr(text, start);
}

/* Eight pages of their own: the pages around have no access. */
static char *island(int flags)
{
	char *p = mmap(NULL, 10 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mmap(p + PAGE, 8 * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_FIXED,
		    -1, 0);
}

static bool has_flag(const char *entry, const char *flag)
{
	char line[256] = "";
	const char *found = entry ? strstr(entry, "VmFlags:") : NULL;

	if (found)
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(found, "\n"), found);
	return strstr(line, flag) != NULL;
}

static void private_memory(void)
{
	char *p = island(MAP_PRIVATE);
	const char *entry = entry_of(p);
	int status;

	ok(entry != NULL, "the region is listed");
	is(figure(entry, "Size"), 32, "Size");
	is(figure(entry, "KernelPageSize"), 4, "KernelPageSize");
	is(figure(entry, "MMUPageSize"), 4, "MMUPageSize");
	is(figure(entry, "Rss"), 0, "nothing is resident");
	memset(p, 'x', 3 * PAGE);
	entry = entry_of(p);
	is(figure(entry, "Rss"), 12, "three pages are");
	is(figure(entry, "Pss"), 12, "ours alone");
	is(figure(entry, "Private_Dirty"), 12, "private, dirty");
	is(figure(entry, "Shared_Dirty"), 0, "not shared");
	is(figure(entry, "Anonymous"), 12, "anonymous");
	is(figure(entry, "Swap"), 0, "not swapped");
	is(figure(entry, "Locked"), 0, "not locked");
	ok(has_flag(entry, " rd wr mr mw me"), "VmFlags");
	if (child(&status) == 0) {
		p[0] = 'c';
		entry = entry_of(p);
		is(figure(entry, "Rss"), 12, "a child has them, too");
		is(figure(entry, "Shared_Dirty"), 8, "two shared");
		is(figure(entry, "Private_Dirty"), 4, "one its own");
		is(figure(entry, "Pss"), 8, "half of two, and one");
		_exit(0);
	}
	madvise(p, 8 * PAGE, MADV_DONTFORK);
	madvise(p, 8 * PAGE, MADV_DONTDUMP);
	mlock(p, 8 * PAGE);
	entry = entry_of(p);
	ok(has_flag(entry, " lo") && has_flag(entry, " dc") && has_flag(entry, " dd"),
	   "VmFlags of advice and lock");
	is(figure(entry, "Rss"), 32, "locked memory is resident");
	is(figure(entry, "Locked"), 32, "and locked");
	munlock(p, 8 * PAGE);
}

static void shared_memory(void)
{
	char *p = island(MAP_SHARED);
	int status;

	memset(p, 's', 2 * PAGE);
	const char *entry = entry_of(p);
	is(figure(entry, "Rss"), 8, "shared memory is resident");
	is(figure(entry, "Anonymous"), 0, "not anonymous");
	ok(has_flag(entry, " sh ") && has_flag(entry, " ms "), "VmFlags");
	if (child(&status) == 0) {
		volatile char c = (char)(p[0] + p[PAGE]);
		(void)c;
		entry = entry_of(p);
		is(figure(entry, "Shared_Clean") + figure(entry, "Shared_Dirty"), 8,
		   "a child shares what it touches");
		_exit(0);
	}
}

static void rollup(void)
{
	char *p = map_pages(4);

	memset(p, 'r', 4 * PAGE);
	ok(get_file("/proc/self/smaps_rollup", text, sizeof(text)) > 0, "smaps_rollup");
	ok(strstr(text, " ---p 00000000 00:00 0 ") && strstr(text, "[rollup]\n"), "its first line");
	long rss = figure(text, "Rss"), pss = figure(text, "Pss");
	ok(rss >= 16 && pss >= 16 && pss <= rss, "the sums");
	is(figure(text, "Shared_Clean") + figure(text, "Shared_Dirty") +
		   figure(text, "Private_Clean") + figure(text, "Private_Dirty"),
	   rss, "shared and private, clean and dirty, are all");
	ok(figure(text, "Pss_Anon") >= 16, "Pss_Anon");
	ok(figure(text, "Pss_File") >= 0 && figure(text, "Pss_Shmem") >= 0, "Pss_File, Pss_Shmem");
}

int main(void)
{
	private_memory();
	shared_memory();
	rollup();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings of reclaim and write-back in /proc/sys/vm: what may be written, and that of two that
 * exclude each other the last one counts.  They are the whole machine's: they are only changed on
 * Cowslip.
 */
#include <sys/utsname.h>

#include "abi.h"

static bool may_change;

static long get(const char *name)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	return get_file(path, text, sizeof(text)) > 0 ? atol(text) : -1;
}

static int set(const char *name, long value)
{
	char path[64], text[32];
	int length = snprintf(text, sizeof(text), "%ld\n", value);

	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	int fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	int result = write(fd, text, (size_t)length) == length ? 0 : -1, error = errno;
	close(fd);
	errno = error;
	return result;
}

/* Sets it to something else and back. */
static void setting(const char *name, long other, long beyond)
{
	long before = get(name);

	ok(before >= 0, "%s", name);
	if (!may_change) {
		skip(3, "the setting is another machine's");
		return;
	}
	is(set(name, other), 0, "takes %ld", other);
	is(get(name), other, "and has it");
	fails(set(name, beyond), EINVAL, "but not %ld", beyond);
	set(name, before);
}

/* A share and a number of bytes: one of them is 0. */
static void pair(const char *ratio, const char *bytes)
{
	long before = get(ratio);

	ok((get(ratio) == 0) != (get(bytes) == 0), "%s or %s", ratio, bytes);
	if (!may_change) {
		skip(3, "the setting is another machine's");
		return;
	}
	set(bytes, 1 << 20);
	is(get(ratio), 0, "bytes take the place of the share");
	set(ratio, 15);
	is(get(bytes), 0, "and it theirs");
	is(get(ratio), 15, "and is as set");
	set(ratio, before);
}

/* Pages of a device that nobody uses go; what is in files in memory alone stays. */
static void drop(void)
{
	char byte = 'x';
	int fd = memfd_create("stays", 0);

	if (!may_change) {
		skip(4, "the caches are another machine's");
		return;
	}
	is(pwrite(fd, &byte, 1, 4096), 1, "a page in memory alone");
	is(set("drop_caches", 3), 0, "drop_caches");
	fails(set("drop_caches", 0), EINVAL, "takes no 0");
	is(pread(fd, &byte, 1, 4096) == 1 && byte == 'x', true, "the page is still there");
	close(fd);
}

int main(void)
{
	struct utsname name;

	uname(&name);
	may_change = strstr(name.version, "Cowslip") != NULL;
	setting("swappiness", 200, 201);
	setting("dirty_expire_centisecs", 100, -1);
	setting("dirty_writeback_centisecs", 0, -1);
	setting("vfs_cache_pressure", 50, -1);
	pair("dirty_ratio", "dirty_bytes");
	pair("dirty_background_ratio", "dirty_background_bytes");
	drop();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory as /proc and /sys tell of it. */
#include "abi.h"

static char text[65536];

static ssize_t slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t length = 0, got;

	if (fd < 0)
		return -1;
	while ((got = read(fd, text + length, sizeof(text) - 1 - (size_t)length)) > 0)
		length += got;
	close(fd);
	text[length] = '\0';
	return length;
}

static void blocks(void)
{
	unsigned node, counts = 0, value;
	char zone[16];
	int used = 0;

	if (slurp("/proc/buddyinfo") <= 0) {
		skip(2, "no buddyinfo");
		return;
	}
	is(sscanf(text, "Node %u, zone %15s %n", &node, zone, &used), 2, "a zone of a node");
	for (char *at = text + used, *end; *at != '\n'; at = end, counts++) {
		value = (unsigned)strtoul(at, &end, 10);
		if (end == at)
			break;
		while (*end == ' ')
			end++;
	}
	(void)value;
	ok(counts >= 11, "has counts of blocks up to 4 MiB at least");
}

static void zones(void)
{
	char *at;

	if (slurp("/proc/zoneinfo") <= 0) {
		skip(3, "no zoneinfo");
		return;
	}
	ok(strncmp(text, "Node 0, zone ", 13) == 0, "zoneinfo begins with a zone");
	at = strstr(text, "pages free ");
	ok(at != NULL && strtoul(at + 11, NULL, 10) > 0, "free pages");
	ok(strstr(text, "        min ") && strstr(text, "        low ") &&
		   strstr(text, "        high ") && strstr(text, "        managed "),
	   "watermarks and sizes");
}

static void words(const char *path)
{
	unsigned long long buffer[4];
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		skip(4, "no right to see single frames");
		return;
	}
	is(pread(fd, buffer, 32, 0), 32, "four words");
	fails(pread(fd, buffer, 31, 0), EINVAL, "not a part of one");
	fails(pread(fd, buffer, 8, 4), EINVAL, "nor from the middle");
	is(pread(fd, buffer, 8, 1LL << 50), 0, "nothing behind the end");
	close(fd);
}

static void nodes(void)
{
	if (slurp("/sys/devices/system/node/online") <= 0) {
		skip(3, "no nodes in /sys");
		return;
	}
	is(text[0], '0', "node 0 is there");
	slurp("/sys/devices/system/node/node0/distance");
	is(atoi(text), 10, "at a distance of 10 from itself");
	slurp("/sys/devices/system/node/node0/meminfo");
	ok(strncmp(text, "Node 0 MemTotal: ", 17) == 0, "with memory");
}

int main(void)
{
	blocks();
	zones();
	words("/proc/kpagecount");
	words("/proc/kpageflags");
	nodes();
	return done();
}

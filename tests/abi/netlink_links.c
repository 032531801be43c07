/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces, asked for and changed over netlink, by ioctl and as files.  The interface is
 * lo, and what is changed is changed back.
 */
#include "abi.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "netlink.h"

enum { IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_STATS = 7, IFLA_TXQLEN = 13 };

static union {
	struct nl_header header;
	char bytes[32768];
} answer;

static struct {
	struct nl_header header;
	struct nl_link link;
	char attributes[64];
} request;

static void begin(unsigned type, unsigned flags, int index)
{
	memset(&request, 0, sizeof(request));
	request.header =
		(struct nl_header){sizeof(request.header) + sizeof(request.link), (uint16_t)type,
				   (uint16_t)(NLM_F_REQUEST | flags), 7, 0};
	request.link.index = index;
}

static void add(unsigned type, const void *value, unsigned size)
{
	struct nl_attribute attribute = {(uint16_t)(sizeof(attribute) + size), (uint16_t)type};
	char *to = (char *)&request + request.header.length;

	memcpy(to, &attribute, sizeof(attribute));
	memcpy(to + sizeof(attribute), value, size);
	request.header.length += NL_ALIGN(attribute.length);
}

/* Sends the request and gets its answer: 0, or the error, negative. */
static int ask(int fd)
{
	if (send(fd, &request, request.header.length, 0) != request.header.length)
		return -1;
	if (recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) <= 0)
		return -2;
	return answer.header.type == NLMSG_ERROR ? ((struct nl_error *)NL_DATA(&answer))->error : 0;
}

static const char *name_of(const struct nl_header *header)
{
	const struct nl_attribute *name = nl_find(header, sizeof(struct nl_link), IFLA_IFNAME);

	return name != NULL ? (const char *)(name + 1) : "";
}

static unsigned number_of(const struct nl_header *header, unsigned type)
{
	const struct nl_attribute *value = nl_find(header, sizeof(struct nl_link), type);

	return value != NULL ? *(const unsigned *)(value + 1) : ~0u;
}

static void questions(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	const struct nl_link *link = NL_DATA(&answer);

	begin(RTM_GETLINK, 0, 1);
	is(ask(fd), 0, "the link with index 1");
	is(answer.header.type, RTM_NEWLINK, "is told");
	is_str(name_of(&answer.header), "lo", "it is lo");
	is(link->type, ARPHRD_LOOPBACK, "its type");
	ok(link->flags & IFF_LOOPBACK, "its flags");
	is(number_of(&answer.header, IFLA_MTU), 65536, "its MTU");
	ok(nl_find(&answer.header, sizeof(*link), IFLA_STATS) != NULL, "its statistics");
	is(nl_find(&answer.header, sizeof(*link), IFLA_ADDRESS)->length, 10, "its address");
	begin(RTM_GETLINK, 0, 0);
	add(IFLA_IFNAME, "lo", 3);
	is(ask(fd), 0, "the link of a name");
	is(link->index, 1, "it is the same");
	begin(RTM_GETLINK, 0, 0);
	is(ask(fd), -EINVAL, "none named");
	begin(RTM_GETLINK, 0, 12345);
	is(ask(fd), -ENODEV, "none of that number");
	begin(RTM_GETLINK, 0, 0);
	add(IFLA_IFNAME, "nosuch", 7);
	is(ask(fd), -ENODEV, "nor of that name");
	begin(RTM_GETLINK, NLM_F_DUMP, 0);
	is(ask(fd), 0, "all of them");
	is_str(name_of(&answer.header), "lo", "lo is the first");
	close(fd);
	is(if_nametoindex("lo"), 1, "if_nametoindex");
	struct if_nameindex *names = if_nameindex();
	ok(names != NULL && names[0].if_index == 1 && strcmp(names[0].if_name, "lo") == 0,
	   "if_nameindex");
	if_freenameindex(names);
	struct ifaddrs *all = NULL;
	is(getifaddrs(&all), 0, "getifaddrs");
	int seen = 0;
	for (struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
		seen += strcmp(at->ifa_name, "lo") == 0 && at->ifa_addr != NULL &&
			at->ifa_addr->sa_family == AF_PACKET;
	is(seen, 1, "tells of lo");
	freeifaddrs(all);
}

static void changes(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	int listener = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct sockaddr_nl name = {.family = AF_NETLINK, .groups = 1};
	unsigned length;

	if (geteuid() != 0) {
		skip(1, "not root");
		return;
	}
	bind(listener, (struct sockaddr *)&name, sizeof(name));
	begin(RTM_GETLINK, 0, 1);
	ask(fd);
	length = number_of(&answer.header, IFLA_TXQLEN) + 1;
	begin(RTM_SETLINK, NLM_F_ACK, 1);
	add(IFLA_TXQLEN, &length, 4);
	is(ask(fd), 0, "another length of the queue");
	begin(RTM_GETLINK, 0, 1);
	ask(fd);
	is(number_of(&answer.header, IFLA_TXQLEN), length, "is there");
	length--;
	begin(RTM_NEWLINK, NLM_F_ACK, 1);
	add(IFLA_TXQLEN, &length, 4);
	is(ask(fd), 0, "and the old one again");
	begin(RTM_NEWLINK, NLM_F_ACK | NLM_F_EXCL, 1);
	is(ask(fd), -EEXIST, "it is not new");
	begin(RTM_SETLINK, NLM_F_ACK, 12345);
	is(ask(fd), -ENODEV, "change one that is not there");
	struct pollfd p = {.fd = listener, .events = POLLIN};
	bool told = false;
	while (!told && poll(&p, 1, 5000) == 1 &&
	       recv(listener, &answer, sizeof(answer), MSG_DONTWAIT) > 0)
		told = answer.header.type == RTM_NEWLINK &&
		       number_of(&answer.header, IFLA_TXQLEN) == length + 1;
	ok(told, "who listens has heard of the first");
	close(fd);
	close(listener);
}

static void controls(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct ifreq r = {0};

	r.ifr_ifindex = 1;
	is(ioctl(fd, SIOCGIFNAME, &r), 0, "SIOCGIFNAME");
	is_str(r.ifr_name, "lo", "is lo");
	is(ioctl(fd, SIOCGIFFLAGS, &r), 0, "SIOCGIFFLAGS");
	ok(r.ifr_flags & IFF_LOOPBACK, "has the flag");
	is(ioctl(fd, SIOCGIFMTU, &r), 0, "SIOCGIFMTU");
	is(r.ifr_mtu, 65536, "is the MTU");
	is(ioctl(fd, SIOCGIFINDEX, &r), 0, "SIOCGIFINDEX");
	is(r.ifr_ifindex, 1, "is 1");
	is(ioctl(fd, SIOCGIFHWADDR, &r), 0, "SIOCGIFHWADDR");
	is(r.ifr_hwaddr.sa_family, ARPHRD_LOOPBACK, "is of its type");
	is(ioctl(fd, SIOCGIFTXQLEN, &r), 0, "SIOCGIFTXQLEN");
	strcpy(r.ifr_name, "lo:1");
	is(ioctl(fd, SIOCGIFFLAGS, &r), 0, "by the name of an alias");
	strcpy(r.ifr_name, "nosuch");
	fails(ioctl(fd, SIOCGIFFLAGS, &r), ENODEV, "no such interface");
	r.ifr_ifindex = 12345;
	fails(ioctl(fd, SIOCGIFNAME, &r), ENODEV, "nor number");
	fails(ioctl(fd, SIOCGIFFLAGS, BAD_POINTER), EFAULT, "from nowhere");
	fails(ioctl(fd, 0x1234, &r), ENOTTY, "no such control");
	int status;
	if (getuid() == 0 && child(&status) == 0) {
		if (become(1000, 1000) < 0)
			_exit(1);
		strcpy(r.ifr_name, "lo");
		r.ifr_mtu = 65536;
		fails(ioctl(fd, SIOCSIFMTU, &r), EPERM, "not by an ordinary user");
		_exit(0);
	}
	close(fd);
}

static void files(void)
{
	char text[4096];

	ok(get_file("/proc/net/dev", text, sizeof(text)) > 0, "/proc/net/dev");
	ok(strstr(text, "    lo:") != NULL, "tells of lo");
	if (access("/sys/class/net", F_OK) != 0) {
		skip(4, "no sysfs");
		return;
	}
	get_file("/sys/class/net/lo/mtu", text, sizeof(text));
	is_str(text, "65536\n", "/sys/class/net/lo/mtu");
	get_file("/sys/class/net/lo/address", text, sizeof(text));
	is_str(text, "00:00:00:00:00:00\n", "address");
	get_file("/sys/class/net/lo/operstate", text, sizeof(text));
	is_str(text, "unknown\n", "operstate");
	ok(get_file("/sys/class/net/lo/statistics/rx_bytes", text, sizeof(text)) > 1, "statistics");
}

int main(void)
{
	questions();
	changes();
	controls();
	files();
	return done();
}

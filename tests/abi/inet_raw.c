/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw sockets and those for ICMP's echo, over lo.
 */
#include "abi.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#define RAW_FILTER 1 /* ICMP_FILTER of level SOL_RAW */
#define LEVEL_RAW  255

static const struct sockaddr_in lo = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f};

static uint16_t checksum(const void *data, size_t size)
{
	const uint8_t *at = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static ssize_t send_lo(int fd, const void *data, size_t size)
{
	return sendto(fd, data, size, 0, (const struct sockaddr *)&lo, sizeof(lo));
}

/* The next packet, of at least 20 bytes of header; waits for it. */
static ssize_t receive(int fd, void *packet, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (poll(&p, 1, 5000) != 1)
		return -1;
	return recv(fd, packet, size, MSG_DONTWAIT);
}

static struct icmphdr echo(uint16_t id, uint16_t sequence)
{
	struct icmphdr request = {.type = ICMP_ECHO};

	request.un.echo.id = htons(id);
	request.un.echo.sequence = htons(sequence);
	request.checksum = checksum(&request, sizeof(request));
	return request;
}

/* Waits for the answer to that echo: what else comes to a raw socket is passed over. */
static bool await_answer(int fd, uint16_t id, uint16_t sequence, struct iphdr *ip)
{
	for (int i = 0; i < 100; i++) {
		union {
			struct iphdr ip;
			uint8_t bytes[2048];
		} packet;
		ssize_t length = receive(fd, &packet, sizeof(packet));

		if (length < (ssize_t)(sizeof(struct iphdr) + sizeof(struct icmphdr)))
			return false;
		struct icmphdr *icmp = (void *)(packet.bytes + packet.ip.ihl * 4u);
		if (icmp->type == ICMP_ECHOREPLY && ntohs(icmp->un.echo.id) == id &&
		    ntohs(icmp->un.echo.sequence) == sequence) {
			*ip = packet.ip;
			return true;
		}
	}
	return false;
}

static void pings(void)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	uint16_t id = (uint16_t)(getpid() & 0xffff);
	struct icmphdr request = echo(id, 1);
	struct iphdr ip;

	is(send_lo(fd, &request, sizeof(request)), sizeof(request), "an echo request");
	ok(await_answer(fd, id, 1, &ip), "is answered");
	is(ip.protocol, IPPROTO_ICMP, "with IP's header");
	is(ntohl(ip.saddr), INADDR_LOOPBACK, "from this machine");
	is(ntohs(ip.tot_len), sizeof(ip) + sizeof(request), "of its length");
	uint32_t filter = ~(1u << ICMP_ECHO);
	is(setsockopt(fd, LEVEL_RAW, RAW_FILTER, &filter, sizeof(filter)), 0, "ICMP_FILTER");
	while (recv(fd, &ip, sizeof(ip), MSG_DONTWAIT) > 0)
		;
	request = echo(id, 2);
	send_lo(fd, &request, sizeof(request));
	union {
		struct iphdr ip;
		uint8_t bytes[2048];
	} packet;
	ssize_t length = receive(fd, &packet, sizeof(packet));
	ok(length > 0, "one packet");
	is(((struct icmphdr *)(packet.bytes + packet.ip.ihl * 4u))->type, ICMP_ECHO,
	   "the request alone passes");
	fails(recv(fd, &packet, sizeof(packet), MSG_DONTWAIT), EAGAIN, "not its answer");
	close(fd);
}

static void headers(void)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), value = 0;
	int receiver = socket(AF_INET, SOCK_RAW, 253);
	socklen_t size = sizeof(value);
	struct {
		struct iphdr ip;
		char data[4];
	} packet = {.ip = {.version = 4,
			   .ihl = 5,
			   .ttl = 7,
			   .protocol = 253,
			   .daddr = lo.sin_addr.s_addr},
		    .data = "abc"};
	uint8_t got[256];

	is(getsockopt(fd, IPPROTO_IP, IP_HDRINCL, &value, &size), 0, "IP_HDRINCL");
	is(value, 1, "is on for IPPROTO_RAW");
	is(send_lo(fd, &packet, sizeof(packet)), sizeof(packet), "a packet with its header");
	is(receive(receiver, got, sizeof(got)), sizeof(packet), "comes");
	const struct iphdr *ip = (const void *)got;
	is(ip->ttl, 7, "with that header");
	is(ntohs(ip->tot_len), sizeof(packet), "its length filled in");
	is(checksum(ip, sizeof(*ip)), 0, "its checksum, too");
	is(ntohl(ip->saddr), INADDR_LOOPBACK, "and the sender's address");
	ok(memcmp(got + sizeof(*ip), "abc", 4) == 0, "the data");
	is(send_lo(receiver, "own", 3), 3, "without a header");
	is(receive(receiver, got, sizeof(got)), 23, "gets one");
	is(ip->protocol, 253, "of the socket's protocol");
	is(ip->ttl, 64, "with the usual TTL");
	close(fd);
	close(receiver);
}

static void version_6(void)
{
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	uint16_t id = (uint16_t)(getpid() & 0xffff);
	struct icmp6_hdr request = {.icmp6_type = ICMP6_ECHO_REQUEST}, answer;
	bool answered = false;

	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		skip(1, "no IPv6");
		close(fd);
		return;
	}
	request.icmp6_id = htons(id);
	is(sendto(fd, &request, sizeof(request), 0, (struct sockaddr *)&to, sizeof(to)),
	   sizeof(request), "an echo request of ICMPv6");
	for (int i = 0; i < 100 && !answered; i++) {
		if (receive(fd, &answer, sizeof(answer)) < (ssize_t)sizeof(answer))
			break;
		answered = answer.icmp6_type == ICMP6_ECHO_REPLY && ntohs(answer.icmp6_id) == id;
	}
	ok(answered, "is answered, without IP's header");
	close(fd);
}

static void ping_sockets(void)
{
	char old[64], text[64];
	int status;

	if (get_file("/proc/sys/net/ipv4/ping_group_range", old, sizeof(old)) <= 0) {
		skip(1, "no ping_group_range");
		return;
	}
	FILE *file = fopen("/proc/sys/net/ipv4/ping_group_range", "w");
	if (file == NULL || fprintf(file, "1000 1000\n") < 0 || fclose(file) != 0) {
		skip(1, "ping_group_range cannot be set");
		return;
	}
	if (child(&status) == 0) {
		if (become(1000, 1000) < 0)
			_exit(1);
		int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
		struct icmphdr request = echo(77, 5), answer;

		ok(fd >= 0, "a socket for echo");
		is(send_lo(fd, &request, sizeof(request)), sizeof(request), "a request");
		is(receive(fd, &answer, sizeof(answer)), sizeof(answer), "is answered");
		is(answer.type, ICMP_ECHOREPLY, "by an answer");
		is(ntohs(answer.un.echo.sequence), 5, "to that one");
		struct sockaddr_in name;
		socklen_t length = sizeof(name);
		getsockname(fd, (struct sockaddr *)&name, &length);
		is(answer.un.echo.id, name.sin_port, "its identifier is the socket's port");
		request.type = ICMP_ECHOREPLY;
		fails(send_lo(fd, &request, sizeof(request)), EINVAL, "nothing but requests");
		fails(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM, "raw ones are not for all");
		_exit(0);
	}
	is(status, EXITED(0), "an ordinary user");
	file = fopen("/proc/sys/net/ipv4/ping_group_range", "w");
	snprintf(text, sizeof(text), "%s", old);
	ok(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, "as it was before");
	if (child(&status) == 0) {
		if (become(1000, 1000) < 0)
			_exit(1);
		unsigned low = 1, high = 0;
		sscanf(old, "%u %u", &low, &high);
		if (low <= 1000 && high >= 1000)
			skip(1, "everybody may ping here");
		else
			fails(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), EACCES, "others may not");
		_exit(0);
	}
}

int main(void)
{
	fails(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT, "a raw socket of no protocol");
	fails(socket(AF_INET, SOCK_RAW, 300), EINVAL, "of one that cannot be");
	if (geteuid() != 0) {
		skip(1, "not root");
		return done();
	}
	pings();
	headers();
	version_6();
	ping_sockets();
	return done();
}

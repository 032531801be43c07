/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet sockets on lo: whole frames and what is in them, who sees what, filters, memberships, and
 * what is refused.  The protocol is one for experiments, so that nobody else's frames are seen.
 */
#include "abi.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* What the C library has no header for. */
enum { BPF_LD_BYTE = 0x30, BPF_LD_WORD = 0x20, BPF_JEQ = 0x15, BPF_JA = 0x05, BPF_RET = 0x06 };
#define EXTRA_PROTOCOL 0xfffff000u
enum { LOCK_FILTER = 44, GET_STATISTICS = 6, AUXILIARY = 8 };

#define STEP(code, k)         \
	{                     \
		code, 0, 0, k \
	}
#define JUMP(code, k, yes, no)   \
	{                        \
		code, yes, no, k \
	}

struct instruction {
	uint16_t code;
	uint8_t yes, no;
	uint32_t k;
};
struct program {
	uint16_t length;
	struct instruction *code;
};
struct statistics {
	uint32_t packets, drops;
};
struct auxiliary {
	uint32_t status, length, kept;
	uint16_t link, network, tag, tag_protocol;
};

enum { PROTOCOL = 0x88b5, OTHER_PROTOCOL = 0x88b6, HEADER = 14, LENGTH = 60, LO = 1 };

static unsigned char frame[LENGTH], got[4096];

static int packet(int type, int protocol)
{
	return socket(AF_PACKET, type | SOCK_NONBLOCK, htons((uint16_t)protocol));
}

static struct sockaddr_ll name_of(int protocol)
{
	return (struct sockaddr_ll){.sll_family = AF_PACKET,
				    .sll_protocol = htons((uint16_t)protocol),
				    .sll_ifindex = LO,
				    .sll_halen = 6};
}

static void make_frame(int protocol, unsigned char fill)
{
	memset(frame, 0, sizeof(frame));
	frame[12] = (unsigned char)(protocol >> 8);
	frame[13] = (unsigned char)protocol;
	memset(frame + HEADER, fill, LENGTH - HEADER);
}

static ssize_t send_frame(int fd, int protocol, unsigned char fill)
{
	struct sockaddr_ll to = name_of(protocol);

	make_frame(protocol, fill);
	return sendto(fd, frame, LENGTH, 0, (struct sockaddr *)&to, sizeof(to));
}

static bool comes(int fd)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN};

	return poll(&wanted, 1, 5000) == 1 && wanted.revents & POLLIN;
}

static bool lo_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	bool up = ioctl(fd, SIOCGIFFLAGS, &request) == 0;

	request.ifr_flags |= IFF_UP;
	up = up && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	close(fd);
	return up;
}

static void making(void)
{
	int fd = packet(SOCK_RAW, PROTOCOL), value = 0;
	socklen_t length = sizeof(value);

	ok(fd >= 0, "a packet socket");
	is(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &length), 0,
	   "its domain can be asked for");
	is(value, AF_PACKET, "and is AF_PACKET");
	close(fd);
	fails(socket(AF_PACKET, SOCK_STREAM, htons(PROTOCOL)), ESOCKTNOSUPPORT, "no streams");
	fails(socket(AF_PACKET, SOCK_SEQPACKET, htons(PROTOCOL)), ESOCKTNOSUPPORT,
	      "no sequenced packets");
	fails(socketpair(AF_PACKET, SOCK_RAW, 0, (int[2]){0}), EOPNOTSUPP, "no pairs");
}

static void names(void)
{
	int fd = packet(SOCK_RAW, 0);
	struct sockaddr_ll name = name_of(PROTOCOL), told = {0};
	socklen_t length = sizeof(told);

	is(getsockname(fd, (struct sockaddr *)&told, &length), 0, "a name before bind");
	is(length, 12, "has no address");
	is(told.sll_ifindex, 0, "and no interface");
	fails(bind(fd, (struct sockaddr *)&name, sizeof(name) - 1), EINVAL, "a name that is short");
	name.sll_ifindex = 123456;
	fails(bind(fd, (struct sockaddr *)&name, sizeof(name)), ENODEV, "no such interface");
	name.sll_ifindex = LO;
	is(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0, "bind");
	length = sizeof(told);
	is(getsockname(fd, (struct sockaddr *)&told, &length), 0, "the name");
	is(length, 18, "has lo's address");
	is(told.sll_ifindex, LO, "and its index");
	is(told.sll_hatype, 772, "and its kind");
	is(told.sll_halen, 6, "and the length of its address");
	is(ntohs(told.sll_protocol), PROTOCOL, "and the protocol");
	fails(getpeername(fd, (struct sockaddr *)&told, &length), EOPNOTSUPP, "no peer");
	fails(listen(fd, 1), EOPNOTSUPP, "no connections");
	fails(connect(fd, (struct sockaddr *)&name, sizeof(name)), EOPNOTSUPP, "no connecting");
	close(fd);
}

static void frames(void)
{
	int in = packet(SOCK_RAW, PROTOCOL), cooked = packet(SOCK_DGRAM, PROTOCOL),
	    other = packet(SOCK_RAW, OTHER_PROTOCOL), out = packet(SOCK_RAW, 0);
	struct sockaddr_ll from = {0};
	socklen_t length = sizeof(from);

	fails(recv(in, got, sizeof(got), 0), EAGAIN, "nothing there");
	is(send_frame(out, PROTOCOL, 'a'), LENGTH, "a frame is sent");
	ok(comes(in), "it comes");
	is(recvfrom(in, got, 20, MSG_PEEK | MSG_TRUNC, (struct sockaddr *)&from, &length), LENGTH,
	   "looking at it, with its true length");
	is(length, sizeof(from), "the sender's name is whole");
	is(from.sll_ifindex, LO, "it came through lo");
	is(ntohs(from.sll_protocol), PROTOCOL, "with its protocol");
	is(from.sll_pkttype, PACKET_HOST, "it was for us");
	is(from.sll_halen, 6, "from an address of Ethernet");
	is(recv(in, got, sizeof(got), 0), LENGTH, "reading it");
	ok(memcmp(got, frame, LENGTH) == 0, "the same bytes");
	fails(recv(in, got, sizeof(got), 0), EAGAIN, "once");
	ok(comes(cooked), "the other kind of socket has it, too");
	is(recv(cooked, got, sizeof(got), 0), LENGTH - HEADER, "without the header");
	ok(memcmp(got, frame + HEADER, LENGTH - HEADER) == 0, "the bytes behind it");
	fails(recv(other, got, sizeof(got), 0), EAGAIN, "another protocol's socket has nothing");
	is(send_frame(out, PROTOCOL, 'b'), LENGTH, "another frame");
	ok(comes(in), "it comes");
	is(recv(in, got, 10, 0), 10, "a short read cuts it");
	fails(recv(in, got, sizeof(got), 0), EAGAIN, "the rest is lost");
	fails(recv(out, got, sizeof(got), 0), EAGAIN, "without a protocol nothing is received");
	close(in);
	close(cooked);
	close(other);
	close(out);
}

static void cooked_sends(void)
{
	int in = packet(SOCK_RAW, PROTOCOL), out = packet(SOCK_DGRAM, 0);
	struct sockaddr_ll to = name_of(PROTOCOL);

	memcpy(to.sll_addr, (unsigned char[]){0, 0, 0, 0, 0, 0}, 6);
	is(sendto(out, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5, "data alone is sent");
	ok(comes(in), "it comes");
	is(recv(in, got, sizeof(got), 0), HEADER + 5, "in a frame");
	ok(memcmp(got + HEADER, "hello", 5) == 0, "behind the header");
	is(got[12] << 8 | got[13], PROTOCOL, "which has the protocol");
	fails(send(out, "x", 1, 0), ENXIO, "to nobody");
	to.sll_ifindex = 123456;
	fails(sendto(out, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), ENXIO,
	      "through no interface");
	close(in);
	close(out);
}

static void refused(void)
{
	int out = packet(SOCK_RAW, 0);
	struct sockaddr_ll to = name_of(PROTOCOL);
	static char large[70000];

	fails(sendto(out, large, sizeof(large), 0, (struct sockaddr *)&to, sizeof(to)), EMSGSIZE,
	      "more than the interface takes");
	fails(sendto(out, frame, HEADER - 1, 0, (struct sockaddr *)&to, sizeof(to)), EINVAL,
	      "less than a header");
	fails(sendto(out, frame, LENGTH, 0, (struct sockaddr *)&to, 5), EINVAL,
	      "a name that is short");
	fails(recv(out, got, sizeof(got), MSG_OOB), EINVAL, "no urgent data");
	close(out);
}

static int attach(int fd, struct instruction *code, unsigned short length)
{
	struct program program = {.length = length, .code = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* Frames whose first byte of data is 'y', and 20 bytes of them. */
static struct instruction wants_y[] = {
	STEP(BPF_LD_BYTE, HEADER),
	JUMP(BPF_JEQ, 'y', 0, 1),
	STEP(BPF_RET, 20),
	STEP(BPF_RET, 0),
};

static void filters(void)
{
	int in = packet(SOCK_RAW, PROTOCOL), out = packet(SOCK_RAW, 0), one = 1;
	struct instruction bad[] = {STEP(BPF_LD_BYTE, 0)},
			   far[] = {JUMP(BPF_JA, 5, 0, 0), STEP(BPF_RET, 1)},
			   kind[] = {STEP(BPF_LD_WORD, EXTRA_PROTOCOL),
				     JUMP(BPF_JEQ, PROTOCOL, 0, 1), STEP(BPF_RET, 0xffff),
				     STEP(BPF_RET, 0)},
			   outside[] = {STEP(BPF_LD_WORD, 5000), STEP(BPF_RET, 0xffff)};

	fails(setsockopt(in, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof(one)), ENOENT,
	      "there is no filter to be taken away");
	fails(attach(in, bad, 1), EINVAL, "a filter without an end");
	fails(attach(in, far, 2), EINVAL, "one that jumps out");
	fails(attach(in, wants_y, 0), EINVAL, "an empty one");
	is(attach(in, wants_y, 4), 0, "a filter");
	is(send_frame(out, PROTOCOL, 'x'), LENGTH, "what it does not want");
	is(send_frame(out, PROTOCOL, 'y'), LENGTH, "and what it does");
	ok(comes(in), "something comes");
	is(recv(in, got, sizeof(got), MSG_TRUNC), 20, "as many bytes as the filter said");
	is(got[HEADER], 'y', "of the right one");
	fails(recv(in, got, sizeof(got), 0), EAGAIN, "the other is not there");
	int watch = packet(SOCK_RAW, PROTOCOL);

	is(attach(in, outside, 2), 0, "another filter, which reads behind the end");
	/* Once the second has come to another socket, everybody is done with the first. */
	for (int i = 0; i < 2; i++) {
		is(send_frame(out, PROTOCOL, 'y'), LENGTH, "a frame");
		ok(comes(watch) && recv(watch, got, sizeof(got), 0) == LENGTH,
		   "another socket has it");
	}
	is(attach(in, kind, 4), 0, "one that asks for the protocol");
	is(send_frame(out, PROTOCOL, 'z'), LENGTH, "a frame");
	ok(comes(in), "it comes");
	is(recv(in, got, sizeof(got), 0), LENGTH, "whole");
	is(got[HEADER], 'z', "and not the one before");
	is(setsockopt(in, SOL_SOCKET, LOCK_FILTER, &one, sizeof(one)), 0, "the filter is locked");
	fails(attach(in, kind, 4), EPERM, "so it stays");
	fails(setsockopt(in, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof(one)), EPERM,
	      "and cannot be taken away");
	close(watch);
	close(in);
	close(out);
}

static void options(void)
{
	int in = packet(SOCK_RAW, PROTOCOL), out = packet(SOCK_RAW, 0), one = 1;
	struct statistics counted = {0};
	socklen_t length = sizeof(counted);
	struct iovec piece = {got, sizeof(got)};
	union {
		char bytes[CMSG_SPACE(sizeof(struct auxiliary))];
		struct cmsghdr header;
	} control;
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control)};
	struct packet_mreq wanted = {.mr_ifindex = LO, .mr_type = PACKET_MR_PROMISC};
	struct auxiliary told;

	is(setsockopt(in, SOL_PACKET, AUXILIARY, &one, sizeof(one)), 0, "more is to be told");
	is(send_frame(out, PROTOCOL, 'a'), LENGTH, "a frame");
	ok(comes(in), "it comes");
	is(recvmsg(in, &message, 0), LENGTH, "it is read");
	is(control.header.cmsg_level, SOL_PACKET, "with a message");
	is(control.header.cmsg_type, AUXILIARY, "of what is known");
	memcpy(&told, CMSG_DATA(&control.header), sizeof(told));
	is(told.length, LENGTH, "its length");
	is(told.kept, LENGTH, "what is kept");
	is(told.network, HEADER, "where the network's header is");
	is(getsockopt(in, SOL_PACKET, GET_STATISTICS, &counted, &length), 0, "it is counted");
	is(counted.packets, 1, "once");
	is(counted.drops, 0, "and not dropped");
	is(getsockopt(in, SOL_PACKET, GET_STATISTICS, &counted, &length), 0, "asked for again");
	is(counted.packets, 0, "it is no more");
	is(setsockopt(in, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &wanted, sizeof(wanted)), 0,
	   "all frames are wanted");
	is(setsockopt(in, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &wanted, sizeof(wanted)), 0,
	   "and no longer");
	wanted.mr_ifindex = 123456;
	fails(setsockopt(in, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &wanted, sizeof(wanted)), ENODEV,
	      "of no interface");
	fails(setsockopt(in, SOL_PACKET, 9999, &one, sizeof(one)), ENOPROTOOPT, "no such option");
	close(in);
	close(out);
}

/* As many as there is room for, and no more. */
static void full(void)
{
	int in = packet(SOCK_RAW, PROTOCOL), out = packet(SOCK_RAW, 0), small = 4096, count = 0;
	struct statistics counted = {0};
	socklen_t length = sizeof(counted);

	is(setsockopt(in, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0, "a small buffer");
	for (int i = 0; i < 200; i++)
		send_frame(out, PROTOCOL, 'f');
	wait_until(getsockopt(in, SOL_PACKET, GET_STATISTICS, &counted, &length) == 0 &&
		   (count += (int)counted.packets) == 200);
	is(count, 200, "all frames are counted");
	for (count = 0; recv(in, got, sizeof(got), 0) == LENGTH; count++)
		;
	ok(count > 0 && count < 100, "of many frames few are kept (%d)", count);
	is(send_frame(out, PROTOCOL, 'g'), LENGTH, "once there is room");
	ok(comes(in), "they come again");
	close(in);
	close(out);
}

static void ordinary_users(void)
{
	int status;

	if (child(&status) == 0) {
		if (become(65534, 65534))
			_exit(1);
		fails(packet(SOCK_RAW, PROTOCOL), EPERM, "not for ordinary users");
		_exit(0);
	}
	is(status, EXITED(0), "an ordinary user");
}

int main(void)
{
	int fd = packet(SOCK_RAW, PROTOCOL);

	if ((fd < 0 && errno == EPERM) || !lo_up()) {
		skip(1, "the network is not ours");
		return done();
	}
	close(fd);
	making();
	names();
	frames();
	cooked_sends();
	refused();
	filters();
	options();
	full();
	ordinary_users();
	return done();
}

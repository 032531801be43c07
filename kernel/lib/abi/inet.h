/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4, IPv6 and TCP as programs see them: ip(7), ipv6(7), tcp(7). */
#ifndef LIB_ABI_INET_H
#define LIB_ABI_INET_H

#include "lib/types.h"

enum ip_protocols {
	IPPROTO_IP = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_IPV6 = 41,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_RAW = 255,
	IPPROTO_LIMIT = 263, /* one more than the last that has a number */
};

/* Numbers in network order. */
struct linux_sockaddr_in {
	u16 family;
	u16 port;
	u32 address;
	u8 zero[8];
};

struct linux_sockaddr_in6 {
	u16 family;
	u16 port;
	u32 flow;
	u8 address[16];
	u32 scope; /* in host order: the interface of a link-local address */
};
/* Programs of old leave the scope away. */
#define SOCKADDR_IN6_LEAST 24

enum ip_options {
	IP_TOS = 1,
	IP_TTL = 2,
	IP_HDRINCL = 3,
	IP_OPTIONS = 4,
	IP_RECVOPTS = 6,
	IP_RETOPTS = 7,
	IP_PKTINFO = 8,
	IP_MTU_DISCOVER = 10,
	IP_RECVERR = 11,
	IP_RECVTTL = 12,
	IP_RECVTOS = 13,
	IP_MTU = 14,
	IP_FREEBIND = 15,
	IP_TRANSPARENT = 19,
	IP_RECVORIGDSTADDR = 20,
	IP_MINTTL = 21,
	IP_BIND_ADDRESS_NO_PORT = 24,
	IP_MULTICAST_IF = 32,
	IP_MULTICAST_TTL = 33,
	IP_MULTICAST_LOOP = 34,
	IP_ADD_MEMBERSHIP = 35,
	IP_DROP_MEMBERSHIP = 36,
	IP_MULTICAST_ALL = 49,
	IP_UNICAST_IF = 50,
};

enum ipv6_options {
	IPV6_ADDRFORM = 1,
	IPV6_UNICAST_HOPS = 16,
	IPV6_MULTICAST_IF = 17,
	IPV6_MULTICAST_HOPS = 18,
	IPV6_MULTICAST_LOOP = 19,
	IPV6_ADD_MEMBERSHIP = 20,
	IPV6_DROP_MEMBERSHIP = 21,
	IPV6_MTU_DISCOVER = 23,
	IPV6_MTU = 24,
	IPV6_RECVERR = 25,
	IPV6_V6ONLY = 26,
	IPV6_MULTICAST_ALL = 29,
	IPV6_RECVPKTINFO = 49,
	IPV6_PKTINFO = 50,
	IPV6_RECVHOPLIMIT = 51,
	IPV6_HOPLIMIT = 52,
	IPV6_RECVTCLASS = 66,
	IPV6_TCLASS = 67,
	IPV6_DONTFRAG = 62,
	IPV6_FREEBIND = 78,
};

/* IP_MTU_DISCOVER. */
enum { IP_PMTUDISC_DONT = 0, IP_PMTUDISC_WANT = 1, IP_PMTUDISC_OMIT = 5 };

enum tcp_options {
	TCP_NODELAY = 1,
	TCP_MAXSEG = 2,
	TCP_CORK = 3,
	TCP_KEEPIDLE = 4,
	TCP_KEEPINTVL = 5,
	TCP_KEEPCNT = 6,
	TCP_SYNCNT = 7,
	TCP_LINGER2 = 8,
	TCP_DEFER_ACCEPT = 9,
	TCP_WINDOW_CLAMP = 10,
	TCP_INFO = 11,
	TCP_QUICKACK = 12,
	TCP_CONGESTION = 13,
	TCP_USER_TIMEOUT = 18,
	TCP_FASTOPEN = 23,
	TCP_NOTSENT_LOWAT = 25,
	TCP_INQ = 36,
};

/* As TCP_INFO, /proc/net/tcp and sock_diag show them. */
enum linux_tcp_states {
	LINUX_TCP_ESTABLISHED = 1,
	LINUX_TCP_SYN_SENT,
	LINUX_TCP_SYN_RECV,
	LINUX_TCP_FIN_WAIT1,
	LINUX_TCP_FIN_WAIT2,
	LINUX_TCP_TIME_WAIT,
	LINUX_TCP_CLOSE,
	LINUX_TCP_CLOSE_WAIT,
	LINUX_TCP_LAST_ACK,
	LINUX_TCP_LISTEN,
	LINUX_TCP_CLOSING,
};

/* TCP_INFO; times in microseconds, or milliseconds where it says so. */
struct linux_tcp_info {
	u8 state, ca_state, retransmits, probes, backoff, options;
	u8 scales; /* send: low four bits, receive: high */
	u8 flags;
	u32 rto, ato, snd_mss, rcv_mss;
	u32 unacked, sacked, lost, retrans, fackets;
	u32 last_data_sent, last_ack_sent, last_data_recv, last_ack_recv; /* ms */
	u32 pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	u32 rcv_rtt, rcv_space, total_retrans;
	u64 pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	u32 segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	u64 delivery_rate;
};

#endif

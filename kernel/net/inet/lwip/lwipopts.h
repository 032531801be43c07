/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How lwIP is built.  Its names, so its spelling.
 *
 * The library runs under one lock (net/inet/stack.h), without threads, timers and pools of its own:
 * memory comes from the kernel's heap (port.c, which also has the limits), the clock and the timers
 * from the stack's thread.
 */
#ifndef LWIP_LWIPOPTS_H
#define LWIP_LWIPOPTS_H

/* What the library is built on. */
#define NO_SYS                            1
#define SYS_LIGHTWEIGHT_PROT              0
#define LWIP_TIMERS                       0
#define LWIP_NETCONN                      0
#define LWIP_SOCKET                       0
#define LWIP_STATS                        0
#define LWIP_TCPIP_CORE_LOCKING           0
#define MEM_LIBC_MALLOC                   1
#define MEMP_MEM_MALLOC                   1
#define MEM_ALIGNMENT                     8
#define LWIP_HOOK_IP4_ROUTE_SRC(from, to) inet_hook_ip4_route(to)
#define LWIP_HOOK_FILENAME                "net/inet/lwip/hooks.h"
#define LWIP_SUPPORT_CUSTOM_PBUF          1
#define LWIP_CHECKSUM_CTRL_PER_NETIF      1
/* Two bytes before an Ethernet header, behind which IP's header is aligned. */
#define ETH_PAD_SIZE 2
#ifndef CONFIG_CHECKING
#define LWIP_NOASSERT 1
#endif

/* IP. */
#define LWIP_IPV4                 1
#define LWIP_IPV6                 1
#define LWIP_RAW                  1
#define LWIP_UDP                  1
#define LWIP_TCP                  1
#define LWIP_ICMP                 1
#define LWIP_IGMP                 1
#define LWIP_DHCP                 1
#define DHCP_DOES_ARP_CHECK       0
#define LWIP_DNS                  0
#define LWIP_MULTICAST_TX_OPTIONS 1
#define IP_DEFAULT_TTL            64
#define IP_REASS_MAX_PBUFS        64
#define IP_REASS_MAXAGE           30
/* The records about fragments have pointers, and are longer than what they stand in the place of. */
#define IPV6_FRAG_COPYHEADER           1
#define LWIP_IPV6_NUM_ADDRESSES        4
#define LWIP_ND6_NUM_NEIGHBORS         64
#define LWIP_ND6_NUM_DESTINATIONS      64
#define ARP_TABLE_SIZE                 64
#define ARP_QUEUEING                   1
#define ARP_QUEUE_LEN                  16
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1
#define SO_REUSE                       1
#define IP_SOF_BROADCAST               1
#define LWIP_BROADCAST_PING            0
#define LWIP_MULTICAST_PING            0

/* What the kernel allows at once of things that others can make us allocate (port.c). */
#define MEMP_NUM_REASSDATA  16
#define MEMP_NUM_FRAG_PBUF  512
#define MEMP_NUM_ARP_QUEUE  256
#define MEMP_NUM_ND6_QUEUE  256
#define MEMP_NUM_IGMP_GROUP 256
#define MEMP_NUM_MLD6_GROUP 256

/*
 * TCP.  The segments of lo are as long as a packet can be.  The window is the most that a socket
 * may hold; sockets announce less if their buffers are smaller.  The send buffer is limited by the
 * sockets, so the library's own limit is out of their way.
 */
#define TCP_MSS                        65495
#define LWIP_WND_SCALE                 1
#define TCP_RCV_SCALE                  4
#define TCP_WND                        (512 * 1024)
#define TCP_SND_BUF                    (64 * 1024 * 1024)
#define TCP_SND_QUEUELEN               0x8000
#define TCP_OVERSIZE                   0
#define TCP_OOSEQ_MAX_PBUFS            1024
#define LWIP_TCP_SACK_OUT              1
#define LWIP_TCP_KEEPALIVE             1
#define TCP_LISTEN_BACKLOG             0
#define TCP_TMR_INTERVAL               50 /* ms: delayed acknowledgements; twice that: the slow timer */
#define LWIP_TCP_RTO_TIME              1000
#define TCP_MSL                        30000
#define TCP_FIN_WAIT_TIMEOUT           60000
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

#endif

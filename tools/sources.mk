# SPDX-License-Identifier: BSD-2-Clause
#
# Libraries that are not ours: fetched by tools/fetch-source, compiled as a part of their ports in the kernel.

LZ4        := $(BUILD)/sources/lz4-1.9.4
LZ4_SOURCE := $(LZ4)/lib/lz4.c
LZ4_CFLAGS := -isystem $(LZ4)/lib -Wno-unused-function

$(LZ4_SOURCE): tools/fetch-source
	tools/fetch-source lz4 $(LZ4)
	@touch $@

# Whoever compiles the port has fetched the source before.
kernel/lib/lz4.c: | $(LZ4_SOURCE)

# lwIP: its files are objects of their own, compiled with the kernel's flags but without its warnings.  Whoever includes its headers has
# $(LWIP_CFLAGS).  A kernel's $(LWIP_OBJECTS) go below $(OUT).
LWIP        := $(BUILD)/sources/lwip-2.1.3
LWIP_STAMP  := $(LWIP)/COPYING
LWIP_CFLAGS := -isystem $(LWIP)/src/include -isystem $(LWIP)/src -Ikernel/net/inet/lwip
# What it is built by; the compiler takes these for headers of the system, and names them in no list of what an object is made of.
LWIP_PORT   := $(wildcard kernel/net/inet/lwip/*.h kernel/net/inet/lwip/arch/*.h)
LWIP_FILES  := core/def core/inet_chksum core/init core/ip core/netif core/pbuf core/raw core/tcp core/tcp_in core/udp \
	       core/ipv4/dhcp core/ipv4/etharp core/ipv4/icmp core/ipv4/igmp core/ipv4/ip4 core/ipv4/ip4_addr core/ipv4/ip4_frag \
	       core/ipv6/ethip6 core/ipv6/icmp6 core/ipv6/inet6 core/ipv6/ip6 core/ipv6/ip6_addr core/ipv6/ip6_frag core/ipv6/mld6 core/ipv6/nd6 \
	       netif/ethernet

$(LWIP_STAMP): tools/fetch-source
	tools/fetch-source lwip $(LWIP)
	@touch $@

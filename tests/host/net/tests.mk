# SPDX-License-Identifier: BSD-2-Clause
#
# Tests of what of kernel/net runs anywhere: lwIP with its port, our interfaces, addresses and routes, on a card that is none.

NET_LWIP := $(LWIP_FILES:%=$(LWIP)/src/%.c)
NET_SOURCES := tests/host/net/stack_host.c tests/host/net/seeds.c tests/host/lib/panic.c \
	kernel/net/frame.c $(addprefix kernel/net/inet/,netif.c address.c route.c lwip/port.c lwip/tcp_out.c) $(NET_LWIP)
# The library's headers stand in quotes; <string.h> is the host's.
NET_CFLAGS := -Itests/host/lib -Itests/host/net -iquote kernel/net/inet/lwip -isystem $(LWIP)/src/include -isystem $(LWIP)/src -w

# lwIP takes the address of the first member of what may be nothing, and asks then.
HOST_TESTS += net_frames
net_frames_SOURCES := tests/host/net/frames.c $(NET_SOURCES)
net_frames_CFLAGS := $(NET_CFLAGS)
net_frames_UNCHECKED := -fno-sanitize=null

HOST_FUZZERS += net_fuzz_frames
net_fuzz_frames_SOURCES := tests/host/net/fuzz_frames.c $(NET_SOURCES)
net_fuzz_frames_CFLAGS := $(NET_CFLAGS)
net_fuzz_frames_UNCHECKED := -fno-sanitize=null

# The library is fetched before anything is compiled.
$(NET_LWIP): $(LWIP_STAMP)
$(foreach program,net_frames net_fuzz_frames,$(patsubst %.c,$(HOST_BUILD)/$(program).o/%.o,$($(program)_SOURCES))): $(LWIP_PORT) | $(LWIP_STAMP)

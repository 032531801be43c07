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

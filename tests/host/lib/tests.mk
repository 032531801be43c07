# SPDX-License-Identifier: BSD-2-Clause
#
# Tests of kernel/lib.  Files that define functions of the C library's names are compiled with
# tests/host/lib/renamed.h, so that they do not take the place of the host's.

LIB_FLAGS := -Itests/host/lib
LIB_RENAMED := $(LIB_FLAGS) -include tests/host/lib/renamed.h -fno-builtin -fno-tree-loop-distribute-patterns

HOST_TESTS += lib_string
lib_string_SOURCES := tests/host/lib/string.c kernel/lib/string.c kernel/lib/memory.c
lib_string_CFLAGS := $(LIB_RENAMED)

HOST_TESTS += lib_format
lib_format_SOURCES := tests/host/lib/format.c kernel/lib/format.c kernel/lib/string.c kernel/lib/memory.c
lib_format_CFLAGS := $(LIB_RENAMED)

HOST_TESTS += lib_parse
lib_parse_SOURCES := tests/host/lib/parse.c kernel/lib/parse.c
lib_parse_CFLAGS := $(LIB_FLAGS)

HOST_TESTS += lib_trees
lib_trees_SOURCES := tests/host/lib/trees.c kernel/lib/rbtree.c kernel/lib/radix.c
lib_trees_CFLAGS := $(LIB_FLAGS)

HOST_TESTS += lib_collections
lib_collections_SOURCES := tests/host/lib/collections.c tests/host/lib/panic.c kernel/lib/bitmap.c kernel/lib/sort.c kernel/lib/hash.c
lib_collections_CFLAGS := $(LIB_FLAGS)

HOST_TESTS += lib_log
lib_log_SOURCES := tests/host/lib/log.c tests/host/lib/panic.c kernel/lib/log.c kernel/lib/format.c \
	kernel/lib/string.c kernel/lib/memory.c
lib_log_CFLAGS := $(LIB_RENAMED)

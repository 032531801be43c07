# SPDX-License-Identifier: BSD-2-Clause
#
# Tests of kernel/lib.  They have a machine of their own, in tests/host/lib/machine.

LIB_FLAGS := -Itests/host/lib

HOST_TESTS += lib_string
lib_string_SOURCES := tests/host/lib/string.c kernel/lib/string.c kernel/lib/memory.c
lib_string_CFLAGS := $(LIB_FLAGS) $(LIB_RENAMED) -fno-tree-loop-distribute-patterns

HOST_TESTS += lib_word
lib_word_SOURCES := tests/host/lib/word.c kernel/lib/word.c
lib_word_CFLAGS := $(LIB_FLAGS)

HOST_TESTS += lib_format
lib_format_SOURCES := tests/host/lib/format.c $(LIB_STRINGS)
lib_format_CFLAGS := $(LIB_FLAGS) $(LIB_RENAMED)

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
lib_log_SOURCES := tests/host/lib/log.c tests/host/lib/panic.c kernel/lib/log.c $(LOCK_ORDER) $(LIB_STRINGS)
lib_log_CFLAGS := $(LIB_FLAGS) $(LIB_RENAMED)

LIB_INFLATE := kernel/lib/inflate.c kernel/lib/inflate_code.c kernel/lib/crc32.c
LIB_ARCHIVE := kernel/lib/initramfs.c kernel/lib/cpio.c kernel/lib/cpio_stream.c $(LIB_INFLATE)

HOST_TESTS += lib_codec
lib_codec_SOURCES := tests/host/lib/codec.c kernel/lib/crc32c.c kernel/lib/chacha20.c kernel/lib/crng.c $(LIB_INFLATE)
lib_codec_CFLAGS := $(LIB_FLAGS)

HOST_TESTS += lib_archive
lib_archive_SOURCES := tests/host/lib/archive.c $(LIB_ARCHIVE)
lib_archive_CFLAGS := $(LIB_FLAGS)

HOST_TESTS += lib_elf
lib_elf_SOURCES := tests/host/lib/elf.c kernel/lib/elf_check.c
lib_elf_CFLAGS := $(LIB_FLAGS)

# First inputs of the fuzzers, made by the host's programs.
LIB_SEEDS := $(HOST_BUILD)/seeds

$(LIB_SEEDS): tests/host/lib/make_seeds
	sh $< $@

HOST_FUZZERS += lib_fuzz_inflate
lib_fuzz_inflate_SOURCES := tests/host/lib/fuzz_inflate.c $(LIB_INFLATE)
lib_fuzz_inflate_DEPENDS := $(LIB_SEEDS)
lib_fuzz_inflate_CORPUS := $(LIB_SEEDS)/inflate

HOST_FUZZERS += lib_fuzz_archive
lib_fuzz_archive_SOURCES := tests/host/lib/fuzz_archive.c kernel/lib/hash.c $(LIB_ARCHIVE)
lib_fuzz_archive_DEPENDS := $(LIB_SEEDS)
lib_fuzz_archive_CORPUS := $(LIB_SEEDS)/archive

HOST_FUZZERS += lib_fuzz_elf
lib_fuzz_elf_SOURCES := tests/host/lib/fuzz_elf.c kernel/lib/elf_check.c
lib_fuzz_elf_DEPENDS := $(LIB_SEEDS)
lib_fuzz_elf_CORPUS := $(LIB_SEEDS)/elf

HOST_TESTS += lib_lz4
lib_lz4_SOURCES := tests/host/lib/compress.c kernel/lib/lz4.c
lib_lz4_CFLAGS := $(LIB_FLAGS) $(LZ4_CFLAGS)

# Object files: modules.
LIB_OBJECT := kernel/module/object.c kernel/module/object_link.c kernel/arch/x86_64/relocate.c

HOST_TESTS += lib_object
lib_object_SOURCES := tests/host/lib/object.c $(LIB_OBJECT)
lib_object_CFLAGS := $(LIB_FLAGS)

# Whatever the host's compiler makes is a seed, and so are our modules, if they are there.
OBJECT_SEEDS := $(HOST_BUILD)/object_seeds

$(OBJECT_SEEDS): tests/host/lib/object_seed.c
	@mkdir -p $@
	$(HOST_CC) -O2 -c -mcmodel=kernel -fno-pic -fcf-protection=none -o $@/small.o $<
	$(HOST_CC) -g -c -fPIC -o $@/large.o $<
	@cp $(wildcard build/x86_64/modules/*.ko) $@ 2>/dev/null || true
	@touch $@

HOST_FUZZERS += lib_fuzz_object
lib_fuzz_object_SOURCES := tests/host/lib/fuzz_object.c $(LIB_OBJECT)
lib_fuzz_object_DEPENDS := $(OBJECT_SEEDS)
lib_fuzz_object_CORPUS := $(OBJECT_SEEDS)

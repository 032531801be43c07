# SPDX-License-Identifier: BSD-2-Clause
#
# Tests of what of kernel/fs runs anywhere.

FS_PARTITION := kernel/fs/block/partition.c kernel/lib/crc32.c

HOST_TESTS += fs_partition
fs_partition_SOURCES := tests/host/fs/partition.c $(FS_PARTITION)
fs_partition_CFLAGS := -Itests/host/lib

FS_SEEDS := $(HOST_BUILD)/partition_seeds

$(FS_SEEDS): tests/system/programs/partition_disk.py
	@mkdir -p $@
	@for kind in gpt gpt-backup mbr; do truncate -s 128K $@/$$kind && \
		python3 $< $@/$$kind $$kind 40:20:one 64:20:two 88:20:three 120:20:four 150:20:five; done

HOST_FUZZERS += fs_fuzz_partition
fs_fuzz_partition_SOURCES := tests/host/fs/fuzz_partition.c $(FS_PARTITION)
fs_fuzz_partition_CFLAGS := -Itests/host/lib
fs_fuzz_partition_DEPENDS := $(FS_SEEDS)
fs_fuzz_partition_CORPUS := $(FS_SEEDS)

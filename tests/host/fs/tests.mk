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

# ext2, ext3, ext4: what knows nothing of the kernel, and what it stands on.
FS_EXT4 := $(shell grep -L '"fs/ext4/ext4_internal.h"' kernel/fs/ext4/*.c) \
	kernel/lib/crc32c.c kernel/lib/sort.c kernel/lib/rbtree.c kernel/lib/bitmap.c $(LOCK_ORDER) $(LIB_STRINGS) \
	tests/host/fs/threads.c tests/host/lib/panic.c
FS_EXT4_FLAGS := -Itests/host/lib -Itests/host/fs $(LIB_RENAMED)
FS_EXT4_IMAGES := $(HOST_BUILD)/ext4

$(FS_EXT4_IMAGES): tests/host/fs/ext4_images
	@$< $@
	@touch $@

HOST_TESTS += fs_ext4
fs_ext4_SOURCES := tests/host/fs/ext4.c $(FS_EXT4)
fs_ext4_CFLAGS := $(FS_EXT4_FLAGS)
fs_ext4_DEPENDS := $(FS_EXT4_IMAGES)

HOST_TESTS += fs_ext4_change
fs_ext4_change_SOURCES := tests/host/fs/ext4_change.c tests/host/fs/ext4_model.c $(FS_EXT4)
fs_ext4_change_CFLAGS := $(FS_EXT4_FLAGS)
fs_ext4_change_DEPENDS := $(FS_EXT4_IMAGES)

HOST_FUZZERS += fs_fuzz_ext4
fs_fuzz_ext4_SOURCES := tests/host/fs/fuzz_ext4.c $(FS_EXT4)
fs_fuzz_ext4_CFLAGS := $(FS_EXT4_FLAGS) -DIMAGES='"$(FS_EXT4_IMAGES)/small"'
fs_fuzz_ext4_DEPENDS := $(FS_EXT4_IMAGES)

HOST_FUZZERS += fs_fuzz_ext4_change
fs_fuzz_ext4_change_SOURCES := tests/host/fs/fuzz_ext4_change.c $(FS_EXT4)
fs_fuzz_ext4_change_CFLAGS := $(FS_EXT4_FLAGS) -DIMAGES='"$(FS_EXT4_IMAGES)/small"'
fs_fuzz_ext4_change_DEPENDS := $(FS_EXT4_IMAGES)

# 9P: the conversation with a server that cannot be trusted.
HOST_FUZZERS += fs_fuzz_9p
fs_fuzz_9p_SOURCES := tests/host/fs/fuzz_9p.c $(addprefix kernel/fs/9p/,client.c calls.c message.c) kernel/lib/bitmap.c \
	kernel/lib/log.c tests/host/lib/panic.c $(LOCK_ORDER) $(LIB_STRINGS)
fs_fuzz_9p_CFLAGS := -Itests/host/lib $(LIB_RENAMED)

# The journal of ext4: power cuts and errors on a disk that is simulated.
FS_JOURNAL_IMAGES := $(HOST_BUILD)/journal

$(FS_JOURNAL_IMAGES): tests/host/fs/journal_images
	@$< $@
	@touch $@

HOST_TESTS += fs_journal
fs_journal_SOURCES := tests/host/fs/journal.c tests/host/fs/journal_model.c tests/host/fs/journal_disk.c $(FS_EXT4)
fs_journal_CFLAGS := $(FS_EXT4_FLAGS)
fs_journal_DEPENDS := $(FS_JOURNAL_IMAGES)

# The judge of tests/system/powercut.t, which is no test itself: without sanitizers, as it works on whole disks.
FS_POWERCUT_SOURCES := tests/host/fs/powercut.c tests/host/fs/journal_disk.c $(FS_EXT4)
$(HOST_BUILD)/powercut: $(FS_POWERCUT_SOURCES) $(wildcard kernel/fs/ext4/*.h tests/host/fs/*.h) tests/system/powercut.h
	@mkdir -p $(@D)
	$(HOST_CC) $(FS_EXT4_FLAGS) -Itests/system $(filter-out -MMD -MP -O1,$(HOST_CFLAGS)) -O2 $(FS_POWERCUT_SOURCES) -lpthread -o $@

# ISO 9660: images that xorriso makes, changed.
FS_ISO_IMAGES := $(HOST_BUILD)/iso9660

$(FS_ISO_IMAGES): tests/host/fs/iso_images
	@$< $@
	@touch $@

HOST_FUZZERS += fs_fuzz_iso9660
fs_fuzz_iso9660_SOURCES := tests/host/fs/fuzz_iso9660.c kernel/fs/iso9660/volume.c kernel/fs/iso9660/rock_ridge.c
fs_fuzz_iso9660_CFLAGS := -DIMAGES='"$(FS_ISO_IMAGES)"'
fs_fuzz_iso9660_DEPENDS := $(FS_ISO_IMAGES)

# FAT: the volume, and images that mkfs.fat makes.
FS_FAT := $(shell grep -L '"fs/fat/fat_internal.h"' kernel/fs/fat/*.c) kernel/lib/bitmap.c
FS_FAT_IMAGES := $(HOST_BUILD)/fat

$(FS_FAT_IMAGES): tests/host/fs/fat_images
	@$< $@
	@touch $@

HOST_TESTS += fs_fat
fs_fat_SOURCES := tests/host/fs/fat.c tests/host/fs/journal_disk.c tests/host/lib/panic.c $(FS_FAT) $(LIB_STRINGS)
fs_fat_CFLAGS := $(FS_EXT4_FLAGS)
fs_fat_DEPENDS := $(FS_FAT_IMAGES)

HOST_FUZZERS += fs_fuzz_fat
fs_fuzz_fat_SOURCES := tests/host/fs/fuzz_fat.c $(FS_FAT)
fs_fuzz_fat_CFLAGS := -DIMAGES='"$(FS_FAT_IMAGES)"'
fs_fuzz_fat_DEPENDS := $(FS_FAT_IMAGES)

# SPDX-License-Identifier: BSD-2-Clause
#
# Tests of kernel/mm on the simulated machine (tests/host/machine).

MM_SOURCES := $(sort $(wildcard kernel/mm/*.c)) $(sort $(wildcard tests/host/machine/*.c)) tests/host/mm/support.c \
	kernel/lib/rbtree.c kernel/lib/radix.c kernel/lib/parse.c kernel/lib/lz4.c $(LOCK_ORDER) $(LIB_STRINGS)
MM_FLAGS := -I. -Itests/host $(LZ4_CFLAGS) $(LIB_RENAMED)

mm_CFLAGS := $(MM_FLAGS)

HOST_TESTS += mm_frames
mm_frames_SOURCES := tests/host/mm/frames.c $(MM_SOURCES)
mm_frames_SHARED := mm

HOST_TESTS += mm_nodes
mm_nodes_SOURCES := tests/host/mm/nodes.c $(MM_SOURCES)
mm_nodes_SHARED := mm

HOST_TESTS += mm_hotplug
mm_hotplug_SOURCES := tests/host/mm/hotplug.c $(MM_SOURCES)
mm_hotplug_SHARED := mm

HOST_TESTS += mm_spaces
mm_spaces_SOURCES := tests/host/mm/spaces.c $(MM_SOURCES)
mm_spaces_SHARED := mm

HOST_TESTS += mm_files
mm_files_SOURCES := tests/host/mm/files.c $(MM_SOURCES)
mm_files_SHARED := mm

HOST_TESTS += mm_dirty
mm_dirty_SOURCES := tests/host/mm/dirty.c $(MM_SOURCES)
mm_dirty_SHARED := mm

HOST_TESTS += mm_model
mm_model_SOURCES := tests/host/mm/model.c $(MM_SOURCES)
mm_model_SHARED := mm

HOST_TESTS += mm_races
mm_races_SOURCES := tests/host/mm/races.c $(MM_SOURCES)
mm_races_SHARED := mm

HOST_TESTS += mm_trees
mm_trees_SOURCES := tests/host/mm/trees.c $(MM_SOURCES)
mm_trees_SHARED := mm

HOST_TESTS += mm_buddy
mm_buddy_SOURCES := tests/host/mm/buddy.c tests/host/mm/death.c $(MM_SOURCES)
mm_buddy_SHARED := mm

HOST_TESTS += mm_slab
mm_slab_SOURCES := tests/host/mm/slab.c tests/host/mm/death.c $(MM_SOURCES)
mm_slab_SHARED := mm

HOST_TESTS += mm_heap
mm_heap_SOURCES := tests/host/mm/heap.c tests/host/mm/death.c $(MM_SOURCES)
mm_heap_SHARED := mm

HOST_TESTS += mm_arena
mm_arena_SOURCES := tests/host/mm/arena.c tests/host/mm/death.c $(MM_SOURCES)
mm_arena_SHARED := mm

REGION_TREE_SOURCES := kernel/mm/region_tree.c kernel/mm/region_tree_change.c kernel/mm/region_tree_plan.c
HOST_TESTS += mm_region_tree mm_region_tree_wide
mm_region_tree_SOURCES := tests/host/mm/region_tree.c $(REGION_TREE_SOURCES)
mm_region_tree_CFLAGS := -I. -DREGION_TREE_FANOUT=4
mm_region_tree_wide_SOURCES := tests/host/mm/region_tree.c $(REGION_TREE_SOURCES)
mm_region_tree_wide_CFLAGS := -I.

HOST_TESTS += mm_compress
mm_compress_SOURCES := tests/host/mm/compress.c $(MM_SOURCES)
mm_compress_SHARED := mm

HOST_TESTS += mm_swap
mm_swap_SOURCES := tests/host/mm/swap.c $(MM_SOURCES)
mm_swap_SHARED := mm

HOST_TESTS += mm_commit
mm_commit_SOURCES := tests/host/mm/commit.c $(MM_SOURCES)
mm_commit_SHARED := mm

HOST_TESTS += mm_regions
mm_regions_SOURCES := tests/host/mm/regions.c kernel/mm/region.c kernel/mm/region_change.c kernel/mm/mapping.c \
	$(REGION_TREE_SOURCES)
mm_regions_CFLAGS := -I. -DREGION_TREE_FANOUT=4

HOST_TESTS += mm_reclaim
mm_reclaim_SOURCES := tests/host/mm/reclaim.c $(MM_SOURCES)
mm_reclaim_SHARED := mm

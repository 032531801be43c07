# SPDX-License-Identifier: BSD-2-Clause
#
# Tests of kernel/mm on the simulated machine (tests/host/machine).

# What several programs share, and what has a program of fewer sources, below.
MM_SUPPORT := support death race swap_pages nth
MM_SMALL := region_tree region_tree_model regions regions_model

MM_SOURCES := $(sort $(wildcard kernel/mm/*.c)) $(sort $(wildcard tests/host/machine/*.c)) \
	$(MM_SUPPORT:%=tests/host/mm/%.c) \
	kernel/lib/rbtree.c kernel/lib/radix.c kernel/lib/parse.c kernel/lib/lz4.c $(LOCK_ORDER) $(LIB_STRINGS)
mm_CFLAGS := -I. -Itests/host $(LZ4_CFLAGS) $(LIB_RENAMED)

# One program a file, with all of kernel/mm.
MM_TESTS := $(filter-out $(MM_SUPPORT) $(MM_SMALL),$(sort $(notdir $(basename $(wildcard tests/host/mm/*.c)))))
HOST_TESTS += $(MM_TESTS:%=mm_%)
$(foreach test,$(MM_TESTS),\
	$(eval mm_$(test)_SOURCES := tests/host/mm/$(test).c $$(MM_SOURCES)) $(eval mm_$(test)_SHARED := mm))

REGION_TREE_SOURCES := $(wildcard kernel/mm/region_tree*.c)
HOST_TESTS += mm_region_tree mm_region_tree_wide
mm_region_tree_SOURCES := tests/host/mm/region_tree.c tests/host/mm/region_tree_model.c $(REGION_TREE_SOURCES)
mm_region_tree_CFLAGS := -I. -DREGION_TREE_FANOUT=4
mm_region_tree_wide_SOURCES := tests/host/mm/region_tree.c tests/host/mm/region_tree_model.c $(REGION_TREE_SOURCES)
mm_region_tree_wide_CFLAGS := -I.

HOST_TESTS += mm_regions
mm_regions_SOURCES := tests/host/mm/regions.c tests/host/mm/regions_model.c kernel/mm/region.c kernel/mm/region_change.c kernel/mm/mapping.c \
	$(REGION_TREE_SOURCES)
mm_regions_CFLAGS := -I. -DREGION_TREE_FANOUT=4

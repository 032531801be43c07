/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the heap's caches, in the format of slabinfo(5).
 */
#include "fs/procfs/procfs.h"
#include "lib/string.h"
#include "mm/slab.h"

int proc_show_slabinfo(const struct proc_node *node __unused, struct text *text)
{
	struct slab_info cache;

	text_printf(text,
		    "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> "
		    "<objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : "
		    "slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (size_t i = 0; slab_cache_info(i, &cache); i++) {
		size_t slabs = MAX(cache.slabs, (size_t)1);

		text_printf(text,
			    "%-17s %6lu %6lu %6lu %4lu %4lu : tunables %4u %4u %4u : slabdata %6lu "
			    "%6lu %6u\n",
			    cache.name, cache.objects_in_use, cache.objects, cache.object_size,
			    cache.objects / slabs, cache.frames / slabs, 0, 0, 0, cache.slabs,
			    cache.slabs, 0);
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's constants of memory policies: set_mempolicy(2), mbind(2), get_mempolicy(2). */
#ifndef LIB_ABI_MEMPOLICY_H
#define LIB_ABI_MEMPOLICY_H

enum {
	MPOL_DEFAULT,
	MPOL_PREFERRED,
	MPOL_BIND,
	MPOL_INTERLEAVE,
	MPOL_LOCAL,
	MPOL_PREFERRED_MANY,
	MPOL_MODES,
};

enum {
	MPOL_F_NUMA_BALANCING = 1 << 13,
	MPOL_F_RELATIVE_NODES = 1 << 14,
	MPOL_F_STATIC_NODES = 1 << 15,
	MPOL_MODE_FLAGS = MPOL_F_NUMA_BALANCING | MPOL_F_RELATIVE_NODES | MPOL_F_STATIC_NODES,
};

enum { MPOL_F_NODE = 1, MPOL_F_ADDR = 2, MPOL_F_MEMS_ALLOWED = 4 };  /* get_mempolicy */
enum { MPOL_MF_STRICT = 1, MPOL_MF_MOVE = 2, MPOL_MF_MOVE_ALL = 4 }; /* mbind, move_pages */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated machine switches no tasks. */
#ifndef MACHINE_CONTEXT_H
#define MACHINE_CONTEXT_H

struct arch_task {
	int unused;
};

#endif

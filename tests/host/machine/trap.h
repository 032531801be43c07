/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated machine's programs are the tests themselves: there are no frames. */
#ifndef MACHINE_TRAP_H
#define MACHINE_TRAP_H

struct trap_frame {
	int unused;
};

#endif

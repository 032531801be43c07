/* SPDX-License-Identifier: BSD-2-Clause */
/* Between coredump.c and coredump_notes.c. */
#ifndef PROC_COREDUMP_INTERNAL_H
#define PROC_COREDUMP_INTERNAL_H

#include "lib/abi/signal.h"
#include "lib/types.h"

/* Bytes that grow. */
struct core_notes {
	char *bytes;
	size_t size, capacity;
	bool failed; /* no memory: nothing more is added */
};

/* The notes of the current process, all of whose other threads stand still. */
void core_notes_build(struct core_notes *notes, const struct siginfo *info);
void core_notes_free(struct core_notes *notes);

#endif

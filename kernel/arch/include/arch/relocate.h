/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Relocations of object files: what a linker's note "the address of that belongs here" means on
 * this machine.  Pure functions, also built for the host's tests.
 */
#ifndef ARCH_RELOCATE_H
#define ARCH_RELOCATE_H

#include "lib/types.h"

/* How many bytes a relocation of this type changes: 0 for one that says nothing, -ENOEXEC for one
 * that the kernel does not know. */
int __must_check arch_relocation_size(u32 type);

/*
 * Puts the address `target` (symbol and addend) into the bytes at `place`, which will run at the
 * address `at`.  0, or -ENOEXEC when it does not fit there; then nothing is written.
 */
int __must_check arch_relocate(u8 *place, vaddr_t at, u32 type, u64 target);

#endif

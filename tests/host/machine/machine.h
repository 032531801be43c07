/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small simulated machine on which kernel/mm runs as an ordinary program.
 *
 * It has an array for physical memory, a page-table walker, and some CPUs, each with a TLB and a
 * cache of upper-level entries.  Both keep what they once held until they are flushed, whatever the
 * tables say meanwhile: what real machines may do, this one always does, and a frame that becomes
 * free while one of them names it ends the test.  One host thread plays all CPUs in turn, where a
 * lock that would have to wait is an error; or the CPUs run at the same time, as actors (actors.h).
 *
 * Tests act as programs: program_read and program_write go through the TLB, fault into kernel/mm,
 * and return what the program would see.
 */
#ifndef TESTS_HOST_MACHINE_H
#define TESTS_HOST_MACHINE_H

#include "arch/clock.h"
#include "arch/topology.h"
#include "lib/types.h"
#include "mm/vmm.h"

enum { MACHINE_CPUS = 4 };

/*
 * Starts the machine with `size` bytes of memory, and mm on it: frames, heap, vmm.  Once a program.
 */
void machine_start(size_t size);

/* What machine_topology tells, one node unless a test changes it before frame_init_nodes. */
extern struct machine_topology machine_nodes;

/* What another thread does while one sleeps; NULL: nothing, and so whoever sleeps without a deadline
 * ends the test. */
extern void (*machine_sleeper)(void);

/* What arch_vdso tells of; without code there is none. */
extern struct vdso_image machine_vdso;

/* So much of the memory's end is not in the boot protocol's map: set before machine_start, for
 * tests that add it later. */
extern size_t machine_kept_back;

/* From now on, code runs on this CPU. */
void machine_use_cpu(u32 cpu);

/*
 * One byte of the running CPU's current program.  0, or the signal that it gets; *si_code then
 * tells why (may be NULL).
 */
int program_read(vaddr_t address, u8 *value, int *si_code);
int program_write(vaddr_t address, u8 value, int *si_code);
int program_execute(vaddr_t address, int *si_code);

/*
 * Checks every TLB entry of every CPU against the tables of the space it runs: it may permit no
 * more than they do, and name no other frame.  Fails the test with a message otherwise.  To be
 * called when no flush is outstanding: after each call.
 */
void machine_check_tlbs(void);
/* Frames in use, for leak checks: allocated, but for those in CPUs' stocks. */
size_t machine_frames_used(void);

#endif

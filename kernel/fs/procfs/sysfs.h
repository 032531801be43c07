/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: the parts of /sys that programs look at.  It is made of the same tables as procfs; whoever
 * has something to show adds an entry to one of its directories.
 */
#ifndef FS_PROCFS_SYSFS_H
#define FS_PROCFS_SYSFS_H

#include "fs/procfs/procfs.h"

enum sysfs_folder {
	SYSFS_ROOT,            /* /sys itself */
	SYSFS_CLASS,           /* /sys/class */
	SYSFS_KERNEL,          /* /sys/kernel */
	SYSFS_KERNEL_MM,       /* /sys/kernel/mm */
	SYSFS_DEVICES_SYSTEM,  /* /sys/devices/system */
	SYSFS_DEVICES_VIRTUAL, /* /sys/devices/virtual */
	SYSFS_FOLDERS
};

/* Registers the file system. */
void sysfs_init(void);

/* Shows an entry (whose name is not there yet) in a folder from now on.  Both stay for good. */
void sysfs_add(enum sysfs_folder folder, struct proc_addition *addition);

/* A set of numbers as "0-2,5". */
void sysfs_show_set(struct text *text, u64 set);
/* A set of CPUs as words of 32 bits in hexadecimal, as many as all CPUs take. */
void sysfs_show_cpumap(struct text *text, u64 set);

void sysfs_hugetlb_init(void); /* sysfs_hugetlb.c: adds /sys/kernel/mm/hugepages */
void sysfs_huge_init(void);    /* sysfs_huge.c: adds /sys/kernel/mm/transparent_hugepage */
extern const struct proc_entry sysfs_hugetlb_node_entries[]; /* … and nodeN/hugepages */
extern const struct proc_entry sysfs_cpu_entry;  /* sysfs_cpu.c: /sys/devices/system/cpu */
extern const struct proc_entry sysfs_node_entry; /* sysfs_node.c: /sys/devices/system/node */

#endif

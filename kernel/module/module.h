/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader of modules, for system calls, procfs and start-up.  What modules and their users need
 * is in lib/module.h.
 */
#ifndef MODULE_MODULE_H
#define MODULE_MODULE_H

#include "lib/types.h"

struct proc_node;
struct text;

enum { MODULE_NAME_SIZE = 56, MODULE_ARGUMENTS_MAX = 4096 };

/*
 * Loads a module from a file's bytes, with `arguments` for its parameters ("size=3 name=x"), and
 * calls its init function.  0; -ENOEXEC (malformed, or made for another kernel), -ENOENT (needs a
 * symbol that nobody exports), -EEXIST, -EINVAL (a parameter's value), -ENOMEM, or what init says.
 * May sleep.
 */
int __must_check module_load(const void *bytes, size_t size, const char *arguments);

/*
 * Takes a module out.  0; -ENOENT, -EAGAIN (others use it), -EBUSY (it cannot go), -ERESTARTSYS.
 * May sleep.
 */
int __must_check module_unload(const char *name);

/* Is no module loaded or taken out any more?  Once so, for good (kernel.modules_disabled). */
bool modules_are_disabled(void);
void modules_disable(void);

/* For /proc/modules and /proc/sys/kernel. */
int proc_show_modules(const struct proc_node *node, struct text *text);
int proc_show_kallsyms(const struct proc_node *node, struct text *text);
int proc_show_modules_disabled(const struct proc_node *node, struct text *text);
int proc_store_modules_disabled(const struct proc_node *node, char *value, size_t size);

/* Once, after sysfs_init: /sys/module, the place for modules. */
void modules_init(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loadable modules, as their authors and their users see them: doc/modules.md.
 *
 * A module is one or more C files in modules/NAME/, compiled like the kernel's own.  It says
 *
 *	MODULE_LICENSE("BSD-2-Clause");
 *	MODULE_DESCRIPTION("…");
 *	module_param(size, uint, 0444, "how large")    a static variable that can be set
 *	module_init(function)       called once it is in memory; an error takes it out again
 *	module_exit(function)       called before it goes; without one it stays for good
 *
 * It uses what the kernel and other modules export.  The functions below are the loader's
 * (kernel/module); they are declared on the lowest floor, so that every one can hold a module.
 */
#ifndef LIB_MODULE_H
#define LIB_MODULE_H

#include "lib/types.h"

struct module;

/* Keeps a module in memory: false when it is about to go.  NULL is the kernel itself.  Any context.
 */
bool __must_check module_get(struct module *module);
void module_put(struct module *module);
/* The name and offset of the function of a module at an address, and the module's name, or NULL.
 * Any context. */
const char *module_symbol_lookup(vaddr_t address, size_t *offset, const char **module);

/* --- What is exported --- */

struct module_export {
	const char *name;
	uintptr_t address;
};

/* The kernel, or a module, lets modules use a function or a variable. */
#define EXPORT_SYMBOL(symbol)                                                           \
	static const struct module_export module_export_##symbol __section("__exports") \
		__attribute__((used, aligned(8))) = {.name = #symbol,                   \
						     .address = (uintptr_t) & (symbol)}

/* --- Parameters --- */

enum module_parameter_type {
	MODULE_PARAM_bool,
	MODULE_PARAM_int,
	MODULE_PARAM_uint,
	MODULE_PARAM_ulong,
	MODULE_PARAM_charp,
};

enum { MODULE_STRING_MAX = 1024 };

struct module_parameter {
	const char *name;
	void *value;
	u32 type; /* enum module_parameter_type */
	u32 mode; /* of its file in /sys/module; 0: none */
};

/* --- For the text of a module --- */

#define MODULE_PASTE_(a, b) a##b
#define MODULE_PASTE(a, b)  MODULE_PASTE_(a, b)
/* A line of what modinfo(8) shows. */
#define MODULE_INFO(tag, text)                                                            \
	static const char MODULE_PASTE(module_info_, __COUNTER__)[] __section(".modinfo") \
		__attribute__((used, aligned(1))) = #tag "=" text

#define MODULE_LICENSE(text)     MODULE_INFO(license, text)
#define MODULE_DESCRIPTION(text) MODULE_INFO(description, text)

/* A parameter: the variable's name, its type (bool, int, uint, ulong; charp: char *), the mode of
 * its file, and a text. */
#define module_param(variable, kind, bits, text)                                               \
	MODULE_INFO(parm, #variable ":" text);                                                 \
	MODULE_INFO(parmtype, #variable ":" #kind);                                            \
	static const struct module_parameter module_param_##variable __section("__parameters") \
		__attribute__((used, aligned(8))) = {.name = #variable,                        \
						     .value = &(variable),                     \
						     .type = MODULE_PARAM_##kind,              \
						     .mode = (bits)}

/* The loader finds them by these names. */
#define module_init(function) int init_module(void) __attribute__((alias(#function)))
#define module_exit(function) void cleanup_module(void) __attribute__((alias(#function)))
int init_module(void);
void cleanup_module(void);

/* The module that the source belongs to; the kernel's own sources are of none. */
#ifdef MODULE
extern struct module *const this_module; /* the loader fills it in */
#define THIS_MODULE this_module
#else
#define THIS_MODULE NULL
#endif

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to the loader of modules.
 *
 * Life of a module: COMING (in memory, its init function runs), LIVE, GOING (its exit function
 * runs), freed.  `refs` counts who keeps it, plus one for being there; who takes it out replaces
 * that one by nothing, which succeeds when nobody else has it.
 *
 * Locks: loading_lock (mutex) lets one module come or go at a time, init and exit functions
 * included.  modules_lock (mutex, inside) guards the list and what a module shows of itself.  Back
 * traces look without either: they go through an array of atomic pointers (module_symbols.c).
 */
#ifndef MODULE_MODULE_INTERNAL_H
#define MODULE_MODULE_INTERNAL_H

#include "lib/list.h"
#include "lib/module.h"
#include "lib/sync.h"
#include "module/module.h"
#include "module/object.h"

enum module_state { MODULE_COMING, MODULE_LIVE, MODULE_GOING };

/* Address space of modules: area.c. */
struct module_memory {
	struct list_head link; /* by address; area_lock */
	vaddr_t start;
	u32 pages;
};

struct module_symbol {
	vaddr_t address;
	u32 name; /* offset into symbol_names */
};

/* `user` needs what `used` exports. */
struct module_use {
	struct list_head used_link; /* in used->users; modules_lock */
	struct list_head user_link; /* in user->uses; modules_lock */
	struct module *user, *used;
};

struct module {
	struct list_head link; /* modules_lock */
	char name[MODULE_NAME_SIZE];
	u32 number;              /* for sysfs: none of those that are there have the same */
	enum module_state state; /* modules_lock */
	u32 refs;                /* atomic; 0: it goes */
	int (*init)(void);
	void (*exit)(void);
	struct list_head users, uses; /* modules_lock */
	const struct module_export *exports;
	u32 export_count;
	const struct module_parameter *parameters;
	u32 parameter_count;
	char **strings; /* by parameter: what was allocated for a charp; modules_lock */
	struct module_memory *memory[OBJECT_PARTS]; /* NULL: a part of size 0 */
	u64 sizes[OBJECT_PARTS];
	struct module_symbol *symbols; /* by address; constant while it is there */
	u32 symbol_count;
	char *symbol_names;
};

/* Bytes of memory that it has, in pages. */
static inline u64 module_size(const struct module *module)
{
	u64 size = 0;

	for (u32 part = 0; part < OBJECT_PARTS; part++)
		size += ALIGN_UP(module->sizes[part], PAGE_SIZE);
	return size;
}

extern mutex_t modules_lock;
extern struct list_head modules; /* modules_lock */

/* registry.c: all with modules_lock held. */
struct module *module_find_locked(const char *name);
struct module *module_find_number_locked(u32 number);
/* An exported symbol and who has it (NULL: the kernel); false: nobody. */
bool module_find_export_locked(const char *name, u64 *address, struct module **owner);
/* Notes that `user` needs `used`, and keeps it.  0, -ENOMEM, -ENOENT (it goes). */
int __must_check module_use_locked(struct module *user, struct module *used);
void module_unuse_all_locked(struct module *user);

/* area.c */
void module_area_init(void);
/* Pages that can be written and not executed, zeroed; NULL without memory.  May sleep. */
struct module_memory *__must_check module_memory_get(u64 size);
/* From now on as its part has to be: text executable, read-only data read-only.  NULL is allowed.
 */
void module_memory_protect(const struct module_memory *memory, enum object_part part);
void module_memory_put(struct module_memory *memory, enum object_part part);

/* parameters.c: 0, -EINVAL, -ENOMEM.  Loading: nobody else sees the module. */
int __must_check module_parameters_parse(struct module *module, const char *arguments);
/* Sets one from text; modules_lock. */
int __must_check module_parameter_set_locked(struct module *module, u32 index, const char *text);
void module_parameter_show_locked(const struct module *module, u32 index, struct text *text);
void module_parameters_free(struct module *module);

/* information.c: the text behind "tag=" in .modinfo, or NULL. */
const char *module_information(const struct object *object, const char *tag);
/* What a module must say at vermagic= to be let in. */
extern const char module_vermagic[];

/* symbols.c: for back traces.  0, -ENOMEM. */
int __must_check module_symbols_keep(struct module *module, const struct object *object,
				     const struct object_place *places,
				     const struct object_memory memory[OBJECT_PARTS]);
/* Lets back traces look, and no more. */
void module_symbols_publish(struct module *module);
void module_symbols_withdraw(struct module *module);
void module_symbols_free(struct module *module);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which modules there are, who uses whom, and what they and the kernel export.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "module/exports.h"
#include "module/module_internal.h"

mutex_t modules_lock = MUTEX_INIT(modules_lock);
struct list_head modules = LIST_INIT(modules);

static bool disabled; /* atomic */

bool modules_are_disabled(void)
{
	return READ_ONCE(disabled);
}

void modules_disable(void)
{
	WRITE_ONCE(disabled, true);
}

/* --- References --- */

bool module_get(struct module *module)
{
	u32 refs;

	if (module == NULL)
		return true;
	refs = READ_ONCE(module->refs);
	do {
		if (refs == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&module->refs, &refs, refs + 1, false,
					      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

void module_put(struct module *module)
{
	if (module != NULL)
		__atomic_sub_fetch(&module->refs, 1, __ATOMIC_RELEASE);
}

/* --- Finding --- */

struct module *module_find_locked(const char *name)
{
	struct module *module;

	list_for_each_entry (module, &modules, link)
		if (strcmp(module->name, name) == 0)
			return module;
	return NULL;
}

struct module *module_find_number_locked(u32 number)
{
	struct module *module;

	list_for_each_entry (module, &modules, link)
		if (module->number == number)
			return module;
	return NULL;
}

static bool find_in(const struct module_export *exports, size_t count, const char *name,
		    u64 *address)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(exports[i].name, name) != 0)
			continue;
		*address = exports[i].address;
		return true;
	}
	return false;
}

bool module_find_export_locked(const char *name, u64 *address, struct module **owner)
{
	struct module *module;

	*owner = NULL;
	if (find_in(kernel_exports_start, (size_t)(kernel_exports_end - kernel_exports_start), name,
		    address))
		return true;
	list_for_each_entry (module, &modules, link) {
		if (module->state == MODULE_LIVE &&
		    find_in(module->exports, module->export_count, name, address)) {
			*owner = module;
			return true;
		}
	}
	return false;
}

/* --- Who uses whom --- */

int module_use_locked(struct module *user, struct module *used)
{
	struct module_use *use;

	list_for_each_entry (use, &user->uses, user_link)
		if (use->used == used)
			return 0;
	use = kmalloc(sizeof(*use));
	if (use == NULL)
		return -ENOMEM;
	if (!module_get(used)) {
		kfree(use);
		return -ENOENT;
	}
	*use = (struct module_use){.user = user, .used = used};
	list_add_tail(&use->used_link, &used->users);
	list_add_tail(&use->user_link, &user->uses);
	return 0;
}

void module_unuse_all_locked(struct module *user)
{
	struct module_use *use, *next;

	list_for_each_entry_safe (use, next, &user->uses, user_link) {
		list_remove(&use->used_link);
		module_put(use->used);
		kfree(use);
	}
	list_init(&user->uses);
}

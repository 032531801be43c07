/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /sys/module/NAME: what a module is, its parameters, and who uses it.
 *
 * A node's `number` is the module's, and below that, in eight bits, the parameter's.  Modules'
 * numbers are never used twice, so a name of one that is gone is seen to be out of date.
 */
#include "fs/procfs/sysfs.h"

#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "module/module_internal.h"

enum { PARAMETER_BITS = 8, PARAMETER_LIMIT = 1 << PARAMETER_BITS };

/* The module of a node, with modules_lock held; NULL, without, when it is gone. */
static struct module *lock_module(const struct proc_node *node)
{
	struct module *module;

	mutex_lock(&modules_lock);
	module = module_find_number_locked(node->number >> PARAMETER_BITS);
	if (module == NULL || module->state == MODULE_GOING) {
		mutex_unlock(&modules_lock);
		return NULL;
	}
	return module;
}

static bool is_there(const struct proc_node *node)
{
	if (lock_module(node) == NULL)
		return false;
	mutex_unlock(&modules_lock);
	return true;
}

/* --- Files --- */

static int show_initstate(const struct proc_node *node, struct text *text)
{
	const struct module *module = lock_module(node);

	if (module == NULL)
		return -ENODEV;
	text_printf(text, "%s\n", module->state == MODULE_LIVE ? "live" : "coming");
	mutex_unlock(&modules_lock);
	return 0;
}

static int show_refcnt(const struct proc_node *node, struct text *text)
{
	const struct module *module = lock_module(node);

	if (module == NULL)
		return -ENODEV;
	text_printf(text, "%u\n", READ_ONCE(module->refs) - 1);
	mutex_unlock(&modules_lock);
	return 0;
}

static int show_coresize(const struct proc_node *node, struct text *text)
{
	const struct module *module = lock_module(node);

	if (module == NULL)
		return -ENODEV;
	text_printf(text, "%lu\n", (unsigned long)module_size(module));
	mutex_unlock(&modules_lock);
	return 0;
}

/* --- Parameters --- */

static int show_parameter(const struct proc_node *node, struct text *text)
{
	const struct module *module = lock_module(node);

	if (module == NULL)
		return -ENODEV;
	module_parameter_show_locked(module, node->number % PARAMETER_LIMIT, text);
	mutex_unlock(&modules_lock);
	return 0;
}

static int store_parameter(const struct proc_node *node, char *value, size_t size)
{
	struct module *module;
	int error;

	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
	module = lock_module(node);
	if (module == NULL)
		return -ENODEV;
	error = module_parameter_set_locked(module, node->number % PARAMETER_LIMIT, value);
	mutex_unlock(&modules_lock);
	return error;
}

#define PARAMETER_ENTRY(bits, store_function)                                        \
	{                                                                            \
		.name = "parameter", .mode = S_IFREG | (bits), .is_there = is_there, \
		.show = show_parameter, .store = (store_function)                    \
	}

static const struct proc_entry parameter_entries[] = {
	PARAMETER_ENTRY(0444, NULL),
	PARAMETER_ENTRY(0644, store_parameter),
	PARAMETER_ENTRY(0400, NULL),
	PARAMETER_ENTRY(0600, store_parameter),
};

/* The entry for a parameter's mode; NULL: it has no file. */
static const struct proc_entry *entry_for(u32 mode)
{
	for (size_t i = 0; i < ARRAY_SIZE(parameter_entries); i++)
		if ((parameter_entries[i].mode & 0777) == mode)
			return &parameter_entries[i];
	return NULL;
}

static struct proc_node parameter_node(const struct module *module, u32 index)
{
	return (struct proc_node){.entry = entry_for(module->parameters[index].mode),
				  .fd = -1,
				  .number = module->number << PARAMETER_BITS | index};
}

static bool find_parameter(const struct proc_node *node, const char *name, size_t length __unused,
			   struct proc_node *child)
{
	const struct module *module = lock_module(node);
	bool found = false;

	if (module == NULL)
		return false;
	for (u32 i = 0; i < MIN(module->parameter_count, (u32)PARAMETER_LIMIT) && !found; i++) {
		found = strcmp(module->parameters[i].name, name) == 0 &&
			entry_for(module->parameters[i].mode) != NULL;
		if (found)
			*child = parameter_node(module, i);
	}
	mutex_unlock(&modules_lock);
	return found;
}

static bool next_parameter(const struct proc_node *node, u64 *position, struct proc_child *child)
{
	const struct module *module = lock_module(node);
	bool found = false;

	if (module == NULL)
		return false;
	while (!found && *position < MIN(module->parameter_count, (u32)PARAMETER_LIMIT)) {
		child->node = parameter_node(module, (u32)*position);
		strscpy(child->name, module->parameters[*position].name, sizeof(child->name));
		found = child->node.entry != NULL;
		++*position;
	}
	mutex_unlock(&modules_lock);
	return found;
}

/* --- Who uses it --- */

static void read_holder(const struct proc_node *node, char *buffer, size_t size)
{
	const struct module *module = lock_module(node);

	snprintf(buffer, size, "../../%s", module != NULL ? module->name : "");
	if (module != NULL)
		mutex_unlock(&modules_lock);
}

static const struct proc_entry holder_entry = {
	.name = "holder", .mode = S_IFLNK | 0777, .is_there = is_there, .readlink = read_holder};

static struct proc_node holder_node(const struct module *user)
{
	return (struct proc_node){
		.entry = &holder_entry, .fd = -1, .number = user->number << PARAMETER_BITS};
}

static bool find_holder(const struct proc_node *node, const char *name, size_t length __unused,
			struct proc_node *child)
{
	const struct module *module = lock_module(node);
	const struct module_use *use;
	bool found = false;

	if (module == NULL)
		return false;
	list_for_each_entry (use, &module->users, used_link) {
		if (strcmp(use->user->name, name) != 0)
			continue;
		*child = holder_node(use->user);
		found = true;
	}
	mutex_unlock(&modules_lock);
	return found;
}

static bool next_holder(const struct proc_node *node, u64 *position, struct proc_child *child)
{
	const struct module *module = lock_module(node);
	const struct module_use *use;
	u64 index = 0;
	bool found = false;

	if (module == NULL)
		return false;
	list_for_each_entry (use, &module->users, used_link) {
		if (index++ != *position)
			continue;
		child->node = holder_node(use->user);
		strscpy(child->name, use->user->name, sizeof(child->name));
		found = true;
	}
	mutex_unlock(&modules_lock);
	*position += found;
	return found;
}

/* --- Directories --- */

static const struct proc_entry module_entries[] = {
	{.name = "coresize", .mode = S_IFREG | 0444, .is_there = is_there, .show = show_coresize},
	{.name = "holders",
	 .mode = S_IFDIR | 0555,
	 .is_there = is_there,
	 .find = find_holder,
	 .next = next_holder},
	{.name = "initstate", .mode = S_IFREG | 0444, .is_there = is_there, .show = show_initstate},
	{.name = "parameters",
	 .mode = S_IFDIR | 0555,
	 .is_there = is_there,
	 .find = find_parameter,
	 .next = next_parameter},
	{.name = "refcnt", .mode = S_IFREG | 0444, .is_there = is_there, .show = show_refcnt},
	PROC_END,
};

static const struct proc_entry module_entry = {
	.name = "NAME", .mode = S_IFDIR | 0555, .is_there = is_there, .children = module_entries};

static struct proc_node module_node(const struct module *module)
{
	return (struct proc_node){
		.entry = &module_entry, .fd = -1, .number = module->number << PARAMETER_BITS};
}

static bool find_module(const struct proc_node *node __unused, const char *name,
			size_t length __unused, struct proc_node *child)
{
	const struct module *module;
	bool found;

	mutex_lock(&modules_lock);
	module = module_find_locked(name);
	found = module != NULL && module->state != MODULE_GOING;
	if (found)
		*child = module_node(module);
	mutex_unlock(&modules_lock);
	return found;
}

/* The position is the least number that was not shown yet. */
static bool next_module(const struct proc_node *node __unused, u64 *position,
			struct proc_child *child)
{
	const struct module *module, *next = NULL;

	mutex_lock(&modules_lock);
	list_for_each_entry (module, &modules, link)
		if (module->number >= *position && module->state != MODULE_GOING &&
		    (next == NULL || module->number < next->number))
			next = module;
	if (next != NULL) {
		child->node = module_node(next);
		strscpy(child->name, next->name, sizeof(child->name));
		*position = (u64)next->number + 1;
	}
	mutex_unlock(&modules_lock);
	return next != NULL;
}

static const struct proc_entry modules_entry = {
	.name = "module", .mode = S_IFDIR | 0555, .find = find_module, .next = next_module};
static struct proc_addition addition = {.entry = &modules_entry};

void modules_init(void)
{
	module_area_init();
	sysfs_add(SYSFS_ROOT, &addition);
}

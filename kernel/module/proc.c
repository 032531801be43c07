/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/modules, /proc/kallsyms, and /proc/sys/kernel/modules_disabled.
 */
#include "arch/probe.h"
#include "fs/procfs/procfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "module/module_internal.h"
#include "proc/credentials.h"

static u64 start_of(const struct module *module)
{
	const struct module_memory *text = module->memory[OBJECT_TEXT];

	return text != NULL ? text->start : 0;
}

/* Name, size, how many keep it, which modules among them, state, address (for those who may know).
 */
static void show_module(const struct module *module, bool address, struct text *text)
{
	static const char *const states[] = {"Loading", "Live", "Unloading"};
	const struct module_use *use;
	u32 refs = READ_ONCE(module->refs);

	text_printf(text, "%s %lu %u ", module->name, (unsigned long)module_size(module),
		    refs > 0 ? refs - 1 : 0);
	list_for_each_entry (use, &module->users, used_link)
		text_printf(text, "%s,", use->user->name);
	text_printf(text, "%s %s 0x%016lx\n", list_empty(&module->users) ? "-" : "",
		    states[module->state], address ? (unsigned long)start_of(module) : 0);
}

int proc_show_modules(const struct proc_node *node __unused, struct text *text)
{
	const struct module *module;
	bool address = capable(CAP_SYSLOG);

	mutex_lock(&modules_lock);
	list_for_each_entry (module, &modules, link)
		show_module(module, address, text);
	mutex_unlock(&modules_lock);
	return 0;
}

/* --- /proc/kallsyms: functions by address, which is 0 for those who may not know it --- */

struct symbols_text {
	struct text *text;
	bool address;
};

static void show_symbol(const char *name, vaddr_t address, void *argument)
{
	const struct symbols_text *to = argument;

	text_printf(to->text, "%016lx t %s\n", to->address ? (unsigned long)address : 0, name);
}

static void show_module_symbols(const struct module *module, const struct symbols_text *to)
{
	for (u32 i = 0; i < module->symbol_count; i++)
		text_printf(to->text, "%016lx t %s\t[%s]\n",
			    to->address ? (unsigned long)module->symbols[i].address : 0,
			    module->symbol_names + module->symbols[i].name, module->name);
}

int proc_show_kallsyms(const struct proc_node *node __unused, struct text *text)
{
	struct symbols_text to = {.text = text, .address = capable(CAP_SYSLOG)};
	const struct module *module;

	symbol_iterate(show_symbol, &to);
	mutex_lock(&modules_lock);
	list_for_each_entry (module, &modules, link)
		if (module->state != MODULE_GOING)
			show_module_symbols(module, &to);
	mutex_unlock(&modules_lock);
	return 0;
}

int proc_show_modules_disabled(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%d\n", modules_are_disabled());
	return 0;
}

/* There is no way back. */
int proc_store_modules_disabled(const struct proc_node *node __unused, char *value,
				size_t size __unused)
{
	bool on = value[0] == '1' && (value[1] == '\n' || value[1] == '\0');

	if (!capable(CAP_SYS_MODULE))
		return -EPERM;
	if (!on)
		return -EINVAL;
	modules_disable();
	return 0;
}

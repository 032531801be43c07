/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of modules' functions, for back traces and profiles.
 *
 * Who prints a back trace may be in the middle of anything, so it takes no lock: modules that can
 * be looked at stand in an array of atomic pointers.  One that goes is taken out of it, and then
 * every CPU is asked for an answer: a look that had begun before has ended then, as it is made with
 * interrupts off.
 */
#include "arch/cpu.h"
#include "lib/errno.h"
#include "lib/sort.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "module/module_internal.h"

enum { VISIBLE_MODULES = 64 };

static struct module *visible[VISIBLE_MODULES]; /* atomic each */

static bool is_function(const struct object *object, const struct object_place *places, u32 index)
{
	const struct elf64_sym *symbol = &object->symbols[index];

	return elf64_st_type(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_shndx < object->section_count &&
	       places[symbol->st_shndx].part == OBJECT_TEXT;
}

static int compare(const void *left, const void *right, void *context __unused)
{
	vaddr_t a = ((const struct module_symbol *)left)->address;
	vaddr_t b = ((const struct module_symbol *)right)->address;

	return a < b ? -1 : a > b;
}

int module_symbols_keep(struct module *module, const struct object *object,
			const struct object_place *places,
			const struct object_memory memory[OBJECT_PARTS])
{
	size_t count = 0, bytes = 0;

	for (u32 i = 0; i < object->symbol_count; i++) {
		if (is_function(object, places, i)) {
			count++;
			bytes += strlen(object_symbol_name(object, i)) + 1;
		}
	}
	if (count == 0 || bytes > UINT32_MAX)
		return 0;
	module->symbols = kcalloc(count, sizeof(*module->symbols));
	module->symbol_names = kmalloc(bytes);
	if (module->symbols == NULL || module->symbol_names == NULL)
		return -ENOMEM;
	bytes = 0;
	for (u32 i = 0; i < object->symbol_count; i++) {
		struct module_symbol *symbol = &module->symbols[module->symbol_count];
		const char *name = object_symbol_name(object, i);

		if (!is_function(object, places, i) ||
		    !object_symbol_address(object, places, memory, i, &symbol->address))
			continue;
		symbol->name = (u32)bytes;
		memcpy(module->symbol_names + bytes, name, strlen(name) + 1);
		bytes += strlen(name) + 1;
		module->symbol_count++;
	}
	sort(module->symbols, module->symbol_count, sizeof(*module->symbols), compare, NULL);
	return 0;
}

void module_symbols_free(struct module *module)
{
	kfree(module->symbols);
	kfree(module->symbol_names);
}

void module_symbols_publish(struct module *module)
{
	for (u32 i = 0; i < VISIBLE_MODULES; i++) {
		struct module *none = NULL;

		if (__atomic_compare_exchange_n(&visible[i], &none, module, false, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return;
	}
}

static void answer(void *argument __unused) {}

void module_symbols_withdraw(struct module *module)
{
	for (u32 i = 0; i < VISIBLE_MODULES; i++)
		if (READ_ONCE(visible[i]) == module)
			__atomic_store_n(&visible[i], NULL, __ATOMIC_RELEASE);
	cpus_call(cpus_online(), answer, NULL);
}

static const char *look_up(const struct module *module, vaddr_t address, size_t *offset)
{
	const struct module_memory *text = module->memory[OBJECT_TEXT];
	const struct module_symbol *found = NULL;

	if (text == NULL || address < text->start ||
	    address - text->start >= module->sizes[OBJECT_TEXT])
		return NULL;
	for (u32 i = 0; i < module->symbol_count && module->symbols[i].address <= address; i++)
		found = &module->symbols[i];
	if (found == NULL)
		return NULL;
	*offset = address - found->address;
	return module->symbol_names + found->name;
}

const char *module_symbol_lookup(vaddr_t address, size_t *offset, const char **name)
{
	const char *symbol = NULL;
	unsigned long flags = irq_save();

	for (u32 i = 0; i < VISIBLE_MODULES && symbol == NULL; i++) {
		const struct module *module = __atomic_load_n(&visible[i], __ATOMIC_ACQUIRE);
		if (module == NULL)
			continue;
		symbol = look_up(module, address, offset);
		*name = module->name;
	}
	irq_restore(flags);
	return symbol;
}

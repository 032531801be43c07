/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modules come and go.
 *
 * Coming: the file is checked, its sections get memory, symbols are looked up and the modules that
 * export them kept, relocations made, memory protected, parameters set; then the module is in the
 * list, and its init function is called.  Until then nobody else sees it, and every failure takes
 * all back.
 *
 * Going: only when nobody keeps it; then its exit function is called, and after the list has
 * forgotten it, its memory is freed.
 */
#include "arch/machine.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "module/module_internal.h"

static mutex_t loading_lock = MUTEX_INIT(loading_lock);
static u32 next_number = 1; /* loading_lock */

/* What is needed while a module is loaded. */
struct loading {
	struct object object;
	struct object_place *places;
	struct object_memory memory[OBJECT_PARTS];
	struct module *module;
	struct module **this_module; /* what the module's source knows by this name */
	struct object_resolver resolver;
	int error; /* of the resolver */
};

/* Sections that mean something to the kernel itself, and that it would not heed in a module. */
static const char *const refused_sections[] = {".ex_table", ".smap_sites", ".kaddrs", ".ksyms"};

static int check_information(const struct object *object)
{
	const char *vermagic = module_information(object, "vermagic");
	const char *name = module_information(object, "name");

	for (size_t i = 0; i < ARRAY_SIZE(refused_sections); i++)
		if (object_find_section(object, refused_sections[i]) != 0)
			return -ENOEXEC;
	if (name == NULL || name[0] == '\0' || strlen(name) >= MODULE_NAME_SIZE ||
	    strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -ENOEXEC;
	if (vermagic == NULL || strcmp(vermagic, module_vermagic) != 0) {
		log_warn("%s: version magic '%s' should be '%s'", name,
			 vermagic != NULL ? vermagic : "", module_vermagic);
		return -ENOEXEC;
	}
	return 0;
}

static bool resolve(const struct object_resolver *resolver, const char *name, u64 *value)
{
	struct loading *loading = container_of(resolver, struct loading, resolver);
	struct module *owner;
	bool found;

	if (strcmp(name, "this_module") == 0) {
		*value = (uintptr_t)loading->this_module;
		return true;
	}
	mutex_lock(&modules_lock);
	found = module_find_export_locked(name, value, &owner);
	if (found && owner != NULL && loading->error == 0)
		loading->error = module_use_locked(loading->module, owner);
	mutex_unlock(&modules_lock);
	return found;
}

/* A section of the module as it lies in memory now: an array of `entry_size` bytes each. */
static int find_array(struct loading *loading, const char *name, size_t entry_size,
		      const void **array, u32 *count)
{
	u32 index = object_find_section(&loading->object, name);
	const struct object_place *place = &loading->places[index];
	u64 size = loading->object.sections[index].sh_size;

	*array = NULL;
	*count = 0;
	if (index == 0 || place->part == OBJECT_NOWHERE)
		return 0;
	if (size % entry_size != 0 || !IS_ALIGNED(place->offset, 8))
		return -ENOEXEC;
	*array = loading->memory[place->part].bytes + place->offset;
	*count = (u32)(size / entry_size);
	return 0;
}

static void find_functions(struct loading *loading)
{
	const struct object *object = &loading->object;

	for (u32 i = 1; i < object->symbol_count; i++) {
		const char *name = object_symbol_name(object, i);
		vaddr_t address;

		if (elf64_st_bind(object->symbols[i].st_info) != STB_GLOBAL ||
		    !object_symbol_address(object, loading->places, loading->memory, i, &address))
			continue;
		bool text = loading->places[object->symbols[i].st_shndx].part == OBJECT_TEXT;
		if (strcmp(name, "init_module") == 0 && text)
			loading->module->init = (int (*)(void))address;
		if (strcmp(name, "cleanup_module") == 0 && text)
			loading->module->exit = (void (*)(void))address;
	}
}

/* Two modules, or a module and the kernel, must not export the same name. */
static int check_exports(const struct module *module)
{
	int error = 0;

	mutex_lock(&modules_lock);
	for (u32 i = 0; i < module->export_count && error == 0; i++) {
		struct module *owner;
		u64 address;

		if (module_find_export_locked(module->exports[i].name, &address, &owner)) {
			log_warn("%s: exports duplicate symbol %s", module->name,
				 module->exports[i].name);
			error = -ENOEXEC;
		}
	}
	mutex_unlock(&modules_lock);
	return error;
}

static int link_module(struct loading *loading)
{
	struct module *module = loading->module;
	const char *missing;
	int error = object_link(&loading->object, loading->places, loading->memory,
				&loading->resolver, &missing);

	if (error == -ENOENT)
		log_warn("%s: Unknown symbol %s", module->name, missing);
	if (error == 0)
		error = loading->error;
	if (error == 0)
		error = find_array(loading, "__exports", sizeof(struct module_export),
				   (const void **)&module->exports, &module->export_count);
	if (error == 0)
		error = find_array(loading, "__parameters", sizeof(struct module_parameter),
				   (const void **)&module->parameters, &module->parameter_count);
	if (error == 0)
		error = check_exports(module);
	if (error != 0)
		return error;
	find_functions(loading);
	return module_symbols_keep(module, &loading->object, loading->places, loading->memory);
}

static void free_module(struct module *module)
{
	mutex_lock(&modules_lock);
	module_unuse_all_locked(module);
	mutex_unlock(&modules_lock);
	module_symbols_free(module);
	module_parameters_free(module);
	for (u32 part = 0; part < OBJECT_PARTS; part++)
		module_memory_put(module->memory[part], part);
	kfree(module);
}

static int fill_memory(struct loading *loading)
{
	struct module *module = loading->module;
	u64 *data_size = &module->sizes[OBJECT_DATA];
	int error = object_place(&loading->object, loading->places, module->sizes);

	/* this_module lies behind the other data: code reaches it there. */
	*data_size = ALIGN_UP(*data_size, sizeof(module)) + sizeof(module);
	for (u32 part = 0; part < OBJECT_PARTS && error == 0; part++) {
		if (module->sizes[part] == 0)
			continue;
		module->memory[part] = module_memory_get(module->sizes[part]);
		if (module->memory[part] == NULL) {
			error = -ENOMEM;
			continue;
		}
		vaddr_t start = module->memory[part]->start;
		loading->memory[part] = (struct object_memory){(u8 *)start, start};
	}
	if (error == 0) {
		loading->this_module = (struct module **)(loading->memory[OBJECT_DATA].address +
							  *data_size - sizeof(module));
		*loading->this_module = module;
		error = link_module(loading);
	}
	for (u32 part = 0; part < OBJECT_PARTS && error == 0; part++)
		module_memory_protect(module->memory[part], part);
	return error;
}

/* A module that is complete, but that nobody knows; ERR_PTR. */
static struct module *make_module(struct loading *loading, const char *arguments)
{
	struct module *module = kzalloc(sizeof(*module));
	int error = module != NULL ? 0 : -ENOMEM;

	loading->places = kcalloc(loading->object.section_count, sizeof(*loading->places));
	if (error == 0) {
		list_init(&module->users);
		list_init(&module->uses);
		module->refs = 1;
		module->number = next_number++;
		strscpy(module->name, module_information(&loading->object, "name"),
			sizeof(module->name));
		loading->module = module;
		error = loading->places != NULL ? fill_memory(loading) : -ENOMEM;
	}
	if (error == 0)
		error = module_parameters_parse(module, arguments);
	kfree(loading->places);
	if (error == 0)
		return module;
	if (module != NULL)
		free_module(module);
	return ERR_PTR(error);
}

static void forget(struct module *module)
{
	module_symbols_withdraw(module);
	mutex_lock(&modules_lock);
	list_remove(&module->link);
	mutex_unlock(&modules_lock);
	free_module(module);
}

static void set_state(struct module *module, enum module_state state)
{
	mutex_lock(&modules_lock);
	module->state = state;
	mutex_unlock(&modules_lock);
}

/* In the list, and its init function called. */
static int start_module(struct module *module)
{
	int error = 0;

	mutex_lock(&modules_lock);
	list_add(&module->link, &modules);
	mutex_unlock(&modules_lock);
	module_symbols_publish(module);
	if (module->init != NULL)
		error = module->init();
	if (error < 0) {
		__atomic_store_n(&module->refs, 0, __ATOMIC_RELEASE);
		set_state(module, MODULE_GOING);
		forget(module);
		return error;
	}
	set_state(module, MODULE_LIVE);
	return 0;
}

int module_load(const void *bytes, size_t size, const char *arguments)
{
	struct loading loading = {.resolver = {.resolve = resolve}};
	struct module *module = NULL;
	int error = object_open(bytes, size, arch_elf_machine(), &loading.object);

	if (error == 0)
		error = check_information(&loading.object);
	if (error != 0)
		return error;
	error = mutex_lock_interruptible(&loading_lock);
	if (error != 0)
		return error;
	mutex_lock(&modules_lock);
	if (module_find_locked(module_information(&loading.object, "name")) != NULL)
		error = -EEXIST;
	mutex_unlock(&modules_lock);
	if (error == 0) {
		module = make_module(&loading, arguments);
		error = IS_ERR(module) ? (int)PTR_ERR(module) : start_module(module);
	}
	mutex_unlock(&loading_lock);
	return error;
}

/* Nobody gets hold of it any more, or why not. */
static int stop_module(struct module *module)
{
	u32 one = 1;

	if (!list_empty(&module->users))
		return -EAGAIN;
	if (module->state != MODULE_LIVE || (module->init != NULL && module->exit == NULL))
		return -EBUSY;
	if (!__atomic_compare_exchange_n(&module->refs, &one, 0, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return -EAGAIN;
	module->state = MODULE_GOING;
	return 0;
}

int module_unload(const char *name)
{
	struct module *module;
	int error = mutex_lock_interruptible(&loading_lock);

	if (error != 0)
		return error;
	mutex_lock(&modules_lock);
	module = module_find_locked(name);
	error = module != NULL ? stop_module(module) : -ENOENT;
	mutex_unlock(&modules_lock);
	if (error == 0) {
		if (module->exit != NULL)
			module->exit();
		forget(module);
	}
	mutex_unlock(&loading_lock);
	return error;
}

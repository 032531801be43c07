/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parameters of modules: variables of the module that are set from text, when it is loaded and, if
 * their mode says so, through /sys/module/NAME/parameters.
 *
 * A text (charp) is copied; module->strings has the copy, so that it can be freed.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "lib/text.h"
#include "mm/kmalloc.h"
#include "module/module_internal.h"

static int set_bool(bool *value, const char *text)
{
	if (strcmp(text, "1") == 0 || strcasecmp(text, "y") == 0 || strcasecmp(text, "on") == 0)
		*value = true;
	else if (strcmp(text, "0") == 0 || strcasecmp(text, "n") == 0 ||
		 strcasecmp(text, "off") == 0)
		*value = false;
	else
		return -EINVAL;
	return 0;
}

static int set_string(struct module *module, u32 index, const char *text)
{
	char *copy;

	if (strlen(text) >= MODULE_STRING_MAX)
		return -EINVAL;
	copy = kstrdup(text);
	if (copy == NULL)
		return -ENOMEM;
	*(char **)module->parameters[index].value = copy;
	kfree(module->strings[index]);
	module->strings[index] = copy;
	return 0;
}

int module_parameter_set_locked(struct module *module, u32 index, const char *text)
{
	const struct module_parameter *parameter = &module->parameters[index];
	s64 number;
	u64 positive;

	switch (parameter->type) {
	case MODULE_PARAM_bool:
		return set_bool(parameter->value, text);
	case MODULE_PARAM_int:
		if (parse_s64(text, 0, &number) != 0 || number != (s32)number)
			return -EINVAL;
		*(s32 *)parameter->value = (s32)number;
		return 0;
	case MODULE_PARAM_uint:
		if (parse_u64(text, 0, &positive) != 0 || positive > UINT32_MAX)
			return -EINVAL;
		*(u32 *)parameter->value = (u32)positive;
		return 0;
	case MODULE_PARAM_ulong:
		if (parse_u64(text, 0, &positive) != 0)
			return -EINVAL;
		*(u64 *)parameter->value = positive;
		return 0;
	default:
		return set_string(module, index, text);
	}
}

void module_parameter_show_locked(const struct module *module, u32 index, struct text *text)
{
	const struct module_parameter *parameter = &module->parameters[index];
	const char *string;

	switch (parameter->type) {
	case MODULE_PARAM_bool:
		text_printf(text, "%c\n", *(const bool *)parameter->value ? 'Y' : 'N');
		break;
	case MODULE_PARAM_int:
		text_printf(text, "%d\n", *(const s32 *)parameter->value);
		break;
	case MODULE_PARAM_uint:
		text_printf(text, "%u\n", *(const u32 *)parameter->value);
		break;
	case MODULE_PARAM_ulong:
		text_printf(text, "%lu\n", *(const unsigned long *)parameter->value);
		break;
	default:
		string = *(char *const *)parameter->value;
		text_printf(text, "%s\n", string != NULL ? string : "(null)");
	}
}

static void dashes_to_underscores(char *name)
{
	for (; *name != '\0'; name++)
		if (*name == '-')
			*name = '_';
}

/* "name=value", or "name" alone for a bool. */
static int set_word(struct module *module, char *word)
{
	char *value = strchr(word, '=');

	if (value != NULL)
		*value++ = '\0';
	dashes_to_underscores(word);
	for (u32 i = 0; i < module->parameter_count; i++) {
		const struct module_parameter *parameter = &module->parameters[i];
		int error;

		if (strcmp(parameter->name, word) != 0)
			continue;
		if (value == NULL && parameter->type != MODULE_PARAM_bool)
			return -EINVAL;
		error = module_parameter_set_locked(module, i, value != NULL ? value : "1");
		if (error != 0)
			log_warn("%s: `%s' invalid for parameter `%s'", module->name,
				 value != NULL ? value : "", word);
		return error;
	}
	log_warn("%s: unknown parameter '%s' ignored", module->name, word);
	return 0;
}

int module_parameters_parse(struct module *module, const char *arguments)
{
	char *word = kmalloc(MODULE_ARGUMENTS_MAX);
	ssize_t length;
	int error = 0;

	module->strings = kcalloc(MAX(module->parameter_count, 1u), sizeof(char *));
	if (word == NULL || module->strings == NULL)
		error = -ENOMEM;
	while (error == 0 && (length = cmdline_next(&arguments, word, MODULE_ARGUMENTS_MAX)) >= 0)
		error = length < MODULE_ARGUMENTS_MAX ? set_word(module, word) : -EINVAL;
	kfree(word);
	return error;
}

void module_parameters_free(struct module *module)
{
	for (u32 i = 0; module->strings != NULL && i < module->parameter_count; i++)
		kfree(module->strings[i]);
	kfree(module->strings);
}

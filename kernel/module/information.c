/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a module says of itself: its section .modinfo, "tag=text" with a terminator each.
 *
 * vermagic: which kernel a module is for.  Its last word is a hash over all of the kernel's headers
 * and the compiler's flags: a module gets in only where every declaration is the one that it was
 * compiled with.
 */
#include "lib/string.h"
#include "module/module_internal.h"
#include "proc/uts.h"

const char module_vermagic[] = UTS_RELEASE " SMP preempt mod_unload " MODULE_BUILD_HASH;

const char *module_information(const struct object *object, const char *tag)
{
	size_t length = strlen(tag);
	u64 size;
	const char *at =
		object_section_bytes(object, object_find_section(object, ".modinfo"), &size);

	if (at == NULL || size == 0 || at[size - 1] != '\0')
		return NULL;
	for (const char *end = at + size; at < end; at += strlen(at) + 1)
		if (strncmp(at, tag, length) == 0 && at[length] == '=')
			return at + length + 1;
	return NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the kernel's functions, and back traces.
 *
 * tools/ksyms.awk makes the table: a count, then for each function its address's low half and where
 * its name starts, sorted by address, then the names.  Addresses are those that the kernel is
 * linked for; it may have moved since.
 */
#include "arch/machine.h"
#include "arch/probe.h"
#include "boot/x86_64/start.h"
#include "lib/log.h"
#include "lib/module.h"
#include "machine_internal.h"
#include "x86.h"

enum { TRACE_LIMIT = 32 };

const char *symbol_lookup(vaddr_t address, size_t *offset)
{
	const struct symbol_table *table = &symbol_table_start;
	u32 low = 0, high = table->count;
	u32 linked = (u32)(address - KERNEL_IMAGE_BASE + KERNEL_LINK_BASE);

	if (address < (vaddr_t)image_text_start || address >= (vaddr_t)image_text_end)
		return NULL;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;
		if (table->symbols[middle].address <= linked)
			low = middle;
		else
			high = middle;
	}
	if (high == 0 || table->symbols[low].address > linked)
		return NULL;
	*offset = linked - table->symbols[low].address;
	return (const char *)&table->symbols[table->count] + table->symbols[low].name;
}

static void print_place(vaddr_t address)
{
	size_t offset = 0;
	const char *module, *name = symbol_lookup(address, &offset);

	if (name != NULL)
		log_write(LOG_EMERGENCY, "  %016lx %s+0x%zx", address, name, offset);
	else if ((name = module_symbol_lookup(address, &offset, &module)) != NULL)
		log_write(LOG_EMERGENCY, "  %016lx %s+0x%zx [%s]", address, name, offset, module);
	else
		log_write(LOG_EMERGENCY, "  %016lx", address);
}

/* Follows the chain of frame pointers: [rbp] is the caller's, [rbp + 8] the address it is to go on
 * at. */
static size_t follow_frames(vaddr_t frame_pointer, vaddr_t *addresses, size_t limit)
{
	for (size_t count = 0; count < limit; count++) {
		u64 caller, return_address;
		if (frame_pointer < KERNEL_BASE || !IS_ALIGNED(frame_pointer, 8) ||
		    !probe_read_u64(&caller, frame_pointer) ||
		    !probe_read_u64(&return_address, frame_pointer + 8) ||
		    return_address < KERNEL_IMAGE_BASE)
			return count;
		addresses[count] = return_address;
		if (caller <= frame_pointer)
			return count + 1;
		frame_pointer = caller;
	}
	return limit;
}

void backtrace_from(vaddr_t ip, vaddr_t frame_pointer)
{
	vaddr_t addresses[TRACE_LIMIT];

	log_write(LOG_EMERGENCY, "back trace:");
	if (ip != 0)
		print_place(ip);
	size_t count = follow_frames(frame_pointer, addresses, TRACE_LIMIT);
	for (size_t i = 0; i < count; i++)
		print_place(addresses[i]);
}

void backtrace_print(void)
{
	backtrace_from(0, (vaddr_t)__builtin_frame_address(0));
}

size_t backtrace_interrupted(vaddr_t *addresses, size_t limit)
{
	const struct trap_frame *frame = this_cpu()->interrupted;

	if (frame == NULL || limit == 0)
		return 0;
	addresses[0] = frame->rip;
	if (trap_from_user(frame))
		return 1;
	return 1 + follow_frames(frame->rbp, addresses + 1, limit - 1);
}

void symbol_iterate(void (*function)(const char *name, vaddr_t address, void *argument),
		    void *argument)
{
	const struct symbol_table *table = &symbol_table_start;
	const char *names = (const char *)&table->symbols[table->count];

	for (u32 i = 0; i < table->count; i++)
		function(names + table->symbols[i].name,
			 KERNEL_IMAGE_BASE + (table->symbols[i].address - (u32)KERNEL_LINK_BASE),
			 argument);
}

size_t backtrace_collect(vaddr_t *addresses, size_t limit)
{
	return follow_frames((vaddr_t)__builtin_frame_address(0), addresses, limit);
}

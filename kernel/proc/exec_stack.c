/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack on which a program starts (System V ABI, "process initialization").  From the top:
 *
 *	8 bytes of zero
 *	the path, for AT_EXECFN
 *	environment strings, argument strings		(arguments_start .. strings_end)
 *	a random gap, below 8 KiB
 *	platform string, 16 random bytes
 *	auxiliary vector
 *	environment pointers, NULL
 *	argument pointers, NULL
 *	argument count					<- stack pointer, aligned to 16
 */
#include "arch/clock.h"
#include "arch/machine.h"
#include "lib/abi/mman.h"
#include "lib/abi/time.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/exec_internal.h"
#include "proc/random.h"

#define GAP_MAX      (8 * KIB)
#define RANDOM_BYTES 16
#define STACK_SPARE  (128 * KIB) /* mapped below the arguments from the start */

/* Writes downwards into the new space. */
struct stack_writer {
	struct address_space *space;
	vaddr_t at;
};

static int write_at(struct address_space *space, vaddr_t address, const void *data, size_t size)
{
	ssize_t done = vmm_access(space, address, (void *)(uintptr_t)data, size, VM_WRITE);

	if (done < 0)
		return (int)done;
	return (size_t)done == size ? 0 : -EFAULT;
}

static int push(struct stack_writer *writer, const void *data, size_t size)
{
	writer->at -= size;
	return write_at(writer->space, writer->at, data, size);
}

/* A part of the gathered strings, chunk by chunk. */
static int push_strings(struct stack_writer *writer, const struct exec_strings *strings,
			size_t from, size_t to)
{
	writer->at -= to - from;
	vaddr_t address = writer->at;
	while (from < to) {
		size_t offset = from % PAGE_SIZE, part = MIN(PAGE_SIZE - offset, to - from);
		int error = write_at(writer->space, address,
				     strings->chunks[from / PAGE_SIZE] + offset, part);
		if (error)
			return error;
		from += part;
		address += part;
	}
	return 0;
}

static int push_all_strings(struct exec *exec, struct stack_writer *writer)
{
	const struct exec_strings *strings = &exec->strings;
	size_t first = exec->prefix_count ? exec_strings_first_length(strings) : 0;
	int error = 0;

	exec->strings_end = writer->at;
	error = push_strings(writer, strings, strings->environment_at, strings->bytes);
	exec->environment_start = writer->at;
	if (!error)
		error = push_strings(writer, strings, first, strings->environment_at);
	for (u32 i = exec->prefix_count; i > 0 && !error; i--)
		error = push(writer, exec->prefix[i - 1], strlen(exec->prefix[i - 1]) + 1);
	exec->arguments_start = writer->at;
	return error;
}

/* --- The vectors --- */

static void add_auxiliary(struct exec *exec, u64 type, u64 value)
{
	struct exec_auxiliary *auxiliary = &exec->auxiliary;

	ENSURE(auxiliary->count + 2 <= EXEC_AUXILIARY_WORDS);
	auxiliary->words[auxiliary->count++] = type;
	auxiliary->words[auxiliary->count++] = value;
}

static void fill_auxiliary(struct exec *exec, vaddr_t filename, vaddr_t platform, vaddr_t random)
{
	const struct exec_image *program = &exec->program, *interpreter = &exec->interpreter;
	const struct credentials *credentials = exec->credentials;

	if (exec->space->layout.vdso)
		add_auxiliary(exec, AT_SYSINFO_EHDR, exec->space->layout.vdso);
	add_auxiliary(exec, AT_HWCAP, arch_hwcap());
	add_auxiliary(exec, AT_PAGESZ, PAGE_SIZE);
	add_auxiliary(exec, AT_CLKTCK, LINUX_CLOCKS_PER_SECOND);
	add_auxiliary(exec, AT_PHDR,
		      program->layout.has_phdr ? program->bias + program->layout.phdr : 0);
	add_auxiliary(exec, AT_PHENT, sizeof(struct elf64_phdr));
	add_auxiliary(exec, AT_PHNUM, program->header.e_phnum);
	add_auxiliary(exec, AT_BASE,
		      interpreter->file ? interpreter->bias + interpreter->layout.low : 0);
	add_auxiliary(exec, AT_FLAGS, 0);
	add_auxiliary(exec, AT_ENTRY, program->bias + program->layout.entry);
	add_auxiliary(exec, AT_UID, credentials->uid);
	add_auxiliary(exec, AT_EUID, credentials->euid);
	add_auxiliary(exec, AT_GID, credentials->gid);
	add_auxiliary(exec, AT_EGID, credentials->egid);
	add_auxiliary(exec, AT_SECURE, exec->secure);
	add_auxiliary(exec, AT_RANDOM, random);
	add_auxiliary(exec, AT_HWCAP2, 0);
	add_auxiliary(exec, AT_EXECFN, filename);
	add_auxiliary(exec, AT_PLATFORM, platform);
	add_auxiliary(exec, AT_NULL, 0);
}

/* The length of the string at a place of the gathered ones, with its NUL. */
static size_t string_size(const struct exec_strings *strings, size_t at)
{
	size_t size = 0;

	for (;;) {
		size_t offset = (at + size) % PAGE_SIZE, room = PAGE_SIZE - offset;
		size_t part = strnlen(strings->chunks[(at + size) / PAGE_SIZE] + offset, room);
		size += part;
		if (part < room)
			return size + 1;
	}
}

/* Pointers to the strings from place `from` on, which lie at `address` in the program. */
static u64 *fill_pointers(u64 *to, const struct exec_strings *strings, size_t from, size_t end,
			  vaddr_t address)
{
	while (from < end) {
		size_t size = string_size(strings, from);
		*to++ = address;
		address += size;
		from += size;
	}
	return to;
}

static u64 *fill_arguments(u64 *to, const struct exec *exec)
{
	const struct exec_strings *strings = &exec->strings;
	vaddr_t address = exec->arguments_start;
	size_t first = 0;

	for (u32 i = 0; i < exec->prefix_count; i++) {
		*to++ = address;
		address += strlen(exec->prefix[i]) + 1;
		first = exec_strings_first_length(strings);
	}
	return fill_pointers(to, strings, first, strings->environment_at, address);
}

static int push_vectors(struct exec *exec, struct stack_writer *writer)
{
	const struct exec_strings *strings = &exec->strings;
	u32 arguments = exec_argument_count(exec);
	size_t words = 1 + arguments + 1 + strings->environment + 1 + exec->auxiliary.count;
	u64 *vector = kmalloc(words * sizeof(u64));

	if (!vector)
		return -ENOMEM;
	u64 *at = vector;
	*at++ = arguments;
	at = fill_arguments(at, exec);
	*at++ = 0;
	at = fill_pointers(at, strings, strings->environment_at, strings->bytes,
			   exec->environment_start);
	*at++ = 0;
	memcpy(at, exec->auxiliary.words, exec->auxiliary.count * sizeof(u64));
	ASSERT(at + exec->auxiliary.count == vector + words);

	exec->stack = ALIGN_DOWN(writer->at - words * sizeof(u64), (vaddr_t)16);
	int error = write_at(exec->space, exec->stack, vector, words * sizeof(u64));
	kfree(vector);
	return error;
}

static size_t needed(const struct exec *exec)
{
	size_t strings = exec->strings.bytes + strlen(exec->filename) + 1;
	size_t pointers = (exec_argument_count(exec) + exec->strings.environment + 3) * sizeof(u64);

	for (u32 i = 0; i < exec->prefix_count; i++)
		strings += strlen(exec->prefix[i]) + 1;
	return strings + pointers + sizeof(exec->auxiliary) + GAP_MAX + PAGE_SIZE;
}

int exec_stack_build(struct exec *exec)
{
	const struct elf_layout *layout = &exec->program.layout;
	struct stack_writer writer = {exec->space, exec->space->layout.stack_top};
	u32 protection = PROT_READ | PROT_WRITE;
	u8 random[RANDOM_BYTES];
	const u64 zero = 0;

	if (layout->has_stack && layout->exec_stack)
		protection |= PROT_EXEC;
	int error = vmm_map_stack(exec->space, ALIGN_UP(needed(exec) + STACK_SPARE, PAGE_SIZE),
				  protection);
	if (error)
		return error;

	error = push(&writer, &zero, sizeof(zero));
	if (!error)
		error = push(&writer, exec->filename, strlen(exec->filename) + 1);
	vaddr_t filename = writer.at;
	if (!error)
		error = push_all_strings(exec, &writer);
	if (error)
		return error;

	if (exec->randomize)
		writer.at -= random_u64() % GAP_MAX;
	writer.at &= ~(vaddr_t)15;
	error = push(&writer, arch_name(), strlen(arch_name()) + 1);
	vaddr_t platform = writer.at;
	random_bytes(random, sizeof(random));
	if (!error)
		error = push(&writer, random, sizeof(random));
	if (error)
		return error;
	fill_auxiliary(exec, filename, platform, writer.at);
	return push_vectors(exec, &writer);
}

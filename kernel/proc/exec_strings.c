/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec's argument and environment strings, gathered in kernel memory: the memory that they come
 * from is given up before that to which they go is the program's.
 *
 * Limits, as in Linux: 128 KiB a string; all strings and the pointers to them a quarter of
 * RLIMIT_STACK, at most 6 MiB and at least 128 KiB.
 */
#include "lib/abi/resource.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/exec_internal.h"
#include "proc/rlimit.h"

#define TOTAL_MAX (6 * MIB)
#define TOTAL_MIN (128 * KIB)

static size_t total_limit(void)
{
	return MAX(MIN(rlimit_current(RLIMIT_STACK) / 4, TOTAL_MAX), TOTAL_MIN);
}

static bool add_chunk(struct exec_strings *strings)
{
	char **chunks = krealloc(strings->chunks, (strings->chunk_count + 1) * sizeof(*chunks));
	if (!chunks)
		return false;
	strings->chunks = chunks;
	chunks[strings->chunk_count] = kmalloc(PAGE_SIZE);
	if (!chunks[strings->chunk_count])
		return false;
	strings->chunk_count++;
	return true;
}

/* Copies at most `size` bytes of a string up to and with its NUL; how many, `size` + 1 if the NUL
 * was not among them. */
static ssize_t copy_part(char *to, vaddr_t from, size_t size, bool from_kernel)
{
	if (!from_kernel) {
		ssize_t length = strncpy_from_user(to, (const char __user *)from, size);
		return length < 0 ? length : length + 1;
	}
	size_t length = strnlen((const char *)from, size);
	memcpy(to, (const char *)from, MIN(length + 1, size));
	return (ssize_t)length + 1;
}

static int add_string(struct exec_strings *strings, vaddr_t from, bool from_kernel, size_t limit)
{
	size_t start = strings->bytes;

	for (;;) {
		size_t offset = strings->bytes % PAGE_SIZE, room = PAGE_SIZE - offset;
		if (strings->bytes / PAGE_SIZE == strings->chunk_count && !add_chunk(strings))
			return -ENOMEM;
		ssize_t got = copy_part(strings->chunks[strings->bytes / PAGE_SIZE] + offset, from,
					room, from_kernel);
		if (got < 0)
			return (int)got;
		bool complete = (size_t)got <= room;
		size_t copied = complete ? (size_t)got : room;
		strings->bytes += copied;
		from += copied;
		if (strings->bytes > limit || strings->bytes - start > EXEC_STRING_MAX)
			return -E2BIG;
		if (complete)
			return 0;
	}
}

static int next_pointer(const struct exec_vector *vector, size_t index, vaddr_t *pointer)
{
	if (vector->from_kernel) {
		*pointer = (vaddr_t)vector->kernel[index];
		return 0;
	}
	return get_user(*pointer, vector->user + index * sizeof(vaddr_t));
}

static int gather(struct exec_strings *strings, const struct exec_vector *vector, size_t limit,
		  u32 *count)
{
	*count = 0;
	if (!vector->from_kernel && !vector->user)
		return 0;
	for (;;) {
		vaddr_t pointer;
		int error = next_pointer(vector, *count, &pointer);
		if (error || !pointer)
			return error;
		/* The pointer that the program will get counts, too. */
		size_t pointers = ((size_t)strings->arguments + *count + 1) * sizeof(vaddr_t);
		if (pointers >= limit)
			return -E2BIG;
		error = add_string(strings, pointer, vector->from_kernel, limit - pointers);
		if (error)
			return error;
		++*count;
	}
}

int exec_strings_gather(struct exec *exec, const struct exec_vector *arguments,
			const struct exec_vector *environment)
{
	struct exec_strings *strings = &exec->strings;
	size_t limit = total_limit();
	u32 count;

	int error = gather(strings, arguments, limit, &count);
	if (error)
		return error;
	/* Programs rely on a first argument. */
	if (count == 0) {
		error = add_string(strings, (vaddr_t) "", true, limit);
		if (error)
			return error;
		count = 1;
	}
	strings->arguments = count;
	strings->environment_at = strings->bytes;
	return gather(strings, environment, limit, &strings->environment);
}

void exec_strings_free(struct exec_strings *strings)
{
	for (size_t i = 0; i < strings->chunk_count; i++)
		kfree(strings->chunks[i]);
	kfree(strings->chunks);
	*strings = (struct exec_strings){0};
}

size_t exec_strings_first_length(const struct exec_strings *strings)
{
	size_t length = 0;

	for (size_t chunk = 0; chunk < strings->chunk_count; chunk++) {
		size_t part = strnlen(strings->chunks[chunk], PAGE_SIZE);
		length += part;
		if (part < PAGE_SIZE)
			break;
	}
	return length + 1;
}

u32 exec_argument_count(const struct exec *exec)
{
	return exec->strings.arguments + (exec->prefix_count ? exec->prefix_count - 1 : 0);
}

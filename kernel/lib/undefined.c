/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the checking build does about undefined behaviour: a panic that says where and what.
 *
 * The compiler puts a check before each operation that may be undefined (-fsanitize=..., see the
 * Makefile) and calls one of these functions when it fails, with a description of the place that it
 * has put into the image.  Values of up to eight bytes come as they are, others by address.
 */
#include "lib/undefined.h"

#include "lib/panic.h"

enum { INLINE_BITS_LOG = 6 }; /* values of up to 64 bits are passed by value */

/* A value as a signed number, for the report. */
static long value_of(const struct undefined_type *type, u64 value)
{
	u32 bits = 1u << (type->info >> 1);

	if (type->kind != 0 || type->info >> 1 > INLINE_BITS_LOG)
		return 0;
	if (!(type->info & 1) || bits == 64)
		return (long)value;
	return (long)(value << (64 - bits)) >> (64 - bits);
}

void __ubsan_handle_out_of_bounds(const struct undefined_index *data, u64 index)
{
	panic("%s:%u: undefined: index %ld of %s", data->place.file, data->place.line,
	      value_of(data->index, index), data->array->name);
}

void __ubsan_handle_shift_out_of_bounds(const struct undefined_shift *data, u64 left, u64 right)
{
	panic("%s:%u: undefined: %ld (%s) shifted by %ld", data->place.file, data->place.line,
	      value_of(data->left, left), data->left->name, value_of(data->right, right));
}

void __ubsan_handle_divrem_overflow(const struct undefined_one_type *data, u64 left, u64 right)
{
	panic("%s:%u: undefined: %ld divided by %ld (%s)", data->place.file, data->place.line,
	      value_of(data->type, left), value_of(data->type, right), data->type->name);
}

void __ubsan_handle_load_invalid_value(const struct undefined_one_type *data, u64 value)
{
	panic("%s:%u: undefined: %ld is no value of %s", data->place.file, data->place.line,
	      (long)value, data->type->name);
}

void __ubsan_handle_vla_bound_not_positive(const struct undefined_one_type *data, u64 bound)
{
	panic("%s:%u: undefined: an array of %ld elements", data->place.file, data->place.line,
	      value_of(data->type, bound));
}

void __ubsan_handle_builtin_unreachable(const struct undefined_place_only *data)
{
	panic("%s:%u: undefined: a place that cannot be reached was", data->place.file,
	      data->place.line);
}

void __ubsan_handle_type_mismatch_v1(const struct undefined_mismatch *data, uintptr_t pointer)
{
	panic("%s:%u: undefined: %lx as the address of %s, aligned to %u", data->place.file,
	      data->place.line, pointer, data->type->name, 1u << data->align_log);
}

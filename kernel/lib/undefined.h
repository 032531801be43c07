/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that the compiler knows, and what it passes them: see undefined.c. */
#ifndef LIB_UNDEFINED_H
#define LIB_UNDEFINED_H

#include "lib/types.h"

struct undefined_place {
	const char *file;
	u32 line, column;
};

struct undefined_type {
	u16 kind; /* 0: an integer */
	u16 info; /* of an integer, bit 0: signed; above: logarithm of its bits */
	char name[];
};

struct undefined_place_only {
	struct undefined_place place;
};

struct undefined_index {
	struct undefined_place place;
	const struct undefined_type *array, *index;
};

struct undefined_shift {
	struct undefined_place place;
	const struct undefined_type *left, *right;
};

struct undefined_one_type {
	struct undefined_place place;
	const struct undefined_type *type;
};

struct undefined_mismatch {
	struct undefined_place place;
	const struct undefined_type *type;
	u8 align_log, kind;
};

void __ubsan_handle_out_of_bounds(const struct undefined_index *data, u64 index) __noreturn;
void __ubsan_handle_shift_out_of_bounds(const struct undefined_shift *data, u64 left,
					u64 right) __noreturn;
void __ubsan_handle_divrem_overflow(const struct undefined_one_type *data, u64 left,
				    u64 right) __noreturn;
void __ubsan_handle_load_invalid_value(const struct undefined_one_type *data, u64 value) __noreturn;
void __ubsan_handle_vla_bound_not_positive(const struct undefined_one_type *data,
					   u64 bound) __noreturn;
void __ubsan_handle_builtin_unreachable(const struct undefined_place_only *data) __noreturn;
void __ubsan_handle_type_mismatch_v1(const struct undefined_mismatch *data,
				     uintptr_t pointer) __noreturn;

#endif

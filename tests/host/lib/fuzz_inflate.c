/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the decompressor: any input ends, within its bounds, and what it says it took is what
 * there was. */
#include <stdlib.h>

#include "lib/inflate.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct inflate inflater;

static int count_bytes(void *context, const u8 *bytes, size_t size)
{
	size_t *total = context;

	if (size == 0 || size > INFLATE_WINDOW || bytes < inflater.window ||
	    bytes + size > inflater.window + INFLATE_WINDOW)
		abort();
	*total += size;
	return 0;
}

static void try_one(int (*unpack)(struct inflate *, const void *, size_t, size_t *), const u8 *data,
		    size_t size)
{
	size_t total = 0, consumed;
	int error;

	inflate_init(&inflater, count_bytes, &total);
	error = unpack(&inflater, data, size, &consumed);
	if (consumed > size || (error != 0) != (inflater.error != NULL) ||
	    inflater.error_offset > size)
		abort();
	if (!error && total != inflater.written)
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	try_one(inflate_raw, data, size);
	try_one(inflate_gzip, data, size);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests know of the kernel that the queue believes it runs in. */
#ifndef TESTS_HOST_DRIVERS_VIRTIO_TEST_H
#define TESTS_HOST_DRIVERS_VIRTIO_TEST_H

#include "lib/types.h"

extern const char *last_message; /* why a queue was broken; static text */
extern u32 allocations_to_fail;  /* the next calls of kmalloc */

#endif

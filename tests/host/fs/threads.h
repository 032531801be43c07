/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks as threads of the test program: threads.c. */
#ifndef TESTS_HOST_FS_THREADS_H
#define TESTS_HOST_FS_THREADS_H

#include "lib/types.h"

/* Set before a second thread starts; otherwise who would have to wait ends the program.  Each
 * thread gives itself a test_cpu of its own. */
extern bool threads_several;

#endif

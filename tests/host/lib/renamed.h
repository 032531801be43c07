/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives the kernel's versions of C library functions names of their own, so that they can be tested
 * in a program that needs the host's as well.  Included before everything else by the compiler's
 * command line.
 */
#ifndef TESTS_HOST_LIB_RENAMED_H
#define TESTS_HOST_LIB_RENAMED_H

/* The host's declarations first: what is renamed below is the kernel's only. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <setjmp.h>
#include <stdint.h>
#include <stddef.h>

#define memcpy      kernel_memcpy
#define memmove     kernel_memmove
#define memset      kernel_memset
#define memcmp      kernel_memcmp
#define memchr      kernel_memchr
#define strlen      kernel_strlen
#define strnlen     kernel_strnlen
#define strcmp      kernel_strcmp
#define strncmp     kernel_strncmp
#define strcasecmp  kernel_strcasecmp
#define strncasecmp kernel_strncasecmp
#define strchr      kernel_strchr
#define strrchr     kernel_strrchr
#define strstr      kernel_strstr
#define snprintf    kernel_snprintf
#define vsnprintf   kernel_vsnprintf

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP wants from the compiler and the kernel. */
#ifndef LWIP_ARCH_CC_H
#define LWIP_ARCH_CC_H

#include "lib/types.h"

/* Integer types come from <stdint.h>; numbers are printed by the kernel's own formats. */
#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H   1
#define LWIP_NO_UNISTD_H   1
#define LWIP_NO_CTYPE_H    1
#define X8_F               "02x"
#define U16_F              "u"
#define S16_F              "d"
#define X16_F              "x"
#define U32_F              "u"
#define S32_F              "d"
#define X32_F              "x"
#define SZT_F              "lu"
#define SSIZE_MAX          LONG_MAX

/* The library tests flags that it casts away. */
#define LWIP_CONST_CAST(target_type, val) ((target_type)((uintptr_t)val))

/* An assertion of the library that does not hold: only the checking build asks. */
void lwip_port_assert(const char *text, const char *file, int line);
#define LWIP_PLATFORM_ASSERT(text) lwip_port_assert(text, __FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(x)      ((void)0)

u32 lwip_port_random(void);
#define LWIP_RAND() lwip_port_random()

#endif

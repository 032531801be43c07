/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's <string.h>: the kernel's. */
#ifndef LWIP_PORT_STRING_H
#define LWIP_PORT_STRING_H

#include "lib/string.h"

#endif

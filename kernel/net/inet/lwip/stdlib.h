/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's <stdlib.h>: nothing of it is used. */

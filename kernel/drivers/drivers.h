/* SPDX-License-Identifier: BSD-2-Clause */
/* The floor of the drivers, as a whole. */
#ifndef DRIVERS_DRIVERS_H
#define DRIVERS_DRIVERS_H

/* Finds and starts every device that we drive.  From the init thread, before the first program; may
 * sleep. */
void drivers_init(const char *command_line);

#endif

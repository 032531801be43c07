/* SPDX-License-Identifier: BSD-2-Clause */
/* uname(2), sysinfo(2), getrandom(2), reboot(2), syslog(2), personality(2) as programs see them. */
#ifndef LIB_ABI_SYSTEM_H
#define LIB_ABI_SYSTEM_H

#include "lib/assert.h"
#include "lib/types.h"

struct linux_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

/* Memory in units of mem_unit bytes; loads times 65536. */
struct linux_sysinfo {
	s64 uptime;
	u64 loads[3];
	u64 total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
	u16 procs;
	u16 pad;
	u64 total_high, free_high;
	u32 mem_unit;
};
BUILD_ASSERT(sizeof(struct linux_sysinfo) == 112);

enum { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4 };

#define LINUX_REBOOT_MAGIC1  0xfee1deadu
#define LINUX_REBOOT_MAGIC2  672274793u
#define LINUX_REBOOT_MAGIC2A 85072278u
#define LINUX_REBOOT_MAGIC2B 369367448u
#define LINUX_REBOOT_MAGIC2C 537993216u

#define LINUX_REBOOT_CMD_RESTART   0x01234567u
#define LINUX_REBOOT_CMD_HALT      0xcdef0123u
#define LINUX_REBOOT_CMD_CAD_ON    0x89abcdefu
#define LINUX_REBOOT_CMD_CAD_OFF   0x00000000u
#define LINUX_REBOOT_CMD_POWER_OFF 0x4321fedcu
#define LINUX_REBOOT_CMD_RESTART2  0xa1b2c3d4u

enum {
	SYSLOG_ACTION_CLOSE = 0,
	SYSLOG_ACTION_OPEN = 1,
	SYSLOG_ACTION_READ = 2,
	SYSLOG_ACTION_READ_ALL = 3,
	SYSLOG_ACTION_READ_CLEAR = 4,
	SYSLOG_ACTION_CLEAR = 5,
	SYSLOG_ACTION_CONSOLE_OFF = 6,
	SYSLOG_ACTION_CONSOLE_ON = 7,
	SYSLOG_ACTION_CONSOLE_LEVEL = 8,
	SYSLOG_ACTION_SIZE_UNREAD = 9,
	SYSLOG_ACTION_SIZE_BUFFER = 10,
};

#endif

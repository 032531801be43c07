/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp(2): thin functions on proc/seccomp.h. */
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/seccomp.h"
#include "syscall/table.h"

long sys_seccomp(u32 operation, u32 flags, vaddr_t argument)
{
	u32 action;

	switch (operation) {
	case SECCOMP_SET_MODE_STRICT:
		return flags != 0 || argument != 0 ? -EINVAL : seccomp_set_strict();
	case SECCOMP_SET_MODE_FILTER:
		return seccomp_set_filter(flags, argument);
	case SECCOMP_GET_ACTION_AVAIL:
		if (flags != 0)
			return -EINVAL;
		if (get_user(action, argument) != 0)
			return -EFAULT;
		return seccomp_knows_action(action) ? 0 : -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

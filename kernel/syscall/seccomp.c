/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp(2): thin functions on proc/seccomp.h. */
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/seccomp.h"
#include "syscall/table.h"

long sys_seccomp(u32 operation, u32 flags, vaddr_t argument)
{
	const struct linux_seccomp_notif_sizes sizes = {
		.notif = sizeof(struct linux_seccomp_notif),
		.resp = sizeof(struct linux_seccomp_notif_resp),
		.data = sizeof(struct linux_seccomp_data),
	};
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
	case SECCOMP_GET_NOTIF_SIZES:
		if (flags != 0)
			return -EINVAL;
		return put_user(sizes, argument) != 0 ? -EFAULT : 0;
	default:
		return -EINVAL;
	}
}

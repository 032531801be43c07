/* SPDX-License-Identifier: BSD-2-Clause */
/* futex(2) refuses what it must before it looks at memory. */
#include "ipc/futex.h"
#include "lib/abi/futex.h"
#include "lib/errno.h"
#include "tests/kernel/ktest.h"

KTEST(futex_refuses_bad_arguments)
{
	KEXPECT(futex_call(0x1001, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0) == -EINVAL);
	KEXPECT(futex_call(~(vaddr_t)3, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0) == -EFAULT);
	KEXPECT(futex_call(0x1000, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0) == -EINVAL);
	KEXPECT(futex_call(0x1000, 77, 0, 0, 0, 0) == -ENOSYS);
	KEXPECT(futex_call(0x1000, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, 0, 0, 0) == -ENOSYS);
	KEXPECT(futex_call(0x1000, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, UINT32_MAX, 1, 0x1000,
			   0) == -EINVAL);
}

KTEST(futex_wake_of_nobody_wakes_nobody)
{
	KEXPECT(futex_call(0x1000, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0) == 0);
	KEXPECT(futex_call(0x1000, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0) == -EINVAL);
}

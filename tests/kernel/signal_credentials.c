/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may do what with a file, by numbers and capabilities; and the arithmetic of times. */
#include "lib/abi/time.h"
#include "lib/errno.h"
#include "lib/sync.h"
#include "proc/credentials.h"
#include "proc/time.h"
#include "proc/user_namespace.h"
#include "tests/kernel/ktest.h"

enum { READ = PERMISSION_READ, WRITE = PERMISSION_WRITE, EXECUTE = PERMISSION_EXECUTE };
enum { FILE_TYPE = 0100000, DIRECTORY_TYPE = 0040000 };

KTEST(credentials_permission_asks_owner_then_group_then_others)
{
	struct group_set *groups = group_set_create(2);

	KREQUIRE(groups != NULL);
	groups->ids[0] = 50;
	groups->ids[1] = 60;
	struct credentials user = {.fsuid = 1000,
				   .fsgid = 1000,
				   .groups = groups,
				   .user_namespace = user_namespace_first()};

	KEXPECT(credentials_permission(&user, 1000, 1, FILE_TYPE | 0600, READ | WRITE) == 0);
	KEXPECT(credentials_permission(&user, 1000, 1, FILE_TYPE | 0077, READ) == -EACCES);
	KEXPECT(credentials_permission(&user, 1, 60, FILE_TYPE | 0040, READ) == 0);
	KEXPECT(credentials_permission(&user, 1, 50, FILE_TYPE | 0704, READ) == -EACCES);
	KEXPECT(credentials_permission(&user, 1, 55, FILE_TYPE | 0004, READ) == 0);
	KEXPECT(credentials_permission(&user, 1, 55, FILE_TYPE | 0004, WRITE) == -EACCES);
	group_set_put(groups);
}

KTEST(credentials_permission_override_does_not_execute_data)
{
	struct group_set *groups = group_set_create(0);

	KREQUIRE(groups != NULL);
	struct credentials root = {.cap_effective = CAP_ALL,
				   .groups = groups,
				   .user_namespace = user_namespace_first()};

	KEXPECT(credentials_permission(&root, 1, 1, FILE_TYPE | 0000, READ | WRITE) == 0);
	KEXPECT(credentials_permission(&root, 1, 1, FILE_TYPE | 0666, EXECUTE) == -EACCES);
	KEXPECT(credentials_permission(&root, 1, 1, FILE_TYPE | 0100, EXECUTE) == 0);
	KEXPECT(credentials_permission(&root, 1, 1, DIRECTORY_TYPE | 0000, EXECUTE) == 0);
	group_set_put(groups);
}

KTEST(time_conversions_saturate_and_refuse)
{
	struct linux_timespec huge = {INT64_MAX, 999999999}, bad = {0, 1000000000},
			      negative = {-1, 0};

	KEXPECT(timespec_valid(&huge) && timespec_to_nsec(&huge) == INT64_MAX);
	KEXPECT(!timespec_valid(&bad) && !timespec_valid(&negative));
	KEXPECT(time_after(INT64_MAX) == NO_DEADLINE);
	KEXPECT(nsec_to_timespec(1500000000).tv_sec == 1 &&
		nsec_to_timespec(1500000000).tv_nsec == 500000000);
}

KTEST(time_wall_follows_the_monotonic_clock)
{
	nsec_t before = time_wall(), monotonic, again;

	KREQUIRE(time_read_clock(CLOCK_MONOTONIC, &monotonic) == 0);
	KEXPECT(time_read_clock(CLOCK_REALTIME, &again) == 0 && again >= before);
	KEXPECT(time_wall_to_monotonic(again) >= monotonic);
	KEXPECT(time_read_clock(12, &again) == -EINVAL);
	KEXPECT(time_read_clock(CLOCK_PROCESS_CPUTIME_ID, &again) == 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of one mount of huge pages may have, and have for certain; see hugetlb.h.
 *
 * `reserved` is how much of `least` nobody has yet; it is part of what the pool has reserved.  A
 * page that is promised to a file comes from there first.  What is given back fills it up again,
 * if the pool has a block for it by then.
 */
#include "lib/errno.h"
#include "mm/hugetlb_internal.h"

int hugetlb_quota_init(struct hugetlb_quota *quota, enum hugetlb_size size, size_t most,
		       size_t least)
{
	*quota = (struct hugetlb_quota){
		.size = size, .most = most, .least = least, .reserved = least};
	spin_lock_init(&quota->lock);
	return least == 0 || hugetlb_pool_reserve(size, least) ? 0 : -ENOMEM;
}

void hugetlb_quota_end(struct hugetlb_quota *quota)
{
	hugetlb_pool_unreserve(quota->size, quota->reserved);
	quota->reserved = 0;
}

long hugetlb_quota_get(struct hugetlb_quota *quota, size_t blocks)
{
	long result = -ENOMEM;

	if (quota == NULL)
		return (long)blocks;
	spin_lock(&quota->lock);
	if (blocks <= quota->most - quota->used) {
		size_t kept = MIN(quota->reserved, blocks);
		quota->used += blocks;
		quota->reserved -= kept;
		result = (long)(blocks - kept);
	}
	spin_unlock(&quota->lock);
	return result;
}

size_t hugetlb_quota_put(struct hugetlb_quota *quota, size_t blocks, size_t reserved)
{
	if (quota == NULL)
		return reserved;
	spin_lock(&quota->lock);
	quota->used -= blocks;
	size_t target = quota->least - MIN(quota->least, quota->used);
	size_t missing = target - MIN(target, quota->reserved);
	size_t kept = MIN(missing, reserved);
	size_t more = MIN(missing - kept, blocks - reserved);
	quota->reserved += kept;
	if (more != 0 && hugetlb_pool_reserve(quota->size, more))
		quota->reserved += more;
	spin_unlock(&quota->lock);
	return reserved - kept;
}

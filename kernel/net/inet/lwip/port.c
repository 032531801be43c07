/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lwIP gets from the kernel: memory, random numbers, a clock, and a place for its assertions.
 *
 * Memory is the heap's, and there are no pools; kmalloc may be called from anywhere, so buffers may
 * be made and freed without the stack's lock.  Of the records that strangers can make the library
 * keep (fragments, packets that wait for a neighbour's address) there are only so many: what is
 * above the limit is "no memory", with which the library deals.  The counts are atomic; there are
 * no locks.
 */
#include <lwip/init.h>
#include <lwip/mem.h>
#include <lwip/memp.h>
#include <lwip/sys.h>
/* All that the list of records (memp_std.h) takes the sizes of. */
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/pbuf.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/raw.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "arch/clock.h"
#include "lib/assert.h"
#include "lib/panic.h"
#include "mm/kmalloc.h"
#include "net/inet/lwip/hooks.h"
#include "proc/random.h"

/* --- Memory --- */

void mem_init(void) {}

void *mem_malloc(mem_size_t size)
{
	return kmalloc(size);
}

void *mem_calloc(mem_size_t count, mem_size_t size)
{
	return kcalloc(count, size);
}

/* Blocks are not given back in part. */
void *mem_trim(void *block, mem_size_t size __unused)
{
	return block;
}

void mem_free(void *block)
{
	kfree(block);
}

static const u32 sizes[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, number, size, text) [MEMP_##name] = (size),
#include <lwip/priv/memp_std.h>
};

/* 0: as many as there is memory for. */
static const u32 limits[MEMP_MAX] = {
	[MEMP_REASSDATA] = MEMP_NUM_REASSDATA,   [MEMP_IP6_REASSDATA] = MEMP_NUM_REASSDATA,
	[MEMP_FRAG_PBUF] = MEMP_NUM_FRAG_PBUF,   [MEMP_ARP_QUEUE] = MEMP_NUM_ARP_QUEUE,
	[MEMP_ND6_QUEUE] = MEMP_NUM_ND6_QUEUE,   [MEMP_IGMP_GROUP] = MEMP_NUM_IGMP_GROUP,
	[MEMP_MLD6_GROUP] = MEMP_NUM_MLD6_GROUP,
};

static u32 used[MEMP_MAX]; /* atomic; only of those with a limit */

void memp_init(void) {}

void *memp_malloc(memp_t type)
{
	void *record;

	if (limits[type] == 0)
		return kmalloc(sizes[type]);
	record = __atomic_add_fetch(&used[type], 1, __ATOMIC_RELAXED) <= limits[type]
			 ? kmalloc(sizes[type])
			 : NULL;
	if (record == NULL)
		__atomic_sub_fetch(&used[type], 1, __ATOMIC_RELAXED);
	return record;
}

void memp_free(memp_t type, void *record)
{
	if (record != NULL && limits[type] != 0)
		__atomic_sub_fetch(&used[type], 1, __ATOMIC_RELAXED);
	kfree(record);
}

/* --- Clock, random numbers, assertions --- */

u32_t sys_now(void)
{
	return (u32_t)(clock_monotonic() / NSEC_PER_MSEC);
}

u32 lwip_port_random(void)
{
	u32 value;

	random_bytes(&value, sizeof(value));
	return value;
}

void lwip_port_assert(const char *text, const char *file, int line)
{
	panic("%s:%d: lwIP: %s", file, line, text);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces on the real MMU: a kernel thread enters one and uses it as a program would, by
 * user copies. */
#include "arch/clock.h"
#include "lib/abi/mman.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/space.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

enum { RW = PROT_READ | PROT_WRITE, PAGES = 700 };

static void enter(struct address_space *space)
{
	preempt_disable();
	vmm_switch_address_space(space);
	preempt_enable();
}

/* The thread may not lose its CPU while it borrows a space, but user copies must be free to fault:
 * so it looks from outside. */
static u64 peek(struct address_space *space, vaddr_t address)
{
	u64 value = ~(u64)0;

	KEXPECT(vmm_access(space, address, &value, sizeof(value), VM_READ) == sizeof(value));
	return value;
}

static void poke(struct address_space *space, vaddr_t address, u64 value)
{
	KEXPECT(vmm_access(space, address, &value, sizeof(value), VM_WRITE) == sizeof(value));
}

KTEST(mm_fork_child_write_leaves_parent_unchanged)
{
	struct address_space *parent = vmm_create_address_space();

	KREQUIRE(parent != NULL);
	vmm_init_layout(parent, true);
	long at = vmm_mmap(parent, 0, PAGES * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	KREQUIRE(at > 0);
	for (u64 page = 0; page < PAGES; page++)
		poke(parent, (vaddr_t)at + page * PAGE_SIZE, page);
	struct address_space *child = vmm_copy_address_space(parent);
	KREQUIRE(child != NULL);
	for (u64 page = 0; page < PAGES; page += 2)
		poke(child, (vaddr_t)at + page * PAGE_SIZE, page + 1000);
	for (u64 page = 0; page < PAGES; page++) {
		KEXPECT(peek(parent, (vaddr_t)at + page * PAGE_SIZE) == page);
		KEXPECT(peek(child, (vaddr_t)at + page * PAGE_SIZE) ==
			page + (page % 2 ? 0 : 1000));
	}
	vmm_put_address_space(parent);
	KEXPECT(peek(child, (vaddr_t)at + PAGE_SIZE) == 1);
	vmm_put_address_space(child);
}

KTEST(mm_user_copies_without_a_page_fail_where_sleeping_is_forbidden)
{
	struct address_space *space = vmm_create_address_space();
	u32 word = 0;

	KREQUIRE(space != NULL);
	vmm_init_layout(space, false);
	long at = vmm_mmap(space, 0, 2 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	KREQUIRE(at > 0);
	poke(space, (vaddr_t)at, 77);
	preempt_disable();
	vmm_switch_address_space(space);
	KEXPECT(get_user(word, (vaddr_t)at) == 0 && word == 77);
	KEXPECT(get_user(word, (vaddr_t)at + PAGE_SIZE) == -EFAULT);
	KEXPECT(get_user(word, KERNEL_BASE) == -EFAULT);
	vmm_switch_address_space(NULL);
	preempt_enable();
	vmm_put_address_space(space);
}

KTEST(mm_nothing_is_left_of_a_space)
{
	size_t users = frame_count_kind(FRAME_USER), tables = frame_count_kind(FRAME_TABLE);
	struct address_space *space = vmm_create_address_space();

	KREQUIRE(space != NULL);
	vmm_init_layout(space, true);
	KEXPECT(vmm_map_stack(space, 64 * KIB, RW) == 0);
	KEXPECT(vmm_map_vdso(space) == 0);
	long at = vmm_mmap(space, 0, 4 * MIB, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, NULL,
			   0);
	KEXPECT(at > 0);
	KEXPECT(frame_count_kind(FRAME_USER) >= users + 4 * MIB / PAGE_SIZE);
	enter(space);
	enter(NULL);
	vmm_put_address_space(space);
	KEXPECT(frame_count_kind(FRAME_USER) == users);
	KEXPECT(frame_count_kind(FRAME_TABLE) == tables);
}

static void visit(void *space)
{
	enter(space);
	task_exit(0);
}

static void be_interrupted(void *argument __unused) {}

/* What the idle CPU does when it is interrupted while this one runs the space. */
static bool idle_cpu_leaves(struct address_space *space, cpumask_t idle)
{
	nsec_t until = clock_monotonic() + 20 * NSEC_PER_SEC;
	bool left;

	preempt_disable();
	vmm_switch_address_space(space);
	do {
		cpus_call(idle, be_interrupted, NULL);
		left = !(__atomic_load_n(&space->cpus, __ATOMIC_SEQ_CST) & idle);
	} while (!left && clock_monotonic() < until);
	vmm_switch_address_space(NULL);
	preempt_enable();
	return left;
}

KTEST(mm_an_idle_cpu_leaves_a_space_that_another_runs)
{
	if (!(cpus_online() & cpumask_of(1)))
		KSKIP("one CPU");
	struct address_space *space = vmm_create_address_space();
	KREQUIRE(space != NULL);
	KREQUIRE(task_set_affinity(current, cpumask_of(0)) == 0);
	struct task *task = kernel_thread_create_on(1, visit, space, "visitor");
	KREQUIRE(!IS_ERR(task));
	task_put(task);
	for (int wait = 0; wait < 2000 && !(READ_ONCE(space->cpus) & cpumask_of(1)); wait++)
		task_sleep(10 * NSEC_PER_MSEC);
	KEXPECT(READ_ONCE(space->cpus) & cpumask_of(1));
	KEXPECT(idle_cpu_leaves(space, cpumask_of(1)));
	KEXPECT(task_set_affinity(current, CPUMASK_ALL) == 0);
	vmm_put_address_space(space);
}

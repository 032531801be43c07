/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences: see rseq.h, and rseq(2) of the Linux man pages' draft.
 *
 * A thread stores the address of a descriptor in its area before it enters a sequence.  When it
 * comes back from an interruption with the instruction pointer inside, it goes on at the abort
 * address; when outside, the descriptor is stale and the kernel clears it.  The four bytes before
 * the abort address are a signature, so that a program cannot be made to jump just anywhere.
 */
#include "proc/rseq.h"

#include "arch/trap.h"
#include "lib/abi/rseq.h"
#include "lib/abi/sched.h"
#include "lib/abi/signal.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/signal.h"

#define FIELD(area, name) ((area) + offsetof(struct linux_rseq, name))

static int check_section(const struct linux_rseq_cs *section)
{
	u64 end = section->start_ip + section->post_commit_offset;
	u32 signature;

	if (section->start_ip >= USER_TOP || end >= USER_TOP || section->abort_ip >= USER_TOP ||
	    section->version > 0 || end < section->start_ip)
		return -EINVAL;
	if (section->abort_ip - section->start_ip < section->post_commit_offset)
		return -EINVAL;
	if (get_user(signature, section->abort_ip - sizeof(signature)) != 0)
		return -EFAULT;
	return signature == current->rseq.signature ? 0 : -EINVAL;
}

/* Leaves the sequence that the program is in, if it is in one. */
static int abandon(struct trap_frame *frame, vaddr_t area)
{
	struct linux_rseq_cs section;
	u64 address;
	u32 flags;

	if (get_user(address, FIELD(area, rseq_cs)) != 0)
		return -EFAULT;
	if (address == 0)
		return 0;
	if (address >= USER_TOP)
		return -EINVAL;
	if (get_user(section, address) != 0)
		return -EFAULT;
	int result = check_section(&section);
	if (result != 0)
		return result;
	bool inside = trap_ip(frame) - section.start_ip < section.post_commit_offset;
	if (inside) {
		if (get_user(flags, FIELD(area, flags)) != 0)
			return -EFAULT;
		if (flags != 0 || section.flags != 0)
			return -EINVAL;
	}
	if (put_user((u64)0, FIELD(area, rseq_cs)) != 0)
		return -EFAULT;
	if (inside)
		trap_set_ip(frame, section.abort_ip);
	return 0;
}

static int tell_cpu(vaddr_t area)
{
	/* Should the task move on after this, the switch finds that the two differ. */
	preempt_disable();
	u32 numbers[2] = {cpu_id(), cpu_id()};
	current->rseq.cpu = numbers[0];
	preempt_enable();
	return copy_to_user((void __user *)FIELD(area, cpu_id_start), numbers, sizeof(numbers));
}

int rseq_settle(struct trap_frame *frame)
{
	vaddr_t area = current->rseq.area;

	if (area == 0)
		return 0;
	task_work_clear(current, TASK_WORK_RSEQ);
	int result = abandon(frame, area);
	return result != 0 ? result : tell_cpu(area);
}

void rseq_resume(struct trap_frame *frame)
{
	struct siginfo info;

	task_work_clear(current, TASK_WORK_RSEQ);
	if (rseq_settle(frame) == 0)
		return;
	siginfo_init(&info, SIGSEGV, SI_KERNEL);
	signal_force(&info);
}

void rseq_fork(struct task *child, u64 clone_flags)
{
	if (clone_flags & CLONE_VM)
		return;
	child->rseq.area = current->rseq.area;
	child->rseq.signature = current->rseq.signature;
	child->rseq.cpu = RSEQ_CPU_UNINITIALIZED;
}

void rseq_exec(void)
{
	current->rseq = (struct rseq_task){.area = 0};
}

static long unregister(vaddr_t area, u32 size, u32 signature)
{
	struct linux_rseq none = {.cpu_id_start = 0, .cpu_id = RSEQ_CPU_UNINITIALIZED};
	struct rseq_task *mine = &current->rseq;

	if (mine->area != area || mine->area == 0 || size != sizeof(struct linux_rseq))
		return -EINVAL;
	if (mine->signature != signature)
		return -EPERM;
	if (copy_to_user((void __user *)area, &none, offsetof(struct linux_rseq, rseq_cs)) != 0)
		return -EFAULT;
	rseq_exec();
	return 0;
}

long rseq_register(vaddr_t area, u32 size, int flags, u32 signature)
{
	struct rseq_task *mine = &current->rseq;

	if (flags == RSEQ_FLAG_UNREGISTER)
		return unregister(area, size, signature);
	if (flags != 0)
		return -EINVAL;
	if (mine->area != 0) {
		if (mine->area != area || size != sizeof(struct linux_rseq))
			return -EINVAL;
		return mine->signature != signature ? -EPERM : -EBUSY;
	}
	if (area % alignof(struct linux_rseq) != 0 || size != sizeof(struct linux_rseq))
		return -EINVAL;
	if (!user_range_ok(area, size))
		return -EFAULT;
	*mine = (struct rseq_task){
		.area = area, .signature = signature, .cpu = RSEQ_CPU_UNINITIALIZED};
	task_work_set(current, TASK_WORK_RSEQ);
	return 0;
}

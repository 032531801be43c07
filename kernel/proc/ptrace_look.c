/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at a stopped tracee, and changing it: memory, registers, signals.
 *
 * The tracee is frozen, so its registers and the notes about its stop stand still; its memory may
 * be shared with threads that run.
 */
#include "arch/debug.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/iov.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/process.h"
#include "proc/ptrace_internal.h"
#include "proc/signal_internal.h"

/* --- Memory: a word at a time --- */

static long access_word(struct task *task, vaddr_t address, u64 *word, u32 mode)
{
	if (task->space == NULL)
		return -EIO;
	ssize_t count = vmm_access(task->space, address, word, sizeof(*word), mode | VM_FORCE);

	return count == sizeof(*word) ? 0 : -EIO;
}

static long peek(struct task *task, vaddr_t address, vaddr_t data)
{
	u64 word;
	long result = access_word(task, address, &word, VM_READ);

	return result == 0 ? put_user(word, data) : result;
}

static long peek_user(struct task *task, vaddr_t offset, vaddr_t data)
{
	u64 word;
	long result = arch_user_word_get(&task->arch, task_frame_of(task), offset, &word);

	return result == 0 ? put_user(word, data) : result;
}

/* --- Registers --- */

static long get_set(struct task *task, u32 type, vaddr_t to, size_t size)
{
	size_t whole = arch_regset_size(type);
	void *buffer = kzalloc(whole);

	if (buffer == NULL)
		return -ENOMEM;
	arch_regset_get(&task->arch, task_frame_of(task), type, buffer);
	long result = copy_to_user((void __user *)to, buffer, MIN(size, whole));
	kfree(buffer);
	return result;
}

static long set_set(struct task *task, u32 type, vaddr_t from, size_t size)
{
	size_t whole = arch_regset_size(type);
	void *buffer = kzalloc(whole);

	if (buffer == NULL)
		return -ENOMEM;
	size = MIN(size, whole);
	long result = copy_from_user(buffer, (const void __user *)from, size);
	if (result == 0)
		result = arch_regset_set(&task->arch, task_frame_of(task), type, buffer, size);
	kfree(buffer);
	return result;
}

/* PTRACE_GETREGSET and PTRACE_SETREGSET: `vector` is the address of one buffer, of which the length
 * becomes what was used. */
static long use_set(struct task *task, u32 type, vaddr_t vector, bool set)
{
	struct user_iovec buffer;

	if (get_user(buffer, vector) != 0)
		return -EFAULT;
	size_t whole = arch_regset_size(type);
	if (whole == 0 || buffer.length % sizeof(u64) != 0)
		return -EINVAL;
	buffer.length = MIN(buffer.length, (u64)whole);
	long result = set ? set_set(task, type, buffer.base, buffer.length)
			  : get_set(task, type, buffer.base, buffer.length);
	if (result == 0)
		result = put_user(buffer.length, vector + offsetof(struct user_iovec, length));
	return result;
}

/* --- Signals --- */

static long put_siginfo(vaddr_t address, const struct siginfo *info)
{
	u8 whole[SIGINFO_SIZE] = {0};

	memcpy(whole, info, sizeof(*info));
	return copy_to_user((void __user *)address, whole, sizeof(whole));
}

static long get_info(struct task *task, vaddr_t data)
{
	return task->ptrace.has_info ? put_siginfo(data, &task->ptrace.info) : -EINVAL;
}

static long set_info(struct task *task, vaddr_t data)
{
	struct siginfo info;

	if (!task->ptrace.has_info)
		return -EINVAL;
	if (get_user(info, data) != 0)
		return -EFAULT;
	task->ptrace.info = info;
	return 0;
}

/* The entry with that number in the queue; false behind the last. */
static bool queued_info(struct task *task, bool shared, u64 number, struct siginfo *info)
{
	struct process *process = task->process;
	struct signal_entry *entry;
	bool found = false;
	unsigned long flags = spin_lock_irqsave(&process->lock);

	list_for_each_entry (
		entry, shared ? &process->signals.pending.entries : &task->signals.pending.entries,
		link) {
		found = number-- == 0;
		if (found) {
			*info = entry->info;
			break;
		}
	}
	spin_unlock_irqrestore(&process->lock, flags);
	return found;
}

static long peek_queue(struct task *task, vaddr_t address, vaddr_t data)
{
	struct linux_peeksiginfo wanted;
	struct siginfo info;
	long count = 0;

	if (get_user(wanted, address) != 0)
		return -EFAULT;
	if (wanted.flags & ~PTRACE_PEEKSIGINFO_SHARED || wanted.count < 0)
		return -EINVAL;
	bool shared = wanted.flags & PTRACE_PEEKSIGINFO_SHARED;
	while (count < wanted.count &&
	       queued_info(task, shared, wanted.offset + (u64)count, &info)) {
		if (put_siginfo(data + (vaddr_t)count * SIGINFO_SIZE, &info) != 0)
			return count > 0 ? count : -EFAULT;
		count++;
	}
	return count;
}

static long use_mask(struct task *task, vaddr_t size, vaddr_t data, bool set)
{
	struct process *process = task->process;
	sigset_t mask =
		task->signals.restore_blocked ? task->signals.saved_blocked : task->signals.blocked;

	if (size != sizeof(mask))
		return -EINVAL;
	if (!set)
		return put_user(mask, data);
	if (get_user(mask, data) != 0)
		return -EFAULT;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	task->signals.blocked = mask & ~SIGNALS_UNBLOCKABLE;
	task->signals.restore_blocked = false;
	task_work_set(task, TASK_WORK_SIGNAL);
	spin_unlock_irqrestore(&process->lock, flags);
	return 0;
}

/* --- System calls --- */

static long get_syscall_info(struct task *task, vaddr_t size, vaddr_t data)
{
	const struct ptrace_task *its = &task->ptrace;
	const struct trap_frame *frame = task_frame_of(task);
	struct linux_syscall_info info = {
		.arch = arch_audit_number(), .ip = trap_ip(frame), .sp = trap_sp(frame)};
	size_t actual = offsetof(struct linux_syscall_info, entry);

	if (its->has_info && its->info.code == (SIGTRAP | 0x80)) {
		info.op = (u8)its->message;
		if (info.op == SYSCALL_INFO_ENTRY) {
			info.entry.number = (u64)arch_syscall_number(frame);
			for (unsigned i = 0; i < 6; i++)
				info.entry.arguments[i] = trap_syscall_argument(frame, i);
			actual = sizeof(info);
		} else {
			long result = trap_result(frame);
			info.exit.result = result;
			info.exit.is_error = result < 0 && result >= -4095;
			actual = offsetof(struct linux_syscall_info, exit.is_error) + 1;
		}
	}
	if (copy_to_user((void __user *)data, &info, MIN(size, actual)) != 0)
		return -EFAULT;
	return (long)actual;
}

long ptrace_look(struct task *task, long request, vaddr_t address, vaddr_t data)
{
	u64 word = data;

	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(task, address, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return access_word(task, address, &word, VM_WRITE);
	case PTRACE_PEEKUSER:
		return peek_user(task, address, data);
	case PTRACE_POKEUSER:
		return arch_user_word_set(&task->arch, task_frame_of(task), address, data);
	case PTRACE_GETREGS:
		return get_set(task, REGSET_GENERAL, data, SIZE_MAX);
	case PTRACE_SETREGS:
		return set_set(task, REGSET_GENERAL, data, SIZE_MAX);
	case PTRACE_GETFPREGS:
		return get_set(task, REGSET_FLOAT, data, SIZE_MAX);
	case PTRACE_SETFPREGS:
		return set_set(task, REGSET_FLOAT, data, SIZE_MAX);
	case PTRACE_GETREGSET:
		return use_set(task, (u32)address, data, false);
	case PTRACE_SETREGSET:
		return use_set(task, (u32)address, data, true);
	case PTRACE_GETEVENTMSG:
		return put_user(task->ptrace.message, data);
	case PTRACE_GETSIGINFO:
		return get_info(task, data);
	case PTRACE_SETSIGINFO:
		return set_info(task, data);
	case PTRACE_PEEKSIGINFO:
		return peek_queue(task, address, data);
	case PTRACE_GETSIGMASK:
		return use_mask(task, address, data, false);
	case PTRACE_SETSIGMASK:
		return use_mask(task, address, data, true);
	case PTRACE_GET_SYSCALL_INFO:
		return get_syscall_info(task, address, data);
	default:
		return -EIO;
	}
}

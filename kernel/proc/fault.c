/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults and exceptions: a fault goes to mm; what it cannot resolve, and every other exception,
 * becomes a signal to the thread that caused it.
 */
#include "arch/mmu.h"
#include "arch/trap.h"
#include "lib/abi/signal.h"
#include "lib/errno.h"
#include "lib/trace.h"
#include "mm/vmm.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/task.h"

/* No memory for a page that the program must have: it cannot go on, and no handler could run. */
static void kill_for_memory(struct process *process)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);
	process_begin_exit_locked(process, SIGKILL);
	spin_unlock_irqrestore(&process->lock, flags);
}

static void send_fault_signal(const struct fault_signal *fault, unsigned fault_flags)
{
	if (fault->signal == SIGKILL)
		kill_for_memory(current->process);
	else if (fault->si_code == SEGV_PKUERR && fault->signal == SIGSEGV)
		signal_force_key_fault(fault->key, fault->address, TRAP_PAGE_FAULT, fault_flags);
	else
		signal_force_fault(fault->signal, fault->si_code, fault->address, TRAP_PAGE_FAULT,
				   fault_flags);
}

bool fault_entry(struct trap_frame *frame, vaddr_t address, unsigned fault_flags)
{
	struct task *task = current;
	struct fault_signal fault;

	trace_point(TRACE_PAGE_FAULT, address, fault_flags, trap_ip(frame), 0);
	if (!trap_from_user(frame)) {
		if (task)
			task->times.minor_faults++;
		return vmm_handle_page_fault(address, fault_flags, &fault) == 0;
	}
	task->times.minor_faults++;
	if (vmm_handle_page_fault(address, fault_flags, &fault) < 0)
		send_fault_signal(&fault, fault_flags);
	return true;
}

void exception_entry(struct trap_frame *frame __unused, int signal, int si_code, vaddr_t si_addr,
		     int trap_number, u64 error_code)
{
	signal_force_fault(signal, si_code, si_addr, trap_number, error_code);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on the system as a whole: names, figures, random numbers, power.
 */
#include "lib/abi/system.h"

#include "arch/clock.h"
#include "arch/machine.h"
#include "drivers/tty/tty.h"
#include "fs/calls.h"
#include "lib/abi/signal.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/meminfo.h"
#include "mm/usercopy.h"
#include "proc/acct.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/random.h"
#include "proc/sched.h"
#include "proc/uts.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"
#include "syscall/table.h"

long sys_uname(vaddr_t address)
{
	struct linux_utsname name;

	memset(&name, 0, sizeof(name));
	strscpy(name.sysname, UTS_SYSNAME, sizeof(name.sysname));
	strscpy(name.release, UTS_RELEASE, sizeof(name.release));
	strscpy(name.version, UTS_VERSION, sizeof(name.version));
	strscpy(name.machine, arch_name(), sizeof(name.machine));
	uts_get_hostname(name.nodename);
	uts_get_domainname(name.domainname);
	return put_user(name, address);
}

static long set_name(vaddr_t address, int length, int (*set)(const char *name, size_t length))
{
	char name[UTS_LENGTH];

	if (!uts_may_set())
		return -EPERM;
	if (length < 0 || length >= UTS_LENGTH)
		return -EINVAL;
	if (copy_from_user(name, (const void __user *)address, (size_t)length) < 0)
		return -EFAULT;
	return set(name, (size_t)length);
}

long sys_sethostname(vaddr_t name, int length)
{
	return set_name(name, length, uts_set_hostname);
}

long sys_setdomainname(vaddr_t name, int length)
{
	return set_name(name, length, uts_set_domainname);
}

long sys_sysinfo(vaddr_t address)
{
	static const u64 load_scale = 65536 / 2048;
	struct linux_sysinfo info;
	meminfo_t memory;
	u64 load[3];

	get_meminfo(&memory);
	scheduler_load(load);
	memset(&info, 0, sizeof(info));
	info.uptime = (s64)DIV_ROUND_UP(clock_monotonic(), NSEC_PER_SEC);
	for (unsigned i = 0; i < ARRAY_SIZE(load); i++)
		info.loads[i] = load[i] * load_scale;
	info.total_ram = memory.total;
	info.free_ram = memory.free;
	info.shared_ram = memory.shared;
	info.buffer_ram = memory.buffer;
	info.total_swap = memory.swap_total;
	info.free_swap = memory.swap_free;
	info.procs = (u16)MIN(task_count(), (u32)UINT16_MAX);
	info.mem_unit = 1;
	return put_user(info, address);
}

enum { RANDOM_CHUNK = 256, RANDOM_MAX = INT32_MAX };

long sys_getrandom(vaddr_t buffer, size_t size, unsigned flags)
{
	u8 chunk[RANDOM_CHUNK];
	size_t done = 0;

	if ((flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	size = MIN(size, (size_t)RANDOM_MAX);
	while (done < size) {
		size_t part = MIN(size - done, sizeof(chunk));

		random_bytes(chunk, part);
		if (copy_to_user((void __user *)(buffer + done), chunk, part) < 0)
			break;
		done += part;
		if (done > RANDOM_CHUNK && task_signal_pending(current))
			break;
	}
	memset(chunk, 0, sizeof(chunk));
	__asm__ volatile("" : : "r"(chunk) : "memory");
	return done == 0 && size != 0 ? -EFAULT : (long)done;
}

/* Below the first namespace only its first process ends, by a signal that says what was asked. */
static long end_namespace(struct pid_namespace *space, u32 command)
{
	int signal;

	switch (command) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		signal = SIGHUP;
		break;
	case LINUX_REBOOT_CMD_POWER_OFF:
	case LINUX_REBOOT_CMD_HALT:
		signal = SIGINT;
		break;
	default:
		return -EINVAL;
	}
	unsigned long flags = process_tree_lock();
	if (space->init != NULL) {
		spin_lock(&space->init->lock);
		process_begin_exit_locked(space->init, signal);
		spin_unlock(&space->init->lock);
	}
	process_tree_unlock(flags);
	task_exit(0);
}

long sys_vhangup(void)
{
	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	struct tty *tty = tty_find_controlling();
	if (tty != NULL) {
		tty_vhangup(tty);
		tty_put(tty);
	}
	return 0;
}

long sys_reboot(u32 magic1, u32 magic2, u32 command, vaddr_t argument __unused)
{
	struct pid_namespace *space = pid_namespace_current();

	if (!capable_in(space->base.owner, CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != LINUX_REBOOT_MAGIC1 ||
	    (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
	     magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	if (space != pid_namespace_first())
		return end_namespace(space, command);
	switch (command) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		log_info("Restarting the machine");
		machine_restart();
	case LINUX_REBOOT_CMD_POWER_OFF:
		log_info("Powering the machine off");
		machine_power_off();
	case LINUX_REBOOT_CMD_HALT:
		log_info("Halting the machine");
		machine_halt();
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		/* No keyboard of ours sends Ctrl-Alt-Del to the kernel, so either setting is in
		 * force. */
		return 0;
	default:
		return -EINVAL;
	}
}

/* Programs of other systems are not run, so of the personality only flags count; exec heeds
 * ADDR_NO_RANDOMIZE. */
enum {
	PERSONALITY_QUERY = -1,
	PERSONALITY_KIND = 0xff,
	PERSONALITY_LINUX = 0,
};

long sys_personality(u32 persona)
{
	struct process *process = current->process;
	u64 old = process->personality;
	u32 kind = persona & PERSONALITY_KIND;

	if (persona == (u32)PERSONALITY_QUERY)
		return (long)old;
	if (kind != PERSONALITY_LINUX)
		return -EINVAL;
	process->personality = persona;
	return (long)old;
}

long sys_acct(vaddr_t address)
{
	struct pathname name;

	if (!capable(CAP_SYS_PACCT))
		return -EPERM;
	if (address == 0)
		return acct_set(NULL);
	long error = pathname_get(&name, address);
	if (error)
		return error;
	struct file *file = file_open(AT_FDCWD, name.text, O_WRONLY | O_APPEND | O_LARGEFILE, 0);
	pathname_put(&name);
	if (IS_ERR(file))
		return PTR_ERR(file);
	error = S_ISREG(file->inode->mode) ? acct_set(file) : -EACCES;
	if (error)
		file_put(file);
	return error;
}

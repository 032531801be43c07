/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the boot protocol's entry to the first program: the one place that knows every subsystem,
 * and the order in which they come up.
 *
 * kernel_main runs on the boot CPU with interrupts off until the scheduler starts; init_thread is
 * the first thread, becomes process 1 and may sleep.
 */
#include "arch/machine.h"
#include "boot/boot_info.h"
#include "drivers/drivers.h"
#include "fs/block/block_device.h"
#include "fs/procfs/procfs.h"
#include "fs/procfs/sysfs.h"
#include "fs/vfs.h"
#include "init.h"
#include "ipc/aio.h"
#include "ipc/epoll.h"
#include "ipc/futex.h"
#include "ipc/fanotify.h"
#include "ipc/inotify.h"
#include "ipc/msg.h"
#include "ipc/pidfd.h"
#include "ipc/pipe.h"
#include "ipc/seccomp_listener.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "ipc/userfaultfd.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/parse.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"
#include "mm/kmalloc.h"
#include "mm/swap.h"
#include "mm/workingset.h"
#include "mm/vmm.h"
#include "module/module.h"
#include "net/device.h"
#include "net/device_files.h"
#include "net/inet/autoconfig.h"
#include "net/inet/families.h"
#include "net/inet/interfaces.h"
#include "net/inet/stack.h"
#include "net/netlink/netlink.h"
#include "net/packet/packet.h"
#include "net/unix/unix.h"
#include "proc/compact_thread.h"
#include "proc/collapse_thread.h"
#include "proc/random.h"
#include "proc/reclaim_thread.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/time.h"
#include "proc/timer.h"
#include "tests/kernel/ktest.h"

#define SELFTEST_PREFIX 64

/* The network's tables are under mutexes, so a thread makes them. */
static void network_init(void)
{
	net_devices_init();
	net_device_files_init();
	packet_init();
	unix_init();
	stack_init();
	inet_init();
	inet_interfaces_init();
	netlink_init();
}

static void init_thread(void *argument __unused)
{
	char prefix[SELFTEST_PREFIX] = "";

	cpus_start();
	arch_check_protection();
	network_init();
	hugetlb_init(boot_info.command_line);
	if (initramfs_unpack() != 0)
		log_warn("initramfs: not all of it could be unpacked");
	drivers_init(boot_info.command_line);
	inet_autoconfigure(boot_info.command_line);
	userfaultfd_init();
	if (cmdline_has(boot_info.command_line, "selftest")) {
		cmdline_get(boot_info.command_line, "selftest", prefix, sizeof(prefix));
		ktest_run_all(prefix);
	}
	init_run(boot_info.command_line);
}

void kernel_main(void)
{
	arch_init_early(&boot_info);
	log_info("Cowslip on %s, booted by %s: %s", arch_name(), boot_info.protocol,
		 boot_info.command_line);
	frame_init(&boot_info);
	arch_init_memory(&boot_info);
	heap_init();
	vmm_init();
	swap_init();
	workingset_init();
	arch_init_devices();
	frame_init_nodes();
	random_init();
	timers_init();
	signal_init();
	scheduler_init();
	time_init();
	futex_init();
	vfs_init();
	block_init();
	procfs_init();
	sysfs_init();
	modules_init();
	pipe_init();
	pidfd_init();
	seccomp_listener_init();
	epoll_init();
	inotify_init();
	fanotify_init();
	aio_init();
	reclaim_thread_start();
	compact_thread_start();
	collapse_thread_wake();
	if (IS_ERR(kernel_thread_create(init_thread, NULL, "init")))
		panic("no memory for the first thread");
	scheduler_idle();
}

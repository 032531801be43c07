/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: /proc/sys, the settings of the kernel that programs look at (proc_sys(5)).
 */
#include "fs/procfs/procfs.h"
#include "ipc/shm.h"
#include "lib/abi/socket.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "module/module.h"
#include "proc/coredump.h"
#include "proc/credentials.h"
#include "proc/pid.h"
#include "proc/random.h"
#include "proc/uts.h"

static void end_at_newline(char *value)
{
	char *newline = strchr(value, '\n');

	if (newline != NULL)
		*newline = '\0';
}

static int show_hostname(const struct proc_node *node __unused, struct text *text)
{
	char name[UTS_LENGTH];

	uts_get_hostname(name);
	text_printf(text, "%s\n", name);
	return 0;
}

static int store_hostname(const struct proc_node *node __unused, char *value, size_t size __unused)
{
	end_at_newline(value);
	return uts_set_hostname(value, strlen(value));
}

static int show_domainname(const struct proc_node *node __unused, struct text *text)
{
	char name[UTS_LENGTH];

	uts_get_domainname(name);
	text_printf(text, "%s\n", name);
	return 0;
}

static int store_domainname(const struct proc_node *node __unused, char *value,
			    size_t size __unused)
{
	end_at_newline(value);
	return uts_set_domainname(value, strlen(value));
}

static int show_ostype(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%s\n", UTS_SYSNAME);
	return 0;
}

static int show_osrelease(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%s\n", UTS_RELEASE);
	return 0;
}

static int show_version(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%s\n", UTS_VERSION);
	return 0;
}

static int show_pid_max(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%d\n", pid_max());
	return 0;
}

static int store_pid_max(const struct proc_node *node __unused, char *value, size_t size __unused)
{
	u64 number;

	end_at_newline(value);
	if (parse_u64(value, 10, &number) || number > INT_MAX)
		return -EINVAL;
	return pid_set_max((pid_t)number);
}

/* A version-4 UUID (RFC 4122). */
static void show_uuid(const u8 bytes[16], struct text *text)
{
	for (int i = 0; i < 16; i++) {
		u8 byte = bytes[i];

		if (i == 6)
			byte = (u8)((byte & 0x0f) | 0x40);
		if (i == 8)
			byte = (u8)((byte & 0x3f) | 0x80);
		text_printf(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", byte);
	}
	text_append(text, "\n", 1);
}

static int show_new_uuid(const struct proc_node *node __unused, struct text *text)
{
	u8 bytes[16];

	random_bytes(bytes, sizeof(bytes));
	show_uuid(bytes, text);
	return 0;
}

static int show_boot_id(const struct proc_node *node __unused, struct text *text)
{
	static u8 bytes[16];
	static bool chosen; /* lock */
	static mutex_t lock = MUTEX_INIT(lock);

	mutex_lock(&lock);
	if (!chosen)
		random_bytes(bytes, sizeof(bytes));
	chosen = true;
	mutex_unlock(&lock);
	show_uuid(bytes, text);
	return 0;
}

static int show_entropy(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "256\n");
	return 0;
}

static int show_pipe_max(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "1048576\n");
	return 0;
}

static int show_nr_open(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "1048576\n");
	return 0;
}

static int show_last_capability(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%d\n", CAP_LAST);
	return 0;
}

static int show_groups_max(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%d\n", GROUPS_MAX);
	return 0;
}

/* Programs' stacks, mappings and heaps are all placed at random. */
static int show_randomize(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "2\n");
	return 0;
}

static int show_file_max(const struct proc_node *node __unused, struct text *text)
{
	u64 open, limit;

	files_count(&open, &limit);
	text_printf(text, "%lu\n", (unsigned long)limit);
	return 0;
}

static int show_file_count(const struct proc_node *node __unused, struct text *text)
{
	u64 open, limit;

	files_count(&open, &limit);
	text_printf(text, "%lu\t0\t%lu\n", (unsigned long)open, (unsigned long)limit);
	return 0;
}

static const struct proc_entry random_entries[] = {
	PROC_FILE("boot_id", 0444, show_boot_id),
	PROC_FILE("entropy_avail", 0444, show_entropy),
	PROC_FILE("uuid", 0444, show_new_uuid),
	PROC_END,
};

static int show_shmmax(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%lu\n", (unsigned long)SHM_MAXIMUM);
	return 0;
}

static int show_shmmni(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%d\n", SHM_SEGMENTS);
	return 0;
}

static int show_core_pattern(const struct proc_node *node __unused, struct text *text)
{
	char pattern[CORE_PATTERN_SIZE];

	coredump_get_pattern(pattern);
	text_printf(text, "%s\n", pattern);
	return 0;
}

static int store_core_pattern(const struct proc_node *node __unused, char *value,
			      size_t size __unused)
{
	return coredump_set_pattern(value);
}

static int show_seccomp_actions(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "kill_process kill_thread trap errno user_notif trace log allow\n");
	return 0;
}

static const struct proc_entry seccomp_entries[] = {
	PROC_FILE("actions_avail", 0444, show_seccomp_actions),
	PROC_END,
};

#define SCHED_SETTING(name) \
	PROC_SETTING(name, 0644, proc_show_sched_setting, proc_store_sched_setting)

static const struct proc_entry kernel_entries[] = {
	PROC_SETTING("acct", 0644, proc_show_acct, proc_store_acct),
	PROC_FILE("cap_last_cap", 0444, show_last_capability),
	PROC_SETTING("core_pattern", 0644, show_core_pattern, store_core_pattern),
	PROC_SETTING("domainname", 0644, show_domainname, store_domainname),
	PROC_SETTING("hostname", 0644, show_hostname, store_hostname),
	PROC_DIRECTORY("keys", proc_sys_keys_entries),
	PROC_SETTING("modules_disabled", 0644, proc_show_modules_disabled,
		     proc_store_modules_disabled),
	PROC_SETTING("msgmax", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("msgmnb", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_SETTING("msgmni", 0644, proc_show_queues, proc_store_queues),
	PROC_FILE("ngroups_max", 0444, show_groups_max),
	PROC_FILE("osrelease", 0444, show_osrelease),
	PROC_FILE("ostype", 0444, show_ostype),
	PROC_SETTING("pid_max", 0644, show_pid_max, store_pid_max),
	PROC_DIRECTORY("random", random_entries),
	PROC_FILE("randomize_va_space", 0444, show_randomize),
	SCHED_SETTING("sched_deadline_period_max_us"),
	SCHED_SETTING("sched_deadline_period_min_us"),
	SCHED_SETTING("sched_rr_timeslice_ms"),
	SCHED_SETTING("sched_rt_period_us"),
	SCHED_SETTING("sched_rt_runtime_us"),
	PROC_DIRECTORY("seccomp", seccomp_entries),
	PROC_SETTING("sem", 0644, proc_show_sem, proc_store_sem),
	PROC_FILE("shmall", 0444, show_shmmax),
	PROC_FILE("shmmax", 0444, show_shmmax),
	PROC_FILE("shmmni", 0444, show_shmmni),
	PROC_FILE("version", 0444, show_version),
	PROC_END,
};

static int show_datagram_queue(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%d\n", UNIX_QUEUE_LIMIT);
	return 0;
}

static const struct proc_entry net_unix_entries[] = {
	PROC_FILE("max_dgram_qlen", 0444, show_datagram_queue),
	PROC_END,
};

static struct proc_addition *net_additions; /* at start-up; then only read */

void proc_sys_net_add(struct proc_addition *addition)
{
	addition->next = net_additions;
	__atomic_store_n(&net_additions, addition, __ATOMIC_RELEASE);
}

static const struct proc_entry net_entries[] = {
	PROC_DIRECTORY("unix", net_unix_entries),
	PROC_END,
};

static const struct proc_entry fs_entries[] = {
	PROC_SETTING("aio-max-nr", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_FILE("aio-nr", 0444, proc_show_ipc_setting),
	PROC_FILE("file-max", 0444, show_file_max),
	PROC_FILE("file-nr", 0444, show_file_count),
	PROC_DIRECTORY("inotify", proc_sys_inotify_entries),
	PROC_SETTING("lease-break-time", 0644, proc_show_ipc_setting, proc_store_ipc_setting),
	PROC_DIRECTORY("mqueue", proc_sys_mqueue_entries),
	PROC_FILE("nr_open", 0444, show_nr_open),
	PROC_FILE("pipe-max-size", 0444, show_pipe_max),
	PROC_END,
};

const struct proc_entry proc_sys_entries[] = {
	PROC_DIRECTORY("fs", fs_entries),
	PROC_DIRECTORY("kernel", kernel_entries),
	{.name = "net",
	 .mode = S_IFDIR | 0555,
	 .children = net_entries,
	 .additions = &net_additions},
	PROC_DIRECTORY("vm", proc_sys_vm_entries),
	PROC_END,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The notes of a core file: registers of each thread, what the process was, its auxiliary vector,
 * and which files it had mapped (elf(5), and Linux's elfcore.h for the layouts).
 *
 * The thread that crashed comes first, so that debuggers begin there.
 */
#include "arch/debug.h"
#include "lib/elf.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "proc/coredump_internal.h"
#include "proc/credentials.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/session.h"

enum {
	NT_X86_XSTATE = 0x202,
	NT_FILE = 0x46494c45,
	NT_SIGINFO = 0x53494749,
};

/* struct elf_prstatus up to the registers. */
struct core_status {
	s32 signo, code, error;
	s16 current_signal;
	u64 pending, blocked;
	s32 pid, parent, group, session;
	s64 times[8];
};
_Static_assert(sizeof(struct core_status) == 112, "Linux's layout");

/* struct elf_prpsinfo. */
struct core_process {
	char state, state_letter, zombie, nice;
	u64 flags;
	u32 uid, gid;
	s32 pid, parent, group, session;
	char name[16];
	char arguments[80];
};
_Static_assert(sizeof(struct core_process) == 136, "Linux's layout");

/* --- Bytes --- */

static void *reserve(struct core_notes *notes, size_t size)
{
	if (!notes->failed && notes->size + size > notes->capacity) {
		size_t capacity = MAX(notes->capacity * 2, notes->size + size + PAGE_SIZE);
		char *larger = krealloc(notes->bytes, capacity);
		notes->failed = larger == NULL;
		if (larger != NULL) {
			notes->bytes = larger;
			notes->capacity = capacity;
		}
	}
	if (notes->failed)
		return NULL;
	char *at = notes->bytes + notes->size;
	memset(at, 0, size);
	notes->size += size;
	return at;
}

static void add_bytes(struct core_notes *notes, const void *bytes, size_t size)
{
	void *at = reserve(notes, size);

	if (at != NULL && size > 0)
		memcpy(at, bytes, size);
}

/* A note's header and name; its content, of `size` bytes, and padding are to follow. */
static void add_head(struct core_notes *notes, u32 type, size_t size)
{
	static const char core[8] = "CORE", linux_name[8] = "LINUX";
	bool extended = type == NT_X86_XSTATE;
	u32 header[3] = {extended ? 6 : 5, (u32)size, type};

	add_bytes(notes, header, sizeof(header));
	add_bytes(notes, extended ? linux_name : core, sizeof(core));
}

static void add_padding(struct core_notes *notes, size_t size)
{
	(void)reserve(notes, ALIGN_UP(size, 4) - size);
}

static void add_note(struct core_notes *notes, u32 type, const void *content, size_t size)
{
	add_head(notes, type, size);
	add_bytes(notes, content, size);
	add_padding(notes, size);
}

/* --- Threads --- */

/* A set of registers, at the end of what is there; content of notes is aligned to 4 only, hence the
 * copy. */
static void add_registers(struct core_notes *notes, struct task *task, u32 type)
{
	size_t size = arch_regset_size(type);
	void *registers = kmalloc(size);

	if (registers != NULL) {
		arch_regset_get(&task->arch, task_frame_of(task), type, registers);
		add_bytes(notes, registers, size);
	}
	notes->failed = notes->failed || registers == NULL;
	kfree(registers);
}

static void add_status(struct core_notes *notes, struct task *task, const struct siginfo *info)
{
	struct core_status status = {
		.signo = info->signo,
		.code = info->code,
		.error = info->error,
		.current_signal = (s16)info->signo,
		.pending = task->signals.pending.present,
		.blocked = task->signals.blocked,
		.pid = task_shown(task),
		.parent = READ_ONCE(task->process->parent_pid),
		.group = process_group_id(task->process),
	};
	u64 float_valid = 1;

	add_head(notes, NT_PRSTATUS,
		 sizeof(status) + arch_regset_size(REGSET_GENERAL) + sizeof(float_valid));
	add_bytes(notes, &status, sizeof(status));
	add_registers(notes, task, REGSET_GENERAL);
	add_bytes(notes, &float_valid, sizeof(float_valid));
}

static void add_set(struct core_notes *notes, struct task *task, u32 type)
{
	size_t size = arch_regset_size(type);

	if (size == 0)
		return;
	add_head(notes, type, size);
	add_registers(notes, task, type);
	add_padding(notes, size);
}

static void add_vector_sets(struct core_notes *notes, struct task *task)
{
	add_set(notes, task, NT_PRFPREG);
	add_set(notes, task, NT_X86_XSTATE);
}

static void add_other_threads(struct core_notes *notes, const struct siginfo *info)
{
	struct task *task;

	for (pid_t from = 0;
	     (task = process_next_thread(current->process, pid_namespace_first(), from)) != NULL;
	     task_put(task)) {
		from = task->tid + 1;
		if (task == current || task->exited || task->flags & TASK_EXITING)
			continue;
		while (task_is_running(task))
			task_yield();
		add_status(notes, task, info);
		add_vector_sets(notes, task);
	}
}

/* --- The process --- */

static void add_process(struct core_notes *notes)
{
	const struct vm_layout *layout = &current->space->layout;
	struct core_process what = {
		.state_letter = 'R',
		.nice = current->sched.nice,
		.uid = current->credentials->uid,
		.gid = current->credentials->gid,
		.pid = process_shown(current->process),
		.parent = READ_ONCE(current->process->parent_pid),
		.group = process_group_id(current->process),
	};

	task_get_name(current, what.name);
	size_t length =
		MIN(layout->argument_end - layout->argument_start, sizeof(what.arguments) - 1);
	ssize_t got =
		vmm_access(current->space, layout->argument_start, what.arguments, length, VM_READ);
	for (ssize_t i = 0; i < got; i++)
		if (what.arguments[i] == '\0')
			what.arguments[i] = ' ';
	add_note(notes, NT_PRPSINFO, &what, sizeof(what));
}

static void add_siginfo(struct core_notes *notes, const struct siginfo *info)
{
	char whole[SIGINFO_SIZE] = {0};

	memcpy(whole, info, sizeof(*info));
	add_note(notes, NT_SIGINFO, whole, sizeof(whole));
}

static void add_auxiliary(struct core_notes *notes)
{
	const struct exec_auxiliary *auxiliary = &current->process->auxiliary;

	add_note(notes, NT_AUXV, auxiliary->words, auxiliary->count * sizeof(u64));
}

/* NT_FILE: a count, the page size, three words for each mapping, and then the names. */
static void add_files(struct core_notes *notes)
{
	struct core_notes table = {0}, names = {0};
	struct region_info info = {0};
	u64 head[2] = {0, PAGE_SIZE};

	while (vmm_next_region(current->space, info.end, &info, false)) {
		if (info.inode == 0)
			continue;
		u64 words[3] = {info.start, info.end, info.offset / PAGE_SIZE};
		add_bytes(&table, words, sizeof(words));
		add_bytes(&names, info.name, strlen(info.name) + 1);
		head[0]++;
	}
	size_t size = sizeof(head) + table.size + names.size;
	add_head(notes, NT_FILE, size);
	add_bytes(notes, head, sizeof(head));
	add_bytes(notes, table.bytes, table.size);
	add_bytes(notes, names.bytes, names.size);
	add_padding(notes, size);
	notes->failed = notes->failed || table.failed || names.failed;
	core_notes_free(&table);
	core_notes_free(&names);
}

void core_notes_build(struct core_notes *notes, const struct siginfo *info)
{
	arch_regset_capture(&current->arch);
	add_status(notes, current, info);
	add_process(notes);
	add_siginfo(notes, info);
	add_auxiliary(notes);
	add_files(notes);
	add_vector_sets(notes, current);
	add_other_threads(notes, info);
}

void core_notes_free(struct core_notes *notes)
{
	kfree(notes->bytes);
}

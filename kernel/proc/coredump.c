/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a core file.
 *
 * The thread that the signal killed is the dumper.  The others are told to exit and stop at the
 * beginning of that (coredump_park), their registers on their kernel stacks; when all live ones are
 * there the file is written, and then all exit.  process->dumper and dump_parked are under
 * process->lock; both sides wait on process->child_wait.  SIGKILL makes the dumper give up.
 *
 * The file: ELF header, program headers, notes, and from a page's boundary on the regions.  Of a
 * region that nobody has touched, of files that nobody has changed and of what MADV_DONTDUMP names
 * there is a header alone.  Pages that are not in memory are holes.
 */
#include "proc/coredump.h"

#include "arch/machine.h"
#include "lib/abi/wait.h"
#include "lib/elf.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "proc/coredump_internal.h"
#include "proc/credentials.h"
#include "proc/hooks.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/sched.h"
#include "proc/time.h"
#include "proc/uts.h"

enum { CORE_NAME_SIZE = 256 };
_Static_assert(UTS_LENGTH >= TASK_COMM_LENGTH, "one buffer for both kinds of name");

static spinlock_t pattern_lock;
static char pattern[CORE_PATTERN_SIZE] = "core"; /* pattern_lock */

void coredump_get_pattern(char *copy)
{
	spin_lock(&pattern_lock);
	memcpy(copy, pattern, sizeof(pattern));
	spin_unlock(&pattern_lock);
}

int coredump_set_pattern(const char *wanted)
{
	size_t length = strlen(wanted);

	if (length >= sizeof(pattern) || wanted[0] == '|')
		return -EINVAL;
	spin_lock(&pattern_lock);
	memcpy(pattern, wanted, length + 1);
	spin_unlock(&pattern_lock);
	return 0;
}

/* --- The name --- */

/* What %c stands for, into `text`; as snprintf. */
static int expand(char c, int signal, char *text, size_t size)
{
	char word[UTS_LENGTH];

	switch (c) {
	case 'p':
		return ksnprintf(text, size, "%d", process_shown(current->process));
	case 'P':
		return ksnprintf(text, size, "%d", current->process->pid);
	case 'i':
		return ksnprintf(text, size, "%d", task_shown(current));
	case 'I':
		return ksnprintf(text, size, "%d", current->tid);
	case 'u':
		return ksnprintf(text, size, "%u", current->credentials->uid);
	case 'g':
		return ksnprintf(text, size, "%u", current->credentials->gid);
	case 's':
		return ksnprintf(text, size, "%d", signal);
	case 't':
		return ksnprintf(text, size, "%lu", (unsigned long)time_wall_seconds());
	case 'e':
		task_get_name(current, word);
		return ksnprintf(text, size, "%s", word);
	case 'h':
		uts_get_hostname(word);
		return ksnprintf(text, size, "%s", word);
	case '%':
		return ksnprintf(text, size, "%%");
	default:
		return 0;
	}
}

static void make_name(int signal, char *name, size_t size)
{
	char copy[CORE_PATTERN_SIZE];
	size_t at = 0;

	coredump_get_pattern(copy);
	for (const char *c = copy; *c != '\0' && at + 1 < size; c++) {
		if (*c != '%') {
			name[at++] = *c;
			continue;
		}
		if (*++c == '\0')
			break;
		at += (size_t)expand(*c, signal, name + at, size - at);
		at = MIN(at, size - 1);
	}
	name[at] = '\0';
}

/* --- The file --- */

struct core_file {
	struct file *file;
	u64 position, limit;
	char *page; /* a page to copy through */
	struct elf64_phdr *headers;
	size_t count, capacity;
};

static bool write_bytes(struct core_file *core, const void *bytes, size_t size)
{
	if (core->position + size > core->limit || task_kill_pending(current))
		return false;
	ssize_t written = file_hooks->core_write(core->file, core->position, bytes, size);
	core->position += size;
	return written == (ssize_t)size;
}

static struct elf64_phdr *add_header(struct core_file *core)
{
	if (core->count == core->capacity) {
		size_t capacity = MAX(core->capacity * 2, (size_t)32);
		struct elf64_phdr *larger =
			krealloc(core->headers, capacity * sizeof(*core->headers));
		if (larger == NULL)
			return NULL;
		core->headers = larger;
		core->capacity = capacity;
	}
	struct elf64_phdr *header = &core->headers[core->count++];
	memset(header, 0, sizeof(*header));
	return header;
}

/* Is the content of the region to be in the file? */
static bool wants_content(const struct region_info *info)
{
	if (info->io || info->no_dump)
		return false;
	if (info->inode != 0 && !info->shared)
		return info->anonymous_pages != 0;
	return info->resident_pages != 0 && (!info->shared || info->inode == 0);
}

static bool add_regions(struct core_file *core)
{
	struct region_info info = {0};

	while (vmm_next_region(current->space, info.end, &info, true)) {
		struct elf64_phdr *header = add_header(core);
		if (header == NULL)
			return false;
		header->p_type = PT_LOAD;
		header->p_flags = (info.prot & 1 ? PF_R : 0u) | (info.prot & 2 ? PF_W : 0u) |
				  (info.prot & 4 ? PF_X : 0u);
		header->p_vaddr = info.start;
		header->p_memsz = info.end - info.start;
		header->p_filesz = wants_content(&info) ? header->p_memsz : 0;
		header->p_align = PAGE_SIZE;
	}
	return true;
}

static bool write_page(struct core_file *core, vaddr_t address)
{
	if (!vmm_has_page(current->space, address) ||
	    vmm_access(current->space, address, core->page, PAGE_SIZE, VM_READ | VM_FORCE) !=
		    (ssize_t)PAGE_SIZE) {
		core->position += PAGE_SIZE;
		return !task_kill_pending(current);
	}
	return write_bytes(core, core->page, PAGE_SIZE);
}

static bool write_regions(struct core_file *core)
{
	for (size_t i = 1; i < core->count; i++) {
		const struct elf64_phdr *header = &core->headers[i];
		core->position = header->p_offset;
		for (u64 done = 0; done < header->p_filesz; done += PAGE_SIZE)
			if (!write_page(core, header->p_vaddr + done))
				return false;
	}
	return true;
}

/* Where everything lies: the notes behind the headers, the regions behind the notes. */
static void lay_out(struct core_file *core, size_t notes)
{
	u64 at = sizeof(struct elf64_header) + core->count * sizeof(struct elf64_phdr);

	core->headers[0].p_type = PT_NOTE;
	core->headers[0].p_offset = at;
	core->headers[0].p_filesz = notes;
	core->headers[0].p_align = 4;
	at = ALIGN_UP(at + notes, PAGE_SIZE);
	for (size_t i = 1; i < core->count; i++) {
		core->headers[i].p_offset = at;
		at += core->headers[i].p_filesz;
	}
}

static bool write_head(struct core_file *core, const struct core_notes *notes)
{
	struct elf64_header header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = arch_elf_machine(),
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(struct elf64_phdr),
		.e_phnum = (u16)core->count,
	};

	return write_bytes(core, &header, sizeof(header)) &&
	       write_bytes(core, core->headers, core->count * sizeof(*core->headers)) &&
	       write_bytes(core, notes->bytes, notes->size);
}

static bool write_core(struct core_file *core, const struct siginfo *info)
{
	struct core_notes notes = {0};

	core_notes_build(&notes, info);
	bool written = !notes.failed && add_header(core) != NULL && add_regions(core) &&
		       core->count < UINT16_MAX;
	if (written) {
		lay_out(core, notes.size);
		written = write_head(core, &notes) && write_regions(core);
	}
	core_notes_free(&notes);
	return written;
}

/* --- The threads --- */

void coredump_park(void)
{
	struct process *process = current->process;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	bool parks = process->dumper != NULL && process->dumper != current;

	process->dump_parked += parks;
	spin_unlock_irqrestore(&process->lock, flags);
	if (!parks)
		return;
	wake_up_all(&process->child_wait);
	wait_event(&process->child_wait, READ_ONCE(process->dumper) == NULL);
}

/* Makes current the dumper and stops the others; false when the process exits already. */
static bool begin(struct process *process, int signal)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);
	bool begins = !process->exiting && process->dumper == NULL;

	if (begins) {
		process->dumper = current;
		process->dump_parked = 0;
		process_begin_exit_locked(process, signal);
	}
	spin_unlock_irqrestore(&process->lock, flags);
	if (!begins)
		return false;
	task_work_clear(current, TASK_WORK_KILL);
	wait_event(&process->child_wait,
		   READ_ONCE(process->dump_parked) + 1 >= READ_ONCE(process->live_threads));
	return true;
}

static void end(struct process *process, bool written)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);

	WRITE_ONCE(process->dumper, NULL);
	if (written)
		process->exit_group_status |= WAIT_STATUS_CORE;
	spin_unlock_irqrestore(&process->lock, flags);
	wake_up_all(&process->child_wait);
	task_work_set(current, TASK_WORK_KILL);
}

void coredump(const struct siginfo *info)
{
	struct process *process = current->process;
	struct core_file core = {.limit = rlimit_current(RLIMIT_CORE)};
	char name[CORE_NAME_SIZE];
	bool written = false;

	if (core.limit < PAGE_SIZE || !READ_ONCE(process->dumpable) || !begin(process, info->signo))
		return;
	make_name(info->signo, name, sizeof(name));
	core.page = kmalloc(PAGE_SIZE);
	core.file = file_hooks->core_create(name);
	if (!IS_ERR(core.file) && core.page != NULL)
		written = write_core(&core, info);
	if (!IS_ERR(core.file))
		file_hooks->core_close(core.file);
	kfree(core.headers);
	kfree(core.page);
	end(process, written);
}

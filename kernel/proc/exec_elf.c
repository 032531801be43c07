/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading ELF images into a fresh address space.
 *
 * lib/elf_check.h judges the headers; here the segments are mapped as it says: each PT_LOAD
 * privately from the file's page cache, the rest of its last page zeroed if the program may write
 * there, and demand-zero memory behind it.  A program that can be anywhere (ET_DYN) gets a random
 * place; its dynamic linker goes where mmap finds room.
 */
#include "arch/machine.h"
#include "lib/abi/fcntl.h"
#include "lib/abi/mman.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "proc/exec_internal.h"

#define INTERPRETER_PATH_MAX 4096

void exec_image_free(struct exec_image *image)
{
	if (image->file)
		file_hooks->exec_close(image->file);
	kfree(image->phdrs);
	*image = (struct exec_image){0};
}

/* Reads exactly `size` bytes. */
static int read_all(struct file *file, u64 offset, void *buffer, size_t size, int short_error)
{
	ssize_t got = file_hooks->exec_read(file, offset, buffer, size);

	if (got < 0)
		return (int)got;
	return (size_t)got == size ? 0 : short_error;
}

/* From the first bytes of the file to a checked layout. */
static int check_image(struct exec_image *image, const void *head, size_t head_size)
{
	int error = elf_check_header(head, head_size, arch_elf_machine(), &image->header);
	if (error)
		return error;
	size_t size = image->header.e_phnum * sizeof(struct elf64_phdr);
	image->phdrs = kmalloc(size);
	if (!image->phdrs)
		return -ENOMEM;
	error = read_all(image->file, image->header.e_phoff, image->phdrs, size, -ENOEXEC);
	if (error)
		return error;
	return elf_check_program_headers(&image->header, image->phdrs, USER_TOP, &image->layout);
}

/* What is wrong with a dynamic linker is not the program's fault, and has an error of its own. */
static int check_interpreter(struct exec *exec, const char *path)
{
	struct exec_image *image = &exec->interpreter;
	char head[sizeof(struct elf64_header)];

	struct file *file = file_hooks->exec_open(AT_FDCWD, path, 0);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	image->file = file;
	int error = read_all(file, 0, head, sizeof(head), -EIO);
	if (!error) {
		error = check_image(image, head, sizeof(head));
		if (error == -ENOEXEC || error == -EINVAL)
			error = -ELIBBAD;
	}
	return error;
}

int exec_elf_check(struct exec *exec)
{
	const struct elf_layout *layout = &exec->program.layout;

	int error = check_image(&exec->program, exec->head, exec->head_size);
	if (error || layout->interpreter_size == 0)
		return error;
	if (layout->interpreter_size > INTERPRETER_PATH_MAX)
		return -ENOEXEC;
	char *path = kmalloc(layout->interpreter_size);
	if (!path)
		return -ENOMEM;
	error = read_all(exec->program.file, layout->interpreter_offset, path,
			 layout->interpreter_size, -EIO);
	if (!error)
		error = elf_check_interpreter(path, layout->interpreter_size);
	if (!error)
		error = check_interpreter(exec, path);
	kfree(path);
	return error;
}

/* --- Mapping --- */

static u32 segment_protection(const struct elf64_phdr *segment)
{
	return (segment->p_flags & PF_R ? PROT_READ : 0) |
	       (segment->p_flags & PF_W ? PROT_WRITE : 0) |
	       (segment->p_flags & PF_X ? PROT_EXEC : 0);
}

static int map_range(struct address_space *space, vaddr_t start, vaddr_t end, u32 protection,
		     struct backing *backing, u64 offset)
{
	u32 flags = MAP_PRIVATE | MAP_FIXED | (backing ? 0 : MAP_ANONYMOUS);
	long result = vmm_mmap(space, start, end - start, protection, flags, backing, offset);

	return result < 0 ? (int)result : 0;
}

/* The bytes between the end of the file's part and the end of its page. */
static int clear_tail(struct address_space *space, vaddr_t from, vaddr_t to, u32 protection)
{
	static const char zeros[512];

	if (!(protection & PROT_WRITE))
		return 0;
	while (from < to) {
		size_t part = MIN(to - from, sizeof(zeros));
		if (vmm_access(space, from, (void *)(uintptr_t)zeros, part, VM_WRITE) !=
		    (ssize_t)part)
			return -ENOEXEC; /* the file ends before its segment does */
		from += part;
	}
	return 0;
}

static int map_segment(struct address_space *space, struct backing *backing, vaddr_t bias,
		       const struct elf64_phdr *segment)
{
	vaddr_t start = bias + segment->p_vaddr;
	vaddr_t file_end = start + segment->p_filesz, end = start + segment->p_memsz;
	vaddr_t first = start & PAGE_MASK, file_pages = ALIGN_UP(file_end, PAGE_SIZE);
	u32 protection = segment_protection(segment);
	int error = 0;

	if (segment->p_filesz)
		error = map_range(space, first, file_pages, protection, backing,
				  segment->p_offset - (start - first));
	else
		file_pages = first;
	if (!error && segment->p_filesz && end > file_end)
		error = clear_tail(space, file_end, MIN(file_pages, ALIGN_UP(end, PAGE_SIZE)),
				   protection);
	if (!error && ALIGN_UP(end, PAGE_SIZE) > file_pages)
		error = map_range(space, file_pages, ALIGN_UP(end, PAGE_SIZE), protection, NULL, 0);
	return error;
}

/* For /proc/PID/stat and /proc/PID/statm. */
static void note_extent(struct exec_image *image, const struct elf64_phdr *segment)
{
	vaddr_t start = image->bias + segment->p_vaddr, end = start + segment->p_filesz;

	if (segment->p_flags & PF_X) {
		if (!image->code_start || start < image->code_start)
			image->code_start = start;
		image->code_end = MAX(image->code_end, end);
	} else {
		image->data_start = MAX(image->data_start, start);
		image->data_end = MAX(image->data_end, end);
	}
}

static int map_image(struct address_space *space, struct exec_image *image)
{
	struct backing *backing = file_hooks->exec_backing(image->file);
	int error = 0;

	if (IS_ERR(backing))
		return (int)PTR_ERR(backing);
	for (u16 i = 0; i < image->header.e_phnum && !error; i++) {
		const struct elf64_phdr *segment = &image->phdrs[i];
		if (segment->p_type != PT_LOAD || segment->p_memsz == 0)
			continue;
		error = map_segment(space, backing, image->bias, segment);
		note_extent(image, segment);
	}
	file_hooks->backing_put(backing);
	return error;
}

/* Where an image of that size finds room; the space is nobody else's, so it stays free until we map
 * there. */
static long find_room(struct address_space *space, const struct elf_layout *layout)
{
	size_t slack = layout->align > PAGE_SIZE ? layout->align : 0;
	size_t size = layout->high - layout->low + slack;

	long place = vmm_mmap(space, 0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	if (place < 0)
		return place;
	int error = vmm_munmap(space, (vaddr_t)place, size);
	if (error)
		return error;
	return (long)ALIGN_UP((vaddr_t)place, MAX(layout->align, PAGE_SIZE));
}

static int place_program(struct exec *exec)
{
	struct exec_image *image = &exec->program;
	const struct elf_layout *layout = &image->layout;

	if (layout->is_fixed) {
		image->bias = 0;
		return 0;
	}
	vaddr_t base = vmm_program_base(exec->randomize) & ~(MAX(layout->align, PAGE_SIZE) - 1);
	if (layout->high - layout->low > USER_TOP - base)
		return -ENOMEM;
	image->bias = base - layout->low;
	return 0;
}

static int place_interpreter(struct exec *exec)
{
	struct exec_image *image = &exec->interpreter;

	if (image->layout.is_fixed)
		return 0;
	long place = find_room(exec->space, &image->layout);
	if (place < 0)
		return (int)place;
	image->bias = (vaddr_t)place - image->layout.low;
	return 0;
}

int exec_elf_map(struct exec *exec)
{
	struct exec_image *program = &exec->program, *interpreter = &exec->interpreter;

	int error = place_program(exec);
	if (!error)
		error = map_image(exec->space, program);
	if (error)
		return error;
	vmm_set_brk(exec->space, program->bias + program->layout.brk, exec->randomize);
	exec->entry = program->bias + program->layout.entry;
	if (!interpreter->file)
		return 0;
	error = place_interpreter(exec);
	if (!error)
		error = map_image(exec->space, interpreter);
	exec->entry = interpreter->bias + interpreter->layout.entry;
	return error;
}

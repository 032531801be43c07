/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of exec: what is gathered before the old program is given up.
 */
#ifndef PROC_EXEC_INTERNAL_H
#define PROC_EXEC_INTERNAL_H

#include "lib/elf_check.h"
#include "proc/exec.h"
#include "proc/hooks.h"

struct address_space;
struct credentials;

#define EXEC_HEAD_SIZE    256 /* of the file, to see what it is; also the longest #! line */
#define EXEC_SCRIPT_DEPTH 5   /* scripts whose interpreters are scripts */
#define EXEC_PREFIX_MAX   (3 + 2 * EXEC_SCRIPT_DEPTH)
#define EXEC_STRING_MAX   (128 * KIB) /* one argument, with its NUL */

/* Where argument and environment strings come from. */
struct exec_vector {
	bool from_kernel;
	vaddr_t user;              /* array of pointers, NULL-terminated; 0: none */
	const char *const *kernel; /* the same */
};

/* Strings one after another, with their NULs, in chunks of a page: first the arguments, then the
 * environment. */
struct exec_strings {
	char **chunks;
	size_t chunk_count;
	size_t bytes;
	size_t environment_at;      /* byte where the environment starts */
	u32 arguments, environment; /* how many */
};

/* An image: the program, or its dynamic linker. */
struct exec_image {
	struct file *file;
	struct elf64_header header;
	struct elf64_phdr *phdrs;
	struct elf_layout layout;
	vaddr_t bias; /* what is added to the file's addresses */
	vaddr_t code_start, code_end, data_start, data_end;
};

struct exec {
	const char *filename;                   /* as it was called */
	struct exec_image program, interpreter; /* interpreter.file NULL: none */
	struct exec_attributes attributes;
	char head[EXEC_HEAD_SIZE]; /* zero-filled */
	size_t head_size;
	char *prefix[EXEC_PREFIX_MAX]; /* replaces the first argument of a script */
	u32 prefix_count;
	struct exec_strings strings;
	struct credentials *credentials;
	bool secure;    /* AT_SECURE */
	bool randomize; /* address-space layout */
	struct address_space *space;
	struct files *files;  /* a private copy of the descriptor table, if it was shared */
	vaddr_t entry, stack; /* where the program starts */
	vaddr_t arguments_start, environment_start, strings_end;
	struct exec_auxiliary auxiliary;
};

/* --- exec_strings.c --- */

/* Copies all strings in.  0, -E2BIG, -EFAULT, -ENOMEM. */
int __must_check exec_strings_gather(struct exec *exec, const struct exec_vector *arguments,
				     const struct exec_vector *environment);
void exec_strings_free(struct exec_strings *strings);
/* The first argument goes: a script's interpreter brings its own. */
size_t exec_strings_first_length(const struct exec_strings *strings);
/* How many argument strings the program gets, and how many bytes they and the environment take. */
u32 exec_argument_count(const struct exec *exec);

/* --- exec_script.c --- */

/*
 * If the file starts with #!, goes over to its interpreter: exec->program.file is replaced and its
 * arguments are put before. 1 if it did, 0 if it is no script, negative errno.
 */
int __must_check exec_follow_script(struct exec *exec);
/* Reads the head and attributes of program.file. */
int __must_check exec_read_head(struct exec *exec);

/* --- exec_elf.c --- */

/* Reads and checks the program's headers, and opens and checks its dynamic linker. */
int __must_check exec_elf_check(struct exec *exec);
/* Maps both into exec->space.  Sets entry, biases, the heap's start. */
int __must_check exec_elf_map(struct exec *exec);
void exec_image_free(struct exec_image *image);

/* --- exec_stack.c --- */

/* Builds the program's stack in exec->space: strings, vectors, auxiliary vector. */
int __must_check exec_stack_build(struct exec *exec);

/* --- exec_threads.c --- */

/* Ends all other threads of the process and makes the current one its leader.  0, or -EAGAIN when
 * the process is dying. */
int __must_check exec_become_single(void);

#endif

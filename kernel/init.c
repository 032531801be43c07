/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first program: which one it is, and its arguments and environment, from the command line, as
 * Linux reads it (kernel-command-line(7), bootparam(7)).
 *
 * Words that the kernel knows are its own; of the others NAME=VALUE goes to the program's
 * environment, and the rest to its arguments, as does everything behind "--".  init= names the
 * program; otherwise it is /init of the initramfs (or what rdinit= names), and if there is none,
 * what a root file system would have.
 */
#include "init.h"

#include "lib/log.h"
#include "lib/panic.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/exec.h"

#define MAX_WORDS   32
#define WORD_LENGTH 512

/* Words, with or without a value, that the kernel or its boot code read. */
static const char *const kernel_words[] = {
	"BOOT_IMAGE",   "console", "crash",    "debug", "init",
	"initrd",       "ip",      "loglevel", "mem",   "init_on_alloc",
	"init_on_free", "nokaslr", "nosmp",    "panic", "maxcpus",
	"quiet",        "rdinit",  "ro",       "root",  "rootflags",
	"rootfstype",   "rw",      "selftest",
};

struct init_words {
	const char *program;
	bool asked_for; /* by init= or rdinit= */
	const char *arguments[MAX_WORDS + 2];
	const char *environment[MAX_WORDS + 3];
	size_t argument_count, environment_count;
};

/* Length of what stands before the "=", or of the whole word. */
static size_t name_length(const char *word)
{
	const char *equals = strchr(word, '=');

	return equals != NULL ? (size_t)(equals - word) : strlen(word);
}

static bool is_kernel_word(const char *word)
{
	size_t length = name_length(word);

	for (size_t i = 0; i < ARRAY_SIZE(kernel_words); i++)
		if (strlen(kernel_words[i]) == length &&
		    strncmp(kernel_words[i], word, length) == 0)
			return true;
	/* module.parameter=value is for a module. */
	return memchr(word, '.', length) != NULL;
}

static const char *keep(const char *word)
{
	char *copy = kstrdup(word);

	if (copy == NULL)
		panic("no memory for the first program's arguments");
	return copy;
}

static void add_environment(struct init_words *words, const char *word)
{
	size_t name = name_length(word) + 1;

	for (size_t i = 0; i < words->environment_count; i++) {
		if (strncmp(words->environment[i], word, name) == 0) {
			words->environment[i] = keep(word);
			return;
		}
	}
	if (words->environment_count < MAX_WORDS + 2)
		words->environment[words->environment_count++] = keep(word);
}

static void add_argument(struct init_words *words, const char *word)
{
	if (words->argument_count < MAX_WORDS + 1)
		words->arguments[words->argument_count++] = keep(word);
	else
		log_warn("command line: too many arguments for the first program; '%s' is left out",
			 word);
}

static void sort_word(struct init_words *words, const char *word)
{
	if (strncmp(word, "init=", 5) == 0 || strncmp(word, "rdinit=", 7) == 0) {
		words->program = keep(strchr(word, '=') + 1);
		words->asked_for = true;
	} else if (is_kernel_word(word)) {
		return;
	} else if (strchr(word, '=') != NULL) {
		add_environment(words, word);
	} else {
		add_argument(words, word);
	}
}

static void read_words(struct init_words *words, const char *command_line)
{
	char *word = kmalloc(WORD_LENGTH);
	const char *at = command_line;
	bool all_arguments = false;

	if (word == NULL)
		panic("no memory to read the command line");
	words->argument_count = 1;
	add_environment(words, "HOME=/");
	add_environment(words, "TERM=linux");
	while (cmdline_next(&at, word, WORD_LENGTH) >= 0) {
		if (all_arguments)
			add_argument(words, word);
		else if (strcmp(word, "--") == 0)
			all_arguments = true;
		else
			sort_word(words, word);
	}
	kfree(word);
}

void init_run(const char *command_line)
{
	struct init_words *words = kzalloc(sizeof(*words));

	if (words == NULL)
		panic("no memory for the first program's arguments");
	words->program = "/init";
	read_words(words, command_line);
	words->arguments[0] = words->program;
	kernel_exec_init(words->program, words->arguments, words->environment, !words->asked_for);
}

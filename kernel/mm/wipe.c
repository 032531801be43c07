/* SPDX-License-Identifier: BSD-2-Clause */
/* Clearing memory when it changes hands: wipe.h. */
#include "mm/wipe.h"

#include "lib/parse.h"
#include "lib/string.h"

struct wipe wipe;

/* As Linux reads a truth: 1, y, on; 0, n, off. */
static bool word_is_set(const char *command_line, const char *word)
{
	char value[8];

	if (cmdline_get(command_line, word, value, sizeof(value)) <= 0)
		return false;
	return value[0] == '1' || value[0] == 'y' || value[0] == 'Y' || strcmp(value, "on") == 0;
}

void wipe_init(const char *command_line)
{
	wipe.on_alloc = word_is_set(command_line, "init_on_alloc");
	wipe.on_free = word_is_set(command_line, "init_on_free");
}

void wipe_frames(phys_t start, size_t count)
{
	for (size_t i = 0; i < count; i++)
		page_clear(phys_to_virt(start + i * PAGE_SIZE));
}

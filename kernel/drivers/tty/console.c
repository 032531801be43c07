/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/console: another name for the terminal that the last `console=` word names, ttyS0 when there
 * is none.
 *
 * Opening it gives the terminal itself; it never becomes a controlling terminal that way
 * (tty_file.c).
 */
#include "drivers/tty/monitor.h"
#include "drivers/tty/tty_internal.h"
#include "fs/device.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/string.h"

#define TTYAUX_MAJOR  5
#define CONSOLE_MINOR 1
#define TTY_MAJOR     4
#define SERIAL_MINOR  64
#define WORD_LENGTH   64

static dev_t console_device = 0; /* of the terminal behind it; constant after console_init */

static int console_open(struct inode *inode __unused, struct file *file)
{
	struct tty *tty = tty_find(console_device);

	if (tty == NULL)
		return -ENODEV;
	int error = tty_open_file(file, tty);
	if (error)
		tty_put(tty);
	else
		file->ops = &tty_file_operations;
	return error;
}

static const struct file_operations console_operations = {
	.open = console_open,
	.stream = true,
};

/* "ttyS1,115200n8" names the second serial port; the speed means nothing to a virtual machine. */
static void choose(const char *name)
{
	if (strncmp(name, "ttyS", 4) == 0 && name[4] >= '0' && name[4] <= '9')
		console_device = device_make(TTY_MAJOR, SERIAL_MINOR + (u32)(name[4] - '0'));
	else
		log_warn("console=%s: no such terminal here; ttyS0 to ttyS3 are known", name);
}

void console_init(const char *command_line)
{
	char word[WORD_LENGTH];
	const char *at = command_line;

	console_device = device_make(TTY_MAJOR, SERIAL_MINOR);
	while (cmdline_next(&at, word, sizeof(word)) >= 0)
		if (strncmp(word, "console=", 8) == 0)
			choose(word + 8);
	struct tty *tty = tty_find(console_device);
	if (tty != NULL) {
		monitor_init(tty, command_line);
		tty_put(tty);
	}
	int error = device_register_char(TTYAUX_MAJOR, CONSOLE_MINOR, 1, "console", S_IFCHR | 0600,
					 &console_operations);
	if (error)
		log_warn("console: cannot be registered: error %d", -error);
}

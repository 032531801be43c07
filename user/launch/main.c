/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the greeting to power-off: gathers the order, starts the program, relays, reports, switches
 * the machine off.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

enum { MAX_WORDS = 4096, LAUNCHER_SECONDS = 2 };

static char *argument_words[MAX_WORDS + 1], *environment_words[MAX_WORDS + 1];

/* The launcher shows the end of the console's log when the machine goes off without an answer. */
static void give_up(const char *what)
{
	dprintf(STDERR_FILENO, "launch-init: %s: %s\n", what, strerror(errno));
	reboot(RB_POWER_OFF);
	_exit(1);
}

/* The descriptors 0, 1 and 2 must be taken, or others would get these numbers. */
static void hold_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/console", O_RDWR);
		if (fd < 0)
			fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static char *text_of(const struct frame *frame)
{
	char *text = strndup((const char *)frame->payload, frame->length);

	if (text == NULL)
		give_up("order");
	return text;
}

/* Takes one frame of the order.  True when it is complete. */
static bool take_order(struct order *order, const struct frame *frame, size_t *arguments,
		       size_t *environment)
{
	const unsigned char *p = frame->payload;

	switch (frame->type) {
	case 'p':
		order->path = text_of(frame);
		break;
	case 'd':
		order->directory = text_of(frame);
		break;
	case 'a':
		if (*arguments < MAX_WORDS)
			argument_words[(*arguments)++] = text_of(frame);
		break;
	case 'e':
		if (*environment < MAX_WORDS)
			environment_words[(*environment)++] = text_of(frame);
		break;
	case 't':
		order->terminal = true;
		if (frame->length == 4) {
			order->rows = (unsigned short)(p[0] | p[1] << 8);
			order->columns = (unsigned short)(p[2] | p[3] << 8);
		}
		break;
	case 'm':
		order->merged = true;
		break;
	}
	link_confirm(LINK_HEAD + frame->length);
	return frame->type == 'g';
}

static void receive_order(struct order *order)
{
	size_t arguments = 0, environment = 0;
	struct frame frame;

	order->arguments = argument_words;
	order->environment = environment_words;
	for (;;) {
		while (link_next(&frame))
			if (take_order(order, &frame, &arguments, &environment))
				return;
		link_flush();
		struct pollfd line = {.fd = link_fd(),
				      .events = (short)(POLLIN | (link_pending() ? POLLOUT : 0))};
		if (poll(&line, 1, -1) > 0 && (line.revents & POLLIN) && !link_read())
			give_up("line to the launcher");
	}
}

static void report_failure(const char *step, int error)
{
	char text[512];
	int length = snprintf(text, sizeof(text), "%s: %s", step, strerror(error));

	link_send('f', text, (size_t)(length < (int)sizeof(text) ? length : (int)sizeof(text) - 1));
}

static void report_status(int status)
{
	unsigned char bytes[4];

	for (int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(status >> 8 * i);
	link_send('x', bytes, sizeof(bytes));
}

int main(void)
{
	static struct order order;
	struct program program;
	const char *step;

	surroundings_make();
	hold_standard_descriptors();
	if (!link_open("/dev/ttyS1"))
		give_up("/dev/ttyS1");
	receive_order(&order);
	int result = table_mount(&step);

	if (result == 0)
		result = program_start(&order, &program, &step);
	if (result < 0) {
		report_failure(step, -result);
	} else {
		int status = relay_run(&program);

		/* What was written to disks is on them when the launcher ends. */
		sync();
		report_status(status);
	}
	link_finish();
	/* The launcher ends the machine when it has the answer; only if it is gone, we do. */
	sleep(LAUNCHER_SECONDS);
	reboot(RB_POWER_OFF);
	give_up("power off");
}

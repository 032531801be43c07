/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memtop: memory as it is used now, on the whole terminal: frames by use, what fork shares, faults,
 * swap, pressure, and the processes that hold most.
 *
 *	memtop [-b] [-n COUNT] [-d SECONDS]
 *
 * -b writes plain lines, for files and tests; -n ends after so many views.  q ends, a space shows
 * at once what is new.  The terminal gets its settings back whatever ends the program.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "memtop.h"

static struct termios settings;
static volatile sig_atomic_t ended;

static void on_signal(int signal)
{
	(void)signal;
	ended = 1;
}

static void restore_terminal(void)
{
	tcsetattr(0, TCSAFLUSH, &settings);
	fputs("\033[?25h\033[0m\n", stdout);
	fflush(stdout);
}

/* Keys come one by one, and are not shown. */
static void take_terminal(void)
{
	struct termios raw;

	if (tcgetattr(0, &settings) != 0)
		return;
	raw = settings;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(0, TCSAFLUSH, &raw);
	atexit(restore_terminal);
	fputs("\033[?25l\033[2J", stdout);
}

static int terminal_rows(void)
{
	struct winsize size;

	return ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row - 1 : 23;
}

/* Waits for the next view; false: the user has enough. */
static bool wait_for_next(double seconds, bool batch)
{
	struct pollfd keys = {.fd = batch ? -1 : 0, .events = POLLIN};
	char key;

	if (poll(&keys, 1, (int)(seconds * 1000)) <= 0)
		return !ended;
	return read(0, &key, 1) == 1 && key != 'q' && !ended;
}

static void run(bool batch, long count, double seconds)
{
	static struct sample samples[2];

	sample_take(&samples[1]);
	for (long i = 0; count == 0 || i < count; i++) {
		struct sample *now = &samples[i % 2], *before = &samples[(i + 1) % 2];
		if ((i > 0 || batch) && !wait_for_next(seconds, batch))
			return;
		sample_take(now);
		if (!batch)
			fputs("\033[H", stdout);
		show(stdout, now, before, batch ? PROCESSES : terminal_rows(),
		     batch ? "\n" : "\033[K\n");
		if (!batch)
			fputs("\033[J", stdout);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	bool batch = false;
	long count = 0;
	double seconds = 2;
	int option;

	while ((option = getopt(argc, argv, "bn:d:")) != -1) {
		if (option == 'b')
			batch = true;
		else if (option == 'n' && atol(optarg) > 0)
			count = atol(optarg);
		else if (option == 'd' && atof(optarg) > 0)
			seconds = atof(optarg);
		else
			return fputs("usage: memtop [-b] [-n COUNT] [-d SECONDS]\n", stderr), 2;
	}
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!batch)
		take_terminal();
	run(batch, count, seconds);
	return 0;
}

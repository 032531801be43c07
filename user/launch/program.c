/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts the program, with pipes or with a pseudo terminal for its input and output.
 *
 * A pipe that exec closes tells the parent whether exec worked: it reads either the errno or
 * end-of-file.
 */
#define _GNU_SOURCE /* pipe2, ptsname_r */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* The program's side of its descriptors. */
struct ends {
	int in, out, errors;
};

static void close_all(const int *descriptors, int count)
{
	for (int i = 0; i < count; i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
}

static void set_nonblocking(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int open_terminal(const struct order *order, struct program *program, struct ends *ends)
{
	char name[64];

	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0)
		return -errno;
	int slave = -1;
	if (grantpt(master) == 0 && unlockpt(master) == 0 &&
	    ptsname_r(master, name, sizeof(name)) == 0)
		slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0) {
		int error = errno;
		close(master);
		return -error;
	}
	*program = (struct program){.in = master, .out = master, .errors = -1, .terminal = true};
	*ends = (struct ends){slave, slave, slave};
	program_resize(program, order->rows, order->columns);
	return 0;
}

static int open_pipes(const struct order *order, struct program *program, struct ends *ends)
{
	int fds[6] = {-1, -1, -1, -1, -1, -1};

	if (pipe2(fds, O_CLOEXEC) < 0 || pipe2(fds + 2, O_CLOEXEC) < 0 ||
	    (!order->merged && pipe2(fds + 4, O_CLOEXEC) < 0)) {
		int error = errno;
		close_all(fds, 6);
		return -error;
	}
	*program = (struct program){.in = fds[1], .out = fds[2], .errors = fds[4]};
	*ends = (struct ends){fds[0], fds[3], order->merged ? fds[3] : fds[5]};
	return 0;
}

static void become_program(const struct order *order, const struct ends *ends, bool terminal,
			   int report)
{
	int error;

	setsid();
	/* None of the ends is 0, 1 or 2: the console holds these. */
	dup2(ends->in, STDIN_FILENO);
	dup2(ends->out, STDOUT_FILENO);
	dup2(ends->errors, STDERR_FILENO);
	if (terminal)
		ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	if (chdir(order->directory) < 0 && chdir("/") < 0)
		goto failed;
	execve(order->path, order->arguments, order->environment);
failed:
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

int program_start(const struct order *order, struct program *program, const char **step)
{
	int report[2], error = 0;
	struct ends ends = {-1, -1, -1};

	*step = order->terminal ? "pseudo terminal" : "pipe";
	int result = order->terminal ? open_terminal(order, program, &ends)
				     : open_pipes(order, program, &ends);
	if (result < 0)
		return result;
	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	*step = "fork";
	program->pid = fork();
	if (program->pid < 0)
		return -errno;
	if (program->pid == 0)
		become_program(order, &ends, order->terminal, report[1]);
	close(report[1]);
	close(ends.in);
	if (ends.out != ends.in)
		close(ends.out);
	if (ends.errors != ends.out)
		close(ends.errors);
	*step = order->path;
	if (read(report[0], &error, sizeof(error)) != (ssize_t)sizeof(error))
		error = 0;
	close(report[0]);
	if (error)
		return -error;
	set_nonblocking(program->in);
	set_nonblocking(program->out);
	set_nonblocking(program->errors);
	return 0;
}

void program_resize(struct program *program, unsigned short rows, unsigned short columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};

	if (program->terminal)
		ioctl(program->out, TIOCSWINSZ, &size);
}

void program_end_input(struct program *program)
{
	const char end = 4; /* VEOF of a fresh terminal: Ctrl-D */

	if (program->in < 0)
		return;
	if (program->terminal) {
		if (write(program->in, &end, 1) < 0)
			return;
	} else {
		close(program->in);
		program->in = -1;
	}
}

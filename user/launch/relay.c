/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop between program and line.
 *
 * Input waits in a queue until the program takes it, and is confirmed to the host then; so the
 * queue never holds more than the host's window.  Output is read only while the line's queue has
 * room.  As process 1 we also reap every orphan.  When the program ends, what it wrote before is
 * still in its pipes: at most their capacity is moved after that, so that a process that it left
 * behind cannot keep us.
 */
#define _GNU_SOURCE /* pipe2 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_CAPACITY = 65536, TERMINAL_GRACE_MS = 50 };

static unsigned char queue[2 * LINK_WINDOW];
static size_t queued;
static bool input_ended; /* the host has said so; acted on when the queue is empty */
static int wake_pipe[2]; /* the signal handler writes, the loop polls */

static void on_child(int signal_number)
{
	int error = errno;

	(void)signal_number;
	if (write(wake_pipe[1], "", 1) < 0)
		errno = error; /* full: the loop wakes anyway */
	errno = error;
}

static void catch_children(void)
{
	struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP};

	if (pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		wake_pipe[0] = wake_pipe[1] = -1;
	sigaction(SIGCHLD, &action, NULL);
	on_child(SIGCHLD); /* one may have ended before */
}

/* Reaps whoever has ended.  True, with its status, when the program is among them. */
static bool reap(const struct program *program, int *status)
{
	char bytes[64];
	bool ended = false;
	int one;
	pid_t pid;

	while (read(wake_pipe[0], bytes, sizeof(bytes)) > 0)
		;
	while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
		if (pid == program->pid) {
			*status = one;
			ended = true;
		}
	}
	return ended;
}

static void take_frame(struct program *program, const struct frame *frame)
{
	const unsigned char *p = frame->payload;

	switch (frame->type) {
	case 'i':
		if (program->in >= 0 && queued + frame->length <= sizeof(queue)) {
			memcpy(queue + queued, p, frame->length);
			queued += frame->length;
			link_confirm(LINK_HEAD);
			return;
		}
		break;
	case 'z':
		input_ended = true;
		break;
	case 'w':
		if (frame->length == 4)
			program_resize(program, (unsigned short)(p[0] | p[1] << 8),
				       (unsigned short)(p[2] | p[3] << 8));
		break;
	}
	link_confirm(LINK_HEAD + frame->length);
}

static void give_input(struct program *program)
{
	ssize_t done = write(program->in, queue, queued);

	if (done < 0 && errno != EAGAIN && errno != EINTR) {
		/* The program reads no more: drop it, as a broken pipe does. */
		done = (ssize_t)queued;
		if (!program->terminal) {
			close(program->in);
			program->in = -1;
		}
	}
	if (done > 0) {
		queued -= (size_t)done;
		memmove(queue, queue + done, queued);
		link_confirm((size_t)done);
	}
}

/* Moves one piece of output.  Returns its length; 0 when there is none now; *fd becomes -1 at the
 * end. */
static size_t take_output(int *fd, char type)
{
	static char data[LINK_OUT_PAYLOAD];
	size_t room = link_room();

	if (*fd < 0 || room == 0)
		return 0;
	ssize_t got = read(*fd, data, room);
	if (got > 0) {
		link_send(type, data, (size_t)got);
		return (size_t)got;
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(*fd);
		*fd = -1;
	}
	return 0;
}

/* Hands on what the program wrote before it ended. */
static void drain(int *fd, char type, bool terminal)
{
	size_t moved = 0;

	while (*fd >= 0 && moved < PIPE_CAPACITY) {
		struct pollfd ready = {.fd = *fd, .events = POLLIN};

		if (link_room() == 0) {
			struct pollfd line = {.fd = link_fd(), .events = POLLOUT};
			poll(&line, 1, -1);
			link_flush();
			continue;
		}
		if (poll(&ready, 1, terminal ? TERMINAL_GRACE_MS : 0) <= 0)
			return;
		moved += take_output(fd, type);
		link_flush();
	}
}

static void take_frames(struct program *program)
{
	struct frame frame;

	while (link_next(&frame))
		take_frame(program, &frame);
}

int relay_run(struct program *program)
{
	int status = 0;

	signal(SIGPIPE, SIG_IGN);
	catch_children();
	take_frames(program); /* those that came with the order */
	for (;;) {
		bool room = link_room() > 0;
		struct pollfd fds[] = {
			{.fd = wake_pipe[0], .events = POLLIN},
			{.fd = link_fd(),
			 .events = (short)(POLLIN | (link_pending() ? POLLOUT : 0))},
			{.fd = queued ? program->in : -1, .events = POLLOUT},
			{.fd = room ? program->out : -1, .events = POLLIN},
			{.fd = room ? program->errors : -1, .events = POLLIN},
		};
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents & POLLIN)
			link_read();
		take_frames(program);
		if (queued && program->in >= 0)
			give_input(program);
		if (queued == 0 && input_ended) {
			program_end_input(program);
			input_ended = false;
		}
		if (fds[3].revents)
			take_output(&program->out, 'o');
		if (fds[4].revents)
			take_output(&program->errors, 'r');
		link_flush();
		if ((fds[0].revents & POLLIN) && reap(program, &status))
			break;
	}
	drain(&program->out, 'o', program->terminal);
	drain(&program->errors, 'r', false);
	return status;
}

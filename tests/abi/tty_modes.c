/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals between their ends: packet mode, flow control, what a read without waiting says,
 * and what /proc tells of a process's terminal.
 */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <termios.h>

#ifndef TIOCSIG
#define TIOCSIG _IOW('T', 0x36, int)
#endif

static int master, slave;
static unsigned number;

static bool open_pair(void)
{
	int unlock = 0;
	char name[64];

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number))
		return false;
	snprintf(name, sizeof(name), "/dev/pts/%u", number);
	slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	return slave >= 0;
}

static void type(const char *text)
{
	(void)!write(master, text, strlen(text));
}

/* One read of the master when it has something, within a second: its first byte, or -1. */
static int packet(char *buf, size_t size)
{
	struct pollfd p = {.fd = master, .events = POLLIN};

	memset(buf, 0, size);
	if (poll(&p, 1, 1000) != 1 || read(master, buf, size - 1) < 1)
		return -1;
	return (unsigned char)buf[0];
}

/* Reads packets until one has the bit, or none comes. */
static bool packet_tells(int bit)
{
	char buf[64];
	int first;

	while ((first = packet(buf, sizeof(buf))) >= 0)
		if (first & bit)
			return true;
	return false;
}

static void packets_tell_the_state(void)
{
	struct termios t, plain;
	char buf[64];
	int on = 1, off = 0;

	is(ioctl(master, TIOCPKT, &on), 0, "packet mode");
	(void)!write(slave, "hello", 5);
	is(packet(buf, sizeof(buf)), TIOCPKT_DATA, "data come with a zero byte before them");
	is_str(buf + 1, "hello", "and then as they are");
	tcgetattr(slave, &t);
	plain = t;
	t.c_iflag &= ~(tcflag_t)IXON;
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	tcsetattr(slave, TCSANOW, &t);
	ok(packet_tells(TIOCPKT_NOSTOP), "^S losing its meaning is told");
	tcsetattr(slave, TCSANOW, &plain);
	ok(packet_tells(TIOCPKT_DOSTOP), "and having it back");
	tcflush(slave, TCIFLUSH);
	ok(packet_tells(TIOCPKT_FLUSHREAD), "a flush of input is told");
	type("\023");
	ok(packet_tells(TIOCPKT_STOP), "output that is stopped");
	type("\021");
	ok(packet_tells(TIOCPKT_START), "and that goes on");
	ioctl(master, TIOCPKT, &off);
}

static void signals_restart_output(void)
{
	struct pollfd p = {.fd = slave, .events = POLLOUT};
	int st;

	type("\023");
	is(poll(&p, 1, 0), 0, "stopped output has no room");
	fails(write(slave, "x", 1), EAGAIN, "and takes nothing");
	if (child(&st) == 0) {
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		type("\003");
		is(poll(&p, 1, 1000), 1, "^C sets it going again");
		ioctl(slave, TIOCNOTTY);
		_exit(0);
	}
	is(st, 0, "in a session of its own");
}

static void reads_without_waiting(void)
{
	struct termios t;
	char c;

	fails(read(slave, &c, 1), EAGAIN, "a line that is not there");
	tcgetattr(slave, &t);
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSAFLUSH, &t);
	fails(read(slave, &c, 1), EAGAIN, "a byte that is not there");
	t.c_cc[VMIN] = 0;
	tcsetattr(slave, TCSANOW, &t);
	is(read(slave, &c, 1), 0, "with MIN 0 and TIME 0 there is nothing to wait for");
	type("ab");
	is(read(slave, &c, 1), 1, "what is there is read");
}

static void long_lines_are_erased(void)
{
	struct termios t;
	char buf[64] = "";

	tcgetattr(slave, &t);
	t.c_lflag |= ICANON | ECHO | ECHOE | ECHOK | ECHOKE;
	tcsetattr(slave, TCSAFLUSH, &t);
	for (int i = 0; i < 40; i++) {
		type("0123456789 0123456789\t\t\001\002 ");
		while (read(master, buf, sizeof(buf)) > 0)
			;
	}
	type("\025");
	while (read(master, buf, sizeof(buf)) > 0)
		;
	memset(buf, 0, sizeof(buf));
	type("one two  \027three\n");
	is(read(slave, buf, sizeof(buf)), 10, "a line that was killed leaves nothing behind");
	is_str(buf, "one three\n", "and words are erased with the blanks behind them");
}

/* Fields 7 and 8 of /proc/self/stat. */
static void terminal_of(int *device, int *group)
{
	char text[1024];
	const char *p;

	*device = *group = -2;
	if (get_file("/proc/self/stat", text, sizeof(text)) > 0 && (p = strrchr(text, ')')))
		sscanf(p + 2, "%*c %*d %*d %*d %d %d", device, group);
}

static void proc_tells_the_terminal(void)
{
	int st, device, group;

	if (child(&st) == 0) {
		signal(SIGHUP, SIG_IGN);
		setsid();
		terminal_of(&device, &group);
		ok(device == 0 && group == -1, "a session without a terminal: 0 and -1");
		fails(tcgetpgrp(slave), ENOTTY, "others' terminals tell nothing");
		ioctl(slave, TIOCSCTTY, 0);
		terminal_of(&device, &group);
		is(device, (int)(136 << 8 | (number & 0xff) | (number & ~0xffu) << 12),
		   "the terminal's number");
		is(group, getpgrp(), "the group in the foreground");
		pid_t of_master;
		is(ioctl(master, TIOCGPGRP, &of_master), 0, "the master may ask");
		is(of_master, getpgrp(), "whose turn it is");
		_exit(0);
	}
	is(st, 0, "the session ended");
}

static void masters_send_signals(void)
{
	sigset_t set;
	int st;

	if (child(&st) == 0) {
		signal(SIGHUP, SIG_IGN);
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		sigemptyset(&set);
		sigaddset(&set, SIGINT);
		sigprocmask(SIG_BLOCK, &set, NULL);
		is(ioctl(master, TIOCSIG, SIGINT), 0, "TIOCSIG");
		is(sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 1}), SIGINT,
		   "reaches the foreground group");
		fails(ioctl(master, TIOCSIG, SIGKILL), EINVAL, "but not every signal");
		_exit(0);
	}
	is(st, 0, "the session ended");
}

int main(void)
{
	if (!ok(open_pair(), "a pseudo-terminal pair"))
		return done();
	packets_tell_the_state();
	signals_restart_output();
	reads_without_waiting();
	long_lines_are_erased();
	close(slave);
	close(master);
	open_pair();
	proc_tells_the_terminal();
	close(slave);
	close(master);
	open_pair();
	masters_send_signals();
	return done();
}

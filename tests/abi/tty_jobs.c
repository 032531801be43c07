/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A terminal and its session: the controlling terminal, foreground groups, the signals of keys,
 * SIGTTIN and SIGTTOU, hang-up.
 */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master;
static char name[64];
static volatile int *told; /* what the session's processes tell the test */

static bool open_master(void)
{
	unsigned n = 0;
	int unlock = 0;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &n))
		return false;
	snprintf(name, sizeof(name), "/dev/pts/%u", n);
	return true;
}

static void type(const char *text)
{
	(void)!write(master, text, strlen(text));
}

/* Starts a session with the terminal as its own; returns in the leader the terminal's descriptor.
 */
static int new_session(void)
{
	setsid();
	return open(name, O_RDWR);
}

static void terminals_are_acquired(void)
{
	int st;

	if (child(&st) == 0) {
		setsid();
		int fd = open(name, O_RDWR | O_NOCTTY);
		fails(open("/dev/tty", O_RDWR), ENXIO, "O_NOCTTY takes no terminal");
		fails(tcgetpgrp(fd), ENOTTY, "which has no foreground group here");
		is(ioctl(fd, TIOCSCTTY, 0), 0, "TIOCSCTTY takes it");
		int tty = open("/dev/tty", O_RDWR);
		ok(tty >= 0, "then /dev/tty opens");
		is(tcgetpgrp(tty), getpgrp(), "the leader's group is in the foreground");
		is(tcgetsid(fd), getpid(), "tcgetsid is the session");
		is(ioctl(tty, TIOCNOTTY), 0, "TIOCNOTTY gives it up");
		_exit(0);
	}
	ok(st == 0 || st == KILLED(SIGHUP), "which may hang up the session");
	if (child(&st) == 0) {
		int fd = new_session();
		ok(open("/dev/tty", O_RDWR) >= 0, "a leader's open takes the terminal");
		if (child(&st) == 0)
			_exit(open("/dev/tty", O_RDWR) >= 0 && tcgetpgrp(fd) == getpgrp() ? 0 : 1);
		is(st, 0, "its children have it too");
		if (child(&st) == 0) {
			setsid();
			_exit(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO &&
					      ioctl(fd, TIOCSCTTY, 0) == -1 && errno == EPERM
				      ? 0
				      : 1);
		}
		is(st, 0, "another session has not, and cannot take it");
		signal(SIGHUP, SIG_IGN);
		_exit(0);
	}
	is(st, 0, "the leader came to its end");
}

/* Types a key to a foreground job; returns the job's wait status. */
static int job_after(const char *key)
{
	int st;

	told[0] = told[1] = 0;
	pid_t typist = spawn();
	if (typist == 0) {
		wait_until(told[0]);
		sleep_ms(20);
		type(key);
		_exit(0);
	}
	if (child(&st) == 0) {
		int fd = new_session();
		signal(SIGTTOU, SIG_IGN);
		pid_t job = spawn();
		if (job == 0) {
			setpgid(0, 0);
			tcsetpgrp(fd, getpid());
			signal(SIGTTOU, SIG_DFL);
			told[0] = 1;
			for (;;)
				pause();
		}
		waitpid(job, &st, WUNTRACED);
		told[1] = st;
		kill(job, SIGKILL);
		_exit(0);
	}
	reap(typist);
	return told[1];
}

static void keys_send_signals(void)
{
	static const struct {
		const char *key;
		int sig;
		const char *what;
	} keys[] = {{"\003", SIGINT, "^C"}, {"\034", SIGQUIT, "^\\"}};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		is(job_after(keys[i].key) & 0x7f, keys[i].sig, "%s kills the foreground job",
		   keys[i].what);
	is(job_after("\032"), SIGTSTP << 8 | 0x7f, "^Z stops it");
}

static void background_jobs_stop(void)
{
	int st;

	type("input\n");
	if (child(&st) == 0) {
		int fd = new_session();
		char buf[16];
		pid_t job = spawn();
		if (job == 0) {
			setpgid(0, 0);
			sleep_ms(20);
			_exit(read(fd, buf, 6) == 6 ? 0 : 1);
		}
		setpgid(job, job);
		waitpid(job, &st, WUNTRACED);
		is(st, SIGTTIN << 8 | 0x7f, "a background read stops the job: SIGTTIN");
		is(tcsetpgrp(fd, job), 0, "tcsetpgrp brings it to the foreground");
		kill(-job, SIGCONT);
		is(reap(job), 0, "continued, it reads");
		signal(SIGTTOU, SIG_IGN);
		is(tcsetpgrp(fd, getpgrp()), 0, "with SIGTTOU ignored the leader takes it back");
		job = spawn();
		if (job == 0) {
			setpgid(0, 0);
			signal(SIGTTIN, SIG_IGN);
			_exit(read(fd, buf, 1) == -1 && errno == EIO ? 0 : 1);
		}
		setpgid(job, job);
		is(reap(job), 0, "a background read with SIGTTIN ignored is EIO");
		signal(SIGHUP, SIG_IGN);
		_exit(0);
	}
	is(st, 0, "the leader came to its end");
}

static void background_output(void)
{
	int st;

	if (child(&st) == 0) {
		int fd = new_session();
		struct termios t;
		tcgetattr(fd, &t);
		pid_t job = spawn();
		if (job == 0) {
			setpgid(0, 0);
			_exit(write(fd, "x", 1) == 1 ? 0 : 1);
		}
		setpgid(job, job);
		is(reap(job), 0, "a background job may write");
		t.c_lflag |= TOSTOP;
		tcsetattr(fd, TCSANOW, &t);
		job = spawn();
		if (job == 0) {
			setpgid(0, 0);
			_exit(write(fd, "x", 1) == 1 ? 0 : 1);
		}
		setpgid(job, job);
		waitpid(job, &st, WUNTRACED);
		is(st, SIGTTOU << 8 | 0x7f, "with TOSTOP it is stopped: SIGTTOU");
		kill(job, SIGKILL);
		reap(job);
		job = spawn();
		if (job == 0) {
			setpgid(0, 0);
			_exit(tcsetattr(fd, TCSANOW, &t) == 0 ? 0 : 1);
		}
		setpgid(job, job);
		waitpid(job, &st, WUNTRACED);
		is(st, SIGTTOU << 8 | 0x7f, "and so is one that changes the terminal");
		kill(job, SIGKILL);
		reap(job);
		fails(tcsetpgrp(fd, getppid()), EPERM, "a group of another session");
		fails(tcsetpgrp(fd, 999999), ESRCH, "a group that does not exist");
		t.c_lflag &= ~(tcflag_t)TOSTOP;
		tcsetattr(fd, TCSANOW, &t);
		signal(SIGHUP, SIG_IGN);
		_exit(0);
	}
	is(st, 0, "the leader came to its end");
}

static void on_signal(int sig)
{
	told[2] = sig;
	told[3]++;
}

static void window_changes_are_told(void)
{
	struct winsize w = {.ws_row = 11, .ws_col = 22};

	told[0] = told[2] = told[3] = 0;
	pid_t pid = spawn();
	if (pid == 0) {
		new_session();
		signal(SIGWINCH, on_signal);
		signal(SIGHUP, SIG_IGN);
		told[0] = 1;
		wait_until(told[3]);
		_exit(0);
	}
	wait_until(told[0]);
	ioctl(master, TIOCSWINSZ, &w);
	is(reap(pid), 0, "the foreground group is told of a new window size");
	is(told[2], SIGWINCH, "by SIGWINCH");
}

static void hang_up_ends_the_session(void)
{
	told[0] = told[1] = told[2] = 0;
	pid_t pid = spawn();
	if (pid == 0) {
		int fd = new_session();
		char c;
		close(master);
		signal(SIGHUP, on_signal);
		told[0] = 1;
		wait_until(told[2]);
		told[1] = (int)read(fd, &c, 1);
		_exit(0);
	}
	wait_until(told[0]);
	close(master);
	is(reap(pid), 0, "the leader sees the master close");
	is(told[2], SIGHUP, "by SIGHUP");
	is(told[1], 0, "and reads the end");
}

static void leaders_take_the_terminal_along(void)
{
	int st;

	if (!ok(open_master(), "another terminal"))
		return;
	told[0] = told[2] = told[3] = 0;
	if (child(&st) == 0) {
		new_session();
		if (spawn() == 0) {
			signal(SIGHUP, on_signal);
			told[0] = 1;
			wait_until(told[3]);
			_exit(0);
		}
		wait_until(told[0]);
		_exit(0);
	}
	wait_until(told[3]);
	is(told[2], SIGHUP, "when the leader ends, the foreground group is hung up");
	close(master);
}

/* Whoever has a terminal open is off it for good after vhangup; the group in the foreground is told nothing. */
static void vhangup_takes_all_off_the_line(int keep)
{
	int st;

	told[0] = told[1] = told[2] = told[3] = 0;
	pid_t leader = spawn();
	if (leader == 0) {
		int fd = new_session();
		char c;
		signal(SIGHUP, on_signal);
		pid_t job = spawn();
		if (job == 0) {
			setpgid(0, 0);
			signal(SIGTTOU, SIG_IGN);
			signal(SIGHUP, SIG_DFL);
			tcsetpgrp(fd, getpid());
			told[0] = 1;
			is(read(fd, &c, 1), 0, "a read that waits ends");
			wait_until(told[2]);
			is(told[2], SIGHUP, "the session's leader got SIGHUP");
			is(vhangup(), 0, "nobody has a terminal to hang up");
			_exit(0);
		}
		wait_until(told[0]);
		sleep_ms(20);
		is(vhangup(), 0, "vhangup");
		is(reap(job), 0, "its group is not killed");
		fails(open("/dev/tty", O_RDWR), ENXIO, "the session has no terminal");
		_exit(0);
	}
	is(reap(leader), 0, "the leader ends by itself");
	char c = 'x';
	struct pollfd p = {keep, POLLIN | POLLOUT, 0};
	struct winsize size;
	is(poll(&p, 1, 0), 1, "poll tells of files");
	is(p.revents, POLLIN | POLLOUT | POLLERR | POLLHUP, "that are off the line");
	is(read(keep, &c, 1), 0, "reading finds the end");
	fails(write(keep, &c, 1), EIO, "writing nobody");
	fails(ioctl(keep, TIOCGWINSZ, &size), EIO, "settings neither");
	fails(tcsetpgrp(keep, getpgrp()), ENOTTY, "nor groups");
	int again = open(name, O_RDWR | O_NOCTTY);
	ok(again >= 0, "who opens it again");
	is(write(again, "y", 1), 1, "writes");
	while (read(master, &c, 1) == 1 && c != 'y')
		;
	is(c, 'y', "and the master reads it");
	close(again);
	if (child(&st) == 0) {
		become(1000, 1000);
		fails(vhangup(), EPERM, "vhangup wants a capability");
		_exit(0);
	}
}

static void others_forget_the_terminal(void)
{
	int st;

	if (child(&st) == 0) {
		int fd = new_session();
		signal(SIGHUP, on_signal);
		if (child(&st) == 0) {
			is(ioctl(fd, TIOCNOTTY), 0,
			   "who is not the leader gives it up for himself");
			fails(open("/dev/tty", O_RDWR), ENXIO, "has none");
			fails(ioctl(fd, TIOCNOTTY), ENOTTY, "to give up again");
			if (child(&st) == 0)
				_exit(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO ? 0 : 1);
			is(st, 0, "nor have its children");
			_exit(0);
		}
		ok(open("/dev/tty", O_RDWR) >= 0, "the leader still has it");
		_exit(0);
	}
}

int main(void)
{
	told = shared_ints();
	if (!ok(open_master(), "a pseudo-terminal"))
		return done();
	int keep = open(name, O_RDWR | O_NOCTTY); /* keeps the line discipline's state */
	terminals_are_acquired();
	keys_send_signals();
	background_jobs_stop();
	background_output();
	window_changes_are_told();
	others_forget_the_terminal();
	vhangup_takes_all_off_the_line(keep);
	close(keep);
	hang_up_ends_the_session();
	leaders_take_the_terminal_along();
	return done();
}

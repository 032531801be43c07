/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals and the line discipline: canonical and raw input, echo, editing, output
 * processing, the window size.
 */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char name[64];

static bool open_pair(void)
{
	unsigned n = 0;
	int unlock = 0;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &n))
		return false;
	snprintf(name, sizeof(name), "/dev/pts/%u", n);
	slave = open(name, O_RDWR | O_NOCTTY);
	return slave >= 0;
}

static void type(const char *text)
{
	(void)!write(master, text, strlen(text));
}

/* What can be read now from `fd`, at most `size` - 1 bytes; waits up to a second for the first. */
static const char *take(int fd)
{
	static char buf[512];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t have = 0;

	while (have < sizeof(buf) - 1 && poll(&p, 1, have ? 30 : 1000) == 1 &&
	       (p.revents & POLLIN)) {
		ssize_t n = read(fd, buf + have, sizeof(buf) - 1 - have);
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	buf[have] = '\0';
	return buf;
}

static bool nothing_waits(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 30) == 0;
}

static void set_flags(tcflag_t lflag_on, tcflag_t lflag_off)
{
	struct termios t;

	tcgetattr(slave, &t);
	t.c_lflag |= lflag_on;
	t.c_lflag &= ~lflag_off;
	tcsetattr(slave, TCSANOW, &t);
}

static void pairs_are_made(void)
{
	struct stat st;

	is(fstat(slave, &st), 0, "the slave has a node");
	ok(S_ISCHR(st.st_mode) && st.st_rdev >> 8 == 136, "with major number 136");
	ok(isatty(slave) == 1 && isatty(master) == 1, "both ends are terminals");
	int ends[2];
	pipe(ends);
	is(isatty(ends[0]), 0, "a pipe is not");
	is(errno, ENOTTY, "ENOTTY");
	close(ends[0]);
	close(ends[1]);
}

static void attributes_are_as_usual(void)
{
	struct termios t;

	is(tcgetattr(slave, &t), 0, "tcgetattr");
	is(t.c_iflag, ICRNL | IXON, "input: ICRNL and IXON");
	is(t.c_oflag, OPOST | ONLCR, "output: OPOST and ONLCR");
	is(t.c_cflag & (CSIZE | CREAD | HUPCL | PARENB), CS8 | CREAD, "control: CS8 and CREAD");
	is(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	   "local: canonical, echo, signals");
	is(cfgetospeed(&t), B38400, "38400 baud");
	is(t.c_cc[VINTR], 3, "^C interrupts");
	is(t.c_cc[VQUIT], 28, "^\\ quits");
	is(t.c_cc[VERASE], 127, "DEL erases");
	is(t.c_cc[VKILL], 21, "^U kills");
	is(t.c_cc[VEOF], 4, "^D ends");
	is(t.c_cc[VSUSP], 26, "^Z suspends");
	is(t.c_cc[VMIN], 1, "VMIN is 1");
	is(t.c_cc[VTIME], 0, "VTIME is 0");
	fails(ioctl(slave, TCGETS, BAD_POINTER), EFAULT, "a bad pointer");
	fails(ioctl(slave, TCSETS, BAD_POINTER), EFAULT, "for setting too");
}

static void lines_are_edited(void)
{
	type("hel");
	ok(nothing_waits(slave), "canonical: nothing before the line ends");
	type("lo\n");
	is_str(take(slave), "hello\n", "then the line");
	is_str(take(master), "hello\r\n", "the echo, newline as CR LF");
	type("abx\177c\r");
	is_str(take(slave), "abc\n", "DEL erases, CR becomes a newline");
	is_str(take(master), "abx\b \bc\r\n", "the erasure is shown");
	type("wrong\025right\n");
	is_str(take(slave), "right\n", "^U kills the line");
	take(master);
	type("one two\027three\n");
	is_str(take(slave), "one three\n", "^W erases a word");
	take(master);
	type("a\026\003b\n");
	is_str(take(slave), "a\003b\n", "^V takes the next byte as it is");
	is_str(take(master), "a^\b^Cb\r\n", "shown with a caret");
	type("\177\177\n");
	is_str(take(slave), "\n", "erasing an empty line does nothing");
	take(master);
}

static void ends_of_input(void)
{
	char buf[16];

	type("part\004");
	is(read(slave, buf, sizeof(buf)), 4, "^D hands over what was typed");
	type("\004");
	is(read(slave, buf, sizeof(buf)), 0, "at the start of a line it is the end");
	type("more\n");
	is(read(slave, buf, sizeof(buf)), 5, "after which more can be read");
	type("two\nlines\n");
	is(read(slave, buf, sizeof(buf)), 4, "a read takes one line");
	is(read(slave, buf, 3), 3, "or a part of one");
	is(read(slave, buf, sizeof(buf)), 3, "then the rest");
	take(master);
	type("pending\n");
	int waiting = 0;
	wait_until(ioctl(slave, FIONREAD, &waiting) == 0 && waiting == 8);
	is(waiting, 8, "FIONREAD tells what waits");
	is(tcflush(slave, TCIFLUSH), 0, "tcflush");
	ok(nothing_waits(slave), "throws it away");
	take(master);
}

static void echo_is_optional(void)
{
	set_flags(0, ECHO);
	type("secret\n");
	is_str(take(slave), "secret\n", "without ECHO input arrives");
	ok(nothing_waits(master), "and is not shown");
	set_flags(ECHONL, 0);
	type("secret\n");
	is_str(take(master), "\r\n", "ECHONL shows the newline");
	take(slave);
	set_flags(ECHO, ECHONL);
	type("\001\n");
	is_str(take(master), "^A\r\n", "control characters are shown with a caret");
	take(slave);
}

static void raw_input(void)
{
	struct termios saved, t;
	char buf[16];

	tcgetattr(slave, &saved);
	t = saved;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	t.c_iflag &= ~(tcflag_t)ICRNL;
	t.c_oflag &= ~(tcflag_t)OPOST;
	is(tcsetattr(slave, TCSADRAIN, &t), 0, "raw mode");
	type("x\r\003");
	is(read(slave, buf, sizeof(buf)), 3, "bytes arrive at once");
	ok(memcmp(buf, "x\r\003", 3) == 0, "as they are");
	(void)!write(slave, "a\nb", 3);
	is_str(take(master), "a\nb", "and go out as they are");
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	is(read(slave, buf, sizeof(buf)), 0, "VMIN 0, VTIME 0: a read does not wait");
	t.c_cc[VTIME] = 1;
	tcsetattr(slave, TCSANOW, &t);
	long start = now_ms();
	is(read(slave, buf, sizeof(buf)), 0, "VTIME 1: a tenth of a second");
	ok(now_ms() - start >= 90 && now_ms() - start < 3000, "about");
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	type("ab");
	ok(nothing_waits(slave), "VMIN 3: two bytes are not enough");
	type("c");
	is(read(slave, buf, sizeof(buf)), 3, "three are");
	tcsetattr(slave, TCSANOW, &saved);
}

static void output_is_processed(void)
{
	(void)!write(slave, "line\nnext", 9);
	is_str(take(master), "line\r\nnext", "a newline goes out as CR LF");
	int flags = fcntl(slave, F_GETFL);
	char c;
	fcntl(slave, F_SETFL, flags | O_NONBLOCK);
	fails(read(slave, &c, 1), EAGAIN, "a non-blocking read without input");
	fcntl(slave, F_SETFL, flags);
}

static void window_sizes(void)
{
	struct winsize w = {.ws_row = 99};

	is(ioctl(slave, TIOCGWINSZ, &w), 0, "TIOCGWINSZ");
	ok(w.ws_row == 0 && w.ws_col == 0, "is zero at first");
	w = (struct winsize){.ws_row = 50, .ws_col = 132};
	is(ioctl(master, TIOCSWINSZ, &w), 0, "set at the master");
	memset(&w, 0, sizeof(w));
	ioctl(slave, TIOCGWINSZ, &w);
	ok(w.ws_row == 50 && w.ws_col == 132, "is read at the slave");
	fails(ioctl(slave, TIOCGWINSZ, BAD_POINTER), EFAULT, "a bad pointer");
}

static void hang_ups(void)
{
	char c;
	struct pollfd p = {.fd = master, .events = POLLIN};

	close(slave);
	is(poll(&p, 1, 1000), 1, "after the last slave is closed");
	ok(p.revents & POLLHUP, "the master hangs up");
	fails(read(master, &c, 1), EIO, "and reads EIO");
	slave = open(name, O_RDWR | O_NOCTTY);
	ok(slave >= 0, "the slave can be opened again");
	close(master);
	is(read(slave, &c, 1), 0, "after the master is closed the slave reads the end");
	fails(write(slave, "x", 1), EIO, "and writes EIO");
	close(slave);
	fails(open(name, O_RDWR | O_NOCTTY), ENOENT, "the node is gone");
}

int main(void)
{
	if (!ok(open_pair(), "a pseudo-terminal pair"))
		return done();
	pairs_are_made();
	attributes_are_as_usual();
	lines_are_edited();
	ends_of_input();
	echo_is_optional();
	raw_input();
	output_is_processed();
	window_sizes();
	hang_ups();
	return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial line to the launcher: frames in, frames out.  The line is non-blocking; what it does
 * not take waits in `out`.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int fd = -1;

/* Received bytes in[in_start .. in_end); the host's window bounds them. */
static unsigned char in[2 * LINK_WINDOW];
static size_t in_start, in_end;

/* Bytes to send out[out_start .. out_end). */
static unsigned char out[LINK_OUT_SIZE];
static size_t out_start, out_end;

static void put(const void *data, size_t length)
{
	memcpy(out + out_end, data, length);
	out_end += length;
}

bool link_open(const char *path)
{
	struct termios mode;

	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &mode) < 0)
		return false;
	cfmakeraw(&mode);
	mode.c_cflag |= CLOCAL | CREAD;
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	cfsetspeed(&mode, B115200);
	if (tcsetattr(fd, TCSANOW, &mode) < 0)
		return false;
	put(LINK_GREETING, sizeof(LINK_GREETING) - 1);
	link_flush();
	return true;
}

int link_fd(void)
{
	return fd;
}

bool link_read(void)
{
	memmove(in, in + in_start, in_end - in_start);
	in_end -= in_start;
	in_start = 0;
	ssize_t got = read(fd, in + in_end, sizeof(in) - in_end);
	if (got > 0)
		in_end += (size_t)got;
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool link_next(struct frame *frame)
{
	const unsigned char *head = in + in_start;
	size_t held = in_end - in_start;

	if (held < LINK_HEAD)
		return false;
	frame->type = (char)head[0];
	frame->length = head[1] | (size_t)head[2] << 8;
	frame->payload = head + LINK_HEAD;
	if (held < LINK_HEAD + frame->length)
		return false;
	in_start += LINK_HEAD + frame->length;
	return true;
}

void link_confirm(size_t count)
{
	unsigned char number[2] = {(unsigned char)count, (unsigned char)(count >> 8)};

	link_send('k', number, sizeof(number));
}

void link_send(char type, const void *payload, size_t length)
{
	unsigned char head[LINK_HEAD] = {(unsigned char)type, (unsigned char)length,
					 (unsigned char)(length >> 8)};

	memmove(out, out + out_start, out_end - out_start);
	out_end -= out_start;
	out_start = 0;
	put(head, sizeof(head));
	put(payload, length);
}

size_t link_room(void)
{
	/* Some is kept back for confirmations and the final frame. */
	size_t kept = 64 * (LINK_HEAD + 4), used = out_end - out_start;
	size_t left = LINK_OUT_SIZE - used;

	if (left < kept + LINK_HEAD)
		return 0;
	left -= kept + LINK_HEAD;
	return left < LINK_OUT_PAYLOAD ? left : LINK_OUT_PAYLOAD;
}

void link_flush(void)
{
	while (out_start < out_end) {
		ssize_t done = write(fd, out + out_start, out_end - out_start);
		if (done <= 0 && errno != EINTR)
			return;
		out_start += done > 0 ? (size_t)done : 0;
	}
	out_start = out_end = 0;
}

bool link_pending(void)
{
	return out_start < out_end;
}

void link_finish(void)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	link_flush();
	tcdrain(fd);
}

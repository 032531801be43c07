/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline, output half: post-processing (termios(3), c_oflag), echo, and erasing what
 * was echoed.
 *
 * Everything runs with tty->lock held, so output of programs and echo do not mix within a byte's
 * expansion.  `column` follows the cursor; it is a guess where a program moves the cursor by escape
 * sequences, as everywhere.
 */
#include "drivers/tty/tty_internal.h"

#define TAB_STOP 8

static const char spaces[TAB_STOP] = "        ";

static void send_locked(struct tty *tty, const char *bytes, size_t count)
{
	tty->ops->write(tty, (const u8 *)bytes, count);
}

/* How the column moves when a byte that is not expanded is sent. */
static void follow_column(struct tty *tty, u8 byte)
{
	switch (byte) {
	case '\n':
		if (tty_output_flag(tty, ONLRET))
			tty->column = 0;
		break;
	case '\r':
		tty->column = 0;
		break;
	case '\b':
		if (tty->column > 0)
			tty->column--;
		break;
	case '\t':
		tty->column = ALIGN_DOWN(tty->column, TAB_STOP) + TAB_STOP;
		break;
	default:
		/* Bytes inside a UTF-8 sequence take no column. */
		if (byte >= ' ' && byte != 0x7f &&
		    !(tty_input_flag(tty, IUTF8) && (byte & 0xc0) == 0x80))
			tty->column++;
	}
}

/* Sends one byte with its expansion; false when the driver has no room for it. */
static bool output_byte(struct tty *tty, u8 byte)
{
	size_t room = tty->ops->write_room(tty);

	switch (byte) {
	case '\n':
		if (tty_output_flag(tty, ONLCR)) {
			if (room < 2)
				return false;
			tty->column = 0;
			send_locked(tty, "\r\n", 2);
			return true;
		}
		break;
	case '\r':
		if (tty_output_flag(tty, ONOCR) && tty->column == 0)
			return true;
		if (tty_output_flag(tty, OCRNL))
			byte = '\n';
		break;
	case '\t':
		if ((tty->termios.c_oflag & TABDLY) == XTABS) {
			u32 width = TAB_STOP - tty->column % TAB_STOP;

			if (room < width)
				return false;
			tty->column += width;
			send_locked(tty, spaces, width);
			return true;
		}
		break;
	default:
		if (tty_output_flag(tty, OLCUC) && byte >= 'a' && byte <= 'z')
			byte = (u8)(byte - 'a' + 'A');
	}
	if (room == 0)
		return false;
	follow_column(tty, byte);
	tty->ops->write(tty, &byte, 1);
	return true;
}

/* Length of the run at the start of `bytes` that output_byte would send as it is. */
static size_t plain_run(const struct tty *tty, const u8 *bytes, size_t count)
{
	size_t length = 0;

	if (tty_output_flag(tty, OLCUC))
		return 0;
	while (length < count && (bytes[length] >= ' ' || bytes[length] == '\033'))
		length++;
	return length;
}

size_t tty_output_locked(struct tty *tty, const u8 *bytes, size_t count)
{
	size_t done = 0;

	if (tty->stopped)
		return 0;
	if (!tty_output_flag(tty, OPOST))
		return tty->ops->write(tty, bytes, count);
	while (done < count) {
		size_t run = plain_run(tty, bytes + done, count - done);

		if (run > 0) {
			size_t sent = tty->ops->write(tty, bytes + done, run);

			for (size_t i = 0; i < sent; i++)
				follow_column(tty, bytes[done + i]);
			done += sent;
			if (sent < run)
				break;
		} else if (output_byte(tty, bytes[done])) {
			done++;
		} else {
			break;
		}
	}
	return done;
}

void tty_echo_raw_locked(struct tty *tty, const char *text, size_t length)
{
	/* Echo that finds no room is lost, as on a slow line. */
	for (size_t i = 0; i < length; i++) {
		if (tty_output_flag(tty, OPOST)) {
			output_byte(tty, (u8)text[i]);
		} else {
			follow_column(tty, (u8)text[i]);
			send_locked(tty, &text[i], 1);
		}
	}
}

void tty_echo_locked(struct tty *tty, u8 byte)
{
	if (tty_local(tty, ECHOCTL) && (byte < ' ' || byte == 0x7f) && byte != '\t' &&
	    byte != '\n') {
		char shown[2] = {'^', (char)(byte ^ 0x40)};

		tty_echo_raw_locked(tty, shown, sizeof(shown));
		return;
	}
	tty_echo_raw_locked(tty, (const char *)&byte, 1);
}

void tty_erase_cells_locked(struct tty *tty, u32 cells)
{
	while (cells-- > 0 && tty->ops->write_room(tty) >= 3) {
		send_locked(tty, "\b \b", 3);
		if (tty->column > 0)
			tty->column--;
	}
}

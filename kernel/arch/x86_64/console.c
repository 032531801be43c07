/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The early console: the first serial port, written to by polling.
 *
 * Output only, so it can share the port with the tty driver, whose interrupts tell of input.  It
 * takes no lock: lines of two CPUs may mix, but nothing can keep a panic from being seen.
 */
#include "arch/machine.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "machine_internal.h"
#include "x86.h"

enum {
	PORT_SERIAL = 0x3f8,
	SERIAL_DATA = 0,
	SERIAL_INTERRUPTS = 1,
	SERIAL_FIFO = 2,
	SERIAL_LINE = 3,
	SERIAL_MODEM = 4,
	SERIAL_STATUS = 5,
	STATUS_TRANSMITTER_EMPTY = 0x20,
	NO_PORT = 0xff,
	SPIN_LIMIT = 100000,
};

/* 115200 baud, 8 data bits, no parity, one stop bit; the FIFO on. */
void early_console_init(void)
{
	port_write8(PORT_SERIAL + SERIAL_INTERRUPTS, 0);
	port_write8(PORT_SERIAL + SERIAL_LINE, 0x80);
	port_write8(PORT_SERIAL + SERIAL_DATA, 1);
	port_write8(PORT_SERIAL + SERIAL_INTERRUPTS, 0);
	port_write8(PORT_SERIAL + SERIAL_LINE, 0x03);
	port_write8(PORT_SERIAL + SERIAL_FIFO, 0x07);
	port_write8(PORT_SERIAL + SERIAL_MODEM, 0x0b);
}

static void put(char byte)
{
	/* A port that does not answer, or a line that is held, costs the byte, not the machine. */
	for (int spin = 0; spin < SPIN_LIMIT; spin++) {
		u8 status = port_read8(PORT_SERIAL + SERIAL_STATUS);
		if (status == NO_PORT)
			return;
		if (status & STATUS_TRANSMITTER_EMPTY)
			break;
		cpu_relax();
	}
	port_write8(PORT_SERIAL + SERIAL_DATA, (u8)byte);
}

void early_console_write(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}

static void sink_write(struct log_sink *sink __unused, const char *line, size_t length)
{
	early_console_write(line, length);
}

static struct log_sink console_sink = {.threshold = LOG_INFO, .write = sink_write};

/* As on Linux, several console= words may be given; without any, the serial port is the console. */
static bool serial_is_console(const char *command_line)
{
	char word[64];
	bool named = false, others = false;

	while (cmdline_next(&command_line, word, sizeof(word)) >= 0) {
		if (strncmp(word, "console=", 8) != 0)
			continue;
		if (strncmp(word + 8, "ttyS0", 5) == 0)
			named = true;
		else
			others = true;
	}
	return named || !others;
}

void early_console_log(const char *command_line)
{
	if (!serial_is_console(command_line))
		return;
	if (cmdline_has(command_line, "quiet"))
		console_sink.threshold = LOG_ERROR;
	log_register_sink(&console_sink);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline, over a wire that remembers what was sent.
 */
#include "drivers/tty/tty_internal.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "tests/kernel/ktest.h"

#define WIRE_SIZE 512

struct wire {
	struct tty tty;
	char sent[WIRE_SIZE];
	size_t length;
};

static size_t wire_write(struct tty *tty, const u8 *bytes, size_t count)
{
	struct wire *wire = tty->driver;
	size_t taken = MIN(count, WIRE_SIZE - wire->length);

	memcpy(wire->sent + wire->length, bytes, taken);
	wire->length += taken;
	return taken;
}

static size_t wire_room(struct tty *tty)
{
	struct wire *wire = tty->driver;

	return WIRE_SIZE - wire->length;
}

static size_t wire_pending(struct tty *tty __unused)
{
	return 0;
}

static const struct tty_operations wire_operations = {
	.write = wire_write,
	.write_room = wire_room,
	.pending = wire_pending,
};

static struct wire *wire_create(void)
{
	struct wire *wire = kzalloc(sizeof(*wire));

	if (wire != NULL)
		tty_init(&wire->tty, "test", 0, &wire_operations, wire);
	return wire;
}

static void type(struct wire *wire, const char *text)
{
	tty_receive(&wire->tty, (const u8 *)text, strlen(text));
}

static bool was_sent(struct wire *wire, const char *expected)
{
	bool same =
		wire->length == strlen(expected) && memcmp(wire->sent, expected, wire->length) == 0;

	wire->length = 0;
	return same;
}

/* Takes what a read of `size` bytes would get, and compares. */
static bool reads(struct wire *wire, size_t size, const char *expected)
{
	u8 bytes[64];
	bool ended;
	unsigned long flags = spin_lock_irqsave(&wire->tty.lock);
	size_t taken = tty_input_take_locked(&wire->tty, bytes, MIN(size, sizeof(bytes)), &ended);

	spin_unlock_irqrestore(&wire->tty.lock, flags);
	return taken == strlen(expected) && memcmp(bytes, expected, taken) == 0;
}

static bool is_ready(struct wire *wire)
{
	unsigned long flags = spin_lock_irqsave(&wire->tty.lock);
	bool ready = tty_input_ready_locked(&wire->tty, 1);

	spin_unlock_irqrestore(&wire->tty.lock, flags);
	return ready;
}

KTEST(tty_line_is_readable_only_when_complete)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	type(wire, "ab");
	KEXPECT(!is_ready(wire));
	type(wire, "c\r");
	KEXPECT(is_ready(wire));
	KEXPECT(was_sent(wire, "abc\r\n"));
	KEXPECT(reads(wire, 2, "ab"));
	KEXPECT(reads(wire, 64, "c\n"));
	KEXPECT(!is_ready(wire));
	kfree(wire);
}

KTEST(tty_reads_stop_at_the_end_of_a_line)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	type(wire, "one\ntwo\n");
	KEXPECT(reads(wire, 64, "one\n"));
	KEXPECT(reads(wire, 64, "two\n"));
	kfree(wire);
}

KTEST(tty_erase_takes_whole_characters_back)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	wire->tty.termios.c_iflag |= IUTF8;
	type(wire, "a\xc3\xa9\x7f"
		   "b\n");
	KEXPECT(was_sent(wire, "a\xc3\xa9\b \bb\r\n"));
	KEXPECT(reads(wire, 64, "ab\n"));
	kfree(wire);
}

KTEST(tty_erase_takes_both_columns_of_a_control_character_back)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	type(wire, "\x01\x7f\n");
	KEXPECT(was_sent(wire, "^A\b \b\b \b\r\n"));
	KEXPECT(reads(wire, 64, "\n"));
	kfree(wire);
}

KTEST(tty_kill_and_word_erase_edit_the_line)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	type(wire, "wrong\x15one two\x17three\n");
	KEXPECT(reads(wire, 64, "one three\n"));
	kfree(wire);
}

KTEST(tty_end_of_file_ends_a_read_without_a_byte)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	type(wire, "\x04");
	KEXPECT(is_ready(wire));
	KEXPECT(reads(wire, 64, ""));
	KEXPECT(!is_ready(wire));
	type(wire, "ab\x04");
	KEXPECT(reads(wire, 2, "ab"));
	KEXPECT(!is_ready(wire));
	kfree(wire);
}

KTEST(tty_raw_mode_passes_every_byte_at_once)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	wire->tty.termios.c_lflag &= ~(u32)(ICANON | ECHO | ISIG | IEXTEN);
	wire->tty.termios.c_iflag = 0;
	type(wire, "\x03\x04\r\x7f");
	KEXPECT(was_sent(wire, ""));
	KEXPECT(reads(wire, 64, "\x03\x04\r\x7f"));
	kfree(wire);
}

KTEST(tty_leaving_canonical_mode_makes_the_edited_line_readable)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	type(wire, "half");
	wire->tty.termios.c_lflag &= ~(u32)ICANON;
	tty_input_mode_changed_locked(&wire->tty);
	KEXPECT(reads(wire, 64, "half"));
	kfree(wire);
}

KTEST(tty_a_full_line_still_ends)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	wire->tty.termios.c_lflag &= ~(u32)ECHO;
	for (int i = 0; i < TTY_INPUT_SIZE + 100; i++)
		type(wire, "x");
	KEXPECT(!is_ready(wire));
	type(wire, "\n");
	KEXPECT(is_ready(wire));
	kfree(wire);
}

KTEST(tty_stop_and_start_hold_output)
{
	struct wire *wire = wire_create();

	KREQUIRE(wire != NULL);
	type(wire, "\x13");
	KEXPECT(tty_output_locked(&wire->tty, (const u8 *)"x", 1) == 0);
	type(wire, "\x11");
	KEXPECT(tty_output_locked(&wire->tty, (const u8 *)"x\n", 2) == 2);
	KEXPECT(was_sent(wire, "x\r\n"));
	kfree(wire);
}

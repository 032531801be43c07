/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline, input half: what happens to a byte between the wire and read(2); termios(3),
 * c_iflag and c_lflag.
 *
 * The ring `input` holds bytes at ever-growing positions tail <= ready <= head.  In canonical mode
 * [tail, ready) are complete lines, each ended by a marked byte, and [ready, head) is the line that
 * is still being edited.  In raw mode everything up to head may be read and `ready` is unused.  One
 * position is always kept free for the line's end, so that a full line can still be finished.
 *
 * tty_receive runs in interrupt handlers: it collects what is to be done without the lock (a signal
 * to send, readers to wake) and does it after releasing the lock.
 */
#include "drivers/tty/tty_internal.h"
#include "lib/abi/signal.h"
#include "lib/bitmap.h"

/* What the bytes of one tty_receive asked for. */
struct aftermath {
	u32 signals; /* bit n: signal n to the foreground group */
	bool wake_readers;
	bool wake_writers;
};

static u32 slot(u32 position)
{
	return position % TTY_INPUT_SIZE;
}

static bool bit_at(const u64 *bits, u32 position)
{
	return (bits[slot(position) / 64] & BIT(slot(position) % 64)) != 0;
}

static void set_bit_at(u64 *bits, u32 position, bool value)
{
	u64 bit = BIT(slot(position) % 64);

	if (value)
		bits[slot(position) / 64] |= bit;
	else
		bits[slot(position) / 64] &= ~bit;
}

static u32 used(const struct tty_input *input)
{
	return input->head - input->tail;
}

static bool is_control(const struct tty *tty, int index, u8 byte)
{
	/* 0 is _POSIX_VDISABLE: no byte does this. */
	return tty->termios.c_cc[index] == byte && byte != 0;
}

static void append(struct tty *tty, u8 byte, bool ends_line, bool is_eof)
{
	struct tty_input *input = &tty->input;

	input->bytes[slot(input->head)] = byte;
	set_bit_at(input->marks, input->head, ends_line);
	set_bit_at(input->eofs, input->head, is_eof);
	input->head++;
	if (ends_line)
		input->ready = input->head;
}

/* --- Editing --- */

/* How many columns the byte took when it was echoed at `column`. */
static u32 echo_width(const struct tty *tty, u8 byte, u32 column)
{
	if (byte == '\t')
		return 8 - column % 8;
	if (byte < ' ' || byte == 0x7f)
		return tty_local(tty, ECHOCTL) ? 2 : 0;
	if (tty_input_flag(tty, IUTF8) && (byte & 0xc0) == 0x80)
		return 0;
	return 1;
}

/* Column behind the line that is edited, as far as it still stands. */
static u32 edit_end_column(const struct tty *tty)
{
	const struct tty_input *input = &tty->input;
	u32 column = input->edit_column;

	for (u32 position = input->ready; position != input->head; position++)
		column += echo_width(tty, input->bytes[slot(position)], column);
	return column;
}

/* Takes all from `position` on off the line and off the screen.  Both ends' columns are found by
 * one walk each, so that erasing a long line takes no longer than its length. */
static void erase_from(struct tty *tty, u32 position)
{
	u32 before = edit_end_column(tty);

	tty->input.head = position;
	if (!tty_local(tty, ECHO))
		return;
	if (tty_local(tty, ECHOE))
		tty_erase_cells_locked(tty, before - edit_end_column(tty));
	else
		tty_echo_locked(tty, tty->termios.c_cc[VERASE]);
}

/* Where the character (all its bytes) before `position` begins. */
static u32 previous_character(const struct tty *tty, u32 position)
{
	const struct tty_input *input = &tty->input;
	u8 byte;

	do {
		byte = input->bytes[slot(--position)];
	} while (tty_input_flag(tty, IUTF8) && (byte & 0xc0) == 0x80 && position != input->ready);
	return position;
}

static void erase_character(struct tty *tty)
{
	if (tty->input.head != tty->input.ready)
		erase_from(tty, previous_character(tty, tty->input.head));
}

static bool is_word_byte(u8 byte)
{
	return byte == '_' || byte >= 0x80 || (byte >= '0' && byte <= '9') ||
	       (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static void erase_word(struct tty *tty)
{
	struct tty_input *input = &tty->input;

	u32 start = input->head;

	while (start != input->ready && !is_word_byte(input->bytes[slot(start - 1)]))
		start--;
	while (start != input->ready && is_word_byte(input->bytes[slot(start - 1)]))
		start--;
	if (start != input->head)
		erase_from(tty, start);
}

static void kill_line(struct tty *tty)
{
	struct tty_input *input = &tty->input;

	if (tty_local(tty, ECHO) && tty_local(tty, ECHOE) && tty_local(tty, ECHOKE)) {
		if (input->head != input->ready)
			erase_from(tty, input->ready);
		return;
	}
	input->head = input->ready;
	if (!tty_local(tty, ECHO))
		return;
	tty_echo_locked(tty, tty->termios.c_cc[VKILL]);
	if (tty_local(tty, ECHOK))
		tty_echo_raw_locked(tty, "\n", 1);
}

static void reprint_line(struct tty *tty)
{
	struct tty_input *input = &tty->input;

	tty_echo_locked(tty, tty->termios.c_cc[VREPRINT]);
	tty_echo_raw_locked(tty, "\n", 1);
	input->edit_column = tty->column;
	for (u32 position = input->ready; position != input->head; position++)
		tty_echo_locked(tty, input->bytes[slot(position)]);
}

/* Keeps a byte and echoes it.  A full buffer rings the bell, once. */
static void store(struct tty *tty, u8 byte)
{
	struct tty_input *input = &tty->input;

	if (used(input) >= TTY_INPUT_SIZE - 1) {
		if (tty_input_flag(tty, IMAXBEL) && !tty->overflow_rung)
			tty_echo_raw_locked(tty, "\a", 1);
		tty->overflow_rung = true;
		return;
	}
	if (input->head == input->ready)
		input->edit_column = tty->column;
	append(tty, byte, false, false);
	if (tty_local(tty, ECHO))
		tty_echo_locked(tty, byte);
}

/* Canonical mode: true if the byte was an editing or line-ending one and is done with. */
static bool edit(struct tty *tty, u8 byte, struct aftermath *after)
{
	bool extended = tty_local(tty, IEXTEN);

	if (is_control(tty, VERASE, byte)) {
		erase_character(tty);
	} else if (extended && is_control(tty, VWERASE, byte)) {
		erase_word(tty);
	} else if (is_control(tty, VKILL, byte)) {
		kill_line(tty);
	} else if (extended && is_control(tty, VREPRINT, byte) && tty_local(tty, ECHO)) {
		reprint_line(tty);
	} else if (byte == '\n') {
		if (tty_local(tty, ECHO) || tty_local(tty, ECHONL))
			tty_echo_raw_locked(tty, "\n", 1);
		append(tty, byte, true, false);
		after->wake_readers = true;
	} else if (is_control(tty, VEOF, byte)) {
		append(tty, byte, true, true);
		after->wake_readers = true;
	} else if (is_control(tty, VEOL, byte) || (extended && is_control(tty, VEOL2, byte))) {
		if (tty_local(tty, ECHO))
			tty_echo_locked(tty, byte);
		append(tty, byte, true, false);
		after->wake_readers = true;
	} else {
		return false;
	}
	return true;
}

/* --- One byte --- */

static void set_stopped(struct tty *tty, bool stopped, struct aftermath *after)
{
	if (tty->stopped == stopped)
		return;
	tty->stopped = stopped;
	if (!stopped)
		after->wake_writers = true;
	if (tty->ops->packet_event != NULL)
		tty->ops->packet_event(tty, stopped ? TIOCPKT_STOP : TIOCPKT_START);
}

static void interrupt_line(struct tty *tty, u8 byte, int signal, struct aftermath *after)
{
	if (!tty_local(tty, NOFLSH)) {
		tty_input_flush_locked(tty);
		if (tty->ops->flush_output != NULL)
			tty->ops->flush_output(tty);
		after->wake_writers = true;
	}
	/* It also gets output going that ^S stopped. */
	if (tty_input_flag(tty, IXON))
		set_stopped(tty, false, after);
	if (tty_local(tty, ECHO))
		tty_echo_locked(tty, byte);
	after->signals |= BIT(signal);
}

/* Flow control and signals; true if the byte is done with. */
static bool control(struct tty *tty, u8 byte, struct aftermath *after)
{
	if (tty_input_flag(tty, IXON)) {
		if (is_control(tty, VSTART, byte)) {
			set_stopped(tty, false, after);
			return true;
		}
		if (is_control(tty, VSTOP, byte)) {
			set_stopped(tty, true, after);
			return true;
		}
		if (tty->stopped && tty_input_flag(tty, IXANY))
			set_stopped(tty, false, after);
	}
	if (!tty_local(tty, ISIG))
		return false;
	if (is_control(tty, VINTR, byte))
		interrupt_line(tty, byte, SIGINT, after);
	else if (is_control(tty, VQUIT, byte))
		interrupt_line(tty, byte, SIGQUIT, after);
	else if (is_control(tty, VSUSP, byte))
		interrupt_line(tty, byte, SIGTSTP, after);
	else
		return false;
	return true;
}

static void receive_byte(struct tty *tty, u8 byte, struct aftermath *after)
{
	if (tty_input_flag(tty, ISTRIP))
		byte &= 0x7f;
	if (tty_input_flag(tty, IUCLC) && tty_local(tty, IEXTEN) && byte >= 'A' && byte <= 'Z')
		byte = (u8)(byte - 'A' + 'a');
	if (tty->literal_next) {
		tty->literal_next = false;
		store(tty, byte);
		after->wake_readers |= !tty_local(tty, ICANON);
		return;
	}
	if (byte == '\r') {
		if (tty_input_flag(tty, IGNCR))
			return;
		if (tty_input_flag(tty, ICRNL))
			byte = '\n';
	} else if (byte == '\n' && tty_input_flag(tty, INLCR)) {
		byte = '\r';
	}
	if (control(tty, byte, after))
		return;
	if (tty_local(tty, IEXTEN) && tty_local(tty, ICANON) && is_control(tty, VLNEXT, byte)) {
		tty->literal_next = true;
		if (tty_local(tty, ECHO) && tty_local(tty, ECHOCTL))
			tty_echo_raw_locked(tty, "^\b", 2);
		return;
	}
	if (tty_local(tty, ICANON) && edit(tty, byte, after))
		return;
	store(tty, byte);
	after->wake_readers |= !tty_local(tty, ICANON);
}

size_t tty_receive(struct tty *tty, const u8 *bytes, size_t count)
{
	struct aftermath after = {0};
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	size_t done = 0;

	/* A canonical line may grow no further than the buffer, but its end must get in: store()
	 * keeps the place free. */
	while (done < count && used(&tty->input) < TTY_INPUT_SIZE)
		receive_byte(tty, bytes[done++], &after);
	spin_unlock_irqrestore(&tty->lock, flags);

	for (int signal = 1; after.signals != 0; signal++) {
		if (after.signals & BIT(signal))
			tty_signal_foreground(tty, signal);
		after.signals &= ~(u32)BIT(signal);
	}
	if (after.wake_readers)
		wake_up_all(&tty->read_wait);
	if (after.wake_writers)
		tty_wake_writers(tty);
	return done;
}

size_t tty_receive_room(struct tty *tty)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	const struct tty_input *input = &tty->input;
	/* A line that alone fills the buffer must still see its end and its editing, so then bytes
	 * are taken, and dropped. */
	bool only_line = tty_local(tty, ICANON) && input->ready == input->tail;
	size_t room = only_line ? TTY_INPUT_SIZE
				: TTY_INPUT_SIZE - 1 - MIN(used(input), (u32)TTY_INPUT_SIZE - 1);

	spin_unlock_irqrestore(&tty->lock, flags);
	return room;
}

/* --- What readers find --- */

bool tty_input_ready_locked(const struct tty *tty, size_t minimum)
{
	const struct tty_input *input = &tty->input;

	if (tty_local(tty, ICANON))
		return input->ready != input->tail;
	return used(input) >= MAX(minimum, (size_t)1);
}

size_t tty_input_count_locked(const struct tty *tty)
{
	const struct tty_input *input = &tty->input;
	size_t count = 0;

	if (!tty_local(tty, ICANON))
		return used(input);
	for (u32 position = input->tail; position != input->ready; position++)
		count += !bit_at(input->eofs, position);
	return count;
}

size_t tty_input_take_locked(struct tty *tty, u8 *to, size_t size, bool *line_ended)
{
	struct tty_input *input = &tty->input;
	bool canonical = tty_local(tty, ICANON);
	u32 end = canonical ? input->ready : input->head;
	size_t taken = 0;

	*line_ended = false;
	while (input->tail != end && !*line_ended) {
		bool eof = canonical && bit_at(input->eofs, input->tail);

		/* An end of file behind a read that was filled exactly goes with it, or the next
		 * read would see it alone. */
		if (taken == size && !eof)
			break;
		if (!eof)
			to[taken++] = input->bytes[slot(input->tail)];
		*line_ended = canonical && bit_at(input->marks, input->tail);
		input->tail++;
	}
	if (taken > 0)
		tty->overflow_rung = false;
	return taken;
}

void tty_input_flush_locked(struct tty *tty)
{
	struct tty_input *input = &tty->input;

	input->tail = input->ready = input->head;
	tty->literal_next = false;
	tty->overflow_rung = false;
	if (tty->ops->packet_event != NULL)
		tty->ops->packet_event(tty, TIOCPKT_FLUSHREAD);
}

void tty_input_mode_changed_locked(struct tty *tty)
{
	struct tty_input *input = &tty->input;

	/* What was typed before counts as a complete line in canonical mode; raw mode reads up to
	 * head whatever `ready` is. */
	for (u32 position = input->ready; position != input->head; position++) {
		set_bit_at(input->marks, position, false);
		set_bit_at(input->eofs, position, false);
	}
	if (input->head != input->ready)
		set_bit_at(input->marks, input->head - 1, true);
	input->ready = input->head;
	tty->literal_next = false;
}

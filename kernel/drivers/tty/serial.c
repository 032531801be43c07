/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PC's serial ports: the 16550A UART (National Semiconductor PC16550D data sheet), as terminals
 * ttyS0 to ttyS3.
 *
 * Output goes through a ring: whoever writes fills the chip's FIFO as far as it takes bytes at
 * once, and the transmit interrupt goes on from there.  Input goes from the interrupt handler
 * straight to the line discipline; when that has no room the receive interrupt is switched off, the
 * chip's FIFO fills, and the sender waits (RTS falls; a virtual machine's other end blocks).
 * unthrottle goes on.  Only the interrupt handler takes bytes from the chip, or two takers could
 * hand them over in the wrong order: switching the receive interrupt on again raises one when bytes
 * wait.
 *
 * `lock` guards the chip and the ring; it is taken inside tty->lock.  The handler calls tty_receive
 * without it.
 */
#include "arch/irq.h"
#include "arch/port_io.h"
#include "drivers/tty/monitor.h"
#include "drivers/tty/tty.h"
#include "fs/device.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/ring.h"
#include "mm/kmalloc.h"

#define OUTPUT_SIZE 4096
#define FIFO_SIZE   16
#define TTY_MAJOR   4
#define FIRST_MINOR 64
#define MAX_ROUNDS  64 /* of one interrupt: a chip gone mad must not hold the CPU */

enum { /* registers */
       REG_DATA = 0,
       REG_INTERRUPT_ENABLE = 1,
       REG_INTERRUPT_IDENT = 2, /* read */
       REG_FIFO_CONTROL = 2,    /* write */
       REG_LINE_CONTROL = 3,
       REG_MODEM_CONTROL = 4,
       REG_LINE_STATUS = 5,
       REG_SCRATCH = 7,
       REG_DIVISOR_LOW = 0, /* with LINE_DIVISOR_ACCESS */
       REG_DIVISOR_HIGH = 1,
};

enum {
	INTERRUPT_RECEIVE = 0x01,
	INTERRUPT_TRANSMIT = 0x02,
	IDENT_NOTHING = 0x01,
	/* With an interrupt at 14 bytes, or when the line falls silent. */
	FIFO_ENABLE_AND_CLEAR = 0xc7,
	LINE_8N1 = 0x03,
	LINE_DIVISOR_ACCESS = 0x80,
	DIVISOR_115200 = 1,
	MODEM_DTR_RTS_OUT2 = 0x0b, /* OUT2 lets the interrupt through on a PC */
	STATUS_DATA_READY = 0x01,
	STATUS_TRANSMIT_EMPTY = 0x20, /* the FIFO takes bytes */
	STATUS_ALL_SENT = 0x40,       /* the last bit is on the wire */
	STATUS_ABSENT = 0xff,
};

struct serial_port {
	struct tty tty;
	spinlock_t lock;
	u16 base;       /* constant */
	u8 interrupts;  /* what REG_INTERRUPT_ENABLE holds */
	bool throttled; /* the discipline had no room */
	struct ring output;
	u8 output_bytes[OUTPUT_SIZE];
};

static const struct {
	u16 base;
	u8 irq;
} places[] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

static void set_interrupts(struct serial_port *port, u8 interrupts)
{
	if (port->interrupts == interrupts)
		return;
	port->interrupts = interrupts;
	port_write8(port->base + REG_INTERRUPT_ENABLE, interrupts);
}

/* Feeds the chip from the ring; asks for an interrupt only if the chip stops taking bytes before
 * the ring is empty. */
static void transmit_locked(struct serial_port *port)
{
	while (ring_used(&port->output) > 0) {
		if (!(port_read8(port->base + REG_LINE_STATUS) & STATUS_TRANSMIT_EMPTY)) {
			set_interrupts(port, port->interrupts | INTERRUPT_TRANSMIT);
			return;
		}
		for (int i = 0; i < FIFO_SIZE && ring_used(&port->output) > 0; i++)
			port_write8(port->base + REG_DATA, (u8)ring_get(&port->output));
	}
	set_interrupts(port, port->interrupts & (u8)~INTERRUPT_TRANSMIT);
}

static size_t serial_write(struct tty *tty, const u8 *bytes, size_t count)
{
	struct serial_port *port = tty->driver;

	spin_lock(&port->lock);
	size_t taken = ring_write(&port->output, bytes, count);
	if (!(port->interrupts & INTERRUPT_TRANSMIT))
		transmit_locked(port);
	spin_unlock(&port->lock);
	return taken;
}

static size_t serial_write_room(struct tty *tty)
{
	struct serial_port *port = tty->driver;

	return ring_space(&port->output);
}

static size_t serial_pending(struct tty *tty)
{
	struct serial_port *port = tty->driver;
	size_t waiting = ring_used(&port->output);

	/* What is still in the chip counts as one byte. */
	if (waiting == 0 && !(port_read8(port->base + REG_LINE_STATUS) & STATUS_ALL_SENT))
		waiting = 1;
	return waiting;
}

static void serial_flush_output(struct tty *tty)
{
	struct serial_port *port = tty->driver;

	spin_lock(&port->lock);
	ring_clear(&port->output);
	spin_unlock(&port->lock);
}

static void set_throttled(struct serial_port *port, bool throttled)
{
	unsigned long flags = spin_lock_irqsave(&port->lock);

	port->throttled = throttled;
	set_interrupts(port, throttled ? port->interrupts & (u8)~INTERRUPT_RECEIVE
				       : port->interrupts | INTERRUPT_RECEIVE);
	spin_unlock_irqrestore(&port->lock, flags);
}

static void serial_unthrottle(struct tty *tty)
{
	struct serial_port *port = tty->driver;

	if (READ_ONCE(port->throttled))
		set_throttled(port, false);
}

/* Takes what the chip has received, as far as the discipline has room. */
static void receive(struct serial_port *port)
{
	u8 bytes[FIFO_SIZE];

	for (;;) {
		size_t room = MIN(tty_receive_room(&port->tty), sizeof(bytes));
		size_t count = 0;
		unsigned long flags = spin_lock_irqsave(&port->lock);

		while (count < room &&
		       (port_read8(port->base + REG_LINE_STATUS) & STATUS_DATA_READY))
			bytes[count++] = port_read8(port->base + REG_DATA);
		spin_unlock_irqrestore(&port->lock, flags);
		if (count > 0) {
			monitor_receive(&port->tty, bytes, count);
			continue;
		}
		if (room > 0)
			return;
		set_throttled(port, true);
		/* A reader may have made room before it could see that it has to say so. */
		if (tty_receive_room(&port->tty) == 0)
			return;
		set_throttled(port, false);
	}
}

/* Does what the chip asks for; true when a good part of the ring is free again. */
static bool serve(struct serial_port *port)
{
	bool room_again = false;

	if (!READ_ONCE(port->throttled))
		receive(port);
	unsigned long flags = spin_lock_irqsave(&port->lock);
	if (port->interrupts & INTERRUPT_TRANSMIT) {
		transmit_locked(port);
		room_again = ring_space(&port->output) >= OUTPUT_SIZE / 2;
	}
	spin_unlock_irqrestore(&port->lock, flags);
	return room_again;
}

/* The line is edge triggered: unless it falls, the next interrupt is not seen, so the handler goes
 * on until the chip asks for nothing. */
static void serial_interrupt(void *argument)
{
	struct serial_port *port = argument;
	bool room_again = false;

	for (int round = 0; round < MAX_ROUNDS; round++) {
		room_again |= serve(port);
		if (port_read8(port->base + REG_INTERRUPT_IDENT) & IDENT_NOTHING)
			break;
	}
	if (room_again)
		tty_wake_writers(&port->tty);
}

static const struct tty_operations serial_operations = {
	.write = serial_write,
	.write_room = serial_write_room,
	.pending = serial_pending,
	.flush_output = serial_flush_output,
	.unthrottle = serial_unthrottle,
};

/* Is there a UART?  Its scratch register remembers, an empty bus does not. */
static bool probe(u16 base)
{
	port_write8(base + REG_SCRATCH, 0x5a);
	return port_read8(base + REG_SCRATCH) == 0x5a &&
	       port_read8(base + REG_LINE_STATUS) != STATUS_ABSENT;
}

/* Makes ttySn of the chip that was found; it stays. */
static int start(unsigned number)
{
	struct serial_port *port = kzalloc(sizeof(*port));
	char name[16];

	if (port == NULL)
		return -ENOMEM;
	snprintf(name, sizeof(name), "ttyS%u", number);
	port->base = places[number].base;
	ring_init(&port->output, port->output_bytes, sizeof(port->output_bytes));
	tty_init(&port->tty, name, device_make(TTY_MAJOR, FIRST_MINOR + number), &serial_operations,
		 port);
	port_write8(port->base + REG_INTERRUPT_ENABLE, 0);
	port_write8(port->base + REG_LINE_CONTROL, LINE_8N1 | LINE_DIVISOR_ACCESS);
	port_write8(port->base + REG_DIVISOR_LOW, DIVISOR_115200);
	port_write8(port->base + REG_DIVISOR_HIGH, 0);
	port_write8(port->base + REG_LINE_CONTROL, LINE_8N1);
	port_write8(port->base + REG_FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
	int error = irq_register(places[number].irq, IRQ_EDGE, serial_interrupt, port);
	if (error)
		goto fail;
	error = device_register_char(TTY_MAJOR, FIRST_MINOR + number, 1, name, S_IFCHR | 0660,
				     &tty_file_operations);
	if (error)
		goto fail_registered;
	tty_list(&port->tty);
	port_write8(port->base + REG_MODEM_CONTROL, MODEM_DTR_RTS_OUT2);
	set_interrupts(port, INTERRUPT_RECEIVE);
	return 0;

fail_registered:
	irq_unregister(places[number].irq);
fail:
	kfree(port);
	return error;
}

void serial_init(void)
{
	for (unsigned number = 0; number < ARRAY_SIZE(places); number++) {
		if (!probe(places[number].base))
			continue;
		int error = start(number);
		if (error)
			log_warn("ttyS%u: cannot be used: error %d", number, -error);
	}
}

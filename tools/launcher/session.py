# SPDX-License-Identifier: BSD-2-Clause
"""The conversation with launch-init in the machine, from its greeting to the program's exit status.

user/launch/launch.h describes the frames.  One loop polls the link, the kernel's log, our input and a pipe that tells of
signals.  We never have more than WINDOW bytes under way that the machine has not confirmed.
"""

import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time
import tty

from .status import KERNEL_PANIC, NOT_FOUND, SIGNAL_BASE, TIMED_OUT, LaunchError

GREETING = b"\nCOWSLIP LAUNCH 1\n"
WINDOW = 2048
PIECE = 512
BOOT_SECONDS = 120
PANIC_SECONDS = 2
PANIC = re.compile(rb"(?im)^(\[[ 0-9.]+\]\s*)?(kernel )?panic\b[^\r\n]*")
KEPT_LOG = 1 << 16

STDIN, STDOUT, STDERR = 0, 1, 2


class Session:
    """One program in one machine."""

    def __init__(self, machine, order, timeout, verbose):
        self.machine, self.verbose = machine, verbose
        self.terminal = os.isatty(STDIN) and os.isatty(STDOUT)
        self.start = time.monotonic()
        self.deadline = self.start + timeout if timeout else None
        self.timeout = timeout
        self.panicked = None        # when the panic was seen
        self.log = b""              # the end of the kernel's log
        self.received = b""         # from the link, not yet taken apart
        self.greeted = False
        self.outgoing = self.frames_of(order)
        self.under_way = 0          # bytes sent and not confirmed
        self.input_open = True
        self.status = None

    def frames_of(self, order):
        frames = [("p", order.path), ("d", order.directory)]
        frames += [("a", word) for word in order.arguments] + [("e", word) for word in order.environment]
        if self.terminal:
            frames.append(("t", window_size()))
        elif same_file(STDOUT, STDERR):
            frames.append(("m", b""))
        frames.append(("g", b""))
        encoded = [frame(kind, os.fsencode(data)) for kind, data in frames]
        if max(map(len, encoded)) > WINDOW:
            raise LaunchError(f"an argument or environment variable is longer than {WINDOW - 3} bytes")
        return encoded

    def run(self):
        """Returns the exit status; raises LaunchError."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        saved = termios.tcgetattr(STDIN) if self.terminal else None
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH):
            signal.signal(number, lambda number, stack: None)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        try:
            if saved:
                tty.setraw(STDIN)
            while self.status is None:
                self.step(reader)
            return self.status
        finally:
            if saved:
                termios.tcsetattr(STDIN, termios.TCSAFLUSH, saved)
            self.machine.stop()

    def step(self, signals):
        poll = select.poll()
        for descriptor in (self.machine.link.fileno(), self.machine.log.fileno(), signals):
            poll.register(descriptor, select.POLLIN)
        if self.wants_input():
            poll.register(STDIN, select.POLLIN)
        events = dict(poll.poll(self.patience()))
        if signals in events:
            self.take_signals(os.read(signals, 64))
        if self.machine.log.fileno() in events:
            self.take_log()
        if self.machine.link.fileno() in events:
            self.take_link()
        if STDIN in events and self.status is None:
            self.take_input()
        self.send()
        self.check_time()

    # Time

    def patience(self):
        """Milliseconds until something must be looked at again."""
        times = [self.deadline, self.panicked and self.panicked + PANIC_SECONDS, None if self.greeted else self.start + BOOT_SECONDS]
        times = [moment for moment in times if moment]
        return max(0, (min(times) - time.monotonic()) * 1000 + 1) if times else None

    def check_time(self):
        now = time.monotonic()
        if self.status is not None:
            return
        if self.panicked and now >= self.panicked + PANIC_SECONDS:
            self.machine_ended()
        if self.deadline and now >= self.deadline:
            raise LaunchError(f"not finished after {self.timeout:g} seconds", TIMED_OUT)
        if not self.greeted and now >= self.start + BOOT_SECONDS:
            raise LaunchError(f"the machine did not come up in {BOOT_SECONDS} seconds", details=self.log_lines())

    def take_signals(self, numbers):
        for number in numbers:
            if number == signal.SIGWINCH:
                if self.terminal and self.greeted:
                    self.outgoing.append(frame("w", window_size()))
            else:
                raise LaunchError(f"stopped by {signal.Signals(number).name}", SIGNAL_BASE + number)

    # What comes from the machine

    def take_log(self):
        data = receive(self.machine.log)
        if not data:
            self.machine_ended()
            return
        if self.verbose:
            text = data.replace(b"\r", b"")
            write_all(STDERR, text.replace(b"\n", b"\r\n") if self.terminal else text)
        self.log = (self.log + data)[-KEPT_LOG:]
        if self.panicked is None and PANIC.search(self.log):
            self.panicked = time.monotonic()

    def take_link(self):
        data = receive(self.machine.link)
        if not data:
            self.machine_ended()
            return
        self.received += data
        if not self.greeted:
            _, found, rest = self.received.partition(GREETING)
            if not found:
                return
            self.greeted, self.received = True, rest
        while self.status is None and len(self.received) >= 3:
            kind, length = self.received[:1], struct.unpack_from("<H", self.received, 1)[0]
            if len(self.received) < 3 + length:
                return
            payload, self.received = self.received[3:3 + length], self.received[3 + length:]
            self.take_frame(kind, payload)

    def take_frame(self, kind, payload):
        if kind in b"or":
            try:
                write_all(STDOUT if kind == b"o" else STDERR, payload)
            except BrokenPipeError:
                # As if the program itself had written to a pipe that nobody reads.
                self.status = SIGNAL_BASE + signal.SIGPIPE
        elif kind == b"k":
            self.under_way -= struct.unpack("<H", payload)[0]
        elif kind == b"x":
            status = struct.unpack("<I", payload)[0]
            self.status = SIGNAL_BASE + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        elif kind == b"f":
            raise LaunchError(payload.decode(errors="replace"), NOT_FOUND)
        else:
            raise LaunchError(f"the machine sent an unknown frame ({kind!r})", details=self.log_lines())

    def machine_ended(self):
        """The machine is gone, or stands still after a panic, and there is no exit status."""
        self.machine.stop()
        while data := receive(self.machine.log):
            self.log = (self.log + data)[-KEPT_LOG:]
        panic = PANIC.search(self.log)
        if panic:
            raise LaunchError("the kernel panicked", KERNEL_PANIC, self.log_lines(panic.start()))
        complaints = self.machine.complaints()
        if not self.log.strip() and any(complaints):
            raise LaunchError("QEMU failed", details=complaints)
        raise LaunchError("the machine stopped before the program ended", details=self.log_lines())

    def log_lines(self, start=None):
        """The last lines of the kernel's log; from byte `start` on, when it is given."""
        text = self.log if start is None else self.log[start:]
        lines = [line for line in text.decode(errors="replace").replace("\r", "").split("\n") if line.strip()]
        return lines[-20:] if start is None else lines[:40]

    # What goes to the machine

    def wants_input(self):
        return self.greeted and self.input_open and not self.outgoing and self.under_way + 3 + PIECE <= WINDOW

    def take_input(self):
        try:
            data = os.read(STDIN, PIECE)
        except OSError:
            data = b""
        self.input_open = bool(data)
        self.outgoing.append(frame("i", data) if data else frame("z", b""))

    def send(self):
        while self.greeted and self.outgoing and self.under_way + len(self.outgoing[0]) <= WINDOW:
            data = self.outgoing.pop(0)
            self.under_way += len(data)
            try:
                self.machine.link.sendall(data)
            except OSError:
                return  # the machine ends; reading finds out why


def frame(kind, data):
    return kind.encode() + struct.pack("<H", len(data)) + data


def receive(stream):
    try:
        return stream.recv(1 << 16)
    except ConnectionError:
        return b""


def write_all(descriptor, data):
    while data:
        try:
            data = data[os.write(descriptor, data):]
        except BlockingIOError:
            select.select([], [descriptor], [])


def same_file(one, other):
    try:
        a, b = os.fstat(one), os.fstat(other)
    except OSError:
        return False
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def window_size():
    rows, columns = struct.unpack("HHHH", fcntl.ioctl(STDIN, termios.TIOCGWINSZ, bytes(8)))[:2]
    return struct.pack("<HH", rows, columns)

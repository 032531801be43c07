#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The launcher on a terminal: the shell's prompt, the size of the window, Ctrl-C, job control, the exit status."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
KERNEL = os.environ.get("SYSTEM_KERNEL", f"{TOP}/build/x86_64/cowslip")
PATIENCE = 60
results = 0


def result(good, name, seen=b""):
    global results
    results += 1
    print(f"{'ok' if good else 'not ok'} {results} - {name}")
    if not good:
        for line in seen.decode(errors="replace").replace("\r", "").split("\n")[-15:]:
            print(f"# {line}")
    sys.stdout.flush()


class Terminal:
    """The launcher's shell behind a pseudo terminal."""

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(f"{TOP}/cowslip", ["cowslip", "run", "--kernel", KERNEL, "--timeout", "150"])
        self.resize(33, 77)
        self.seen = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def expect(self, text, seconds=PATIENCE):
        """Waits for the text; what came before it is forgotten."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            ready = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]
            try:
                data = os.read(self.fd, 4096) if ready else b""
            except OSError:
                data = b""
            if not data:
                return False
            self.seen += data
        self.seen = self.seen.partition(text)[2]
        return True

    def type(self, text):
        os.write(self.fd, text)

    def check(self, name, typed, wanted):
        self.type(typed)
        before = self.seen
        result(self.expect(wanted), name, before + self.seen)


def main():
    terminal = Terminal()
    result(terminal.expect(b"# "), "the shell prompts", terminal.seen)
    terminal.check("the window's size is known", b"stty size; echo si''ze\r", b"33 77\r\nsize\r\n")
    terminal.resize(40, 100)
    time.sleep(1)
    terminal.check("a new size is passed on", b"stty size; echo si''ze\r", b"40 100\r\nsize\r\n")
    terminal.check("it is a terminal", b"tty; echo te''rm\r", b"/dev/pts/0\r\nterm\r\n")
    terminal.check("a program starts in the foreground", b"echo be''gin; sleep 1000\r", b"begin\r\n")
    time.sleep(1)
    terminal.check("Ctrl-C ends it", b"\x03", b"^C")
    terminal.check("its status says so", b"echo status $?\r", b"status 130\r\n")
    terminal.check("another program starts", b"echo be''gin; sleep 1000\r", b"begin\r\n")
    time.sleep(1)
    terminal.check("Ctrl-Z stops it", b"\x1a", b"Stopped")
    terminal.check("it can go on in the background", b"bg; jo''bs\r", b"Running")
    terminal.check("and be killed", b"kill %1; wait; jo''bs; echo no''ne\r", b"none\r\n")
    terminal.check("line editing: a correction with backspace", b"echo wrnog\x08\x08\x08ong | tr a-z A-Z\r", b"WRONG\r\n")
    terminal.check("history: the last line comes again", b"\x1b[A\r", b"WRONG\r\n")
    terminal.type(b"exit 5\r")
    terminal.expect(b"no such text", 15)
    result(os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 5, "the shell's exit status comes back", terminal.seen)
    print(f"1..{results}")


main()

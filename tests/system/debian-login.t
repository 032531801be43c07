#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The machine of `make run-debian`: from the start to a login, bash with job control, log out, log in as somebody else, power off."""

import os
import select
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
KERNEL = os.environ.get("SYSTEM_KERNEL", f"{TOP}/build/x86_64/cowslip")
ROOT = os.environ.get("DEBIAN_ROOT", f"{TOP}/build/debian/root.img")
SWITCH = f"{TOP}/build/debian/switch.cpio"
PATIENCE = 150
results = 0


class Console:
    """A machine whose console is a pair of pipes; nothing that it writes to its disk stays."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max", "-smp", "2", "-m", "512M", "-nodefaults", "-display", "none",
             "-no-reboot", "-serial", "stdio", "-drive", f"file={ROOT},format=raw,if=virtio,snapshot=on", "-kernel", KERNEL, "-initrd", SWITCH,
             "-append", "console=ttyS0 quiet panic=-1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.seen = b""

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def await_text(self, text, key=""):
        """Reads until the text is there; what came before it is forgotten.  The key is pressed again and again meanwhile."""
        end = time.monotonic() + PATIENCE
        while text.encode() not in self.seen:
            if not select.select([self.process.stdout], [], [], max(0, min(end - time.monotonic(), 2 if key else PATIENCE)))[0]:
                if not key or time.monotonic() > end:
                    return False
                self.say(key)
                continue
            data = os.read(self.process.stdout.fileno(), 4096)
            if not data:
                return False
            self.seen += data
        self.seen = self.seen.partition(text.encode())[2]
        return True


def result(good, name, console):
    global results
    results += 1
    print(f"{'ok' if good else 'not ok'} {results} - {name}", flush=True)
    if not good:
        for line in console.seen.decode(errors="replace").replace("\r", "").split("\n")[-15:]:
            print(f"# {line}")
        console.process.kill()
        print(f"1..{results}")
        sys.exit(1)


STEPS = (
    ("a login is offered", None, "cowslip login: "),
    ("root logs in, to bash", "root\n", "root@cowslip:~# "),
    ("on the console", "tty\n", "/dev/ttyS0"),
    ("from a disk", "findmnt -n -o SOURCE,FSTYPE /\n", "/dev/vda ext4"),
    ("with job control", "sleep 1000 &\n", "[1] "),
    ("which lists its jobs", "jobs\n", "Running                 sleep 1000"),
    ("and stops them", "fg\n", "sleep 1000"),
    ("with Ctrl-C", "\x03", "root@cowslip:~# "),
    ("files can be written at home", "echo kept >note && cat note\n", "kept\r\n"),
    ("users can be looked up", "id nobody\n", "uid=65534(nobody)"),
    ("who is here", "ps -o comm= $$\n", "bash\r\n"),
    ("the machine knows its name", "getent hosts cowslip; echo in $LANG\n", "in C.UTF-8"),
    ("anybody may make name spaces", "su -s /bin/sh -c 'unshare -Urpf --mount-proc ps -o user=,pid=,vsz=' nobody\n", "root         1 "),
    ("another user", "su -s /bin/bash -c 'id -un; cat /etc/shadow' nobody\n", "nobody\r\ncat: /etc/shadow: Permission denied"),
    ("logging out gives a new login", "exit\n", "cowslip login: "),
    ("and in again", "root\n", "root@cowslip:~# "),
    ("a time is not understood", "shutdown tomorrow\n", "only now is possible here"),
    ("the machine is switched off", "shutdown -h now\n", "shutdown"),
)

if not os.path.exists(ROOT):
    print("1..0 # SKIP no Debian root: make debian-root makes it")
    sys.exit(0)
machine = Console()
for step, words, answer in STEPS:
    if words:
        machine.say(words)
    # A shell says what it continues before it gives it the terminal: Ctrl-C may come too early.
    result(machine.await_text(answer, words if words == "\x03" else ""), step, machine)
try:
    status = machine.process.wait(PATIENCE)
except subprocess.TimeoutExpired:
    status = None
result(status == 0, "and is off", machine)
print(f"1..{results}")

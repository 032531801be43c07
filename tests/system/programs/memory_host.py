#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The host's side of the tests of memory that changes: speaks QMP with the machine while it runs.

    memory_host.py balloon|plug SOCKET CONSOLE      follows the console's file, and prints what comes about
"""

import json
import socket
import sys
import time

MIB = 1 << 20
PATIENCE = 150


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        wait(lambda: self.connected(path), "the monitor's socket")
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.ask("qmp_capabilities")

    def connected(self, path):
        try:
            self.socket.connect(path)
            return True
        except OSError:
            return False

    def ask(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "return" in answer or "error" in answer:
                return answer.get("return")


def wait(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            print("waited in vain for", what)
            sys.exit(1)
        time.sleep(0.1)


def said(console, line):
    with open(console, errors="replace") as file:
        return any(text.strip() == line for text in file)


def balloon(monitor, console):
    def actual():
        return monitor.ask("query-balloon")["actual"]

    path = "/machine/peripheral/balloon"
    wait(lambda: said(console, "ready"), "the system")
    monitor.ask("qom-set", path=path, property="guest-stats-polling-interval", value=1)
    monitor.ask("balloon", value=128 * MIB)
    wait(lambda: actual() == 128 * MIB, "128 MiB")
    print("the machine gave 128 MiB")
    wait(lambda: said(console, "small"), "a small MemTotal")
    wait(lambda: monitor.ask("qom-get", path=path, property="guest-stats")["last-update"] != 0, "statistics")
    statistics = monitor.ask("qom-get", path=path, property="guest-stats")["stats"]
    total, free = statistics["stat-total-memory"], statistics["stat-free-memory"]
    print("statistics:", "right" if 100 * MIB < total <= 256 * MIB and 0 < free < total else (total, free))
    # More than there is: it takes what is free, and the system lives on.
    monitor.ask("balloon", value=1 * MIB)
    wait(lambda: actual() < 40 * MIB, "next to nothing")
    print("next to nothing is left")
    wait(lambda: said(console, "tiny"), "a program that runs in what is left")
    monitor.ask("balloon", value=256 * MIB)
    wait(lambda: actual() == 256 * MIB, "all of it back")
    print("all is back")


def plug(monitor, console):
    def want(mib):
        monitor.ask("qom-set", path="/machine/peripheral/plugged", property="requested-size", value=mib * MIB)

    def size():
        return monitor.ask("query-memory-devices")[0]["data"]["size"]

    wait(lambda: said(console, "ready"), "the system")
    want(256)
    wait(lambda: size() == 256 * MIB, "256 MiB plugged in")
    print("256 MiB are plugged in")
    wait(lambda: said(console, "full"), "a full machine")
    want(0)
    wait(lambda: size() < 256 * MIB, "the free part to be unplugged")
    time.sleep(1)
    print("what is used stays" if size() >= 64 * MIB else size())
    wait(lambda: said(console, "empty"), "an empty machine")
    wait(lambda: size() < 128 * MIB, "most to be unplugged")
    print("most is unplugged")
    want(512)
    wait(lambda: size() == 512 * MIB, "512 MiB plugged in")
    print("512 MiB are plugged in")
    wait(lambda: said(console, "some"), "some of it in use")
    want(0)
    wait(lambda: size() < 48 * MIB, "used memory to be unplugged")
    print("what is used has moved")


def main():
    {"balloon": balloon, "plug": plug}[sys.argv[1]](Monitor(sys.argv[2]), sys.argv[3])


main()

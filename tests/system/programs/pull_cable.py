#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Pulls the cable out of a machine's card, and puts it in again once the machine has noticed.

Usage: pull_cable.py MONITOR CARD CONSOLE     MONITOR: a socket that speaks QMP; CONSOLE: the file of what the machine prints
"""

import json
import os
import socket
import sys
import time

PATIENCE = 90  # seconds


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit("nothing happened")
        time.sleep(0.05)


def ask(stream, command, **arguments):
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while "return" not in (answer := json.loads(stream.readline())):
        if "error" in answer:
            sys.exit(str(answer))


def main():
    path, card, console = sys.argv[1:]

    def printed(text):
        return os.path.exists(console) and text in open(console, errors="replace").read()

    wait_for(lambda: os.path.exists(path))
    monitor = socket.socket(socket.AF_UNIX)
    monitor.connect(path)
    stream = monitor.makefile("rw")
    stream.readline()
    ask(stream, "qmp_capabilities")
    wait_for(lambda: printed("\ncarrier 1"))
    ask(stream, "set_link", name=card, up=False)
    wait_for(lambda: printed("carrier is 0"))
    ask(stream, "set_link", name=card, up=True)


main()

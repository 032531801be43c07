#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sends a file through a port that leads into a machine, and keeps what comes back.

Usage: exchange.py PORT FILE RESULT

QEMU takes connections before anybody in the machine does, and resets them then: so it is tried until there are data.
"""

import socket
import sys
import threading
import time

PATIENCE = 90  # seconds


def exchange(port, data):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        first = connection.recv(65536)
        if not first:
            return b""

        def send():
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        pieces = [first]
        while piece := connection.recv(65536):
            pieces.append(piece)
        sender.join()
        return b"".join(pieces)


def main():
    port, data = int(sys.argv[1]), open(sys.argv[2], "rb").read()
    end = time.monotonic() + PATIENCE
    got = b""
    while not got and time.monotonic() < end:
        try:
            got = exchange(port, data)
        except OSError as error:
            print(error)
        time.sleep(0.1)
    with open(sys.argv[3], "wb") as file:
        file.write(got)


main()

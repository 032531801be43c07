#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What saving costs a redis server: the pause of its fork, and how long writes take while the child saves half a GiB.

Runs in a machine with redis-server; prints one line of figures: milliseconds, and MiB of the server's memory.
"""

import os
import signal
import socket
import subprocess
import sys
import time

PATH = "/run/redis-bench.sock"
VALUE = b"x" * 1000
KEYS = 480_000  # with redis's own records: 512 MiB


class Client:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(PATH)
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        """One command; the text of its answer."""
        encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
        line = self.file.readline()
        if line.startswith(b"$"):
            return self.file.read(int(line[1:]) + 2).decode()
        return line.decode().strip()

    def info(self, section):
        return dict(line.split(":", 1) for line in self.ask("INFO", section).split("\r\n") if ":" in line)


def start():
    subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", PATH, "--save", "", "--dir", "/tmp", "--rdbcompression", "yes",
                      "--enable-debug-command", "yes", "--logfile", "/tmp/log"], stdin=subprocess.DEVNULL)
    for _ in range(600):
        try:
            return Client()
        except OSError:
            time.sleep(0.1)
    sys.exit("redis-server does not answer")


def writes(client, go_on, seed=1):
    """Sets random keys one after the other while go_on(count); the times of all, in ms."""
    times, number = [], seed
    while go_on(len(times)):
        number = number * 1103515245 + 12345 & 0x7fffffff
        begin = time.perf_counter()
        client.ask("SET", f"key:{number % KEYS}", VALUE)
        times.append((time.perf_counter() - begin) * 1000)
    return sorted(times)


def pause_of_fork(client):
    """One save that is stopped at once: what its fork took, in ms."""
    client.ask("BGSAVE")
    server = client.info("server")["process_id"]
    with open(f"/proc/{server}/task/{server}/children", encoding="ascii") as file:
        for child in file.read().split():
            os.kill(int(child), signal.SIGUSR1)  # redis takes that as the user's wish
    while client.info("persistence")["rdb_bgsave_in_progress"] == "1":
        time.sleep(0.05)
    return int(client.info("stats")["latest_fork_usec"]) / 1000


def main():
    os.makedirs(os.path.dirname(PATH), exist_ok=True)
    client, watcher = start(), Client()
    client.ask("DEBUG", "POPULATE", KEYS, "key", len(VALUE))
    quiet = writes(client, lambda count: count < 3000)
    pauses = [pause_of_fork(client) for _ in range(5)]
    saved = []

    def saving(count):
        if count % 100 == 0:
            saved[:] = [watcher.info("persistence")["rdb_bgsave_in_progress"] == "0"]
        return not saved[0]

    begin = time.perf_counter()
    client.ask("BGSAVE")
    busy = writes(client, saving)
    seconds = time.perf_counter() - begin
    result = watcher.info("persistence")
    memory = int(watcher.info("memory")["used_memory"]) >> 20
    print(f"{os.uname().release}: {memory} MiB, fork {' '.join(f'{pause:.1f}' for pause in sorted(pauses))} ms, save {result['rdb_last_bgsave_status']} "
          f"in {seconds:.1f} s, writes before: median {quiet[len(quiet) // 2]:.2f} slowest {quiet[-1]:.1f} ms; "
          f"during: {len(busy)}, median {busy[len(busy) // 2]:.2f} 99 % {busy[len(busy) * 99 // 100]:.2f} slowest {busy[-1]:.1f} ms")
    client.ask("SHUTDOWN", "NOSAVE")


main()

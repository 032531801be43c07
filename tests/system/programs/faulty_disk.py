#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A virtio disk that is short, late or silent when it is told to: faulty_disk.py SOCKET IMAGE RULE...

QEMU talks to it by the vhost-user protocol, so it sees the machine's memory and the rings of the one queue (split).  A rule is
OPERATION:SECTOR:FAULT[:COUNT], and holds for the next COUNT requests (default: all) of read, write or flush that touch the sector
(-: any).  Faults:

short   does the first half of the request.  A read says so only by the count of bytes; a write by its status.
late    does the request, but keeps the answer back until the machine, tired of waiting, resets the disk.
silent  does nothing and does not answer.
twice   answers two times.

What it did is printed: "fault short read 1234"."""

import mmap
import os
import select
import socket
import struct
import sys

GET_FEATURES, SET_FEATURES, SET_MEM_TABLE = 1, 2, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL = range(8, 14)
GET_PROTOCOL_FEATURES, GET_CONFIG = 15, 24
REPLY, NO_FD = 1 << 2, 1 << 8
FEATURES = 1 << 32 | 1 << 30 | 1 << 9 | 1 << 6 | 1 << 2  # version 1, protocol features; flush, block size, segments
PROTOCOL_FEATURES = 1 << 9  # configuration
READ, WRITE, FLUSH = 0, 1, 4
NAMES = {READ: "read", WRITE: "write", FLUSH: "flush"}
SECTOR = 512


class Region:
    """A piece of the machine's memory."""

    def __init__(self, physical, size, user, offset, fd):
        self.physical, self.size, self.user = physical, size, user
        self.view = memoryview(mmap.mmap(fd, offset + size))[offset:]
        os.close(fd)


class Disk:
    """One connection: memory, a queue, and what goes wrong."""

    def __init__(self, image, rules):
        self.image = os.open(image, os.O_RDWR)
        self.sectors = os.fstat(self.image).st_size // SECTOR
        self.rules = rules
        self.regions = []
        self.forget()
        self.kick = self.call = None

    def forget(self):
        self.size = self.next = 0
        self.addresses = None
        self.kept = []  # heads whose answers are late

    def memory(self, address, length, of_user=False):
        for region in self.regions:
            offset = address - (region.user if of_user else region.physical)
            if 0 <= offset and offset + length <= region.size:
                return region.view[offset:offset + length]
        raise ValueError(f"no memory at {address:#x}")

    def chain(self, head):
        """What the machine reads, and what it is given: two lists of memory."""
        out, into, at = [], [], head
        table = self.memory(self.addresses[0], 16 * self.size, True)
        while True:
            address, length, flags, following = struct.unpack_from("<QIHH", table, 16 * at)
            (into if flags & 2 else out).append(self.memory(address, length))
            if not flags & 1:
                return out, into
            at = following

    def fault_of(self, kind, sector, sectors):
        for rule in self.rules:
            operation, where, _, count = rule
            if operation == NAMES.get(kind) and count > 0 and (where is None or sector <= where < sector + sectors):
                rule[3] -= 1
                print(f"fault {rule[2]} {operation} {sector}", flush=True)
                return rule[2]
        return None

    def transfer(self, kind, sector, pieces, limit):
        """How many bytes were moved: up to the limit."""
        at = sector * SECTOR
        done = 0
        for piece in pieces:
            piece = piece[:limit - done]
            if kind == READ:
                piece[:] = os.pread(self.image, len(piece), at + done)
            else:
                os.pwrite(self.image, piece, at + done)
            done += len(piece)
        return done

    def serve(self, head):
        out, into = self.chain(head)
        kind, _, sector = struct.unpack("<IIQ", out[0])
        pieces = out[1:] if kind == WRITE else into[:-1]
        length = sum(len(piece) for piece in pieces)
        fault = self.fault_of(kind, sector, length // SECTOR)
        if fault == "silent":
            return
        done, status = 0, 0
        if kind in (READ, WRITE):
            done = self.transfer(kind, sector, pieces, length // 2 if fault == "short" else length)
            status = int(kind == WRITE and done < length)
        elif kind == FLUSH:
            status = int(fault == "short")
        else:
            status = 2
        into[-1][0] = status
        answer = (head, 1 + (done if kind == READ else 0))
        if fault == "late":
            self.kept.append(answer)
            return
        self.answer(*answer)
        if fault == "twice":
            self.answer(*answer)

    def answer(self, head, written):
        used = self.memory(self.addresses[1], 4 + 8 * self.size, True)
        index, = struct.unpack_from("<H", used, 2)
        struct.pack_into("<II", used, 4 + 8 * (index % self.size), head, written)
        struct.pack_into("<H", used, 2, (index + 1) & 0xFFFF)
        os.write(self.call, struct.pack("<Q", 1))

    def kicked(self):
        os.read(self.kick, 8)
        while self.addresses:
            available = self.memory(self.addresses[2], 4 + 2 * self.size, True)
            if struct.unpack_from("<H", available, 2)[0] == self.next:
                return
            head, = struct.unpack_from("<H", available, 4 + 2 * (self.next % self.size))
            self.next = (self.next + 1) & 0xFFFF
            self.serve(head)

    def configuration(self, payload):
        offset, size, flags = struct.unpack_from("<III", payload)
        whole = bytearray(256)
        struct.pack_into("<QII", whole, 0, self.sectors, 0, 126)
        struct.pack_into("<I", whole, 20, SECTOR)
        struct.pack_into("<H", whole, 34, 1)
        return struct.pack("<III", offset, size, flags) + bytes(whole[offset:offset + size])

    def stop(self):
        """The machine resets the disk: late answers come just now."""
        for answer in self.kept:
            print("late answer", flush=True)
            self.answer(*answer)
        base = self.next
        self.forget()
        return struct.pack("<II", 0, base)

    def set_memory(self, payload, fds):
        self.regions = [Region(*struct.unpack_from("<QQQQ", payload, 8 + 32 * i), fd) for i, fd in enumerate(fds)]

    def message(self, request, payload, fds):
        """The answer to QEMU, or None."""
        if request == GET_FEATURES:
            return struct.pack("<Q", FEATURES)
        if request == GET_PROTOCOL_FEATURES:
            return struct.pack("<Q", PROTOCOL_FEATURES)
        if request == GET_CONFIG:
            return self.configuration(payload)
        if request == GET_VRING_BASE:
            return self.stop()
        if request == SET_MEM_TABLE:
            self.set_memory(payload, fds)
        elif request == SET_VRING_NUM:
            self.size = struct.unpack("<II", payload)[1]
        elif request == SET_VRING_BASE:
            self.next = struct.unpack("<II", payload)[1]
        elif request == SET_VRING_ADDR:
            self.addresses = struct.unpack_from("<QQQ", payload, 8)
        elif request == SET_VRING_KICK:
            self.kick = fds[0] if fds else None
        elif request == SET_VRING_CALL:
            self.call = fds[0] if fds else None
        return None

    def run(self, connection):
        while True:
            ready = select.select([connection] + ([self.kick] if self.kick is not None else []), [], [])[0]
            if self.kick in ready and connection not in ready:
                self.kicked()
                continue
            header, fds, _, _ = socket.recv_fds(connection, 12, 16)
            if len(header) < 12:
                return
            request, flags, size = struct.unpack("<III", header)
            payload = connection.recv(size, socket.MSG_WAITALL) if size else b""
            answer = self.message(request, payload, fds)
            if answer is not None:
                connection.sendall(struct.pack("<III", request, 1 | REPLY, len(answer)) + answer)


def rule_of(text):
    operation, sector, fault, *count = text.split(":")
    return [operation, None if sector == "-" else int(sector), fault, int(count[0]) if count else 1 << 60]


def main():
    path, image, *rules = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    disk = Disk(image, [rule_of(rule) for rule in rules])
    disk.run(listener.accept()[0])


main()

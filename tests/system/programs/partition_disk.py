#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a partition table into a disk image: partition_disk.py FILE mbr|gpt|gpt-backup START:SECTORS[:NAME]...

With mbr the fourth and later ones become logical partitions of an extended one, each behind a table of its own, so they need a free
sector before them.  gpt-backup leaves the first header broken, so that only the copy at the end of the disk counts."""

import struct
import sys
import zlib

SECTOR = 512
LINUX_TYPE = bytes.fromhex("af3dc60f838472478e793d69d8477de4")


def mbr_sector(entries):
    sector = bytearray(SECTOR)
    for index, (kind, start, count) in enumerate(entries):
        struct.pack_into("<BBBBBBBBII", sector, 446 + 16 * index, 0, 0, 0, 0, kind, 0, 0, 0, start, count)
    sector[510:512] = b"\x55\xaa"
    return bytes(sector)


def write_mbr(disk, sectors, parts):
    primary = [(0x83, start, count) for start, count, _ in parts[:3]]
    logical = parts[3:]
    if logical:
        base = logical[0][0] - 1
        primary.append((0x05, base, sectors - base))
        for index, (start, count, _) in enumerate(logical):
            entries = [(0x83, 1, count)]
            if index + 1 < len(logical):
                entries.append((0x05, logical[index + 1][0] - 1 - base, logical[index + 1][1] + 1))
            put(disk, start - 1, mbr_sector(entries))
    put(disk, 0, mbr_sector(primary))


def write_gpt(disk, sectors, parts, break_first):
    table = bytearray(128 * 128)
    for index, (start, count, name) in enumerate(parts):
        table[128 * index:128 * index + 128] = (LINUX_TYPE + bytes([index + 1] * 16) + struct.pack("<QQQ", start, start + count - 1, 0) +
                                                name.encode("utf-16-le").ljust(72, b"\0"))

    def header(at, other, entries):
        fields = [b"EFI PART", 0x10000, 92, 0, 0, at, other, 34, sectors - 34, b"cowslip-cowslip-", entries, 128, 128, zlib.crc32(table)]
        layout = "<8sIIIIQQQQ16sQIII"
        fields[3] = zlib.crc32(struct.pack(layout, *fields))
        return struct.pack(layout, *fields)

    put(disk, 0, mbr_sector([(0xee, 1, min(sectors - 1, 0xffffffff))]))
    put(disk, 1, b"x" * 92 if break_first else header(1, sectors - 1, 2))
    put(disk, 2, bytes(table))
    put(disk, sectors - 33, bytes(table))
    put(disk, sectors - 1, header(sectors - 1, 1, sectors - 33))


def put(disk, sector, data):
    disk.seek(sector * SECTOR)
    disk.write(data)


def main():
    path, kind = sys.argv[1:3]
    parts = [(word.split(":") + [""])[:3] for word in sys.argv[3:]]
    parts = [(int(start), int(count), name) for start, count, name in parts]
    with open(path, "r+b") as disk:
        sectors = disk.seek(0, 2) // SECTOR
        if kind == "mbr":
            write_mbr(disk, sectors, parts)
        else:
            write_gpt(disk, sectors, parts, kind == "gpt-backup")


main()

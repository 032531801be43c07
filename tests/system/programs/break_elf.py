"""Makes broken copies of a program: break_elf.py PROGRAM FOLDER.  The copies are the same every time."""
import os
import random
import struct
import sys

source, folder = sys.argv[1:]
with open(source, "rb") as file:
    good = file.read()

# Where the fields are: offset, length, name.  See elf(5), Elf64_Ehdr and Elf64_Phdr.
HEADER = [(0, 4, "magic"), (4, 1, "class"), (5, 1, "order"), (16, 2, "type"), (18, 2, "machine"), (24, 8, "entry"),
          (32, 8, "phoff"), (54, 2, "phentsize"), (56, 2, "phnum")]
SEGMENT = [(0, 4, "type"), (4, 4, "flags"), (8, 8, "offset"), (16, 8, "vaddr"), (32, 8, "filesz"), (40, 8, "memsz"), (48, 8, "align")]
VALUES = [0, 1, 0xffff, 1 << 31, 1 << 47, (1 << 63) - 1, (1 << 64) - 4096, (1 << 64) - 1]


def write(name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755)


def changed(offset, length, value):
    return good[:offset] + (value & ((1 << 8 * length) - 1)).to_bytes(length, "little") + good[offset + length:]


for length in (0, 1, 3, 4, 16, 63, 64, 65, 120, 200, 4096, len(good) // 2):
    write(f"cut-{length}", good[:length])
start, size, count = struct.unpack_from("<32xQ14xHH", good)
for number, value in enumerate(VALUES):
    for offset, length, name in HEADER:
        write(f"header-{name}-{number}", changed(offset, length, value))
    for segment in range(min(count, 2)):
        for offset, length, name in SEGMENT:
            write(f"segment{segment}-{name}-{number}", changed(start + segment * size + offset, length, value))
dice = random.Random(1)
for number in range(40):
    data = bytearray(good)
    for _ in range(8):
        data[dice.randrange(400)] = dice.randrange(256)
    write(f"random-{number}", data)
write("script-of-itself", b"#!" + os.path.join(folder, "script-of-itself").encode() + b"\n")
write("script-of-nothing", b"#!\n")
write("script-long", b"#!/" + b"x" * 5000 + b"\n")
write("script-zero", b"#!/bin/sh\0garbage\n")

# SPDX-License-Identifier: BSD-2-Clause
"""The cpio "newc" archive that Linux and Cowslip take as initramfs: written, and read for merging.

An entry is a header of 110 hexadecimal characters, the name with its zero, zeros up to a multiple of four, the data,
and zeros again.  An entry named TRAILER!!! ends the archive.
"""

import gzip
import zlib

from .errors import ImageError

TRAILER = "TRAILER!!!"


def entry(name, mode, ino, data=b"", mtime=0, uid=0, gid=0, device=(0, 0)):
    """One archive entry as bytes; `name` without a leading slash, `data` the contents or the link target."""
    encoded = name.encode("utf-8", "surrogateescape") + b"\0"
    links = 2 if mode & 0o170000 == 0o040000 else 1
    fields = (ino, mode, uid, gid, links, mtime, len(data), 0, 0, device[0], device[1], len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % (field & 0xffffffff) for field in fields) + encoded
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def trailer():
    return entry(TRAILER, 0, 0)


def read_without_trailer(path):
    """Reads an archive, plain or gzip, checks that it is whole; returns its bytes up to the trailer, and the paths in it."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise ImageError(f"{path}: broken gzip data: {error}") from None
    at, paths = 0, set()
    while True:
        if data[at:at + 6] not in (b"070701", b"070702") or len(data) < at + 110:
            raise ImageError(f"{path}: not a cpio archive in the newc format (at byte {at})")
        try:
            fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        except ValueError:
            raise ImageError(f"{path}: broken cpio header at byte {at}") from None
        size, name_size = fields[6], fields[11]
        name = data[at + 110:at + 110 + name_size].rstrip(b"\0")
        if name == TRAILER.encode():
            return data[:at], paths
        paths.add("/" + name.decode("utf-8", "surrogateescape").removeprefix("./").lstrip("/"))
        body = at + 110 + name_size
        body += -body % 4
        end = body + size
        end += -end % 4
        if end > len(data):
            raise ImageError(f"{path}: cut short: the entry at byte {at} goes beyond the end")
        at = end

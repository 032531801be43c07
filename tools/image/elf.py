# SPDX-License-Identifier: BSD-2-Clause
"""Finds the files that a program needs to start, by reading it; the program is never run.

An ELF file names its loader (PT_INTERP) and its libraries (DT_NEEDED).  A library is looked for where the loader of the
machine will look: DT_RPATH or DT_RUNPATH, then the directories that ldconfig put in /etc/ld.so.cache, then the built-in
directories.  A script names its interpreter in its first line.
"""

import os
import struct

from .errors import ImageError

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_RPATH, DT_RUNPATH = 0, 1, 5, 10, 15, 29
EM_X86_64 = 62

GLIBC_DIRS = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]
MUSL_DIRS = ["/lib", "/usr/local/lib", "/usr/lib", "/usr/lib/x86_64-linux-musl"]

# Where `#!/usr/bin/env NAME` finds programs.
ENV_DIRS = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]

# Libraries that glibc opens by name when a thread is cancelled; no ELF file names them.
GLIBC_OPENS = ["libgcc_s.so.1"]


class Elf:
    """The parts of an ELF file that say what else is needed: .interpreter, .needed, .rpath, .runpath."""

    def __init__(self, path, data):
        self.path = path
        self.interpreter = None
        self.needed, self.rpath, self.runpath = [], [], []
        try:
            self._parse(data)
        except (struct.error, ValueError, IndexError) as error:
            raise ImageError(f"{path}: broken ELF file: {error}") from None

    def _parse(self, data):
        bits, order = data[4], data[5]
        machine = struct.unpack_from("<H", data, 18)[0]
        if bits != 2 or order != 1 or machine != EM_X86_64:
            raise ImageError(f"{self.path}: not a program for x86-64")
        offset, size, count = struct.unpack_from("<32xQ14xHH", data)
        segments = [struct.unpack_from("<IIQQQQ", data, offset + size * i) for i in range(count)]
        for kind, _, start, _, _, length in segments:
            if kind == PT_INTERP:
                self.interpreter = data[start:start + length].rstrip(b"\0").decode()
            elif kind == PT_DYNAMIC:
                self._parse_dynamic(data, start, length, segments)

    def _parse_dynamic(self, data, start, length, segments):
        entries = []
        for at in range(start, start + length - 15, 16):
            tag, value = struct.unpack_from("<qQ", data, at)
            if tag == DT_NULL:
                break
            entries.append((tag, value))
        table = dict(entries)
        if DT_STRTAB not in table:
            return
        strings = file_offset(table[DT_STRTAB], segments)

        def text(at):
            first = strings + at
            return data[first:data.index(b"\0", first)].decode()

        self.needed = [text(value) for tag, value in entries if tag == DT_NEEDED]
        for tag, value in entries:
            if tag in (DT_RPATH, DT_RUNPATH):
                origin = os.path.dirname(os.path.realpath(self.path))
                path = text(value).replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin)
                (self.rpath if tag == DT_RPATH else self.runpath).extend(filter(None, path.split(":")))


def file_offset(address, segments):
    """Where in the file the byte lies that is loaded at `address`."""
    for kind, _, start, vaddr, _, length in segments:
        if kind == PT_LOAD and vaddr <= address < vaddr + length:
            return start + address - vaddr
    raise ValueError("string table outside the file")


def read_ld_cache(path="/etc/ld.so.cache"):
    """Returns {library name: [paths]} of ldconfig's cache for x86-64; empty if there is none."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return {}
    start = data.find(b"glibc-ld.so.cache1.1")
    if start < 0:
        return {}
    count = struct.unpack_from("<I", data, start + 20)[0]
    found = {}
    for i in range(count):
        flags, key, value = struct.unpack_from("<iII", data, start + 48 + 24 * i)
        if flags & 0xff00 != 0x0300:  # x86-64 libraries only
            continue
        name = data[start + key:data.index(b"\0", start + key)].decode()
        file = data[start + value:data.index(b"\0", start + value)].decode()
        found.setdefault(name, []).append(file)
    return found


class Needs:
    """Walks programs to the files that they need.

    `locate(path)` maps a path of the machine to a file of the host, or None.  After the walks, .files holds the paths
    of the machine, in the order found, and .uses_cache says that a library lies where only ldconfig's cache leads.
    """

    def __init__(self, locate):
        self.locate = locate
        self.files = []
        self.uses_cache = False
        self._seen = set()
        self._cache = None

    def add_program(self, path):
        """Adds the program (a path of the machine) and all that it needs."""
        depth = 0
        while path not in self._seen:
            self._seen.add(path)
            host = self.locate(path)
            if host is None:
                raise ImageError(f"{path}: no such file")
            self.files.append(path)
            data = read_all(host)
            if data[:4] == b"\x7fELF":
                self._add_elf(Elf(host, data))
                return
            words = script_interpreter(data)
            if not words:
                return
            if os.path.basename(words[0]) == "env" and len(words) > 1:
                self._add_named(words[1:])
            path, depth = words[0], depth + 1
            if depth > 5:
                raise ImageError(f"{path}: too many interpreters in a row")

    def _add_named(self, words):
        """Adds the program that `env` will look for, if it is in one of the usual places."""
        name = next((word for word in words if not word.startswith("-") and "=" not in word), None)
        for folder in ENV_DIRS:
            if name and self.locate(f"{folder}/{name}"):
                self.add_program(f"{folder}/{name}")
                return

    def _add_elf(self, elf):
        musl = elf.interpreter is not None and "ld-musl" in elf.interpreter
        if elf.interpreter:
            if self.locate(elf.interpreter) is None:
                raise ImageError(f"{elf.path}: its loader {elf.interpreter} is not there")
            self._add_file(elf.interpreter)
            if musl:
                self._add_if_there("/etc/ld-musl-x86_64.path")
            else:
                for name in GLIBC_OPENS:
                    self._add_library(name, elf, [], False, optional=True)
        self._add_libraries(elf, [], musl)

    def _add_libraries(self, elf, inherited, musl):
        rpath = inherited + elf.rpath
        for name in elf.needed:
            self._add_library(name, elf, rpath, musl, optional=musl and name == "libc.so")

    def _add_library(self, name, elf, rpath, musl, optional):
        path = self._find_library(name, elf, rpath, musl)
        if path is None:
            if not optional:
                raise ImageError(f"{elf.path}: its library {name} is not on this machine")
            return
        if path in self._seen:
            return
        self._add_file(path)
        host = self.locate(path)
        self._add_libraries(Elf(host, read_all(host)), rpath, musl)

    def _find_library(self, name, elf, rpath, musl):
        if "/" in name:
            return name if self.locate(name) else None
        for folder in (elf.runpath or rpath):
            if self.locate(os.path.join(folder, name)):
                return os.path.join(folder, name)
        for folder in MUSL_DIRS if musl else GLIBC_DIRS:
            if self.locate(os.path.join(folder, name)):
                return os.path.join(folder, name)
        if not musl:
            if self._cache is None:
                self._cache = read_ld_cache()
            for path in self._cache.get(name, []):
                if self.locate(path):
                    self.uses_cache = True
                    return path
        return None

    def _add_if_there(self, path):
        if self.locate(path):
            self._add_file(path)

    def _add_file(self, path):
        if path not in self._seen:
            self._seen.add(path)
            self.files.append(path)


def script_interpreter(data):
    """The words of a script's first line: its interpreter and arguments.  Empty when it is no script."""
    if data[:2] != b"#!":
        return []
    return data[2:256].split(b"\n", 1)[0].decode("utf-8", "replace").split()


def read_all(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from None

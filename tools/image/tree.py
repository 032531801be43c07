# SPDX-License-Identifier: BSD-2-Clause
"""The tree of files that becomes an initramfs.

A tree maps paths of the machine to entries.  It starts with Debian's layout: /bin, /sbin, /lib and /lib64 are links into
/usr.  Paths go through the links of the tree, so an entry has one place, whatever name led there.  Host files are
read when the archive is written.  The same contents always give the same bytes.
"""

import os
import stat
import subprocess

from . import cpio, packages
from .elf import Needs
from .errors import ImageError, ProgramNotFound

PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

# Interpreters whose own library directory no ELF file names, and the package that holds it.
COMPANIONS = {"python3": "python3-minimal", "python3.11": "python3-minimal", "perl": "perl-base"}

BASE_DIRS = ["/dev", "/etc", "/proc", "/root", "/run", "/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin",
             "/var", "/var/tmp", "/mnt", "/home"]
BASE_LINKS = {"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64", "/var/run": "/run"}
BASE_NODES = {"/dev/console": (0o600, 5, 1), "/dev/null": (0o666, 1, 3), "/dev/tty": (0o666, 5, 0)}


class Entry:
    """One file: its mode, and one of: contents, the file of the host that holds them, a device number."""

    def __init__(self, mode, data=b"", host=None, device=(0, 0), mtime=0):
        self.mode, self.data, self.host, self.device, self.mtime = mode, data, host, device, mtime

    def contents(self):
        if self.host is None:
            return self.data
        try:
            with open(self.host, "rb") as file:
                return file.read()
        except OSError as error:
            raise ImageError(f"{self.host}: {error.strerror}") from None


class Tree:
    """The files of one machine.  `roots` are host directories that are looked through, first one first."""

    def __init__(self, roots=("/",)):
        self.entries = {}
        self.roots = list(roots)
        self.needs = Needs(self.locate)
        for path in BASE_DIRS:
            self.add_directory(path)
        for path, target in BASE_LINKS.items():
            self.add_link(path, target)
        for path, mode in (("/tmp", 0o1777), ("/dev/shm", 0o1777)):
            self.add_directory(path, mode)
        for path, (mode, major, minor) in BASE_NODES.items():
            self.add_node(path, stat.S_IFCHR | mode, major, minor)

    # Entries that are made here

    def resolve(self, path, depth=0):
        """The path with every link of the tree in its directories followed."""
        if depth > 40:
            raise ImageError(f"{path}: links in a circle")
        parts = [part for part in path.split("/") if part and part != "."]
        done = ""
        for i, part in enumerate(parts):
            if part == "..":
                done = os.path.dirname(done).rstrip("/")
                continue
            done = f"{done}/{part}"
            found = self.entries.get(done)
            if found and stat.S_ISLNK(found.mode) and i + 1 < len(parts):
                target = found.data.decode("utf-8", "surrogateescape")
                joined = os.path.join(os.path.dirname(done), target, *parts[i + 1:])
                return self.resolve(joined, depth + 1)
        return done or "/"

    def _put(self, path, new):
        path = self.resolve(path)
        parent = os.path.dirname(path)
        if parent != "/" and parent not in self.entries:
            self.add_directory(parent)
        self.entries[path] = new

    def has(self, path):
        return self.resolve(path) in self.entries

    def add_directory(self, path, mode=0o755):
        if path != "/" and not self.has(path):
            self._put(path, Entry(stat.S_IFDIR | mode))

    def add_link(self, path, target):
        self._put(path, Entry(stat.S_IFLNK | 0o777, target.encode("utf-8", "surrogateescape")))

    def add_node(self, path, mode, major, minor):
        self._put(path, Entry(mode, device=(major, minor)))

    def add_data(self, path, data, mode=0o644):
        self._put(path, Entry(stat.S_IFREG | mode, data))

    # Entries that come from the host

    def locate(self, path):
        """The host file behind a path of the machine, or None."""
        for root in self.roots:
            host = os.path.join(root, path.lstrip("/")) if root != "/" else path
            if os.path.exists(host):
                return host
        return None

    def add_host_file(self, host, path):
        """Adds one thing of the host (file, link, directory, device) as `path`; a link stays a link."""
        try:
            info = os.lstat(host)
        except OSError as error:
            raise ImageError(f"{host}: {error.strerror}") from None
        kind, mode = stat.S_IFMT(info.st_mode), info.st_mode
        if kind == stat.S_IFREG:
            self._put(path, Entry(mode, host=host, mtime=int(info.st_mtime)))
        elif kind == stat.S_IFDIR:
            self.add_directory(path, stat.S_IMODE(mode))
        elif kind == stat.S_IFLNK:
            if not self.has(path):
                self.add_link(path, os.readlink(host))
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            self.add_node(path, mode, os.major(info.st_rdev), os.minor(info.st_rdev))

    def add_path(self, path):
        """Adds the file behind a path of the machine, with every link on the way to it."""
        parts, done, hops = [part for part in path.split("/") if part], "", 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                done = os.path.dirname(done)
                continue
            done = f"{done}/{part}" if done != "/" else f"/{part}"
            host = self._locate_link(done)
            if host is None:
                raise ImageError(f"{path}: no such file")
            if os.path.islink(host):
                hops += 1
                if hops > 40:
                    raise ImageError(f"{path}: links in a circle")
                self.add_host_file(host, done)
                target = os.readlink(host)
                parts = [part for part in target.split("/") if part and part != "."] + parts
                done = "" if target.startswith("/") else os.path.dirname(done)
            elif not parts or not self.has(done):
                self.add_host_file(host, done)

    def _locate_link(self, path):
        for root in self.roots:
            host = os.path.join(root, path.lstrip("/")) if root != "/" else path
            if os.path.lexists(host):
                return host
        return None

    def add_tree(self, host, path="/"):
        """Adds everything below a directory of the host, below `path`."""
        if not os.path.isdir(host):
            raise ImageError(f"{host}: not a directory")
        for folder, directories, names in os.walk(host):
            below = os.path.join(path, os.path.relpath(folder, host))
            directories.sort()
            for name in sorted(directories + names):
                self.add_host_file(os.path.join(folder, name), os.path.normpath(os.path.join(below, name)))

    def find_program(self, name):
        """The path of the machine of a program that is named as a shell would name it."""
        if "/" in name:
            choices = [os.path.abspath(name)] if self.roots[0] == "/" else [os.path.join("/", name)]
            choices.append(os.path.abspath(name))
        else:
            choices = [os.path.join(folder, name) for folder in PATH]
            choices += [os.path.join(folder, name) for folder in os.environ.get("PATH", "").split(":") if folder]
        refused = None
        for path in choices:
            host = self.locate(path)
            if host and os.path.isfile(host):
                if os.access(host, os.X_OK):
                    return path
                refused = path
        if refused:
            raise ProgramNotFound(f"{refused}: not executable")
        raise ProgramNotFound(f"{name}: no such program on this machine")

    def add_program(self, path):
        """Adds a program (a path of the machine) with its interpreters, libraries and companion package."""
        done = len(self.needs.files)
        self.needs.add_program(path)
        for file in self.needs.files[done:]:
            self.add_path(file)
            companion = COMPANIONS.get(os.path.basename(file))
            if companion and os.path.dirname(file) in ("/usr/bin", "/bin"):
                self.add_package(companion)
        if self.needs.uses_cache and not self.has("/etc/ld.so.cache"):
            self.add_path("/etc/ld.so.cache")

    def add_package(self, name):
        """Adds the files of an installed package, and what they need."""
        for package in packages.closure([name]):
            for path in packages.files(package):
                if self._locate_link(path) is None:
                    continue
                self.add_path(path)
                if self._is_elf(path):
                    self.add_program(path)

    def _is_elf(self, path):
        host = self.locate(path)
        if host is None or not os.path.isfile(host):
            return False
        with open(host, "rb") as file:
            return file.read(4) == b"\x7fELF"

    def add_busybox(self):
        """Adds busybox, and a link for each applet whose name is still free."""
        busybox = self.locate("/bin/busybox")
        if busybox is None:
            raise ImageError("busybox is not installed: run tools/setup")
        self.add_program("/bin/busybox")
        listing = subprocess.run([busybox, "--list-full"], capture_output=True, text=True, check=True)
        for applet in listing.stdout.split():
            if not self.has("/" + applet):
                self.add_link("/" + applet, "/usr/bin/busybox")

    # The archive

    def archive(self, before=b"", taken=()):
        """The initramfs as bytes; `before` are entries of another archive, whose paths `taken` we leave as they are."""
        pieces = [before]
        for number, path in enumerate(sorted(self.entries), start=1):
            if path in taken and path != "/init":
                continue
            item = self.entries[path]
            pieces.append(cpio.entry(path[1:], item.mode, number, item.contents(), item.mtime, device=item.device))
        pieces.append(cpio.trailer())
        return b"".join(pieces)

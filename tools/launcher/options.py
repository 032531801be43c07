# SPDX-License-Identifier: BSD-2-Clause
"""The command line of the launcher."""

import argparse
import os
import re
import sys

from .status import LAUNCHER_ERROR

DESCRIPTION = """\
Runs a Linux program of this computer in a virtual machine of its own, on the Cowslip kernel.

The program, its shared libraries and its interpreter are packed into a small root file system in memory, together with
busybox for a shell and the usual tools.  The program gets this terminal, or the files and pipes that stdin, stdout and
stderr are; its exit status becomes that of this command.  Whatever it writes to files is gone afterwards, but for disks and
shared folders.

Arguments that name a file of this computer take the file along, under the same path, and the program starts in a
directory of the same name as the current one; so `cowslip run sort words.txt` does what it says.
Without a program, a busybox shell starts."""

EPILOG = """\
examples:
  cowslip run                                   a shell; leave it with exit
  cowslip run uname -a
  cowslip run --cpus 4 --memory 1G -- python3 -c 'import os; print(os.cpu_count())'
  cowslip run --package perl sort-names.pl      all of a Debian package comes along
  cowslip run --with /etc/services grep -c tcp /etc/services
  echo 'select 6*7;' | cowslip run sqlite3
  cowslip run --share .:/src -- sh -c 'cd /src && ls'
  cowslip run --disk debian.img:overlay -- chroot /mnt dpkg --remove nano
  cowslip run --net --forward tcp:8080:80 -- httpd -f -h /srv
  cowslip run --timeout 10 ./a.out || echo "status $?"

exit status:
  that of the program; 128 + N when signal N killed it.  And with a message on stderr:
  124  the time of --timeout was up
  125  the launcher could not do its work: no QEMU, a missing file, a wrong option, a machine that stops by itself
  126  the kernel panicked; the end of its log is shown
  127  the program was not found or cannot be executed

QEMU must be installed; tools/setup does that.  The variable QEMU names another binary than qemu-system-x86_64."""

IMAGE_DESCRIPTION = """\
Makes an ext4 image for --disk, or an initramfs for --initrd.

A Debian root is made by mmdebstrap, of packages from where this computer's apt gets its own; without root rights it
takes what mmdebstrap wants for that (uidmap), and fakeroot for an ext4 image."""

IMAGE_EPILOG = """\
examples:
  cowslip image build --from-debian bash coreutils python3 debian.img
  cowslip image build --from-debian bash coreutils debian.cpio
  cowslip image build --root DIR --free 2G disk.img"""

SIZES = {"": 20, "K": 10, "M": 20, "G": 30}
SMALLEST_MEMORY, LARGEST_MEMORY = 16 << 20, 1 << 40
MOST_CPUS = 64


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(LAUNCHER_ERROR, f"cowslip: {message}\n")


def size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)I?B?", text.upper())
    if not match:
        raise argparse.ArgumentTypeError(f"{text}: not a size; write 64M, 1G or a number of MiB")
    return int(match[1]) << SIZES[match[2]]


def memory(text):
    value = size(text)
    if not SMALLEST_MEMORY <= value <= LARGEST_MEMORY:
        raise argparse.ArgumentTypeError(f"{text}: a machine has 16M to 1024G of memory")
    return value


def cpus(text):
    if not text.isdigit() or not 1 <= int(text) <= MOST_CPUS:
        raise argparse.ArgumentTypeError(f"{text}: a machine has 1 to {MOST_CPUS} CPUs")
    return int(text)


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text}: not a number of seconds")
    return value


def variable(text):
    if "=" not in text[1:]:
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=VALUE")
    return text


class Disk:
    """A disk's file, and what may be done with it: with a `place`, its file system is there under an overlay in memory."""

    def __init__(self, text):
        self.path, self.read_only, self.place = text, False, None
        match = re.fullmatch(r"(.+):(ro|overlay(?::(.+))?)", text)
        if not match:
            return
        self.path, self.read_only = match[1], True
        if match[2] != "ro":
            self.place = match[3] or "/mnt"
        if self.place and not self.place.startswith("/"):
            raise argparse.ArgumentTypeError(f"{text}: expected FILE:overlay:PATH with a PATH that begins with /")


class Share:
    """A folder of the host and where it is in the machine."""

    def __init__(self, text):
        self.read_only = text.endswith(":ro")
        self.folder, _, self.path = text.removesuffix(":ro").rpartition(":")
        if not self.folder:
            self.folder, self.path = self.path, os.path.abspath(self.path)
        if not self.folder or not self.path.startswith("/"):
            raise argparse.ArgumentTypeError(f"{text}: expected DIR, DIR:PATH or DIR:PATH:ro, with a PATH that begins with /")


class Forward:
    """A port of this computer that leads to one of the machine."""

    def __init__(self, text):
        match = re.fullmatch(r"(tcp|udp):(\d+):(\d+)", text)
        if not match or not all(0 < int(port) < 1 << 16 for port in match.groups()[1:]):
            raise argparse.ArgumentTypeError(f"{text}: expected tcp:PORT:PORT or udp:PORT:PORT, this computer's and the machine's")
        self.protocol, self.here, self.there = match[1], int(match[2]), int(match[3])


def add_image_command(commands):
    image = commands.add_parser("image", help="make a disk or an initramfs", description="Makes what machines boot from.")
    actions = image.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = actions.add_parser("build", help="make an image of Debian packages or of a directory", description=IMAGE_DESCRIPTION,
                               epilog=IMAGE_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
                               usage="cowslip image build (--from-debian PACKAGE... | --root DIR) [--free SIZE] OUT")
    source = build.add_mutually_exclusive_group(required=True)
    source.add_argument("--from-debian", nargs="+", metavar="PACKAGE", help="a root with these packages, those they need, and Debian's essential ones")
    source.add_argument("--root", metavar="DIR", help="everything below DIR")
    build.add_argument("--free", type=size, default=512 << 20, metavar="SIZE", help="room left on the disk (512M)")
    build.add_argument("output", nargs="?", metavar="OUT", help="an ext4 image; an initramfs if the name ends in .cpio")
    return build


def finish_image(build, arguments):
    """The last word after --from-debian is the output."""
    if arguments.output is None and arguments.from_debian and len(arguments.from_debian) > 1:
        arguments.output = arguments.from_debian.pop()
    if arguments.output is None:
        build.error("which file is to be written?")


def parse(words):
    parser = Parser(prog="cowslip", description="Cowslip: Linux programs in machines of their own.",
                    epilog="`cowslip run --help` tells all about running programs.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="run a program in a machine of its own", description=DESCRIPTION, epilog=EPILOG,
                              formatter_class=argparse.RawDescriptionHelpFormatter,
                              usage="cowslip run [OPTIONS] [--] [PROGRAM [ARGUMENTS...]]")
    machine = run.add_argument_group("the machine")
    machine.add_argument("--cpus", type=cpus, default=1, metavar="N", help="processors (1)")
    machine.add_argument("--memory", type=memory, default=256 << 20, metavar="SIZE", help="such as 64M or 2G (256M)")
    machine.add_argument("--machine", choices=("pc", "q35", "microvm"), default="pc", help="QEMU's machine type (pc)")
    machine.add_argument("--accel", choices=("tcg", "kvm"), default="tcg", help="kvm, where the computer can; tcg works everywhere (tcg)")
    machine.add_argument("--disk", type=Disk, action="append", default=[], dest="disks", metavar="FILE[:ro|:overlay[:PATH]]",
                         help="a disk, whose sectors are the file's bytes: /dev/vda, the next /dev/vdb; written to unless :ro; with :overlay,"
                              " its file system is at PATH (/mnt) and can be changed there, while the file stays as it is")
    machine.add_argument("--share", type=Share, action="append", default=[], dest="shares", metavar="DIR[:PATH[:ro]]",
                         help="a folder of this computer, at PATH (or under the same name); what is written there stays, unless :ro")
    machine.add_argument("--net", action="store_true",
                         help="a network card; the machine reaches what this computer reaches, which it sees as 10.0.2.2 itself")
    machine.add_argument("--forward", type=Forward, action="append", default=[], dest="forwards", metavar="tcp:PORT:PORT",
                         help="connections to the first port here, at 127.0.0.1, go to the second in the machine; or udp:")
    machine.add_argument("--kernel", metavar="FILE", help="another kernel, for comparison")
    machine.add_argument("--append", metavar="WORDS", default="", help="more words for the kernel's command line")
    files = run.add_argument_group("its files")
    files.add_argument("--root", metavar="DIR", help="take everything below DIR along, as the root directory")
    files.add_argument("--initrd", metavar="FILE", help="take the files of this initramfs along (cpio newc, plain or gzip)")
    files.add_argument("--with", action="append", default=[], dest="extra", metavar="PATH",
                       help="take a file or directory along; a program brings its libraries")
    files.add_argument("--package", action="append", default=[], metavar="NAME",
                       help="take the files of an installed Debian package along, and of those it depends on")
    rest = run.add_argument_group("the run")
    rest.add_argument("--timeout", type=seconds, metavar="SECONDS", help="give up after this time")
    rest.add_argument("--env", action="append", type=variable, default=[], metavar="NAME=VALUE", help="an environment variable for the program")
    rest.add_argument("--verbose", action="store_true", help="show the kernel's log on stderr")
    run.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    build = add_image_command(commands)
    arguments = parser.parse_args(words)
    if arguments.command == "image":
        finish_image(build, arguments)
        return arguments
    if arguments.program[:1] == ["--"]:
        del arguments.program[0]
    if arguments.forwards and not arguments.net:
        run.error("--forward needs --net")
    return arguments

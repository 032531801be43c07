# SPDX-License-Identifier: BSD-2-Clause
"""The virtual machine: one QEMU process with two serial lines, the first for the kernel's log, the second for the program.

The initramfs and the lines are handed over as open descriptors; nothing is left behind on disk.  QEMU dies with
us, whatever ends us.
"""

import os
import shutil
import socket
import subprocess
import tempfile

from .status import LaunchError

# QEMU's names of the machine types, and how they get a second serial line.
MACHINES = {
    "pc": ("pc", ["-serial", "chardev:log", "-serial", "chardev:link"]),
    "q35": ("q35", ["-serial", "chardev:log", "-serial", "chardev:link"]),
    "microvm": ("microvm,rtc=on", ["-serial", "chardev:log", "-device", "isa-serial,index=1,chardev=link",
                                   "-global", "virtio-mmio.force-legacy=false"]),
}


def disk_options(machine, disks):
    """Disks as QEMU wants them; a comma in a file's name is written twice."""
    device = "virtio-blk-device" if machine == "microvm" else "virtio-blk-pci"
    options = []
    for index, disk in enumerate(disks):
        name = os.path.abspath(disk.path).replace(",", ",,")
        options += ["-drive", f"file={name},format=raw,if=none,discard=unmap,id=disk{index},read-only={'on' if disk.read_only else 'off'}",
                    "-device", f"{device},drive=disk{index}"]
    return options


def share_options(machine, shares):
    """Folders of the host as QEMU wants them: each has the name share0, share1 … for mount."""
    device = "virtio-9p-device" if machine == "microvm" else "virtio-9p-pci"
    options = []
    for index, share in enumerate(shares):
        folder = os.path.abspath(share.folder).replace(",", ",,")
        options += ["-fsdev", f"local,id=share{index},path={folder},security_model=none,multidevs=remap"
                              f"{',readonly=on' if share.read_only else ''}",
                    "-device", f"{device},fsdev=share{index},mount_tag=share{index}"]
    return options


def net_options(machine, net, forwards):
    """A card on a network that QEMU itself makes, with a DHCP server; it needs no rights on the host."""
    if not net:
        return []
    device = "virtio-net-device" if machine == "microvm" else "virtio-net-pci,romfile="
    ports = "".join(f",hostfwd={forward.protocol}:127.0.0.1:{forward.here}-:{forward.there}" for forward in forwards)
    return ["-netdev", f"user,id=net0{ports}", "-device", f"{device},netdev=net0"]


class Machine:
    """A started machine: .log and .link are sockets, .process is QEMU."""

    def __init__(self, kernel, initramfs, words, cpus, memory, machine, accelerator, disks=(), shares=(), net=False,
                 forwards=()):
        qemu = os.environ.get("QEMU", "qemu-system-x86_64")
        if shutil.which(qemu) is None:
            raise LaunchError(f"{qemu} is not installed: tools/setup installs it")
        self.log, log_end = socket.socketpair()
        self.link, link_end = socket.socketpair()
        self.errors = tempfile.TemporaryFile()
        image = os.memfd_create("initramfs", 0)
        with open(image, "wb", closefd=False) as file:
            file.write(initramfs)
        kind, serial = MACHINES[machine]
        command = [
            qemu, "-machine", kind, "-accel", accelerator, "-cpu", "max", "-smp", str(cpus), "-m", f"{memory >> 10}K",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-chardev", f"socket,id=log,fd={log_end.fileno()}", "-chardev", f"socket,id=link,fd={link_end.fileno()}", *serial,
            "-kernel", kernel, "-initrd", f"/proc/self/fd/{image}", "-append", words,
            *disk_options(machine, disks), *share_options(machine, shares),
            *net_options(machine, net, forwards)]
        if shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig", "KILL", "--", *command]
        # A session of its own: Ctrl-C at the terminal is for us to handle.
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
                                        pass_fds=(log_end.fileno(), link_end.fileno(), image), start_new_session=True)
        for end in (log_end, link_end):
            end.close()
        os.close(image)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def complaints(self):
        """What QEMU itself had to say."""
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip().split("\n")

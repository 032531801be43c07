# SPDX-License-Identifier: BSD-2-Clause
"""A Debian root, made of packages by mmdebstrap, as an ext4 image or as an initramfs.

mmdebstrap writes a tar file; it needs no root rights (a user name space, or fakechroot, does for the rest).  The packages
come from where this computer's apt gets its own, so mirrors, proxies and release are those that apt is set up for.
The tar file becomes the image: unpacked and handed to mke2fs, or entry by entry to a cpio archive.
"""

import os
import shlex
import shutil
import stat
import subprocess
import tarfile
import tempfile

from . import cpio
from .errors import ImageError

# What nobody looks up in a machine, and what is large.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")
MANUAL = "/usr/share/man/*"     # unless there is a man to read it

FIRST_PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "debian-init")

KINDS = {tarfile.REGTYPE: stat.S_IFREG, tarfile.AREGTYPE: stat.S_IFREG, tarfile.LNKTYPE: stat.S_IFREG, tarfile.DIRTYPE: stat.S_IFDIR,
         tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}


def require(program, package):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise ImageError(f"{program} is not installed: apt-get install {package}, or tools/setup")
    return path


def check(command, what, **more):
    """Runs a command; its last words are the error when it fails."""
    done = subprocess.run(command, stdin=more.pop("stdin", subprocess.DEVNULL), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, **more)
    if done.returncode != 0:
        words = [line for line in done.stderr.decode(errors="replace").split("\n") if line.strip()]
        raise ImageError(f"{what} failed: " + "\n  ".join(words[-8:]))


def sources():
    """What apt is set up for, of Debian itself: lines of a sources.list, and the name of the release."""
    form = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(LABEL)"
    listing = subprocess.run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"], capture_output=True, text=True, check=False)
    rows = sorted({tuple(line.split("|")) for line in listing.stdout.split("\n") if line.startswith("Debian|")})
    if not rows:
        raise ImageError("apt knows no mirror of Debian: apt-get update")
    plain = [row[2] for row in rows if row[4] == "Debian" and "-" not in row[2]]
    return [f"deb {uri} {release} {component}" for _, uri, release, component, _ in rows], (plain or [rows[0][2]])[0]


# What a root gets besides its packages, where they bring nothing of the kind: a first program, ways to switch off, a
# name, a language, and an administrator without a password.
FINISH = r"""
[ -e "$1/usr/sbin/init" ] || install -m 755 "$COWSLIP_INIT" "$1/usr/sbin/init"
for name in poweroff reboot halt; do
	[ -e "$1/usr/sbin/$name" ] || ln -s ../bin/busybox "$1/usr/sbin/$name"
done
[ -e "$1/usr/sbin/shutdown" ] || install -m 755 "${COWSLIP_INIT%init}shutdown" "$1/usr/sbin/shutdown"
echo cowslip >"$1/etc/hostname"
[ -e "$1/etc/hosts" ] || printf '127.0.0.1\tlocalhost\n127.0.1.1\tcowslip\n' >"$1/etc/hosts"
[ -e "$1/etc/mtab" ] || ln -sf ../proc/self/mounts "$1/etc/mtab"
[ -e "$1/etc/default/locale" ] || echo LANG=C.UTF-8 >"$1/etc/default/locale"
sed -i 's/^root:[^:]*:/root::/' "$1/etc/shadow"
"""
ALWAYS = ("busybox-static", "login", "passwd", "util-linux")


def make_tar(packages, target):
    """Has mmdebstrap make a root of the packages and Debian's essential ones."""
    lines, release = sources()
    program = require("mmdebstrap", "mmdebstrap")
    wanted = ",".join(dict.fromkeys([*ALWAYS, *packages]))
    left_out = LEFT_OUT if "man-db" in packages else (*LEFT_OUT, MANUAL)
    options = [f"--dpkgopt=path-exclude={path}" for path in left_out]
    options += ["--aptopt=APT::Install-Recommends \"false\"", f"--customize-hook=COWSLIP_INIT={shlex.quote(FIRST_PROGRAM)}\n{FINISH}"]
    check([program, "--quiet", "--variant=minbase", f"--include={wanted}", *options,
           "--format=tar", release, target, "-"], "mmdebstrap", stdin=None, input="\n".join(lines).encode() + b"\n")


def make_ext4(root, output, spare):
    """An ext4 image of the directory, with `spare` bytes free."""
    mke2fs = require("mke2fs", "e2fsprogs")
    used = files = 0
    for folder, directories, names in os.walk(root):
        for name in directories + names:
            info = os.lstat(os.path.join(folder, name))
            used, files = used + (info.st_size + 4095 & ~4095), files + 1
    # Inodes, their tables and the journal come on top.
    size = used + used // 16 + files * 512 + (80 << 20) + spare
    with open(output, "wb") as file:
        file.truncate(size + 4095 & ~4095)
    check([mke2fs, "-q", "-F", "-t", "ext4", "-N", str(files + files // 2 + 20000), "-L", "cowslip", "-d", root, output], "mke2fs")


def ext4_of_tar(archive, output, spare):
    """Unpacks the archive with its owners, which takes root or fakeroot, and makes the image."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(output))) as root:
        if os.getuid() == 0:
            check(["tar", "-C", root, "--numeric-owner", "-xpf", archive], "tar")
            make_ext4(root, output, spare)
        else:
            fakeroot = require("fakeroot", "fakeroot")
            state = os.path.join(os.path.dirname(root), os.path.basename(root) + ".owners")
            check([fakeroot, "-s", state, "tar", "-C", root, "--numeric-owner", "-xpf", archive], "tar")
            try:
                check([fakeroot, "-i", state, "--", "python3", "-c", "import sys; sys.path.insert(0, sys.argv[1])\n"
                       "from image.debian import make_ext4\nmake_ext4(sys.argv[2], sys.argv[3], int(sys.argv[4]))",
                       os.path.dirname(os.path.dirname(os.path.realpath(__file__))), root, output, str(spare)], "mke2fs")
            finally:
                os.unlink(state)


def initramfs_of_tar(archive, output):
    """Writes the archive's entries as cpio; names of one file come one after the other, the last with its contents."""
    with tarfile.open(archive) as tar, open(output, "wb") as out:
        members = [(member, member.name.removeprefix("./").strip("/")) for member in tar]
        for number, (member, name) in enumerate(members, start=1):
            if name in ("", ".") or member.type not in KINDS:
                continue
            data = b""
            if member.issym():
                data = member.linkname.encode("utf-8", "surrogateescape")
            elif KINDS[member.type] == stat.S_IFREG:
                data = tar.extractfile(member).read()
            out.write(cpio.entry(name, KINDS[member.type] | member.mode, number, data, int(member.mtime), member.uid, member.gid,
                                 (member.devmajor, member.devminor)))
        out.write(cpio.trailer())


def build(packages, output, spare):
    """The root of the packages as `output`: an initramfs if the name ends in .cpio, mmdebstrap's file for .tar, else an ext4 image."""
    folder = os.path.dirname(os.path.abspath(output))
    scratch = tempfile.mkdtemp(dir=folder)
    try:
        archive, result = os.path.join(scratch, "root.tar"), os.path.join(scratch, "result")
        make_tar(packages, archive)
        if output.endswith(".tar"):
            result = archive
        elif output.endswith(".cpio"):
            initramfs_of_tar(archive, result)
        else:
            ext4_of_tar(archive, result, spare)
        os.replace(result, output)
    except OSError as error:
        raise ImageError(f"{error.filename or output}: {error.strerror}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def build_of_directory(root, output, spare):
    """An ext4 image of a directory of this computer, owners as they are."""
    if not os.path.isdir(root):
        raise ImageError(f"{root}: not a directory")
    make_ext4(root, f"{output}.new", spare)
    os.replace(f"{output}.new", output)

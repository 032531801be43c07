# SPDX-License-Identifier: BSD-2-Clause
"""The files of installed Debian packages, read from dpkg's own records."""

import os
import re

from .errors import ImageError

INFO = "/var/lib/dpkg/info"
STATUS = "/var/lib/dpkg/status"

# Nothing at run time reads these.
SKIPPED = re.compile(r"/usr/share/(doc|doc-base|man|locale|lintian|info|bash-completion|bug|applications|pixmaps|icons)(/|$)")


def read_status():
    """Returns {package: {field: text}} of the installed packages, with the fields that we look at."""
    packages = {}
    with open(STATUS, encoding="utf-8", errors="replace") as file:
        for block in file.read().split("\n\n"):
            fields = dict(re.findall(r"^(Package|Status|Section|Essential|Depends|Pre-Depends): (.*)$", block, re.M))
            if fields.get("Status", "").endswith(" installed"):
                packages[fields["Package"]] = fields
    return packages


def closure(names):
    """The packages and those that they depend on, except shared libraries (found through ELF) and essential ones."""
    status = read_status()
    found, todo = [], list(names)
    for name in names:
        if name not in status:
            raise ImageError(f"package {name} is not installed")
    while todo:
        name = todo.pop(0)
        if name in found:
            continue
        found.append(name)
        for field in ("Pre-Depends", "Depends"):
            for alternatives in status[name].get(field, "").split(","):
                match = re.match(r"\s*([a-z0-9.+-]+)", alternatives)
                other = status.get(match[1]) if match else None
                if other and other.get("Section") != "libs" and other.get("Essential") != "yes":
                    todo.append(match[1])
    return found


def files(name):
    """The paths that a package holds, without documentation; compiled Python files that lie beside are included."""
    for listing in (f"{INFO}/{name}.list", f"{INFO}/{name}:amd64.list"):
        if os.path.exists(listing):
            break
    else:
        raise ImageError(f"package {name} has no list of files in {INFO}")
    with open(listing, encoding="utf-8") as file:
        paths = [path for path in file.read().split("\n") if path not in ("", "/.") and not SKIPPED.match(path)]
    for path in list(paths):
        if path.endswith(".py"):
            paths.extend(compiled(path))
    return paths


def compiled(path):
    folder, name = os.path.split(path)
    cache = os.path.join(folder, "__pycache__")
    stem = name[:-2]
    try:
        return [os.path.join(cache, entry) for entry in os.listdir(cache)
                if entry.startswith(stem) and re.fullmatch(r"cpython-\d+\.pyc", entry[len(stem):])]
    except OSError:
        return []

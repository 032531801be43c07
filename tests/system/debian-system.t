#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What an administrator does in Debian's root: volumes, name spaces, limits; debian-packages.t has packages and users.
. "$(dirname "$0")/debian.sh"
cd "$WORK" || exit 1
SECONDS_ALLOWED=400

tool debian_system.sh util_linux
tool debian_system.sh disks
finish

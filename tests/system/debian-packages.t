#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# In Debian's root, on a disk that keeps what is written: packages by dpkg and apt, users, python3's environments, git's repositories.
. "$(dirname "$0")/debian.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin
SECONDS_ALLOWED=400

cp --sparse=always "$DEBIAN" disk.img
DEBIAN=$WORK/disk.img
tool --writable debian_system.sh packages
ok 'the file system is in order' e2fsck -fn disk.img
finish

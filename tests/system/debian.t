#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's user land on a disk: processes and files, git, a compiler, servers, terminals, debuggers, measuring programs.
. "$(dirname "$0")/debian.sh"
cd "$WORK" || exit 1

ok "Lua's sources are there" "$TOP/tools/fetch-source" lua5.4 "$WORK/lua"

tool debian_tools.sh processes
tool debian_tools.sh programs
tool debian_tools.sh repository
tool --with "$WORK/lua" -- debian_work.sh compile "/mnt$WORK/lua"
tool debian_work.sh redis
tool debian_work.sh screens
tool debian_work.sh debuggers
tool debian_work.sh measures
finish

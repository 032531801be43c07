#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A Lua program: tables, coroutines, files, memory that is given back, a child.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

same_as_host lua5.4 -- lua5.4 work.lua
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A small part of tests/system/selfhost: Debian's make and gcc compile files of Cowslip in the machine, to the same bytes as here.
TARGETS='build/x86_64/kernel/lib/rbtree.c.o build/x86_64/kernel/mm/fault.c.o build/x86_64/kernel/arch/x86_64/usercopy.S.o' \
	SECONDS_ALLOWED=400 exec "$(dirname "$0")/selfhost"

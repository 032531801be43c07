#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The abi programs on the checking kernel: no lock is taken in the wrong order, and doc/locks.md tells the right one.
. "$(dirname "$0")/../system/lib.sh"

boot 500 -machine q35 -cpu max -m 512M -smp 4 -kernel "$TOP/build/x86_64-debug/cowslip" -initrd "$TOP/build/abi/initramfs.cpio" \
	-append 'console=ttyS0 quiet panic=-1' >"$WORK/console" 2>&1
! grep -A12 'Kernel panic' "$WORK/console" >"$WORK/panic"
result $? 'the checking kernel finds nothing wrong' || remark <"$WORK/panic"
contains 'all programs have run' "$WORK/console" '^abi: [0-9]+ passed'
ok 'the order of locks is that of doc/locks.md' "$TOP/tools/check-locks" "$WORK/console"
finish

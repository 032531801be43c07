#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What must not happen in the kernel ends in a panic that says what it was and where; and the kernel's addresses differ from boot to boot.
. "$(dirname "$0")/../system/lib.sh"
KERNEL=$TOP/build/x86_64-debug/cowslip

# crashes NAME PATTERN [WORDS]: the panic of tests/kernel/crash.c says so, with a back trace by name.
crashes() {
	boot 60 -cpu max -m 128M -kernel "$KERNEL" -append "console=ttyS0 panic=-1 quiet selftest=crash crash=$1 $3" >"$WORK/console" 2>&1
	contains "$1: the panic says so" "$WORK/console" "Kernel panic: .*$2"
	case $1 in
	overflow-stack | smash-stack) ;; # of these, only the end of the stack is known
	*) contains "$1: and where" "$WORK/console" ' ktest_run_all\+0x' ;;
	esac
}

crashes write-to-text 'page fault in the kernel at ffffffff.* \(error 3\)'
grep -o 'ffffffff[0-9a-f]* ktest_run_all' "$WORK/console" >"$WORK/first"
crashes write-to-text 'page fault in the kernel'
grep -o 'ffffffff[0-9a-f]* ktest_run_all' "$WORK/console" >"$WORK/second"
! cmp -s "$WORK/first" "$WORK/second"
result $? 'the kernel is elsewhere at each boot'
crashes write-to-text 'page fault in the kernel at ffffffff801' nokaslr
contains 'nokaslr: the image is where it was linked' "$WORK/console" 'image moved by 0'
crashes write-to-constant 'page fault in the kernel at ffffffff.* \(error 3\)'
crashes run-data 'page fault in the kernel at ffffffff.* \(error 11\)'
crashes read-nowhere 'page fault in the kernel at dead0'
crashes read-program-memory 'page fault in the kernel at 400000'
crashes run-off-a-block 'page fault in the kernel at ffff.* \(error 2\)'
crashes overflow-stack 'kernel stack overflow'
crashes shift-too-far 'crash.c:[0-9]*: undefined: 1 .* shifted by 70'
crashes index-too-large 'crash.c:[0-9]*: undefined: index 7'
crashes smash-stack 'stack smashed'
crashes lock-order 'lock order: .*crash.c:first is taken'

# Loaders put their information where they like: microvm's is not aligned when there is an initial file system.
printf '%s' 'no archive' >"$WORK/initrd"
boot 60 -machine microvm -cpu max -m 128M -kernel "$KERNEL" -initrd "$WORK/initrd" \
	-append 'console=ttyS0 panic=-1 quiet selftest=arch_clock' >"$WORK/console" 2>&1
contains 'microvm: the checking kernel boots with an initial file system' "$WORK/console" '^ok .* arch_clock'
finish

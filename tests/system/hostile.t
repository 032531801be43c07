#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Hostile programs: they are refused or killed, and the shell still answers.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

mkdir -p "$WORK/tree/usr/bin"
cp "$TOP/build/system/hostile" "$WORK/tree/usr/bin/" || exit 1
in_machine --memory 128M --cpus 2 --root "$WORK/tree" /bin/busybox sh hostile.sh >"$WORK/out" 2>"$WORK/err" </dev/null
is 'the run ends well' $? 0
tail -n 20 "$WORK/err" | remark
contains 'a fork bomb meets a limit' "$WORK/out" '^fork bomb: stopped by the kernel'
contains 'a memory eater is refused or killed' "$WORK/out" '^memory eater: status (0|137)'
contains 'eight memory eaters all end' "$WORK/out" '^many eaters: 8 ended'
contains 'who fills the file system ends' "$WORK/out" '^file eater: ended'
contains 'who takes page tables is killed' "$WORK/out" '^table eater: status 137'
contains 'who fills pipes ends' "$WORK/out" '^pipe eater: ended'
contains 'threads are limited' "$WORK/out" '^thread eater: stopped'
contains 'who makes directories without end ends' "$WORK/out" '^directory eater: ended'
contains 'who makes files without end ends' "$WORK/out" '^name eater: ended'
contains 'who opens files in many processes ends' "$WORK/out" '^file opener: ended'
contains 'who sits on memory does not stop others' "$WORK/out" '^memory sitter: sits'
contains 'descriptors are limited' "$WORK/out" '^descriptors: limited'
contains 'a stack that never ends is a signal' "$WORK/out" '^deep stack: status 139'
contains 'jumps into nowhere are signals' "$WORK/out" '^wild jumps: 8 of 8 killed'
contains 'no system call falls over bad arguments' "$WORK/out" '^bad calls: done'
for what in 'fork bomb' 'memory eater' 'many eaters' 'file eater' 'table eater' 'pipe eater' 'thread eater' 'directory eater' 'name eater' \
	'file opener' 'memory sitter' descriptors 'deep stack' 'wild jumps' 'bad calls'; do
	contains "after $what the shell works" "$WORK/out" "^$what: the system lives on"
done
finish

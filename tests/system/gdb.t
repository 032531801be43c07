#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# gdb: breakpoints, watchpoints, threads, steps, changed variables, and a crash.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

mkdir -p "$WORK/tree/usr/bin"
cp "$TOP/build/system/traced" "$WORK/tree/usr/bin/" || exit 1

# debug CPUS SCRIPT
debug() {
	in_machine --cpus "$1" --memory 768M --root "$WORK/tree" --package gdb --package libpython3.11-stdlib \
		--package libpython3.11-minimal --with "$2" -- \
		/usr/bin/gdb -batch -nx -x "$2" /usr/bin/traced >"$WORK/out" 2>"$WORK/err" </dev/null
}

for cpus in 1 4; do
	debug $cpus threads.gdb
	is "$cpus CPUs: gdb ends well" $? 0
	contains 'a breakpoint is hit' "$WORK/out" 'hit Breakpoint 1, (0x[0-9a-f]+ in )?add \(left=0, right='
	contains 'the caller is found' "$WORK/out" '#1 .* work \(argument='
	contains 'an expression' "$WORK/out" '^\$1 = [123]$'
	contains 'a function is finished' "$WORK/out" '^Value returned is \$2 = [123]$'
	contains 'a hardware watchpoint' "$WORK/out" 'Hardware watchpoint 2: counter'
	contains 'is hit, in any thread' "$WORK/out" '^New value = [2-9]$'
	contains 'another function is reached' "$WORK/out" 'Breakpoint 3, run_child'
	contains 'instructions are shown' "$WORK/out" '^=> 0x[0-9a-f]+ <run_child'
	contains 'registers, too' "$WORK/out" '^rip +0x[0-9a-f]+ +0x[0-9a-f]+ <run_child'
	contains 'an array' "$WORK/out" '\{0, 3, 6, 9\}'
	contains 'a changed variable counts' "$WORK/out" '^70 6 9 9 3'
	contains 'the end' "$WORK/out" 'Inferior 1 \(process [0-9]+\) exited normally'
	tail -n 5 "$WORK/err" | remark
done

debug 2 crash.gdb
contains 'a crash stops' "$WORK/out" 'received signal SIGSEGV, Segmentation fault'
contains 'where it happened' "$WORK/out" '#0 .*crash \(where='
contains 'who called' "$WORK/out" '#1 .*main \('
contains 'the address' "$WORK/out" '\(void \*\) 0x10$'

in_machine --cpus 2 --memory 768M --root "$WORK/tree" --package gdb --package libpython3.11-stdlib \
	--package libpython3.11-minimal --with /usr/bin/gdb -- /bin/sh -c 'ulimit -c unlimited; traced crash
	gdb -batch -nx -ex backtrace -ex "print counter" /usr/bin/traced core' >"$WORK/out" 2>"$WORK/err" </dev/null
contains 'a core says what ended the program' "$WORK/out" 'Program terminated with signal SIGSEGV'
contains 'and where' "$WORK/out" '#0 .*crash \(where='
contains 'called by whom' "$WORK/out" '#1 .*main \('
contains 'with its variables' "$WORK/out" '^\$1 = 0$'
finish

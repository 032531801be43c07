#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# strace: system calls of a program, of its threads and children, injected results, and an attached process.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/tree/usr/bin"
cp "$TOP/build/system/traced" "$WORK/tree/usr/bin/" || exit 1

in_machine --cpus 2 --root "$WORK/tree" -- /usr/bin/strace -f /usr/bin/traced >"$WORK/out" 2>"$WORK/err" </dev/null
is 'strace -f ends with the status of its program' $? 0
contains 'the program does its work' "$WORK/out" '^3 6 9 9 3$'
contains 'exec is shown' "$WORK/err" '^execve\("/usr/bin/traced", \["/usr/bin/traced"\], 0x[0-9a-f]+ /\* .* vars \*/\) = 0'
contains 'threads are shown' "$WORK/err" 'clone\(.*CLONE_THREAD.*'
contains 'they are followed' "$WORK/err" '^\[pid +[0-9]+\] (exit|set_tid_address|futex|rt_sigprocmask|.*exit\()'
contains 'errors have their names' "$WORK/err" 'open(\("/nowhere", O_RDONLY(\|O_LARGEFILE)?| resumed>)\) *= -1 ENOENT'
contains 'the child is followed' "$WORK/err" 'exit_group\(3(\) *= \?| <unfinished)'
contains 'its end is shown' "$WORK/err" '\+\+\+ exited with 3 \+\+\+'
contains 'and the signal for it' "$WORK/err" '--- SIGCHLD \{si_signo=SIGCHLD, si_code=CLD_EXITED, .* si_status=3'
contains 'the end of all' "$WORK/err" '^(\[pid +[0-9]+\] )?\+\+\+ exited with 0 \+\+\+'

in_machine --root "$WORK/tree" -- /usr/bin/strace -c /usr/bin/traced >"$WORK/out" 2>"$WORK/err" </dev/null
contains 'strace -c counts' "$WORK/err" 'total$'
in_machine --root "$WORK/tree" -- /usr/bin/strace -e inject=open:error=EPERM /usr/bin/traced >"$WORK/out" 2>"$WORK/err" </dev/null
contains 'an injected error is seen' "$WORK/err" 'EPERM \(Operation not permitted\) \(INJECTED\)'
in_machine --root "$WORK/tree" -- /usr/bin/strace /usr/bin/traced crash >"$WORK/out" 2>"$WORK/err" </dev/null
contains 'a fault is shown with its address' "$WORK/err" '--- SIGSEGV \{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10\}'
contains 'and the death' "$WORK/err" '\+\+\+ killed by SIGSEGV'

in_machine --with /usr/bin/strace -- /bin/sh -c 'sleep 3 & strace -p $! & wait' >"$WORK/out" 2>"$WORK/err" </dev/null
contains 'attached to a process that sleeps' "$WORK/err" 'strace: Process [0-9]+ attached'
contains 'the call starts again' "$WORK/err" 'restart_syscall|nanosleep\('
contains 'and its end is seen' "$WORK/err" '\+\+\+ exited with 0 \+\+\+'
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's programs that show memory and processes read our /proc: procps and smem.
. "$(dirname "$0")/lib.sh"

# view NAME PATTERN [OPTIONS... --] PROGRAM ARGUMENTS...: it succeeds and prints a line that matches.
view() {
	name=$1
	pattern=$2
	shift 2
	in_machine --package procps "$@" >"$WORK/out" 2>"$WORK/err" </dev/null
	is "$name succeeds" $? 0 || remark <"$WORK/err"
	contains "$name shows what it should" "$WORK/out" "$pattern"
}

view free '^Mem: +26[0-9]{4} +[0-9]+ +[1-9][0-9]+ ' -- free -w
view 'vmstat -s' '^ +26[0-9]{4} K total memory$' -- vmstat -s
view vmstat '^ +[0-9]+ +[0-9]+ +0 +[1-9][0-9]+ +[0-9]+ +[1-9]' -- vmstat
view 'pmap -X' '^ *[0-9a-f]+ rw-p 0+ +00:00 +0 +[1-9][0-9]* .*\[stack\]' -- pmap -X 1
view 'pmap -x' '^total kB +[1-9][0-9]* +[1-9][0-9]* ' -- pmap -x 1
view top '^ +1 root +.* init$' -- top -b -n 1
view slabtop '^ Active / Total Objects \(% used\) +: [1-9]' -- slabtop -o
view 'ps aux' '^root +1 .* [1-9][0-9]* \? +S.* /init$' -- ps aux
view 'ps -L' '^ +2 +2 .* ps$' -- ps -eLo pid,lwp,nlwp,policy,pri,stat,wchan,rss,comm
view smem '^ +1 root +/init +0 +[1-9][0-9]* +[1-9][0-9]* +[1-9][0-9]*' --package smem -- smem
view lscpu '^Socket\(s\): +2$' --cpus 2 -- lscpu
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Watching the kernel: events of trace points, counts of functions, a profile and the flame graph that is made of it.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
truncate -s 8M disk.img
cat >watch.sh <<'END'
echo '--- control'
cat /proc/trace_control
su nobody -s /bin/sh -c 'cat /proc/trace_control' || echo 'not for everybody'
echo nothing on >/proc/trace_control || echo 'no such event'
echo 'entries 5000' >/proc/trace_control || echo 'no such size'

echo '--- events'
echo 'entries 16384' >/proc/trace_control
echo 'all on' >/proc/trace_control
ls / >/dev/null
dd if=/dev/vda of=/dev/null bs=4k skip=512 count=2 2>/dev/null
sleep 0.01
printf 'all off\n' >/proc/trace_control
cat /proc/trace
[ "$(cat /proc/trace)" = "$(dd if=/proc/trace bs=7 2>/dev/null)" ] && echo 'the same in small pieces'
sort -s -k 3,3n /proc/trace | cmp -s - /proc/trace && echo 'by time'
echo clear >/proc/trace_control
echo "$(wc -l </proc/trace) lines when cleared"

echo '--- one'
printf 'task %s\nsyscall_enter on\n' $$ >/proc/trace_control
ls / >/dev/null
printf 'all off\ntask 0\n' >/proc/trace_control
awk '{print $1}' /proc/trace | sort | uniq -c

echo '--- counts'
echo 'count sys_*' >/proc/trace_control
sync; sync; sync
cat /proc/trace_counts
echo 'count off' >/proc/trace_control
wc -l </proc/trace_counts
echo 'count *' >/proc/trace_control
ls -R /proc/self >/dev/null; (exit 7); echo "status $?"
grep 'functions counted' /proc/trace_control
echo 'count off' >/proc/trace_control

echo '--- profile'
echo 'profile 500' >/proc/trace_control
n=0
until grep -q 'sys_read;.*read_zeros' /proc/trace_profile || [ $n -ge 200 ]; do
	dd if=/dev/zero of=/dev/null bs=64k count=500 2>/dev/null
	n=$((n + 1))
done
grep profile /proc/trace_control
echo 'profile off' >/proc/trace_control
echo '--- folded'
cat /proc/trace_profile
END
in_machine --cpus 2 --disk disk.img --with watch.sh -- sh watch.sh >out 2>&1

# part NAME: the lines of a part, in the file of that name.
part() {
	sed -n "/^--- $1\$/,/^--- /p" out | grep -v '^---' >"$1"
}
for name in control events one counts profile; do part $name; done
sed '1,/^--- folded$/d' out >folded

contains 'everything is off' control '^sched_switch off$'
contains 'only root looks and changes' control '^not for everybody$'
contains 'events have names' control '^no such event$'
contains 'rings have sizes' control '^no such size$'

contains 'a switch is seen' events ' sh-[0-9]+ +\[00[01]\] +[0-9]+\.[0-9]{6}: sched_switch: state=[A-Z] next=[^ ]+:[0-9]+$'
contains 'and a thread that wakes up' events 'sched_wakeup: task=[^ ]+:[0-9]+ cpu=[01]$'
contains 'and a fault, with its address' events ' ls-[0-9]+ .* page_fault: address=0x[0-9a-f]+ flags=0x[0-9a-f]+ ip=0x[0-9a-f]+$'
contains 'and a system call, by name' events ' ls-[0-9]+ .* syscall_enter: getdents64\(0x[0-9a-f]+, 0x[0-9a-f]+, 0x[0-9a-f]+\)$'
contains 'and its end' events ' ls-[0-9]+ .* syscall_exit: getdents64 = [0-9]+$'
contains 'and a transfer of a disk' events 'block_start: device=254:0 read sector=4096 sectors=[0-9]+$'
contains 'and its end, too' events 'block_end: device=254:0 read sector=4096 error=0$'
contains 'and interrupts' events 'irq: vector=0x[0-9a-f]+$'
contains 'and new threads' events ' sh-[0-9]+ .* task_new: task=sh:[0-9]+ flags=0x[0-9a-f]+$'
contains 'and programs that begin' events ' ls-[0-9]+ .* task_exec: was=[0-9]+$'
contains 'and end' events ' ls-[0-9]+ .* task_exit: status=0x0$'
contains 'and signals' events ' ls-[0-9]+ .* signal: signal=17 to=[0-9]+ code=1$'
contains 'what is read does not depend on how' events '^the same in small pieces$'
contains 'events come by time' events '^by time$'
contains 'they can be forgotten' events '^0 lines when cleared$'
is 'one thread alone' "$(grep -c . one)" 1
contains 'and that is the one' one ' sh-[0-9]+$'

contains 'calls are counted' counts '^ +3 sys_sync$'
contains 'until that is switched off' counts '^0$'
contains 'all functions are counted at once' counts '^functions counted: [1-4][0-9]{3}$'
contains 'and do what they do' counts '^status 7$'

contains 'the profile is running' profile '^profile 500$'
contains 'who is busy is named, function by function' folded '^dd;0x[0-9a-f]+;syscall_enter;syscall_entry;sys_read;.*read_zeros.* [0-9]+$'
contains 'idle processors are seen, too' folded '^idle/[01];.*scheduler_idle.* [0-9]+$'
ok 'every line is a stack and a number' sh -c '! grep -vE "^[^ ;]+(;[^ ;]+)+ [0-9]+$" folded'
ok 'a flame graph is made of it' sh -c "'$TOP/tools/flamegraph' --title 'reading zeros' --without scheduler_idle folded >graph.svg"
ok 'it is a picture' python3 -c 'import xml.dom.minidom, sys; xml.dom.minidom.parse("graph.svg")'
contains 'with the functions in it' graph.svg '<title>sys_read: [0-9]+ \([0-9.]+ %\)</title><rect '
ok 'but not those that were not wanted' sh -c '! grep -q scheduler_idle graph.svg'
printf 'a;0x%s;b 3\na;0x10;b 1\nidle;x 9\n' "$(nm "$TOP/build/system/traced" | awk '$3 == "main" {print $1}')" >small
"$TOP/tools/flamegraph" --program "$TOP/build/system/traced" small >small.svg
contains 'programs with symbols have names' small.svg '<title>main: 3 \(23\.1 %\)</title>'
contains 'others have none' small.svg '<title>\[program\]: 1 \(7\.7 %\)</title>'
ok 'what is no profile is refused' sh -c "! echo 'no number' | '$TOP/tools/flamegraph'"
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Loadable modules: a driver that is one, with busybox's programs; parameters, dependencies, what is refused, who keeps what.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
OUT=$(dirname "$KERNEL")
TREE=root/lib/modules/6.1.0-cowslip
mkdir -p $TREE/kernel
cp "$OUT"/modules/*.ko "$OUT"/test-modules/*.ko $TREE/kernel/
cp "$TOP/build/system/load_module" root/

# in_root SCRIPT...: runs shell lines in a machine with the modules; output in `out`.
in_root() {
	in_machine --cpus 2 --root root -- sh -c "$*" >out 2>&1
}

# A block driver
in_root '
cd /lib/modules/*/kernel
insmod null_blk.ko nr_devices=2 && lsmod | grep null_blk
ls -l /sys/module/null_blk/parameters
cat /sys/module/null_blk/parameters/nr_devices /sys/module/null_blk/initstate
dd if=/dev/zero of=/dev/nullb1 bs=64k count=16 2>/dev/null && sync && dd if=/dev/nullb0 bs=1M count=2 2>/dev/null | md5sum
cat /sys/block/nullb1/size
exec 5</dev/nullb0
rmmod null_blk || echo "kept $(cat /sys/module/null_blk/refcnt)"
exec 5<&-
rmmod null_blk && ls /dev/nullb0 /sys/module/null_blk; lsmod | grep -c null_blk
'
contains 'a driver is loaded and listed' out '^null_blk +[0-9]+ +0'
contains 'its parameters can be read' out '^2$'
contains 'it is live' out '^live$'
contains 'its disks read as zeros' out '^b2d1236c286a3c0704224fe4105eca49 '
contains 'its disks have their size' out '^2097152$'
contains 'an open disk keeps it' out '^kept 1$'
contains 'it goes, with its devices' out '/dev/nullb0: No such file'
contains 'and with its directory' out '/sys/module/null_blk: No such file'
contains 'and is not listed any more' out '^0$'

# Dependencies and parameters
in_root '
cd /lib/modules/*/kernel
insmod test_user.ko; dmesg | grep -o "Unknown symbol.*"
insmod test_base.ko number=-5 positive=0x10 flag "word=\"two words\"" odd=1 && insmod test_user.ko
lsmod; ls -l /sys/module/test_base/holders
grep -E "sys_read$|test_base_sum" /proc/kallsyms; su nobody -s /bin/sh -c "grep test_base_sum /proc/kallsyms"
rmmod test_base
cd /sys/module/test_base/parameters; grep . *; echo 70 >number; cat number
echo many >number || echo "still $(cat number)"; echo 3 >positive || echo "always $(cat positive)"
rmmod test_user && rmmod test_base && dmesg | grep -E "test_(base|user): "
'
contains 'a symbol that nobody exports is named' out 'Unknown symbol test_base_sum'
contains 'one module uses another' out '^test_base +[0-9]+ +1 test_user'
contains 'sysfs has a link to its user' out 'test_user -> ../../test_user'
contains 'a module that is used stays' out "can't unload module 'test_base': Resource temporarily unavailable"
contains 'kallsyms has the kernel'"'"'s functions' out '^ffffffff[89ab][0-9a-f]{7} t sys_read$'
contains 'and those of modules' out '^ffffffff[c-f][0-9a-f]{7} t test_base_sum.\[test_base\]$'
contains 'but no addresses for everybody' out '^0{16} t test_base_sum'
contains 'text parameters keep their blanks' out '^word:two words$'
contains 'boolean ones need no value' out '^flag:Y$'
contains 'numbers may be negative' out 'test_base: number -5, positive 16, large 1, flag 1, word two words'
contains 'a parameter is changed while it runs' out '^70$'
contains 'but not to what it cannot be' out '^still 70$'
contains 'nor one that is read-only' out '^always 16$'
contains 'an unknown parameter is ignored' out "unknown parameter 'odd' ignored"
contains 'the user calls into the other' out 'test_user: the sum is 111'
contains 'the exit function runs' out 'test_base: gone, the sum was 86'

# With a list of dependencies
in_root '
depmod; cat /lib/modules/*/modules.dep
modprobe test_user number=1 && lsmod | grep -c ^test_; modprobe -r test_user; lsmod | grep -c ^test_
modprobe null_blk gb=2 && cat /sys/block/nullb0/size; modinfo null_blk | head -n 30
'
contains 'depmod finds what a module needs' out 'test_user.ko:.*test_base.ko'
contains 'modprobe loads both' out '^2$'
contains 'and modprobe -r takes both out' out '^0$'
contains 'modprobe passes parameters' out '^4194304$'
contains 'modinfo shows them' out 'parm: +gb:size of a disk'

# What is refused
sed 's/mod_unload [0-9a-f]*/mod_unload 0123456789abcdef/' $TREE/kernel/test_base.ko >root/other.ko
head -c 2000 $TREE/kernel/test_base.ko >root/cut.ko
echo 'not a module' >root/text.ko
in_root '
for file in other cut text; do insmod /$file.ko; done
/load_module $(echo /lib/modules/*/kernel/null_blk.ko) nr_devices=3 0; ls /dev/nullb2; rmmod null_blk
/load_module $(echo /lib/modules/*/kernel/null_blk.ko) "" 4
/load_module /other.ko "" 0; /load_module /other.ko "" 2
cd /lib/modules/*/kernel
insmod test_fails.ko; insmod test_needy.ko; insmod test_base.ko positive=-1; insmod test_base.ko; insmod test_base.ko
insmod test_fails.ko stay && rmmod test_fails
lsmod; dmesg | grep magic; cat /proc/modules | grep -c Live
echo 1 >/proc/sys/kernel/modules_disabled; insmod null_blk.ko; rmmod test_base; echo 0 >/proc/sys/kernel/modules_disabled || echo "still $(cat /proc/sys/kernel/modules_disabled)"
'
contains 'a module of another kernel' out "other.ko': invalid module format"
contains 'why, is in the log' out 'version magic .*0123456789abcdef'
contains 'half a module' out "cut.ko': invalid module format"
contains 'bytes that are none' out "text.ko': invalid module format"
contains 'one whose start fails: its error' out "test_fails.ko': No such device"
contains 'one that needs what is not there' out "test_needy.ko': unknown symbol"
contains 'one with a bad parameter' out "test_base.ko': Invalid argument"
contains 'one that is there' out "test_base.ko': File exists"
contains 'one without an exit function stays' out "can't unload module 'test_fails': Device or resource busy"
contains 'two are left' out '^2$'
contains 'when disabled, none comes' out "null_blk.ko': Operation not permitted"
contains 'and none goes' out "can't unload module 'test_base': Operation not permitted"
contains 'and there is no way back' out '^still 1$'

contains 'finit_module loads from a file' out '^/dev/nullb2$'
contains 'but nothing that is packed' out '^flags 4: Not supported$'
contains 'nor one of another kernel' out '^flags 0: Exec format error$'
contains 'nor when it is to be forced in' out '^flags 2: Exec format error$'

# What a module must not do ends in a panic that names its function.
# crashes HOW NAME PATTERN
crashes() {
	in_root "insmod /lib/modules/*/kernel/test_crash.ko how=$1"
	contains "$2" out "Kernel panic: .*page fault in the kernel at $3"
	contains "$2: and where" out ' crash_in(_module|it)\+0x[0-9a-f]+ \[test_crash\]'
}
crashes text 'its code cannot be changed' 'ffffffff[c-f].* \(error 3\)'
crashes constant 'nor its constants' 'ffffffff[c-f].* \(error 3\)'
crashes data 'its data are not executed' 'ffffffff[c-f].* \(error 11\)'
crashes nowhere 'it cannot write where nothing is' 'dead0'

# Coming and going, by several at once, with one place in memory after the other
in_root '
cd /lib/modules/*/kernel
churn() { n=0; while [ $n -lt 25 ]; do n=$((n + 1)); insmod $1 2>/dev/null; cat /proc/modules /sys/module/*/initstate >/dev/null 2>&1; rmmod ${1%.ko} 2>/dev/null; done; }
churn test_base.ko & churn test_user.ko & churn null_blk.ko & churn test_fails.ko & wait
rmmod test_user; rmmod test_base; rmmod null_blk; lsmod | grep -c "^[tn]"; echo done
'
contains 'modules that come and go all the time' out '^done$'
contains 'are gone in the end' out '^0$'
finish

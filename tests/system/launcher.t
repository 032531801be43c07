#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The launcher: input, output, exit status, files that come along, and a clear message for whatever goes wrong.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1

# refuses NAME STATUS PATTERN ARGUMENTS...: the launcher ends with STATUS and a message that matches.
refuses() {
	name=$1 status=$2 pattern=$3
	shift 3
	"$TOP/cowslip" run "$@" >"$WORK/out" 2>"$WORK/err" </dev/null
	is "$name: the status" $? "$status"
	contains "$name: the message" "$WORK/err" "$pattern"
}

# Without a machine
refuses 'a program that is not there' 127 'no-such-program' --kernel "$KERNEL" no-such-program
refuses 'a size that is none' 125 'banana' --memory banana true
refuses 'a machine that is too small to be one' 125 '16M' --memory 1M true
refuses 'no CPU' 125 '0' --cpus 0 true
refuses 'a kernel that is not there' 125 '/no/kernel: no such file' --kernel /no/kernel true
refuses 'a root that is not there' 125 '/no/root: no such file' --kernel "$KERNEL" --root /no/root true
refuses 'an option that is none' 125 'unrecognized|usage' --frobnicate true
QEMU=no-such-qemu refuses 'no QEMU' 125 'no-such-qemu is not installed' --kernel "$KERNEL" true
echo 'not a program' >text
chmod +x text
printf '070701garbage' >bad.cpio
refuses 'a corrupt initramfs' 125 'bad.cpio' --kernel "$KERNEL" --initrd bad.cpio true
head -c 1000 "$TOP/build/initramfs.cpio" >short.cpio
refuses 'a truncated initramfs' 125 'short.cpio.*(cut short|not a cpio)' --kernel "$KERNEL" --initrd short.cpio true
refuses 'a machine too small for its files' 125 'memory' --kernel "$KERNEL" --memory 16M --package coreutils true
printf '\177ELFgarbage' >elf
chmod +x elf
refuses 'a broken program' 125 'elf: (broken ELF|not a program)' --kernel "$KERNEL" ./elf
"$TOP/cowslip" run --help >help
is 'help is an answer, not an error' $? 0
contains 'help tells the exit statuses' help '^ *126 +the kernel panicked'

# In the machine
head -c 50000 /dev/urandom >random
in_machine cat <random >copied 2>err
is 'cat of 50,000 random bytes ends well' $? 0
ok 'input and output carry every byte' cmp random copied

in_machine sh -c 'echo out; echo err >&2; exit 3' >out 2>err
is 'the exit status comes back' $? 3
is 'output is on stdout, byte for byte' "$(od -An -c <out | tr -d ' ')" 'out\n'
is 'errors are on stderr' "$(cat err)" err
in_machine sh -c 'kill -SEGV $$' 2>/dev/null
is 'a signal becomes 128 + its number' $? 139
is 'end of input is passed on' "$(printf 'a\nb\n' | in_machine wc -l 2>&1)" 2
echo 'text of the host' >file.txt
is 'a file that is named comes along' "$(in_machine cat file.txt 2>&1)" 'text of the host'
mkdir -p tree/etc && echo 'from the tree' >tree/etc/motd
is '--root brings a tree' "$(in_machine --root tree cat /etc/motd 2>&1)" 'from the tree'
(cd tree && find . | cpio -o -H newc --quiet | gzip) >tree.cpio.gz
is '--initrd brings the files of an archive' "$(in_machine --initrd tree.cpio.gz cat /etc/motd 2>&1)" 'from the tree'
is '--cpus and --memory make the machine' "$(in_machine --cpus 3 --memory 200M grep -c ^processor /proc/cpuinfo 2>&1)" 3
is 'the command line is passed on' "$(in_machine --append 'a.word=7' grep -o a.word=7 /proc/cmdline 2>&1)" a.word=7
SECONDS_ALLOWED=5 in_machine sleep 1000 2>err
is 'a time-out ends the run with 124' $? 124
contains 'a time-out says so' err 'not finished after 5 seconds'
is 'a script finds its interpreter' "$(printf '#!/usr/bin/env lua5.4\nprint(6 * 7)\n' >script && chmod +x script && in_machine ./script 2>&1)" 42

# Images
mkdir -p disk/sub && echo 'on a disk' >disk/sub/file && ln -s sub/file disk/link
ok 'an image is made of a directory' "$TOP/cowslip" image build --root disk --free 8M disk.img
ok 'a clean one' /usr/sbin/e2fsck -fn disk.img
is 'which a machine reads' "$(in_machine --disk disk.img:ro sh -c 'mkdir /m && mount -t ext4 -o ro /dev/vda /m && cat /m/link' 2>&1)" 'on a disk'
"$TOP/cowslip" image build --root no-such-directory out.img 2>err
is 'an image of nothing is refused' $? 125
contains 'with a reason' err 'no-such-directory: not a directory'
finish

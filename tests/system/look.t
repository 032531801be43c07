#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The memory manager can be looked at: cow, memtop, /proc/PID/tree, and the kernel's monitor on the serial console.
. "$(dirname "$0")/lib.sh"
PROGRAM_DIR=$TOP/build/user

# The same on Linux, but for the kernel's own figures.
for command in create protect unprotect test; do
	same_as_host "cow $command" -- "$PROGRAM_DIR/cow" "$command"
done
in_machine -- "$PROGRAM_DIR/cow" stats >"$WORK/stats" 2>&1
is 'cow stats succeeds' $? 0
contains 'cow stats: copied pages' "$WORK/stats" '^pages_duplicated +[1-9]'
in_machine -- "$PROGRAM_DIR/cow" status >"$WORK/status" 2>&1
contains 'cow status' "$WORK/status" '^copy-on-write: on; [0-9]+ pages shared'
in_machine -- "$PROGRAM_DIR/cow" nonsense >"$WORK/usage" 2>&1
is 'cow: an unknown command is refused' $? 2

in_machine -- "$PROGRAM_DIR/memtop" -b -n 2 -d 0.1 >"$WORK/memtop" 2>&1
is 'memtop -b ends after -n views' "$(grep -c '^memtop: [0-9]* KiB' "$WORK/memtop")" 2
contains 'memtop: frames by use' "$WORK/memtop" '^free +[1-9][0-9]* KiB #+'
contains 'memtop: faults by kind' "$WORK/memtop" '^faults/s: .*demand [0-9]+.*copied'
contains 'memtop: processes' "$WORK/memtop" '^ +[0-9]+ +[1-9][0-9]* +[1-9].* memtop$'

# shellcheck disable=SC2016 # for the shell inside
in_machine -- $BUSYBOX sh -c 'while :; do :; done & $0 sleep 0.2; $0 cat /proc/$$/tree; kill $!' $BUSYBOX >"$WORK/tree" 2>&1
contains 'tree: its head' "$WORK/tree" '^level 4 root, nodes below [1-9][0-9]*, shown [0-9]+, shared [1-9]'
contains 'tree: a node that two spaces share' "$WORK/tree" '^ +level [123] .* spaces 2'
contains 'tree: a leaf with a copy in its ring' "$WORK/tree" '^      level 1 .* ring 2'
contains 'tree: a leaf, with what it holds' "$WORK/tree" '^      level 1 .* anonymous [1-9][0-9]* file [0-9]+ shared [0-9]+ ring'

# shellcheck disable=SC2016 # for the shell inside
in_machine -- $BUSYBOX sh -c 'cd /sys/kernel/mm && $0 cat fault_ahead && echo 0 >fault_ahead && $0 cat fault_ahead; echo 9 >fault_ahead || echo refused' \
	$BUSYBOX >"$WORK/switch" 2>/dev/null
is '/sys/kernel/mm/fault_ahead' "$(tr '\n' ' ' <"$WORK/switch")" '8 0 refused '

# The console's monitor, between lines for a program; and memtop on the terminal.
mkdir -p "$WORK/root/bin"
cat >"$WORK/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
stty -echo
echo "the system is up"
for i in 1 2 3; do
	read -r line
	echo "the program reads <$line>"
done
memtop
echo "memtop has ended"
poweroff -f
END
chmod +x "$WORK/root/init"
cp "$PROGRAM_DIR/memtop" "$WORK/root/bin/memtop"
"$TOP/tools/mkinitramfs" -o "$WORK/look.cpio" --busybox --root "$WORK/root" || exit 1

# appears PATTERN: waits until a line of the console matches.
appears() {
	tries=0
	until grep -q "$1" "$WORK/console" || [ $tries -ge 200 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
}

# talk WORDS: a machine with these words on its command line is told this.
talk() {
	: >"$WORK/console"
	{
		appears '^the system is up'
		printf '~1\n~3\n~4\n~5\n~6\n'
		appears '^test: ' || true
		printf '~2\n~mem\n~ps\n~dump %s 20\n~dump 1000 20\n~help\n' "$DUMPED"
		sleep 1
		printf '~/bin\nsay ~1\n~1x\n'
		appears 'PID  RESIDENT  ITS'
		printf ' q'
		appears '^memtop has ended'
	} | timeout --foreground 60 "${QEMU:-qemu-system-x86_64}" -accel tcg -nodefaults -display none -no-reboot -serial stdio \
		-m 256M -kernel "$KERNEL" -initrd "$WORK/look.cpio" -append "console=ttyS0 quiet panic=-1 nokaslr $1" >"$WORK/console" 2>&1
}

DUMPED=$(nm "$KERNEL" 2>/dev/null | awk '$3 == "kernel_main" {print $1}')
talk monitor
contains '~1: no pages yet' "$WORK/console" '^no pages: ~3'
contains '~3: a copy shares all pages but what it has written' "$WORK/console" 'has written one: 16 pages at .*, 15 shared'
contains '~4: protects' "$WORK/console" '^16 pages at .*, protected, 15 shared'
contains '~5: unprotects' "$WORK/console" '^16 pages at .*, writable, 15 shared'
contains '~6: the test passes' "$WORK/console" '^test: passed'
contains '~2: figures' "$WORK/console" '^copy-on-write pages 15, peak (1[5-9]|[2-9][0-9]+), mapped 30 times'
contains '~mem' "$WORK/console" '^total [1-9][0-9]* KiB, free [1-9]'
contains '~ps' "$WORK/console" '^ +1 +[1-9].* init'
contains '~dump: what is mapped' "$WORK/console" '^0x[0-9a-f]+: ([0-9a-f]{2} ){16}'
contains '~dump: no memory of programs' "$WORK/console" '^dump ADDRESS SIZE'
contains '~help' "$WORK/console" '^~6 +checks'
contains 'a program reads ~/bin' "$WORK/console" '^the program reads <~/bin>'
contains 'and a ~1 that does not begin its line' "$WORK/console" '^the program reads <say ~1>'
contains 'and ~1x' "$WORK/console" '^the program reads <~1x>'
contains 'memtop on a terminal ends with q' "$WORK/console" 'memtop has ended'

finish

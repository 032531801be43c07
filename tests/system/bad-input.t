#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Damaged archives and programs: a clear message or a refused program, never a machine that hangs or falls over.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/root"
cat >"$WORK/root/init" <<'END'
#!/bin/sh
echo 'the system is up'
poweroff -f
END
chmod +x "$WORK/root/init"
"$TOP/tools/mkinitramfs" -o "$WORK/good.cpio" --busybox --root "$WORK/root" || exit 1
gzip -k "$WORK/good.cpio"

# survives NAME FILE: a machine with this initramfs comes up, or says why not; it ends either way.
survives() {
	boot 60 -kernel "$KERNEL" -initrd "$2" -append 'console=ttyS0 quiet panic=-1' -m 128M >"$WORK/console" 2>&1
	is "$1: the machine ends by itself" $? 0
	contains "$1: it came up or said why not" "$WORK/console" '^the system is up|panic'
}

survives 'a whole archive' "$WORK/good.cpio"
contains 'a whole archive: it came up' "$WORK/console" '^the system is up'
survives 'a whole gzip archive' "$WORK/good.cpio.gz"
contains 'a whole gzip archive: it came up' "$WORK/console" '^the system is up'
size=$(wc -c <"$WORK/good.cpio")
for part in 1 50 110 1000 $((size / 2)) $((size - 600)); do
	head -c "$part" "$WORK/good.cpio" >"$WORK/cut"
	survives "an archive cut to $part bytes" "$WORK/cut"
done
for part in 1 10 500 100000; do
	head -c "$part" "$WORK/good.cpio.gz" >"$WORK/cut"
	survives "a gzip archive cut to $part bytes" "$WORK/cut"
done
head -c 100000 /dev/zero >"$WORK/zeros"
survives 'zeros' "$WORK/zeros"
seq 1 100000 >"$WORK/text"
survives 'text' "$WORK/text"
# The name's length of the second header is said to be 0xffffffff.
{ head -c 206 "$WORK/good.cpio"; printf ffffffff; tail -c +215 "$WORK/good.cpio"; } >"$WORK/lie"
survives 'a header that lies' "$WORK/lie"
{ head -c 60000 "$WORK/good.cpio.gz"; head -c 2000 /dev/zero; tail -c +62001 "$WORK/good.cpio.gz"; } >"$WORK/hole"
survives 'gzip data with a hole' "$WORK/hole"

# Broken programs: none of them takes the system with it.
mkdir -p "$WORK/tree/broken"
/usr/bin/python3 "$PROGRAMS/break_elf.py" "$TOP/build/system/hostile" "$WORK/tree/broken" || exit 1
count=$(find "$WORK/tree/broken" -type f | wc -l)
in_machine --root "$WORK/tree" /bin/busybox sh -c '
	ran=0
	for program in /broken/*; do
		timeout 2 "$program" nothing </dev/null >/dev/null 2>&1
		ran=$((ran + 1))
	done
	echo "ran $ran"' >"$WORK/out" 2>"$WORK/err"
is "$count broken programs: the run ends well" $? 0
is "$count broken programs: the shell lives on" "$(cat "$WORK/out")" "ran $count"
head -c 3000 "$WORK/err" | remark
finish

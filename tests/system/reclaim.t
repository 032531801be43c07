#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A program that has twice the memory of the machine runs to its end: with a disk to swap to, and with packed memory alone as far as that goes. The same
# with a file of tmpfs, and with a disk, that are larger than the memory.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/root/usr/bin"
cp "$TOP/build/system/pressure" "$TOP/build/system/pressure_file" "$WORK/root/usr/bin/" || exit 1
cat >"$WORK/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
echo "small: start"
pressure 110
echo "small: status $?"
mount -t tmpfs -o size=400m tmpfs /tmp
echo "equal: start"
dd if=/dev/zero of=/tmp/equal bs=1M count=256 2>/dev/null
echo "equal: status $? $(wc -c </tmp/equal) bytes, $(tr -d '\0' </tmp/equal | wc -c) damaged"
rm /tmp/equal
umount /tmp
swapon /dev/vda
echo "large: start"
pressure 256
echo "large: status $?"
mount -t tmpfs -o size=176m tmpfs /tmp
echo "tmpfs: start"
pressure_file /tmp/file 160
echo "tmpfs: status $?"
rm /tmp/file
echo "disk: start"
pressure_file /dev/vdb 192
echo "disk: status $?"
grep -E 'Shmem:|^Dirty' /proc/meminfo
echo 3 >/proc/sys/vm/drop_caches
grep -E 'workingset|pgsteal_file' /proc/vmstat
grep -E 'pgsteal_anon|pswpout|pswpin|pgmajfault' /proc/vmstat
grep -E 'SwapCached|SwapFree|SwapTotal' /proc/meminfo
echo "lives on"
poweroff -f
END
chmod +x "$WORK/root/init"
IMAGE=$WORK/reclaim.cpio
"$TOP/tools/mkinitramfs" -o "$IMAGE" --busybox --root "$WORK/root" || exit 1
truncate -s 384M "$WORK/vda"
truncate -s 240M "$WORK/vdb"
mkswap "$WORK/vda" >"$WORK/log" 2>&1
result $? 'mkswap' || remark <"$WORK/log"

boot 400 -machine q35 -cpu max -m 128M -smp 2 -kernel "$KERNEL" -initrd "$IMAGE" -append 'console=ttyS0 panic=-1 quiet' \
	-drive "file=$WORK/vda,if=none,id=vda,format=raw,cache=unsafe" -device virtio-blk-pci,drive=vda \
	-drive "file=$WORK/vdb,if=none,id=vdb,format=raw,cache=unsafe" -device virtio-blk-pci,drive=vdb >"$WORK/raw" 2>&1
is 'the machine ends by itself' $? 0
tr -d '\r' <"$WORK/raw" >"$WORK/console"
sed -n '/^small: start/,/^small: status/p' "$WORK/console" >"$WORK/small"
sed -n '/^large: start/,/^large: status/p' "$WORK/console" >"$WORK/large"
for size in small large; do
	contains "$size: nothing is lost" "$WORK/$size" '^pressure: 0 words damaged'
	contains "$size: nor for a child" "$WORK/$size" '^pressure: the child ends with 0'
	contains "$size: nor for its parent" "$WORK/$size" '^pressure: 0 pages of the parent damaged'
	contains "$size: the program ends by itself" "$WORK/$size" "^$size: status 0"
done
contains 'equal bytes cost next to nothing: twice the memory without a disk' "$WORK/console" '^equal: status 0 268435456 bytes, 0 damaged'
for kind in tmpfs disk; do
	sed -n "/^$kind: start/,/^$kind: status/p" "$WORK/console" >"$WORK/part"
	contains "$kind: nothing is lost" "$WORK/part" '^pressure: 0 words damaged'
	contains "$kind: the program ends by itself" "$WORK/part" "^$kind: status 0"
done
contains 'pages of the disk were dropped' "$WORK/console" '^pgsteal_file [1-9]'
contains 'refaults are seen' "$WORK/console" '^workingset_refault_anon [1-9]'
contains 'pages went to the disk' "$WORK/console" '^pswpout [1-9]'
contains 'and came back' "$WORK/console" '^pswpin [1-9]'
contains 'the shell lives on' "$WORK/console" '^lives on'
grep -E '^pg|^psw|^work' "$WORK/console" | remark
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A program that has twice the memory of the machine runs to its end: with a disk to swap to, and with packed memory alone as far as that goes.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/root/usr/bin"
cp "$TOP/build/system/pressure" "$WORK/root/usr/bin/" || exit 1
cat >"$WORK/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
echo "small: start"
pressure 110
echo "small: status $?"
swapon /dev/vda
echo "large: start"
pressure 256
echo "large: status $?"
grep -E 'pgsteal_anon|pswpout|pswpin|pgmajfault' /proc/vmstat
grep -E 'SwapCached|SwapFree|SwapTotal' /proc/meminfo
echo "lives on"
poweroff -f
END
chmod +x "$WORK/root/init"
IMAGE=$WORK/reclaim.cpio
"$TOP/tools/mkinitramfs" -o "$IMAGE" --busybox --root "$WORK/root" || exit 1
truncate -s 384M "$WORK/vda"
mkswap "$WORK/vda" >"$WORK/log" 2>&1
result $? 'mkswap' || remark <"$WORK/log"

boot 150 -machine q35 -cpu max -m 128M -smp 2 -kernel "$KERNEL" -initrd "$IMAGE" -append 'console=ttyS0 panic=-1 quiet' \
	-drive "file=$WORK/vda,if=none,id=vda,format=raw,cache=unsafe" -device virtio-blk-pci,drive=vda >"$WORK/raw" 2>&1
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
contains 'pages went to the disk' "$WORK/console" '^pswpout [1-9]'
contains 'and came back' "$WORK/console" '^pswpin [1-9]'
contains 'the shell lives on' "$WORK/console" '^lives on'
grep -E '^pg|^psw' "$WORK/console" | remark
finish

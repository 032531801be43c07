#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Disks and files as swap areas: made by mkswap, told of in /proc as on Linux, and refused when something is wrong with them.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/root"
cat >"$WORK/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
say() {
	echo "$1: $(cat)" | tr '\t\n' '  ' | tr -s ' '
	echo
}
swaps() {
	tail -n +2 /proc/swaps | say "$1"
}
grep SwapTotal /proc/meminfo | say before
swapon /dev/vda && swaps one
swapon /dev/vda 2>&1 | say again
swapon /dev/vdb && swaps both
swapon /dev/vdc 2>&1 | say unmade
swapon /dev/vdd 2>&1 | say short
grep SwapTotal /proc/meminfo | say total
free -k | grep Swap | say free
swapoff /dev/vda && swaps left
swapoff /dev/vda 2>&1 | say twice
swapon /dev/vda && swaps default
swapoff /dev/vda && swapoff /dev/vdb && swaps none
poweroff -f
END
chmod +x "$WORK/root/init"
IMAGE=$WORK/swap.cpio
"$TOP/tools/mkinitramfs" -o "$IMAGE" --busybox --root "$WORK/root" || exit 1

for disk in vda vdb vdc vdd; do
	truncate -s 32M "$WORK/$disk"
done
truncate -s 64M "$WORK/vdb"
truncate -s 64M "$WORK/vdd"
mkswap "$WORK/vda" >"$WORK/log" 2>&1 && mkswap "$WORK/vdb" >>"$WORK/log" 2>&1 && mkswap "$WORK/vdd" >>"$WORK/log" 2>&1
result $? 'mkswap' || remark <"$WORK/log"
truncate -s 32M "$WORK/vdd"

drive() {
	echo "-drive file=$WORK/$1,if=none,id=$1,format=raw -device virtio-blk-pci,drive=$1"
}
# shellcheck disable=SC2046 # options, none with blanks
boot 60 -machine q35 -cpu max -m 256M -smp 2 -kernel "$KERNEL" -initrd "$IMAGE" -append 'console=ttyS0 panic=-1 quiet' \
	$(drive vda) $(drive vdb) $(drive vdc) $(drive vdd) >"$WORK/raw" 2>&1
is 'the machine ends by itself' $? 0
tr -d '\r' <"$WORK/raw" >"$WORK/console"

contains 'without an area there is no swap' "$WORK/console" '^before: SwapTotal: 0 kB'
contains 'an area' "$WORK/console" '^one: /dev/vda partition 32764 0 -2'
contains 'an area is added only once' "$WORK/console" '^again: .*Device or resource busy'
contains 'the second has a lower priority' "$WORK/console" '^both: /dev/vda partition 32764 0 -2 /dev/vdb partition 65532 0 -3'
contains 'a disk without signature is refused' "$WORK/console" '^unmade: .*Invalid argument'
contains 'a disk shorter than its signature says, too' "$WORK/console" '^short: .*Invalid argument'
contains '/proc/meminfo has the sum' "$WORK/console" '^total: SwapTotal: 98296 kB'
contains 'free has it from sysinfo or there' "$WORK/console" '^free: Swap: 98296 0 98296'
contains 'swapoff takes one away' "$WORK/console" '^left: /dev/vdb partition 65532 0 -2'
contains 'but not twice' "$WORK/console" '^twice: .*Invalid argument'
contains 'who comes back comes last' "$WORK/console" '^default: /dev/vdb partition 65532 0 -2 /dev/vda partition 32764 0 -3'
contains 'in the end there is none' "$WORK/console" '^none: *$'

# --- Files of a file system ---

mkdir -p "$WORK/tree" "$WORK/file_root/bin"
# Data in every block: mke2fs leaves out those that are zeros, so the signatures come later.
yes 'a block of a swap file' | head -c 96M >"$WORK/tree/swapfile"
yes 'shorter than it was' | head -c 4M >"$WORK/tree/short"
yes 'not an area' | head -c 1M >"$WORK/tree/unmade"
chmod 600 "$WORK/tree"/*
mke2fs -q -t ext4 -b 4096 -d "$WORK/tree" "$WORK/ext4" 192M >"$WORK/log" 2>&1 &&
	mke2fs -q -t ext4 -b 1024 -O ^has_journal -d "$WORK/tree" "$WORK/small" 192M >>"$WORK/log" 2>&1
result $? 'volumes with files for swapping' || remark <"$WORK/log"
cp "$TOP/build/system/pressure" "$WORK/file_root/bin/pressure"
cat >"$WORK/file_root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /disk /small
say() {
	echo "$1: $(cat)" | tr '\t\n' '  ' | tr -s ' '
	echo
}
swaps() {
	tail -n +2 /proc/swaps | say "$1"
}
mount -t ext4 /dev/vda /disk && mount -t ext4 /dev/vdb /small || echo unmounted
for file in /disk/swapfile /disk/short /small/swapfile; do
	mkswap $file >/dev/null
done
truncate -s 3M /disk/short
fallocate -l 4M /disk/unwritten && mkswap /disk/unwritten >/dev/null
dd if=/dev/zero of=/memory bs=1M count=4 2>/dev/null && mkswap /memory >/dev/null
swapon /disk/unmade 2>&1 | say unmade
swapon /disk/short 2>&1 | say short
swapon /disk/unwritten && swaps unwritten
swapoff /disk/unwritten
swapon /memory 2>&1 | say elsewhere
swapon /disk/swapfile && swaps one
swapon /disk/swapfile 2>&1 | say again
(echo x >>/disk/swapfile) 2>&1 | say append
truncate -s 1M /disk/swapfile 2>&1 | say truncate
(: >/disk/swapfile) 2>&1 | say open
rm -f /disk/swapfile 2>&1 | say remove
mv /disk/swapfile /disk/other 2>&1 | say rename
umount /disk 2>&1 | say busy
pressure 150 | say memory
awk '/^pswpout/ {print ($2 > 4000 ? "many" : "few " $2)}' /proc/vmstat | say out
# Every page has gone through the file and come back; the volume is what it was.
swapon /small/swapfile && swaps both
swapoff /disk/swapfile && swaps left
pressure 150 | say small
swapoff /small/swapfile && swaps none
swapoff /disk/swapfile 2>&1 | say twice
echo x >>/disk/swapfile && echo writable again
rm /small/swapfile && echo removable again
umount /disk && umount /small && echo unmounted at the end
poweroff -f
END
chmod +x "$WORK/file_root/init"
FILE_IMAGE=$WORK/file.cpio
"$TOP/tools/mkinitramfs" -o "$FILE_IMAGE" --busybox --root "$WORK/file_root" || exit 1
# shellcheck disable=SC2046 # options, none with blanks
boot 500 -machine q35 -cpu max -m 112M -smp 2 -kernel "$KERNEL" -initrd "$FILE_IMAGE" -append 'console=ttyS0 panic=-1 quiet' \
	$(drive ext4) $(drive small) >"$WORK/raw" 2>&1
is 'the machine with files ends by itself' $? 0
tr -d '\r' <"$WORK/raw" >"$WORK/console"

contains 'a file without signature is refused' "$WORK/console" '^unmade: .*Invalid argument'
contains 'a file shorter than its signature says' "$WORK/console" '^short: .*Invalid argument'
contains 'a file with blocks that were never written is an area' "$WORK/console" '^unwritten: /disk/unwritten file 4092 0 -2'
contains 'a file that is on no device' "$WORK/console" '^elsewhere: .*Invalid argument'
contains 'a file is an area' "$WORK/console" '^one: /disk/swapfile file 98300 0 -2'
contains 'only once' "$WORK/console" '^again: .*Device or resource busy'
contains 'it is not written meanwhile' "$WORK/console" '^append: .*Text file busy'
contains 'nor cut' "$WORK/console" '^truncate: .*Text file busy'
contains 'nor emptied' "$WORK/console" '^open: .*Text file busy'
contains 'nor removed' "$WORK/console" '^remove: .*Operation not permitted'
contains 'nor renamed' "$WORK/console" '^rename: .*Operation not permitted'
contains 'its volume is busy' "$WORK/console" '^busy: .*(Device or resource busy|Resource busy|target is busy)'
contains 'more than the machine has comes back from the file' "$WORK/console" '^memory: .* 0 words damaged .* with 0 .* 0 pages of the parent damaged'
contains 'pages went there' "$WORK/console" '^out: many'
contains 'blocks of 1 KiB: another file' "$WORK/console" '^both: /disk/swapfile file [0-9]* [0-9]* -2 /small/swapfile file 98... 0 -3'
contains 'swapoff brings all of it back' "$WORK/console" '^left: /small/swapfile file'
contains 'and the other one does as well' "$WORK/console" '^small: .* 0 words damaged .* with 0 .* 0 pages of the parent damaged'
contains 'in the end there is no area' "$WORK/console" '^none: *$'
contains 'what is none is not taken away' "$WORK/console" '^twice: .*Invalid argument'
contains 'afterwards it is a file like others' "$WORK/console" '^writable again'
contains 'that can be removed' "$WORK/console" '^removable again'
contains 'and unmounted' "$WORK/console" '^unmounted at the end'
e2fsck -fn "$WORK/ext4" >"$WORK/log" 2>&1 && e2fsck -fn "$WORK/small" >>"$WORK/log" 2>&1
result $? 'the volumes are whole' || remark <"$WORK/log"
finish

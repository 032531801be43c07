#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Disks as swap areas: made by mkswap of the host, told of in /proc as on Linux, and refused when something is wrong with them.
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
contains 'swapoff takes one away' "$WORK/console" '^left: /dev/vdb partition 65532 0 -3'
contains 'but not twice' "$WORK/console" '^twice: .*Invalid argument'
contains 'who comes back comes last' "$WORK/console" '^default: /dev/vdb partition 65532 0 -3 /dev/vda partition 32764 0 -4'
contains 'in the end there is none' "$WORK/console" '^none: *$'
finish

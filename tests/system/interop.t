#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Disks that go from kernel to kernel: Cowslip and Debian's Linux write to the same image in turn, and each turn ends without an unmount, the journal
# full of what has not reached its place.  Whoever comes next replays it and finds the same tree: types, modes, owners, times, attributes, blocks, contents.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin
LINUX=$TOP/build/linux

if [ ! -f "$LINUX/vmlinuz" ] || [ ! -f "$LINUX/modules/virtio_blk.ko" ]; then
	echo "1..0 # SKIP no Linux: $(cat "$LINUX/failed" 2>/dev/null || echo 'tools/fetch-linux gets it')"
	exit 0
fi

mkdir -p root/modules
cp "$TOP/build/system/tree" root/
cp "$LINUX"/modules/*.ko root/modules/
cat >root/init <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
if grep -q kernel=linux /proc/cmdline; then
	for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
		insmod /modules/$module.ko
	done
fi
set -- $(grep -o 'work=[^ ]*' /proc/cmdline | sed 's/work=//; s/,/ /g')
mkdir -p /m
mount -t "$1" /dev/vda /m || echo wrong: mount
if [ "$2" = make ]; then
	mkdir /m/tree /m/noise
	/tree make /m/tree
	sync
fi
[ "$2" = make ] || /tree show /m/tree | sed 's/^tree/found/'
/tree change /m/tree "$3" 400
sync
/tree show /m/tree
/tree noise /m/noise 60
echo end of the turn
poweroff -n -f
END
chmod +x root/init
"$TOP/tools/mkinitramfs" -o work.cpio --busybox --root root || exit 1

# turn KERNEL WORK SEED: a machine works on disk.img, until its power goes; what it found, what it left.
turn() {
	kernel=$KERNEL
	[ "$1" = cowslip ] || kernel=$LINUX/vmlinuz
	boot 150 -cpu max -m 256M -smp 2 -kernel "$kernel" -initrd work.cpio -append "console=ttyS0 panic=-1 quiet kernel=$1 work=$type,$2,$3" \
		-drive file=disk.img,format=raw,if=none,id=d0,cache=unsafe -device virtio-blk-pci,drive=d0 2>&1 | tr -d '\r' >console
	contains "$kind: $1's turn, to its end" console '^end of the turn'
	is "$kind: $1's turn: nothing is wrong" "$(grep -c '^wrong\|Call Trace\|EXT4-fs error\|ext4: .*error' console)" 0 || remark <console
	sed -n 's/^found //p' console >found
	if [ "$2" != make ]; then
		cmp -s found left
		result $? "$kind: $1 finds what the other left" || diff left found | grep "^[<>]" | sort -k 2 | remark
	fi
	sed -n 's/^tree //p' console >left
}

# turns NAME TYPE MKE2FS-OPTIONS...
turns() {
	kind=$1 type=$2
	shift 2
	rm -f disk.img
	truncate -s 64M disk.img
	mke2fs -q -F -t "$type" "$@" disk.img >/dev/null 2>&1
	turn cowslip make 1
	ok "$kind: the journal has to be replayed" sh -c 'dumpe2fs -h disk.img 2>/dev/null | grep -q needs_recovery'
	turn linux change 2
	turn cowslip change 3
	turn linux change 4
	e2fsck -y -E journal_only disk.img >/dev/null 2>&1
	ok "$kind: e2fsck finds nothing" e2fsck -fn disk.img
	is "$kind: the tree has something in it" "$([ "$(wc -l <left)" -gt 500 ] && echo yes)" yes
}
turns 'ext4' ext4 -b 4096
turns 'ext4 with small blocks' ext4 -b 1024
finish

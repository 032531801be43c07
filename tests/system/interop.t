#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Disks that go from kernel to kernel: Cowslip and Debian's Linux write to the same image in turn, and each turn ends without an unmount, the journal
# full of what has not reached its place.  Whoever comes next replays it and finds the same tree: types, modes, owners, times, attributes, blocks, contents.
# And trees that each of them copied are equal for rsync -c.
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
# How the first program of both begins.
cat >beginning <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
if grep -q kernel=linux /proc/cmdline; then
	for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
		insmod /modules/$module.ko
	done
fi
END
cat beginning - >root/init <<'END'
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
	boot 150 -cpu max -m 256M -smp 2 -kernel "$kernel" -initrd work.cpio -append "console=ttyS0 panic=-1 quiet no_timer_check kernel=$1 work=$type,$2,$3" \
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
# What rsync says of two trees, reading all of their files: nothing, where names, types, modes, owners, times, links, attributes, access control lists and
# contents are the same.  Cowslip and Linux each put the host's tree on a disk of its own, and a second time with changes; then each compares both disks with each
# other and with the tree, and so does the host.
mkdir -p root/given/many && cd root/given || exit 1
(cd "$TOP" && tar -cf - kernel/lib kernel/fs tests/system) | tar -xf -
head -c 3000000 /dev/urandom >random
: >empty
truncate -s 3M sparse && echo end >>sparse
ln -s kernel/lib link
ln -s "$(printf '%0200d' 7)" long-link
ln random second
mkfifo fifo
for i in $(seq 1 300); do
	echo "$i" >"many/a name of some length, $i"
done
chmod 751 kernel/lib/list.h many
find . -exec touch -h -d '2001-02-03 04:05:06' {} +
cd ../..
cat beginning - >root/init <<'END'
mkdir -p /a /b
mount -t ext4 /dev/vda /a || echo wrong: mount
# An initramfs has not everything of that.
find /given -exec touch -h -d '2001-02-03 04:05:06' {} +
if grep -q work=write /proc/cmdline; then
	mkdir /a/copy /a/changed
	rsync -aHAX /given/ /a/copy || echo wrong: rsync
	rsync -aHAX /given/ /a/changed || echo wrong: rsync
	cd /a/changed || echo wrong: cd
	rm -r many/*7 && mv kernel/fs moved && rsync -aHAX --delete /given/ ./ || echo wrong: again
	rsync -aHAX --inplace --append /given/random random
	chown 1000:70000 random && chown -h 7:8 link && mknod device c 5 300 && chmod 4751 link/list.h && chmod 1777 many || echo wrong: change
	setfattr -n user.color -v blue random && setfattr -n trusted.long -v "$(cat link/list.h | head -c 900)" many || echo wrong: attributes
	setfacl -m u:1000:rwx,g:70000:r,m:rx random && setfacl -m d:u:7:rwx,d:g::x,d:o:- many && mkdir many/inherits && echo >many/inherits/file || echo wrong: lists
	setfacl -R -m u:8:x kernel/fs kernel/lib && setfacl -b link/list.h || echo wrong: lists
	touch -d '2010-11-12 13:14:15' device random many many/inherits many/inherits/file link/ .
else
	mount -t ext4 -o ro /dev/vdb /b || echo wrong: mount
	same="rsync -aHAXcni --delete"
	echo between the disks; $same /a/copy/ /b/copy; $same /a/changed/ /b/changed
	echo to the tree; $same /given/ /a/copy; $same /given/ /b/copy
	echo lists; getfacl -nE /a/changed/random /a/changed/many/inherits /a/changed/many/inherits/file 2>/dev/null | grep '^[ugmod].*:'
	echo a change; echo >>/a/copy/empty; $same /a/copy/ /b/copy
fi
cd / && umount /a || echo wrong: umount
echo end of the turn
poweroff -n -f
END
"$TOP/tools/mkinitramfs" -o compare.cpio --busybox --root root --program rsync --program setfattr --program setfacl --program getfacl || exit 1

# look KERNEL WORK DISK [DISK]: a machine works on them.
look() {
	kernel=$KERNEL
	[ "$1" = cowslip ] || kernel=$LINUX/vmlinuz
	boot 300 -cpu max -m 768M -smp 2 -kernel "$kernel" -initrd compare.cpio -append "console=ttyS0 panic=-1 quiet no_timer_check kernel=$1 work=$2" \
		-drive "file=$3,format=raw,if=none,id=d0,cache=unsafe" -device virtio-blk-pci,drive=d0 \
		${4:+-drive "file=$4,format=raw,if=none,id=d1" -device virtio-blk-pci,drive=d1} 2>&1 | tr -d '\r' >console
	contains "rsync, $2 by $1: to its end" console '^end of the turn'
	is "rsync, $2 by $1: nothing is wrong" "$(grep -c '^wrong\|rsync error\|Call Trace\|EXT4-fs error\|ext4: .*error' console)" 0 || remark <console
}
for writer in cowslip linux; do
	truncate -s 96M $writer.img
	mke2fs -q -F -t ext4 $writer.img >/dev/null 2>&1
	look $writer write $writer.img
	ok "rsync, written by $writer: e2fsck finds nothing" e2fsck -fn $writer.img
done
printf '%s\n' 'between the disks' 'to the tree' lists user::rw- user:1000:rwx group::r-- group:70000:r-- mask::r-x other::r-- \
	user::rwx user:7:rwx group::--x mask::rwx other::--- default:user::rwx default:user:7:rwx default:group::--x default:mask::rwx default:other::--- \
	user::rw- user:7:rwx group::--x mask::rw- other::--- 'a change' '>fcst...... empty' >wanted
for reader in cowslip linux; do
	[ $reader = linux ] && other=cowslip || other=linux
	cp --sparse=always $reader.img changed.img
	look $reader read changed.img $other.img
	sed -n '/^between/,/^end of/p' console | sed '$d' >got
	ok "rsync, read by $reader: the trees are equal" diff wanted got
	rm -rf dump && mkdir dump && debugfs -R 'rdump copy dump' $reader.img >/dev/null 2>&1
	ok "rsync, written by $reader, read by debugfs: the trees are equal" rsync -rlptcJni --delete --exclude /fifo root/given/ dump/copy
	is "rsync, written by $reader, read by debugfs: no difference" "$(cat ok.out)" ''
done
finish

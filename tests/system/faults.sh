# SPDX-License-Identifier: BSD-2-Clause
#
# What the tests of failing disks share, after lib.sh: an ext4 on disk.img, a machine that works on it (faults.c), and what is asked afterwards.
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin

mkdir -p root tree/directory
cp "$TOP/build/system/faults" root/
cat >root/init <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
set -- $(grep -o 'work=[^ ]*' /proc/cmdline | sed 's/work=//; s/,/ /g')
mkdir -p /m
time_out=$(grep -o 'time_out=[^ ]*' /proc/cmdline | sed 's/time_out=//')
[ -z "$time_out" ] || echo "$time_out" >/sys/block/vda/queue/io_timeout
mount -t ext4 -o "errors=remount-ro" /dev/vda /m || mount -t ext4 -o ro /dev/vda /m || echo wrong: mount
case $1 in
work) /faults work /m "$2" ;;
once) /faults once /m/victim /m/healthy ;;
check) /faults check /m </names ;;
unreadable)
	/faults unreadable /m/victim
	/faults refused /m/directory
	cat /m/healthy >/dev/null && echo read: healthy
	;;
esac
touch /m/another && echo touched
grep ' /m ' /proc/mounts
umount /m && echo unmounted
echo the machine goes on
poweroff -f
END
chmod +x root/init
head -c 100000 /dev/urandom >tree/victim
cp tree/victim tree/healthy
touch tree/directory/file

# fresh: disk.img, an ext4 with some files; the first sectors of what may fail.
fresh() {
	rm -f disk.img
	truncate -s 24M disk.img
	mke2fs -q -F -t ext4 -b 4096 -d tree disk.img
	VICTIM=$(($(debugfs -R 'blocks /victim' disk.img 2>/dev/null | cut -d ' ' -f 1) * 8))
	DIRECTORY=$(($(debugfs -R 'blocks /directory' disk.img 2>/dev/null | cut -d ' ' -f 1) * 8))
	JOURNAL=$(($(debugfs -R 'blocks <8>' disk.img 2>/dev/null | cut -d ' ' -f 1) * 8))
	INODES=$(($(dumpe2fs disk.img 2>/dev/null | sed -n 's/.*Inode table at \([0-9]*\).*/\1/p' | head -n 1) * 8))
}

# machine WORDS DISK...: runs it to the end, with QEMU's options for the disk; what it said is in console.
machine() {
	words=$1
	shift
	boot 150 -m 128M -smp 2 -kernel "$KERNEL" -initrd work.cpio -append "console=ttyS0 panic=-1 work=$words" "$@" 2>&1 |
		tr -d '\r' >console
	grep -q '^the machine goes on' console && ! grep -q '^wrong' console
	result $? "$name: the machine goes on, and nothing is wrong" || tail -n 20 console | remark
}

# judged: the disk works again; what programs were told is there, and the file system is whole.
judged() {
	sed -n 's/^safe //p' console >root/names
	errors=$(grep -c '^error' console)
	echo "# $(wc -l <root/names) files are safe, $errors calls failed"
	"$TOP/tools/mkinitramfs" -o check.cpio --busybox --root root
	mv work.cpio spare.cpio
	mv check.cpio work.cpio
	machine check -drive "if=none,id=d0,format=raw,cache=unsafe,file=disk.img" -device virtio-blk-pci,drive=d0
	is "$name: what programs were told is safe is there" "$(sed -n 's/^checked //p' console)" "$(wc -l <root/names)"
	mv spare.cpio work.cpio
	e2fsck -y -E journal_only disk.img >/dev/null 2>&1
	ok "$name: e2fsck finds nothing" e2fsck -fn disk.img
}

: >root/names
"$TOP/tools/mkinitramfs" -o work.cpio --busybox --root root || exit 1

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Power cuts: QEMU records all writes and flushes of a disk while programs work on it.  For many moments of the recording
# the disk is made as a cut would leave it; then our replay, e2fsck, and what fsync promised (tests/host/fs/powercut.c).
#
#	POWERCUT_CUTS=2000 POWERCUT_STEPS=400 POWERCUT_SEED=5 tests/system/powercut.t
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin
CUTS=${POWERCUT_CUTS:-30}
STEPS=${POWERCUT_STEPS:-60}
SEED=${POWERCUT_SEED:-1}
ALLOWED=$((200 + 3 * STEPS))
JUDGE=$TOP/build/host/powercut
PROGRAM=$TOP/build/system/powercut

# The file system is the first partition, the notes are in the second.
START=2048 SECTORS=32768 NOTES=$((SECTORS + 2 * START)) NOTE_SECTORS=$((10 * 8192))

# recorded NAME WORK MKE2FS-OPTIONS...: a machine runs /work on a fresh file system; disk.img as it was before, log.img.
recorded() {
	name=$1
	shift
	rm -f disk.img log.img fs.img
	truncate -s $(((NOTES + NOTE_SECTORS) / 2048 + 1))M disk.img
	"$PROGRAMS/partition_disk.py" disk.img mbr $START:$SECTORS $NOTES:$NOTE_SECTORS
	truncate -s $((SECTORS / 2))K fs.img
	mke2fs -q -F "$@" fs.img
	dd if=fs.img of=disk.img bs=1M seek=$((START / 2048)) conv=notrunc,sparse 2>/dev/null
	cp --sparse=always disk.img before.img
	: >log.img
	boot "$ALLOWED" -m 256M -smp "${CPUS:-2}" -kernel "$KERNEL" -initrd work.cpio -append "console=ttyS0 panic=-1 quiet" \
		-blockdev driver=file,node-name=disk,filename=disk.img -blockdev driver=file,node-name=log,filename=log.img \
		-blockdev driver=blklogwrites,node-name=recorded,file=disk,log=log,log-super-update-interval=64 \
		-device virtio-blk-pci,drive=recorded >console 2>&1
	contains "$name: the work is done" console '^work: done'
}

# cuts NAME: many moments of it.
cuts() {
	"$JUDGE" before.img log.img $START $SECTORS "$CUTS" "$SEED" "$WORK" >judge.out 2>&1
	result $? "$1: after every cut the disk is in order, and has what was promised"
	remark <judge.out
}

mkdir -p root
cp "$PROGRAM" root/
echo "/powercut /m /dev/vda2 $SEED $STEPS" >root/work
cat >root/init <<'END'
#!/bin/sh
mount -t proc proc /proc
mkdir -p /m
mount -t ext4 /dev/vda1 /m || mount -t ext2 /dev/vda1 /m
sh /work && echo work: done
umount /m
poweroff -f
END
chmod +x root/init
"$TOP/tools/mkinitramfs" -o work.cpio --busybox --root root || exit 1

# both NAME MKE2FS-OPTIONS...
both() {
	recorded "$@" && cuts "$1"
}
CPUS=2 both 'ext4' -t ext4 -b 4096
CPUS=4 both 'ext4 with small blocks' -t ext4 -b 1024
if [ "$CUTS" -gt 100 ]; then
	CPUS=1 both 'ext4 on one processor' -t ext4 -b 4096
	CPUS=2 both 'ext3' -t ext3 -b 2048
fi
finish

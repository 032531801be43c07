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

# cuts NAME [COMMAND]: many moments of it.
cuts() {
	"$JUDGE" before.img log.img $START $SECTORS "$CUTS" "$SEED" "$WORK" ${2:+"$2"} >judge.out 2>&1
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

# Programs whose own checks are the judge: what they find of their files must be whole.
programs() {
	cat >root/work <<'END'
cd /m
(
	echo 'pragma synchronous = full; create table t (i integer primary key, b blob);'
	for i in $(seq 1 40); do
		echo "begin; insert into t values ($i, randomblob(3000)); update t set b = randomblob(2000) where i = abs(random()) % $i; commit;"
	done
) | sqlite3 db &
export HOME=/ GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q repository && cd repository && git config gc.auto 0
for i in $(seq 1 12); do
	seq $i $((i * 50)) >file$((i % 4)) && git add . && git commit -q -m "number $i" || exit 1
done
wait
END
	cat >look <<'END'
rm -rf found && mkdir found
debugfs -R "rdump / found" cut.img >/dev/null 2>&1
cd found || exit 1
if [ -s db ]; then
	rows=$(sqlite3 db "select count(*) = ifnull(max(i), 0) from t" 2>&1)
	[ "$(sqlite3 db 'pragma integrity_check' 2>&1)" = ok ] || exit 1
	case $rows in 1 | *'no such table'*) ;; *) exit 1 ;; esac
fi
git -C repository rev-parse HEAD >/dev/null 2>&1 || exit 0
git -C repository fsck --full >../git.log 2>&1 && git -C repository log >/dev/null
END
	"$TOP/tools/mkinitramfs" -o work.cpio --busybox --program sqlite3 --program git --root root || exit 1
	recorded 'sqlite3 and git' -t ext4 -b 4096 && cuts 'sqlite3 and git' 'sh look'
}

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
programs
finish

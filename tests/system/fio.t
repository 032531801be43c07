#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's fio writes at random, reads all of it and compares the checksums in each block: with each engine that the machine has calls for, on a
# file of an ext4 and on a disk as it is, through the page cache and past it.  FIO_SIZE=64M for more.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin
SIZE=${FIO_SIZE:-2M}
SECONDS_ALLOWED=400

command -v fio >/dev/null || {
	echo '1..0 # SKIP fio is not installed: tools/setup'
	exit 0
}
cat >work <<END
mkdir -p /m /tmp
mount -t ext4 /dev/vda /m || exit 1
run() {
	where=\$1 engine=\$2 direct=\$3
	fio --name=job --filename=\$where --ioengine=\$engine --direct=\$direct --rw=randrw --bs=4k-64k --bs_unaligned=0 --size=$SIZE --iodepth=8 \\
		--verify=crc32c --verify_fatal=1 --do_verify=1 --fsync=32 --thread --randrepeat=1 --fallocate=none >log 2>&1 &&
		grep -q 'err= 0' log && echo "good \$*" || { echo "bad \$*"; tail -n 5 log; }
}
for engine in sync psync vsync pvsync pvsync2 mmap libaio io_uring; do
	for direct in 0 1; do
		[ \$engine\$direct = mmap1 ] || run /m/file-\$engine \$engine \$direct
	done
done
for engine in psync pvsync2 mmap libaio io_uring; do
	run /dev/vdb \$engine 0
done
run /dev/vdb psync 1
run /dev/vdb libaio 1
run /dev/vdb io_uring 1
umount /m
END
truncate -s 256M disk.img
mke2fs -q -F -t ext4 -b 4096 disk.img
truncate -s 16M raw.img
in_machine --cpus 2 --memory 1G --disk disk.img --disk raw.img --with "$(command -v fio)" --with work -- sh work >out 2>&1
status=$?
grep '^good\|^bad' out >verdicts
while read -r verdict where; do
	[ "$verdict" = good ]
	result $? "fio: $where"
done <verdicts
is 'all of them ran, and the machine ends well' "$status $(wc -l <verdicts)" '0 23'
[ "$(grep -c '^good' verdicts)" = 23 ] || grep -v '^good' out | tail -n 30 | remark
ok 'e2fsck finds nothing' e2fsck -fn disk.img
finish

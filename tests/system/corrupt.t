#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Damaged disks, on the checking kernel: file systems and tables of partitions with some words changed are mounted, read and changed; each is
# refused, or shown as far as it goes, and the machine works afterwards.
#
#	CORRUPT_RUNS=2000 CORRUPT_SEED=5 tests/system/corrupt.t
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin
RUNS=${CORRUPT_RUNS:-60}
SEED=${CORRUPT_SEED:-1}
KERNEL=${SYSTEM_KERNEL:-$TOP/build/x86_64-debug/cowslip}
CORRUPT=$TOP/build/system/corrupt
SECONDS_ALLOWED=$((200 + RUNS))

[ -n "$SYSTEM_KERNEL" ] || make -s -C "$TOP" DEBUG=1 kernel >/dev/null 2>&1
mkdir -p tree/folder/inner
for i in $(seq 1 60); do
	echo "file $i" >"tree/folder/a file with quite a long name $i"
done
seq 1 9000 >tree/large
ln -s folder/inner tree/link
ln -s "$(seq -s / 1 60)" "tree/a longer link"
truncate -s 90000 tree/holes
echo end >>tree/holes
setfattr -n user.color -v green tree/large 2>/dev/null

# damaged NAME TYPE OPTION IMAGE: an image is given to the launcher with --with, or with --disk.
damaged() {
	image=$4
	[ "$3" = --with ] || image=/dev/vda
	in_machine --cpus 2 --memory 256M "$3" "$4" --with "$CORRUPT" -- \
		sh -c "$CORRUPT $2 $RUNS $SEED $image; echo shell" >out 2>err </dev/null
	contains "$1: all runs come to their end" out "^corrupt: .*: $RUNS runs" || remark <err
	contains "$1: the shell answers" out '^shell'
	grep '^corrupt' out | remark
}

truncate -s 4M plain.img
mke2fs -q -t ext4 -b 1024 -O ^metadata_csum -d tree plain.img
damaged 'ext4 without checksums' ext4 --with plain.img
truncate -s 4M sums.img
mke2fs -q -t ext4 -b 1024 -d tree sums.img
damaged 'ext4' ext4 --with sums.img
truncate -s 2M old.img
mke2fs -q -t ext2 -b 1024 -d tree old.img
damaged 'ext2' ext4 --with old.img
truncate -s 1M fat.img
mkfs.fat -F 12 -s 1 fat.img >/dev/null
MTOOLS_SKIP_CHECK=1 mcopy -Q -s -i fat.img tree/folder tree/large ::/
damaged 'FAT' vfat --with fat.img
xorriso -as mkisofs -quiet -R -J -o iso.img tree 2>/dev/null
damaged 'ISO 9660' iso9660 --with iso.img
truncate -s 1M scratch.img
damaged 'tables of partitions' partitions --disk scratch.img
finish

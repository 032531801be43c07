#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ext2, ext3 and ext4 that the machine writes: e2fsck finds nothing, the files are what the machine was told, with blocks and inodes of every size, with journals
# and without; a full disk says so and goes on; what Linux wrote can be changed, and the other way round.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin
RANDOM_FILES=$TOP/build/system/file_random
SECONDS_ALLOWED=400

# Four at once make, rename, link, cut and remove files; then the disk is mounted again and described.
cat >workload <<'END'
here=$(pwd)
mkdir /m
mount -t "$1" /dev/vda /m || exit 1
cd /m
worker() {
	mkdir "w$1" && cd "w$1" || return
	for round in 1; do
		for i in $(seq 1 30); do
			echo "data $1 $i $round" >"a file with a long name $i"
			dd if=/dev/urandom of="g$i" bs=3000 count=$((i % 7 + 1)) 2>/dev/null
			mv "a file with a long name $i" "another, longer name for the file $i"
			ln "another, longer name for the file $i" "l$i"
			[ $((i % 3)) = 0 ] && rm "g$i"
			[ $((i % 20)) = 0 ] && sync
		done
		for i in $(seq 1 30); do
			[ "$(cat "another, longer name for the file $i")" = "data $1 $i $round" ] || echo "wrong: $1 $i"
		done
		mkdir -p x/y/z
		mv x "q$round"
		ln -s "$(printf 'sub/../%.0s' $(seq 20))" "q$round/y/link"
		mknod "q$round/null" c 1 3
		truncate -s $((round * 10000)) g1
		cp -r "q$round" "c$round"
		rm l*
	done
	cd ..
}
for w in 1 2 3 4; do
	worker "$w" &
done
wait
mkdir random
"$2" 1 /m/random | grep '^not ok'
for i in 0 1 2 3; do
	cmp "random/random$i" "random/random$i.copy" || echo "wrong: random$i"
done
cd /
sh "$here/describe" /m >/before
umount /m
mount -t "$1" -o ro /dev/vda /m
sh "$here/describe" /m >/after
cmp /before /after || echo "wrong: another tree after it was mounted again"
umount /m && echo ended
cat /after
END
cat >describe <<'END'
cd "$1" || exit 1
find . -path ./lost+found -prune -o -print | sort | tr '\n' '\0' | xargs -0 stat -c '%n %f %h %u %g %s'
find . -type f | sort | tr '\n' '\0' | xargs -0 md5sum
END

# The same description, of the host's making: what debugfs finds in the image.
described_by_host() {
	rm -rf dump
	mkdir dump
	debugfs -R 'rdump / dump' disk.img >/dev/null 2>&1
	(cd dump && find . -type f | sort | tr '\n' '\0' | xargs -0 md5sum)
}

# written NAME TYPE MKE2FS-OPTIONS...
written() {
	kind=$1 type=$2
	shift 2
	rm -f disk.img
	truncate -s 40M disk.img
	mke2fs -q -F -t "$type" "$@" disk.img >/dev/null 2>&1
	in_machine --cpus 4 --disk disk.img --with describe --with workload --with "$RANDOM_FILES" -- \
		sh workload "$type" "$RANDOM_FILES" >got 2>err
	is "$kind: the workload ends well" "$(grep -cE '^ended|^wrong|^not ok' got)" 1 || tail -n 5 got err | remark
	ok "$kind: e2fsck finds nothing" e2fsck -fn disk.img
	grep -E '^[0-9a-f]{32} ' got >wanted
	described_by_host >found
	ok "$kind: the host reads the files that the machine wrote" cmp wanted found
}
written 'ext4' ext4 -b 4096
written 'ext4 with blocks of 1 KiB' ext4 -b 1024
written 'ext4 without a journal, small inodes' ext4 -b 2048 -I 128 -O ^has_journal,^metadata_csum
written 'ext3' ext3 -b 4096
written 'ext2' ext2 -b 1024

# Full, to the last block.
cat >full <<'END'
mkdir /m
mount -t ext4 /dev/vda /m
cd /m
fill() {
	i=0
	while dd if=/dev/zero of="$1$i" bs=64K count=30 2>/dev/null && [ $i -lt 40 ]; do
		i=$((i + 1))
	done
}
for w in 1 2 3; do
	fill "w$w" &
done
wait
sync
echo x >one 2>/dev/null || echo no room
rm -f w*
sync
dd if=/dev/zero of=again bs=1M count=8 2>/dev/null && echo room again
echo content >open
exec 3<open
rm open
cat <&3
exec 3<&-
rm again
cd /
umount /m
END
rm -f disk.img
truncate -s 16M disk.img
mke2fs -q -F -t ext4 -b 1024 disk.img
in_machine --cpus 4 --disk disk.img --with full -- sh full >out 2>&1
contains 'a full disk takes no more' out '^no room'
contains 'and takes more when there is room' out '^room again'
contains 'a file is there until it is closed' out '^content'
ok 'e2fsck finds nothing on the disk that was full' e2fsck -fn disk.img

# What files had is given back to the host.
cat >trim <<'END'
mkdir /m
mount -t ext4 /dev/vda /m
dd if=/dev/urandom of=/m/gone bs=1M count=30 2>/dev/null
dd if=/dev/urandom of=/m/kept bs=1M count=2 2>/dev/null
md5sum /m/kept
sync
rm /m/gone
sync
fstrim -v /m
umount /m
END
rm -f disk.img
truncate -s 64M disk.img
mke2fs -q -F -t ext4 -b 4096 disk.img
in_machine --disk disk.img --with trim -- sh trim >out 2>&1
contains 'fstrim tells the disk' out 'bytes trimmed'
is 'which gives the room back' "$([ "$(du -k disk.img | cut -f 1)" -lt 20000 ] && echo yes)" yes
debugfs -R 'dump /kept kept' disk.img >/dev/null 2>&1
is 'what is used stays' "$(md5sum <kept | cut -d ' ' -f 1)" "$(grep -o '^[0-9a-f]\{32\}' out)"
ok 'e2fsck finds nothing on the disk that was trimmed' e2fsck -fn disk.img

# What Linux wrote: an image of a tree; all of it moved about.
mkdir -p tree/sub
head -c 3000000 /dev/urandom >tree/random
for i in $(seq 1 400); do
	echo "$i" >"tree/sub/a file with a rather long name: $i"
done
rm -f disk.img
truncate -s 24M disk.img
mke2fs -q -F -t ext4 -d tree disk.img
cat >change <<'END'
mkdir /m
mount -t ext4 /dev/vda /m
cd /m
mkdir moved
mv sub/* moved
rmdir sub && echo empty
mv random moved
cd /
umount /m
END
in_machine --cpus 2 --disk disk.img --with change -- sh change >out 2>&1
contains 'a directory of mke2fs can be emptied' out '^empty'
ok 'e2fsck finds nothing on the disk that was changed' e2fsck -fn disk.img
mv tree/random tree/sub
rm -rf dump
mkdir dump
debugfs -R 'rdump /moved dump' disk.img >/dev/null 2>&1
ok 'the files have moved' diff -r tree/sub dump/moved
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ext2, ext3 and ext4 from mke2fs: the machine finds the files that went in, and changes nothing on the disk.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin

mkdir -p tree/sub/deep tree/big tree/bin
head -c 3000000 /dev/urandom >tree/random
echo hello >tree/sub/hello
ln -s hello tree/sub/link
ln -s "sub/../sub/../$(printf 'sub/../%.0s' $(seq 20))sub/hello" tree/longlink
ln tree/sub/hello tree/hard
chmod 4711 tree/random
truncate -s 5M tree/sparse
head -c 70000 /dev/urandom | dd of=tree/sparse bs=1000 seek=2000 conv=notrunc 2>/dev/null
echo end >>tree/sparse
cp "$BUSYBOX" tree/bin/busybox
for i in $(seq 1 600); do
	echo "$i" >"tree/big/a file with a rather long name: $i"
done

# What is compared: types, modes, links, owners, times, sizes and contents.
cat >look <<'END'
cd "$1" || exit 1
find . -path ./lost+found -prune -o ! -type d -print | sort | tr '\n' '\0' | xargs -0 stat -c '%n %f %h %u %g %s %Y'
find . -path ./lost+found -prune -o -type d -print | sort | tr '\n' '\0' | xargs -0 stat -c '%n %f %h %u %g %Y' | tail -n +2
find . -type f | sort | tr '\n' '\0' | xargs -0 md5sum
readlink sub/link
readlink longlink
cat longlink
bin/busybox echo a program runs
END
sh look tree >wanted

# looks NAME TYPE MKE2FS-OPTIONS...: an image of the tree is the tree.
looks() {
	kind=$1 type=$2
	shift 2
	rm -f disk.img
	truncate -s 24M disk.img
	mke2fs -q -F -t "$type" -d tree "$@" disk.img >/dev/null 2>&1
	e2fsck -fyD disk.img >/dev/null 2>&1
	cp disk.img before.img
	in_machine --cpus 2 --disk disk.img --with look -- \
		sh -c "mkdir /m && mount -t $type -o ro /dev/vda /m && sh look /m && umount /m" >got 2>err
	ok "$kind: the files are those that went in" diff wanted got || tail -n 5 err | remark
	ok "$kind: nothing is written" cmp disk.img before.img
}
looks 'ext4' ext4 -b 4096
looks 'ext4 with blocks of 1 KiB and data in inodes' ext4 -b 1024 -O inline_data
looks 'ext3' ext3 -b 2048
looks 'ext2' ext2 -b 4096 -I 128

# Refusals, and what the calls answer; the disk is the last one, an ext2.
cat >refusals <<'END'
mkdir /m /n
mount -t ext3 /dev/vda /m 2>/dev/null || echo ext2 is not ext3
mount -t ext4 -o ro /dev/vda /m 2>/dev/null && echo mounted
touch /m/new 2>&1
mount -o ro -t ext4 /dev/vda /n && echo mounted twice
umount /m && cat /n/sub/hello
mount -t ext4 /dev/vda /m 2>/dev/null || echo not both ways
umount /n
mount -o ro -t ext4 /dev/vdb /m 2>/dev/null || echo no file system
END
truncate -s 1M empty.img
in_machine --disk disk.img --disk empty.img --with refusals -- sh refusals >out 2>&1
contains 'an ext2 is no ext3' out '^ext2 is not ext3'
contains 'an ext2 is an ext4' out '^mounted$'
contains 'a file cannot be made' out 'Read-only file system'
contains 'the device can be mounted at a second place' out '^mounted twice'
contains 'and stays mounted when the first goes' out '^hello'
contains 'but not for writing while it is read-only' out '^not both ways'
contains 'an empty disk is refused' out '^no file system'

# Attributes: some in the inode, some in a block; an access control list is longer for programs than on the disk
head -c 700 tree/random >large
printf '\002\000\000\000\001\000\006\000\377\377\377\377\002\000\004\000\350\003\000\000\004\000\004\000\377\377\377\377\020\000\004\000\377\377\377\377\040\000\004\000\377\377\377\377' >list
rm -f disk.img
truncate -s 24M disk.img
mke2fs -q -F -t ext4 -d tree disk.img
debugfs -w -f - disk.img >/dev/null 2>&1 <<END
ea_set /sub/hello user.color blue
ea_set /sub/hello trusted.mine x
ea_set /sub/hello security.there y
ea_set -f large /sub/hello user.large
ea_set -f list /sub/hello system.posix_acl_access
END
ATTRIBUTES=$TOP/build/system/attributes
in_machine --disk disk.img --with "$ATTRIBUTES" -- \
	sh -c "mkdir /m && mount -t ext4 -o ro /dev/vda /m && $ATTRIBUTES /m/sub/hello" >out 2>&1
contains 'user.' out '^user.color 626c7565$'
contains 'trusted.' out '^trusted.mine 78$'
contains 'security.' out '^security.there 79$'
contains 'a long one, in a block' out "^user.large $(od -An -v -tx1 large | tr -d ' \n')\$"
contains 'an access control list' out \
	'^system.posix_acl_access 0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000400ffffffff$'
contains 'one that is not there: ENODATA' out '^none 61$'
contains 'one that does not fit: ERANGE' out '^short 34$'
contains 'none can be set: EROFS' out '^set 30$'

# The image and its journal's changes are made by the host's tests.
IMAGES=$TOP/build/host/ext4
if [ -f "$IMAGES/journal.img" ]; then
	cp "$IMAGES/journal.img" disk.img
	cp disk.img before.img
	in_machine --disk disk.img -- sh -c "mkdir /m && mount -t ext4 -o ro /dev/vda /m && cat /m/sub/new && ls -d /m/made && md5sum </m/random" >out 2>&1
	contains 'a file that is in the journal alone is there' out '^from the journal'
	contains 'blocks that were revoked are as they were' out "^$(md5sum <"$IMAGES/tree/random" | cut -d ' ' -f 1)"
	ok 'the journal stays as it is' cmp disk.img before.img
else
	skip 'the journal' 'no image: make test RING=host makes it'
fi
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# FAT12, FAT16 and FAT32 that the machine writes: fsck.fat finds nothing, mtools read what the machine wrote, and the other way
# round; names, short names, times, modes and sizes are those that Linux would make; a full disk says so and goes on.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin
RANDOM_FILES=$TOP/build/system/file_random
APPENDED_FILES=$TOP/build/system/file_append
SECONDS_ALLOWED=400
MTOOLS_SKIP_CHECK=1
export MTOOLS_SKIP_CHECK

# Four at once make, rename, cut and remove files; then the disk is mounted again and described.
cat >workload <<'END'
here=$(pwd)
mkdir /m
mount -t vfat /dev/vda /m || exit 1
cd /m
worker() {
	mkdir "w$1" && cd "w$1" || return
	for i in $(seq 1 30); do
		echo "data $1 $i" >"a file with a long name $i"
		dd if=/dev/urandom of="g$i" bs=3000 count=$((i % 7 + 1)) 2>/dev/null
		mv "a file with a long name $i" "another, longer name for the file $i"
		[ $((i % 3)) = 0 ] && rm "g$i"
		[ $((i % 6)) = 5 ] && mv "g$((i - 1))" "../moved $1 $i"
		[ $((i % 20)) = 0 ] && sync
	done
	for i in $(seq 1 30); do
		[ "$(cat "another, longer name for the file $i")" = "data $1 $i" ] || echo "wrong: $1 $i"
	done
	mkdir -p x/y/z
	mv x q
	mv q/y ../"y$1"
	truncate -s 10000 g1
	truncate -s 100 g2
	cp g1 copy
	mv copy g5
	rmdir q
	cd ..
}
for w in 1 2 3 4; do
	worker "$w" &
done
wait
mkdir random
"$1" 1 /m/random | grep '^not ok'
"$2" /m | grep '^not ok'
for i in 0 1 2 3; do
	cmp "random/random$i" "random/random$i.copy" || echo "wrong: random$i"
done
cd /
sh "$here/describe" /m >/before
umount /m
mount -t vfat -o ro /dev/vda /m
sh "$here/describe" /m >/after
cmp /before /after || { echo "wrong: another tree after it was mounted again"; diff /before /after; }
umount /m && echo ended
cat /after
END
cat >describe <<'END'
cd "$1" || exit 1
find . -mindepth 1 | sort | tr '\n' '\0' | xargs -0 stat -c '%n %f %h %u %g %s %Y'
find . -type f | sort | tr '\n' '\0' | xargs -0 md5sum
END

# What mtools find in the image.
described_by_host() {
	rm -rf dump
	mkdir dump
	mcopy -s -Q -i disk.img ::/ dump >/dev/null 2>&1
	(cd dump && find . -type f | sort | tr '\n' '\0' | xargs -0 md5sum)
}

# written NAME SIZE MKFS-OPTIONS...
written() {
	kind=$1
	rm -f disk.img
	truncate -s "$2" disk.img
	shift 2
	mkfs.fat "$@" disk.img >/dev/null 2>&1
	in_machine --cpus 4 --disk disk.img --with describe --with workload --with "$RANDOM_FILES" --with "$APPENDED_FILES" -- \
		sh workload "$RANDOM_FILES" "$APPENDED_FILES" >got 2>err
	is "$kind: the workload ends well" "$(grep -cE '^ended|^wrong|^not ok' got)" 1 || grep -vE '^[0-9a-f]{32} ' got | cat - err | tail -n 30 | remark
	ok "$kind: fsck.fat finds nothing" fsck.fat -n disk.img
	grep -E '^[0-9a-f]{32} ' got >wanted
	described_by_host >found
	ok "$kind: the host reads the files that the machine wrote" cmp wanted found
}
written 'FAT32' 48M -F 32 -s 1
written 'FAT32 with large sectors' 300M -F 32 -S 4096 -s 1
written 'FAT16' 40M -F 16 -s 4
written 'FAT12' 30M -F 12 -s 16

# Names, in every spelling; what mtools made first.
rm -f disk.img
truncate -s 34M disk.img
mkfs.fat -F 32 -s 1 disk.img >/dev/null
mkdir -p "tree/Mixed Case/sub"
echo one >"tree/Mixed Case/A Long Name.Text"
echo two >tree/PLAIN.TXT
echo three >'tree/ümläut €.txt'
LC_ALL=C.UTF-8 mcopy -s -i disk.img tree/* ::/
cat >names <<'END'
mkdir /m
mount -t vfat /dev/vda /m
cd /m
find . | sort
echo by other names
cat 'mixed case/a long name.text' MIXEDC~1/ALONGN~1.TEX plain.txt
ls -d 'ÜMLÄUT €.txt' 2>&1
echo made
for n in 'Some Long Name.html' 'some long name.htm' 'Some long other' lower.txt UPPER.TXT Mixed.Txt .hidden 'a+b.c' 'two.dots.x' 'trailing...' '🐄.cow'; do
	echo "$n" >"$n" || echo "no: $n"
done
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i >"the same beginning $i.text"; done
mkdir deep; mv LOWER.TXT deep/Lower.Case; mv deep/lower.case DEEP/LOWER.CASE && cat deep/Lower.Case
echo refused
for n in 'a:b' 'a*b' 'space ' 'quo"te'; do (echo >"$n") 2>/dev/null && echo "made: $n"; done
mkdir Trailing...
ls -d trailing deep/.. >/dev/null || echo missing
rmdir 'mixed case/sub' && mv 'mixed case' deep/ && [ -f 'deep/Mixed Case/A Long Name.Text' ] && echo moved
mv deep deep/inside 2>/dev/null || echo not into itself
cd / && umount /m && mount -t vfat /dev/vda /m
cat /m/🐄.COW /m/TRAILING /m/deep/lower.case
umount /m
END
in_machine --cpus 2 --disk disk.img --with names -- sh names >got 2>err
sed '/^by other names/,$d' got >shown
(cd tree && find . | sort) >wanted
ok 'the names that mtools wrote' diff wanted shown
sed '1,/^by other names/d;/^made/,$d' got >shown
printf 'one\none\ntwo\nls: ÜMLÄUT €.txt: No such file or directory\n' >wanted
ok 'names are found whatever their case, and by their short ones' diff wanted shown
sed '1,/^made/d' got >shown
printf 'lower.txt\nrefused\nmoved\nnot into itself\n🐄.cow\ntrailing...\nlower.txt\n' >wanted
ok 'names are made, renamed and refused' diff wanted shown || tail -n 5 err | remark
ok 'fsck.fat likes them' fsck.fat -n disk.img
mdir -i disk.img -a ::/ | sed -n 's/^\([^ ].\{11\}\).*[0-9]:[0-9][0-9] *\(.*\)$/\1|\2/p' | grep -vi 'mixed case' | sort >shown
cat >wanted <<'END'
A_B~1    C  |a+b.c
DEEP        |deep
HIDDEN~1    |.hidden
MIXED    TXT|Mixed.Txt
SOMELO~1    |Some long other
SOMELO~1 HTM|Some Long Name.html
SOMELO~2 HTM|some long name.htm
THESAM~1 TEX|the same beginning 1.text
THESAM~2 TEX|the same beginning 2.text
TRAILING    |trailing
TWODOT~1 X  |two.dots.x
UPPER    TXT|
END
grep -vE '~[3-9]|^[A-Z0-9]{6}~1 TEX.*1[0-2]|LAUT|ML|COW|cow|PLAIN' shown >compared
ok 'short names are those that Linux makes' diff wanted compared

# Attributes, options, sizes.
rm -f disk.img
truncate -s 34M disk.img
mkfs.fat -F 32 -s 1 disk.img >/dev/null
cat >attributes <<'END'
mkdir /m
mount -t vfat -o uid=7,gid=8,fmask=0137,dmask=0027 /dev/vda /m
cd /m
echo x >file; mkdir dir
stat -c '%n %a %u %g' file dir
chmod 440 file; stat -c %a file
chmod 777 file; stat -c %a file
chmod 640 file; stat -c %a file
chown 5 file 2>/dev/null || echo no owners
ln file other 2>/dev/null || echo no links
ln -s file other 2>/dev/null || echo no symbolic links
touch -d '2001-02-03 04:05:07' file; stat -c %Y file
chmod 440 file
dd if=/dev/zero of=late bs=1 seek=100000 count=1 2>/dev/null; stat -c '%s %b' late
tr -d '\0' <late | wc -c
truncate -s 5000 late; truncate -s 9000 late; tr -d '\0' <late | wc -c
dd if=/dev/zero of=huge bs=1 seek=4294967295 count=1 2>/dev/null || echo not as large
cd /; umount /m
mount -t vfat -o ro /dev/vda /m
stat -c '%n %a %Y' /m/file; echo y 2>/dev/null >/m/new || echo read-only
mount -o remount,rw /m && rm -f /m/late && echo again
grep -c ' /m vfat rw,' /proc/mounts
stat -f -c '%t %l' /m
grep vfat /proc/filesystems
umount /m
mount -t vfat -o nonsense /dev/vda /m 2>/dev/null || echo unknown option
END
in_machine --cpus 2 --disk disk.img --with attributes -- sh attributes >got 2>err
cat >wanted <<'END'
file 640 7 8
dir 750 7 8
440
640
640
no owners
no links
no symbolic links
981173106
100001 196
0
0
not as large
/m/file 555 981173106
read-only
again
1
4d44 255
	vfat
unknown option
END
ok 'owners, modes, times and sizes' diff wanted got || tail -n 5 err | remark
ok 'fsck.fat finds nothing wrong with them' fsck.fat -n disk.img

# Full, to the last cluster and to the last slot of a root that cannot grow.
cat >full <<'END'
mkdir /m
mount -t vfat /dev/vda /m
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
dd if=/dev/zero of=again bs=1M count=8 2>/dev/null && echo room again
echo content >open
exec 3<open
rm open
cat <&3
exec 3<&-
rm again one
for i in $(seq 1 600); do
	true >"F$i" || break
done 2>/dev/null
[ "$i" = 513 ] && echo root full
rm F1 F2
mkdir D && true >D/f && echo a directory
cd /
umount /m
END
rm -f disk.img
truncate -s 16M disk.img
mkfs.fat -F 16 disk.img >/dev/null
in_machine --cpus 4 --disk disk.img --with full -- sh full >out 2>&1
contains 'a full disk takes no more' out '^no room'
contains 'and takes more when there is room' out '^room again'
contains 'a file is there until it is closed' out '^content'
contains 'a root of fixed size is full one day' out '^root full'
contains 'there is room after files were removed' out '^a directory'
ok 'fsck.fat finds nothing on the disk that was full' fsck.fat -n disk.img

# What is not in order is found, and leaves the volume read-only.
rm -f disk.img
truncate -s 34M disk.img
mkfs.fat -F 32 -s 1 disk.img >/dev/null
head -c 5000 /dev/urandom >file
mcopy -i disk.img file ::/circle
# The file is in clusters 3 to 12; the entry of cluster 6 leads back to 4.
start=$((32 * 512 + 6 * 4))
printf '\004\000\000\000' | dd of=disk.img bs=1 seek=$start conv=notrunc 2>/dev/null
cat >broken <<'END'
mkdir /m
mount -t vfat /dev/vda /m
cat /m/circle >/dev/null 2>/e || cat /e
echo more >>/m/circle 2>/dev/null || echo not written
echo x >/m/new 2>/dev/null || echo read-only
mkdir /n
mount -t vfat /dev/vdb /n 2>/dev/null || echo no FAT
END
truncate -s 1M empty.img
in_machine --cpus 1 --disk disk.img --disk empty.img --with broken -- sh broken >out 2>&1
contains 'a chain in circles is found' out 'Input/output error|I/O error'
contains 'and is not made longer' out '^not written'
contains 'and the volume is read-only' out '^read-only'
contains 'what is no FAT is refused' out '^no FAT'
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Overlays: disks that are changed in memory alone, on which a Debian root installs packages; upper layers on ext4, which Linux goes on with, and the
# other way round.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin
DEBIAN=${DEBIAN_ROOT:-$TOP/build/debian/root.img}
SECONDS_ALLOWED=400

# sum FILE
sum() {
	md5sum <"$1"
}

# --- The launcher ---

mkdir -p tree/sub && echo hello >tree/sub/file && seq 20000 >tree/numbers
mke2fs -q -t ext4 -d tree small.img 16M >log 2>&1 || remark <log
before=$(sum small.img)
cat >change <<'END'
cd "$1" || exit 1
cat sub/file && echo more >>sub/file && mv sub/file sub/moved && cat sub/moved && rm numbers && ls && df "$1" | tail -n 1 | cut -d ' ' -f 1
END
is 'a disk with an overlay is at /mnt, and can be changed' "$(in_machine --disk small.img:overlay --with change -- sh change /mnt 2>&1 | tr '\n' ' ')" \
	'hello hello more lost+found sub overlay '
is 'its file is as it was' "$(sum small.img)" "$before"
is 'another place' "$(in_machine --machine microvm --disk small.img:ro --disk small.img:overlay:/a/place --with change -- sh change /a/place 2>&1 | tail -n 1)" overlay
is 'its file is still as it was' "$(sum small.img)" "$before"
"$TOP/cowslip" run --kernel "$KERNEL" --disk small.img:overlay --disk small.img:overlay true >out 2>&1
is 'two at one place are refused' $? 125
contains 'with a word about it' out 'PATH'
head -c 1M /dev/urandom >noise.img
in_machine --disk noise.img:overlay true >out 2>&1
ok 'a disk without a file system is an error' [ $? -ne 0 ]
contains 'that names the place' out '/run/disks/vda'

# --- Upper layers on ext4 ---

# on_ext4 NAME PROGRAM ARGUMENTS...: one of the abi ring, with its layers on a disk.
on_ext4() {
	kind=$1
	shift
	rm -f disk.img && mke2fs -q -t ext4 disk.img 64M >log 2>&1 || remark <log
	in_machine --cpus 2 --memory 512M --disk disk.img --env OVERLAY_DISK=/dev/vda --with "$1" -- "$@" >out 2>err
	is "$kind: no assertion fails" "$? $(grep -c '^not ok' out)" '0 0' || { grep -A 1 '^not ok' out && cat err; } | remark
	ok "$kind: there are many" [ "$(grep -c '^ok' out)" -gt 20 ]
	ok "$kind: e2fsck finds nothing" e2fsck -fn disk.img
}
on_ext4 'calls on ext4' "$TOP/build/system/overlay_calls"
on_ext4 'random operations on ext4' "$TOP/build/system/overlay_random" 7 600

# Files that nobody may change, may not be changed through an overlay.
cat >guarded <<'END'
mkdir /d && mount -t ext4 /dev/vda /d && cd /d && mkdir low up work m || exit 1
echo fixed >low/fixed && echo log >low/log && chattr +i low/fixed && chattr +a low/log || exit 1
mount -t overlay -o lowerdir=low,upperdir=up,workdir=work o m || exit 1
lsattr m/fixed m/log | cut -d ' ' -f 1 | tr -d -- -
for change in 'echo more >>m/fixed' 'rm -f m/fixed' 'mv m/fixed m/other' 'chmod 600 m/fixed' 'ln m/fixed m/other' 'echo x >m/log' 'rm -f m/log'; do
	sh -c "$change" 2>&1 | sed 's/.*: //'
done
echo more >>m/log && cat m/log && ls up
chattr -i low/fixed && chattr -a low/log && umount /d/m
END
rm -f disk.img && mke2fs -q -t ext4 disk.img 16M >log 2>&1
{
	printf 'ie\nae\n'
	yes 'Operation not permitted' | head -n 7
	printf 'log\nmore\nlog\n'
} >wanted
in_machine --disk disk.img --with guarded --with "$(command -v chattr)" --with "$(command -v lsattr)" -- sh guarded >got 2>&1
ok 'what is immutable below is so in the overlay' diff wanted got

# --- With Linux in turn ---

cat >look <<'END'
cd "$1" || exit 1
find . | LC_ALL=C sort | tr '\n' '\0' | xargs -0 stat -c '%n %f %u %g %i %Y'
find . -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 md5sum
END
cat >begin <<'END'
cd "$1" || exit 1
mkdir -p low/d/e low/gone low/again low/e up work m
for i in 1 2 3 4 5 6; do
	echo "lower $i" >low/d/f$i
	echo "deep $i" >low/d/e/f$i
	echo "again $i" >low/again/f$i
done
ln -s d/f1 low/link
END
cat >work1 <<'END'
cd "$1/m" || exit 1
echo one >>d/f1 && rm d/f2 && mv d/f3 d/g3 && chmod 600 d/f4 && chown 3:4 d/e/f1
rm -r again && mkdir again && echo new >again/f1
mkdir own own/sub && echo own >own/sub/file && mv own again/own
rmdir gone && echo 'no directory' >gone
ln d/f5 d/l5 && rm link && ln -s d/g3 link
END
cat >work2 <<'END'
cd "$1/m" || exit 1
cat d/f1 d/g3 again/f1 again/own/sub/file gone link
echo two >>d/f1 && echo two >d/f2 && mv d/g3 d/f3 && rm gone && mkdir gone && mv again/own own
rm -r again d/e && mkdir d/e && echo two >d/e/f1 && rm d/l5
END
options=lowerdir=low,upperdir=up,workdir=work
# A turn of the machine, or of this computer: mount, work, look.
cat >turn <<'END'
here=$PWD
mkdir -p /d && mount -t ext4 /dev/vda /d && cd /d || exit 1
[ -d low ] || sh "$here/begin" /d
mount -t overlay -o lowerdir=low,upperdir=up,workdir=work o m || exit 1
[ "$1" = none ] || sh "$here/$1" /d
sh "$here/look" /d/m
umount /d/m && cd / && umount /d
END
machine_turn() {
	in_machine --disk disk.img --with turn --with begin --with look --with work1 --with work2 -- sh turn "$1" 2>&1
}
# In mounts of its own, so that nothing stays.
cat >host_turn <<'END'
mkdir -p d && mount -o loop disk.img d || exit 77
(cd d && mount -t overlay -o lowerdir=low,upperdir=up,workdir=work o m) || exit 77
[ "$1" = none ] || sh "$1" "$PWD/d"
sh look d/m
umount d/m && umount d
END
host_turn() {
	unshare -m sh host_turn "$1" 2>&1
}
rm -f disk.img && mke2fs -q -t ext4 disk.img 16M >log 2>&1
machine_turn work1 >ours
ok 'layers of the machine' [ "$(wc -l <ours)" -gt 30 ]
host_turn none >theirs
if [ $? = 77 ]; then
	skip 'Linux sees the same' 'this computer mounts no images'
else
	ok 'Linux sees the same' diff ours theirs
	host_turn work2 >theirs
	machine_turn none >ours
	ok 'and what it does with them is seen' sh -c "grep -v 'lower\|deep' theirs >wanted; tail -n \$(wc -l <ours) theirs | diff - ours"
	ok 'e2fsck finds nothing' e2fsck -fn disk.img
	rm -f disk.img && mke2fs -q -t ext4 disk.img 16M >log 2>&1
	mkdir -p d && unshare -m sh -c 'mount -o loop disk.img d && sh begin "$PWD/d"; umount d'
	host_turn work1 >theirs
	machine_turn none >ours
	ok 'layers of Linux are seen as there' diff theirs ours
fi

# --- A package ---

if [ ! -f "$DEBIAN" ]; then
	skip 'dpkg' 'no Debian root'
	finish
	exit 0
fi
# package VERSION
package() {
	rm -rf package && mkdir -p package/DEBIAN package/usr/bin package/usr/share/field package/etc
	printf 'Package: field\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@localhost>\nDescription: for a test\n' "$1" >package/DEBIAN/control
	echo /etc/field.conf >package/DEBIAN/conffiles
	printf '#!/bin/sh\necho "field %s: $(cat /etc/field.conf)"\n' "$1" >package/usr/bin/field
	printf '#!/bin/sh\necho configured %s >/usr/share/field/state\n' "$1" >package/DEBIAN/postinst
	printf '#!/bin/sh\nrm -f /usr/share/field/state\n' >package/DEBIAN/postrm
	chmod 755 package/usr/bin/field package/DEBIAN/postinst package/DEBIAN/postrm
	echo "settings $1" >package/etc/field.conf
	seq "$1"00 >package/usr/share/field/data
	dpkg-deb --root-owner-group -b package "field$1.deb" >/dev/null 2>&1
}
package 1 && package 2
cat >install <<'END'
here=$PWD
for place in proc dev sys; do
	mount --bind /$place /mnt/$place
done
cp "$here"/field*.deb /mnt/root/
cat >/mnt/root/steps <<'STEPS'
cd /root
dpkg -i field1.deb >log 2>&1 || cat log
field; cat /usr/share/field/state
dpkg -i field2.deb >log 2>&1 || cat log
field; cat /usr/share/field/state
dpkg --verify field; dpkg -s field | grep -E '^(Status|Version)'
dpkg -r field >log 2>&1 || cat log
ls /usr/bin/field /etc/field.conf 2>&1
dpkg -P field >log 2>&1 || cat log
ls -d /etc/field.conf /usr/share/field 2>&1
dpkg -l field 2>/dev/null | grep -c ^ii
dpkg --audit
STEPS
chroot /mnt /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C sh /root/steps
END
cat >wanted <<'END'
field 1: settings 1
configured 1
field 2: settings 2
configured 2
Status: install ok installed
Version: 2
ls: cannot access '/usr/bin/field': No such file or directory
/etc/field.conf
ls: cannot access '/etc/field.conf': No such file or directory
ls: cannot access '/usr/share/field': No such file or directory
0
END
before=$(stat -c '%Y %Z' "$DEBIAN")
in_machine --cpus 2 --memory 1G --disk "$DEBIAN:overlay" --with install --with field1.deb --with field2.deb -- sh install >got 2>err
ok 'a Debian root on an overlay installs, upgrades and removes a package' diff wanted got || tail -n 5 err | remark
is 'and its disk is as it was' "$(stat -c '%Y %Z' "$DEBIAN")" "$before"
finish

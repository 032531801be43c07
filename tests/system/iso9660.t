#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ISO 9660 from xorriso: with Rock Ridge the machine finds the files that went in, with Joliet their names and contents,
# without either their contents.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1

mkdir -p tree/sub/a/b/c/d/e/f/g/h/i tree/many tree/bin
head -c 3000000 /dev/urandom >tree/random
echo hello >tree/sub/hello
: >tree/empty
ln -s hello tree/sub/link
ln -s /no/where tree/sub/absolute
ln tree/sub/hello tree/hard
chmod 4751 tree/random
touch -d '2001-02-03 04:05:06' tree/random
echo deep >tree/sub/a/b/c/d/e/f/g/h/i/deep
mkfifo tree/fifo
cp "$BUSYBOX" tree/bin/busybox
for i in $(seq 1 300); do
	echo "$i" >"tree/many/a file with a rather long name, and what not, $i"
done

cat >look <<'END'
cd "$1" || exit 1
find . ! -type d | sort | tr '\n' '\0' | xargs -0 stat -c '%n %f %h %u %g %s %Y'
find . -type d | sort | tr '\n' '\0' | xargs -0 stat -c '%n %f %u %g %Y'
find . -type f | sort | tr '\n' '\0' | xargs -0 md5sum
readlink sub/link
readlink sub/absolute
cat sub/link
bin/busybox echo a program runs
END
# image NAME OPTIONS...
image() {
	name=$1
	shift
	xorriso -as mkisofs -quiet -o "$name" "$@" tree 2>/dev/null
}
image rock.iso -R
image joliet.iso --norock -J -joliet-long
image plain.iso --norock
truncate -s 1M empty.img
sh look tree >wanted
find tree -type f -exec md5sum {} + | cut -d' ' -f1 | sort >sums
find tree -type f | sed 's,^tree,,' | sort >names

in_machine --cpus 2 --disk rock.iso:ro --with look -- \
	sh -c 'mkdir /m && mount -t iso9660 -o ro /dev/vda /m && sh look /m && umount /m' >got 2>err
ok 'Rock Ridge: the files are those that went in' diff wanted got || tail -n 5 err | remark
in_machine --disk joliet.iso --disk plain.iso --disk empty.img -- sh -c 'mkdir /m /n; mount -t iso9660 -o ro /dev/vda /m && cd /m && find . -type f | sed s,^.,, | sort
	echo sums; find /m -type f -exec md5sum {} + | cut -d" " -f1 | sort
	echo plain; mount -t iso9660 -o ro /dev/vdb /n; find /n -type f -exec md5sum {} + | cut -d" " -f1 | sort
	echo refused; mount -t iso9660 -o rw /dev/vdb /n; touch /n/new; mount -t iso9660 -o ro /dev/vdc /n 2>&1' >got 2>err
sed '/^sums/,$d' got >joliet-names
ok 'Joliet: names' diff names joliet-names || tail -n 5 err | remark
sed '1,/^sums/d;/^plain/,$d' got >joliet-sums
ok 'and contents' diff sums joliet-sums
sed '1,/^plain/d;/^refused/,$d' got >plain-sums
ok 'without either: contents' diff sums plain-sums
contains 'nothing can be written' err 'Read-only file system'
sed '1,/^refused/d' got >refused
contains 'what is none is refused' refused 'Invalid argument'
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Folders of the host in the machine: both see the same files, and what each writes the other reads.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1

mkdir -p tree/sub/deep tree/many tree/bin
head -c 3000000 /dev/urandom >tree/random
echo hello >tree/sub/hello
ln -s hello tree/sub/link
ln tree/sub/hello tree/hard
chmod 751 tree/random
touch -d '2020-02-03 04:05:06.789' tree/sub/hello
truncate -s 5M tree/sparse
echo end >>tree/sparse
cp "$BUSYBOX" tree/bin/busybox
for i in $(seq 1 400); do
	echo "$i" >"tree/many/a file with a rather long name: $i"
done

# What is compared: types, modes, links, owners, times, sizes and contents.
cat >look <<'END'
cd "$1" || exit 1
find . | sort | tr '\n' '\0' | xargs -0 stat -c '%n %f %h %u %g %s %Y'
find . -type f | sort | tr '\n' '\0' | xargs -0 md5sum
readlink sub/link
cat sub/link
bin/busybox echo a program runs
END
sh look tree >wanted
in_machine --cpus 2 --share tree:/m:ro --with look -- sh look /m >got 2>err
ok 'the files are those of the host' diff wanted got || tail -n 5 err | remark
in_machine --share tree:/m:ro -- sh -c 'touch /m/new; rm /m/random; echo more >>/m/hard' >out 2>&1
is 'read-only: nothing can be changed' "$(grep -c 'Read-only file system' out)" 3

# Changes: the machine's are the host's.
cat >change <<'END'
cd /m || exit 1
mkdir new && echo one >new/file && echo two >>new/file && mv new/file new/moved && ln new/moved new/second
ln -s moved new/link && chmod 4640 new/moved && chown 1234:5678 new/moved && touch -d '2001-02-03 04:05:06' new/moved
cp random new/copy && truncate -s 12345 new/copy && truncate -s 20000 new/copy
dd if=random of=new/odd bs=777 count=500 2>/dev/null
dd if=random of=new/odd bs=1000 seek=3 skip=7 count=20 conv=notrunc 2>/dev/null
rm hard && rm -r many && rmdir sub/deep
echo gone >unlinked && exec 3<>unlinked && rm unlinked && echo still >&3 && cat /proc/self/fd/3 && exec 3>&-
rmdir new 2>/dev/null || echo not empty
mkdir new 2>/dev/null || echo there already
cat none 2>/dev/null || echo not there
END
cp -a tree copy
# The same by the host.
(cd copy && sed 's,^cd /m.*,:,' ../change >../change.host && sh ../change.host) >wanted 2>&1
in_machine --share tree:/m --with change -- sh change >got 2>err
ok 'changes are answered as by Linux' diff wanted got || tail -n 5 err | remark
attributes='%n %f %h %u %g %s'
(cd copy && find new sub ./* ! -type d | sort | xargs stat -c "$attributes" && md5sum new/* sparse) >wanted
(cd tree && find new sub ./* ! -type d | sort | xargs stat -c "$attributes" && md5sum new/* sparse) >got
ok 'and the host finds them' diff wanted got
is 'a time that was set' "$(stat -c %Y tree/new/moved)" "$(stat -c %Y copy/new/moved)"

# The host changes a file while the machine has it, and again between two looks at it.
printf 'first\n' >tree/talk
cat >listen <<'END'
cat /m/talk
: >/m/ready
while [ ! -e /m/changed ]; do :; done
cat /m/talk
stat -c %s /m/talk
echo >/m/seen
END
in_machine --share tree:/m --with listen -- sh listen >out 2>&1 &
machine=$!
(while [ ! -e tree/ready ] && kill -0 $machine 2>/dev/null; do sleep 0.2; done
	printf 'second, longer\n' >tree/talk.new && mv tree/talk.new tree/talk && : >tree/changed)
wait $machine
is 'what the host changes is seen' "$(cat out)" "$(printf 'first\nsecond, longer\n15')"
ok 'and what the machine makes' test -e tree/seen

# Shared mappings: python writes through one, and reads what was written to the file.
cat >map.py <<'END'
import mmap, os
path = "/m/mapped"
with open(path, "wb") as file:
    file.write(bytes(10000))
descriptor = os.open(path, os.O_RDWR)
memory = mmap.mmap(descriptor, 10000)
memory[5000:5005] = b"hello"
print(os.pread(descriptor, 5, 5000))
os.pwrite(descriptor, b"there", 9000)
print(memory[9000:9005])
memory.flush()
memory[100:103] = b"end"
os.sync()
print(open("/m/mapped", "rb").read()[100:103])
os.setxattr(path, "user.color", b"blue")
os.setxattr(path, "user.gone", b"x" * 2000)
os.removexattr(path, "user.gone")
print(os.getxattr(path, "user.color"), os.listxattr(path))
END
# What the machine's file system of temporary files does not have, its folders have not, either.
touch tree/mapped
python3 -c 'import os; os.setxattr("tree/mapped", "user.color", b"")' 2>/dev/null ||
	sed -i '/xattr/d' map.py
in_machine --memory 512M --share tree:/m --package python3 --with map.py -- python3 map.py >out 2>err
is 'a mapping and the file are the same' "$(cat out)" "$(printf "b'hello'\nb'there'\nb'end'$(grep -q xattr map.py && echo '\n'"b'blue' ['user.color']")")" || remark <err
is 'what was written through a mapping' "$(tr -d '\0' <tree/mapped)" endhellothere

# Refusals.
in_machine --share "$WORK/none:/m" -- true 2>err
is 'a folder that is not there' "$? $(grep -c 'no such directory' err)" '125 1'
in_machine --share tree:m -- true 2>err
is 'a place that is none' "$? $(grep -c 'begins with /' err)" '125 1'
in_machine --share tree:/m -- sh -c 'mkdir /n; mount -t 9p share0 /n; mount -t 9p nobody /n; mount -t 9p -o what share0 /n; umount /m;
	mount -t 9p -o msize=262144,version=9p2000.L share0 /n && cat /n/sub/hello' >out 2>&1
contains 'a server has one mount' out 'busy'
contains 'a server that is not there' out 'No such file or directory'
contains 'options that are not known' out 'Invalid argument'
contains 'and can be mounted anew' out '^hello'
for machine in q35 microvm; do
	in_machine --machine $machine --share tree:/m -- cat /m/sub/hello >out 2>err
	is "on a $machine" "$(cat out)" hello || remark <err
done

# By hand, through a packed queue: the files, read and written.
mkdir -p root packed
cat >root/init <<'END'
#!/bin/sh
mkdir /m
mount -t 9p -o trans=virtio,version=9p2000.L share0 /m && cd /m && cat random random random >new && md5sum <new
cd / && umount /m && poweroff -f
END
chmod +x root/init
head -c 700000 /dev/urandom >packed/random
"$TOP/tools/mkinitramfs" -o packed.cpio --busybox --root root || exit 1
boot 100 -m 128M -smp 2 -kernel "$KERNEL" -initrd packed.cpio -append 'console=ttyS0 panic=-1' \
	-fsdev "local,id=f0,path=$WORK/packed,security_model=none" -device virtio-9p-pci,packed=on,fsdev=f0,mount_tag=share0 2>&1 | tr -d '\r' >console
contains 'a packed queue' console '9pnet_virtio, packed queues'
wanted=$(cat packed/random packed/random packed/random | md5sum)
contains 'what is read and written through it' console "^$wanted"
is 'and the host has it' "$(md5sum <packed/new)" "$wanted"
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The host takes memory out of a running machine and gives it back; and it plugs memory in, and unplugs it.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/root"
cat >"$WORK/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mkdir -p /tmp
mount -t tmpfs -o size=200m tmpfs /tmp
total() { awk '/^MemTotal/ {print $2}' /proc/meminfo; }
all=$(total)
echo ready
while [ "$(total)" -gt 135000 ]; do sleep 0.2; done
echo small
while [ "$(total)" -gt 45000 ]; do sleep 0.2; done
head -c 1000000 /dev/zero | md5sum | grep -q 879f4bba && echo tiny
while [ "$(total)" != "$all" ]; do sleep 0.2; done
echo "as at first"
dd if=/dev/zero of=/tmp/large bs=1M count=150 2>/dev/null
[ "$(wc -c </tmp/large)" = 157286400 ] && echo "usable again"
poweroff -f
END
chmod +x "$WORK/root/init"
"$TOP/tools/mkinitramfs" -o "$WORK/image" --busybox --root "$WORK/root" || exit 1
: >"$WORK/console"

for cpus in 1 4; do
	python3 "$PROGRAMS/memory_host.py" balloon "$WORK/monitor" "$WORK/console" >"$WORK/host" 2>&1 &
	host=$!
	boot 120 -m 256M -smp "$cpus" -kernel "$KERNEL" -initrd "$WORK/image" -append "console=ttyS0 panic=-1 quiet" \
		-qmp "unix:$WORK/monitor,server=on,wait=off" -device virtio-balloon-pci,id=balloon >"$WORK/console" 2>&1
	wait "$host"
	remark <"$WORK/host"
	contains "$cpus CPUs: the machine gives half of its memory" "$WORK/host" '^the machine gave 128 MiB$'
	contains "$cpus CPUs: and has no more than that" "$WORK/console" '^small'
	contains "$cpus CPUs: its statistics arrive" "$WORK/host" '^statistics: right$'
	contains "$cpus CPUs: asked for all, it gives what is free" "$WORK/host" '^next to nothing is left$'
	contains "$cpus CPUs: and programs run in the rest" "$WORK/console" '^tiny'
	contains "$cpus CPUs: it takes all back" "$WORK/console" '^as at first'
	contains "$cpus CPUs: which is memory as before" "$WORK/console" '^usable again'
	rm -f "$WORK/monitor"
	: >"$WORK/console"
done

cat >"$WORK/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mkdir -p /tmp
mount -t tmpfs -o size=500m tmpfs /tmp
total() { awk '/^MemTotal/ {print $2}' /proc/meminfo; }
all=$(total)
echo ready
while [ "$(total)" -lt $((all + 262144)) ]; do sleep 0.2; done
echo larger
head -c 1048576 /dev/urandom >/tmp/part
i=0
while [ $i -lt 200 ]; do
	cat /tmp/part || break
	i=$((i + 1))
done >/tmp/large
[ "$(wc -c </tmp/large)" = 209715200 ] && echo full
while [ "$(total)" -ge $((all + 262144)) ]; do sleep 0.2; done
sleep 1
for i in 0 40 80 120 160 199; do
	dd if=/tmp/large bs=1M skip=$i count=1 2>/dev/null | cmp - /tmp/part || echo "part $i is harmed"
done
echo "looked at"
rm /tmp/large
echo empty
while [ "$(total)" -lt $((all + 524288)) ]; do sleep 0.2; done
echo "largest"
dd if=/dev/zero of=/tmp/large bs=1M count=300 2>/dev/null
[ "$(wc -c </tmp/large)" = 314572800 ] && echo "usable"
rm /tmp/large
i=0
while [ $i -lt 60 ]; do
	cat /tmp/part || break
	i=$((i + 1))
done >/tmp/large
echo "some"
while [ "$(total)" -ge $((all + 49152)) ]; do sleep 0.2; done
i=0
while [ $i -lt 60 ]; do
	dd if=/tmp/large bs=1M skip=$i count=1 2>/dev/null | cmp - /tmp/part || echo "part $i is harmed"
	i=$((i + 1))
done
echo "moved"
poweroff -f
END
"$TOP/tools/mkinitramfs" -o "$WORK/plug" --busybox --root "$WORK/root" || exit 1

for cpus in 4; do
	python3 "$PROGRAMS/memory_host.py" plug "$WORK/monitor" "$WORK/console" >"$WORK/host" 2>&1 &
	host=$!
	boot 200 -m 128M,maxmem=1G -smp "$cpus" -kernel "$KERNEL" -initrd "$WORK/plug" -append "console=ttyS0 panic=-1 quiet" \
		-qmp "unix:$WORK/monitor,server=on,wait=off" -object memory-backend-ram,id=m0,size=512M \
		-device virtio-mem-pci,id=plugged,memdev=m0,requested-size=0 >"$WORK/console" 2>&1
	wait "$host"
	remark <"$WORK/host"
	contains "$cpus CPUs: memory is plugged in" "$WORK/console" '^larger'
	contains "$cpus CPUs: more than there was at the start fits" "$WORK/console" '^full'
	contains "$cpus CPUs: what is used and fits nowhere else is not unplugged" "$WORK/host" '^what is used stays$'
	contains "$cpus CPUs: what is in it" "$WORK/console" '^looked at'
	is "$cpus CPUs: stays as it was, then and later" "$(grep -c harmed "$WORK/console")" 0
	contains "$cpus CPUs: once it is free it is unplugged" "$WORK/host" '^most is unplugged$'
	contains "$cpus CPUs: and plugged in again" "$WORK/console" '^largest'
	contains "$cpus CPUs: and is memory as before" "$WORK/console" '^usable'
	contains "$cpus CPUs: what programs use of it moves, and it is unplugged" "$WORK/host" '^what is used has moved$'
	contains "$cpus CPUs: with its content" "$WORK/console" '^moved'
	rm -f "$WORK/monitor"
	: >"$WORK/console"
done

finish

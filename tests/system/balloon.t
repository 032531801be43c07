#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The host takes memory out of a running machine, and gives it back.
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
	python3 "$PROGRAMS/balloon.py" "$WORK/monitor" "$WORK/console" >"$WORK/host" 2>&1 &
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

finish

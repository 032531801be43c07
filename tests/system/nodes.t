#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A machine with two nodes: Debian's numactl and numastat see them, and memory is taken from the right one.
. "$(dirname "$0")/lib.sh"

# QEMU with 128 MiB and two processors on each node.
REAL=${QEMU:-qemu-system-x86_64}
cat >"$WORK/qemu" <<END
#!/bin/sh
exec $REAL "\$@" -object memory-backend-ram,id=m0,size=128M -object memory-backend-ram,id=m1,size=128M \\
	-numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1 -numa dist,src=0,dst=1,val=17
END
chmod +x "$WORK/qemu"

cat >"$WORK/look.sh" <<'END'
mkdir -p /sys
mount -t sysfs sysfs /sys 2>/dev/null
mkdir -p /large
mount -t tmpfs -o size=200m tmpfs /large
free() { awk -v node="$1" '$4 ~ /^[0-9]+$/ && /MemFree/ {print $4}' "/sys/devices/system/node/node$1/meminfo"; }
numactl -H
echo "online $(cat /sys/devices/system/node/online) with memory $(cat /sys/devices/system/node/has_memory)"
echo "cpus $(cat /sys/devices/system/node/node1/cpulist) map $(cat /sys/devices/system/node/node1/cpumap)"
ls /sys/devices/system/node/node1 | tr '\n' ' '
echo
for node in 0 1; do
	before=$(free $node)
	# A process of that node's processor holds 40 MiB of zeros in a variable's place: a file in memory is as good (and larger than by default).
	taskset -c $((node * 2)) dd if=/dev/zero of=/large/block bs=1M count=40 2>/dev/null
	after=$(free $node)
	[ $((before - after)) -gt 36000 ] && echo "node $node gave the memory of its processor"
	rm /large/block
	[ $(($(free $node) - after)) -gt 36000 ] && echo "node $node has it back"
done
# More than a node has: the other one helps.
taskset -c 2 dd if=/dev/zero of=/large/block bs=1M count=150 2>/dev/null && echo "one node's processor filled both"
numastat | awk '/numa_miss/ {print ($2 > 5000 ? "misses are counted" : "few misses: " $0)} /numa_foreign/ {print ($3 > 5000 ? "on both sides" : $0)}'
rm /large/block
# A policy decides, whatever processor runs: 40 MiB of a buffer each.
count() { awk -v name="$2" '$1 == name {print $2}' "/sys/devices/system/node/node$1/numastat"; }
for node in 0 1; do
	before=$(count $node numa_hit)
	taskset -c 0 numactl --membind=$node dd if=/dev/zero of=/dev/null bs=40M count=1 2>/dev/null
	[ $(($(count $node numa_hit) - before)) -gt 9000 ] && echo "bound to node $node"
done
before0=$(count 0 interleave_hit) before1=$(count 1 interleave_hit)
taskset -c 0 numactl --interleave=all dd if=/dev/zero of=/dev/null bs=40M count=1 2>/dev/null
[ $(($(count 0 interleave_hit) - before0)) -gt 4500 ] && [ $(($(count 1 interleave_hit) - before1)) -gt 4500 ] && echo "interleaved"
# More than its node has: pages of that node leave memory, while the other has plenty.
before=$(free 0)
numactl --membind=1 "${0%/*}/pressure" 140 | grep damaged
echo "after it $(awk '/^pgsteal_anon/ {print ($2 > 1000 ? "pages left" : "none left")}' /proc/vmstat), $([ $((before - $(free 0))) -lt 40000 ] && echo not of the other node)"
# A program of 40 MiB moves from one node to the other while it runs.
taskset -c 0 awk 'BEGIN { s = sprintf("%40000000s", "x"); print "large"; fflush(); while (substr(s, 40000000) == "x") system("sleep 0.2") }' >/large/said &
pid=$!
while ! grep -q large /large/said; do sleep 0.2; done
before0=$(free 0) before1=$(free 1)
migratepages $pid 0 1 && echo "migratepages says that all moved"
[ $(($(free 0) - before0)) -gt 30000 ] && [ $((before1 - $(free 1))) -gt 30000 ] && echo "moved"
sleep 0.5
kill $pid && echo "and lives on"
END

cp "$TOP/build/system/pressure" "$WORK/pressure" || exit 1

# in_nodes CPUS MEMORY COMMAND...
in_nodes() {
	QEMU=$WORK/qemu in_machine --cpus 4 --memory 256M --with /usr/bin/numactl --with /usr/bin/numastat --with /usr/bin/migratepages --with /usr/bin/taskset \
		--with "$WORK/pressure" --with "$WORK/look.sh" -- "$@"
}

in_nodes sh "$WORK/look.sh" >"$WORK/out" 2>&1
contains 'numactl sees two nodes' "$WORK/out" '^available: 2 nodes \(0-1\)$'
contains 'the processors of the first' "$WORK/out" '^node 0 cpus: 0 1$'
contains 'and of the second' "$WORK/out" '^node 1 cpus: 2 3$'
contains 'the size of the second' "$WORK/out" '^node 1 size: 12[0-9] MB$'
contains 'how far they are from each other' "$WORK/out" '^ +1: +17 +10'
contains 'sysfs names them' "$WORK/out" '^online 0-1 with memory 0-1$'
contains 'and their processors' "$WORK/out" '^cpus 2-3 map c$'
contains 'with all files of a node' "$WORK/out" '^cpulist cpumap distance hugepages meminfo numastat vmstat '
for node in 0 1; do
	contains "node $node: its processor's memory comes from there" "$WORK/out" "^node $node gave the memory of its processor$"
	contains "node $node: and returns there" "$WORK/out" "^node $node has it back$"
done
contains 'what one node lacks the other gives' "$WORK/out" "^one node's processor filled both$"
contains 'numastat counts it' "$WORK/out" '^misses are counted$'
contains 'on both sides' "$WORK/out" '^on both sides$'
for node in 0 1; do
	contains "numactl binds a program to node $node" "$WORK/out" "^bound to node $node$"
done
contains 'and interleaves its memory' "$WORK/out" '^interleaved$'
contains 'a program may have more than its node' "$WORK/out" '^pressure: 0 words damaged$'
contains 'whose pages then leave memory' "$WORK/out" '^after it pages left, not of the other node$'
contains 'migratepages moves a program that runs' "$WORK/out" '^migratepages says that all moved$'
contains 'from node to node' "$WORK/out" '^moved$'
contains 'which goes on' "$WORK/out" '^and lives on$'

finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Pools of huge pages that the kernel's command line fills, pages of 1 GiB, and the parts of the pools that two nodes have.
. "$(dirname "$0")/lib.sh"

make -s -C "$TOP" "build/abi/root/abi/hugetlb_1g" >"$WORK/log" 2>&1
result $? 'the program about pages of 1 GiB' || remark <"$WORK/log"
mkdir -p "$WORK/root/bin"
cp "$TOP/build/abi/root/abi/hugetlb_1g" "$WORK/root/bin/" || exit 1
cat >"$WORK/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /tmp
POOLS=/sys/kernel/mm/hugepages
echo "at boot: $(cat $POOLS/hugepages-1048576kB/nr_hugepages) $(cat $POOLS/hugepages-2048kB/nr_hugepages)"
grep Hugepagesize /proc/meminfo
hugetlb_1g
node() {
	echo "/sys/devices/system/node/node$1/hugepages/hugepages-2048kB/$2"
}
if [ -e "$(node 1 nr_hugepages)" ]; then
	echo 0 >$POOLS/hugepages-2048kB/nr_hugepages
	echo 3 >"$(node 1 nr_hugepages)"
	echo "of node 1: $(cat "$(node 0 nr_hugepages)") $(cat "$(node 1 nr_hugepages)") $(cat $POOLS/hugepages-2048kB/nr_hugepages)"
	echo 6 >$POOLS/hugepages-2048kB/nr_hugepages
	echo "of both: $(cat "$(node 0 nr_hugepages)") $(cat "$(node 1 free_hugepages)") $(cat $POOLS/hugepages-2048kB/nr_hugepages)"
	echo 0 >"$(node 1 nr_hugepages)"
	echo "of node 0: $(cat "$(node 0 nr_hugepages)") $(cat "$(node 1 nr_hugepages)") $(cat $POOLS/hugepages-2048kB/nr_hugepages)"
fi
poweroff -f
END
chmod +x "$WORK/root/init"
IMAGE=$WORK/huge.cpio
"$TOP/tools/mkinitramfs" -o "$IMAGE" --busybox --root "$WORK/root" || exit 1

boot 300 -machine q35 -cpu max -m 2600M -smp 2 -kernel "$KERNEL" -initrd "$IMAGE" \
	-append 'console=ttyS0 panic=-1 quiet hugepagesz=1G hugepages=1 hugepagesz=2M hugepages=5' >"$WORK/raw" 2>&1
is 'the machine ends by itself' $? 0
tr -d '\r' <"$WORK/raw" >"$WORK/console"
contains 'the pools are as the command line says' "$WORK/console" '^at boot: 1 5$'
contains 'the usual size is 2 MiB' "$WORK/console" '^Hugepagesize: *2048 kB'
contains 'pages of 1 GiB are private and shared memory' "$WORK/console" '^1\.\.46$'
grep '^not ok' "$WORK/console" >"$WORK/wrong"
is 'and nothing is wrong with them' $? 1 || remark <"$WORK/wrong"

boot 300 -machine q35 -cpu max -m 256M -smp 2 -kernel "$KERNEL" -initrd "$IMAGE" \
	-append 'console=ttyS0 panic=-1 quiet default_hugepagesz=1G hugepages=1' \
	-object memory-backend-ram,id=m0,size=128M -object memory-backend-ram,id=m1,size=128M \
	-numa node,nodeid=0,cpus=0,memdev=m0 -numa node,nodeid=1,cpus=1,memdev=m1 >"$WORK/raw" 2>&1
is 'the machine with two nodes ends by itself' $? 0
tr -d '\r' <"$WORK/raw" >"$WORK/console"
contains 'what there is no memory for is not there' "$WORK/console" '^at boot: 0 0$'
contains 'the usual size is as the command line says' "$WORK/console" '^Hugepagesize: *1048576 kB'
contains 'a node gives what it is asked for' "$WORK/console" '^of node 1: 0 3 3$'
contains 'both give some' "$WORK/console" '^of both: [12] [45] 6$'
contains 'and one gives its part back' "$WORK/console" '^of node 0: [12] 0 [12]$'
finish

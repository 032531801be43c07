#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Disks: every machine's, with partitions, read-only, failing; what is written is in the file afterwards, and what is in the file is read.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
DISK=$TOP/build/system/disk
DIRECT=$TOP/build/system/direct
PARTITION=$PROGRAMS/partition_disk.py
MIB=1048576

# image FILE MEGABYTES: a fresh disk.
image() {
	rm -f "$1"
	truncate -s "$2M" "$1"
}

# same_bytes NAME FILE SKIP-MIB OTHER COUNT-MIB: a stretch of a disk is what another file holds.
same_bytes() {
	dd if="$2" bs=1M skip="$3" count="$5" of=stretch 2>/dev/null
	ok "$1" cmp stretch "$4"
}

# Random work of several threads leaves what it leaves in a file of the host.
image wanted.img 8
"$DISK" random wanted.img 7 120 >/dev/null
for machine in pc q35 microvm; do
	image disk.img 8
	ok "$machine: random reads, writes and mappings find what was written" \
		in_machine --machine "$machine" --cpus 2 --disk disk.img -- "$DISK" random /dev/vda 7 120
	ok "$machine: and leave the same bytes as on the host" cmp disk.img wanted.img
done
image disk.img 8
ok 'calls answer as they should' in_machine --disk disk.img -- "$DISK" fresh /dev/vda $((8 * MIB))

# Other disks: the word of the command line, QEMU's options, the disk's name
mkdir -p root
cat >root/init <<'END'
#!/bin/sh
mount -t proc proc /proc
set -- $(grep -o 'work=[^ ]*' /proc/cmdline | sed 's/work=//; s/,/ /g')
/disk "$@"
poweroff -f
END
chmod +x root/init
cp "$DISK" root/
"$TOP/tools/mkinitramfs" -o work.cpio --busybox --root root || exit 1

# on_disk NAME DEVICE WORDS QEMU-OPTIONS...: random work on disk.img leaves it as on the host.
on_disk() {
	name=$1 device=$2 words=$3
	shift 3
	image disk.img 8
	boot 100 -m 128M -smp 2 -kernel "$KERNEL" -initrd work.cpio \
		-append "console=ttyS0 panic=-1 work=random,$device,7,120 $words" "$@" >console 2>&1
	contains "$name: random reads, writes and mappings find what was written" console '^disk random: passed'
	ok "$name: and leave the same bytes as on the host" cmp disk.img wanted.img
}
IMAGE="if=none,id=d0,format=raw,file=$WORK/disk.img"
on_disk 'IDE' /dev/sda '' -drive "$IMAGE" -device ide-hd,drive=d0
on_disk 'IDE without DMA' /dev/sda libata.dma=0 -drive "$IMAGE" -device ide-hd,drive=d0
on_disk 'IDE, the second drive, memory above 4 GiB' /dev/sda '' -m 5G -drive "$IMAGE" -device ide-hd,drive=d0,unit=1
on_disk 'AHCI' /dev/sda '' -machine q35 -drive "$IMAGE" -device ide-hd,drive=d0
on_disk 'NVMe' /dev/nvme0n1 '' -smp 4 -drive "$IMAGE" -device nvme,serial=disk,drive=d0
on_disk 'virtio with lines instead of messages' /dev/vda '' -drive "$IMAGE" -device virtio-blk-pci,drive=d0,vectors=0
on_disk 'virtio with four queues and blocks of 4 KiB' /dev/vda '' -smp 4 -drive "$IMAGE" \
	-device virtio-blk-pci,drive=d0,num-queues=4,logical_block_size=4096,physical_block_size=4096

# Packed queues: with and without event indices and tables, on every bus, and refused.
on_packed() {
	name=$1 words=$2
	shift 2
	on_disk "virtio, packed queues, $name" /dev/vda "$words" -drive "$IMAGE" "$@"
	contains "$name: the queues are packed" console 'virtio-blk, packed queues'
}
on_packed 'one processor' '' -smp 1 -device virtio-blk-pci,drive=d0,packed=on
on_packed 'four queues' '' -smp 4 -device virtio-blk-pci,drive=d0,packed=on,num-queues=4
on_packed 'short ones, every interrupt and every bell, without tables' '' \
	-device virtio-blk-pci,drive=d0,packed=on,queue-size=16,seg-max-adjust=on,event_idx=off,indirect_desc=off
on_packed 'registers in memory' '' -machine microvm -global virtio-mmio.force-legacy=false -device virtio-blk-device,drive=d0,packed=on
on_disk 'virtio, packed queues refused' /dev/vda virtio.packed=off -drive "$IMAGE" -device virtio-blk-pci,drive=d0,packed=on
contains 'and so they are split' console 'virtio-blk, split queues'

# Straight to programs' memory
image disk.img 8
ok 'O_DIRECT while programs fork, unmap and exit' in_machine --cpus 4 --disk disk.img -- "$DIRECT" /dev/vda
ok 'O_DIRECT on a RAM disk and one processor' in_machine --append 'brd.rd_nr=1' --cpus 1 -- "$DIRECT" /dev/ram0
image file.img 8
ok 'O_DIRECT on a loop device' in_machine --cpus 2 --memory 128M --with file.img --with "$DIRECT" -- \
	sh -c "losetup -f >/dev/null; losetup /dev/loop0 file.img; $DIRECT /dev/loop0"

# Disks without hardware
image file.img 8
in_machine --append 'brd.rd_nr=2 brd.rd_size=8192' --cpus 2 --memory 128M --with file.img --with "$DISK" -- sh -c "
	losetup -f >/dev/null; losetup /dev/loop0 file.img; $DISK random /dev/loop0 7 120; losetup -d /dev/loop0; md5sum <file.img" >out 2>&1
contains 'a loop device: random work' out '^disk random: passed'
is 'and it is in the file' "$(tail -n 1 out)" "$(md5sum <wanted.img)"
in_machine --append 'brd.rd_nr=2 brd.rd_size=8192' --with "$DISK" -- sh -c "
	losetup -f >/dev/null; losetup -o 65536 /dev/loop0 /dev/ram1; blockdev --getsize64 /dev/loop0; losetup /dev/loop0 /dev/ram0 || echo busy
	$DISK random /dev/ram0 7 120; md5sum </dev/ram0" >out 2>&1
contains 'a loop device in a RAM disk, and only one at a time' out "^$((8 * MIB - 65536))"
contains 'and it is busy' out '^busy'
is 'a RAM disk keeps its bytes' "$(tail -n 1 out)" "$(md5sum <wanted.img)"

# Partitions
head -c $((3 * MIB)) /dev/urandom >data
for kind in gpt gpt-backup; do
	image disk.img 32
	"$PARTITION" disk.img "$kind" 2048:20480:first 24576:8192:second
	in_machine --disk disk.img --with data -- sh -c '
		grep -c . /proc/partitions; dd if=data of=/dev/vda2 bs=70000 conv=fsync 2>/dev/null; wc -c </dev/vda2' >out 2>&1
	is "$kind: both partitions are there, of the right size" "$(tr '\n' ' ' <out)" "4 $((4 * MIB)) "
	same_bytes "$kind: what is written to a partition is at its place on the disk" disk.img 12 data 3
done
image disk.img 32
"$PARTITION" disk.img mbr 2048:2048 4096:2048 6144:2048 10240:2048 12800:4096 20000:100
in_machine --disk disk.img -- sh -c 'awk "/vda/ {print \$4, \$3}" /proc/partitions' >out 2>&1
is 'mbr: primary, extended and logical partitions' "$(tr '\n' ' ' <out)" \
	'vda 32768 vda1 1024 vda2 1024 vda3 1024 vda4 1 vda5 1024 vda6 2048 vda7 50 '
cat >rescan.sh <<'END'
dd if=mbr.img of=/dev/vda bs=512 count=1 conv=fsync 2>/dev/null
blockdev --rereadpt /dev/vda && ls /dev/vda?*
exec 3</dev/vda1
blockdev --rereadpt /dev/vda 2>/dev/null || echo busy
END
image mbr.img 32
"$PARTITION" mbr.img mbr 2048:2048
image disk.img 32
in_machine --disk disk.img --with mbr.img --with rescan.sh -- sh rescan.sh >out 2>&1
is 'a table that is written is read again, unless a partition is in use' "$(tr '\n' ' ' <out)" '/dev/vda1 busy '

# sysfs
in_machine --disk disk.img -- sh -c 'cd /sys/block/vda && cat size queue/logical_block_size vda1/start ../../class/block/vda1/partition; ls /sys/block' >out 2>&1
is "/sys/block tells of disks, partitions and queues" "$(tr "\n" " " <out)" "65536 512 2048 1 vda "

# Read-only
image disk.img 8
cp data disk.img
chmod a-w disk.img
in_machine --disk disk.img:ro --with data -- sh -c 'cmp data /dev/vda && echo x >/dev/vda' >out 2>&1
contains 'a read-only disk is read and not written' out 'denied'
chmod u+w disk.img
ok 'and its bytes stay' cmp disk.img data

# Several disks, one of them larger than memory
image small.img 4
image large.img 256
in_machine --memory 96M --disk small.img --disk large.img -- sh -c '
	dd if=/dev/urandom bs=1M count=110 2>/dev/null | tee /dev/vdb | md5sum; head -c 115343360 /dev/vdb | md5sum' >out 2>&1
is 'a disk larger than memory: what is written is read' "$(sort -u out | wc -l)" 1
dd if=large.img bs=1M count=110 2>/dev/null | md5sum >last
is 'and it is in the file' "$(cat last)" "$(tail -n 1 out)"

# What fails says so
cat >errors.conf <<'END'
[inject-error]
event = "read_aio"
errno = "5"
sector = "2048"
[inject-error]
event = "write_aio"
errno = "5"
sector = "4096"
END
for kind in pc:virtio-blk-pci:vda pc:ide-hd:sda q35:ide-hd:sda; do
	device=${kind#*:} machine=${kind%%:*}
	image disk.img 8
	boot 60 -machine "$machine" -m 128M -kernel "$KERNEL" -initrd work.cpio \
		-append "console=ttyS0 panic=-1 work=broken,/dev/${device#*:}" -device "${device%:*},drive=d0,werror=report,rerror=report" \
		-drive "if=none,id=d0,format=raw,file=blkdebug:$WORK/errors.conf:$WORK/disk.img" >console 2>&1
	contains "$machine, ${device%:*}: errors of the disk reach read and fsync" console '^disk broken: passed'
	contains "$machine, ${device%:*}: and are in the log" console "${device#*:}: error 5 at sector 2048"
done

finish

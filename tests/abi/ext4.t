#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The programs of the abi ring that are about files once more, with ext4 below /tmp; the disk is whole afterwards.
. "$(dirname "$0")/../system/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin
PROGRAMS='file_*,mem_files,fork_files,fork_pins,inotify_calls,stress_names,pipe_splice,uring_calls,aio_calls,proc_exec_files'

truncate -s 256M disk.img
mke2fs -q -F -t ext4 -b 4096 disk.img
boot 380 -machine q35 -cpu max -m 512M -smp 2 -kernel "$KERNEL" -initrd "$TOP/build/abi/initramfs.cpio" \
	-append "console=ttyS0 quiet panic=-1 abi=$PROGRAMS abi_disk=ext4:/dev/vda" \
	-drive file=disk.img,format=raw,if=none,id=d0,cache=unsafe -device virtio-blk-pci,drive=d0 2>&1 | tr -d '\r' | tee console
contains 'the programs come to their end' console '^abi: [0-9]* passed, 0 failed'
e2fsck -y -E journal_only disk.img >/dev/null 2>&1
ok 'e2fsck finds nothing' e2fsck -fn disk.img
finish

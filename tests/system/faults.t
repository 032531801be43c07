#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A disk that fails under a mounted ext4: blocks of data, of the journal, of inodes, of directories, once and for ever, written and read, and flushes.
# Programs hear of it, and what they were not told about is on the disk when it works again; the log names the sectors, and the machine goes on.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
PATH=$PATH:/usr/sbin:/sbin

mkdir -p root tree/directory
cp "$TOP/build/system/faults" root/
cat >root/init <<'END'
#!/bin/sh
mount -t proc proc /proc
set -- $(grep -o 'work=[^ ]*' /proc/cmdline | sed 's/work=//; s/,/ /g')
mkdir -p /m
mount -t ext4 -o "errors=remount-ro" /dev/vda /m || mount -t ext4 -o ro /dev/vda /m || echo wrong: mount
case $1 in
work) /faults work /m "$2" ;;
once) /faults once /m/victim /m/healthy ;;
check) /faults check /m </names ;;
unreadable)
	/faults unreadable /m/victim
	/faults refused /m/directory
	cat /m/healthy >/dev/null && echo read: healthy
	;;
esac
touch /m/another && echo touched
grep ' /m ' /proc/mounts
umount /m && echo unmounted
echo the machine goes on
poweroff -f
END
chmod +x root/init
head -c 100000 /dev/urandom >tree/victim
cp tree/victim tree/healthy
touch tree/directory/file

# fresh: disk.img, an ext4 with some files; the first sectors of what may fail.
fresh() {
	rm -f disk.img
	truncate -s 24M disk.img
	mke2fs -q -F -t ext4 -b 4096 -d tree disk.img
	VICTIM=$(($(debugfs -R 'blocks /victim' disk.img 2>/dev/null | cut -d ' ' -f 1) * 8))
	DIRECTORY=$(($(debugfs -R 'blocks /directory' disk.img 2>/dev/null | cut -d ' ' -f 1) * 8))
	JOURNAL=$(($(debugfs -R 'blocks <8>' disk.img 2>/dev/null | cut -d ' ' -f 1) * 8))
	INODES=$(($(dumpe2fs disk.img 2>/dev/null | sed -n 's/.*Inode table at \([0-9]*\).*/\1/p' | head -n 1) * 8))
}

# fault TYPE SECTOR [once]: more of errors.conf.
fault() {
	printf '[inject-error]\nevent = "none"\niotype = "%s"\nerrno = "5"\n' "$1"
	[ "$2" = - ] || printf 'sector = "%s"\n' "$2"
	[ $# -lt 3 ] || printf 'once = "on"\n'
} >>errors.conf

# random_faults TYPE COUNT SEED [once]: anywhere but in the journal and the tables at the beginning.
random_faults() {
	for sector in $(awk -v n="$2" -v seed="$3" -v journal="$JOURNAL" 'BEGIN {
			srand(seed)
			while (n > 0) {
				sector = int(rand() * 49152)
				if (sector > 4096 && (sector < journal || sector > journal + 8192) && n-- > 0)
					print sector
			}
		}'); do
		fault "$1" "$sector" $4
	done
}

# machine WORK IMAGE: runs it to the end; what it said is in console.
machine() {
	boot 100 -m 128M -smp 2 -kernel "$KERNEL" -initrd work.cpio -append "console=ttyS0 panic=-1 work=$1" \
		-drive "if=none,id=d0,format=raw,cache=${CACHE:-unsafe},file=$2" -device virtio-blk-pci,drive=d0,werror=report,rerror=report 2>&1 |
		tr -d '\r' >console
	grep -q '^the machine goes on' console && ! grep -q '^wrong' console
	result $? "$name: the machine goes on, and nothing is wrong" || tail -n 20 console | remark
}

# judged: the disk works again; what programs were told is there, and the file system is whole.
judged() {
	sed -n 's/^safe //p' console >root/names
	errors=$(grep -c '^error' console)
	echo "# $(wc -l <root/names) files are safe, $errors calls failed"
	"$TOP/tools/mkinitramfs" -o check.cpio --busybox --root root
	mv work.cpio spare.cpio
	mv check.cpio work.cpio
	machine check disk.img
	is "$name: what programs were told is safe is there" "$(sed -n 's/^checked //p' console)" "$(wc -l <root/names)"
	mv spare.cpio work.cpio
	e2fsck -y -E journal_only disk.img >/dev/null 2>&1
	ok "$name: e2fsck finds nothing" e2fsck -fn disk.img
}

: >root/names
"$TOP/tools/mkinitramfs" -o work.cpio --busybox --root root || exit 1

# failing NAME WORK: with errors.conf as it is now.
failing() {
	name=$1
	machine "$2" "blkdebug:$WORK/errors.conf:$WORK/disk.img"
	grep -q 'error 5 at sector\|flush' console
	result $? "$name: the log says so" || tail -n 20 console | remark
}
begin() {
	fresh
	rm -f errors.conf
}

begin
fault write "$VICTIM" once
failing 'data, once' once
contains 'data, once: the file system can be written' console '^touched'
ok 'data, once: e2fsck finds nothing' e2fsck -fn disk.img

begin
fault read $((VICTIM + 40))
fault read "$DIRECTORY"
failing 'reading' unreadable
contains 'reading: other files can be read' console '^read: healthy'
contains 'reading: and written' console '^touched'

for often in once ''; do
	begin
	fault write $((JOURNAL + 40)) $often
	failing "the journal, ${often:-for ever}" work,60
	contains "the journal, ${often:-for ever}: the file system is only read" console '/m ext4 ro'
	contains "the journal, ${often:-for ever}: changes are refused" console '^error [0-9]* [a-z]* 30'
	judged

	begin
	random_faults write 60 "${#often}" $often
	failing "data, ${often:-for ever}" work,60
	judged
	is "$name: most files find room elsewhere" "$([ "$(wc -l <root/names)" -gt 30 ] && echo yes)" yes
done

begin
fault write $((INODES + 8))
fault write "$INODES"
failing 'inodes' work,60
judged

begin
fault flush - once
CACHE=writeback failing 'a flush' work,60
judged

begin
fault read $((INODES + 8))
fault read $((INODES + 24))
failing 'reading inodes' work,60
judged
finish

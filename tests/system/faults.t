#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A disk that fails under a mounted ext4: blocks of data, of the journal, of inodes, of directories, once and for ever, written and read, and flushes.
# Programs hear of it, and what they were not told about is on the disk when it works again; the log names the sectors, and the machine goes on.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/system/faults.sh"

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

# failing NAME WORK: with errors.conf as it is now.
failing() {
	name=$1
	machine "$2" -drive "if=none,id=d0,format=raw,cache=${CACHE:-unsafe},file=blkdebug:$WORK/errors.conf:$WORK/disk.img" \
		-device virtio-blk-pci,drive=d0,werror=report,rerror=report
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

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A disk that is short, late, silent or answers twice, under a mounted ext4: data, the journal, inodes.  What is short or never comes is an error that
# programs hear of; what is late is done again and nobody notices, nor does memory; nothing is silent.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/system/faults.sh"
PATIENCE=4000 # milliseconds until the machine resets the disk

# failing NAME WORK LOG RULE...: on a fresh disk that follows the rules; the log has a line like LOG.
failing() {
	name=$1 work=$2 log=$3
	shift 3
	rm -f socket
	timeout 200 "$PROGRAMS/faulty_disk.py" socket disk.img "$@" >faults 2>faults.err &
	while [ ! -S socket ] && kill -0 $! 2>/dev/null; do sleep 0.1; done
	machine "$work time_out=$PATIENCE" -object memory-backend-memfd,id=memory,size=128M,share=on -machine memory-backend=memory \
		-chardev socket,id=disk,path=socket -device vhost-user-blk-pci,chardev=disk,num-queues=1
	wait $!
	contains "$name: it happened" faults '^fault' || remark <faults.err
	contains "$name: the log says so" console "$log"
}

# unnoticed NAME LOG RULE...: the disk is reset, and every call is happy.
unnoticed() {
	fresh
	name=$1 log=$2
	shift 2
	failing "$name" work,12 "$log" "$@"
	contains "$name: the disk was reset" console 'vda: is reset'
	is "$name: all calls were happy" "$(grep -c '^safe' console) $(grep -c '^error' console)" '12 0'
	judged
}

fresh
failing 'short reads' unreadable 'error 5 at sector' "read:$((VICTIM + 40)):short" "read:$DIRECTORY:short"
contains 'short reads: other files can be read' console '^read: healthy'
contains 'short reads: and written' console '^touched'

fresh
failing 'data, short' once 'error 5 at sector' "write:$VICTIM:short:1"
ok 'data, short: e2fsck finds nothing' e2fsck -fn disk.img

fresh
failing 'the journal, short' work,30 'error 5 at sector' "write:$((JOURNAL + 40)):short:1"
contains 'the journal, short: the file system is only read' console '/m ext4 ro'
judged

fresh
failing 'inodes, short' work,30 'error 5 at sector' "write:$((INODES + 8)):short" "write:$INODES:short"
judged

fresh
failing 'data, silent' once 'error 5 at sector' "write:$VICTIM:silent:3"
ok 'data, silent: e2fsck finds nothing' e2fsck -fn disk.img

fresh
failing 'the journal, silent' work,30 'error 5 at sector' "write:$((JOURNAL + 40)):silent:3"
contains 'the journal, silent: the file system is only read' console '/m ext4 ro'
judged

unnoticed 'late writes' 'under way for more than' "write:$((JOURNAL + 40)):late:1" 'write:-:late:1'
unnoticed 'late reads and flushes' 'under way for more than' 'read:-:late:1' 'flush:-:late:1'
unnoticed 'answers that come twice' 'gives back what it does not have' "write:$((JOURNAL + 40)):twice:1"
finish

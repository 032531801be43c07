#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's stress-ng: its stressors of memory find nothing wrong, and the memory is free again afterwards.
#
# STRESS_SECONDS=60 gives each stressor a minute (and, with one, two and four CPUs, the nightly run its length).
. "$(dirname "$0")/lib.sh"

STRESS_SECONDS=${STRESS_SECONDS:-1}
STRESSORS=${STRESSORS:-bad-altstack bigheap brk dev-shm env fork madvise malloc memfd mincore mlock mmap mmapaddr mmapfixed mmapfork \
	mmaphuge mmapmany mprotect mremap msync msyncmany munmap numa pagemove pageswap physpage rmap shm shm-sysv stack \
	stackmmap tmpfs userfaultfd vm vm-addr vm-rw vm-segv vm-splice zombie}

# shellcheck disable=SC2086 # words
set -- $STRESSORS
SECONDS_ALLOWED=$((60 + $# * (STRESS_SECONDS * 3 / 2 + 4)))
for cpus in ${STRESS_CPUS:-4}; do
	# KiB: what caches, which each CPU has, may take from one stressor to the next
	LEAK=$((1024 + 512 * cpus))
	# shellcheck disable=SC2086
	in_machine --cpus "$cpus" --memory 512M --with /usr/bin/stress-ng --with "$PROGRAMS/stress.sh" -- \
		/bin/sh "$PROGRAMS/stress.sh" "$STRESS_SECONDS" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null
	is "the machine ends well ($cpus CPUs)" $? 0 || remark <"$WORK/err"
	before=$(sed -n 's/^stressor start .* free //p' "$WORK/out")
	for stressor in "$@"; do
		line=$(grep "^stressor $stressor " "$WORK/out")
		free=${line##* }
		case $line in
		*' status 0 '*) result 0 "$stressor: nothing wrong" ;;
		*) result 1 "$stressor: nothing wrong" || grep -A6 "^stressor $stressor " "$WORK/out" | remark ;;
		esac
		[ $((before - ${free:-0})) -lt $LEAK ]
		result $? "$stressor: its memory is free again" || echo "# $before KiB before, $free KiB after"
		before=${free:-$before}
	done
done
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# stress.sh SECONDS STRESSOR...: each of stress-ng's stressors alone, two workers for so many seconds, results verified.
# One line for each: its name, its status, and how many KiB of memory are free after it.
seconds=$1
shift
for stressor in start "$@"; do
	status=0
	# The first run fills caches.
	name=$stressor
	[ "$stressor" != start ] || name=fork
	stress-ng "--$name" 2 --timeout "$seconds" --verify --vm-bytes 48M --oomable --page-in >/tmp/said 2>&1 || status=$?
	sleep 0.3
	echo "stressor $stressor status $status free $(awk '/^MemFree/ {print $2}' /proc/meminfo)"
	[ $status = 0 ] || head -n 6 /tmp/said
done

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's rt-tests under load: cyclictest's real-time threads run to the end, beside programs that burn, map and fork.
. "$(dirname "$0")/lib.sh"

LOOPS=500

for cpus in 1 2; do
	in_machine --cpus "$cpus" --memory 256M --with /usr/bin/cyclictest --with /usr/bin/stress-ng --with /bin/busybox -- \
		/bin/sh "$PROGRAMS/latency.sh" "$LOOPS" "$cpus" >"$WORK/out" 2>"$WORK/err" </dev/null
	is "the machine ends well ($cpus CPUs)" $? 0 || remark <"$WORK/err"
	# The first thread that is done ends the run.
	contains "a thread has had its $LOOPS cycles" "$WORK/out" "^T: .* C: *$LOOPS "
	threads=$(grep -c '^T: .* C: *[1-9]' "$WORK/out")
	is "all of them run" "$threads" "$cpus" || remark <"$WORK/out"
	contains "the latency is told" "$WORK/out" '^T: 0 .*Min: *[0-9]+ Act: *[0-9]+ Avg: *[0-9]+ Max: *[0-9]+'
	# A time-sharing host may stop the whole machine for long; for ever it does not.
	worst=$(sed -n 's/^T: .*Max: *//p' "$WORK/out" | sort -n | tail -n 1)
	[ "${worst:-99999999}" -lt 10000000 ]
	result $? "no wake-up comes later than ten seconds (${worst:-unknown} us)"
	contains "the load went on beside it" "$WORK/out" 'successful run completed|passed: 3'
done
finish

# stress-ng's stressors one after the other in the Debian root, and trinity. debian_stress.sh stress SECONDS STRESSOR...: as stress.sh, one line
# for each; a stressor that does not end is killed.  debian_stress.sh trinity SECONDS
cd /tmp || exit 1
mode=$1 seconds=$2
shift 2
case $mode in
stress)
	for stressor in start "$@"; do
		status=0 words="--$stressor 2"
		case $stressor in
		start) words='--fork 2' ;;
		page-in) words='--vm 2 --page-in' ;;
		esac
		# shellcheck disable=SC2086 # words
		timeout -s KILL $((seconds + 300)) stress-ng --pathological $words --timeout "$seconds" --verify --vm-bytes 48M --oomable \
			--iomix-bytes 16M --hdd-bytes 16M >said 2>&1 || status=$?
		rm -rf tmp-stress-ng-*
		sleep 0.3
		sync
		echo 3 >/proc/sys/vm/drop_caches
		echo "stressor $stressor status $status free $(awk '/^MemFree/ {print $2}' /proc/meminfo)"
		[ $status = 0 ] || sed 's/^/# /' said | grep -E 'fail|error|abort|Killed' | head -n 4
	done
	;;
trinity)
	mkdir t && chown nobody t || exit 1
	end=$(($(date +%s) + seconds)) runs=0
	# It may well kill itself, and cannot open sockets of the network that is missing.
	while left=$((end - $(date +%s))) && [ $left -gt 0 ]; do
		runs=$((runs + 1))
		timeout -s KILL $left su -s /bin/sh nobody -c 'cd /tmp/t; ulimit -c 0; trinity -q -C 4 -l off --disable-fds=sockets' >/tmp/said 2>&1 </dev/null
		pkill -KILL -u nobody
		rm -rf t/*
	done
	echo "# $runs runs; the last one said: $(tail -n 1 /tmp/said)"
	;;
esac
echo "the shell answers: $(expr 6 \* 7)"

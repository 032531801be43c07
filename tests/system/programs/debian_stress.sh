# stress-ng's stressors one after the other in the Debian root, and trinity. debian_stress.sh stress SECONDS STRESSOR...: as stress.sh, one line
# for each; a stressor that does not end is killed.  debian_stress.sh trinity SECONDS
cd /tmp || exit 1
mode=$1 seconds=$2
shift 2
case $mode in
stress)
	for stressor in start "$@"; do
		status=0 name=$stressor
		[ "$stressor" != start ] || name=fork
		timeout -s KILL $((seconds + 120)) stress-ng --pathological "--$name" 2 --timeout "$seconds" --verify --vm-bytes 48M --oomable \
			--iomix-bytes 16M --hdd-bytes 16M >said 2>&1 || status=$?
		rm -rf tmp-stress-ng-*
		sleep 0.3
		echo "stressor $stressor status $status free $(awk '/^MemFree/ {print $2}' /proc/meminfo)"
		[ $status = 0 ] || sed 's/^/# /' said | grep -E 'fail|error|abort|Killed' | head -n 4
	done
	;;
trinity)
	mkdir t && chown nobody t && cd t || exit 1
	# No network: it cannot open one of its sockets, and takes that badly.
	timeout -s KILL "$seconds" su -s /bin/sh nobody -c 'ulimit -c 0; trinity -q -C 4 -l off --disable-fds=sockets' >/tmp/said 2>&1 </dev/null
	pkill -KILL -u nobody
	grep -q 'Bailing\|trinity:' /tmp/said && tail -n 5 /tmp/said | sed 's/^/# /'
	;;
esac
echo "the shell answers: $(expr 6 \* 7)"

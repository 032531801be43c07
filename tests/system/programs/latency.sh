# latency.sh CYCLES CPUS: cyclictest beside a load of ordinary programs.
stress-ng --cpu 1 --vm 1 --vm-bytes 16M --fork 1 --timeout 8 2>&1 &
cyclictest --quiet --mlockall --priority=90 --interval=2000 --loops="$1" --threads="$2"
echo "cyclictest: status $?"
wait

# Builds Cowslip in the Debian root, which is writable, from /usr/src/source.tar: debian_selfhost.sh JOBS TARGET...
set -e
mkdir -p /usr/src/cowslip
cd /usr/src/cowslip
tar -xf ../source.tar
jobs=$1
shift
start=$(date +%s)
make "-j$jobs" "$@"
echo "# $(($(date +%s) - start)) seconds, of which $(awk '/^cpu / {print int($2 / 100) " in programs and " int($4 / 100) " in the kernel"}' /proc/stat)"
cd /
mount -o remount,ro /

# Enters the Debian root on the first disk and runs a command there as launch-init would; this machine's files are at /mnt.
set -e
m=/debian
mkdir -p $m
mount -t ext4 -o "${DISK_OPTIONS:-ro}" /dev/vda $m
for place in tmp run root home var/tmp; do
	mount -t tmpfs tmpfs $m/$place
done
chmod 1777 $m/tmp $m/var/tmp
mount -t proc proc $m/proc
mount --bind /sys $m/sys
mount --bind /dev $m/dev
mount --bind /dev/pts $m/dev/pts
mount --bind /dev/shm $m/dev/shm
mount --bind / $m/mnt
cd /
exec chroot $m /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root LC_ALL=C \
	TERM="${TERM:-dumb}" "$@"

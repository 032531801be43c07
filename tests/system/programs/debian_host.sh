# Runs a command in the Debian root image $1 on this computer, as debian_enter.sh would in the machine: in name spaces of its own, the image
# read-only, without a network but for the loopback.  debian_host.sh IMAGE SCRIPTS
# [--with PATH] COMMAND...; the scripts are in /mnt, what is at PATH is at /mnt/PATH.
set -e
/bin/busybox ip link set lo up
image=$1 scripts=$2
shift 2
m=$(mktemp -d)
mount -o loop,ro "$image" "$m"
for place in tmp run root home var/tmp mnt; do
	mount -t tmpfs tmpfs "$m/$place"
done
chmod 1777 "$m/tmp" "$m/var/tmp"
mount -t proc proc "$m/proc"
mount --rbind /sys "$m/sys"
mount --rbind /dev "$m/dev"
mount -t tmpfs tmpfs "$m/dev/shm"
chmod 1777 "$m/dev/shm"
cp "$scripts"/debian_* "$m/mnt/"
if [ "$1" = --with ]; then
	mkdir -p "$m/mnt$2"
	mount --bind "$2" "$m/mnt$2"
	shift 2
fi
cd /
exec chroot "$m" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root LC_ALL=C \
	TERM=dumb "$@"

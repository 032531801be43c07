# Debian's tools for the system at work: packages, disks, util-linux.
. "$(dirname "$0")/debian_check.sh"

# A package of our own, installed, removed, and installed by apt; the root is writable.
packages() {
	mkdir -p /srv/cow/DEBIAN /srv/cow/usr/bin
	printf 'Package: cow\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b>\nDepends: bash\nDescription: says moo\n' >/srv/cow/DEBIAN/control
	printf '#!/bin/sh\necho moo\n' >/srv/cow/usr/bin/cow
	chmod 755 /srv/cow/usr/bin/cow
	check 'dpkg-deb builds a package' dpkg-deb --build /srv/cow /srv/cow.deb
	check 'dpkg installs it' dpkg -i /srv/cow.deb
	check 'its program runs' says '^moo$' cow
	check 'dpkg knows the file' says '^cow: /usr/bin/cow$' dpkg -S /usr/bin/cow
	check 'dpkg removes it' dpkg -r cow
	check 'it is gone' sh -c '! test -e /usr/bin/cow'
	check 'apt installs it' apt-get install -y /srv/cow.deb
	check 'its program runs again' says '^moo$' cow
	check 'apt removes it' apt-get purge -y cow
	check 'dpkg finds nothing wrong' says '^$' sh -c 'dpkg --audit; echo'
	check 'a user is made' useradd -m -s /bin/bash anna
	check 'with a password' sh -c 'echo anna:secret | chpasswd'
	check 'and can log in' says '^anna /home/anna$' su - anna -c 'echo $USER $PWD'
	check 'and is taken away' userdel -r anna
	check 'python3 makes an environment' python3 -m venv --without-pip /srv/env
	check 'with its own prefix' says '^/srv/env$' /srv/env/bin/python3 -c 'import sys; print(sys.prefix)'
	check 'git clones a repository' sh -c 'cd /srv && git init -q a && cd a && git -c user.name=a -c user.email=a@b commit -qm first --allow-empty && git clone -q . ../b'
	check 'and it is whole' git -C /srv/b fsck --full --strict
	mount -o remount,ro /
}

# Volumes in files.
disks() {
	check 'fallocate' says '^16777216 32768$' sh -c 'fallocate -l 16M disk && stat -c "%s %b" disk'
	check 'mkfs.ext4' mkfs.ext4 -q disk
	mkdir -p volume
	check 'mount -o loop' mount -o loop disk volume
	check 'losetup lists it' says '^/dev/loop0 .*/root/disk$' losetup -l -n -O NAME,BACK-FILE
	check 'so does lsblk' says '^loop0 .* 16M .* loop /root/volume$' lsblk
	check 'and findmnt' says '^/root/volume /dev/loop0 ext4' findmnt -rn /root/volume
	check 'df has its size' says '^/dev/loop0 .* /root/volume$' df volume
	check 'files are written there' sh -c 'cp -r /etc volume/ && diff -r --no-dereference /etc volume/etc'
	check 'umount lets go of the device' says '^0 *$' sh -c 'umount volume && losetup -n -l | wc -l'
	check 'e2fsck' e2fsck -fn disk
	check 'losetup -f' says '^/dev/loop0$' losetup -f --show disk
	check 'blkid' says '^ext4$' blkid -p -o value -s TYPE /dev/loop0
	check 'losetup -d' losetup -d /dev/loop0
}

util_linux() {
	check 'unshare -pf' says '^root +1 .* ps aux$' unshare -pf --mount-proc ps aux
	check 'with sizes of processes' says '^ *1 [1-9][0-9]+ [1-9][0-9]+$' unshare -pf --mount-proc sh -c 'ps -o pid=,vsz=,rss= -p 1 | tr -s " "'
	check 'unshare -u' says '^cow$' unshare -u sh -c 'hostname cow; hostname'
	check 'unshare -m' says '^tmpfs$' unshare -m sh -c 'mount -t tmpfs none /mnt && findmnt -n -o FSTYPE /mnt'
	check 'nsenter' says '^cow$' unshare -u sh -c 'hostname cow; nsenter -t $$ -u hostname'
	check 'setpriv' says '^uid=1000 gid=1000 groups=1000$' setpriv --reuid 1000 --regid 1000 --clear-groups id
	check 'setpriv drops capabilities' says '^CapBnd:.*0$' setpriv --bounding-set=-all grep CapBnd /proc/self/status
	check 'setpriv --no-new-privs' says 'no_new_privs: 1' setpriv --no-new-privs setpriv --dump
	check 'chrt' says 'SCHED_FIFO' sh -c 'chrt -f 10 sh -c "chrt -p \$\$"'
	check 'taskset' says '^1$' taskset -c 0 nproc
	check 'ionice' says '^best-effort: prio 3$' ionice -c 2 -n 3 ionice
	check 'renice' says ' 5$' sh -c 'renice -n 5 -p $$ >/dev/null; ps -o pid=,ni= -p $$'
	check 'prlimit' says '^100$' prlimit --nofile=100 sh -c 'ulimit -n'
	check 'lsns' says ' pid +[1-9]' lsns
	check 'flock excludes' says '^1$' sh -c 'flock lock sh -c "flock -n lock true; echo \$?"'
	check 'fallocate punches' says '^8192 8$' sh -c 'head -c 8192 /dev/urandom >f && fallocate -p -o 0 -l 4096 f && stat -c "%s %b" f'
	check 'ipcmk and ipcs' says ' 644 +0 +0 *$' sh -c 'ipcmk -Q && ipcs -q'
	check 'ipcrm' says '^0$' sh -c 'ipcrm --all=msg; ipcs -q | grep -c "^0x"; true'
	check 'lslocks' says 'FLOCK' sh -c 'flock lock lslocks'
	check 'mountpoint' says '^/proc is a mountpoint$' mountpoint /proc
	check 'rev' says '^woc$' sh -c 'echo cow | rev'
	check 'wdctl and others find no device' sh -c '! wdctl /dev/watchdog'
	check 'getopt' says '^ -a -- b$' getopt a -a b
}

"$@"

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The network card of a machine, on a network that QEMU makes: an address by DHCP and by hand, name servers, the link, kinds of cards and machines.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1

# An address by DHCP, and what comes along.
for machine in pc q35 microvm; do
	in_machine --net --cpus 2 --machine "$machine" -- sh -c 'ip -o addr show dev eth0; ip route; cat /etc/resolv.conf' >out 2>err
	contains "$machine: an address by DHCP" out 'inet 10\.0\.2\.15/24 brd 10\.0\.2\.255 scope global eth0' || remark <err
	contains "$machine: the route to everywhere else" out '^default via 10\.0\.2\.2 dev eth0'
	contains "$machine: the server of names" out '^nameserver 10\.0\.2\.3'
done
for cpus in 1 4; do
	in_machine --net --cpus "$cpus" -- cat /proc/net/pnp >out 2>err
	is "$cpus CPUs: an address by DHCP" "$(head -n 1 out)" '#PROTO: DHCP'
done
in_machine -- sh -c 'ls /sys/class/net; ls /etc/resolv.conf' >out 2>&1
is 'without --net there is no card' "$(head -n 1 out)" lo
contains 'and no name server' out 'No such file'

# Machines of QEMU's own: the card, words for the kernel.  What the machine says of its network is in `console`.
mkdir -p root
cat >root/init <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
echo "host $(hostname)"
echo "carrier $(cat /sys/class/net/eth0/carrier 2>&1)"
sed 's/^/pnp /' /proc/net/pnp
ip -o addr show
ip route
grep -q watch /proc/cmdline && for wanted in 0 1; do
	until [ "$(cat /sys/class/net/eth0/carrier)" = $wanted ]; do sleep 0.1; done
	echo "carrier is $wanted: $(ip -o link show dev eth0)"
done
poweroff -f
END
chmod +x root/init
"$TOP/tools/mkinitramfs" -o net.cpio --busybox --root root || exit 1

# card WORDS QEMU-OPTIONS...
card() {
	words=$1
	shift
	boot 100 -m 128M -smp 2 -kernel "$KERNEL" -initrd net.cpio -append "console=ttyS0 panic=-1 $words" "$@" >console 2>&1
}
NETWORK=user,id=n0
card ip=dhcp -netdev "$NETWORK" -device virtio-net-pci,netdev=n0,romfile=,packed=on
contains 'packed queues: an address by DHCP' console 'inet 10\.0\.2\.15/24'
contains 'packed queues: there are' console 'virtio-net, packed queues'
card ip=any -netdev "$NETWORK,restrict=on" -device virtio-net-pci,netdev=n0,romfile=,event_idx=off,mac=52:54:00:aa:bb:cc
contains 'no event indices, a network without outside: an address by DHCP' console 'inet 10\.0\.2\.15/24'
card ip=dhcp -netdev "$NETWORK,net=192.168.7.0/24,dhcpstart=192.168.7.99,domainname=example.org,dns=192.168.7.4" \
	-device virtio-net-pci,netdev=n0,romfile=,disable-modern=off,disable-legacy=on,rx_queue_size=256
contains 'another network: the address' console 'inet 192\.168\.7\.99/24'
contains 'another network: the domain' console 'pnp domain example\.org'
contains 'another network: the server of names' console 'pnp nameserver 192\.168\.7\.4'
card ip=10.0.2.77::10.0.2.2:255.255.0.0:daisy:eth0:off:10.0.2.3:10.0.2.4 -netdev "$NETWORK" -device virtio-net-pci,netdev=n0,romfile=
contains 'by hand: the address' console 'inet 10\.0\.2\.77/16 brd 10\.0\.255\.255'
contains 'by hand: the router' console '^default via 10\.0\.2\.2'
contains 'by hand: the name' console '^host daisy'
contains 'by hand: the servers of names' console '^pnp nameserver 10\.0\.2\.4'
card ip=off -netdev "$NETWORK" -device virtio-net-pci,netdev=n0,romfile=
contains 'ip=off: lo has its address' console 'inet 127\.0\.0\.1/8'
contains 'ip=off: no other has' console '^host'
is 'ip=off: not eth0' "$(grep -c 'inet 10' console)" 0
card ip=dhcp
contains 'no card: the boot goes on' console '^host'
contains 'no card: the log says so' console 'there is no interface'
card ip=nonsense -netdev "$NETWORK" -device virtio-net-pci,netdev=n0,romfile=
contains 'nonsense: the log says so' console 'nonsense.* is no way to an address'

# What is spoken through the card: the host is 10.0.2.2, of which the machine sees what listens on the host's own loopback interface.
mkdir -p serve
head -c 3000000 /dev/urandom >serve/random
(cd serve && exec timeout 300 python3 -u -m http.server 0 --bind 127.0.0.1) >server 2>&1 &
server=$!
until grep -q port server; do sleep 0.1; done
port=$(sed 's/.* port \([0-9]*\) .*/\1/' server)
cat >talk <<END
wget -q -O - http://10.0.2.2:$port/random | md5sum
ping -c 2 10.0.2.2
wget -q -O - http://10.0.2.2:1/ 2>&1
END
for cpus in 1 2 4; do
	in_machine --net --cpus $cpus --with talk -- sh talk >out 2>err
	is "$cpus CPUs: a file from the host is whole" "$(head -n 1 out)" "$(md5sum <serve/random)"
	contains "$cpus CPUs: ping is answered" out '^2 packets transmitted, 2 packets received'
	contains "$cpus CPUs: a port where nobody is" out 'Connection refused'
done
kill $server

# Into the machine: what comes to a port here is answered there.
free_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
in_machine --net --forward "tcp:$free_port:8000" --with serve/random -- sh -c 'nc -l -p 8000 <serve/random >got; md5sum <got' >out 2>err &
"$PROGRAMS/exchange.py" "$free_port" serve/random fetched >err.exchange 2>&1
wait $!
ok 'a forwarded port: what the machine sends arrives' cmp fetched serve/random || remark <err.exchange
is 'a forwarded port: what is sent arrives in the machine' "$(cat out)" "$(md5sum <serve/random)"

# A client of DHCP, which speaks through packet sockets.
cat >lease <<'END'
#!/bin/sh
echo "lease $1 $ip/$mask router $router dns $dns"
[ "$1" = bound ] && ifconfig "$interface" "$ip" netmask "$subnet" && route add default gw "$router"
[ "$1" = deconfig ] && ifconfig "$interface" 0.0.0.0
exit 0
END
chmod +x lease
in_machine --net --append ip=off --with lease -- sh -c 'ip link set eth0 up; udhcpc -i eth0 -n -q -s ./lease; ip -o addr show dev eth0; ip route; ping -c 1 10.0.2.2' >out 2>&1
contains 'udhcpc has a lease' out '^lease bound 10\.0\.2\.15/24 router 10\.0\.2\.2 dns 10\.0\.2\.3' || remark <out
contains 'udhcpc: its address' out 'inet 10\.0\.2\.15/24'
contains 'udhcpc: its route' out '^default via 10\.0\.2\.2'
contains 'udhcpc: ping is answered' out '^1 packets transmitted, 1 packets received'
in_machine --net -- sh -c 'arping -c 1 -I eth0 10.0.2.2; ip addr add 10.0.2.99/24 dev eth0; arping -c 1 -I eth0 -s 10.0.2.99 10.0.2.2
	ip addr del 10.0.2.15/24 dev eth0; ping -c 1 10.0.2.2; ip addr del 10.0.2.99/24 dev eth0; echo "left: $(ip route)"' >out 2>&1
is 'arping has answers for both of two addresses' "$(grep -c '^Unicast reply from 10.0.2.2' out)" 2 || remark <out
contains 'with the first gone the second is spoken from' out '^1 packets transmitted, 1 packets received'
contains 'and with both no route is left' out '^left: $'

# The cable is pulled out and put in again.
rm -f monitor
card 'ip=dhcp watch' -netdev "$NETWORK" -device virtio-net-pci,netdev=n0,romfile=,id=card -qmp "unix:$WORK/monitor,server=on,wait=off" &
"$PROGRAMS/pull_cable.py" monitor card console >cable 2>&1
wait $!
contains 'no link: neither runs the interface' console '^carrier is 0: .*NO-CARRIER'
contains 'the link again: it runs' console '^carrier is 1: .*LOWER_UP'

finish

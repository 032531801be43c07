# Debian's servers and their clients over the loopback interface: web, git, redis, ssh, small tools.
. "$(dirname "$0")/debian_check.sh"
ip link set lo up 2>/dev/null
unset http_proxy https_proxy

# listens ADDRESS PORT: somebody answers there.
listens() {
	until_true 120 nc -z "$1" "$2"
}

# same A B...: the files have the bytes of A.
same() {
	first=$1
	shift
	for other; do
		cmp "$first" "$other" || return 1
	done
}

# A tree to hand out, in /root/site: a page, a large file, a hundred small ones.
site() {
	mkdir -p site/many
	echo '<p>moo</p>' >site/index.html
	head -c 5000000 /dev/urandom >site/large
	for number in $(seq 100); do
		echo "file $number" >"site/many/$number"
	done
}

web() {
	site
	python3 -m http.server --bind 127.0.0.1 -d site 8000 >python4.log 2>&1 &
	python3 -m http.server --bind ::1 -d site 8001 >python6.log 2>&1 &
	check 'python3 -m http.server listens' listens 127.0.0.1 8000
	check 'and over IPv6' listens ::1 8001
	check 'curl gets a page' says '^<p>moo</p>$' curl -sS http://127.0.0.1:8000/
	check 'by name' says '^<p>moo</p>$' curl -sS http://localhost:8000/
	check 'over IPv6' says '^<p>moo</p>$' curl -sS 'http://[::1]:8001/'
	check 'and what is not there' says '^404$' curl -sS -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8000/none
	check 'nobody listens' says 'Failed to connect to 127.0.0.1 port 8009' curl -sS http://127.0.0.1:8009/
	check 'curl gets a large file' curl -sS -o got.curl http://127.0.0.1:8000/large
	check 'wget, too' wget -q -O got.wget http://127.0.0.1:8000/large
	check 'over IPv6' wget -q -O got.wget6 'http://[::1]:8001/large'
	check 'busybox wget' /usr/bin/busybox wget -q -O got.busybox http://127.0.0.1:8000/large
	check 'the bytes are the same' same site/large got.curl got.wget got.wget6 got.busybox
	check 'wget fetches a tree' wget -q -r -np -nH -P tree http://127.0.0.1:8000/many/
	rm -f tree/many/index.html
	check 'as it is' diff -r site/many tree/many
	check 'python3 fetches' says '^5000000$' python3 -c 'import urllib.request as r; print(len(r.urlopen("http://127.0.0.1:8000/large").read()))'
	nginx_config >nginx.conf
	check 'nginx starts' nginx -p /root -c nginx.conf
	check 'and listens' listens 127.0.0.1 8080
	check 'curl gets a page' says '^<p>moo</p>$' curl -sS http://127.0.0.1:8080/
	check 'a hundred over one connection' says '^file 100$' curl -sS 'http://127.0.0.1:8080/many/[1-100]'
	check 'eight large ones at once' curl -sS -Z -o 'copy#1' 'http://[::1]:8080/large?[1-8]'
	check 'with the same bytes' same site/large copy1 copy2 copy3 copy4 copy5 copy6 copy7 copy8
	check 'a part of it' says '^1000$' sh -c 'curl -sS -r 1000-1999 http://127.0.0.1:8080/large | wc -c'
	check 'through it from python3' curl -sS -o got.proxy http://127.0.0.1:8080/python/large
	check 'with the same bytes' same site/large got.proxy
	check 'a file is put' curl -sS -T site/large http://127.0.0.1:8080/put/large
	check 'with the same bytes' same site/large put/large
	check 'it reads its file again' nginx -p /root -c nginx.conf -s reload
	check 'with new processes' until_true 120 sh -c '[ "$(grep -c "worker process [0-9]* exited with code 0" nginx.log)" = 2 ]'
	check 'and answers' says '^<p>moo</p>$' curl -sS http://127.0.0.1:8080/
	check 'and ends' nginx -p /root -c nginx.conf -s quit
	check 'with all its processes' until_true 120 sh -c '! pgrep -x nginx'
}

nginx_config() {
	cat <<'END_OF_FILE'
user root;
worker_processes 2;
pid /root/nginx.pid;
error_log /root/nginx.log notice;
events { worker_connections 256; }
http {
	access_log off;
	sendfile on;
	client_body_temp_path /root/body;
	proxy_temp_path /root/proxy;
	fastcgi_temp_path /root/fastcgi;
	uwsgi_temp_path /root/uwsgi;
	scgi_temp_path /root/scgi;
	client_max_body_size 10m;
	server {
		listen 127.0.0.1:8080;
		listen [::1]:8080;
		root /root/site;
		location /python/ { proxy_pass http://127.0.0.1:8000/; }
		location /put/ { root /root; create_full_put_path on; dav_methods PUT; }
	}
}
END_OF_FILE
}

repository() {
	export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=anna GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=a@b
	export GIT_CONFIG_KEY_2=init.defaultBranch GIT_CONFIG_VALUE_2=main
	mkdir -p srv/first
	cp -r /usr/lib/python3.11/json /usr/lib/python3.11/email srv/first/
	check 'a repository' sh -c 'cd srv/first && git init -q && git add . && git commit -qm first && git clone -q --bare . ../shared.git'
	git daemon --export-all --enable=receive-pack --base-path=/root/srv --reuseaddr >git.log 2>&1 &
	check 'git daemon listens' listens 127.0.0.1 9418
	check 'git clones git://' git clone -q git://127.0.0.1/shared.git one
	check 'over IPv6' git clone -q 'git://[::1]/shared.git' two
	check 'the trees are the same' diff -r -x .git one srv/first
	check 'git push' sh -c 'cd one && echo more >more && git add more && git commit -qm more && git push -q origin main'
	check 'git pull' sh -c 'cd two && git pull -q && grep -q more more'
	check 'git ls-remote' says 'refs/heads/main$' git ls-remote git://127.0.0.1/shared.git
	check 'what is not there' says 'repository not exported|access denied' git clone git://127.0.0.1/none.git none
	check 'all is whole' sh -c 'for place in one two srv/shared.git; do git -C $place fsck --full --strict || exit 1; done'
	git -C srv/shared.git update-server-info
	python3 -m http.server --bind 127.0.0.1 -d srv 8000 >python.log 2>&1 &
	check 'http.server listens' listens 127.0.0.1 8000
	check 'git clones http://' git clone -q http://127.0.0.1:8000/shared.git three
	check 'the same' diff -r -x .git one three
}

redis() {
	printf 'bind 127.0.0.1 ::1\nport 6379\ndir /root\ndaemonize yes\nsave ""\nlogfile /root/redis.log\npidfile /run/redis.pid\n' >redis.conf
	printf 'bind 127.0.0.1\nport 6380\ndir /root\ndbfilename second.rdb\ndaemonize yes\nsave ""\nlogfile /root/second.log\npidfile /run/second.pid\nreplicaof 127.0.0.1 6379\n' >second.conf
	check 'redis-server starts' redis-server redis.conf
	check 'and listens' listens 127.0.0.1 6379
	check 'redis-cli' says '^PONG$' redis-cli ping
	check 'over IPv6' says '^PONG$' redis-cli -h ::1 ping
	check 'redis-benchmark' says '^"GET","[0-9.]+' redis-benchmark -n 5000 -c 50 --csv -t set,get,lpush,lrange_100
	check 'with sixteen requests at once' says '^"SET","[0-9.]+' redis-benchmark -n 20000 -c 20 -P 16 --csv -t set,get
	check 'with large values' says '^"GET","[0-9.]+' redis-benchmark -n 200 -c 10 -d 100000 --csv -t set,get
	check 'a value' says '^OK$' redis-cli set animal cow
	check 'a copy starts' redis-server second.conf
	check 'and follows' until_true 120 sh -c 'redis-cli -p 6380 info replication | grep -q master_link_status:up'
	check 'with the value' until_true 120 sh -c '[ "$(redis-cli -p 6380 get animal)" = cow ]'
	check 'and the next' sh -c 'printf "set animal ox\nwait 1 60000\n" | redis-cli && [ "$(redis-cli -p 6380 get animal)" = ox ]'
	redis-cli subscribe news >heard &
	check 'messages reach who listens' until_true 120 sh -c 'redis-cli publish news moo >/dev/null; grep -q moo heard'
	check 'it counts who is there' says '^tcp_port:6379' redis-cli info server
	redis-cli -p 6380 shutdown nosave
	redis-cli shutdown nosave
	check 'both end' until_true 120 sh -c '! pgrep -x redis-server'
}

secure_shell() {
	mkdir -p /run/sshd .ssh keys && chmod 700 . .ssh
	check 'ssh-keygen makes keys' sh -c 'ssh-keygen -q -t ed25519 -N "" -f keys/host && ssh-keygen -q -t ecdsa -N "" -f .ssh/id_ecdsa'
	cp .ssh/id_ecdsa.pub .ssh/authorized_keys
	printf 'Port 2222\nHostKey /root/keys/host\nPidFile /root/sshd.pid\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n' >sshd.conf
	printf 'Host *\nPort 2222\nStrictHostKeyChecking accept-new\nLogLevel ERROR\n' >.ssh/config
	check 'sshd starts' /usr/sbin/sshd -f /root/sshd.conf -E /root/sshd.log
	check 'and listens' listens 127.0.0.1 2222
	check 'ssh runs a command' says '^moo root$' ssh localhost 'echo moo $USER'
	check 'over IPv6' says '^::1 [0-9]+ ::1 2222$' ssh ::1 'echo $SSH_CONNECTION'
	check 'and has its status' says '^7$' sh -c 'ssh localhost exit 7; echo $?'
	check 'with a terminal' says '^/dev/pts/[0-9]+' ssh -tt localhost tty
	head -c 3000000 /dev/urandom >large
	check 'bytes go there and back' sh -c 'ssh localhost cat <large | cmp - large'
	check 'scp' sh -c 'scp -q large localhost:copy && cmp large copy'
	check 'sftp' sh -c 'echo "get large got" | sftp -q -b - localhost && cmp large got'
	check 'git over ssh' sh -c 'git init -q bare && git clone -q localhost:bare clone'
	python3 -m http.server --bind 127.0.0.1 8000 >python.log 2>&1 &
	check 'http.server listens' listens 127.0.0.1 8000
	check 'ssh -L forwards' sh -c 'ssh -f -N -o ExitOnForwardFailure=yes -M -S /root/control -L 9000:127.0.0.1:8000 localhost >/dev/null 2>&1'
	check 'a file through it' sh -c 'curl -sS -o forwarded http://127.0.0.1:9000/large && cmp large forwarded'
	check 'a command over the same connection' says '^moo$' ssh -S /root/control localhost echo moo
	check 'which ends' ssh -S /root/control -O exit localhost
	check 'a wrong key is refused' says 'Permission denied' sh -c 'ssh-keygen -q -t ed25519 -N "" -f other && ssh -o BatchMode=yes -o IdentitiesOnly=yes -i other -F none -p 2222 -o StrictHostKeyChecking=no localhost true'
	kill "$(cat sshd.pid)"
	check 'sshd ends' until_true 120 sh -c '! nc -z 127.0.0.1 2222'
}

tools() {
	check 'nc listens and hears' sh -c 'nc -l -N 127.0.0.1 7000 </dev/null >heard & until echo moo | nc -N 127.0.0.1 7000; do sleep 0.2; done; wait; grep -qx moo heard'
	check 'nc over IPv6' sh -c 'nc -l -N ::1 7001 </dev/null >heard & until echo moo | nc -N ::1 7001; do sleep 0.2; done; wait; grep -qx moo heard'
	printf 'import socketserver\nclass H(socketserver.StreamRequestHandler):\n\tdef handle(self):\n\t\tself.wfile.write(self.rfile.readline().upper())\nsocketserver.ThreadingTCPServer.allow_reuse_address = True\nsocketserver.ThreadingTCPServer(("127.0.0.1", 7002), H).serve_forever()\n' >upper.py
	python3 upper.py &
	check 'socketserver listens' listens 127.0.0.1 7002
	check 'bash /dev/tcp' says '^MOO$' bash -c 'exec 3<>/dev/tcp/127.0.0.1/7002; echo moo >&3; cat <&3'
	check 'perl IO::Socket' says '^MOO$' perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("127.0.0.1:7002") or die; print $s "moo\n"; print <$s>'
	check 'tcl socket' says '^MOO$' sh -c 'echo "set s [socket 127.0.0.1 7002]; puts \$s moo; flush \$s; puts [gets \$s]" | tclsh'
	check 'a thousand connections' says '^1000$' python3 -c '
import socket
count = 0
for number in range(1000):
    with socket.create_connection(("127.0.0.1", 7002)) as s:
        s.sendall(b"moo\n")
        count += s.recv(10) == b"MOO\n"
print(count)'
	check 'the root knows localhost' says '^::1 +localhost' getent hosts localhost
}

# What takes netlink, datagrams and raw sockets.
interfaces() {
	check 'ip address' says 'inet 127.0.0.1/8 scope host lo' ip address show lo
	check 'and IPv6' says 'inet6 ::1/128 scope host' ip address show lo
	check 'ip link' says '^1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536' ip link
	check 'ip route get' says '^local 127.0.0.1 dev lo' ip route get 127.0.0.1
	nc -l 127.0.0.1 7003 &
	check 'ss -tln' until_true 120 sh -c 'ss -tln | grep -q "127.0.0.1:7003"'
	kill $!
	check 'nc -u' sh -c 'timeout 120 nc -u -l 127.0.0.1 7004 >heard & until grep -qx moo heard; do echo moo | nc -u -q 0 127.0.0.1 7004; sleep 0.2; done; kill $!'
	check 'ping' says ' 0% packet loss' ping -c 2 -i 0.2 127.0.0.1
	check 'ping over IPv6' says ' 0% packet loss' ping -c 2 -i 0.2 ::1
}

"$@"

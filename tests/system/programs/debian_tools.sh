# Debian's tools for processes and files at work.
. "$(dirname "$0")/debian_check.sh"

processes() {
	sleep 1000 &
	sleeper=$!
	exec 9>held
	check 'ps shows a process' says "^ *$sleeper .* sleep 1000\$" ps -e --no-headers -o pid,stat,args
	check 'ps shows a tree' says ' sleep 1000' ps axf -o pid,tid,args
	check 'top -b' says "^ *$sleeper root .* sleep" top -b -n 1
	check 'pgrep finds it' says "^$sleeper\$" pgrep -f 'sleep 1000'
	check 'pstree' says 'sleep' pstree -p
	check 'lsof lists open files' says ' 9w +REG .*/root/held' lsof -p $$
	check 'lsof finds who has a file' says '^p' lsof -Fp held
	check 'fuser finds who has a file' says "$$" fuser -v held
	check 'free' says '^Mem: +[1-9]' free
	check 'vmstat' says '^ *[0-9]+ +[0-9]+ +[0-9]+' vmstat
	check 'uptime' says 'load average' uptime
	check 'pmap' says 'total' pmap $sleeper
	check 'lscpu' says '^CPU\(s\): +[1-9]' lscpu
	check 'lsblk' says '^vda ' lsblk
	check 'findmnt' says '^/ +/dev/vda' findmnt
	check 'prlimit' says '^NOFILE' prlimit
	check 'chrt' says 'SCHED_RR' chrt -r 5 chrt -p 0
	check 'taskset' says 'list: 0$' taskset -c 0 sh -c 'taskset -cp $$'
	check 'pkill' pkill -f 'sleep 1000'
	wait $sleeper 2>/dev/null
	check 'it is gone' sh -c "! kill -0 $sleeper 2>/dev/null"
	check 'su changes the user' says '^uid=65534' su -s /bin/sh nobody -c id
	check 'script makes a terminal' says '^/dev/pts/[0-9]' script -qc tty /dev/null
	check 'flock' flock -n lock true
	check 'timeout' says '^124$' sh -c 'timeout 0.1 sleep 9; echo $?'
	check 'find and xargs' says '^[1-9][0-9]{3,}$' sh -c 'find /usr/lib -type f -print0 | xargs -0 -n 100 stat -c %s | wc -l'
	check 'tar, gzip and back' sh -c 'tar -czf all.tgz -C /usr/share perl5 && mkdir u && tar -xzf all.tgz -C u && diff -r u/perl5 /usr/share/perl5'
}

programs() {
	check 'perl' says '^3628800$' perl -MList::Util=product -e 'print product(1 .. 10), "\n"'
	check 'perl forks and pipes' says '^child said 42$' perl -e 'open my $f, "-|", "echo 42" or die; print "child said ", <$f>'
	check 'python3' says "^499999500000\$" python3 -c 'import sys, ssl, sqlite3, ctypes; print(sum(range(10 ** 6)))'
	check 'python3 and its processes' says '^\[0, 1, 4, 9\]$' \
		python3 -c 'from multiprocessing import Pool
with Pool(2) as pool: print(pool.map(pow_ := __import__("functools").partial(pow, exp=2), range(4)))'
	check 'tcl' says '^42$' sh -c 'echo "puts [expr {6 * 7}]" | tclsh'
	printf 'all: a b\n\tcat a b >all\n%%: ; echo $@ >$@\n' >Makefile
	check 'make, two jobs' sh -c 'make -s -j2 && cmp all - <<-END
		a
		b
	END'
	check 'dpkg' says '^ii  bash ' dpkg -l bash
	check 'dpkg verifies' dpkg --verify bash findutils
	check 'apt-cache' says '^Package: bash' apt-cache show bash
}

repository() {
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
	mkdir work && cd work || return
	check 'git init' git init -q
	for i in 0 1 2 3 4 5 6 7 8 9; do
		mkdir d$i
		for j in 0 1 2 3 4 5 6 7 8 9; do
			for k in 0 1 2 3 4 5 6 7 8 9; do
				echo "file $i $j $k" >d$i/$j$k
			done
		done
	done
	check 'git add of 1,000 files' git add .
	check 'git commit' git commit -qm first
	echo changed >d0/00
	check 'git commit of a change' git commit -qam second
	check 'git log' says '^2$' git rev-list --count HEAD
	check 'git clone' git clone -q . ../copy
	check 'the copy is the same' diff -r -x .git . ../copy
	check 'git clone through a pack' git clone -q --no-local . ../packed
	check 'git gc' git gc -q
	check 'git fsck' git fsck --full --strict
	check 'git blame' says 'changed$' git blame d0/00
	cd ..
}

"$@"

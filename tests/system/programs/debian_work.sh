# Debian's compiler, servers, debuggers and measuring programs at work.
. "$(dirname "$0")/debian_check.sh"

# Lua's sources are at $1.
compile() {
	cp -r "$1" lua && cd lua || exit 1
	check 'gcc and make build Lua' make -s -j2 linux MYCFLAGS=-O0
	check 'what was built runs' says '^Lua 5.4' src/lua -v
	cat >work.lua <<-'LUA'
		local words = {}
		for word in ("the quick brown fox jumps over the lazy dog"):gmatch("%a+") do words[#words + 1] = word end
		table.sort(words)
		print(table.concat(words, " "), string.format("%.3f", math.pi), 2 ^ 53 // 1)
		print(pcall(error, { code = 2 }), select("#", coroutine.resume(coroutine.create(function(...) coroutine.yield(...) end), 1, 2, 3)))
	LUA
	check 'and sorts' says '^brown dog fox jumps lazy over quick the the	3.142	' src/lua work.lua
	check 'and is like any other Lua' says '^false	4$' src/lua work.lua
	check 'its own compiler' sh -c 'src/luac -o work.luac work.lua && src/lua work.luac'
	printf '#include <stdio.h>\n#include <pthread.h>\nstatic void *f(void *p) { return p; }\nint main(void) { pthread_t t; void *r; pthread_create(&t, 0, f, "thread"); pthread_join(t, &r); puts(r); return 0; }\n' >t.c
	check 'gcc with -flto -g -pthread' gcc -O2 -flto -g -pthread -o t t.c
	check 'a program with a thread' says '^thread$' ./t
}

redis() {
	printf 'port 0\nunixsocket /run/redis.sock\ndir /root\ndaemonize yes\nsave ""\nappendonly yes\nlogfile /root/redis.log\npidfile /run/redis.pid\n' >redis.conf
	check 'redis-server starts' redis-server redis.conf
	cli='redis-cli -s /run/redis.sock'
	check 'it answers' until_true 60 sh -c "$cli ping | grep -q PONG"
	check 'SET' says '^OK' $cli set cow slip
	check 'GET' says '^slip' $cli get cow
	check 'a pipe of commands' says 'replies: 2000' sh -c "seq 2000 | sed 's/.*/SET key& value&/' | $cli --pipe"
	check 'DBSIZE' says '^2001' $cli dbsize
	check 'lists, sorted sets, scripts' says '^42' $cli eval 'redis.call("rpush", "l", 40); redis.call("zadd", "z", 2, "m"); return redis.call("lindex", "l", 0) + redis.call("zscore", "z", "m")' 0
	check 'redis-benchmark' says '^"GET","[0-9.]+' redis-benchmark -s /run/redis.sock -n 3000 -c 20 --csv -t set,get,lpush,lrange_100
	check 'BGSAVE' says 'Background saving started' $cli bgsave
	check 'BGSAVE ends' until_true 60 sh -c "$cli info persistence | grep -q 'rdb_bgsave_in_progress:0' && $cli info persistence | grep -q 'rdb_last_bgsave_status:ok'"
	check 'the dump is whole' says 'RDB looks OK' redis-check-rdb dump.rdb
	check 'BGREWRITEAOF' says 'started' $cli bgrewriteaof
	check 'BGREWRITEAOF ends' until_true 60 sh -c "$cli info persistence | grep -q 'aof_rewrite_in_progress:0'"
	$cli shutdown
	check 'it ends' until_true 60 sh -c '! pgrep -x redis-server'
	check 'it starts again' redis-server redis.conf
	check 'and knows what it knew' until_true 60 sh -c "$cli get key2000 | grep -q value2000"
	$cli shutdown nosave
}

screens() {
	export TERM=xterm LC_ALL=C.UTF-8
	check 'tmux starts' tmux new-session -d -s work -x 80 -y 24 'exec bash --norc'
	check 'tmux sends keys' tmux send-keys -t work 'echo $((6 * 7))- $(tput cols) $COLUMNS' Enter
	check 'and captures the screen' until_true 60 sh -c "tmux capture-pane -p -t work | grep -q '^42- 80'"
	check 'a second window' tmux new-window -d -t work 'exec top -d 1'
	check 'with top in it' until_true 60 sh -c "tmux capture-pane -p -t work:1 | grep -q '^ *PID USER'"
	check 'a pane beside it' tmux split-window -d -h -t work:0 'exec sh'
	check 'panes have their sizes' says '^39x24$' sh -c "tmux list-panes -t work:0 -F '#{pane_width}x#{pane_height}'"
	tmux send-keys -t work:0.0 'sleep 1000' Enter
	check 'a program runs in it' until_true 60 pgrep -x sleep
	tmux send-keys -t work:0.0 C-c
	check 'Ctrl-C stops it' until_true 60 sh -c '! pgrep -x sleep'
	tmux send-keys -t work:0.0 'echo status $?' Enter
	check 'with a status' until_true 60 sh -c "tmux capture-pane -p -t work:0.0 | grep -q '^status 130'"
	check 'tmux ends' tmux kill-server
}

debuggers() {
	cat >d.c <<-'C'
		#include <stdio.h>
		#include <stdlib.h>
		static int depth(int n) { return n == 0 ? 0 : 1 + depth(n - 1); }
		int main(void) { int *p = NULL; printf("%d\n", depth(5)); if (getenv("CRASH")) *p = 1; return 0; }
	C
	check 'gcc -g' gcc -g -O0 -o d d.c
	check 'gdb stops' says '^#5 .* main \(\) at d.c:4' gdb -batch -nx -ex 'break depth if n == 1' -ex run -ex backtrace ./d
	check 'gdb sees a crash' says 'SIGSEGV' gdb -batch -nx -ex 'set env CRASH 1' -ex run ./d
	check 'gdb attaches' says 'sleep|nanosleep' sh -c 'sleep 1000 & until grep -q sleep /proc/$!/comm; do sleep 0.1; done; gdb -batch -nx -p $! -ex backtrace; kill $!'
	check 'strace' says '^execve\("./d", ' strace ./d
	check 'strace -f' says 'execve\("/usr/bin/true"' strace -f -e trace=execve sh -c '/usr/bin/true; :'
	check 'strace -c' says ' total$' strace -c ls /
	check 'strace -p' says 'nanosleep|restart_syscall' sh -c 'sleep 1000 & until grep -q sleep /proc/$!/comm; do sleep 0.1; done; timeout 3 strace -p $!; kill $!'
}

measures() {
	check 'sysbench cpu' says 'events per second: +[1-9]' sysbench cpu --cpu-max-prime=500 --time=1 --threads=2 run
	check 'sysbench memory' says 'transferred' sysbench memory --memory-block-size=64K --memory-total-size=32M --threads=2 run
	check 'sysbench threads' says 'total number of events: +[1-9]' sysbench threads --time=1 --threads=4 run
	check 'sysbench mutex' says 'total number of events: +4' sysbench mutex --threads=4 --mutex-num=16 --mutex-locks=500 --mutex-loops=100 run
	check 'cyclictest' says '^T: 0 .* C: +200 ' cyclictest -q -m -t1 -p 90 -i 2000 -l 200
	check 'hackbench' says '^Time: [0-9]' hackbench -g 1 -f 4 -l 50
	check 'pi_stress' says 'Inversion|duration|Test Duration' pi_stress --duration=1 --groups=1
	check 'stress-ng' says 'successful run completed' stress-ng --cpu 1 --vm 1 --vm-bytes 16M --pipe 1 --timeout 2
}

"$@"

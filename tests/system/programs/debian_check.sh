# What the scripts share that run in the Debian root.  A line of result each: ok NAME, or: not ok NAME, with what was said.
cd /root || exit 1

# check NAME COMMAND...
check() {
	name=$1
	shift
	if said=$("$@" 2>&1 </dev/null); then
		echo "ok $name"
	else
		echo "not ok $name"
		printf '%s\n' "$said" | tail -n 12 | sed 's/^/# /'
	fi
}

# says PATTERN COMMAND...: the command's output has a line that matches.
says() {
	pattern=$1
	shift
	"$@" >/tmp/said 2>&1 </dev/null
	grep -qE -e "$pattern" /tmp/said || {
		cat /tmp/said
		return 1
	}
}

# until_true SECONDS COMMAND...: the command succeeds at last.
until_true() {
	left=$(($1 * 5))
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.2
	done
}

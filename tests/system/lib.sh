# SPDX-License-Identifier: BSD-2-Clause
#
# What the system tests share; a test sources it, calls the functions below, and ends with `finish`.  Output is TAP.
#
# SYSTEM_KERNEL=FILE runs the tests on another kernel, for comparison: SYSTEM_KERNEL=build/linux/vmlinuz tests/system/lua.t

TOP=$(cd "$(dirname "$0")/../.." && pwd)
PROGRAMS=$TOP/tests/system/programs
KERNEL=${SYSTEM_KERNEL:-$TOP/build/x86_64/cowslip}
BUSYBOX=/bin/busybox
WORK=$(mktemp -d)
LC_ALL=C
export LC_ALL
results=0

# A machine that a test left behind dies with its test.
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' INT TERM HUP

# result STATUS NAME: one line of TAP.
result() {
	results=$((results + 1))
	if [ "$1" = 0 ]; then
		echo "ok $results - $2"
	else
		echo "not ok $results - $2"
		return 1
	fi
}

# ok NAME COMMAND...: the command succeeds.
ok() {
	name=$1
	shift
	"$@" >"$WORK/ok.out" 2>&1
	result $? "$name" || remark <"$WORK/ok.out"
}

# is NAME GOT WANTED: both texts are equal.
is() {
	[ "$2" = "$3" ]
	result $? "$1" || {
		printf 'got:    %s\nwanted: %s\n' "$2" "$3" | remark
		return 1
	}
}

# contains NAME FILE PATTERN: the file has a line that the extended regular expression matches.
contains() {
	grep -qE -e "$3" "$2"
	result $? "$1" || { printf 'wanted: %s\nend of %s:\n' "$3" "${2##*/}"; tail -n 15 "$2"; } | remark
}

# skip NAME REASON
skip() {
	results=$((results + 1))
	echo "ok $results - $1 # SKIP $2"
}

# Prints stdin as TAP remarks.
remark() {
	tr -d '\r' | cut -c 1-300 | sed 's/^/# /' | head -n 40
}

finish() {
	echo "1..$results"
}

# in_machine [OPTIONS --] PROGRAM ARGUMENTS...: runs it with the launcher.
in_machine() {
	"$TOP/cowslip" run --kernel "$KERNEL" --timeout "${SECONDS_ALLOWED:-200}" --env LC_ALL=C "$@"
}

# on_host PROGRAM ARGUMENTS...: runs it here, in the environment that the launcher makes.
on_host() {
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root SHELL=/bin/sh LC_ALL=C "$@"
}

# same_as_host NAME [LAUNCHER OPTIONS... --] PROGRAM ARGUMENTS...: runs the program here and in the machine; output, byte
# by byte, and exit status are the same.
same_as_host() {
	name=$1
	shift
	: >"$WORK/options"
	case " $* " in
	*" -- "*)
		while [ "$1" != -- ]; do
			printf '%s\n' "$1" >>"$WORK/options"
			shift
		done
		shift
		;;
	esac
	on_host "$@" >"$WORK/host.out" 2>"$WORK/host.err" </dev/null
	host_status=$?
	# shellcheck disable=SC2046 # one word a line, none with blanks
	in_machine $(cat "$WORK/options") -- "$@" >"$WORK/machine.out" 2>"$WORK/machine.err" </dev/null
	machine_status=$?
	cmp "$WORK/host.out" "$WORK/machine.out" >"$WORK/cmp" 2>&1
	result $? "$name: the output is the same" || {
		cat "$WORK/cmp"
		diff "$WORK/host.out" "$WORK/machine.out" | head -n 10
		tail -n 20 "$WORK/machine.err"
	} | remark
	is "$name: the exit status is the same" "$machine_status" "$host_status" ||
		tail -n 20 "$WORK/machine.err" | remark
}

# boot SECONDS QEMU-OPTIONS...: starts a machine with its console on stdout and no input; its status, or 124 when the time is up.
boot() {
	seconds=$1
	shift
	timeout --foreground "$seconds" "${QEMU:-qemu-system-x86_64}" -accel tcg -nodefaults -display none -no-reboot \
		-serial stdio "$@" </dev/null
}

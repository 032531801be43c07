#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# CPython's own tests, as Debian ships them, here and in the machine, in the same root: the same results, but for the differences that
# programs/debian_python_differences names with their reasons.
#
# PYTHON_TESTS=all takes every module that is about the system (an hour); PYTHON_TESTS="test_os;test_socket *Unix*" those.
. "$(dirname "$0")/debian.sh"
cd "$WORK" || exit 1

few='test_mmap;test_fcntl;test_pty;test_socket *Unix* *SocketPair* *SCM*;test_posix *PosixTester*'
all='test_os;test_posix;test_mmap;test_subprocess;test_threading;test_signal;test_select;test_socket *Unix* *UNIX* *SocketPair* *SCM* *GeneralModule*;test_time
test_fcntl;test_resource;test_pty;test_poll;test_epoll;test_tempfile;test_shutil;test_asyncio;test_multiprocessing_fork;test_multiprocessing_forkserver
test_multiprocessing_spawn'
modules=${PYTHON_TESTS:-$few}
SECONDS_ALLOWED=400
[ "$modules" != all ] || modules=$all SECONDS_ALLOWED=3600
export SECONDS_ALLOWED

if [ "$(id -u)" != 0 ] || ! unshare -mnpfiu true 2>/dev/null; then
	skip 'CPython' "running the tests in Debian's root on this computer takes root"
	finish
	exit
fi

# Differences that are known: MODULE NAME-PATTERN HERE THERE, then a reason.
grep -v '^#' "$PROGRAMS/debian_python_differences" >known

# explained MODULE NAME HERE THERE: is there a line for it?
explained() {
	while read -r module pattern linux_says cowslip_says _; do
		[ "$linux_says $cowslip_says" = "$3 $4" ] || continue
		# shellcheck disable=SC2254 # a pattern
		case "$1 $2" in
		$module\ $pattern) return 0 ;;
		esac
	done <known
	return 1
}

compare() {
	unshare -mnpfiu sh "$PROGRAMS/debian_host.sh" "$DEBIAN" "$PROGRAMS" sh /mnt/debian_python.sh "$1" >host.out 2>host.err </dev/null
	in_debian sh "/mnt$PROGRAMS/debian_python.sh" "$1" >machine.out 2>machine.err </dev/null
	is "$1: the machine ends well" $? 0 || remark <machine.err
	sed -n 's/^result //p' host.out | sort -u >host.list
	sed -n 's/^result //p' machine.out | sort -u >machine.list
	[ -s host.list ]
	result $? "$1: there are results to compare with" || remark <host.err
	sed 's/ /|/' host.list | sort >host.results
	sed 's/ /|/' machine.list | sort >machine.results
	join -a 1 -a 2 -e missing -o 0,1.2,2.2 host.results machine.results >both
	count=0
	while read -r name here there; do
		[ "$here" != "$there" ] || continue
		explained "${name%%|*}" "${name#*|}" "$here" "$there" || {
			count=$((count + 1))
			echo "# $name: on Linux $here, here $there"
		}
	done <both
	is "$1: $(grep -c . host.list) results are the same" $count 0 || grep '^#' machine.out
}

old=$IFS
IFS=';
'
# shellcheck disable=SC2086 # words, separated by semicolons; nothing is expanded
set -f
set -- $modules
set +f
IFS=$old
for words; do
	compare "$words"
done
finish

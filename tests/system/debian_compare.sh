# SPDX-License-Identifier: BSD-2-Clause
#
# Others' suites of tests, run in the Debian root here and in the machine: the results are compared, one by one.
. "$(dirname "$0")/debian.sh"

if [ "$(id -u)" != 0 ] || ! unshare -mnpfiu true 2>/dev/null; then
	skip 'the suites' "running the tests in Debian's root on this computer takes root"
	finish
	exit
fi

# explained SUITE NAME HERE THERE: is there a line for it in the file of known differences: SUITE NAME-PATTERN HERE THERE, then a reason?
explained() {
	while read -r known_suite pattern linux_says cowslip_says _; do
		[ "$linux_says $cowslip_says" = "$3 $4" ] || continue
		# shellcheck disable=SC2254 # a pattern
		case "$1 $2" in
		$known_suite\ $pattern) return 0 ;;
		esac
	done <known
	return 1
}

# compare DIFFERENCES [--with PATH --] SCRIPT WORDS...: the script prints lines "result SUITE NAME OUTCOME"; the same ones here and there, but for known differences.
compare() {
	grep -v '^#' "$PROGRAMS/$1" >known
	shift
	with= more=
	if [ "$1" = --with ]; then
		with="--with $2 --" more=$2
		shift 3
	fi
	script=$1
	shift
	for suite; do :; done
	unshare -mnpfiu sh "$PROGRAMS/debian_host.sh" "$DEBIAN" "$PROGRAMS" ${more:+--with "$more"} sh "/mnt/$script" "$@" >host.out 2>host.err </dev/null
	# shellcheck disable=SC2086 # words
	in_debian $with sh "/mnt$PROGRAMS/$script" "$@" >machine.out 2>machine.err </dev/null
	is "$suite: the machine ends well" $? 0 || remark <machine.err
	sed -n 's/^result //p' host.out | sort -u >host.list
	sed -n 's/^result //p' machine.out | sort -u >machine.list
	[ -s host.list ]
	result $? "$suite: there are results to compare with" || remark <host.err
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
	is "$suite: $(grep -c . host.list) results are the same" $count 0 || grep '^#' machine.out
}

# each WORDS FUNCTION: the function with each part of the words, which are separated by semicolons and lines; nothing is expanded.
each() {
	old=$IFS function=$2
	IFS=';
'
	set -f
	# shellcheck disable=SC2086 # words
	set -- $1
	set +f
	IFS=$old
	for words; do
		$function "$words"
	done
}

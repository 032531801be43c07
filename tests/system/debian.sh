# SPDX-License-Identifier: BSD-2-Clause
#
# What the tests share that run in the Debian root of tools/debian-root; without one, a test is skipped.
. "$(dirname "$0")/lib.sh"

DEBIAN=${DEBIAN_ROOT:-$TOP/build/debian/root.img}
ENTER=$PROGRAMS/debian_enter.sh
DISK_OPTIONS=ro

if [ ! -f "$DEBIAN" ]; then
	echo "1..0 # SKIP no Debian root: $(tail -n 1 "$TOP/build/debian/failed" 2>/dev/null || echo 'make debian-root makes it')"
	exit 0
fi

# in_debian [OPTIONS --] PROGRAM ARGUMENTS...: runs it in the Debian root, which is read-only but for the usual places (or DISK_OPTIONS=rw); /mnt
# has the files that came along with --with.
in_debian() {
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
	# shellcheck disable=SC2046 # one word a line, none with blanks
	in_machine --cpus "${CPUS:-2}" --memory "${MEMORY:-1G}" --disk "$DEBIAN$([ "$DISK_OPTIONS" = rw ] || echo :ro)" \
		--env "DISK_OPTIONS=$DISK_OPTIONS" --with "$ENTER" --with "$PROGRAMS" $(cat "$WORK/options") \
		-- sh "$ENTER" "$@"
}

# tool [--with PATH -- | --writable] SCRIPT ARGUMENTS...: runs one of our scripts in the Debian root; its lines "ok NAME", "not ok NAME" and remarks become
# results.
tool() {
	with=
	if [ "$1" = --with ]; then
		with="--with $2 --"
		shift 3
	elif [ "$1" = --writable ]; then
		DISK_OPTIONS=rw
		shift
	fi
	script=$1
	shift
	# shellcheck disable=SC2086 # words
	in_debian $with sh "/mnt$PROGRAMS/$script" "$@" >"$WORK/tool.out" 2>"$WORK/tool.err" </dev/null
	is "$script $1: the machine ends well" $? 0 || remark <"$WORK/tool.err"
	while read -r line; do
		case $line in
		'ok '*) result 0 "${line#ok }" ;;
		'not ok '*) result 1 "${line#not ok }" ;;
		'# '*) echo "$line" ;;
		esac
	done <"$WORK/tool.out"
	DISK_OPTIONS=ro
}

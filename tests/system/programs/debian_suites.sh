# Tests of perl and tcl from their sources, with Debian's perl and tclsh; the result of each.  debian_suites.sh SOURCES "perl FILE..." or "tcl FILE..."
sources=$1
# shellcheck disable=SC2086 # words, patterns among them
set -f
set -- $2
set +f
suite=$1
shift
mkdir -p "/tmp/$suite" && cd "/tmp/$suite" || exit 1
case $suite in
perl)
	# The tests look for modules in ../lib, and for themselves in t.  Neither here nor there is a terminal.
	cp -r "$sources" t
	mkdir lib
	for place in /usr/share/perl/5.36 /usr/lib/x86_64-linux-gnu/perl-base /usr/lib/x86_64-linux-gnu/perl/5.36; do
		cp -rL $place/. lib/
	done
	cd t || exit 1
	for file in "$@"; do
		for test in $file; do
			status=0
			PERL_SKIP_TTY_TEST=1 timeout -s KILL 600 perl "$test" >../said 2>../errors </dev/null || status=$?
			failed=$(sed -n 's/^ *not ok \([0-9]*\).*/\1/p' ../said | tr '\n' ',')
			echo "result perl $test $(grep -c '^ok' ../said)-ok,failed:$failed,status:$status"
			grep -h '^not ok' ../said | head -n 3 | sed "s|^|# $test: |"
		done
	done
	;;
tcl)
	cp -r "$sources" tests
	cd tests || exit 1
	for file in "$@"; do
		for test in $file; do
			status=0
			timeout -s KILL 900 tclsh "$test" -verbose ps >../said 2>&1 </dev/null || status=$?
			sed -n "s/^\(++++\|====\) \([^ ]*\) .*\(PASSED\|SKIPPED\|FAILED\).*/result tcl \2 \3/p" ../said
			echo "result tcl $test status:$status"
		done
	done
	;;
esac

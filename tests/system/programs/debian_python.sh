# Runs modules of CPython's own tests in the Debian root, each with the tests that its words choose, and prints the result of each test.
# debian_python.sh "MODULE [PATTERN...]"...
cd /tmp || exit 1
ulimit -n 1024
cat >results.py <<'END_OF_PROGRAM'
import sys
import xml.etree.ElementTree as tree

for case in tree.parse(sys.argv[1]).iter("testcase"):
    bad = [child for child in case if child.tag in ("error", "failure")]
    outcome = bad[0].tag if bad else "ok"
    if case.get("result") == "skipped" or case.find("skipped") is not None:
        outcome = "skipped"
    print("result", sys.argv[2], case.get("name").replace(" ", "_"), outcome)
END_OF_PROGRAM
for words; do
	# shellcheck disable=SC2086 # words
	set -- $words
	module=$1
	shift
	# Linux in some machines has a virtual socket to its host, where nobody answers.  There is no UDP-Lite: its tests leave threads that wait.
	patterns='-i *VSOCK* -i *UDPLITE*'
	[ "$module" != test_socketserver ] || patterns="$patterns -u network"
	for pattern; do
		patterns="$patterns -m $pattern"
	done
	rm -f out.xml
	set -f
	# shellcheck disable=SC2086 # words
	timeout -s KILL 3000 python3 -m test --timeout 2900 --junit-xml out.xml $patterns "$module" >said 2>&1 </dev/null
	set +f
	if [ -s out.xml ]; then
		python3 results.py out.xml "$module"
	else
		echo "result $module all none"
		tail -n 20 said | sed 's/^/# /'
	fi
	sed -n 's/^\(ERROR\|FAIL\): /# &/p' said
done

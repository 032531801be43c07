# Arrays, process substitution, job control, traps, arithmetic, here-documents.
declare -A age=([ann]=31 [bob]=27 [cid]=45)
for name in $(printf '%s\n' "${!age[@]}" | sort); do echo "$name ${age[$name]}"; done
numbers=({1..500})
total=0
for n in "${numbers[@]}"; do ((total += n * n)); done
echo "$total ${#numbers[@]} ${numbers[@]: -3}"
diff <(seq 1 10) <(seq 1 2 10)
echo "diff says $?"
coproc cat
echo through a coprocess >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
echo "$line"
pid=$COPROC_PID
exec {COPROC[1]}>&-
wait "$pid"
for i in 1 2 3 4 5; do (sleep "0.$((6 - i))"; exit "$i") & done
wait -n; echo "first to end: $?"
wait; echo "all ended"
trap 'echo "trap $LINENO" >/dev/null; echo usr1' USR1
kill -USR1 $$
trap 'echo leaving' EXIT
set -o pipefail
false | true; echo "pipefail $?"
[[ "release 6.1.0" =~ ([0-9]+)\.([0-9]+) ]] && echo "${BASH_REMATCH[1]}-${BASH_REMATCH[2]}"
mapfile -t lines < <(printf 'a b\nc d\n'); printf '<%s>' "${lines[@]}"; echo
printf -v padded '%08.3f|%-10s|%x' 3.14159 left 255; echo "$padded"
fib() { local n=$1; ((n < 2)) && { echo "$n"; return; }; echo $(($(fib $((n - 1))) + $(fib $((n - 2))))); }
fib 10
cat <<-END | tr a-z A-Z
	a here document with $((6 * 7))
END
echo "${PWD##*/}" "${BASH_VERSION%%.*}" "$(type -t [[)"
text=$(head -c 100000 /dev/zero | tr '\0' z); echo "${#text}"
(ulimit -f 8; head -c 100000 /dev/zero >/tmp/limited.$$ 2>/dev/null; echo "file limit: $?"; rm -f /tmp/limited.$$)
exit 13

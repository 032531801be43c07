# A thousand pipelines of busybox's tools, and what they compute.
set -u
mkdir -p /tmp/pipelines.$$ && cd /tmp/pipelines.$$ || exit 1
seq 1 200 >numbers
i=0
while [ $i -lt 200 ]; do
	i=$((i + 1))
	a=$(seq 1 $i | sort -r | head -n 1)
	b=$(echo "line $i of many" | tr a-z A-Z | sed 's/LINE/row/' | cut -d ' ' -f 1-3)
	c=$(cat numbers | grep -c "$((i % 10))\$")
	d=$(printf '%s\n' c a b "$i" | sort | tr '\n' ,)
	e=$(awk -v n=$i 'NR <= n { s += $1 } END { print s }' <numbers | tee sum)
	echo "$a|$b|$c|$d|$e|$(cat sum | wc -c)"
done | tee all | md5sum
wc -l <all
sort -t '|' -k 5 -n -r all | head -n 3
for word in one two three; do (echo $word; echo $word $word) | (read -r first; read -r second; echo "$second-$first"); done
sh -c 'exit 3' | cat; echo "status $?"
false | true && echo 'the last one counts'
(trap 'echo caught' TERM; kill -TERM $$ 2>/dev/null & wait) | cat >/dev/null
find . -type f | sort | xargs ls | tar -cf - -T - | tar -tf - | wc -l
seq 1 5000 | gzip -c | gunzip -c | cksum
seq 1 3000 | od -An -tx1 | sha256sum
cat <<END | rev | tac
first
second
END
cd / && rm -r /tmp/pipelines.$$ && echo done
exit 7

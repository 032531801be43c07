# GNU grep on text that is made here.
dir=/tmp/grep.$$
mkdir -p $dir/sub && cd $dir || exit 1
seq 1 50000 | sed 's/$/ the value is &/' >text
printf 'binary\0data\nplain\n' >binary
cp text sub/copy
grep -c 77 text
grep -nE '^(12|34)5+ ' text
grep -oP '(?<=is )4(\d)\1\1$' text | head -n 5
grep -rl '49999' . | sort
grep -vc '[02468]$' text
grep -w -A 1 -B 1 '^31415' text
grep -iF -e 'VALUE IS 7 ' -e 'VALUE IS 123$' text | wc -l
grep data binary; echo "status $?"
grep -a plain binary
grep -q absent text; echo "status $?"
grep x /no/such/file 2>/dev/null; echo "status $?"
grep -E '(a|b)*c|(.)\2\2\2' text | wc -l
seq 1 100000 | grep -m 3 99
rm -r $dir

# GNU coreutils, one after another, on files that are made here.
set -u
umask 022
dir=/tmp/coreutils.$$
/bin/mkdir -p $dir/a/b && cd $dir || exit 1
/usr/bin/seq 1 20000 >n
/usr/bin/shuf --random-source=n n | /usr/bin/sort -n | /usr/bin/cmp - n && echo sorted
/usr/bin/sort --parallel=4 -R --random-source=n n | /usr/bin/wc
/usr/bin/split -l 3000 n part. && /bin/ls && /bin/cat part.* | /usr/bin/md5sum
for sum in cksum sum md5sum sha1sum sha256sum sha512sum b2sum; do /usr/bin/$sum <n; done
/usr/bin/tac n | /usr/bin/head -n 3 | /usr/bin/paste -s -d +
/usr/bin/join <(/bin/sed -n '1,5s/$/ left/p' n) <(/bin/sed -n '3,8s/$/ right/p' n) 2>/dev/null || echo 'no join'
/usr/bin/factor 1234567890 9999999967
/usr/bin/tr -dc 0-4 <n | /usr/bin/fold -w 60 | /usr/bin/tail -n 2
/bin/cp -a a copy && /bin/ln -s copy link && /bin/ln n hard && /usr/bin/stat -c '%N %h %A %F' link hard a
/bin/mv part.aa a/b/ && /usr/bin/du --apparent-size -b n && /usr/bin/realpath --relative-to=/ a/b/part.aa | /usr/bin/cut -d / -f 3-
/bin/touch -d '2001-02-03 04:05:06 UTC' n && TZ=UTC /bin/ls -l --full-time n | /usr/bin/cut -d ' ' -f 5-7
/bin/chmod 4750 n && /usr/bin/stat -c %a n
/usr/bin/truncate -s 1M hole && /usr/bin/stat -c '%s' hole && /bin/dd if=n of=hole bs=1000 count=5 seek=7 conv=notrunc status=none && /usr/bin/sha1sum hole
/usr/bin/env -i X=1 /usr/bin/printenv
/usr/bin/timeout 0.2 /bin/sleep 10; echo "timeout says $?"
/usr/bin/nproc --ignore=1000
/usr/bin/od -A d -t x1z -N 32 n
/usr/bin/base64 n | /usr/bin/base64 -d | /usr/bin/cmp - n && echo base64
/usr/bin/comm -12 <(/usr/bin/sort n) <(/usr/bin/seq 5 3 40 | /usr/bin/sort) | /usr/bin/tr '\n' ' '; echo
/usr/bin/date -u -d @1000000000 +%FT%T
/usr/bin/expr 6 '*' 7; /usr/bin/numfmt --to=iec 123456789; /usr/bin/printf '%5.2f|%q\n' 2.718 'a b'
/usr/bin/tee x y <part.ab >/dev/null && /usr/bin/cmp x y && /usr/bin/uniq -c <(/usr/bin/cut -c 1 x) | /usr/bin/head -n 3
/bin/rm -r $dir && /usr/bin/test ! -e $dir && echo removed
/bin/cat /no/such/file 2>&1
/usr/bin/id -u

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's ip, ss, ping and traceroute, and the C library's resolver, in a machine with a network card.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1

for cpus in 1 2 4; do
	in_machine --net --cpus "$cpus" --with "$(command -v ip)" --with "$(command -v ss)" --with "$(command -v ping)" \
		--with "$(command -v traceroute)" --with /etc/services --package libpython3.11-stdlib \
		-- python3 "$PROGRAMS/nettools.py" >out 2>err
	is "$cpus CPUs: the program ends" $? 0 || remark <err
	while read -r result name; do
		[ "$result" = ok ]
		is "$cpus CPUs: $name" $? 0 || remark <err
	done <out
	contains "$cpus CPUs: it says that it is done" out '^ok all is done'
done
finish

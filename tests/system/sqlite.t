#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A SQL script of 100,000 rows, on a database in a file, and the file read again by a second run.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

same_as_host 'sqlite3: 100,000 rows' --with /usr/bin/sqlite3 -- \
	sh -c 'sqlite3 /tmp/rows.db <rows.sql && sqlite3 /tmp/rows.db "select sum(balance) from account"; rm /tmp/rows.db' sh rows.sql
finish

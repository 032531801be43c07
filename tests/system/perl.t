#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A Perl program: regular expressions, hashes, files, fork, pipes, alarms.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

same_as_host perl -- /usr/bin/perl work.pl
finish

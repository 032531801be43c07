#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# GNU grep with basic, extended and Perl expressions, on text and binary files.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

same_as_host grep --with /bin/grep -- sh grep.sh
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A Python program with subprocesses, threads, files and signals, on one CPU and on four.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

same_as_host 'python3, one CPU' -- /usr/bin/python3 work.py
same_as_host 'python3, four CPUs' --cpus 4 -- /usr/bin/python3 work.py
finish

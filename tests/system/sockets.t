#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Python's servers, asyncio and multiprocessing over unix sockets, on one CPU and on four.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

same_as_host 'sockets.py, one CPU' --package libpython3-stdlib -- /usr/bin/python3 sockets.py
same_as_host 'sockets.py, four CPUs' --cpus 4 --package libpython3-stdlib -- /usr/bin/python3 sockets.py
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# CPython's own tests, as Debian ships them, here and in the machine, in the same root: the same results, but for the differences that
# programs/debian_python_differences names with their reasons.
#
# PYTHON_TESTS=all takes every module that is about the system (an hour); PYTHON_TESTS="test_os;test_socket *Unix*" those, SECONDS_ALLOWED=1000 each.
. "$(dirname "$0")/debian_compare.sh"
cd "$WORK" || exit 1

few='test_mmap;test_fcntl;test_pty;test_socket *Unix* *SocketPair* *SCM*;test_posix *PosixTester*'
all='test_os;test_posix;test_mmap;test_subprocess;test_threading;test_signal;test_select;test_socket *Unix* *UNIX* *SocketPair* *SCM* *GeneralModule*;test_time
test_fcntl;test_resource;test_pty;test_poll;test_epoll;test_tempfile;test_shutil;test_asyncio;test_multiprocessing_fork;test_multiprocessing_forkserver
test_multiprocessing_spawn'
modules=${PYTHON_TESTS:-$few}
SECONDS_ALLOWED=${SECONDS_ALLOWED:-400}
[ "$modules" != all ] || modules=$all SECONDS_ALLOWED=3600
export SECONDS_ALLOWED

module() {
	compare debian_python_differences debian_python.sh "$1"
}
each "$modules" module
finish

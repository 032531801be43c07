#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# CPython's own tests, as Debian ships them, here and in the machine, in the same root: the same results, but for the differences that
# programs/debian_python_differences names with their reasons.
#
# PYTHON_TESTS=all takes every module that is about the system (an hour), network and asyncio a part of them; PYTHON_TESTS="test_os;test_socket *Unix*" those,
# SECONDS_ALLOWED=1000 each.
. "$(dirname "$0")/debian_compare.sh"
cd "$WORK" || exit 1

few='test_mmap;test_fcntl;test_pty;test_socket *Unix* *SocketPair* *SCM*;test_posix *PosixTester*'
all='test_os;test_posix;test_mmap;test_subprocess;test_threading;test_signal;test_time;test_fcntl;test_resource;test_pty;test_poll;test_epoll;test_select;test_selectors
test_tempfile;test_shutil;test_multiprocessing_fork;test_multiprocessing_forkserver;test_multiprocessing_spawn'
network='test_socket;test_socketserver;test_asyncore;test_asynchat;test_ssl;test_httplib;test_httpservers;test_urllib2_localnet;test_xmlrpc;test_docxmlrpc;test_wsgiref
test_smtplib;test_smtpd;test_ftplib;test_poplib;test_imaplib;test_nntplib;test_telnetlib'
asyncio='base_events events server;sock_lowlevel sendfile streams;ssl sslproto;unix_events subprocess selector_events runners
buffered_proto context futures futures2 locks pep492 protocols queues;taskgroups tasks threads timeouts transports waitfor'
modules=${PYTHON_TESTS:-$few}
SECONDS_ALLOWED=${SECONDS_ALLOWED:-400}
case $modules in
all | network | asyncio) SECONDS_ALLOWED=3600 ;;
esac
export SECONDS_ALLOWED

module() {
	compare debian_python_differences debian_python.sh "$1"
}
# Files of test_asyncio, by name.
asyncio_files() {
	words=$1
	set -- test_asyncio
	for file in $words; do
		set -- "$@" "*.test_$file.*"
	done
	module "$*"
}

case $modules in
all)
	each "$all" module
	each "$network" module
	each "$asyncio" asyncio_files
	;;
network) each "$network" module ;;
asyncio) each "$asyncio" asyncio_files ;;
*) each "$modules" module ;;
esac
finish

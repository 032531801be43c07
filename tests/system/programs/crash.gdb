# SPDX-License-Identifier: BSD-2-Clause
set pagination off
set width 0
run crash
backtrace
print where
print $_siginfo._sifields._sigfault.si_addr
kill

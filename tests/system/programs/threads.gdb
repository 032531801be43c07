# SPDX-License-Identifier: BSD-2-Clause
set pagination off
set width 0
set print thread-events off
break add
run
backtrace 2
print left + right
finish
delete
print counter
watch counter
continue
continue
delete
break run_child
continue
delete
stepi
next
x/2i $pc
info registers rip
print $_siginfo.si_signo
print table
set var table[1] = 70
continue

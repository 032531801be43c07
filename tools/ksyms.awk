# SPDX-License-Identifier: BSD-2-Clause
#
# The kernel's table of its own function names, for back traces: from `nm -n` of the linked kernel to assembly.
# kernel/arch/x86_64/symbols.c reads it.  Usage: nm -n KERNEL | awk -f tools/ksyms.awk

BEGIN {
	count = 0
}

/^ffffffff8.* [tT] / {
	if ($1 == last)
		next
	last = $1
	address[count] = substr($1, 9)
	name[count++] = $3
}

END {
	print "\t.section .ksyms, \"a\""
	print "\t.align 16"
	print "\t.long " count
	for (i = 0; i < count; i++)
		print "\t.long 0x" address[i] ", name" i " - names"
	print "names:"
	for (i = 0; i < count; i++)
		print "name" i ": .asciz \"" name[i] "\""
	print "\t.section .note.GNU-stack, \"\", @progbits"
}

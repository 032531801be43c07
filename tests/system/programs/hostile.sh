# Programs that do what they should not, one after another; after each the shell must still work.
alive() {
	[ "$(echo still here | tr a-z A-Z)" = 'STILL HERE' ] && echo "$1: the system lives on"
}

# A program that forks until it fails: a limit stops it, nobody else suffers.
(
	ulimit -u 200 2>/dev/null
	hostile fork-bomb
)
alive 'fork bomb'
hostile memory-eater
echo "memory eater: status $?"
alive 'memory eater'
hostile many-eaters
alive 'many eaters'
hostile file-eater
alive 'file eater'
rm -f /tmp/eaten*
hostile table-eater
echo "table eater: status $?"
alive 'table eater'
for what in pipe thread directory name; do
	hostile $what-eater
	alive "$what eater"
done
hostile file-opener
alive 'file opener'
hostile memory-sitter
alive 'memory sitter'
hostile descriptors
alive 'descriptors'
hostile deep-stack
echo "deep stack: status $?"
alive 'deep stack'
hostile wild-jumps
alive 'wild jumps'
hostile bad-calls
alive 'bad calls'

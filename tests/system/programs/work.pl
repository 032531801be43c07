# Regular expressions, hashes, sorting, files, fork and pipes.
use strict;
use warnings;

$| = 1;
my %count;
$count{length $_}++ for map { "x" x ($_ * 7919 % 61) } 1 .. 30000;
print join(",", map { "$_=$count{$_}" } sort { $a <=> $b } keys %count), "\n";

my $text = join " ", map { sprintf "%05d-%s", $_, chr(97 + $_ % 26) x 3 } 1 .. 5000;
my @found = $text =~ /(\d{3}7)-([aeiou])\2\2/g;
print scalar(@found), " @found[0 .. 5]\n";
(my $copy = $text) =~ s/(\d+)-(\w+)/$2:$1/g;
print unpack("%32C*", $copy), " ", length $copy, "\n";

my $name = "/tmp/work.pl.$$";
open my $file, ">", $name or die "$name: $!";
print $file "line $_\n" for 1 .. 20000;
close $file;
open $file, "<", $name or die;
my $sum = 0;
while (<$file>) { $sum += $1 if /(\d+)/ }
close $file;
print "$sum ", -s $name, " ", unlink($name), "\n";

for my $i (1 .. 5) {
	pipe my $reader, my $writer or die;
	my $pid = fork // die;
	if (!$pid) { close $reader; print $writer "child $i\n"; exit $i }
	close $writer;
	print scalar <$reader>;
	waitpid $pid, 0;
	print "status ", $? >> 8, "\n";
}
print `seq 1 100 | sort -rn | head -n 2`;
local $SIG{ALRM} = sub { die "alarm\n" };
eval { alarm 1; select undef, undef, undef, 20; };
print "caught $@";
my @sorted = sort { $a->[1] <=> $b->[1] || $a->[0] cmp $b->[0] } map { [ "k$_", $_ * 7919 % 1009 ] } 1 .. 5000;
print join(" ", map { $_->[0] } @sorted[0 .. 9]), "\n";
printf "%s %.6f %e\n", 2**40, 1 / 3, 12345.678;
exit 11;

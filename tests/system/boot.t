#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The kernel boots on every machine, processor, memory size and number of CPUs that we support, and through GRUB; the words of its
# command line mean what they mean on Linux.
. "$(dirname "$0")/lib.sh"

# A small system: says that it is there and what it sees, and switches the machine off.
mkdir -p "$WORK/root"
cat >"$WORK/root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc 2>/dev/null
echo "the system is up: $(grep -c ^processor /proc/cpuinfo) cpus, $(awk '/^MemTotal/ {print $2}' /proc/meminfo) KiB"
case $(cat /proc/cmdline) in
*crash-it*) exit 1 ;;
*other-init*) ;;
esac
poweroff -f
END
cat >"$WORK/root/other" <<'END'
#!/bin/sh
echo "the other init, called with: $*"
poweroff -f
END
chmod +x "$WORK/root/init" "$WORK/root/other"
IMAGE=$WORK/boot.cpio
"$TOP/tools/mkinitramfs" -o "$IMAGE" --busybox --root "$WORK/root" || exit 1

# run_kernel SECONDS WORDS QEMU-OPTIONS...: boots; the console goes to $WORK/console.
run_kernel() {
	allowed=$1 words=$2
	shift 2
	boot "$allowed" -kernel "$KERNEL" -initrd "$IMAGE" -append "console=ttyS0 panic=-1 $words" "$@" >"$WORK/console" 2>&1
}

# comes_up NAME QEMU-OPTIONS...
comes_up() {
	name=$1
	shift
	run_kernel 60 quiet "$@"
	status=$?
	contains "$name: the system comes up" "$WORK/console" "^the system is up: ${CPUS:-1} cpus"
	is "$name: poweroff -f ends QEMU" "$status" 0
}

# Machines and processors
comes_up 'pc, qemu64' -machine pc -cpu qemu64 -m 256M
comes_up 'pc, max' -machine pc -cpu max -m 256M
comes_up 'q35, qemu64' -machine q35 -cpu qemu64 -m 256M
comes_up 'q35, max' -machine q35 -cpu max -m 256M
comes_up 'microvm, qemu64' -machine microvm -cpu qemu64 -m 256M
comes_up 'microvm, max' -machine microvm -cpu max -m 256M

# Memory and CPUs
for memory in 16M 20M 64M 1G 3G 5G 16G; do
	comes_up "$memory of memory" -machine q35 -m "$memory"
done
for cpus in 1 2 3 4 5 6 7 8; do
	CPUS=$cpus comes_up "$cpus CPUs" -machine q35 -m 256M -smp "$cpus"
done

# Words of the command line
run_kernel 60 'quiet mem=100M' -m 1G
kib=$(sed -n 's/.*cpus, \([0-9]*\) KiB.*/\1/p' "$WORK/console" | tr -d '\r')
[ "${kib:-0}" -gt 50000 ] && [ "$kib" -le 102400 ]
result $? "mem=100M: the system has at most that (${kib:-no} KiB)"

run_kernel 60 'quiet rdinit=/other -- a b' -m 256M
contains 'rdinit= chooses the first program, and words behind -- are its arguments' "$WORK/console" \
	'^the other init, called with: a b'
run_kernel 60 'quiet rdinit=/no/such' -m 256M
contains 'a first program that is not there: the kernel says so' "$WORK/console" '/no/such'

# Panics
run_kernel 60 'quiet crash-it' -m 256M
is 'a panic with panic=-1 and -no-reboot ends QEMU' $? 0
contains 'the end of the first program is a panic that says so' "$WORK/console" 'panic.*(init|first program|process 1)'
boot 60 -kernel "$KERNEL" -append 'console=ttyS0 panic=-1 root=/dev/nothing1' -m 256M >"$WORK/console" 2>&1
is 'without an initramfs, an unknown root= ends QEMU' $? 0
contains 'and the panic names it' "$WORK/console" 'panic.*(root|init)'
boot 8 -kernel "$KERNEL" -initrd "$IMAGE" -append 'console=ttyS0 quiet crash-it' -m 256M >"$WORK/console" 2>&1
is 'without panic= the machine stands still' $? 124
contains 'and shows its panic' "$WORK/console" 'panic'

# GRUB, Multiboot 1: the archive is a module.  A bzImage, given for comparison, needs other commands.
grub_image() {
	mkdir -p "$WORK/iso/boot/grub"
	cp "$KERNEL" "$WORK/iso/boot/kernel"
	cp "$IMAGE" "$WORK/iso/boot/initramfs"
	load="multiboot /boot/kernel console=ttyS0 quiet panic=-1
module /boot/initramfs"
	case $(od -An -tx1 -N4 "$KERNEL" | tr -d ' ') in
	7f454c46) ;;
	*)
		load="linux /boot/kernel console=ttyS0 quiet panic=-1
initrd /boot/initramfs"
		;;
	esac
	printf 'set timeout=0\nset default=0\nmenuentry Cowslip {\n%s\n}\n' "$load" >"$WORK/iso/boot/grub/grub.cfg"
	grub-mkrescue -o "$WORK/grub.iso" "$WORK/iso" >"$WORK/grub.log" 2>&1
}
ok 'grub-mkrescue makes an image' grub_image
boot 90 -cdrom "$WORK/grub.iso" -boot d -m 256M >"$WORK/console" 2>&1
is 'the machine that GRUB booted ends by itself' $? 0
contains 'GRUB boots the kernel with its module' "$WORK/console" '^the system is up: 1 cpus'
finish

# SPDX-License-Identifier: BSD-2-Clause
#
# The same static program on Debian's Linux and on Cowslip: make bench.  BENCH="--quick --only Cowslip" hands options to
# bench/run.

BENCH_OUT := $(BUILD)/bench

.PHONY: bench
bench: setup kernel $(BENCH_OUT)/initramfs.cpio $(BENCH_OUT)/shell.cpio $(BENCH_OUT)/firmware $(BUILD)/linux/vmlinuz
	@bench/run $(BENCH)

$(BENCH_OUT)/bench: $(wildcard bench/*.c) bench/bench.h
	@mkdir -p $(@D)
	musl-gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -s -o $@ $(filter %.c,$^) -lpthread

$(BENCH_OUT)/initramfs.cpio: $(BENCH_OUT)/bench
	tools/mkinitramfs -o $@ --file $<=/init

# Comes to a shell, says so, and switches the machine off.
$(BENCH_OUT)/shell.cpio: bench/shell_init tools/mkinitramfs
	@mkdir -p $(@D)
	tools/mkinitramfs -o $@ --busybox --file $<=/init

$(BENCH_OUT)/firmware: bench/firmware.S
	@mkdir -p $(@D)
	gcc -m32 -nostdlib -static -no-pie -Wl,--build-id=none,-Ttext=0x100000,-e,start -o $@ $<
